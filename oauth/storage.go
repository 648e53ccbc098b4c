package oauth

import (
	"context"

	kalends "kalends"
)

// Storage keeps grants, codes and tokens within one transaction. What is not
// there is kalends.KindNotFound.
type Storage interface {
	// Lock makes others who lock the same grant wait until the transaction ends.
	Lock(ctx context.Context, grantID string) error
	// Grant gives a grant, revoked or not.
	Grant(ctx context.Context, id string) (kalends.Grant, error)
	// LiveGrantOfSub gives an application's living grant for ser_…, acc_… or res_….
	LiveGrantOfSub(ctx context.Context, applicationID, sub string) (kalends.Grant, error)
	// RevokeGrant ends a grant with all its tokens and unused codes.
	RevokeGrant(ctx context.Context, id string) (bool, error)

	InsertCode(ctx context.Context, code kalends.Code) error
	// Code gives a code, used or expired ones too.
	Code(ctx context.Context, hash string) (kalends.Code, error)
	// UseCode marks a code used; of all who ever try, one gets true.
	UseCode(ctx context.Context, hash string) (bool, error)

	InsertToken(ctx context.Context, token kalends.Token) error
	// Token gives a token, expired ones too.
	Token(ctx context.Context, hash string) (kalends.Token, error)
	// DeleteTokensOfCode ends all tokens that came from a code.
	DeleteTokensOfCode(ctx context.Context, codeHash string) (int64, error)

	// ApplicationBySecret gives the application that a client secret which is
	// valid now belongs to.
	ApplicationBySecret(ctx context.Context, clientSecret string) (kalends.Application, error)
}

package store

import (
	"context"

	kalends "kalends"
	"kalends/db"
)

// Grants is what the authorization server keeps, within one transaction.
type Grants struct {
	store *Store
	tx    *db.Tx
}

// Grants gives the grants, codes and tokens within a transaction.
func (s *Store) Grants(tx *db.Tx) Grants { return Grants{s, tx} }

// Lock makes others who lock the same grant wait until the transaction ends.
func (g Grants) Lock(ctx context.Context, grantID string) error {
	return g.tx.Lock(ctx, "grant/"+grantID)
}

// Grant is Store.Grant.
func (g Grants) Grant(ctx context.Context, id string) (kalends.Grant, error) {
	return g.store.Grant(ctx, g.tx, id)
}

// LiveGrantOfSub is Store.LiveGrantOfSub.
func (g Grants) LiveGrantOfSub(ctx context.Context, applicationID, sub string) (kalends.Grant, error) {
	return g.store.LiveGrantOfSub(ctx, g.tx, applicationID, sub)
}

// RevokeGrant is Store.RevokeGrant.
func (g Grants) RevokeGrant(ctx context.Context, id string) (bool, error) {
	return g.store.RevokeGrant(ctx, g.tx, id)
}

// InsertCode is Store.InsertCode.
func (g Grants) InsertCode(ctx context.Context, code kalends.Code) error {
	return g.store.InsertCode(ctx, g.tx, code)
}

// Code is Store.Code.
func (g Grants) Code(ctx context.Context, hash string) (kalends.Code, error) {
	return g.store.Code(ctx, g.tx, hash)
}

// UseCode is Store.UseCode.
func (g Grants) UseCode(ctx context.Context, hash string) (bool, error) {
	return g.store.UseCode(ctx, g.tx, hash)
}

// InsertToken is Store.InsertToken.
func (g Grants) InsertToken(ctx context.Context, token kalends.Token) error {
	return g.store.InsertToken(ctx, g.tx, token)
}

// Token is Store.Token.
func (g Grants) Token(ctx context.Context, hash string) (kalends.Token, error) {
	return g.store.Token(ctx, g.tx, hash)
}

// DeleteTokensOfCode is Store.DeleteTokensOfCode.
func (g Grants) DeleteTokensOfCode(ctx context.Context, codeHash string) (int64, error) {
	return g.store.DeleteTokensOfCode(ctx, g.tx, codeHash)
}

// ApplicationBySecret is Store.ApplicationBySecret.
func (g Grants) ApplicationBySecret(ctx context.Context, clientSecret string) (kalends.Application, error) {
	return g.store.ApplicationBySecret(ctx, g.tx, clientSecret)
}

package cronofy

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// TokenSource gives access tokens.
type TokenSource interface {
	// AccessToken gives a token that should be valid. refused is one that the
	// API just answered 401 to, or "": giving the same again means that there
	// is no better one.
	AccessToken(ctx context.Context, refused string) (string, error)
}

// StaticToken is an access token that cannot be renewed.
type StaticToken string

// AccessToken implements TokenSource.
func (t StaticToken) AccessToken(context.Context, string) (string, error) { return string(t), nil }

// early is how long before its end an access token is renewed.
const early = time.Minute

// Renewing gives the token's access token, and renews it with the refresh token
// shortly before its end or when the API refuses it. save, if not nil, gets each
// new token before it is used; its error fails the call. It may be used by many
// goroutines at once, which share one renewal.
func (c *Client) Renewing(token Token, save func(context.Context, Token) error) TokenSource {
	return &renewing{client: c, token: token, save: save}
}

type renewing struct {
	client *Client
	save   func(context.Context, Token) error

	mu    sync.Mutex
	token Token
}

func (r *renewing) AccessToken(ctx context.Context, refused string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.usable(refused) {
		return r.token.AccessToken, nil
	}
	fresh, err := r.client.Refresh(ctx, r.token.RefreshToken)
	if err != nil {
		return "", err
	}
	fresh = r.merged(fresh)
	if r.save != nil {
		if err := r.save(ctx, fresh); err != nil {
			return "", err
		}
	}
	r.token = fresh
	return fresh.AccessToken, nil
}

// usable: an unknown end (a token read from a database without it) is tried.
func (r *renewing) usable(refused string) bool {
	t := r.token
	if t.AccessToken == "" || t.AccessToken == refused {
		return false
	}
	return t.ExpiresAt.IsZero() || time.Until(t.ExpiresAt) > early
}

// merged keeps the identity, which the answer to a refresh does not repeat.
func (r *renewing) merged(fresh Token) Token {
	old := r.token
	old.AccessToken, old.ExpiresIn, old.ExpiresAt = fresh.AccessToken, fresh.ExpiresIn, fresh.ExpiresAt
	if fresh.RefreshToken != "" {
		old.RefreshToken = fresh.RefreshToken
	}
	if fresh.Scope != "" {
		old.Scope = fresh.Scope
	}
	return old
}

// Bearer makes calls with one access token: a person's, a room's or a service
// account's. It may be used by many goroutines at once.
type Bearer struct {
	client   *Client
	source   TokenSource
	language string
}

// Bearer makes calls with the tokens of a source.
func (c *Client) Bearer(source TokenSource) *Bearer { return &Bearer{client: c, source: source} }

// In gives the same, with texts in a language: "de" or "en".
func (b *Bearer) In(language string) *Bearer {
	return &Bearer{client: b.client, source: b.source, language: language}
}

// do sends the call, and once more with a renewed token if it was refused.
func (b *Bearer) do(ctx context.Context, k call) error {
	token, err := b.source.AccessToken(ctx, "")
	if err != nil {
		return err
	}
	k.bearer, k.language = token, b.language
	err = b.client.do(ctx, k)
	if StatusOf(err) != http.StatusUnauthorized {
		return err
	}
	fresh, renewErr := b.source.AccessToken(ctx, token)
	if renewErr != nil {
		return renewErr
	}
	if fresh == token {
		return err
	}
	k.bearer = fresh
	return b.client.do(ctx, k)
}

func (b *Bearer) get(ctx context.Context, path string, into any) error {
	return b.do(ctx, call{method: http.MethodGet, path: path, into: into})
}

package oauth_test

import (
	"context"

	kalends "kalends"
	"kalends/oauth"
)

// memory is a Storage for tests of the rules alone; that store keeps the same
// promises is tested there.
type memory struct {
	apps   map[string]kalends.Application // by secret
	grants map[string]kalends.Grant
	codes  map[string]kalends.Code
	tokens map[string]kalends.Token
	used   map[string]bool
}

func newMemory() *memory {
	return &memory{
		apps: map[string]kalends.Application{}, grants: map[string]kalends.Grant{},
		codes: map[string]kalends.Code{}, tokens: map[string]kalends.Token{}, used: map[string]bool{},
	}
}

var _ oauth.Storage = (*memory)(nil)

func get[T any](m map[string]T, key string) (T, error) {
	value, ok := m[key]
	if !ok {
		return value, kalends.Errorf(kalends.KindNotFound, "none")
	}
	return value, nil
}

func (m *memory) Lock(context.Context, string) error { return nil }

func (m *memory) Grant(_ context.Context, id string) (kalends.Grant, error) { return get(m.grants, id) }

func (m *memory) LiveGrantOfSub(_ context.Context, applicationID, sub string) (kalends.Grant, error) {
	for _, g := range m.grants {
		mine := g.AccountID == sub || g.AccountID == "" && g.OrganisationID == sub
		if g.ApplicationID == applicationID && mine && g.RevokedAt.IsZero() {
			return g, nil
		}
	}
	return kalends.Grant{}, kalends.Errorf(kalends.KindNotFound, "none")
}

// RevokeGrant deletes nothing, so that the rules must look at the grant by themselves.
func (m *memory) RevokeGrant(_ context.Context, id string) (bool, error) {
	g := m.grants[id]
	g.RevokedAt = start
	m.grants[id] = g
	return true, nil
}

func (m *memory) InsertCode(_ context.Context, c kalends.Code) error {
	m.codes[c.Hash] = c
	return nil
}

func (m *memory) Code(_ context.Context, hash string) (kalends.Code, error) {
	return get(m.codes, hash)
}

func (m *memory) UseCode(_ context.Context, hash string) (bool, error) {
	c := m.codes[hash]
	first := c.UsedAt.IsZero()
	c.UsedAt = start
	m.codes[hash] = c
	return first, nil
}

func (m *memory) InsertToken(_ context.Context, t kalends.Token) error {
	m.tokens[t.Hash] = t
	return nil
}

func (m *memory) Token(_ context.Context, hash string) (kalends.Token, error) {
	return get(m.tokens, hash)
}

func (m *memory) DeleteTokensOfCode(_ context.Context, codeHash string) (n int64, _ error) {
	for hash, t := range m.tokens {
		if t.CodeHash == codeHash {
			delete(m.tokens, hash)
			n++
		}
	}
	return n, nil
}

func (m *memory) ApplicationBySecret(_ context.Context, secret string) (kalends.Application, error) {
	return get(m.apps, secret)
}

package store

import (
	"context"
	"time"

	kalends "kalends"
	"kalends/db"
)

// ProviderAccounts is a number of accounts.
type ProviderAccounts struct {
	Provider kalends.Provider
	Status   kalends.AccountStatus
	Accounts int
}

// AccountsByProvider counts the accounts of the whole installation.
func (s *Store) AccountsByProvider(ctx context.Context, tx *db.Tx) ([]ProviderAccounts, error) {
	return db.All(ctx, tx, func(row db.Row) (ProviderAccounts, error) {
		var p ProviderAccounts
		return p, row.Scan(&p.Provider, &p.Status, &p.Accounts)
	}, `SELECT c.provider, a.status, COUNT(*) FROM accounts a JOIN connections c ON c.id = a.connection_id
		GROUP BY c.provider, a.status`)
}

// Ages say how long ago calendars were read.
type Ages struct{ Median, Worst time.Duration }

// CalendarAges gives the ages of all calendars that are kept up to date.
func (s *Store) CalendarAges(ctx context.Context, tx *db.Tx) (Ages, error) {
	const live = ` FROM calendars WHERE deleted_at IS NULL AND due_at IS NOT NULL AND last_sync_at IS NOT NULL`
	count, err := db.One(ctx, tx, db.Value[int], `SELECT COUNT(*)`+live)
	if err != nil || count == 0 {
		return Ages{}, err
	}
	oldest, err := db.One(ctx, tx, db.Value[int64], `SELECT MIN(last_sync_at)`+live)
	if err != nil {
		return Ages{}, err
	}
	middle, err := db.One(ctx, tx, db.Value[int64], `SELECT last_sync_at`+live+` ORDER BY last_sync_at LIMIT 1 OFFSET $1`, count/2)
	if err != nil {
		return Ages{}, err
	}
	now := tx.Now()
	return Ages{Median: now.Sub(db.Time(middle)), Worst: now.Sub(db.Time(oldest))}, nil
}

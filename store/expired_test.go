package store_test

import (
	"context"
	"slices"
	"testing"
	"time"

	kalends "kalends"
	"kalends/db"
)

// A link that nobody used says for a while why it is dead, but holds nobody's
// address; secrets that were rotated out are gone.
func TestExpiredRowsHoldNothingOfAnybody(t *testing.T) {
	each(t, func(h *home) {
		ctx := context.Background()
		h.write(func(tx *db.Tx) error {
			if err := h.s.InsertApplication(ctx, tx, kalends.Application{ID: "app_x", ClientID: "client_x", Name: "X"}); err != nil {
				return err
			}
			if err := h.s.InsertClientSecret(ctx, tx, "app_x", "CRN_gone"); err != nil {
				return err
			}
			secrets, err := h.s.ClientSecrets(ctx, tx, "app_x")
			if err != nil {
				return err
			}
			if err := h.s.ExpireClientSecret(ctx, tx, secrets[0].ID, tx.Now().Add(time.Minute)); err != nil {
				return err
			}
			return h.s.InsertIntent(ctx, tx, kalends.Intent{
				ID: "int_x", ApplicationID: "app_x", Emails: []string{"mia@musterwerk.example"}, ExpiresAt: tx.Now().Add(time.Hour),
			}, "token")
		})
		h.clock.forward(2 * time.Hour)
		for {
			var n int64
			h.write(func(tx *db.Tx) (err error) { n, err = h.s.DeleteExpired(ctx, tx, 100); return err })
			if n == 0 {
				break
			}
		}
		h.read(func(tx *db.Tx) error {
			intent, err := h.s.Intent(ctx, tx, "int_x")
			secrets, err2 := db.One(ctx, tx, db.Value[int], "SELECT count(*) FROM application_secrets WHERE application_id = 'app_x'")
			if err != nil || err2 != nil || len(intent.Emails) != 0 || secrets != 0 {
				h.Errorf("%v, %d secrets, %v %v", intent.Emails, secrets, err, err2)
			}
			return nil
		})
	})
}

// What was given up goes after 90 days, answered requests too, except the newest
// of an account: by that its application is told of changes.
func TestRequestsAreKeptAsLongAsTheyAreOfUse(t *testing.T) {
	each(t, func(h *home) {
		ctx := context.Background()
		h.account("acc_1", "a@musterwerk.example", "")
		h.account("acc_2", "b@musterwerk.example", "")
		h.account("acc_3", "c@musterwerk.example", "")
		h.write(func(tx *db.Tx) error {
			if _, err := tx.Exec(ctx, "UPDATE accounts SET status = CASE WHEN id = 'acc_3' THEN 'pending' ELSE 'connected' END"); err != nil {
				return err
			}
			for id, account := range map[string]string{"old": "acc_1", "given_up": "acc_2", "waits": "acc_3"} {
				if err := h.s.InsertRequest(ctx, tx, kalends.AuthorizationRequest{ID: id, OrganisationID: "ser_1", AccountID: account}); err != nil {
					return err
				}
			}
			return h.s.QueueRequests(ctx, tx, "acc_2")
		})
		h.clock.forward(time.Hour)
		h.write(func(tx *db.Tx) error {
			if err := h.s.InsertRequest(ctx, tx, kalends.AuthorizationRequest{ID: "newest", OrganisationID: "ser_1", AccountID: "acc_1"}); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, "UPDATE authorization_requests SET answered_at = $1 WHERE account_id = 'acc_1'", db.Micros(tx.Now()))
			return err
		})
		left := func() []string {
			var ids []string
			h.write(func(tx *db.Tx) error { _, err := h.s.DeleteExpired(ctx, tx, 100); return err })
			h.read(func(tx *db.Tx) (err error) {
				ids, err = db.All(ctx, tx, db.Value[string], "SELECT id FROM authorization_requests ORDER BY id")
				return err
			})
			return ids
		}
		h.clock.forward(89 * 24 * time.Hour)
		if ids := left(); len(ids) != 4 {
			h.Errorf("after 89 days: %v", ids)
		}
		h.clock.forward(2 * 24 * time.Hour)
		if ids := left(); !slices.Equal(ids, []string{"newest", "waits"}) {
			h.Errorf("after 91 days: %v", ids)
		}
	})
}

package store_test

import (
	"context"
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

package api_test

import (
	"testing"
	"time"

	kalends "kalends"
	"kalends/cronofy"
	"kalends/provider/memory"
)

// A calendar system that has us wait is told beside a connection that works.
func TestThrottledConnectionSaysUntilWhen(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	people := h.world.Staff(8)
	company, _ := h.connect(h.client)
	h.world.Break(memory.Fault{Err: &kalends.Error{Kind: kalends.KindThrottled, After: 10 * time.Minute}})
	wishes := make([]cronofy.Authorize, 0, 8)
	for _, email := range people {
		wishes = append(wishes, cronofy.Authorize{Email: email, CallbackURL: h.callback(email), Scope: "read_write"})
	}
	h.must(company.AuthorizeAccounts(t.Context(), wishes))
	var cause *cronofy.Cause
	h.until(func() bool {
		connections, err := company.Connections(t.Context())
		h.must(err)
		if connections[0].Status != cronofy.ConnectionConnected {
			t.Fatalf("the connection is %s", connections[0].Status)
		}
		cause = connections[0].Cause
		return cause != nil
	})
	if cause.Key != "throttled" || cause.Text == "" || cause.Fix == "" {
		t.Errorf("cause = %+v", cause)
	}
	if _, err := time.Parse(time.RFC3339, cause.Facts["until"]); err != nil {
		t.Errorf("until = %q", cause.Facts["until"])
	}
	for account, err := range company.Accounts(t.Context(), cronofy.AccountsFilter{}) {
		h.must(err)
		if account.Status == cronofy.AccountError || account.Status == cronofy.AccountWaiting {
			t.Errorf("%s is %s", account.Email, account.Status)
		}
	}
}

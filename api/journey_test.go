package api_test

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"golang.org/x/oauth2"

	kalends "kalends"
	"kalends/cronofy"
)

// TestJourney is the whole way of an application: a link, a connect, 60 people
// in two batches, real callbacks, codes, free/busy, and the end of it all.
func TestJourney(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ctx := t.Context()
	people := h.world.Staff(60)
	start := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, 1).Add(9 * time.Hour)
	for i := range 7 {
		at := start.AddDate(0, 0, i)
		h.world.Book(people[0], kalends.Event{Start: at, End: at.Add(time.Hour), Status: kalends.StatusBusy})
	}
	verifier, challenge := cronofy.NewVerifier()
	foreign := oauth2.Config{
		ClientID: h.app.ClientID, ClientSecret: h.secret, RedirectURL: h.back(),
		Endpoint: oauth2.Endpoint{TokenURL: h.server.URL + "/oauth/token", AuthStyle: oauth2.AuthStyleInParams},
	}
	given, err := foreign.Exchange(ctx, h.code(h.client, challenge), oauth2.VerifierOption(verifier))
	h.must(err)
	token := cronofy.Token{AccessToken: given.AccessToken, RefreshToken: given.RefreshToken}
	company := h.client.Bearer(h.client.Renewing(token, nil))

	for batch := range 2 {
		var list []cronofy.Authorize
		for _, email := range people[batch*30 : batch*30+30] {
			list = append(list, cronofy.Authorize{Email: email, CallbackURL: h.callback(email), Scope: "read_write", State: email})
		}
		h.must(company.AuthorizeAccounts(ctx, list))
	}
	subs := map[string]cronofy.Token{}
	for _, email := range people {
		answer := h.receiver.wait(t, h.callback(email))
		equal(t, email, answer.State)
		person, err := h.client.ExchangeCode(ctx, answer.Code, h.callback(email), "")
		h.must(err)
		equal(t, email, person.LinkingProfile.ProfileName)
		subs[person.Sub] = person
		if email == people[0] {
			h.reads(person, start)
		}
	}
	equal(t, 60, len(subs))
	for body, signature := range h.receiver.signed {
		if !cronofy.VerifyHMAC([]byte(body), signature, h.secret) {
			t.Error("a callback is not signed with the client secret")
		}
	}
	accounts, err := cronofy.Collect(company.Accounts(ctx, cronofy.AccountsFilter{Status: cronofy.AccountConnected}))
	h.must(err)
	equal(t, 60, len(accounts))

	h.must(h.client.Revoke(ctx, given.RefreshToken))
	_, err = company.Connections(ctx)
	if !cronofy.IsRevoked(err) {
		t.Errorf("the company's token still works: %v", err)
	}
	for _, person := range subs {
		_, err := h.client.Bearer(cronofy.StaticToken(person.AccessToken)).Calendars(ctx)
		statusOf(t, err, 401)
		_, err = h.client.Refresh(ctx, person.RefreshToken)
		equal(t, "invalid_grant", statusOf(t, err, 400).Code)
	}
}

func (h *house) callback(email string) string {
	return h.receiver.url + "/callback?email=" + url.QueryEscape(email)
}

// reads reads seven days over two pages of five.
func (h *house) reads(person cronofy.Token, start time.Time) {
	h.t.Helper()
	bearer := h.client.Bearer(cronofy.StaticToken(person.AccessToken))
	query := cronofy.FreeBusyQuery{From: start, To: start.AddDate(0, 0, 7), TZID: "Europe/Berlin"}
	var rows []cronofy.FreeBusy
	h.until(func() (read bool) {
		var err error
		rows, err = cronofy.Collect(bearer.FreeBusy(h.t.Context(), query))
		h.must(err)
		return len(rows) == 7
	})
	for i, row := range rows {
		want := fmt.Sprint(start.AddDate(0, 0, i), cronofy.Busy)
		equal(h.t, want, fmt.Sprint(row.Start.Time, row.Status))
	}
	calendars, err := bearer.Calendars(h.t.Context())
	h.must(err)
	equal(h.t, rows[0].CalendarID, calendars[0].ID)
}

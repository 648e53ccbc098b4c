package api_test

import (
	"testing"
	"time"

	"kalends/cronofy"
)

func soon() time.Time {
	return time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, 1).Add(9 * time.Hour)
}

// Two applications that connected the same company share nothing.
func TestTenantsAreApart(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ctx := t.Context()
	people := h.world.Staff(2)
	h.world.BookMany(people[0], soon(), 7)
	company, token := h.connect(h.client)
	person, personToken := h.person(h.client, company, people[0])
	profiles, err := person.Profiles(ctx)
	h.must(err)
	connections, err := company.Connections(ctx)
	h.must(err)
	h.must(company.PutMapping(ctx, "alias@musterwerk.example", people[1]))

	_, _, stranger := h.application("Stranger")
	theirs, theirToken := h.connect(stranger)
	them, _ := h.person(stranger, theirs, people[1])
	colleague, _ := h.person(h.client, company, people[1])

	for name, err := range map[string]error{
		"end connection":   theirs.EndConnection(ctx, connections[0].ID),
		"delete mapping":   theirs.DeleteMapping(ctx, "alias@musterwerk.example"),
		"profile":          them.RevokeProfile(ctx, profiles[0].ProfileID),
		"colleague's":      colleague.RevokeProfile(ctx, profiles[0].ProfileID),
		"diagnosis":        second(theirs.Diagnosis(ctx, people[0], false)),
		"intent's company": second(stranger.CreateIntent(ctx, cronofy.IntentRequest{RedirectURI: h.back(), Scope: serviceScope, DelegatedScope: "read_write", Organisation: token.Sub})),
	} {
		if status := cronofy.StatusOf(err); status != 404 && !(name == "intent's company" && status == 422) {
			t.Errorf("%s: want 404, got %v", name, err)
		}
	}
	calendar := h.calendar(personToken)
	_, err = cronofy.Collect(them.FreeBusy(ctx, cronofy.FreeBusyQuery{CalendarIDs: []string{calendar}}))
	statusOf(t, err, 422)
	h.foreignTokens(stranger, personToken, token)
	if token.Sub == theirToken.Sub || token.Sub == "" {
		t.Errorf("one organisation for two applications: %s", token.Sub)
	}
	accounts, err := cronofy.Collect(theirs.Accounts(ctx, cronofy.AccountsFilter{}))
	h.must(err)
	equal(t, 1, len(accounts))
	_, err = person.Calendars(ctx)
	h.must(err)
	_, err = company.Connections(ctx)
	h.must(err)
}

// foreignTokens: another client's tokens can be neither refreshed nor revoked.
func (h *house) foreignTokens(stranger *cronofy.Client, person, company cronofy.Token) {
	h.t.Helper()
	ctx := h.t.Context()
	for _, token := range []cronofy.Token{person, company} {
		_, err := stranger.Refresh(ctx, token.RefreshToken)
		equal(h.t, "invalid_grant", statusOf(h.t, err, 400).Code)
		h.must(stranger.Revoke(ctx, token.AccessToken))
		h.must(stranger.Revoke(ctx, token.RefreshToken))
		h.must(stranger.RevokeSub(ctx, token.Sub))
	}
}

func second[T any](_ T, err error) error { return err }

package connect_test

import (
	"testing"

	kalends "kalends"
	"kalends/hub/connect"
)

// What the administrator read on the consent page holds: an application that
// asked for rooms gets no person's calendar, and the other way round.
func TestErrAnApplicationGetsOnlyWhatItAskedFor(t *testing.T) {
	t.Parallel()
	for scope, gets := range map[string]map[string]bool{
		"service_account/resources/manage": {"elbe@musterwerk.example": true, "person1@musterwerk.example": false},
		"service_account/accounts/manage":  {"elbe@musterwerk.example": false, "person1@musterwerk.example": true},
	} {
		h := newHouse(t)
		person := h.world.Staff(1)[0]
		h.world.AddRoom(kalends.Room{Email: "elbe@musterwerk.example", Name: "Elbe"})
		begun, err := h.BeginAuthorize(t.Context(), connect.AuthorizeRequest{
			ResponseType: "code", ClientID: h.app.ClientID, RedirectURI: redirectURI, Scope: scope,
			DelegatedScope: "read_write", ProviderName: "exchange",
		})
		h.must(err)
		h.check(begun.Handle, h.world.Credentials())
		back, err := h.Finish(t.Context(), begun.Handle)
		h.must(err)
		organisation := h.organisationOf(back)
		h.ask(organisation, person, "elbe@musterwerk.example")
		h.tick()
		for email, allowed := range gets {
			if email != "elbe@musterwerk.example" {
				email = person
			}
			account := h.account(organisation, email)
			grants := h.count("SELECT count(*) FROM grants WHERE account_id = $1", account.ID)
			switch {
			case allowed && (account.Status != kalends.AccountConnected || grants != 1):
				t.Errorf("%s: %s is %s (%v)", scope, email, account.Status, account.Cause)
			case !allowed && (account.Status != kalends.AccountError || account.Cause.Key != kalends.CauseScopeMissing || grants != 0):
				t.Errorf("%s: %s is %s (%v), %d grants", scope, email, account.Status, account.Cause, grants)
			}
		}
	}
}

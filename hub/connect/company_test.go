package connect_test

import (
	"slices"
	"strings"
	"testing"

	kalends "kalends"
	"kalends/db/dbtest"
	"kalends/hub/connect"
)

// through begins a connect that an application prepared.
func (h *house) through(n connect.NewIntent) string {
	h.t.Helper()
	n.RedirectURI, n.Scope, n.DelegatedScope = redirectURI, serviceScope, "read_write"
	_, link, err := h.CreateIntent(h.t.Context(), h.app, n)
	h.must(err)
	begun, err := h.BeginIntent(h.t.Context(), link[strings.LastIndex(link, "/")+1:])
	h.must(err)
	return begun.Handle
}

func (h *house) connectFor(companyID string) (organisationID, connectionID string) {
	h.t.Helper()
	handle := h.through(connect.NewIntent{Company: "Company " + companyID, CompanyID: companyID})
	if view := h.check(handle, choose(h, handle)); view.Check != connect.CheckOK {
		h.t.Fatalf("check: %s %v", view.Check, view.Cause)
	}
	back, err := h.Finish(h.t.Context(), handle)
	h.must(err)
	return h.organisationOf(back), h.settled(handle).ConnectionID
}

// Two customers of one application may have the same service account: each has
// an organisation of its own, and ends only that.
func TestTwoCompaniesWithOneServiceAccount(t *testing.T) {
	t.Parallel()
	twoCompanies(t, newHouse(t))
}

func TestTwoCompaniesWithOneServiceAccountOnPostgreSQL(t *testing.T) {
	t.Parallel()
	twoCompanies(t, newHouseOn(t, dbtest.Postgres))
}

func twoCompanies(t *testing.T, h *house) {
	t.Helper()
	email := h.world.Credentials()["test_email"]
	first, _ := h.connectFor("com_1")
	second, _ := h.connectFor("com_2")
	if first == second {
		t.Fatal("two companies share an organisation")
	}
	h.ask(first, email)
	h.ask(second, email)
	h.tick()
	h.status(second, email, kalends.AccountConnected, "")
	one := h.status(first, email, kalends.AccountConnected, "")

	session, err := h.SignIn(t.Context(), kalends.Exchange, h.world.Credentials(), browser)
	h.must(err)
	signedIn, err := h.Session(t.Context(), session)
	h.must(err)
	seen, err := h.SessionConnections(t.Context(), signedIn)
	h.must(err)
	var names []string
	for _, c := range seen {
		names = append(names, c.Company)
	}
	slices.Sort(names)
	if !slices.Equal(names, []string{"Company com_1", "Company com_2"}) {
		t.Errorf("the administrator of the calendar system sees %q", names)
	}

	h.must(h.RevokeSub(t.Context(), h.app, first))
	h.purge(first)
	h.status(second, email, kalends.AccountConnected, "")
	again, _ := h.connectFor("com_1")
	if again != first {
		t.Errorf("came back as %s, was %s", again, first)
	}
	h.ask(again, email)
	h.tick()
	if a := h.status(again, email, kalends.AccountConnected, ""); a.ID != one.ID {
		t.Errorf("account %s, was %s", a.ID, one.ID)
	}
	if same, _ := h.connectFor("com_2"); same != second {
		t.Errorf("a reconnect gives %s, was %s", same, second)
	}
}

func TestErrACompanyRepairsOnlyItsOwn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first, _ := h.connectFor("com_1")
	n := connect.NewIntent{RedirectURI: redirectURI, Scope: serviceScope, DelegatedScope: "read_write", OrganisationID: first, CompanyID: "com_2"}
	_, _, err := h.CreateIntent(t.Context(), h.app, n)
	h.kind(err, kalends.KindInvalid)
	n.CompanyID = "com_1"
	_, _, err = h.CreateIntent(t.Context(), h.app, n)
	h.must(err)
	n.CompanyID = strings.Repeat("x", 201)
	_, _, err = h.CreateIntent(t.Context(), h.app, n)
	h.kind(err, kalends.KindInvalid)
}

// The pages learn for whom a connect is, and whether the service account fits.
func TestAConnectSaysForWhom(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	handle := h.through(connect.NewIntent{
		Company: " Muster\u202ewerk\n", CompanyID: "com_1",
		Emails: []string{"a@fremd.example", "a@Musterwerk.example", "b@musterwerk.example"},
	})
	view := h.check(handle, choose(h, handle))
	if view.Company != "Musterwerk" || view.Emails != 3 || !slices.Equal(view.Domains, []string{"musterwerk.example", "fremd.example"}) || view.OfAnother() {
		t.Errorf("%q, %d of %v, of another: %t", view.Company, view.Emails, view.Domains, view.OfAnother())
	}
	handle = h.through(connect.NewIntent{Company: "Fremdwerk", Emails: []string{"a@fremd.example"}})
	if view := h.check(handle, choose(h, handle)); view.Found.Domain != "musterwerk.example" || !view.OfAnother() {
		t.Errorf("the service account of %s fits %v", view.Found.Domain, view.Domains)
	}
}

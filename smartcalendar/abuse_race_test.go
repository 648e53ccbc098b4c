package smartcalendar_test

import (
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"kalends/db/dbtest"
	"kalends/smartcalendar"
)

// Tries side by side count as much as tries one after the other, also where the
// database runs transactions side by side.
func TestGuessingSideBySideIsSlowedDown(t *testing.T) {
	t.Parallel()
	h := newTownOn(t, dbtest.Postgres).settle()
	var looked atomic.Int64
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			r, err := http.PostForm(h.appServer.URL+"/sign-in", url.Values{"email": {"ada@musterwerk.example"}, "password": {"falsch"}})
			if err != nil {
				t.Error(err)
				return
			}
			_ = r.Body.Close()
			if r.StatusCode == http.StatusUnprocessableEntity {
				looked.Add(1)
			}
		})
	}
	all.Wait()
	if n := looked.Load(); n != 5 {
		t.Errorf("%d passwords were looked at, 5 are free", n)
	}
}

// Two administrators who take each other out at once do not leave the company
// without any.
func TestTheLastAdministratorStays(t *testing.T) {
	t.Parallel()
	h := newTownOn(t, dbtest.Postgres)
	h.settle(smartcalendar.NewPerson{Name: "Bea", Email: "bea@musterwerk.example", Role: smartcalendar.RoleAdministrator, Password: password})
	both := map[string]*visitor{"bea@musterwerk.example": newVisitor(t, h.appServer.URL), "ada@musterwerk.example": newVisitor(t, h.appServer.URL)}
	for range 12 {
		h.exec("UPDATE sc_people SET active = true")
		both["bea@musterwerk.example"].signIn(t, "ada@musterwerk.example")
		both["ada@musterwerk.example"].signIn(t, "bea@musterwerk.example")
		var together sync.WaitGroup
		for email, v := range both {
			id := h.personID(email)
			together.Go(func() { v.post(t, "/people/"+id+"/deactivate") })
		}
		together.Wait()
		if n := h.count("sc_people WHERE active AND role = 'administrator'"); n == 0 {
			t.Fatal("nobody is left")
		}
	}
}

// An import that is confirmed twice at once is made once.
func TestAnImportIsConfirmedOnce(t *testing.T) {
	t.Parallel()
	h := newTownOn(t, dbtest.Postgres).settle()
	for i := range 8 {
		at := h.browser.uploads(t, fmt.Sprintf("E-Mail\nneu%d@musterwerk.example\n", i)).to
		var together sync.WaitGroup
		for range 4 {
			together.Go(func() { h.browser.post(t, at) })
		}
		together.Wait()
		if n := h.count("sc_people WHERE email_key = $1", fmt.Sprintf("neu%d@musterwerk.example", i)); n != 1 {
			t.Fatalf("round %d: %d people", i, n)
		}
	}
}

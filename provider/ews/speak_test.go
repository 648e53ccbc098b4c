package ews_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	kalends "kalends"
	"kalends/provider"
	"kalends/sandbox"
)

// A mailbox on an older server than the one asked is read and written in that
// server's version, found out once; the others go on in their own.
func TestAMailboxOnAnOlderServer(t *testing.T) {
	t.Parallel()
	for server, refused := range map[string]int{"Exchange2010_SP2": 1, "Exchange2007_SP1": 3} {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			c := musterwerk(t)
			old, other := c.healthyPeople()[3], c.healthyPeople()[4]
			if err := c.server.World().Change(old.Email, func(r *sandbox.Recipient) { r.Server = server }); err != nil {
				t.Fatal(err)
			}
			d, start := c.open(t), c.server.World().Now().AddDate(0, 0, 3)
			for _, person := range []string{other.Email, old.Email, other.Email, old.Email} {
				mailbox, err := d.Find(t.Context(), person)
				if err != nil {
					t.Fatal(err)
				}
				_, err = d.Changes(t.Context(), provider.ChangesRequest{Mailbox: person, Calendar: mailbox.Calendar.ID, Window: kalends.Window{Start: start, End: start.AddDate(0, 0, 7)}})
				if err != nil {
					t.Fatal(err)
				}
				_, err = d.Put(t.Context(), person, mailbox.Calendar.ID, kalends.Draft{ID: "one", Summary: "x", Start: start, End: start.Add(time.Hour), Zone: "Europe/Berlin"})
				if err != nil {
					t.Fatal(err)
				}
			}
			met := map[string]int{}
			for _, call := range c.server.Desk().Calls("exchange", time.Time{}) {
				if strings.Contains(call.Code, "Version") {
					met[call.Mailbox]++
				}
			}
			if met[old.Email] == 0 || met[old.Email] > refused || met[other.Email] != 0 {
				t.Errorf("refused for the version: %v", met)
			}
		})
	}
}

var spokenIn = regexp.MustCompile(`RequestServerVersion Version="(\w+)"`)

// In whatever form a server says that a version is too new, an older one is
// tried, and no longer than there is one.
func TestTooNewIsSaidInManyForms(t *testing.T) {
	t.Parallel()
	fault := func(code string) (int, string) {
		return http.StatusInternalServerError, `<s:Fault><faultcode xmlns:a="x">a:` + code + `</faultcode><faultstring>no</faultstring><detail><e:ResponseCode xmlns:e="e">` + code + `</e:ResponseCode></detail></s:Fault>`
	}
	for name, c := range map[string]struct {
		answer func() (int, string)
		until  string // the version that is taken; "" = none
	}{
		"fault":      {func() (int, string) { return fault("ErrorInvalidSchemaVersionForMailboxVersion") }, "Exchange2010_SP2"},
		"in message": {func() (int, string) { return refusal("FindItem", "ErrorInvalidSchemaVersionForMailboxVersion") }, "Exchange2010"},
		"incorrect":  {func() (int, string) { return fault("ErrorIncorrectSchemaVersion") }, "Exchange2007_SP1"},
		"invalid":    {func() (int, string) { return fault("ErrorInvalidServerVersion") }, "Exchange2007_SP1"},
		"never":      {func() (int, string) { return fault("ErrorInvalidServerVersion") }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			n := newInternet(t)
			n.host(t, mailHost, script{"FindItem": func(request string) (int, string) {
				asked++
				if spokenIn.FindStringSubmatch(request)[1] == c.until {
					return found(true)
				}
				return c.answer()
			}}.ServeHTTP)
			d := n.open(t, "version", "Exchange2013_SP1")
			for range 2 {
				_, err := d.Changes(t.Context(), provider.ChangesRequest{Mailbox: "a@" + domain, Calendar: "AAMk", Window: year})
				if (err == nil) != (c.until != "") || c.until == "" && kalends.KindOf(err) != kalends.KindUnsupported {
					t.Error(err)
				}
			}
			if asked > 5 {
				t.Errorf("%d requests for two readings", asked)
			}
		})
	}
}

// Some servers say it in a page of text.
func TestTooNewIsSaidInAPage(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	n.host(t, mailHost, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Header.Get("X-AnchorMailbox"), "a@") {
			page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusInternalServerError)
				_, _ = fmt.Fprint(w, "<html>Microsoft.Exchange.Services: ErrorInvalidSchemaVersionForMailboxVersion</html>")
			})
			script{"FindItem": func(string) (int, string) { return found(true) }}.unless(`Version="Exchange2013`, page).ServeHTTP(w, r)
		}
	})
	d := n.open(t, "version", "Exchange2013_SP1")
	if _, err := d.Changes(t.Context(), provider.ChangesRequest{Mailbox: "a@" + domain, Calendar: "AAMk", Window: year}); err != nil {
		t.Error(err)
	}
}

// Many at once, in a company whose mailboxes stand on servers of three versions.
func TestManyMailboxesOnManyServers(t *testing.T) {
	t.Parallel()
	c := musterwerk(t)
	people := c.healthyPeople()[:20]
	for i, server := range []string{"", "Exchange2010_SP2", "Exchange2007_SP1"} {
		for n := i; n < len(people); n += 3 {
			if err := c.server.World().Change(people[n].Email, func(r *sandbox.Recipient) { r.Server = server }); err != nil {
				t.Fatal(err)
			}
		}
	}
	d, today := c.open(t), c.server.World().Now().UTC().Truncate(24*time.Hour)
	failures := make(chan error)
	for _, person := range people {
		go func() {
			failures <- readThrice(t, d, person.Email, kalends.Window{Start: today, End: today.AddDate(0, 0, 30)})
		}()
	}
	for range people {
		if err := <-failures; err != nil {
			t.Error(err)
		}
	}
}

// readThrice reads a calendar until nothing is new.
func readThrice(t *testing.T, d provider.Driver, email string, w kalends.Window) error {
	t.Helper()
	mailbox, err := d.Find(t.Context(), email)
	if err != nil {
		return err
	}
	request := provider.ChangesRequest{Mailbox: mailbox.Email, Calendar: mailbox.Calendar.ID, Window: w, Details: true}
	for reading := range 3 {
		page, err := d.Changes(t.Context(), request)
		if err != nil {
			return err
		}
		if request.Cursor = page.Next; page.Full != (reading < 2) {
			return fmt.Errorf("%s, reading %d: whole %t", email, reading, page.Full)
		}
	}
	return nil
}

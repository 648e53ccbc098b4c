package sandbox_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kalends/sandbox"
)

func start(t *testing.T, config sandbox.Config) *sandbox.Server {
	t.Helper()
	server, err := sandbox.New(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return server
}

func call(t *testing.T, server *sandbox.Server, method, path, body string, into any) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, server.Ready().SandboxURL+path, bytes.NewBufferString(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if into != nil {
		if err := json.NewDecoder(response.Body).Decode(into); err != nil {
			t.Fatal(err)
		}
	}
	return response.StatusCode
}

func TestWorld(t *testing.T) {
	t.Parallel()
	var world struct {
		People, Rooms []sandbox.Recipient
		Planted       []sandbox.Planted
	}
	call(t, start(t, sandbox.Config{}), "GET", "/_sandbox/world", "", &world)
	if len(world.People) != 40 || len(world.Rooms) != 6 || world.People[0].Email != "admin@musterwerk.example" {
		t.Errorf("%d people, %d rooms", len(world.People), len(world.Rooms))
	}
	var causes []string
	for _, p := range world.Planted {
		if p.Scope != "connection" {
			causes = append(causes, p.Cause)
		}
	}
	want := []string{"account_not_found", "address_is_alias", "not_a_person", "no_mailbox", "mailbox_elsewhere", "not_permitted", "address_not_unique"}
	if diff := cmp.Diff(want, causes); diff != "" {
		t.Error(diff)
	}
}

func TestSameSeedSameCompany(t *testing.T) {
	t.Parallel()
	fixed := func() time.Time { return time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC) }
	read := func() (items [][]*sandbox.Item) {
		server := start(t, sandbox.Config{People: 60, Now: fixed})
		for _, r := range server.World().Recipients(func(r *sandbox.Recipient) bool { return r.HasMailbox() }) {
			items = append(items, server.World().Items(r))
		}
		return items
	}
	if diff := cmp.Diff(read(), read()); diff != "" {
		t.Error(diff)
	}
}

func TestEventsPerMailbox(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Config{People: 1000, EventsPerMailbox: 200, Plain: true}).World()
	for _, r := range w.Recipients(func(r *sandbox.Recipient) bool { return r.Kind == sandbox.Person })[:20] {
		if n := len(w.View(r, w.Now().AddDate(0, 0, -50), w.Now().AddDate(0, 0, 100))); n < 200 || n > 230 {
			t.Errorf("%s has %d events", r.Email, n)
		}
	}
}

func TestActAsUser(t *testing.T) {
	t.Parallel()
	server := start(t, sandbox.Config{MailDelay: time.Millisecond})
	w := server.World()
	people := w.Recipients(func(r *sandbox.Recipient) bool { return r.Kind == sandbox.Person })
	path := "/_sandbox/mailboxes/" + people[2].Email + "/events"
	var made sandbox.Item
	status := call(t, server, "POST", path, `{"subject":"Interview","start":"2030-01-07T09:00:00Z","end":"2030-01-07T10:00:00Z","attendees":[{"email":"`+people[3].Email+`"}]}`, &made)
	if status != 201 || made.ID == "" {
		t.Fatalf("%d %+v", status, made)
	}
	w.Settle()
	invited := func() *sandbox.Item {
		items := w.Items(people[3])
		at := slices.IndexFunc(items, func(i *sandbox.Item) bool { return i.UID == made.UID })
		if at < 0 {
			return nil
		}
		return items[at]
	}
	if i := invited(); i == nil || i.Status != "Tentative" {
		t.Fatalf("the invitation: %+v", i)
	}
	call(t, server, "PATCH", "/_sandbox/mailboxes/"+people[3].Email+"/events/"+invited().ID, `{"my_response":"Accept"}`, nil)
	w.Settle()
	if mine, _ := w.Item(people[2], made.ID); mine.Attendees[0].Response != "Accept" {
		t.Errorf("the answer did not arrive: %+v", mine.Attendees)
	}
	call(t, server, "PATCH", path+"/"+made.ID, `{"start":"2030-01-08T09:00:00Z","end":"2030-01-08T10:00:00Z"}`, nil)
	w.Settle()
	if i := invited(); i.Start.Day() != 8 {
		t.Errorf("the move did not arrive: %+v", i)
	}
	if status := call(t, server, "DELETE", path+"/"+made.ID, "", nil); status != 204 {
		t.Error(status)
	}
	w.Settle()
	if i := invited(); !i.Cancelled {
		t.Errorf("the cancellation did not arrive: %+v", i)
	}
	if status := call(t, server, "DELETE", path+"/"+made.ID, "", nil); status != 404 {
		t.Error(status)
	}
}

func TestStaffChanges(t *testing.T) {
	t.Parallel()
	server := start(t, sandbox.Config{})
	w := server.World()
	if status := call(t, server, "POST", "/_sandbox/mailboxes", `{"name":"Neu Hier","email":"neu.hier@musterwerk.example"}`, nil); status != 201 {
		t.Fatal(status)
	}
	hired, _ := w.Recipient("neu.hier@musterwerk.example")
	before := w.Items(hired)
	call(t, server, "PATCH", "/_sandbox/mailboxes/neu.hier@musterwerk.example", `{"email":"neu.name@musterwerk.example"}`, nil)
	renamed, alias := w.Recipient("NEU.hier@musterwerk.example")
	if renamed == nil || !alias || renamed.GUID() != hired.GUID() || len(w.Items(renamed)) != len(before) {
		t.Fatalf("renamed: %+v", renamed)
	}
	call(t, server, "DELETE", "/_sandbox/mailboxes/neu.name@musterwerk.example", "", nil)
	if gone, _ := w.Recipient("neu.hier@musterwerk.example"); gone != nil {
		t.Error("still there")
	}
	call(t, server, "POST", "/_sandbox/mailboxes", `{"email":"neu.hier@musterwerk.example"}`, nil)
	call(t, server, "POST", "/_sandbox/reset", "", nil)
	if gone, _ := w.Recipient("neu.hier@musterwerk.example"); gone != nil {
		t.Error("reset forgot nobody")
	}
}

func TestCustomCompany(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "company.json")
	text := `{"name":"Klein","domain":"klein.example","recipients":[{"name":"A","email":"a@klein.example"},{"name":"S","email":"s@klein.example","kind":"service"}]}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	w := start(t, sandbox.Config{CompanyFile: path}).World()
	if w.Domain() != "klein.example" || w.ServiceAccount() != "s@klein.example" {
		t.Errorf("%s %s", w.Domain(), w.ServiceAccount())
	}
}

func TestErrCompanyAddressTwice(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "company.json")
	if err := os.WriteFile(path, []byte(`{"domain":"k.example","recipients":[{"email":"a@k.example"},{"email":"A@k.example"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sandbox.New(sandbox.Config{CompanyFile: path}); err == nil {
		t.Error("was taken")
	}
}

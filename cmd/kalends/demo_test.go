package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"kalends/cronofy"
	"kalends/internal/tools/await"
	"kalends/sandbox"
)

// child is the demo as a process of its own, without a browser.
type child struct {
	demoReady
	planted []sandbox.Planted
	command *exec.Cmd
	said    *safeBuffer
	data    string
}

func startChild(t *testing.T, data, listen string, args ...string) *child {
	t.Helper()
	if testing.Short() {
		t.Skip("starts the whole program: not with -short")
	}
	c := &child{said: &safeBuffer{}, data: data}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args = append([]string{"demo", "--json", "--listen", listen, "--data", data}, args...)
	c.command = exec.CommandContext(context.WithoutCancel(t.Context()), self, args...)
	c.command.Env = append(os.Environ(), programVariable+"=1", "KALENDS_LOG_LEVEL=error")
	c.command.Stderr = c.said
	out, err := c.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.command.Process.Kill() })
	if err := json.NewDecoder(out).Decode(&c.demoReady); err != nil {
		t.Fatalf("the demo's line: %v\n%s", err, c.said.String())
	}
	if err := json.Unmarshal(c.Planted, &c.planted); err != nil {
		t.Fatal(err)
	}
	return c
}

// rows reads one line of text for each row, beside the running program.
func (c *child) rows(t *testing.T, query string) string {
	t.Helper()
	file, err := sql.Open("sqlite", "file:"+filepath.Join(c.data, "kalends.db")+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	found, err := file.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	var lines []string
	for found.Next() {
		var line string
		if err := found.Scan(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

func answers(t *testing.T, address string) bool {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

const openLinks = `SELECT count(*) FROM sc_links WHERE due_at IS NOT NULL OR status IN ('none', 'pending')`

func TestDemoConnectsEverybodyAndEndsCleanly(t *testing.T) {
	t.Parallel()
	c := startChild(t, t.TempDir(), "127.0.0.1:0", "--connected", "--people", "12")
	if !answers(t, c.AppURL+"/healthz") || !answers(t, c.HubURL+"/readyz") || c.PID != c.command.Process.Pid {
		t.Errorf("not ready, or another process: %+v", c.demoReady)
	}
	if filepath.Dir(c.CAFile) != c.data {
		t.Errorf("the authority's certificate lies in %s, where a kill leaves it behind", c.CAFile)
	}
	for name, block := range map[string]json.RawMessage{"microsoft365": c.Microsoft365, "google": c.Google} {
		if string(block) != "null" {
			t.Errorf("%s = %s", name, block)
		}
	}
	await.True(t, "everybody has a final status", func() bool { return c.rows(t, openLinks) == "0" })
	t.Run("causes", func(t *testing.T) { wantPlantedCauses(t, c) })
	t.Run("test application", func(t *testing.T) { wantPlantedForTestApplication(t, c) })
	t.Run("refused password", func(t *testing.T) { wantRefusalShown(t, c) })
	if err := c.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := c.command.Wait(); err != nil {
		t.Errorf("the demo ended badly: %v\n%s", err, c.said.String())
	}
	if answers(t, c.SandboxURL+"/_sandbox/world") {
		t.Error("the sandbox goes on")
	}
}

// wantPlantedCauses looks at Smart Calendar's rows: everybody is connected but those
// for whom something goes wrong, and they have exactly the cause that was planted.
func wantPlantedCauses(t *testing.T, c *child) {
	t.Helper()
	want := map[string]string{}
	for _, planted := range c.planted {
		if planted.Scope != "connection" {
			want[planted.Email] = planted.Cause
		}
	}
	if len(want) < 7 {
		t.Fatalf("only %d causes are planted", len(want))
	}
	found := map[string]string{}
	for _, line := range strings.Split(c.rows(t, `SELECT p.email_key || ' ' || l.cause_key FROM sc_links l JOIN sc_people p ON p.id = l.person_id WHERE l.status <> 'connected'`), "\n") {
		email, cause, _ := strings.Cut(line, " ")
		found[email] = cause
	}
	if fmt.Sprint(found) != fmt.Sprint(want) {
		t.Errorf("causes\n%v, want\n%v", found, want)
	}
}

// wantRefusalShown changes the password at the provider: Smart Calendar gets to
// know, though nobody pressed anything and few calendars are read.
func wantRefusalShown(t *testing.T, c *child) {
	t.Helper()
	body := strings.NewReader(`{"provider": "exchange", "kind": "expired_secret"}`)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.SandboxURL+"/_sandbox/faults", body)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	await.True(t, "Smart Calendar knows", func() bool {
		return c.rows(t, `SELECT status || ' ' || cause_key FROM sc_calendars`) == "degraded credentials_expired"
	})
}

// wantPlantedForTestApplication asks the hub as another application does.
func wantPlantedForTestApplication(t *testing.T, c *child) {
	t.Helper()
	client, err := cronofy.New(cronofy.Config{BaseURL: c.HubURL, ClientID: c.TestApplication.ClientID, ClientSecret: c.TestApplication.ClientSecret})
	if err != nil {
		t.Fatal(err)
	}
	company := client.Bearer(cronofy.StaticToken(c.ServiceToken))
	want := map[string]string{c.Admin.Email: "", c.Recruiter.Email: ""}
	for _, planted := range c.planted {
		if planted.Scope == "person" {
			want[planted.Email] = planted.Cause
		}
	}
	var wishes []cronofy.Authorize
	for email := range want {
		wishes = append(wishes, cronofy.Authorize{Email: email, CallbackURL: c.TestApplication.RedirectURI, Scope: "read_write"})
	}
	if err := company.AuthorizeAccounts(t.Context(), wishes); err != nil {
		t.Fatal(err)
	}
	await.True(t, "the accounts of the test application", func() bool {
		found, pending := causesOf(t, company)
		return pending == 0 && fmt.Sprint(found) == fmt.Sprint(want)
	})
}

func causesOf(t *testing.T, company *cronofy.Bearer) (causes map[string]string, pending int) {
	t.Helper()
	causes = map[string]string{}
	for account, err := range company.Accounts(t.Context(), cronofy.AccountsFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if account.Status == cronofy.AccountPending {
			pending++
		}
		causes[account.Email] = ""
		if account.Cause != nil {
			causes[account.Email] = account.Cause.Key
		}
	}
	return causes, pending
}

func TestErrKilledInTheMiddleOfARunLosesNobody(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	first := startChild(t, data, "127.0.0.1:0", "--connected", "--people", "150")
	const connected = `SELECT count(*) FROM accounts WHERE status = 'connected'`
	await.True(t, "some are connected", func() bool { return len(first.rows(t, connected)) > 1 })
	if err := first.command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = first.command.Wait()
	await.True(t, "the sandbox ends with its parent", func() bool { return !answers(t, first.SandboxURL+"/_sandbox/world") })
	if left := first.rows(t, openLinks); left == "0" {
		t.Fatal("the run was over before the kill")
	}
	again := startChild(t, data, strings.TrimPrefix(first.AppURL, "http://"), "--connected", "--people", "150")
	await.True(t, "the run goes on to its end", func() bool {
		return again.rows(t, `SELECT count(*) FROM sc_runs WHERE finished_at IS NULL`) == "0" && again.rows(t, openLinks) == "0"
	})
	wantPlantedCauses(t, again)
	// 150 people, one of the two who share an address, and six rooms.
	for query, want := range map[string]string{
		`SELECT count(*) FROM sc_runs`: "1",
		`SELECT count(*) || ' ' || count(DISTINCT sub) FROM sc_links WHERE status = 'connected'`:           "157 157",
		`SELECT count(*) || ' ' || count(DISTINCT matched_email) FROM accounts WHERE status = 'connected'`: "157 157",
	} {
		if got := again.rows(t, query); got != want {
			t.Errorf("%s gives %s, want %s", query, got, want)
		}
	}
}

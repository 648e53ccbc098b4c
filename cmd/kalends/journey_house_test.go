package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"kalends/internal/tools/await"
	"kalends/internal/tools/browser"
	"kalends/sandbox"
	"kalends/sandbox/ewsfake"
	"kalends/web"
)

// demonstration is the demo in a process of its own, and a browser.
type demonstration struct {
	demoReady
	exchange  ewsfake.Block
	planted   []sandbox.Planted
	authority string // the certificate of who signs Exchange's own, as PEM
	data      string
	lang      string // of those who look at it
	browser   *browser.Browser
}

// page is a tab, with cookies of its own.
type page = *browser.Page

// startDemonstration needs a browser and built assets.
func startDemonstration(t *testing.T, args ...string) *demonstration {
	t.Helper()
	if !web.Open().Built() {
		t.Skip("assets are not built: go run ./internal/tools/assets")
	}
	d := &demonstration{browser: browser.Start(t), data: t.TempDir()}
	self, err := os.Executable()
	d.must(t, err)
	command := exec.CommandContext(context.WithoutCancel(t.Context()), self, append([]string{"demo", "--json", "--listen", "127.0.0.1:0", "--data", d.data}, args...)...)
	command.Env = append(os.Environ(), programVariable+"=1", "KALENDS_LOG_LEVEL=warn")
	said := &safeBuffer{}
	command.Stderr = said
	out, err := command.StdoutPipe()
	d.must(t, err)
	d.must(t, command.Start())
	t.Cleanup(func() { endDemonstration(t, command, said) })
	d.must(t, json.NewDecoder(out).Decode(&d.demoReady))
	d.must(t, json.Unmarshal(d.Exchange, &d.exchange))
	d.must(t, json.Unmarshal(d.Planted, &d.planted))
	authority, err := os.ReadFile(d.CAFile)
	d.must(t, err)
	d.authority = string(authority)
	return d
}

// endDemonstration also fails the test for what the program should never say.
func endDemonstration(t *testing.T, command *exec.Cmd, said *safeBuffer) {
	_ = command.Process.Signal(syscall.SIGTERM)
	dead := time.AfterFunc(await.Patience, func() {
		t.Error("the demo did not end")
		_ = command.Process.Kill()
	})
	defer dead.Stop()
	if err := command.Wait(); err != nil {
		t.Errorf("the demo ended badly: %v", err)
	}
	text := said.String()
	for _, never := range []string{"DATA RACE", "panic", `"level":"ERROR"`} {
		if strings.Contains(text, never) {
			t.Errorf("the program said %s", never)
		}
	}
	if t.Failed() {
		t.Log(text[max(0, len(text)-20000):])
	}
}

func (d *demonstration) must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// page opens a tab of somebody who was never here.
func (d *demonstration) page(t *testing.T, lang string) page {
	t.Helper()
	return d.browser.Page(t, browser.Options{Lang: lang})
}

// signIn opens a tab, signed in.
func (d *demonstration) signIn(t *testing.T, lang string, who demoPerson) page {
	t.Helper()
	p := d.page(t, lang)
	p.Go(d.AppURL + "/sign-in")
	w := words(lang)
	p.Fill("textbox", w.email, who.Email)
	p.Fill("textbox", w.password, who.Password)
	p.Click("button", w.signIn)
	p.Wait(`!location.pathname.startsWith("/sign-in")`)
	return p
}

// usable fails for what axe finds on the page.
func usable(t *testing.T, p page, what string) {
	t.Helper()
	if folder := os.Getenv("KALENDS_SCREENSHOTS"); folder != "" {
		p.Shot(filepath.Join(folder, strings.ReplaceAll(t.Name()+"-"+what, "/", "-")+".png"))
	}
	for _, violation := range p.Axe() {
		t.Errorf("%s: %s", what, violation)
	}
	if wide := p.Overflows(); wide > 0 {
		t.Errorf("%s: %d px wider than the window", what, wide)
	}
}

// control asks the sandbox for something.
func (d *demonstration) control(t *testing.T, method, path string, body any) {
	t.Helper()
	text, err := json.Marshal(body)
	d.must(t, err)
	request, err := http.NewRequestWithContext(t.Context(), method, d.SandboxURL+"/_sandbox/"+path, bytes.NewReader(text))
	d.must(t, err)
	answer, err := http.DefaultClient.Do(request)
	d.must(t, err)
	defer answer.Body.Close()
	if answer.StatusCode >= 300 {
		t.Fatalf("%s %s: %s", method, path, answer.Status)
	}
}

// broken runs something while the sandbox has a fault.
func (d *demonstration) broken(t *testing.T, fault sandbox.Fault, during func()) {
	t.Helper()
	d.control(t, http.MethodPost, "faults", fault)
	defer d.control(t, http.MethodDelete, "faults", nil)
	during()
}

// subs reads which identity each address of Smart Calendar has.
func (d *demonstration) subs(t *testing.T) map[string]string {
	t.Helper()
	file, err := sql.Open("sqlite", "file:"+filepath.Join(d.data, "kalends.db")+"?mode=ro&_pragma=busy_timeout(5000)")
	d.must(t, err)
	defer file.Close()
	rows, err := file.QueryContext(t.Context(), "SELECT email_key, sub FROM sc_links WHERE status = 'connected' AND sub <> ''")
	d.must(t, err)
	defer rows.Close()
	found := map[string]string{}
	for rows.Next() {
		var email, sub string
		d.must(t, rows.Scan(&email, &sub))
		found[email] = sub
	}
	d.must(t, rows.Err())
	if len(found) == 0 {
		d.must(t, errors.New("nobody is connected"))
	}
	return found
}

// plantedEmail gives the address of the person with a cause.
func (d *demonstration) plantedEmail(t *testing.T, cause string) string {
	t.Helper()
	for _, p := range d.planted {
		if p.Cause == cause && p.Email != "" {
			return p.Email
		}
	}
	t.Fatalf("nobody has %s", cause)
	return ""
}

// safeBuffer keeps what a process says.
type safeBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// client is one foreign client: how to get it, and how to run its cases.
type client struct {
	name     string
	prepare  []string // a command that installs it; none if it is a Debian package
	present  string   // a file that tells that it is installed
	run      []string
	versions []string // of Exchange, to run it against one after the other; none if it does not matter
}

// everyExchange are the versions that differ in what they can; 2010 SP1 and
// 2019 are close to their neighbours.
var everyExchange = []string{"Exchange2007_SP1", "Exchange2010_SP2", "Exchange2013_SP1", "Exchange2016", "ExchangeSE"}

var clients = []client{
	{
		name: "cronofy-node", prepare: []string{"npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", "--prefix", "compat/node"},
		present: "compat/node/node_modules/cronofy/package.json", run: []string{"node", "compat/node/cronofy.mjs"},
	},
	{
		name: "exchangelib", present: "/usr/lib/python3/dist-packages/exchangelib/__init__.py",
		run: []string{"/usr/bin/python3", "compat/python/ews.py"}, versions: everyExchange,
	},
	{
		name: "ews-javascript-api", prepare: []string{"npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", "--prefix", "compat/managedapi"},
		present: "compat/managedapi/node_modules/ews-javascript-api/package.json",
		run:     []string{"node", "compat/managedapi/ews.mjs"}, versions: everyExchange,
	},
	{
		name: "davmail", present: "/usr/share/davmail/davmail.jar",
		run: []string{"/usr/bin/python3", "compat/python/davmail.py"}, versions: everyExchange,
	},
	{name: "apache-gssapi", present: "/usr/lib/apache2/modules/mod_auth_gssapi.so", run: []string{"go", "run", "./compat/acceptors", "apache-gssapi"}},
	{name: "gss-ntlmssp", present: "/usr/lib/python3/dist-packages/gssapi/__init__.py", run: []string{"go", "run", "./compat/acceptors", "gss-ntlmssp"}},
	{name: "openssl", present: "/usr/bin/openssl", run: []string{"go", "run", "./compat/acceptors", "openssl"}},
}

// demo is what the scripts are told of the line that kalends demo prints.
type demo struct {
	HubURL          string `json:"hub_url"`
	CAFile          string `json:"ca_file"`
	ServiceToken    string `json:"service_token"`
	SandboxURL      string `json:"sandbox_url"`
	TestApplication struct {
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
		RedirectURI  string `json:"redirect_uri"`
	} `json:"test_application"`
	ServiceRefreshToken string `json:"service_refresh_token"`
	Exchange            struct {
		EWSURL         string `json:"ews_url"`
		ServiceAccount string `json:"service_account"`
		Password       string `json:"password"`
		TestEmail      string `json:"test_email"`
	} `json:"exchange"`
	Planted []struct {
		Email string `json:"email"`
		Cause string `json:"cause"`
	} `json:"planted"`

	room string
}

type tally struct{ ok, failed, skipped int }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "compat:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	d, end, err := startDemo(ctx)
	if err != nil {
		return err
	}
	defer end()
	var t tally
	for _, c := range clients {
		c.try(ctx, d, out, &t)
	}
	fmt.Fprintf(out, "\n%d passed, %d failed, %d skipped\n", t.ok, t.failed, t.skipped)
	if t.failed > 0 || t.ok == 0 || t.skipped > 0 && os.Getenv("CI") != "" {
		return errors.New("not every case is ok")
	}
	return nil
}

func startDemo(ctx context.Context) (demo, func(), error) {
	command := exec.CommandContext(ctx, "bin/kalends", "demo", "--connected", "--json", "--people", "12", "--listen", "127.0.0.1:0", "--log-level", "error")
	command.Stderr = os.Stderr
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = 10 * time.Second
	var d demo
	pipe, err := command.StdoutPipe()
	if err != nil {
		return d, nil, err
	}
	if err := command.Start(); err != nil {
		return d, nil, fmt.Errorf("start the demo (make build first): %w", err)
	}
	end := func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		_ = command.Wait()
	}
	if err := json.NewDecoder(pipe).Decode(&d); err != nil {
		end()
		return d, nil, fmt.Errorf("the demo did not get ready: %w", err)
	}
	if err := d.findRoom(ctx); err != nil {
		end()
		return d, nil, err
	}
	return d, end, nil
}

// try runs one client's cases and counts their lines. A client that ends badly
// after its last line, or without any, is one failed case more.
func (c client) try(ctx context.Context, d demo, out io.Writer, t *tally) {
	if why := c.install(ctx); why != "" {
		t.count(out, fmt.Sprintf("skip %s %s", c.name, why))
		return
	}
	versions := c.versions
	if len(versions) == 0 {
		versions = []string{""}
	}
	for _, version := range versions {
		if err := d.beExchange(ctx, version); err != nil {
			t.count(out, fmt.Sprintf("FAIL %s %s: %v", c.name, version, err))
			continue
		}
		c.once(ctx, d.environment(version), out, t)
	}
}

func (c client) once(ctx context.Context, environment []string, out io.Writer, t *tally) {
	command := exec.CommandContext(ctx, c.run[0], c.run[1:]...)
	command.Env = append(os.Environ(), environment...)
	command.Stderr = os.Stderr
	pipe, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		t.count(out, fmt.Sprintf("FAIL %s start: %v", c.name, err))
		return
	}
	before := *t
	for lines := bufio.NewScanner(pipe); lines.Scan(); {
		t.count(out, lines.Text())
	}
	if err := command.Wait(); *t == before || err != nil && t.failed == before.failed {
		t.count(out, fmt.Sprintf("FAIL %s ended: %v", c.name, err))
	}
}

// install says why the client cannot run, or "".
func (c client) install(ctx context.Context) string {
	if _, err := os.Stat(c.present); err == nil {
		return ""
	}
	if c.prepare == nil {
		return "is not installed"
	}
	command := exec.CommandContext(ctx, c.prepare[0], c.prepare[1:]...)
	command.Stdout, command.Stderr = os.Stderr, os.Stderr
	if err := command.Run(); err != nil {
		return "cannot be installed: " + err.Error()
	}
	return ""
}

// environment is what scripts may use.
func (d demo) environment(version string) []string {
	return []string{
		"KALENDS_BASE_URL=" + d.HubURL, "KALENDS_CLIENT_ID=" + d.TestApplication.ClientID,
		"KALENDS_CLIENT_SECRET=" + d.TestApplication.ClientSecret, "KALENDS_CALLBACK_HOST=" + d.callbackHost(),
		"KALENDS_SERVICE_TOKEN=" + d.ServiceToken, "KALENDS_SERVICE_REFRESH_TOKEN=" + d.ServiceRefreshToken,
		"KALENDS_EMAIL=" + d.Exchange.TestEmail, "SANDBOX_URL=" + d.SandboxURL, "VERSION=" + version,
		"EMAIL=" + d.Exchange.TestEmail, "DENIED=" + d.planted("not_permitted"), "ROOM=" + d.room,
		"EWS_URL=" + d.Exchange.EWSURL, "EWS_ADDRESS=" + d.address(), "EWS_USER=" + d.Exchange.ServiceAccount,
		"EWS_PASSWORD=" + d.Exchange.Password, "CA_FILE=" + d.CAFile,
	}
}

func (d demo) planted(cause string) string {
	for _, p := range d.Planted {
		if p.Cause == cause {
			return p.Email
		}
	}
	return ""
}

// callbackHost is where the test application may be called back.
func (d demo) callbackHost() string {
	u, err := url.Parse(d.TestApplication.RedirectURI)
	if err != nil {
		return ""
	}
	return u.Host
}

// address is where the sandbox's Exchange really listens: its name is not in DNS.
func (d demo) address() string {
	u, err := url.Parse(d.Exchange.EWSURL)
	if err != nil {
		return ""
	}
	return "127.0.0.1:" + u.Port()
}

func (t *tally) count(out io.Writer, line string) {
	fmt.Fprintln(out, line)
	switch word, _, _ := strings.Cut(line, " "); word {
	case "ok":
		t.ok++
	case "FAIL":
		t.failed++
	case "skip":
		t.skipped++
	}
}

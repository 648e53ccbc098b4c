package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"kalends/cronofy"
)

// Requests that one mailbox needs at the least, and how many a provider takes at
// once: what the floor is computed from.
const (
	ewsRequests = 3
	ewsInFlight = 10
)

type connectBench struct {
	People    int     `default:"1000" help:"How many people."`
	Events    int     `default:"200" help:"Events in each calendar."`
	LatencyMS int     `name:"latency-ms" default:"50" help:"Milliseconds that each answer of a provider takes."`
	Faults    float64 `default:"0.02" help:"Share of provider answers that fail."`
	Providers string  `default:"exchange" help:"Providers to spread the people over."`
	JSON      bool    `help:"Print one JSON line."`
}

// connectRun is everything that is running for one benchmark.
type connectRun struct {
	bench                     *connectBench
	dir                       string
	sandbox, kalends, called  *process
	box                       sandboxReady
	hubURL, receiverURL       string
	clientID, clientSecret    string
	account                   *cronofy.Bearer
	emails                    []string
	requestsBefore, cpuBefore float64
}

type sandboxReady struct {
	SandboxURL string `json:"sandbox_url"`
	CAFile     string `json:"ca_file"`
	Resolve    string `json:"resolve"`
	Exchange   struct {
		ServiceAccount string `json:"service_account"`
		Password       string `json:"password"`
		TestEmail      string `json:"test_email"`
	} `json:"exchange"`
}

// Run measures from the first authorisation asked for until everybody is
// connected: matched, code exchanged, busy window stored.
func (b *connectBench) Run(e *environment) error {
	if b.Providers != "exchange" {
		return errors.New("only exchange exists so far")
	}
	ctx, cancel := context.WithTimeout(e.ctx, 20*time.Minute)
	defer cancel()
	r := &connectRun{bench: b}
	defer r.stop()
	if err := r.start(ctx); err != nil {
		return err
	}
	if err := r.connect(ctx); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	if err := r.fault(ctx); err != nil {
		return err
	}
	began := time.Now()
	if err := r.authorise(ctx); err != nil {
		return fmt.Errorf("authorise: %w", err)
	}
	state, err := r.wait(ctx)
	if err != nil {
		return err
	}
	return r.report(ctx, state, time.Since(began).Seconds())
}

func (r *connectRun) start(ctx context.Context) error {
	var err error
	if r.dir, err = os.MkdirTemp("", "kalends-bench-"); err != nil {
		return err
	}
	b := r.bench
	r.sandbox, err = start(ctx, nil, &r.box, binary, "sandbox", "--json", "--plain", "--listen", "127.0.0.1:0",
		"--people", strconv.Itoa(b.People), "--events", strconv.Itoa(b.Events), "--latency-ms", strconv.Itoa(b.LatencyMS))
	if err != nil {
		return err
	}
	port, err := freePort(ctx)
	if err != nil {
		return err
	}
	r.hubURL = "http://" + port
	receiverPort, err := freePort(ctx)
	if err != nil {
		return err
	}
	r.receiverURL = "http://" + receiverPort
	if err := r.createApplication(ctx, receiverPort); err != nil {
		return err
	}
	if r.kalends, err = start(ctx, r.environment(), nil, binary, "serve", "--listen", port, "--log-level", "error"); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	var ready receiverReady
	r.called, err = start(ctx, nil, &ready, self, "receiver", "--hub-url", r.hubURL, "--client-id", r.clientID,
		"--client-secret", r.clientSecret, "--listen", receiverPort)
	if err != nil {
		return err
	}
	return r.people(ctx)
}

func (r *connectRun) environment() []string {
	return []string{
		"KALENDS_DATA=" + r.dir, "KALENDS_RESOLVE=" + r.box.Resolve, "KALENDS_CA_FILE=" + r.box.CAFile,
		"KALENDS_PRIVATE_NETWORKS=127.0.0.0/8",
	}
}

func (r *connectRun) createApplication(ctx context.Context, receiverHost string) error {
	command := exec.CommandContext(ctx, binary, "app", "create", "--json", "--name", "Benchmark", "--redirect-uri",
		"http://"+receiverHost+"/connected", "--callback-host", receiverHost, "--log-level", "error")
	command.Env = append(os.Environ(), r.environment()...)
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return fmt.Errorf("create the application: %w", err)
	}
	var app struct {
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
	}
	if err := json.Unmarshal(out, &app); err != nil {
		return err
	}
	r.clientID, r.clientSecret = app.ClientID, app.ClientSecret
	return nil
}

// people learns the addresses, and waits until the hub answers.
func (r *connectRun) people(ctx context.Context) error {
	var world struct {
		People []struct {
			Email string `json:"email"`
		} `json:"people"`
	}
	if err := getJSON(ctx, r.box.SandboxURL+"/_sandbox/world", &world); err != nil {
		return err
	}
	for _, p := range world.People {
		r.emails = append(r.emails, p.Email)
	}
	if len(r.emails) != r.bench.People {
		return fmt.Errorf("the sandbox has %d people instead of %d", len(r.emails), r.bench.People)
	}
	return poll(ctx, 20*time.Millisecond, func() (bool, error) {
		return getJSON(ctx, r.hubURL+"/v1/openapi.yaml", nil) == nil, nil
	})
}

var formTag = regexp.MustCompile(`name="connect" value="([^"]+)"`)

// connect goes through the hub's pages as an administrator's browser does.
func (r *connectRun) connect(ctx context.Context) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(request *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(request.URL.String(), r.receiverURL) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	query := url.Values{
		"response_type": {"code"}, "client_id": {r.clientID}, "redirect_uri": {r.receiverURL + "/connected"},
		"scope":           {"service_account/accounts/manage service_account/resources/manage"},
		"delegated_scope": {"read_write"}, "provider_name": {"exchange"},
	}
	page, _, err := visit(ctx, browser, http.MethodGet, r.hubURL+"/enterprise_connect/oauth/authorize?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	tag := formTag.FindStringSubmatch(page)
	if tag == nil {
		return errors.New("the page of providers has no form")
	}
	steps := []url.Values{
		{"connect": {tag[1]}, "provider": {"exchange"}},
		{"connect": {tag[1]}, "username": {r.box.Exchange.ServiceAccount}, "password": {r.box.Exchange.Password}, "test_email": {r.box.Exchange.TestEmail}},
	}
	for i, path := range []string{"/enterprise_connect/connect", "/enterprise_connect/connect/form"} {
		if _, _, err := visit(ctx, browser, http.MethodPost, r.hubURL+path, steps[i]); err != nil {
			return err
		}
	}
	var back string
	err = poll(ctx, 100*time.Millisecond, func() (bool, error) {
		_, location, err := visit(ctx, browser, http.MethodPost, r.hubURL+"/enterprise_connect/connect/finish", url.Values{"connect": {tag[1]}})
		back = location
		return strings.Contains(location, "code="), err
	})
	if err != nil {
		return err
	}
	return r.exchange(ctx, back)
}

func (r *connectRun) exchange(ctx context.Context, back string) error {
	u, err := url.Parse(back)
	if err != nil {
		return err
	}
	client, err := cronofy.New(cronofy.Config{
		BaseURL: r.hubURL, ClientID: r.clientID, ClientSecret: r.clientSecret, HTTP: &http.Client{Transport: patient{}},
	})
	if err != nil {
		return err
	}
	token, err := client.ExchangeCode(ctx, u.Query().Get("code"), r.receiverURL+"/connected", "")
	if err != nil {
		return err
	}
	r.account = client.Bearer(cronofy.StaticToken(token.AccessToken))
	return nil
}

// fault makes a share of the provider's answers fail, and remembers the counts before.
func (r *connectRun) fault(ctx context.Context) error {
	stats, err := r.stats(ctx)
	if err != nil {
		return err
	}
	r.requestsBefore = float64(stats.Requests)
	if r.cpuBefore, err = r.kalends.cpu(); err != nil {
		return err
	}
	if r.bench.Faults == 0 {
		return nil
	}
	for _, kind := range []string{"status_503", "server_busy"} {
		body := fmt.Sprintf(`{"provider":"exchange","kind":%q,"rate":%g,"delay_ms":1000}`, kind, r.bench.Faults/2)
		if err := postJSON(ctx, r.box.SandboxURL+"/_sandbox/faults", body); err != nil {
			return err
		}
	}
	return nil
}

type sandboxStats struct {
	Requests  int64 `json:"requests"`
	LimitHits int64 `json:"limits_hit"`
}

func (r *connectRun) stats(ctx context.Context) (sandboxStats, error) {
	var all map[string]sandboxStats
	err := getJSON(ctx, r.box.SandboxURL+"/_sandbox/stats", &all)
	return all["exchange"], err
}

func (r *connectRun) authorise(ctx context.Context) error {
	for from := 0; from < len(r.emails); from += 50 {
		var batch []cronofy.Authorize
		for _, email := range r.emails[from:min(from+50, len(r.emails))] {
			batch = append(batch, cronofy.Authorize{
				Email: email, Scope: "read_write", CallbackURL: r.receiverURL + "/callback?email=" + url.QueryEscape(email),
			})
		}
		if err := r.account.AuthorizeAccounts(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

// wait ends when everybody has been answered and every connected calendar has been read.
func (r *connectRun) wait(ctx context.Context) (receiverState, error) {
	var state receiverState
	err := poll(ctx, 100*time.Millisecond, func() (bool, error) {
		if err := getJSON(ctx, r.receiverURL+"/state", &state); err != nil {
			return false, err
		}
		if len(state.Tokens)+len(state.Errors) < len(r.emails) {
			return false, nil
		}
		return r.allRead(ctx)
	})
	return state, err
}

// allRead tells whether the busy window of every connected account is stored. It
// stops at the first that is not.
func (r *connectRun) allRead(ctx context.Context) (bool, error) {
	for account, err := range r.account.Accounts(ctx, cronofy.AccountsFilter{Status: "connected"}) {
		if err != nil || account.LastSyncAt == nil {
			return false, err
		}
	}
	return true, nil
}

func (r *connectRun) report(ctx context.Context, state receiverState, seconds float64) error {
	b := r.bench
	stats, err := r.stats(ctx)
	if err != nil {
		return err
	}
	cpu, err := r.kalends.cpu()
	if err != nil {
		return err
	}
	rss, err := r.kalends.peak()
	if err != nil {
		return err
	}
	floor := float64(b.People*ewsRequests) * float64(b.LatencyMS) / 1000 / ewsInFlight
	lost := b.People - len(state.Tokens)
	out := result{Name: "connect", Figures: map[string]any{
		"people": b.People, "connected": len(state.Tokens), "lost": lost, "seconds": round(seconds),
		"floor_seconds": round(floor), "floor_by": "exchange", "over_floor": round(seconds / floor),
		"requests_per_mailbox": round((float64(stats.Requests) - r.requestsBefore) / float64(b.People)),
		"throttled":            stats.LimitHits, "rss_mb": round(rss), "cpu_seconds": round(cpu - r.cpuBefore),
	}}
	wrong, err := r.compare(ctx, state)
	if err != nil {
		return err
	}
	out.Wrong = wrong
	out.Correct = lost == 0 && len(wrong) == 0
	return out.print(b.JSON)
}

func (r *connectRun) stop() {
	for _, p := range []*process{r.called, r.kalends, r.sandbox} {
		if p != nil {
			p.stop()
		}
	}
	if r.dir != "" {
		_ = os.RemoveAll(r.dir)
	}
}

func round(f float64) float64 {
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(f, 'f', 2, 64), 64)
	return rounded
}

func visit(ctx context.Context, browser *http.Client, method, address string, form url.Values) (page, location string, err error) {
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return "", "", err
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := browser.Do(request)
	if err != nil {
		return "", "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if answer.StatusCode >= http.StatusInternalServerError {
		return "", "", fmt.Errorf("%s answered %s", request.URL.Path, answer.Status)
	}
	return string(text), answer.Header.Get("Location"), err
}

func getJSON(ctx context.Context, address string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", address, answer.Status)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(answer.Body).Decode(into)
}

func postJSON(ctx context.Context, address, body string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader([]byte(body)))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s answered %s", address, answer.Status)
	}
	return nil
}

// poll asks until the answer is yes or the context ends.
func poll(ctx context.Context, every time.Duration, done func() (bool, error)) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

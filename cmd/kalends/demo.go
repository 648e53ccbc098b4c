package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"kalends/hub/connect"
	"kalends/sandbox"
	"kalends/smartcalendar"
)

const (
	testApplicationName = "Test application"
	testRedirectURI     = "http://127.0.0.1:8899/callback"
	demoPassword        = "musterwerk-demo-1" // of the invented company's people, known to everybody
)

type demoCommand struct {
	JSON      bool   `help:"Print one JSON line that says where everything is and with which accounts."`
	Connected bool   `help:"Connect the company's calendar at once, as its administrator would."`
	People    int    `default:"40" help:"How many people the company has."`
	Seed      int64  `default:"1" help:"Seed of the invented company."`
	Events    int    `hidden:"" help:"At least so many events in each calendar."`
	Plain     bool   `hidden:"" help:"Without people for whom something goes wrong."`
	LatencyMS int    `hidden:"" name:"latency-ms" help:"Milliseconds that each answer of the sandbox takes."`
	Exchange  string `default:"Exchange2013_SP1" help:"Version of the simulated Exchange, from Exchange2007 to ExchangeSE."`
	UnknownCA bool   `hidden:"" name:"unknown-ca" help:"The sandbox's certificate authority is not known: whoever connects has to upload it."`
}

// demoReady is the line that scripts read: see docs/demo.md.
type demoReady struct {
	AppURL              string          `json:"app_url"`
	HubURL              string          `json:"hub_url"`
	SandboxURL          string          `json:"sandbox_url"`
	OutboxURL           string          `json:"outbox_url"`
	CAFile              string          `json:"ca_file"`
	PID                 int             `json:"pid"`
	Admin               demoPerson      `json:"admin"`
	Recruiter           demoPerson      `json:"recruiter"`
	Application         demoClient      `json:"application"`
	TestApplication     demoClient      `json:"test_application"`
	ServiceToken        string          `json:"service_token,omitempty"`
	ServiceRefreshToken string          `json:"service_refresh_token,omitempty"`
	Exchange            json.RawMessage `json:"exchange"`
	Microsoft365        json.RawMessage `json:"microsoft365"`
	Google              json.RawMessage `json:"google"`
	Planted             json.RawMessage `json:"planted"`
}

type demoPerson struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

type demoClient struct {
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	RedirectURI  string `json:"redirect_uri"`
}

// sandboxReady is the line of the sandbox that the demo passes on.
type sandboxReady struct {
	SandboxURL   string          `json:"sandbox_url"`
	CAFile       string          `json:"ca_file"`
	Resolve      string          `json:"resolve"`
	Exchange     json.RawMessage `json:"exchange"`
	Microsoft365 json.RawMessage `json:"microsoft365"`
	Google       json.RawMessage `json:"google"`
	Planted      json.RawMessage `json:"planted"`
}

// Run serves until the environment's context ends.
func (c demoCommand) Run(e *environment, s *settings) error {
	remove, err := demoFolder(s, e.env)
	if err != nil {
		return err
	}
	defer remove()
	listener, err := listen(e.ctx, s.Listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	s.Listen = listener.Addr().String()
	box, err := startSandbox(e.ctx, c, s)
	if err != nil {
		return err
	}
	defer box.stop()
	s.Resolve = append(s.Resolve, strings.Split(box.ready.Resolve, ",")...)
	s.ConfirmAliases, s.demoOutbox = true, true
	if !c.UnknownCA {
		s.CAFile = box.ready.CAFile
	}
	s.PrivateNetworks = append(s.PrivateNetworks, "127.0.0.0/8")
	h, err := openHouse(e.ctx, s)
	if err != nil {
		return err
	}
	defer h.close()
	return c.serve(e, h, box, listener)
}

func (c demoCommand) serve(e *environment, h *house, box *childSandbox, listener net.Listener) error {
	p, err := newProgram(e.ctx, h)
	if err != nil {
		return err
	}
	ready, err := p.furnish(e.ctx, box)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(e.ctx)
	group.Go(func() error { return p.serve(ctx, listener) })
	group.Go(func() error {
		if err := c.present(ctx, p, ready, e.out); ctx.Err() == nil {
			return err
		}
		return nil
	})
	return group.Wait()
}

// present connects if asked to, and says where everything is.
func (c demoCommand) present(ctx context.Context, p *program, ready demoReady, out io.Writer) error {
	if err := waitFor(ctx, ready.HubURL+"/healthz"); err != nil {
		return err
	}
	if c.Connected {
		if err := p.connectDemo(ctx, &ready); err != nil {
			return fmt.Errorf("connect the demo company: %w", err)
		}
	}
	if c.JSON {
		return json.NewEncoder(out).Encode(ready)
	}
	_, err := fmt.Fprintf(out, demoWelcome, ready.AppURL, ready.Admin.Email, ready.Admin.Password,
		ready.Recruiter.Email, ready.Recruiter.Password, exchangeHints(ready.Exchange), ready.OutboxURL, ready.SandboxURL)
	return err
}

const demoWelcome = `
Musterwerk is ready.

  Smart Calendar   %s
  Administrator    %s   password %s
  Recruiter        %s   password %s

Sign in as the administrator, open Settings -> Calendar, and connect with:
%s
  Mail that was sent   %s
  Simulated Exchange   %s/_sandbox/world

Ctrl-C ends everything.
`

func exchangeHints(block json.RawMessage) string {
	var x struct {
		ServiceAccount string `json:"service_account"`
		Password       string `json:"password"`
		TestEmail      string `json:"test_email"`
	}
	if json.Unmarshal(block, &x) != nil {
		return ""
	}
	return fmt.Sprintf("\n  Service account  %s   password %s\n  Test address     %s\n", x.ServiceAccount, x.Password, x.TestEmail)
}

// demoFolder gives the demo a folder of its own, until remove, unless one was
// named. Everything that the demo writes is in it.
func demoFolder(s *settings, env map[string]string) (remove func(), err error) {
	if s.Data != "data" || env["KALENDS_DATA"] != "" {
		return func() {}, os.MkdirAll(s.Data, 0o700)
	}
	s.Data, err = os.MkdirTemp("", "kalends-demo-")
	return func() { _ = os.RemoveAll(s.Data) }, err
}

// childSandbox is the sandbox as a process of its own.
type childSandbox struct {
	command *exec.Cmd
	ready   sandboxReady
}

func startSandbox(ctx context.Context, c demoCommand, s *settings) (*childSandbox, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	authority, err := filepath.Abs(filepath.Join(s.Data, "sandbox-ca.pem"))
	if err != nil {
		return nil, err
	}
	args := []string{
		"sandbox", "--json", "--listen", nextPort(s.Listen), "--people", strconv.Itoa(c.People), "--seed", strconv.FormatInt(c.Seed, 10),
		"--events", strconv.Itoa(c.Events), "--latency-ms", strconv.Itoa(c.LatencyMS), "--write-ca", authority,
		"--exchange", c.Exchange,
	}
	if c.Plain {
		args = append(args, "--plain")
	}
	child := &childSandbox{command: exec.CommandContext(ctx, self, args...)}
	child.command.Stderr = os.Stderr
	child.command.Cancel = func() error { return child.command.Process.Signal(syscall.SIGTERM) }
	child.command.WaitDelay = 2 * time.Second
	child.command.SysProcAttr = endWithParent()
	out, err := child.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := child.command.Start(); err != nil {
		return nil, fmt.Errorf("start the sandbox: %w", err)
	}
	if err := json.NewDecoder(bufio.NewReader(out)).Decode(&child.ready); err != nil {
		child.stop()
		return nil, fmt.Errorf("the sandbox did not start: %w", err)
	}
	return child, nil
}

func (c *childSandbox) stop() {
	_ = c.command.Process.Signal(syscall.SIGTERM)
	_ = c.command.Wait()
}

// nextPort is the sandbox's address: the port behind ours, or any.
func nextPort(address string) string {
	host, port, err := net.SplitHostPort(address)
	number, err2 := strconv.Atoi(port)
	if err != nil || err2 != nil || number != 8800 {
		return "127.0.0.1:0"
	}
	return net.JoinHostPort(host, strconv.Itoa(number+1))
}

// furnish makes the company, its people and the test application, once.
func (p *program) furnish(ctx context.Context, box *childSandbox) (demoReady, error) {
	ready := demoReady{
		AppURL: p.settings.AppURL, HubURL: p.settings.PublicURL, SandboxURL: box.ready.SandboxURL,
		OutboxURL: p.settings.AppURL + "/outbox", CAFile: box.ready.CAFile, PID: os.Getpid(),
		Exchange: box.ready.Exchange, Microsoft365: box.ready.Microsoft365, Google: box.ready.Google, Planted: box.ready.Planted,
	}
	world, err := readWorld(ctx, box.ready.SandboxURL)
	if err != nil {
		return ready, err
	}
	if err := p.furnishCompany(ctx, world, &ready); err != nil {
		return ready, err
	}
	if ready.Application, err = p.client(ctx, smartCalendarName, p.settings.AppURL+smartcalendar.RedirectPath); err != nil {
		return ready, err
	}
	ready.TestApplication, err = p.client(ctx, testApplicationName, testRedirectURI)
	return ready, err
}

// demoWorld is the part of the sandbox's world that Smart Calendar's roster needs.
type demoWorld struct {
	Company string              `json:"company"`
	Domain  string              `json:"domain"`
	People  []sandbox.Recipient `json:"people"`
	Planted []sandbox.Planted   `json:"planted"`
}

func readWorld(ctx context.Context, sandboxURL string) (demoWorld, error) {
	var world demoWorld
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, sandboxURL+"/_sandbox/world", nil)
	if err != nil {
		return world, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return world, err
	}
	defer answer.Body.Close()
	return world, json.NewDecoder(answer.Body).Decode(&world)
}

func (p *program) furnishCompany(ctx context.Context, world demoWorld, ready *demoReady) error {
	people := world.roster()
	for _, person := range people {
		switch person.Role {
		case smartcalendar.RoleAdministrator:
			ready.Admin = demoPerson{Email: person.Email, Password: demoPassword}
		default:
			if ready.Recruiter.Email == "" && person.Password != "" {
				ready.Recruiter = demoPerson{Email: person.Email, Password: demoPassword}
			}
		}
	}
	id, err := p.app.CreateCompany(ctx, world.Company, world.Domain, []smartcalendar.Feature{smartcalendar.SmartCalendar, smartcalendar.SmartCalendarPlus})
	if errors.Is(err, smartcalendar.ErrCompanyExists) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = p.app.AddPeople(ctx, id, people)
	return err
}

// roster is everybody the application knows: the company's people, and those for
// whom something goes wrong. Administrator and recruiter have passwords.
func (w demoWorld) roster() []smartcalendar.NewPerson {
	var people []smartcalendar.NewPerson
	for _, r := range w.People {
		person := smartcalendar.NewPerson{Name: r.Name, Email: r.Email}
		switch r.Role {
		case "administrator":
			person.Role, person.Password = smartcalendar.RoleAdministrator, demoPassword
		case "recruiter":
			person.Password = demoPassword
		}
		people = append(people, person)
	}
	for _, planted := range w.Planted {
		if planted.Scope == "connection" {
			continue
		}
		names := planted.Names
		if len(names) == 0 {
			names = []string{planted.Name}
		}
		for _, name := range names {
			people = append(people, smartcalendar.NewPerson{Name: name, Email: planted.Email})
		}
	}
	return people
}

// client gives an application's credentials, and registers it if need be.
func (p *program) client(ctx context.Context, name, redirectURI string) (demoClient, error) {
	app, found, err := findApplication(ctx, p.house, name)
	if err != nil {
		return demoClient{}, err
	}
	var clientSecret string
	if found {
		app, clientSecret, err = ownSecret(ctx, p.house, app)
	} else {
		app, clientSecret, err = p.connect.CreateApplication(ctx, connect.NewApplication{
			Name: name, RedirectURIs: []string{redirectURI}, CallbackHosts: []string{hostOf(redirectURI)},
		})
	}
	return demoClient{ClientID: app.ClientID, ClientSecret: clientSecret, RedirectURI: redirectURI}, err
}

func waitFor(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return err
		}
		if answer, err := http.DefaultClient.Do(request); err == nil {
			answer.Body.Close()
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w", address, ctx.Err())
		case <-tick.C:
		}
	}
}

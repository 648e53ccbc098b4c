package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// What people are promised, in seconds at the most.
const (
	promisedShown  = 10 // whoever looks at the settings page sees that a connection was ended or is refused
	promisedSignIn = 2  // whoever signs in for the first time has her calendar
	promisedEnd    = 5  // the program ends after SIGTERM
)

type promisesBench struct {
	People int  `default:"40" help:"How many people the company has."`
	JSON   bool `help:"Print one JSON line."`
}

// promisesRun is a demo with an administrator signed in.
type promisesRun struct {
	demo    *process
	ready   demoReady
	admin   *http.Client
	figures map[string]any
	wrong   []string
}

type demoReady struct {
	AppURL     string `json:"app_url"`
	HubURL     string `json:"hub_url"`
	SandboxURL string `json:"sandbox_url"`
	OutboxURL  string `json:"outbox_url"`
	Admin      struct {
		Email    string `json:"email"`
		Password string `json:"password"`
	} `json:"admin"`
	Exchange struct {
		ServiceAccount string `json:"service_account"`
		Password       string `json:"password"`
		TestEmail      string `json:"test_email"`
	} `json:"exchange"`
}

// Run measures what a person sees in a browser, and how long the program takes to end.
func (b *promisesBench) Run(e *environment) error {
	ctx, cancel := context.WithTimeout(e.ctx, 2*time.Minute)
	defer cancel()
	r := &promisesRun{figures: map[string]any{}}
	var err error
	if r.demo, err = start(ctx, nil, &r.ready, binary, "demo", "--json", "--connected", "--listen", "127.0.0.1:0",
		"--people", fmt.Sprint(b.People), "--log-level", "error"); err != nil {
		return err
	}
	defer r.demo.stop()
	for _, step := range []func(context.Context) error{r.settle, r.firstSignIn, r.refused, r.revoked} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	began := time.Now()
	r.demo.stop()
	r.measured("sigterm_s", began, promisedEnd)
	if !r.demo.command.ProcessState.Success() {
		r.wrong = append(r.wrong, "the demo ended with "+r.demo.command.ProcessState.String())
	}
	return result{Name: "promises", Figures: r.figures, Wrong: r.wrong, Correct: len(r.wrong) == 0}.print(b.JSON)
}

func (r *promisesRun) measured(figure string, began time.Time, promised float64) {
	seconds := time.Since(began).Seconds()
	r.figures[figure] = round(seconds)
	if seconds > promised {
		r.wrong = append(r.wrong, fmt.Sprintf("%s is %.2f, promised are %g", figure, seconds, promised))
	}
}

// settle signs the administrator in and waits for the end of the first run.
func (r *promisesRun) settle(ctx context.Context) error {
	var err error
	if r.admin, err = r.signIn(ctx, r.ready.AppURL+"/sign-in", url.Values{"email": {r.ready.Admin.Email}, "password": {r.ready.Admin.Password}}); err != nil {
		return err
	}
	return r.settings(ctx, func(page string) bool {
		return strings.Contains(page, "Last sync") && !strings.Contains(page, "<progress")
	})
}

// signIn posts a form with a browser of its own.
func (r *promisesRun) signIn(ctx context.Context, address string, form url.Values) (*http.Client, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	browser := &http.Client{Jar: jar, Transport: english{}}
	_, _, err = visit(ctx, browser, http.MethodPost, address, form)
	return browser, err
}

// english is a browser whose owner reads English.
type english struct{}

// RoundTrip implements http.RoundTripper.
func (english) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set("Accept-Language", "en")
	return http.DefaultTransport.RoundTrip(r)
}

// settings waits until the administrator's page is as it should be.
func (r *promisesRun) settings(ctx context.Context, right func(page string) bool) error {
	return r.shows(ctx, r.admin, r.ready.AppURL+"/settings/calendar", right)
}

func (r *promisesRun) shows(ctx context.Context, browser *http.Client, address string, right func(page string) bool) error {
	return poll(ctx, 20*time.Millisecond, func() (bool, error) {
		page, _, err := visit(ctx, browser, http.MethodGet, address, nil)
		return err == nil && right(page), err
	})
}

// firstSignIn hires and invites somebody, and measures from the first sign-in until
// her page shows her calendar.
func (r *promisesRun) firstSignIn(ctx context.Context) error {
	const name, email = "Nele Neumann", "nele.neumann@musterwerk.example"
	if err := postJSON(ctx, r.ready.SandboxURL+"/_sandbox/mailboxes", `{"name":"`+name+`","email":"`+email+`","kind":"person"}`); err != nil {
		return err
	}
	if _, _, err := visit(ctx, r.admin, http.MethodPost, r.ready.AppURL+"/people/new", url.Values{"name": {name}, "email": {email}}); err != nil {
		return err
	}
	welcome, err := r.welcome(ctx, email)
	if err != nil {
		return err
	}
	began := time.Now()
	browser, err := r.signIn(ctx, welcome, url.Values{"password": {"ein-langes-passwort-1"}})
	if err != nil {
		return err
	}
	err = r.shows(ctx, browser, r.ready.AppURL+"/me", func(page string) bool {
		return strings.Contains(page, "Your calendar is connected. You need not do anything.")
	})
	r.measured("first_sign_in_s", began, promisedSignIn)
	return err
}

var (
	mailLink    = regexp.MustCompile(`href="(/outbox/[^"]+)"`)
	welcomeLink = regexp.MustCompile(`https?://[^"\s<]+/welcome/[^"\s<]+`)
)

// welcome finds the link in the mail of an invitation.
func (r *promisesRun) welcome(ctx context.Context, email string) (link string, err error) {
	err = r.shows(ctx, r.admin, r.ready.OutboxURL, func(page string) bool {
		address := mailTo(page, email)
		if address == "" {
			return false
		}
		mail, _, err := visit(ctx, r.admin, http.MethodGet, r.ready.AppURL+address, nil)
		link = welcomeLink.FindString(mail)
		return err == nil && link != ""
	})
	return link, err
}

// mailTo gives the link of the outbox's row that names somebody, "" if none does.
func mailTo(page, email string) string {
	for _, row := range strings.Split(page, "<tr") {
		if link := mailLink.FindStringSubmatch(row); link != nil && strings.Contains(row, email) {
			return link[1]
		}
	}
	return ""
}

// refused has the calendar system refuse the password, for as long as it takes to
// be shown.
func (r *promisesRun) refused(ctx context.Context) error {
	faults := r.ready.SandboxURL + "/_sandbox/faults"
	if err := postJSON(ctx, faults, `{"provider":"exchange","kind":"expired_secret"}`); err != nil {
		return err
	}
	began := time.Now()
	if err := r.settings(ctx, func(page string) bool { return strings.Contains(page, "interrupted") }); err != nil {
		return err
	}
	r.measured("refused_shown_s", began, promisedShown)
	_, _, err := visit(ctx, r.admin, http.MethodDelete, faults, nil)
	return err
}

// begin is on the settings page of a company without a connection.
const begin = "Start authentication"

var connectionLink = regexp.MustCompile(`href="(/enterprise_connect/connections/[^"/]+)"`)

// revoked ends Smart Calendar's connection on the hub's own page.
func (r *promisesRun) revoked(ctx context.Context) error {
	x := r.ready.Exchange
	browser, err := r.signIn(ctx, r.ready.HubURL+"/enterprise_connect", url.Values{
		"provider": {"exchange"}, "username": {x.ServiceAccount}, "password": {x.Password}, "test_email": {x.TestEmail},
	})
	if err != nil {
		return err
	}
	page, _, err := visit(ctx, browser, http.MethodGet, r.ready.HubURL+"/enterprise_connect", nil)
	if err != nil {
		return err
	}
	for _, link := range connectionLink.FindAllStringSubmatch(page, -1) {
		of, _, err := visit(ctx, browser, http.MethodGet, r.ready.HubURL+link[1], nil)
		if err == nil && strings.Contains(of, "Smart Calendar") {
			return r.end(ctx, browser, r.ready.HubURL+link[1]+"/revoke")
		}
	}
	return errors.New("the hub's page does not list Smart Calendar's connection")
}

func (r *promisesRun) end(ctx context.Context, browser *http.Client, address string) error {
	if page, _, err := visit(ctx, r.admin, http.MethodGet, r.ready.AppURL+"/settings/calendar", nil); err != nil || strings.Contains(page, begin) {
		return errors.Join(err, errors.New("nothing is connected that could be ended"))
	}
	began := time.Now()
	if _, _, err := visit(ctx, browser, http.MethodPost, address, url.Values{"confirm": {"musterwerk.example"}}); err != nil {
		return err
	}
	err := r.settings(ctx, func(page string) bool { return strings.Contains(page, begin) })
	r.measured("revoked_shown_s", began, promisedShown)
	return err
}

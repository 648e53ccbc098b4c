package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	kalends "kalends"
	"kalends/provider"
	"kalends/provider/ews"
)

type checkExchangeCommand struct {
	Connection   string   `placeholder:"con_…" help:"Check a connection that exists, with the credentials it has; the entries below are not needed then."`
	Username     string   `help:"Service account, as DOMAIN\\user or user@domain. Its password is read from KALENDS_EXCHANGE_PASSWORD or --password-file."`
	PasswordFile string   `placeholder:"FILE" help:"File with the password; - is standard input."`
	TestEmail    string   `help:"A person's address, to act for."`
	URL          string   `name:"url" help:"Address of Exchange Web Services; without it Autodiscover looks for it."`
	CA           string   `name:"ca" placeholder:"FILE" help:"PEM certificate of your own certificate authority."`
	Pin          string   `placeholder:"SHA-256" help:"Fingerprint of the only certificate to accept."`
	LegacyTLS    bool     `name:"legacy-tls" help:"Allow TLS 1.0 and 1.1."`
	TrustedHost  []string `placeholder:"HOST" help:"Server outside the domain that Autodiscover may lead to."`
	Rooms        []string `placeholder:"EMAIL" help:"Addresses of rooms, or of distribution groups that hold rooms, where room lists lack them."`
	Person       []string `placeholder:"EMAIL" help:"Check this person's mailbox too."`
	Lang         string   `enum:"en,de" default:"en" help:"Language of the texts: en or de."`
	JSON         bool     `help:"Print JSON."`
}

var errCheckFailed = errors.New("not every line is ok")

// Run checks an Exchange line by line, as the connect page does, then people. It
// writes nothing, neither at Exchange nor in the database.
func (c checkExchangeCommand) Run(e *environment, s *settings) error {
	if c.Connection != "" {
		return withHouse(e, s, func(ctx context.Context, h *house) error {
			driver, system, err := h.connect.OpenConnection(ctx, c.Connection)
			if err != nil {
				return fmt.Errorf("open the connection %s: %w", c.Connection, err)
			}
			if system != kalends.Exchange {
				driver.Close()
				return fmt.Errorf("%s is a connection to %s, not to Exchange", c.Connection, system)
			}
			return c.check(ctx, e.out, driver)
		})
	}
	driver, err := c.open(e, s)
	if err != nil {
		return err
	}
	return c.check(e.ctx, e.out, driver)
}

func (c checkExchangeCommand) open(e *environment, s *settings) (provider.Driver, error) {
	credentials, err := c.credentials(e)
	if err != nil {
		return nil, err
	}
	way, err := (&house{}).openWay(s)
	if err != nil {
		return nil, err
	}
	driver, err := ews.System().Open(credentials, way)
	if err != nil {
		return nil, fmt.Errorf("%w (see kalends check exchange --help)", err)
	}
	return driver, nil
}

func (c checkExchangeCommand) credentials(e *environment) (kalends.Credentials, error) {
	password, err := c.password(e)
	if err != nil {
		return nil, err
	}
	ca, err := readOptional(c.CA)
	if err != nil {
		return nil, err
	}
	credentials := kalends.Credentials{
		"username": c.Username, "password": password, "test_email": c.TestEmail, "url": c.URL, "ca": ca, "pin": c.Pin,
		"trusted_hosts": strings.Join(c.TrustedHost, " "), "rooms": strings.Join(c.Rooms, " "),
	}
	if c.LegacyTLS {
		credentials["legacy_tls"] = "on"
	}
	return credentials, nil
}

func (c checkExchangeCommand) password(e *environment) (string, error) {
	switch {
	case c.PasswordFile == "-":
		text, err := io.ReadAll(io.LimitReader(os.Stdin, 4096))
		return strings.TrimRight(string(text), "\r\n"), err
	case c.PasswordFile != "":
		text, err := os.ReadFile(c.PasswordFile)
		return strings.TrimRight(string(text), "\r\n"), err
	}
	return e.env["KALENDS_EXCHANGE_PASSWORD"], nil
}

func readOptional(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	text, err := os.ReadFile(path)
	return string(text), err
}

func (c checkExchangeCommand) check(ctx context.Context, out io.Writer, driver provider.Driver) error {
	defer driver.Close()
	report := newCheckReport(out, c.Lang, c.JSON)
	_, err := driver.Check(ctx, provider.CheckRequest{Sample: c.TestEmail}, report.step)
	for _, email := range c.Person {
		if err != nil {
			break
		}
		report.person(email)
		checkPerson(ctx, driver, email, report.step)
	}
	return report.end()
}

// checkPerson tries one mailbox: what comes after a failed line is skipped.
func checkPerson(ctx context.Context, driver provider.Driver, email string, report func(kalends.Step)) {
	mailbox := kalends.Mailbox{Email: email}
	lines := []struct {
		key kalends.StepKey
		do  func(facts map[string]string) error
	}{
		{kalends.StepMatch, func(facts map[string]string) (err error) {
			mailbox, err = driver.Find(ctx, email)
			facts["mailbox"] = mailbox.Email
			return err
		}},
		{kalends.StepCalendar, func(facts map[string]string) error {
			calendars, err := driver.Calendars(ctx, mailbox.Email)
			if len(calendars) > 0 {
				facts["calendar"] = calendars[0].Name
			}
			return err
		}},
		{kalends.StepFreeBusy, func(map[string]string) error { return freeBusyOf(ctx, driver, mailbox.Email) }},
	}
	failed := false
	for _, line := range lines {
		if failed {
			report(kalends.Step{Key: line.key, Status: kalends.StepSkipped})
			continue
		}
		failed = timed(line.key, line.do, report) != nil
	}
}

func timed(key kalends.StepKey, do func(facts map[string]string) error, report func(kalends.Step)) error {
	step := kalends.Step{Key: key, Status: kalends.StepOK, Facts: map[string]string{}}
	started := time.Now()
	err := do(step.Facts)
	step.Milliseconds = time.Since(started).Milliseconds()
	if err != nil {
		step.Status, step.Cause, step.Detail = kalends.StepFailed, kalends.ReasonOf(err), kalends.DetailOf(err)
	}
	report(step)
	return err
}

func freeBusyOf(ctx context.Context, driver provider.Driver, mailbox string) error {
	start := time.Now().UTC().Truncate(time.Hour)
	answers, err := driver.FreeBusy(ctx, []string{mailbox}, kalends.Window{Start: start, End: start.AddDate(0, 0, 7)})
	if err == nil && len(answers) == 1 {
		err = answers[0].Err
	}
	return err
}

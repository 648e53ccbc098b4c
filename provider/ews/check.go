package ews

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	kalends "kalends"
	"kalends/provider"
	"kalends/provider/ews/ntlm"
)

// check is one run of the steps.
type check struct {
	driver  *driver
	sample  string
	address string
	server  serverVersion
	offers  *http.Response // answer to the empty POST
	reached error          // of the empty POST
	rooms   int
	report  func(kalends.Step)
}

type step struct {
	key      kalends.StepKey
	optional bool
	do       func(context.Context, *kalends.Step) error
}

// Check implements provider.Driver.
func (d *driver) Check(ctx context.Context, request provider.CheckRequest, report func(kalends.Step)) (provider.CheckResult, error) {
	c := &check{driver: d, sample: kalends.NormalizeEmail(request.Sample), report: report, rooms: -1}
	if c.sample == "" {
		c.sample = kalends.NormalizeEmail(d.credentials[fieldTestEmail])
	}
	steps := []step{
		{key: kalends.StepAutodiscover, do: c.autodiscover},
		{key: kalends.StepReach, do: c.reach},
		{key: kalends.StepTLS, do: c.tls},
		{key: kalends.StepSignIn, do: c.signIn},
		{key: kalends.StepImpersonation, do: c.impersonation},
		{key: kalends.StepVersion, do: c.version},
		{key: kalends.StepFreeBusy, do: c.freeBusy},
		{key: kalends.StepRooms, optional: true, do: c.listRooms},
	}
	for i, s := range steps {
		if err := c.run(ctx, s); err != nil && !s.optional {
			for _, rest := range steps[i+1:] {
				report(kalends.Step{Key: rest.key, Status: kalends.StepSkipped})
			}
			return provider.CheckResult{}, err
		}
	}
	return c.result(), nil
}

func (c *check) run(ctx context.Context, s step) error {
	done := kalends.Step{Key: s.key, Status: kalends.StepRunning, Facts: map[string]string{}}
	c.report(kalends.Step{Key: s.key, Status: kalends.StepRunning})
	started := time.Now()
	err := s.do(ctx, &done)
	done.Milliseconds = time.Since(started).Milliseconds()
	switch {
	case err == nil && done.Status == kalends.StepRunning:
		done.Status = kalends.StepOK
	case err != nil && s.optional:
		done.Status = kalends.StepWarning
	case err != nil:
		done.Status = kalends.StepFailed
	}
	done.Cause, done.Detail = kalends.CauseOf(err), kalends.DetailOf(err)
	c.report(done)
	return err
}

// autodiscover is skipped when a URL was entered: that is tried first.
func (c *check) autodiscover(ctx context.Context, done *kalends.Step) error {
	address, v := c.driver.target()
	if address != "" {
		c.address, done.Status = address, kalends.StepSkipped
		done.Facts["url"] = address
		return nil
	}
	found, attempts, err := c.driver.discover(ctx)
	done.Attempts = attempts
	if err != nil {
		return err
	}
	c.address, done.Facts["url"] = found, found
	c.driver.setTarget(found, v)
	return nil
}

// reach sends an empty POST without credentials: the server must answer 401 and
// say how to sign in. A certificate is the next step's matter.
func (c *check) reach(ctx context.Context, done *kalends.Step) error {
	host := hostOf(c.address)
	done.Facts["host"] = host
	if isOnline(host) {
		return &kalends.Error{Kind: kalends.KindUnsupported, Op: "exchange.Check", Cause: kalends.NewCause(
			kalends.CauseExchangeOnline, "host", host, "domain", kalends.EmailDomain(c.sample))}
	}
	c.offers, c.reached = c.probe(ctx)
	if cause := kalends.CauseOf(c.reached); cause != nil && cause.Key == kalends.CauseTLS {
		return nil
	}
	return c.reached
}

func (c *check) probe(ctx context.Context) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.address, http.NoBody)
	if err != nil {
		return nil, c.driver.transportError("Check", c.address, err)
	}
	response, err := c.driver.finder.Do(r)
	if err != nil {
		return nil, c.driver.probeError("Check", c.address, err)
	}
	defer func() { _ = response.Body.Close() }()
	drain(response)
	if response.StatusCode != http.StatusUnauthorized {
		return response, c.driver.statusError("Check", c.address, response)
	}
	return response, nil
}

func (c *check) tls(_ context.Context, done *kalends.Step) error {
	done.Facts["host"] = hostOf(c.address)
	if c.reached != nil {
		return c.reached
	}
	if state := c.offers.TLS; state != nil && len(state.PeerCertificates) > 0 {
		done.Facts["issuer"] = state.PeerCertificates[0].Issuer.String()
		done.Facts["subject"] = state.PeerCertificates[0].Subject.String()
		done.Facts["version"] = tls.VersionName(state.Version)
		done.Facts["expires"] = state.PeerCertificates[0].NotAfter.UTC().Format(time.DateOnly)
	}
	return nil
}

// signIn and impersonation are one request, GetFolder as the test mailbox in
// Exchange2007_SP1, which works everywhere: a code that Exchange gives proves
// that the password was taken.
func (c *check) signIn(ctx context.Context, done *kalends.Step) error {
	done.Facts["account"] = c.driver.credentials[fieldUsername]
	possible := methodsFor(c.offers.Header)
	if len(possible) == 0 {
		return c.driver.statusError("Check", c.address, c.offers)
	}
	for _, m := range possible {
		done.Facts["method"] = m.name()
		c.driver.sign.use(placeOf(c.address), m)
		if c.reached = c.getFolder(ctx); !notTaken(c.reached) {
			break
		}
	}
	switch {
	case errors.Is(c.reached, ntlm.ErrChallenge):
		return c.driver.noMethod("Check", c.address, c.offers, c.reached)
	case c.reached != nil && codeOf(c.reached) == "" && !livesElsewhere(c.reached):
		return c.reached
	}
	return nil
}

// notTaken: another method may do.
func notTaken(err error) bool {
	return kalends.KindOf(err) == kalends.KindUnauthorized || errors.Is(err, ntlm.ErrChallenge)
}

func (c *check) getFolder(ctx context.Context) error {
	a, err := c.driver.callVersion(ctx, "GetFolder", request{
		address: c.address, version: exchange2007SP1, mailbox: c.sample, body: getCalendarFolder(),
	})
	c.server = a.server
	return err
}

func (c *check) impersonation(ctx context.Context, done *kalends.Step) error {
	done.Facts["email"], done.Facts["account"] = c.sample, c.driver.credentials[fieldUsername]
	err := c.reached
	if codeOf(err) == "ErrorNonPrimarySmtpAddress" && primaryIn(err) != "" {
		c.sample = primaryIn(err)
		_, err = c.driver.calendarFolder(ctx, c.sample)
	}
	if livesElsewhere(err) {
		_, err = c.driver.calendarFolder(ctx, c.sample)
	}
	if code := codeOf(err); code == "ErrorImpersonateUserDenied" || code == "ErrorImpersonationDenied" {
		return c.denied(ctx, err)
	}
	return err
}

// denied says which right is missing. A refusal does not tell the version, so that
// one is asked for which 2007 does not know: the version is looked at first.
func (c *check) denied(ctx context.Context, refusal error) error {
	facts := c.driver.facts(c.sample)
	right := c.driver.rightMissing(codeOf(refusal), c.sample)
	if right == "" && !c.driver.hasLearned() {
		_, err := c.driver.callVersion(ctx, "GetFolder", request{address: c.address, version: exchange2010, mailbox: c.sample, body: getCalendarFolder()})
		if tooNew(err) {
			right = "database"
		}
	}
	if right != "" {
		facts = append(facts, "right", right)
	}
	return &kalends.Error{
		Kind: kalends.KindDenied, Op: "exchange.GetFolder", Err: refusal, Detail: kalends.DetailOf(refusal),
		Cause: kalends.NewCause(kalends.CauseImpersonationMissing, facts...),
	}
}

func (c *check) version(_ context.Context, done *kalends.Step) error {
	name := c.server.name()
	done.Facts["version"] = name
	switch {
	case c.server.tooOld():
		return &kalends.Error{Kind: kalends.KindUnsupported, Op: "exchange.Check", Cause: kalends.NewCause(kalends.CauseVersionTooOld, "version", name)}
	case c.server.online():
		return &kalends.Error{Kind: kalends.KindUnsupported, Op: "exchange.Check", Cause: kalends.NewCause(
			kalends.CauseExchangeOnline, "domain", kalends.EmailDomain(c.sample))}
	}
	c.driver.setTarget(c.address, c.server.request())
	done.Facts["build"] = strconv.Itoa(c.server.Major) + "." + strconv.Itoa(c.server.Minor) + "." + strconv.Itoa(c.server.Build)
	return nil
}

func (c *check) freeBusy(ctx context.Context, done *kalends.Step) error {
	done.Facts["email"] = c.sample
	today := time.Now().UTC().Truncate(24 * time.Hour)
	answers, err := c.driver.FreeBusy(ctx, []string{c.sample}, kalends.Window{Start: today, End: today.AddDate(0, 0, 7)})
	if err != nil {
		return err
	}
	return answers[0].Err
}

// listRooms counts what was found, and warns of what the form names besides.
func (c *check) listRooms(ctx context.Context, done *kalends.Step) error {
	list, err := c.driver.allRooms(ctx)
	if err != nil {
		return err
	}
	if err = list.incomplete(); err != nil && len(list.rooms) == 0 {
		return err
	}
	c.rooms = len(list.rooms)
	done.Facts["rooms"] = strconv.Itoa(c.rooms)
	return err
}

// result: the identity is host and service account, so that a reconnect finds
// the same organisation.
func (c *check) result() provider.CheckResult {
	d := c.driver
	address, v := d.target()
	credentials := d.credentials.Clone()
	credentials[fieldURL], credentials[keptVersion] = address, string(v)
	credentials[keptMethod] = string(d.sign.method(placeOf(address)))
	host := strings.ToLower(hostOf(address))
	account := strings.TrimSpace(d.credentials[fieldUsername])
	return provider.CheckResult{
		Credentials: credentials, Tenant: "exchange:" + host, Identity: "exchange:" + host + "|" + strings.ToLower(account),
		Domain: kalends.EmailDomain(c.sample), Account: account, Rooms: c.rooms,
	}
}

package connect

import (
	"context"
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	kalends "kalends"
	"kalends/db"
	"kalends/provider"
	"kalends/secret"
	"kalends/store"
)

const (
	checkTime    = 90 * time.Second
	maxValue     = 4 << 10
	maxFileValue = 256 << 10
	maxHosts     = 10 // that one connect may confirm
)

// Forms lists the systems that can be connected, in the order to offer them.
func (s *Service) Forms() []kalends.Form {
	var forms []kalends.Form
	for _, name := range []kalends.Provider{kalends.Microsoft365, kalends.Exchange, kalends.Google} {
		if system, ok := s.c.Systems[name]; ok {
			forms = append(forms, system.Form)
		}
	}
	return forms
}

// ChooseProvider sets the system to connect and forgets a check of another one.
func (s *Service) ChooseProvider(ctx context.Context, handle string, p kalends.Provider) error {
	if _, ok := s.c.Systems[p]; !ok {
		return kalends.Errorf(kalends.KindUnsupported, "connect: no such calendar system")
	}
	return s.update(ctx, handle, func(r *row) error {
		if r.Provider == p {
			return nil
		}
		r.forgetCheck()
		r.Provider, r.Credentials = p, nil
		return nil
	})
}

func (r *row) forgetCheck() {
	r.CheckID, r.CheckState, r.CheckSteps, r.result = kalends.NewID(""), store.CheckNone, nil, nil
	r.preview.Preview = Preview{}
}

// trial is one check to run.
type trial struct {
	id, checkID string // of the connect
	provider    kalends.Provider
	values      kalends.Credentials
	passwords   []limit // the first is of the server that is asked
	scans       []limit
}

// StartCheck begins the live check in the background and returns at once; each
// line is stored as it happens. Secrets left empty keep their earlier value.
// Missing or malformed values are an InvalidError. Too many tries make a failed
// check with cause too_many_tries and no request. The same values again while
// their check runs change nothing; others replace it. KindGone once done.
func (s *Service) StartCheck(ctx context.Context, handle string, values kalends.Credentials, client netip.Addr) error {
	var begun *trial
	err := s.change(ctx, secret.SHA256(handle), func(tx *db.Tx, r *row) (err error) {
		begun, err = s.beginCheck(ctx, tx, r, values, client)
		return err
	})
	if err == nil && begun != nil {
		s.background(func(ctx context.Context) { s.check(ctx, *begun) })
	}
	return err
}

// beginCheck writes the start of a check; nil if there is none to run.
func (s *Service) beginCheck(ctx context.Context, tx *db.Tx, r *row, values kalends.Credentials, client netip.Addr) (*trial, error) {
	system, ok := s.c.Systems[r.Provider]
	if !ok {
		return nil, kalends.Errorf(kalends.KindConflict, "connect: no calendar system chosen")
	}
	merged, err := complete(system.Form, r.Credentials, values)
	if err != nil {
		return nil, err
	}
	if _, err := system.Open(merged, s.c.Way); err != nil {
		return nil, invalidForm(system.Form, err)
	}
	if r.CheckState == store.CheckRunning && same(merged, r.Credentials) && tx.Now().Sub(r.CheckAt) <= checkSilence {
		return nil, nil
	}
	s.logConfirmed(ctx, r, system.Form, merged)
	r.forgetCheck()
	r.Credentials, r.CheckAt, r.CheckState = merged, tx.Now(), store.CheckRunning
	t := newTrial(r, system.Form, client)
	until, err := s.reserve(ctx, tx, slices.Concat(t.passwords, t.scans)...)
	if err != nil {
		return nil, err
	}
	if !until.IsZero() {
		r.CheckState, r.result = store.CheckFailed, &outcome{Cause: tooManyTries(until)}
		return nil, nil
	}
	return t, nil
}

func newTrial(r *row, form kalends.Form, client netip.Addr) *trial {
	host, domain, user := targets(form, r.Credentials)
	hosts := slices.Concat([]string{host}, confirmedHosts(form, r.Credentials))
	scans := append(scanLimits(r.ApplicationID, clientKey(client), hosts...), connectLimit(r.ID))
	return &trial{
		id: r.ID, checkID: r.CheckID, provider: r.Provider, values: r.Credentials.Clone(),
		passwords: slices.Concat(passwordLimits(hosts, domain, user), guessLimits(r.ID, hosts)), scans: scans,
	}
}

// logConfirmed notes servers that get credentials from now on on somebody's word;
// once the connect is finished its history has them, too.
func (s *Service) logConfirmed(ctx context.Context, r *row, form kalends.Form, values kalends.Credentials) {
	before := confirmedHosts(form, r.Credentials)
	for _, host := range confirmedHosts(form, values) {
		if !slices.Contains(before, host) {
			s.c.Log.InfoContext(ctx, "a server outside the domain was confirmed", "connect", r.ID, "host", host)
		}
	}
}

// confirmedHosts are the servers outside the domain that the administrator named.
func confirmedHosts(form kalends.Form, values kalends.Credentials) []string {
	for _, field := range form.Fields {
		if field.Kind == kalends.FieldHosts {
			return strings.Fields(strings.ToLower(values[field.Name]))
		}
	}
	return nil
}

// targets tells which server a check would go to and whose password it would try.
func targets(form kalends.Form, values kalends.Credentials) (host, domain, user string) {
	for _, field := range form.Fields {
		value := values[field.Name]
		switch {
		case field.Identity && user == "":
			user = value
		case field.Kind == kalends.FieldEmail && domain == "":
			domain = kalends.EmailDomain(value)
		case field.Kind == kalends.FieldURL && value != "":
			if target, err := url.Parse(value); err == nil {
				host = strings.ToLower(target.Hostname())
			}
		}
	}
	if host == "" {
		host = domain
	}
	return host, domain, user
}

// complete merges entered values with those entered before, secrets only, and
// checks them against the form.
func complete(form kalends.Form, before, entered kalends.Credentials) (kalends.Credentials, error) {
	merged, wrong := kalends.Credentials{}, []FieldError(nil)
	for _, field := range form.Fields {
		value := entered[field.Name]
		if field.Kind != kalends.FieldPassword {
			value = strings.TrimSpace(value)
		}
		if value == "" && field.Secret {
			value = before[field.Name]
		}
		if key, text := wrongValue(field, value); key != "" {
			wrong = append(wrong, FieldError{-1, field.Name, key, text})
		}
		if value != "" {
			merged[field.Name] = value
		}
	}
	if wrong != nil {
		return nil, &InvalidError{wrong}
	}
	return merged, nil
}

func wrongValue(field kalends.Field, value string) (key, text string) {
	most := maxValue
	if field.Kind == kalends.FieldFile {
		most = maxFileValue
	}
	switch {
	case value == "" && field.Required:
		return "errors.required", "required"
	case len(value) > most:
		return "errors.too_long", "too long"
	case !kalends.Storable(value):
		return "errors.invalid", "not text"
	case value != "" && field.Kind == kalends.FieldEmail && !validEmail(value):
		return "errors.invalid", "not an e-mail address"
	case field.Kind == kalends.FieldHosts && len(strings.Fields(value)) > maxHosts:
		return "errors.too_long", "too many hosts"
	case value != "" && field.Kind == kalends.FieldURL && !validURL(value):
		return "errors.invalid", "not an https address"
	}
	return "", ""
}

func validURL(value string) bool {
	target, err := url.Parse(value)
	return err == nil && target.Scheme == "https" && target.Hostname() != "" && target.User == nil
}

// invalidForm turns what the driver says about values into field errors.
func invalidForm(form kalends.Form, err error) error {
	if kalends.KindOf(err) != kalends.KindInvalid {
		return err
	}
	name := ""
	if cause := kalends.CauseOf(err); cause != nil {
		name = cause.Facts["field"]
	}
	for _, field := range form.Fields {
		if name == "" && field.Kind == kalends.FieldFile || field.Name == name {
			return &InvalidError{[]FieldError{{-1, field.Name, "errors.invalid", "cannot be used"}}}
		}
	}
	return err
}

func same(a, b kalends.Credentials) bool {
	if len(a) != len(b) {
		return false
	}
	for name, value := range a {
		if b[name] != value {
			return false
		}
	}
	return true
}

func (s *Service) openClient(p kalends.Provider, values kalends.Credentials, name string) (*provider.Client, error) {
	system, ok := s.c.Systems[p]
	if !ok {
		return nil, kalends.Errorf(kalends.KindUnsupported, "connect: no such calendar system")
	}
	driver, err := system.Open(values, s.c.Way)
	if err != nil {
		return nil, err
	}
	options := s.c.Client
	options.Provider, options.Connection = p, name
	return provider.NewClient(driver, options), nil
}

// check runs in the background: lines are stored as they happen, and the result
// decides what the try counts for.
func (s *Service) check(ctx context.Context, t trial) {
	result, err := s.runCheck(ctx, t)
	if ctx.Err() != nil {
		return
	}
	wrong := kalends.KindOf(err) == kalends.KindUnauthorized
	stored := s.c.DB.Write(ctx, func(tx *db.Tx) error { return s.settle(ctx, tx, t, err == nil, wrong) })
	stored = errors.Join(stored, s.updateCheck(ctx, t.id, t.checkID, func(r *row) error {
		r.finishCheck(result, err)
		return nil
	}))
	if err != nil {
		s.c.Log.InfoContext(ctx, "check failed", "connect", t.id, "error", err, "detail", kalends.DetailOf(err))
	}
	if stored != nil {
		s.c.Log.WarnContext(ctx, "check not stored", "connect", t.id, "error", stored)
		return
	}
	if err == nil {
		s.preview(ctx, t.id, t.checkID)
	}
}

func (r *row) finishCheck(result provider.CheckResult, err error) {
	if err == nil {
		r.CheckState, r.result = store.CheckOK, &outcome{CheckResult: result}
		r.preview.Preview = Preview{Running: true, Total: len(r.emails), Rooms: result.Rooms} // it starts at once
		return
	}
	cause := causeOf(err)
	if failed := failedStep(r.CheckSteps); failed == nil || beforeSignIn(failed.Key) {
		cause = coarseCause(cause)
	}
	r.CheckState, r.result = store.CheckFailed, &outcome{Cause: cause}
}

func failedStep(steps []kalends.Step) *kalends.Step {
	for i := range steps {
		if steps[i].Status == kalends.StepFailed {
			return &steps[i]
		}
	}
	return nil
}

// settle corrects what reserve counted: a wrong password stays counted for the
// service account, any failure for those who look for servers.
func (s *Service) settle(ctx context.Context, tx *db.Tx, t trial, ok, wrongPassword bool) error {
	for i, password := range t.passwords {
		if wrongPassword {
			break
		}
		if err := s.refund(ctx, tx, ok && i == 0, password); err != nil {
			return err
		}
	}
	if ok {
		return s.refund(ctx, tx, false, t.scans...)
	}
	return nil
}

func (s *Service) runCheck(ctx context.Context, t trial) (provider.CheckResult, error) {
	ctx, cancel := context.WithTimeout(provider.Interactive(ctx), checkTime)
	defer cancel()
	client, err := s.openClient(t.provider, t.values, t.id)
	if err != nil {
		return provider.CheckResult{}, err
	}
	defer client.Close()
	report := func(step kalends.Step) {
		err := s.updateCheck(ctx, t.id, t.checkID, func(r *row) error {
			r.CheckSteps = withStep(r.CheckSteps, coarseStep(step))
			return nil
		})
		if err != nil {
			cancel() // another check began, or the connect ended
		}
	}
	return client.Check(ctx, provider.CheckRequest{Sample: sampleOf(s.c.Systems[t.provider].Form, t.values)}, report)
}

// sampleOf is the mailbox to act for: the form's e-mail address.
func sampleOf(form kalends.Form, values kalends.Credentials) string {
	for _, field := range form.Fields {
		if field.Kind == kalends.FieldEmail {
			return values[field.Name]
		}
	}
	return ""
}

// withStep puts a line in place of its earlier state, or at the end.
func withStep(steps []kalends.Step, step kalends.Step) []kalends.Step {
	for i := range steps {
		if steps[i].Key == step.Key {
			steps[i] = step
			return steps
		}
	}
	return append(steps, step)
}

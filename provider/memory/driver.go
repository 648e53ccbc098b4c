package memory

import (
	"context"
	"time"

	kalends "kalends"
	"kalends/outbound"
	"kalends/provider"
)

// System is the world as a calendar system that a company can connect.
func (w *World) System() provider.System {
	return provider.System{
		Form: kalends.Form{
			Provider: w.Provider,
			Fields: []kalends.Field{
				{Name: "username", Kind: kalends.FieldText, Required: true, Identity: true},
				{Name: "password", Kind: kalends.FieldPassword, Required: true, Secret: true},
				{Name: "test_email", Kind: kalends.FieldEmail, Required: true},
			},
			Steps: []kalends.StepKey{kalends.StepReach, kalends.StepSignIn, kalends.StepImpersonation, kalends.StepFreeBusy, kalends.StepRooms},
		},
		Open: func(c kalends.Credentials, _ *outbound.Way) (provider.Driver, error) { return w.Open(c) },
	}
}

// Open makes a driver that signs in with the credentials.
func (w *World) Open(credentials kalends.Credentials) (provider.Driver, error) {
	for _, name := range []string{"username", "password", "test_email"} {
		if credentials[name] == "" {
			return nil, kalends.Errorf(kalends.KindInvalid, "memory.Open: %s is missing", name)
		}
	}
	return &driver{world: w, credentials: credentials.Clone()}, nil
}

// Driver signs in with the right credentials. The world must have a healthy person.
func (w *World) Driver() provider.Driver {
	d, err := w.Open(w.Credentials())
	if err != nil {
		panic(err) // a test's world without people
	}
	return d
}

type driver struct {
	world       *World
	credentials kalends.Credentials
}

func (d *driver) Close() {}

// begin is the way into the world: it counts, takes its time, fails as told and
// checks the password. On success the world is locked and done must be called.
func (d *driver) begin(ctx context.Context, operation, mailbox string) (done func(), err error) {
	w := d.world
	mailbox = kalends.NormalizeEmail(mailbox)
	fault, latency := w.arrive(operation, mailbox)
	err = pass(ctx, latency, fault)
	w.depart(mailbox)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	if d.credentials["username"] != w.ServiceAccount || d.credentials["password"] != w.password {
		w.mu.Unlock()
		return nil, failure(kalends.KindUnauthorized, operation, kalends.CauseCredentialsExpired, "account", d.credentials["username"])
	}
	return w.mu.Unlock, nil
}

func (w *World) arrive(operation, mailbox string) (*Fault, time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, Call{Operation: operation, Mailbox: mailbox})
	for _, key := range []string{"", mailbox} {
		w.inFlight[key]++
		w.most[key] = max(w.most[key], w.inFlight[key])
		if mailbox == "" {
			break
		}
	}
	for _, f := range w.faults {
		if (f.Operation == "" || f.Operation == operation) && (f.Mailbox == "" || f.Mailbox == mailbox) && f.Times >= 0 {
			if f.Times == 1 {
				f.Times = -1
			} else if f.Times > 1 {
				f.Times--
			}
			return f, w.latency
		}
	}
	return nil, w.latency
}

func (w *World) depart(mailbox string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.inFlight[""]--
	if mailbox != "" {
		w.inFlight[mailbox]--
	}
}

func pass(ctx context.Context, latency time.Duration, fault *Fault) error {
	if latency > 0 {
		timer := time.NewTimer(latency)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if fault == nil {
		return ctx.Err()
	}
	if fault.Hang != nil {
		select {
		case <-fault.Hang:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return fault.Err
}

func failure(kind kalends.Kind, operation string, cause kalends.CauseKey, facts ...string) error {
	return &kalends.Error{Kind: kind, Op: "memory." + operation, Cause: kalends.NewCause(cause, facts...)}
}

// Check implements provider.Driver.
func (d *driver) Check(ctx context.Context, request provider.CheckRequest, report func(kalends.Step)) (provider.CheckResult, error) {
	steps := []struct {
		key      kalends.StepKey
		required bool
		do       func() error
	}{
		{kalends.StepReach, true, func() error { return ctx.Err() }},
		{kalends.StepSignIn, true, func() error { return d.signIn(ctx) }},
		{kalends.StepImpersonation, true, func() error { _, err := d.Find(ctx, request.Sample); return err }},
		{kalends.StepFreeBusy, true, func() error { return d.readSample(ctx, request.Sample) }},
		{kalends.StepRooms, false, func() error { _, err := d.Rooms(ctx); return err }},
	}
	for _, s := range steps {
		report(kalends.Step{Key: s.key, Status: kalends.StepRunning})
		err := s.do()
		report(stepDone(s.key, s.required, err))
		if err != nil && s.required {
			return provider.CheckResult{}, err
		}
	}
	return d.result(ctx), nil
}

func stepDone(key kalends.StepKey, required bool, err error) kalends.Step {
	step := kalends.Step{Key: key, Status: kalends.StepOK, Cause: kalends.CauseOf(err)}
	switch {
	case err != nil && required:
		step.Status = kalends.StepFailed
	case err != nil:
		step.Status = kalends.StepWarning
	}
	return step
}

func (d *driver) signIn(ctx context.Context) error {
	done, err := d.begin(ctx, "check", "")
	if err != nil {
		return err
	}
	done()
	return nil
}

func (d *driver) readSample(ctx context.Context, sample string) error {
	now := time.Now()
	answers, err := d.FreeBusy(ctx, []string{sample}, kalends.Window{Start: now, End: now.Add(24 * time.Hour)})
	if err != nil {
		return err
	}
	return answers[0].Err
}

func (d *driver) result(ctx context.Context) provider.CheckResult {
	rooms := -1
	if listed, err := d.Rooms(ctx); err == nil {
		rooms = len(listed)
	}
	tenant := "memory." + d.world.Domain
	return provider.CheckResult{
		Credentials: d.credentials.Clone(), Tenant: tenant, Domain: d.world.Domain,
		Identity: tenant + "|" + kalends.NormalizeEmail(d.credentials["username"]),
		Account:  d.credentials["username"], Rooms: rooms,
	}
}

// Find implements provider.Driver.
func (d *driver) Find(ctx context.Context, email string) (kalends.Mailbox, error) {
	done, err := d.begin(ctx, "find", email)
	if err != nil {
		return kalends.Mailbox{}, err
	}
	defer done()
	address := kalends.NormalizeEmail(email)
	m, by := d.world.lookup(address)
	if m == nil {
		return kalends.Mailbox{}, failure(kalends.KindNotFound, "find", kalends.CauseAccountNotFound, "email", address)
	}
	if err := m.reachable("find", address); err != nil {
		return kalends.Mailbox{}, err
	}
	return kalends.Mailbox{ID: m.ID, Email: m.Email, MatchedBy: by, Name: m.Name, Kind: m.Kind}, nil
}

func (w *World) lookup(address string) (*mailbox, kalends.MatchedBy) {
	if primary, ok := w.addresses[address]; ok {
		return w.people[primary], w.people[primary].matchedBy(address)
	}
	if primary, ok := w.addresses[withoutPlus(address)]; ok {
		return w.people[primary], kalends.MatchedPlus
	}
	return nil, ""
}

// reachable gives what hinders us from acting for the mailbox.
func (m *mailbox) reachable(operation, address string) error {
	facts := []string{"email", address, "mailbox", m.Email}
	switch {
	case m.Kind == kalends.MailboxGroup || m.Kind == kalends.MailboxContact:
		return failure(kalends.KindNotFound, operation, kalends.CauseNotAPerson, facts...)
	case m.State == NoMailbox:
		return failure(kalends.KindNotFound, operation, kalends.CauseNoMailbox, facts...)
	case m.State == Elsewhere:
		return failure(kalends.KindNotFound, operation, kalends.CauseMailboxElsewhere, facts...)
	case m.State == NotPermitted:
		return failure(kalends.KindDenied, operation, kalends.CauseNotPermitted, facts...)
	}
	return nil
}

// act begins an operation on a mailbox by its primary address.
func (d *driver) act(ctx context.Context, operation, email string) (*mailbox, func(), error) {
	done, err := d.begin(ctx, operation, email)
	if err != nil {
		return nil, nil, err
	}
	address := kalends.NormalizeEmail(email)
	m := d.world.people[address]
	if m == nil {
		err = failure(kalends.KindNotFound, operation, kalends.CauseAccountNotFound, "email", address)
	} else {
		err = m.reachable(operation, address)
	}
	if err != nil {
		done()
		return nil, nil, err
	}
	return m, done, nil
}

// Calendars implements provider.Driver.
func (d *driver) Calendars(ctx context.Context, email string) ([]kalends.RemoteCalendar, error) {
	m, done, err := d.act(ctx, "calendars", email)
	if err != nil {
		return nil, err
	}
	defer done()
	return []kalends.RemoteCalendar{{ID: calendarID(m), Name: "Calendar", Primary: true}}, nil
}

func calendarID(m *mailbox) string { return "calendar-of-" + m.Email }

// Rooms implements provider.Rooms.
func (d *driver) Rooms(ctx context.Context) ([]kalends.Room, error) {
	done, err := d.begin(ctx, "rooms", "")
	if err != nil {
		return nil, err
	}
	defer done()
	if d.world.noRooms {
		return nil, failure(kalends.KindDenied, "rooms", kalends.CauseRoomsUnavailable)
	}
	return append([]kalends.Room(nil), d.world.rooms...), nil
}

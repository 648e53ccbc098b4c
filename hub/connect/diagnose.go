package connect

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	kalends "kalends"
	"kalends/db"
	"kalends/provider"
)

const (
	diagnoseTime = 45 * time.Second
	previewTime  = 45 * time.Second
	previewMost  = 500
	roomsAge     = 5 * time.Minute
)

// Diagnose gives one account by its address; with check it tries each line live
// (the address need not be an account then).
func (s *Service) Diagnose(ctx context.Context, organisationID, email string, check bool) (Diagnosis, error) {
	email = kalends.NormalizeEmail(email)
	if !validEmail(email) {
		return Diagnosis{}, kalends.Errorf(kalends.KindNotFound, "connect: not an e-mail address")
	}
	d := Diagnosis{At: s.c.Clock(), Account: kalends.Account{OrganisationID: organisationID, Email: email}}
	err := s.c.DB.Read(ctx, func(tx *db.Tx) error {
		if _, err := s.livingOrganisation(ctx, tx, "", organisationID); err != nil {
			return err
		}
		account, err := s.c.Store.AccountByEmail(ctx, tx, organisationID, email)
		if db.IsNotFound(err) && check {
			return nil
		}
		if err == nil {
			d.Account, d.Detail = account, account.Detail
		}
		return err
	})
	if err != nil || !check {
		return d, err
	}
	ctx, cancel := context.WithTimeout(provider.Interactive(ctx), diagnoseTime)
	defer cancel()
	team, err := s.team(ctx, organisationID)
	if err != nil {
		return d, err
	}
	s.diagnose(ctx, team, &d)
	return d, nil
}

// diagnose tries line after line; what comes after a failed one is skipped.
func (s *Service) diagnose(ctx context.Context, t *team, d *Diagnosis) {
	lines := []kalends.StepKey{kalends.StepMatch, kalends.StepImpersonation, kalends.StepCalendar, kalends.StepFreeBusy}
	for _, key := range lines {
		d.Steps = append(d.Steps, kalends.Step{Key: key, Status: kalends.StepSkipped})
	}
	start := s.c.Clock()
	found, _, err := s.look(ctx, t, d.Account)
	cause := found.cause
	if err == nil && cause == nil && !found.found() {
		err = found.open()
	}
	if err != nil {
		cause = causeOf(err)
	}
	milliseconds := s.c.Clock().Sub(start).Milliseconds()
	if d.Detail == "" || cause != nil {
		d.Detail = found.detail
	}
	facts := map[string]string{"email": d.Account.Email, "mailbox": found.mailbox.Email, "matched_by": string(found.mailbox.MatchedBy)}
	if cause != nil && !reached(cause.Key) {
		d.Steps[0] = kalends.Step{Key: kalends.StepMatch, Status: kalends.StepFailed, Milliseconds: milliseconds, Facts: facts, Cause: cause}
		return
	}
	d.Steps[0] = kalends.Step{Key: kalends.StepMatch, Status: kalends.StepOK, Milliseconds: milliseconds, Facts: facts}
	if cause != nil {
		d.Steps[1] = kalends.Step{Key: kalends.StepImpersonation, Status: kalends.StepFailed, Cause: cause}
		return
	}
	d.Steps[1] = kalends.Step{Key: kalends.StepImpersonation, Status: kalends.StepOK}
	client, err := s.c.Pool.Client(ctx, found.connectionID)
	if err != nil {
		d.Steps[2] = failed(kalends.StepCalendar, 0, err)
		return
	}
	s.diagnoseData(ctx, client, found.mailbox.Email, d)
}

// reached tells that the address was found, but may not be acted for.
func reached(key kalends.CauseKey) bool {
	return key == kalends.CauseNotPermitted || key == kalends.CauseImpersonationMissing
}

func (s *Service) diagnoseData(ctx context.Context, client *provider.Client, mailbox string, d *Diagnosis) {
	start := s.c.Clock()
	calendars, err := client.Calendars(ctx, mailbox)
	if err != nil {
		d.Steps[2] = failed(kalends.StepCalendar, s.c.Clock().Sub(start).Milliseconds(), err)
		return
	}
	facts := map[string]string{}
	if len(calendars) > 0 {
		facts["calendar"] = calendars[0].Name
	}
	d.Steps[2] = kalends.Step{Key: kalends.StepCalendar, Status: kalends.StepOK, Milliseconds: s.c.Clock().Sub(start).Milliseconds(), Facts: facts}
	start = s.c.Clock()
	answers, err := client.FreeBusy(ctx, []string{mailbox}, kalends.Window{Start: start, End: start.Add(7 * 24 * time.Hour)})
	if err == nil && len(answers) == 1 {
		err = answers[0].Err
	}
	took := s.c.Clock().Sub(start).Milliseconds()
	if err != nil {
		d.Steps[3] = failed(kalends.StepFreeBusy, took, err)
		return
	}
	d.Steps[3] = kalends.Step{Key: kalends.StepFreeBusy, Status: kalends.StepOK, Milliseconds: took}
}

func failed(key kalends.StepKey, milliseconds int64, err error) kalends.Step {
	return kalends.Step{Key: key, Status: kalends.StepFailed, Milliseconds: milliseconds, Cause: causeOf(err), Detail: kalends.DetailOf(err)}
}

// Preview says what would become of addresses; nothing is stored. What is not
// looked up in time is pending.
func (s *Service) Preview(ctx context.Context, organisationID string, emails []string) ([]PreviewItem, error) {
	emails = uniqueEmails(emails)
	if len(emails) == 0 || len(emails) > previewMost {
		return nil, &InvalidError{[]FieldError{{-1, "emails", "errors.invalid", "1 to 500 addresses"}}}
	}
	team, err := s.livingTeam(ctx, organisationID)
	if err != nil {
		return nil, err
	}
	mappings := map[string]string{}
	err = s.c.DB.Read(ctx, func(tx *db.Tx) error {
		rows, err := s.c.Store.Mappings(ctx, tx, organisationID)
		for _, m := range rows {
			mappings[m.Email] = m.Mailbox
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	items := make([]PreviewItem, len(emails))
	look, cancel := context.WithTimeout(ctx, s.previewTime)
	defer cancel()
	var group errgroup.Group
	group.SetLimit(previewAtOnce)
	for i, email := range emails {
		group.Go(func() error {
			items[i] = find(look, team.ways, wish{email, mappings[email], team.organisation.ConfirmAliases}).item(email)
			return nil
		})
	}
	_ = group.Wait()
	markShared(items)
	return items, ctx.Err()
}

// livingTeam is the team of an organisation that has not ended.
func (s *Service) livingTeam(ctx context.Context, organisationID string) (*team, error) {
	t, err := s.team(ctx, organisationID)
	if err != nil {
		return nil, err
	}
	if !t.organisation.RevokedAt.IsZero() {
		return nil, kalends.Errorf(kalends.KindNotFound, "connect: no such organisation")
	}
	if len(t.ways) == 0 {
		return nil, &kalends.Error{Kind: kalends.KindConflict, Op: "connect", Cause: kalends.NewCause(kalends.CauseRevoked)}
	}
	return t, nil
}

// rooms is what was read last.
type rooms struct {
	list []kalends.Room
	at   time.Time
}

// Resources lists the rooms of all of an organisation's connections, read at most
// every few minutes. One connection that cannot list them does not hide the
// others'; where none can, the error has the cause.
func (s *Service) Resources(ctx context.Context, organisationID string) ([]kalends.Room, error) {
	t, err := s.livingTeam(ctx, organisationID)
	if err != nil {
		return nil, err
	}
	all, failure, answered := []kalends.Room{}, error(nil), false
	for _, c := range t.connections {
		list, err := s.roomsOf(ctx, c)
		if err != nil {
			failure = err
			continue
		}
		all, answered = append(all, list...), true
	}
	if !answered {
		return nil, notTheCallers(failure)
	}
	return all, nil
}

// notTheCallers keeps a credential that the calendar system refuses from looking
// as if the caller's own were refused.
func notTheCallers(err error) error {
	if kalends.KindOf(err) != kalends.KindUnauthorized {
		return err
	}
	return &kalends.Error{Kind: kalends.KindUnavailable, Op: "connect.Resources", Cause: causeOf(err), Err: err}
}

func (s *Service) roomsOf(ctx context.Context, c kalends.Connection) ([]kalends.Room, error) {
	now := s.c.Clock()
	s.mu.Lock()
	known, ok := s.rooms[c.ID]
	s.mu.Unlock()
	if ok && now.Sub(known.at) < roomsAge && c.CheckedAt.Before(known.at.Add(time.Microsecond)) {
		return known.list, nil
	}
	client, err := s.c.Pool.Client(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	if !client.HasRooms() {
		return nil, nil
	}
	list, err := client.Rooms(provider.Interactive(ctx))
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.rooms[c.ID] = rooms{list, now}
	s.mu.Unlock()
	return list, nil
}

// PutMapping says which mailbox an address means and matches it again.
func (s *Service) PutMapping(ctx context.Context, organisationID, email, mailbox string) error {
	email, mailbox = kalends.NormalizeEmail(email), kalends.NormalizeEmail(mailbox)
	if !validEmail(email) || !validEmail(mailbox) {
		return &InvalidError{[]FieldError{{-1, "mailbox", "errors.invalid", "not an e-mail address"}}}
	}
	return s.mapping(ctx, organisationID, email, "mapping.set", func(tx *db.Tx) error {
		return s.c.Store.PutMapping(ctx, tx, organisationID, email, mailbox)
	})
}

// DeleteMapping takes a mapping back and matches the address again.
func (s *Service) DeleteMapping(ctx context.Context, organisationID, email string) error {
	email = kalends.NormalizeEmail(email)
	return s.mapping(ctx, organisationID, email, "mapping.deleted", func(tx *db.Tx) error {
		known, err := s.c.Store.DeleteMapping(ctx, tx, organisationID, email)
		if err == nil && !known {
			return kalends.Errorf(kalends.KindNotFound, "connect: no such mapping")
		}
		return err
	})
}

// mapping changes one and has the account, if there is one, matched at once.
func (s *Service) mapping(ctx context.Context, organisationID, email, action string, change func(*db.Tx) error) error {
	var due []string
	err := s.c.DB.Write(ctx, func(tx *db.Tx) error {
		due = nil
		if err := lockOrganisation(ctx, tx, organisationID); err != nil {
			return err
		}
		o, err := s.livingOrganisation(ctx, tx, "", organisationID)
		if err != nil {
			return err
		}
		if err := change(tx); err != nil {
			return err
		}
		account, err := s.c.Store.AccountByEmail(ctx, tx, organisationID, email)
		if err == nil && account.Status != kalends.AccountDisconnected {
			account, err = s.dueAccount(ctx, tx, organisationID, email)
			due = append(due, account.ID)
		}
		if err != nil && !db.IsNotFound(err) {
			return err
		}
		app, err := s.c.Store.Application(ctx, tx, o.ApplicationID)
		if err != nil {
			return err
		}
		return s.audit(ctx, tx, kalends.Audit{
			ApplicationID: o.ApplicationID, OrganisationID: o.ID, Actor: "application " + app.Name, Action: action,
		}, "email", email)
	})
	if err == nil {
		s.hurry(due...)
		s.wakeUp()
	}
	return err
}

package connect

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	kalends "kalends"
	"kalends/db"
	"kalends/provider"
)

const (
	matchAtOnce = 20 // accounts of one organisation side by side: more than requests may be, since some wait
	claimBatch  = 40
	claimTime   = 3 * time.Minute // after a kill the claimed accounts are due again then
	matchTime   = 2 * time.Minute // less than claimTime, so that a claim never outlives its work
	tidyTime    = time.Hour
	tidyBatch   = 500
	pollTime    = 2 * time.Second // for rows that another node marked due
)

// Run matches what is due until the context ends. Several nodes may run it.
func (s *Service) Run(ctx context.Context) error {
	var tidied time.Time
	for ctx.Err() == nil {
		if s.c.Clock().Sub(tidied) > tidyTime {
			tidied = s.c.Clock()
			s.crews.Go(func() { s.tidy(ctx) })
		}
		if err := s.start(ctx, s.crews.Go); err != nil && ctx.Err() == nil {
			s.c.Log.WarnContext(ctx, "matching could not look for work", "error", err)
		}
		s.pause(ctx)
	}
	s.crews.Wait()
	return nil
}

func (s *Service) pause(ctx context.Context) {
	timer := time.NewTimer(s.c.Poll)
	defer timer.Stop()
	select {
	case <-s.wake:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// tidy deletes rows that time has passed by, in small transactions.
func (s *Service) tidy(ctx context.Context) {
	for ctx.Err() == nil {
		var deleted int64
		err := s.c.DB.WriteRelaxed(ctx, func(tx *db.Tx) (err error) {
			deleted, err = s.c.Store.DeleteExpired(ctx, tx, tidyBatch)
			return err
		})
		if err != nil && ctx.Err() == nil {
			s.c.Log.WarnContext(ctx, "expired rows not deleted", "error", err)
		}
		if err != nil || deleted == 0 {
			return
		}
	}
}

// wakeUp has Run look for work at once.
func (s *Service) wakeUp() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// hurry has accounts matched beside whatever is under way.
func (s *Service) hurry(accountIDs ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.urgent = append(s.urgent, accountIDs...)
}

func (s *Service) takeUrgent() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := s.urgent
	s.urgent = nil
	return ids
}

// Tick matches everything that is due now and tells how many accounts it took.
func (s *Service) Tick(ctx context.Context) (int, error) {
	before := s.matched.Load()
	var group errgroup.Group
	err := s.start(ctx, func(fn func()) { group.Go(func() error { fn(); return nil }) })
	_ = group.Wait()
	return int(s.matched.Load() - before), errors.Join(err, ctx.Err())
}

// start begins the work that is due: urgent accounts each by itself, and a crew
// for each organisation that has none.
func (s *Service) start(ctx context.Context, run func(func())) error {
	for _, id := range s.takeUrgent() {
		run(func() { s.matchUrgent(ctx, id) })
	}
	var due map[string]time.Time
	err := s.c.DB.Read(ctx, func(tx *db.Tx) (err error) {
		due, err = s.c.Store.DueOrganisations(ctx, tx)
		return err
	})
	for organisationID := range due {
		if s.join(organisationID) {
			run(func() { s.crew(ctx, organisationID) })
		}
	}
	return err
}

// join tells whether the organisation had no crew, and notes that it has one now.
func (s *Service) join(organisationID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy[organisationID] {
		return false
	}
	s.busy[organisationID] = true
	return true
}

func (s *Service) leave(organisationID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.busy, organisationID)
}

// matchUrgent matches one account beside the crew, unless its connections are
// broken: how often those are tried is the crew's to decide.
func (s *Service) matchUrgent(ctx context.Context, accountID string) {
	ctx = provider.Interactive(ctx)
	var account kalends.Account
	err := s.c.DB.Read(ctx, func(tx *db.Tx) (err error) {
		account, err = s.c.Store.Account(ctx, tx, accountID)
		return err
	})
	if err != nil {
		return
	}
	team, err := s.team(ctx, account.OrganisationID)
	if err != nil || team.broken() || s.isSilent(team) {
		return
	}
	err = s.c.DB.Write(ctx, func(tx *db.Tx) (err error) {
		account, err = s.c.Store.ClaimAccount(ctx, tx, accountID, tx.Now().Add(claimTime))
		return err
	})
	if err == nil { // else somebody has it already
		s.matchOne(ctx, team, account, matchTime)
	}
}

// nextBatch claims accounts: a single one as long as it is not proven that the
// connections answer, so that a changed password is not tried by all at once.
func (s *Service) nextBatch(ctx context.Context, organisationID string, proven bool) (*team, []kalends.Account, error) {
	t, err := s.team(ctx, organisationID)
	if err != nil {
		return nil, nil, err
	}
	limit := claimBatch
	if !proven {
		limit = 1
	}
	var batch []kalends.Account
	var tried []string
	err = s.c.DB.Write(ctx, func(tx *db.Tx) (err error) {
		if t.broken() {
			if tried, err = s.mayProbe(ctx, tx, t); err != nil || len(tried) == 0 {
				return err
			}
		}
		batch, err = s.c.Store.ClaimAccounts(ctx, tx, organisationID, tx.Now().Add(claimTime), limit)
		return err
	})
	if err == nil && len(tried) > 0 {
		s.openGates(ctx, t, tried)
	}
	return t, batch, err
}

// mayProbe tells which of the broken connections may be tried now. If none may,
// the accounts wait until one may.
func (s *Service) mayProbe(ctx context.Context, tx *db.Tx, t *team) ([]string, error) {
	var allowed []string
	var first time.Time
	for _, c := range t.connections {
		until, err := s.reserve(ctx, tx, probeLimit(c.ID, c.Cause))
		if err != nil {
			return nil, err
		}
		if until.IsZero() {
			allowed = append(allowed, c.ID)
		} else if first.IsZero() || until.Before(first) {
			first = until
		}
	}
	if len(allowed) > 0 {
		return allowed, nil
	}
	return nil, s.c.Store.PutOffDueAccounts(ctx, tx, t.organisation.ID, first)
}

// openGates lets a request through to connections that refused before, and
// leaves the other broken ones alone.
func (s *Service) openGates(ctx context.Context, t *team, tried []string) {
	var ways []way
	for _, w := range t.ways {
		if !slices.Contains(tried, w.connectionID) {
			continue
		}
		if client, err := s.c.Pool.Client(ctx, w.connectionID); err == nil {
			client.Resume()
		}
		ways = append(ways, w)
	}
	t.ways = ways
}

// team is an organisation with the ways to its mailboxes.
type team struct {
	organisation kalends.Organisation
	connections  []kalends.Connection // not disconnected
	ways         []way
}

func (s *Service) team(ctx context.Context, organisationID string) (*team, error) {
	t := &team{}
	err := s.c.DB.Read(ctx, func(tx *db.Tx) (err error) {
		t.organisation, err = s.c.Store.Organisation(ctx, tx, organisationID)
		if err != nil {
			return err
		}
		t.connections, err = s.c.Store.Connections(ctx, tx, organisationID)
		return err
	})
	if err != nil {
		return nil, err
	}
	t.connections = living(t.connections)
	for _, connection := range t.connections {
		t.ways = append(t.ways, s.way(ctx, connection))
	}
	return t, nil
}

// broken tells that no connection is known to answer.
func (t *team) broken() bool {
	return len(t.connections) > 0 && !slices.ContainsFunc(t.connections, func(c kalends.Connection) bool {
		return c.Status == kalends.ConnectionConnected
	})
}

// isSilent tells whether a connection did not answer when it was asked last.
func (s *Service) isSilent(t *team) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(t.connections, func(c kalends.Connection) bool { return s.silences[c.ID] > 0 })
}

// living are the connections that have not ended.
func living(connections []kalends.Connection) []kalends.Connection {
	var kept []kalends.Connection
	for _, c := range connections {
		if c.Status != kalends.ConnectionDisconnected {
			kept = append(kept, c)
		}
	}
	return kept
}

func (s *Service) way(ctx context.Context, c kalends.Connection) way {
	client, err := s.c.Pool.Client(ctx, c.ID)
	if err != nil {
		return way{connectionID: c.ID, err: err}
	}
	return way{connectionID: c.ID, finder: client}
}

// order puts the connection where the account was found last first.
func (t *team) order(connectionID string) []way {
	ways := make([]way, 0, len(t.ways))
	for _, w := range t.ways {
		if w.connectionID == connectionID {
			ways = append([]way{w}, ways...)
			continue
		}
		ways = append(ways, w)
	}
	return ways
}

// matchOne finds one account's mailbox and writes down what became of it. What
// goes wrong here never reaches the others.
func (s *Service) matchOne(ctx context.Context, t *team, account kalends.Account, limit time.Duration) {
	defer s.matched.Add(1)
	work, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	found, calendars, err := s.look(work, t, account)
	if ctx.Err() != nil {
		return // stopped: the claim runs out and somebody takes the account again
	}
	if err == nil {
		err = s.apply(ctx, t, account, found, calendars)
	}
	if err != nil && ctx.Err() == nil {
		s.c.Log.WarnContext(ctx, "account not matched", "account", account.ID, "error", err)
	}
}

func (s *Service) look(ctx context.Context, t *team, account kalends.Account) (finding, []kalends.RemoteCalendar, error) {
	if len(t.ways) == 0 {
		return finding{cause: kalends.NewCause(kalends.CauseRevoked)}, nil, nil
	}
	wished := wish{email: account.Email, confirm: t.organisation.ConfirmAliases}
	err := s.c.DB.Read(ctx, func(tx *db.Tx) (err error) {
		wished.target, err = s.mappingOf(ctx, tx, account.OrganisationID, account.Email)
		return err
	})
	if err != nil {
		return finding{}, nil, err
	}
	found := find(ctx, t.order(account.ConnectionID), wished)
	if !found.found() {
		return found, nil, nil
	}
	calendars, err := s.calendars(ctx, t, found)
	if err != nil {
		found = finding{broken: map[string]error{found.connectionID: err}, answered: found.answered}
		if cause := kalends.CauseOf(err); cause != nil && cause.Key.OfPerson() {
			found.broken, found.cause, found.detail = nil, cause, kalends.DetailOf(err)
		}
	}
	return found, calendars, nil
}

func (s *Service) calendars(ctx context.Context, t *team, found finding) ([]kalends.RemoteCalendar, error) {
	for _, w := range t.ways {
		if w.connectionID == found.connectionID {
			return calendarsOf(ctx, w.finder, found.mailbox)
		}
	}
	return nil, kalends.Errorf(kalends.KindInternal, "connect: found through no connection")
}

func (s *Service) mappingOf(ctx context.Context, tx *db.Tx, organisationID, email string) (string, error) {
	mailbox, err := s.c.Store.Mapping(ctx, tx, organisationID, email)
	if db.IsNotFound(err) {
		return "", nil
	}
	return mailbox, err
}

package connect

import (
	"context"
	"time"

	kalends "kalends"
	"kalends/jobs"
)

// How often in a row a connection may not answer, or refuse the credential,
// before it counts as broken.
const (
	silencesAllowed = 3
	refusalsAllowed = 2
)

// probeLimit says how rarely a broken connection is tried: a refused password
// rarely enough that the directory account is never locked out.
func probeLimit(id string, cause *kalends.Cause) limit {
	l := limit{key: "connection|" + id, free: 1, wait: 30 * time.Second, most: 30 * time.Minute, forget: 7 * 24 * time.Hour}
	if keyOf(cause) == kalends.CauseCredentialsExpired {
		l.wait, l.most = 30*time.Minute, 6*time.Hour
	}
	return l
}

// noteHealth draws the conclusions for the connections that were asked.
func (a *applying) noteHealth(ctx context.Context) error {
	for _, id := range a.found.answered {
		a.silence(id, false)
		if a.team.connection(id).Status != kalends.ConnectionDegraded {
			continue
		}
		if err := a.restore(ctx, id); err != nil {
			return err
		}
	}
	for id, broken := range a.found.broken {
		if a.breaks(id, broken) {
			if err := a.degrade(ctx, id, broken); err != nil {
				return err
			}
		}
	}
	return a.notePaces(ctx)
}

// silence counts how often a connection did not answer in a row.
func (s *Service) silence(id string, silent bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !silent {
		delete(s.silences, id)
		return 0
	}
	s.silences[id]++
	return s.silences[id]
}

// breaks tells whether an error means that the connection is broken for all.
func (a *applying) breaks(id string, err error) bool {
	switch kalends.KindOf(err) {
	case kalends.KindThrottled, kalends.KindInternal:
		return false
	case kalends.KindUnavailable:
		return a.silence(id, true) >= silencesAllowed
	case kalends.KindUnauthorized:
		return a.silence(id, true) >= refusalsAllowed || a.team.connection(id).Status == kalends.ConnectionDegraded
	}
	return true
}

// degrade notes that a connection is broken. The first who notices has the
// application told; every try that fails has the others wait longer.
func (a *applying) degrade(ctx context.Context, id string, broken error) error {
	before := a.team.connection(id)
	now, err := a.c.Store.Connection(ctx, a.tx, id)
	if err != nil {
		return ignoreNotFound(err)
	}
	if now.CheckedAt.After(before.CheckedAt) && now.Status == kalends.ConnectionConnected && a.account.Tries < silencesAllowed {
		return nil // repaired while we asked: the error is an old one
	}
	degraded, err := a.c.Store.DegradeConnection(ctx, a.tx, id, causeOf(broken))
	if err != nil {
		return err
	}
	if err := a.putOff(ctx, id, causeOf(broken), degraded); err != nil || !degraded {
		return err
	}
	return a.tell(ctx, id, "connection.degraded", causeOf(broken).Entry())
}

// putOff has the organisation's other accounts wait, if no connection is left
// that could answer for them. A later failure was counted when it was allowed.
func (a *applying) putOff(ctx context.Context, id string, cause *kalends.Cause, first bool) error {
	l := probeLimit(id, cause)
	if first {
		if _, err := a.reserve(ctx, a.tx, l); err != nil {
			return err
		}
	}
	until, err := a.lockedUntil(ctx, a.tx, l)
	if err != nil {
		return err
	}
	if a.othersAnswer() {
		return nil
	}
	a.until = until
	return a.c.Store.PutOffAccounts(ctx, a.tx, a.account.OrganisationID, until)
}

// othersAnswer tells whether a working connection is left that was not found
// broken just now.
func (a *applying) othersAnswer() bool {
	for _, other := range a.team.connections {
		if _, isBroken := a.found.broken[other.ID]; !isBroken && other.Status == kalends.ConnectionConnected {
			return true
		}
	}
	return false
}

func (a *applying) restore(ctx context.Context, id string) error {
	restored, err := a.c.Store.RestoreConnection(ctx, a.tx, id)
	if err != nil || !restored {
		return err
	}
	if err := a.refund(ctx, a.tx, true, probeLimit(id, nil)); err != nil {
		return err
	}
	a.tx.AfterCommit(a.wakeUp)
	return a.tell(ctx, id, "connection.restored", nil)
}

// tell audits what the provider did to a connection, and has the application told.
func (a *applying) tell(ctx context.Context, id, action string, facts map[string]string) error {
	auditID, err := a.auditID(ctx, a.tx, kalends.Audit{
		ApplicationID: a.team.organisation.ApplicationID, OrganisationID: a.account.OrganisationID,
		ConnectionID: id, Actor: ActorProvider, Action: action, Facts: facts,
	})
	if err != nil {
		return err
	}
	return a.c.Jobs.Insert(ctx, a.tx, jobs.ConnectionChanged{ConnectionID: id, AuditID: auditID}, nil)
}

package connect

import (
	"context"

	kalends "kalends"
	"kalends/jobs"
)

// silencesAllowed is how often in a row a connection may not answer before it
// counts as broken. A refusal counts at once: the Client asked twice.
const silencesAllowed = 3

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
	return nil
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
	if err := a.putOff(ctx, broken, now); err != nil || !degraded {
		return err
	}
	return a.tell(ctx, id, "connection.degraded", "cause", string(keyOf(causeOf(broken))))
}

// putOff has the organisation's other accounts wait, if no connection is left
// that could answer for them: the longer it is broken, the longer.
func (a *applying) putOff(ctx context.Context, broken error, c kalends.Connection) error {
	for _, other := range a.team.connections {
		if _, isBroken := a.found.broken[other.ID]; !isBroken && other.Status == kalends.ConnectionConnected {
			return nil
		}
	}
	first, most := waits(broken)
	a.wait = first
	if c.Status == kalends.ConnectionDegraded {
		a.wait = min(max(first, a.tx.Now().Sub(c.CheckedAt)), most)
	}
	return a.c.Store.PutOffAccounts(ctx, a.tx, a.account.OrganisationID, a.tx.Now().Add(a.wait))
}

func (a *applying) restore(ctx context.Context, id string) error {
	restored, err := a.c.Store.RestoreConnection(ctx, a.tx, id)
	if err != nil || !restored {
		return err
	}
	if _, err := a.c.Store.MarkAccountsDue(ctx, a.tx, a.account.OrganisationID, kalends.AccountPending); err != nil {
		return err
	}
	a.tx.AfterCommit(a.wakeUp)
	return a.tell(ctx, id, "connection.restored")
}

// tell audits what the provider did to a connection, and has the application told.
func (a *applying) tell(ctx context.Context, id, action string, facts ...string) error {
	auditID, err := a.auditID(ctx, a.tx, kalends.Audit{
		ApplicationID: a.team.organisation.ApplicationID, OrganisationID: a.account.OrganisationID,
		ConnectionID: id, Actor: ActorProvider, Action: action,
	}, facts...)
	if err != nil {
		return err
	}
	return a.c.Jobs.Insert(ctx, a.tx, jobs.ConnectionChanged{ConnectionID: id, AuditID: auditID}, nil)
}

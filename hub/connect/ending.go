package connect

import (
	"context"
	"strconv"
	"time"

	"github.com/riverqueue/river"

	kalends "kalends"
	"kalends/db"
	"kalends/jobs"
)

const (
	purgeBatch = 200
	// An ended connection's row stays until the application was told or the
	// callback's retries are over; its accounts, data and credentials do not.
	toldWithin = 25 * time.Hour
)

// EndConnection disconnects one connection: at once nothing of it can be read
// any more, then what is stored is deleted. Ending an ended one is no error.
func (s *Service) EndConnection(ctx context.Context, organisationID, connectionID, actor string) error {
	ended := false
	err := s.c.DB.Write(ctx, func(tx *db.Tx) error {
		ended = false
		if err := lockOrganisation(ctx, tx, organisationID); err != nil {
			return err
		}
		o, err := s.livingOrganisation(ctx, tx, "", organisationID)
		if err != nil {
			return err
		}
		c, err := s.c.Store.Connection(ctx, tx, connectionID)
		if err != nil {
			return err
		}
		if c.OrganisationID != o.ID {
			return kalends.Errorf(kalends.KindNotFound, "connect: no such connection")
		}
		if ended, err = s.end(ctx, tx, o, c, actor); err != nil || !ended {
			return err
		}
		return s.c.Jobs.Insert(ctx, tx, jobs.Purge{OrganisationID: o.ID}, nil)
	})
	if err == nil && ended {
		s.c.Pool.Drop(connectionID)
	}
	return err
}

// end hides a connection and everything reached through it.
func (s *Service) end(ctx context.Context, tx *db.Tx, o kalends.Organisation, c kalends.Connection, actor string) (bool, error) {
	cause := kalends.NewCause(kalends.CauseRevoked, "actor", actor)
	ended, err := s.c.Store.EndConnection(ctx, tx, c.ID, cause, tx.Now())
	if err != nil || !ended {
		return ended, err
	}
	grants, err := s.c.Store.RevokeConnectionGrants(ctx, tx, c.ID)
	if err != nil {
		return true, err
	}
	accounts, err := s.c.Store.EndAccounts(ctx, tx, c.ID, cause)
	if err != nil {
		return true, err
	}
	auditID, err := s.auditID(ctx, tx, kalends.Audit{
		ApplicationID: o.ApplicationID, OrganisationID: o.ID, ConnectionID: c.ID, Actor: actor, Action: "connection.revoked",
	}, "provider", string(c.Provider), "domain", c.Domain, "accounts", number(accounts), "grants", number(grants))
	if err != nil {
		return true, err
	}
	return true, s.c.Jobs.Insert(ctx, tx, jobs.ConnectionChanged{ConnectionID: c.ID, AuditID: auditID}, nil)
}

// lockOrganisation comes first in every act that changes an organisation's
// accounts or ends something of it: a match that is just being written down
// would else bring back what was ended.
func lockOrganisation(ctx context.Context, tx *db.Tx, id string) error {
	return tx.Lock(ctx, "organisation/"+id)
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// RevokeOrganisation ends an organisation with all its connections and grants.
// Ending an ended one is no error.
func (s *Service) RevokeOrganisation(ctx context.Context, organisationID, actor string) error {
	var dropped []string
	err := s.c.DB.Write(ctx, func(tx *db.Tx) (err error) {
		dropped, err = s.revokeOrganisation(ctx, tx, organisationID, actor)
		return err
	})
	if err == nil {
		s.drop(dropped)
	}
	return err
}

func (s *Service) drop(connectionIDs []string) {
	for _, id := range connectionIDs {
		s.c.Pool.Drop(id)
	}
}

// revokeOrganisation gives the connections whose clients have to go.
func (s *Service) revokeOrganisation(ctx context.Context, tx *db.Tx, organisationID, actor string) ([]string, error) {
	if err := lockOrganisation(ctx, tx, organisationID); err != nil {
		return nil, err
	}
	o, err := s.c.Store.Organisation(ctx, tx, organisationID)
	if err != nil {
		return nil, err
	}
	connections, err := s.c.Store.Connections(ctx, tx, o.ID)
	if err != nil {
		return nil, err
	}
	var dropped []string
	for _, c := range living(connections) {
		if _, err := s.end(ctx, tx, o, c, actor); err != nil {
			return nil, err
		}
		dropped = append(dropped, c.ID)
	}
	return dropped, s.endOrganisation(ctx, tx, o, len(dropped), actor)
}

// endOrganisation ends the rest of an organisation whose connections have ended.
func (s *Service) endOrganisation(ctx context.Context, tx *db.Tx, o kalends.Organisation, connections int, actor string) error {
	grants, err := s.c.Store.RevokeGrants(ctx, tx, o.ID)
	if err != nil {
		return err
	}
	if err := s.c.Store.EndOtherAccounts(ctx, tx, o.ID, kalends.NewCause(kalends.CauseRevoked, "actor", actor)); err != nil {
		return err
	}
	revoked, err := s.c.Store.RevokeOrganisation(ctx, tx, o.ID)
	if err != nil || !revoked {
		return err
	}
	err = s.audit(ctx, tx, kalends.Audit{
		ApplicationID: o.ApplicationID, OrganisationID: o.ID, Actor: actor, Action: "organisation.revoked",
	}, "grants", number(grants), "connections", strconv.Itoa(connections))
	if err != nil {
		return err
	}
	return s.c.Jobs.Insert(ctx, tx, jobs.Purge{OrganisationID: o.ID}, nil)
}

// RevokeProfile ends one profile of an account: its data, and with the last
// living profile the grant. An unknown one, or another account's, is KindNotFound.
func (s *Service) RevokeProfile(ctx context.Context, accountID, profileID, actor string) error {
	return s.c.DB.Write(ctx, func(tx *db.Tx) error {
		account, err := s.c.Store.Account(ctx, tx, accountID)
		if err != nil {
			return err
		}
		if err := lockOrganisation(ctx, tx, account.OrganisationID); err != nil {
			return err
		}
		if account, err = s.c.Store.Account(ctx, tx, accountID); err != nil { // as it is now
			return err
		}
		o, err := s.livingOrganisation(ctx, tx, "", account.OrganisationID)
		if err != nil {
			return err
		}
		revoked, err := s.c.Store.RevokeProfile(ctx, tx, accountID, profileID)
		if err == nil && !revoked {
			return kalends.Errorf(kalends.KindNotFound, "connect: no such profile")
		}
		if err != nil {
			return err
		}
		left, err := s.c.Store.PersonProfiles(ctx, tx, accountID)
		if err != nil || len(left) > 0 {
			return err
		}
		return s.endAccount(ctx, tx, o, account, actor)
	})
}

// endAccount ends what an application may do with one account.
func (s *Service) endAccount(ctx context.Context, tx *db.Tx, o kalends.Organisation, account kalends.Account, actor string) error {
	grant, err := s.c.Store.LiveGrant(ctx, tx, o.ID, account.ID)
	if err == nil {
		_, err = s.c.Store.RevokeGrant(ctx, tx, grant.ID)
	}
	if err != nil && !db.IsNotFound(err) {
		return err
	}
	profiles, err := s.c.Store.PersonProfiles(ctx, tx, account.ID)
	if err != nil {
		return err
	}
	for _, profile := range profiles {
		if _, err := s.c.Store.RevokeProfile(ctx, tx, account.ID, profile.ID); err != nil {
			return err
		}
	}
	account.Status, account.Since, account.DueAt = kalends.AccountDisconnected, tx.Now(), time.Time{}
	account.Cause, account.Detail = kalends.NewCause(kalends.CauseRevoked, "actor", actor), ""
	if err := s.c.Store.UpdateAccount(ctx, tx, account); err != nil {
		return err
	}
	err = s.audit(ctx, tx, kalends.Audit{
		ApplicationID: o.ApplicationID, OrganisationID: o.ID, ConnectionID: account.ConnectionID,
		Actor: actor, Action: "account.revoked",
	}, "account", account.ID)
	if err != nil {
		return err
	}
	return s.c.Jobs.Insert(ctx, tx, jobs.Purge{OrganisationID: o.ID}, nil)
}

// Purge deletes what ended connections, accounts and organisations left, batch by
// batch, and leaves a receipt. It may be stopped and called again at any time.
// later tells when to come again for what must still stand.
func (s *Service) Purge(ctx context.Context, organisationID string) (later time.Duration, err error) {
	for {
		n, err := s.purgeSome(ctx, organisationID)
		if err != nil {
			return 0, err
		}
		if n == 0 {
			return s.purgeRest(ctx, organisationID)
		}
	}
}

// purgeSome deletes a batch and leaves its receipt.
func (s *Service) purgeSome(ctx context.Context, organisationID string) (n int64, err error) {
	err = s.c.DB.Write(ctx, func(tx *db.Tx) error {
		if err := lockOrganisation(ctx, tx, organisationID); err != nil {
			return err
		}
		if n, err = s.c.Store.PurgeEndedAccounts(ctx, tx, organisationID, purgeBatch); err != nil || n == 0 {
			return err
		}
		return s.receipt(ctx, tx, organisationID, n)
	})
	return n, err
}

// receipt is what stays: how much was deleted, and whose.
func (s *Service) receipt(ctx context.Context, tx *db.Tx, organisationID string, deleted int64) error {
	o, err := s.c.Store.Organisation(ctx, tx, organisationID)
	if err != nil {
		return ignoreNotFound(err)
	}
	return s.audit(ctx, tx, kalends.Audit{
		ApplicationID: o.ApplicationID, OrganisationID: o.ID, Actor: actorHub, Action: "data.deleted",
	}, "accounts", number(deleted))
}

// purgeRest deletes the rows of ended connections and organisations themselves.
func (s *Service) purgeRest(ctx context.Context, organisationID string) (later time.Duration, err error) {
	err = s.c.DB.Write(ctx, func(tx *db.Tx) error {
		later = 0
		if err := lockOrganisation(ctx, tx, organisationID); err != nil {
			return err
		}
		ended, err := s.c.Store.ConnectionsToPurge(ctx, tx, organisationID)
		if err != nil {
			return err
		}
		for _, c := range ended {
			if wait := c.CheckedAt.Add(toldWithin).Sub(tx.Now()); wait > 0 {
				later = max(later, wait)
				continue
			}
			if _, err := s.c.Store.PurgeConnection(ctx, tx, c.ID, purgeBatch); err != nil {
				return err
			}
		}
		if later > 0 {
			return nil
		}
		_, err = s.c.Store.PurgeOrganisation(ctx, tx, organisationID, purgeBatch)
		return err
	})
	return later, err
}

type purger struct {
	river.WorkerDefaults[jobs.Purge]
	service *Service
}

// Work implements river.Worker.
func (p *purger) Work(ctx context.Context, job *river.Job[jobs.Purge]) error {
	later, err := p.service.Purge(ctx, job.Args.OrganisationID)
	if err == nil && later > 0 {
		return river.JobSnooze(later)
	}
	return err
}

// Timeout implements river.Worker: a large organisation takes a while.
func (p *purger) Timeout(*river.Job[jobs.Purge]) time.Duration { return time.Hour }

// RegisterJobs adds the workers of this room.
func (s *Service) RegisterJobs(workers *river.Workers) {
	river.AddWorker(workers, &purger{service: s})
}

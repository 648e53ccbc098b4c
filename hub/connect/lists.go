package connect

import (
	"context"
	"time"

	kalends "kalends"
	"kalends/db"
	"kalends/store"
)

// Organisation gives one organisation, with RevokedAt set if it has ended.
func (s *Service) Organisation(ctx context.Context, id string) (o kalends.Organisation, err error) {
	err = s.c.DB.Read(ctx, func(tx *db.Tx) error {
		o, err = s.c.Store.Organisation(ctx, tx, id)
		return err
	})
	return o, err
}

// Organisations lists those of an application, or all for "".
func (s *Service) Organisations(ctx context.Context, applicationID string) (list []kalends.Organisation, err error) {
	err = s.c.DB.Read(ctx, func(tx *db.Tx) error {
		list, err = s.c.Store.Organisations(ctx, tx, applicationID)
		return err
	})
	return list, err
}

// Connections lists an organisation's connections. An ended one is listed as
// long as its accounts are being deleted.
func (s *Service) Connections(ctx context.Context, organisationID string) (list []ConnectionInfo, err error) {
	err = s.c.DB.Read(ctx, func(tx *db.Tx) error {
		organisation, err := s.livingOrganisation(ctx, tx, "", organisationID)
		if err != nil {
			return err
		}
		list, err = s.infos(ctx, tx, organisation, nil)
		return err
	})
	return list, err
}

// infos describes an organisation's connections, or only those picked.
func (s *Service) infos(ctx context.Context, tx *db.Tx, o kalends.Organisation, picked map[string]bool) ([]ConnectionInfo, error) {
	connections, err := s.c.Store.Connections(ctx, tx, o.ID)
	if err != nil {
		return nil, err
	}
	app, err := s.c.Store.Application(ctx, tx, o.ApplicationID)
	if err != nil {
		return nil, err
	}
	counts, err := s.c.Store.AccountCounts(ctx, tx, o.ID)
	if err != nil {
		return nil, err
	}
	var list []ConnectionInfo
	for _, c := range connections {
		if picked != nil && !picked[c.ID] {
			continue
		}
		c.Cause = causeNow(c, tx.Now())
		info := ConnectionInfo{Connection: c, Application: app, Company: o.Company, Scope: o.Scope, DelegatedScope: o.DelegatedScope, LastUsedAt: o.LastUsedAt, Mode: "polling"}
		info.count(counts, len(living(connections)) == 1)
		if info.Purging = c.Status == kalends.ConnectionDisconnected; info.Purging && info.remains(counts) == 0 {
			continue
		}
		if err := s.ages(ctx, tx, &info); err != nil {
			return nil, err
		}
		list = append(list, info)
	}
	return list, nil
}

// count adds up the accounts. Those that are not matched yet belong to no
// connection; where there is only one they will be its own.
func (c *ConnectionInfo) count(counts []store.AccountCount, only bool) {
	for _, n := range counts {
		mine := n.ConnectionID == c.ID || n.ConnectionID == "" && only && c.Status != kalends.ConnectionDisconnected
		if !mine {
			continue
		}
		switch n.Status {
		case kalends.AccountConnected:
			c.Counts.Connected += n.Accounts
			if n.Kind == kalends.MailboxResource {
				c.Resources += n.Accounts
			}
		case kalends.AccountPending:
			c.Counts.Pending += n.Accounts
		case kalends.AccountWaiting:
			c.Counts.Waiting += n.Accounts
		case kalends.AccountError:
			c.Counts.Error += n.Accounts
		}
	}
}

func (c *ConnectionInfo) remains(counts []store.AccountCount) (n int) {
	for _, count := range counts {
		if count.ConnectionID == c.ID && count.Status == kalends.AccountDisconnected {
			n += count.Accounts
		}
	}
	return n
}

// ages says how old the data is; a calendar never read has no age yet.
func (s *Service) ages(ctx context.Context, tx *db.Tx, info *ConnectionInfo) error {
	times, err := s.c.Store.SyncTimes(ctx, tx, info.ID)
	if err != nil {
		return err
	}
	var read []time.Time
	for _, at := range times {
		if !at.IsZero() {
			read = append(read, at)
		}
	}
	if len(read) == 0 {
		return nil
	}
	info.LastSyncAt = read[len(read)-1]
	info.AgeWorst, info.AgeMedian = tx.Now().Sub(read[0]), tx.Now().Sub(read[len(read)/2])
	return nil
}

// Accounts lists an organisation's accounts.
func (s *Service) Accounts(ctx context.Context, organisationID string, f AccountFilter) (page AccountPage, err error) {
	limit := min(max(f.Limit, 0), 1000)
	if limit == 0 {
		limit = 100
	}
	filter := store.AccountFilter{
		OrganisationID: organisationID, ConnectionID: f.ConnectionID, Status: f.Status, Cause: f.Cause, Kind: f.Kind,
		Search: f.Search, After: f.After, Limit: limit + 1,
	}
	err = s.c.DB.Read(ctx, func(tx *db.Tx) error {
		if _, err := s.livingOrganisation(ctx, tx, "", organisationID); err != nil {
			return err
		}
		if page.Accounts, err = s.c.Store.Accounts(ctx, tx, filter); err != nil {
			return err
		}
		page.Total, err = s.c.Store.CountAccounts(ctx, tx, filter)
		return err
	})
	if len(page.Accounts) > limit {
		page.Accounts = page.Accounts[:limit]
		page.Next = page.Accounts[limit-1].Email
	}
	return page, err
}

// Audits lists what happened to an organisation, newest first, at most limit.
// It can be asked about one that has ended.
func (s *Service) Audits(ctx context.Context, organisationID string, limit int) (list []kalends.Audit, err error) {
	err = s.c.DB.Read(ctx, func(tx *db.Tx) error {
		list, err = s.c.Store.Audits(ctx, tx, store.AuditFilter{OrganisationID: organisationID, Limit: limit})
		return err
	})
	return list, err
}

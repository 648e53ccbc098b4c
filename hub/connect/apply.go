package connect

import (
	"context"
	"slices"
	"strings"
	"time"

	kalends "kalends"
	"kalends/db"
	"kalends/jobs"
	"kalends/oauth"
	"kalends/store"
)

const (
	waitFirst = time.Hour      // for a mailbox that does not exist yet
	waitLater = 24 * time.Hour // and for whatever else an administrator may fix meanwhile
)

// applying is one account's outcome being written down.
type applying struct {
	*Service
	tx        *db.Tx
	team      *team
	account   kalends.Account // as it stands now
	found     finding
	calendars []kalends.RemoteCalendar
	requests  []kalends.AuthorizationRequest // unanswered
	changed   bool                           // another status or cause than before
	until     time.Time                      // as long as a broken connection is left alone
}

// apply writes what became of an account in one transaction: its rows, the grant
// and the callbacks that are owed. Nothing is written when the account was
// marked due anew meanwhile, or its organisation ended.
func (s *Service) apply(ctx context.Context, t *team, claimed kalends.Account, found finding, calendars []kalends.RemoteCalendar) error {
	synced := false
	err := s.c.DB.Write(ctx, func(tx *db.Tx) error {
		synced = false
		if err := lockOrganisation(ctx, tx, t.organisation.ID); err != nil {
			return err
		}
		a, err := s.begin(ctx, tx, t, claimed)
		if a == nil || err != nil {
			return err
		}
		a.found, a.calendars = found, calendars
		if err := a.noteHealth(ctx); err != nil {
			return err
		}
		synced = found.found()
		return a.write(ctx)
	})
	if err == nil && synced && s.c.Synced != nil {
		s.c.Synced()
	}
	return err
}

// begin reads what the outcome is written over; nil if it must not be written.
func (s *Service) begin(ctx context.Context, tx *db.Tx, t *team, claimed kalends.Account) (*applying, error) {
	account, err := s.c.Store.Account(ctx, tx, claimed.ID)
	if db.IsNotFound(err) || err == nil && !account.DueAt.Equal(claimed.DueAt) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	account.DueAt = time.Time{}
	if _, err := s.livingOrganisation(ctx, tx, "", account.OrganisationID); err != nil {
		return nil, ignoreNotFound(err)
	}
	requests, err := s.c.Store.OpenRequests(ctx, tx, account.ID)
	return &applying{Service: s, tx: tx, team: t, account: account, requests: requests}, err
}

func ignoreNotFound(err error) error {
	if kalends.KindOf(err) == kalends.KindNotFound {
		return nil
	}
	return err
}

func (a *applying) write(ctx context.Context) error {
	switch {
	case a.found.found():
		return a.connect(ctx)
	case a.found.cause != nil:
		return a.refuse(ctx, a.found.cause, a.found.detail)
	}
	return a.postpone(ctx, a.found.open())
}

// connect makes the account, profile, calendars and grant, and the callbacks.
func (a *applying) connect(ctx context.Context) error {
	connection := a.team.connection(a.found.connectionID)
	current, err := a.c.Store.Connection(ctx, a.tx, connection.ID)
	if err != nil {
		return err
	}
	if current.Status == kalends.ConnectionDisconnected { // ended while we looked
		a.account.DueAt = a.tx.Now()
		return a.c.Store.UpdateAccount(ctx, a.tx, a.account)
	}
	if needed := scopeFor(a.found.mailbox.Kind); !oauth.Allows(a.team.organisation.Scope, needed) {
		return a.refuse(ctx, kalends.NewCause(kalends.CauseScopeMissing, "email", a.account.Email, "scope", needed), "")
	}
	other, err := a.takeIdentity(ctx, current)
	if err != nil {
		return err
	}
	if other != "" {
		return a.refuse(ctx, kalends.NewCause(kalends.CauseAddressNotUnique, "email", a.account.Email, "other", other), "")
	}
	a.describe(kalends.AccountConnected, nil, "")
	m := a.found.mailbox
	a.account.ConnectionID, a.account.MatchedEmail, a.account.MatchedBy = current.ID, m.Email, m.MatchedBy
	a.account.MailboxID, a.account.Name, a.account.Kind = m.ID, m.Name, m.Kind
	a.account.Tries, a.account.DueAt = 0, time.Time{}
	if err := a.c.Store.UpdateAccount(ctx, a.tx, a.account); err != nil {
		return err
	}
	if err := a.putCalendars(ctx, current); err != nil {
		return err
	}
	if err := a.putGrant(ctx); err != nil {
		return err
	}
	return a.callBack(ctx)
}

// scopeFor gives the service scope that opens a mailbox: only now it is known
// whether the address is a room's.
func scopeFor(kind kalends.MailboxKind) string {
	if kind == kalends.MailboxResource {
		return oauth.ScopeResources
	}
	return oauth.ScopeAccounts
}

func (t *team) connection(id string) kalends.Connection {
	for _, c := range t.connections {
		if c.ID == id {
			return c
		}
	}
	return kalends.Connection{ID: id}
}

// describe sets status and cause and notes whether they are news.
func (a *applying) describe(status kalends.AccountStatus, cause *kalends.Cause, detail string) {
	a.changed = a.account.Status != status || keyOf(a.account.Cause) != keyOf(cause)
	if a.account.Status != status {
		a.account.Since = a.tx.Now()
	}
	a.account.Status, a.account.Cause, a.account.Detail = status, cause, detail
}

func keyOf(cause *kalends.Cause) kalends.CauseKey {
	if cause == nil {
		return ""
	}
	return cause.Key
}

// takeIdentity gives the account the id that this mailbox has in this
// organisation, also after a disconnect or under another address. It tells the
// other address if the mailbox is connected under one. An account that was
// connected before keeps its id: its application knows it.
func (a *applying) takeIdentity(ctx context.Context, connection kalends.Connection) (other string, err error) {
	if other, err = a.holderOf(ctx, connection.ID); err != nil || other != "" {
		return other, err
	}
	fresh := a.account.ID
	if a.found.mailbox.Kind == kalends.MailboxResource && a.account.ConnectionID == "" {
		fresh = kalends.NewID(kalends.PrefixResource)
	}
	id, err := a.identity(ctx, store.IdentityAccount, fresh, connection.Tenant, a.found.mailbox.Key())
	if err != nil || id == a.account.ID {
		return "", err
	}
	known, err := a.c.Store.Profiles(ctx, a.tx, a.account.ID)
	if err != nil || len(known) > 0 {
		return "", err
	}
	holder, err := a.c.Store.Account(ctx, a.tx, id)
	switch {
	case db.IsNotFound(err):
		return "", a.rename(ctx, id)
	case err != nil:
		return "", err
	case holder.OrganisationID != a.account.OrganisationID:
		return "", kalends.Errorf(kalends.KindInternal, "connect: an identity leads to another organisation")
	case holder.Status == kalends.AccountConnected && holder.ConnectionID != connection.ID:
		return holder.Email, nil // through another connection of the same tenant
	case holder.Status == kalends.AccountConnected:
		return "", nil // it has moved to another mailbox, and keeps its id
	}
	return "", a.merge(ctx, holder)
}

// holderOf gives the address under which the mailbox is connected already.
func (a *applying) holderOf(ctx context.Context, connectionID string) (string, error) {
	accounts, err := a.c.Store.AccountsOfMailbox(ctx, a.tx, a.account.OrganisationID, connectionID, a.found.mailbox)
	for _, other := range accounts {
		if other.ID != a.account.ID && other.Status == kalends.AccountConnected {
			return other.Email, err
		}
	}
	return "", err
}

// identity gives the id that a thing of this organisation had before, else the
// fresh one, and remembers it.
func (a *applying) identity(ctx context.Context, kind store.IdentityKind, fresh string, parts ...string) (string, error) {
	value := strings.Join(append([]string{a.account.OrganisationID}, parts...), "|")
	return a.c.Store.PutIdentity(ctx, a.tx, a.team.organisation.ApplicationID, kind, value, fresh)
}

func (a *applying) rename(ctx context.Context, id string) error {
	if err := a.c.Store.RenameAccount(ctx, a.tx, a.account.ID, id); err != nil {
		return err
	}
	a.account.ID = id
	return nil
}

// merge puts this address in the place of one that is not connected any more:
// the person's address changed.
func (a *applying) merge(ctx context.Context, holder kalends.Account) error {
	if err := a.c.Store.MoveRequests(ctx, a.tx, a.account.ID, holder.ID); err != nil {
		return err
	}
	if err := a.c.Store.DeleteAccount(ctx, a.tx, a.account.ID); err != nil {
		return err
	}
	a.account.ID = holder.ID
	return nil
}

// putCalendars makes the profile and its calendars, those never read due at once.
func (a *applying) putCalendars(ctx context.Context, connection kalends.Connection) error {
	profileID, err := a.identity(ctx, store.IdentityProfile, kalends.NewID(kalends.PrefixProfile), a.account.ID, connection.Tenant)
	if err != nil {
		return err
	}
	profile := kalends.Profile{ID: profileID, AccountID: a.account.ID, ConnectionID: connection.ID, Name: a.account.Email}
	if err := a.c.Store.PutProfile(ctx, a.tx, profile); err != nil {
		return err
	}
	if err := a.leaveOthers(ctx, profileID); err != nil {
		return err
	}
	for _, remote := range a.calendars {
		if err := a.putCalendar(ctx, profileID, remote); err != nil {
			return err
		}
	}
	return nil
}

// leaveOthers ends the profiles where the mailbox was before it moved: nobody
// reads them any more, and what was read would stay for ever.
func (a *applying) leaveOthers(ctx context.Context, profileID string) error {
	profiles, err := a.c.Store.PersonProfiles(ctx, a.tx, a.account.ID)
	if err != nil {
		return err
	}
	for _, other := range profiles {
		if other.ID == profileID {
			continue
		}
		if _, err := a.c.Store.RevokeProfile(ctx, a.tx, a.account.ID, other.ID); err != nil {
			return err
		}
	}
	return nil
}

func (a *applying) putCalendar(ctx context.Context, profileID string, remote kalends.RemoteCalendar) error {
	key := remote.ID
	if remote.Primary {
		key = "primary" // stays the same calendar when the mailbox moves
	}
	id, err := a.identity(ctx, store.IdentityCalendar, kalends.NewCalendarID(profileID), profileID, key)
	if err != nil {
		return err
	}
	c, err := a.c.Store.Calendar(ctx, a.tx, id)
	if err != nil && !db.IsNotFound(err) {
		return err
	}
	known := err == nil && c.DeletedAt.IsZero() && c.RemoteID == remote.ID
	if known && c.Cause == nil && !c.LastSyncAt.IsZero() {
		return nil // the mirror keeps it
	}
	return a.c.Store.PutCalendar(ctx, a.tx, kalends.Calendar{
		ID: id, ProfileID: profileID, AccountID: a.account.ID, RemoteID: remote.ID, Name: remote.Name,
		Primary: remote.Primary, ReadOnly: remote.ReadOnly, DueAt: a.tx.Now(),
	})
}

// putGrant gives the application what its newest request asked for.
func (a *applying) putGrant(ctx context.Context) error {
	if len(a.requests) == 0 && !a.changed {
		return nil
	}
	request, err := a.newestRequest(ctx)
	if db.IsNotFound(err) {
		return nil // matched for nobody: a mapping for an address that was never asked for
	}
	if err != nil {
		return err
	}
	_, err = a.grant(ctx, a.tx, a.team.organisation, a.account.ID, request.Scope)
	return err
}

func (a *applying) newestRequest(ctx context.Context) (kalends.AuthorizationRequest, error) {
	if n := len(a.requests); n > 0 {
		return a.requests[n-1], nil
	}
	return a.c.Store.LatestRequest(ctx, a.tx, a.account.ID)
}

// callBack owes an answer to every open request. Where none is open and the
// outcome is news, the newest one is answered again.
func (a *applying) callBack(ctx context.Context) error {
	requests := a.requests
	if len(requests) == 0 && a.changed {
		newest, err := a.newestRequest(ctx)
		if db.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := a.c.Store.ReopenRequest(ctx, a.tx, newest.ID); err != nil {
			return err
		}
		requests = append(requests, newest)
	}
	queued, err := a.c.Store.QueuedRequests(ctx, a.tx, a.account.ID)
	if err != nil {
		return err
	}
	for _, request := range requests {
		if !a.changed && slices.Contains(queued, request.ID) {
			continue // that callback will say the same
		}
		if err := a.c.Jobs.Insert(ctx, a.tx, jobs.AuthorizationCallback{RequestID: request.ID}, nil); err != nil {
			return err
		}
	}
	return a.c.Store.QueueRequests(ctx, a.tx, a.account.ID)
}

// refuse notes a cause of the person and has it tried again by itself: a mailbox
// that is missing after an hour, then daily.
func (a *applying) refuse(ctx context.Context, cause *kalends.Cause, detail string) error {
	status := kalends.AccountError
	if cause.Key == kalends.CauseNoMailbox {
		status = kalends.AccountWaiting
	}
	before := keyOf(a.account.Cause)
	a.describe(status, cause, detail)
	wait := waitLater
	if status == kalends.AccountWaiting && (before != cause.Key || a.account.Tries == 0) {
		wait = waitFirst
	}
	a.account.Tries++
	a.account.DueAt = a.tx.Now().Add(wait)
	if cause.Key == kalends.CauseRevoked {
		a.account.DueAt = time.Time{}
	}
	if cause.Key == kalends.CauseAddressIsAlias || cause.Key == kalends.CauseAddressNotUnique {
		a.account.MatchedEmail, a.account.MatchedBy = a.found.mailbox.Email, a.found.mailbox.MatchedBy
		if a.account.ConnectionID == "" { // else what it had there still ends with that connection
			a.account.ConnectionID = a.found.connectionID
		}
	}
	if err := a.c.Store.UpdateAccount(ctx, a.tx, a.account); err != nil {
		return err
	}
	if err := a.letGo(ctx); err != nil {
		return err
	}
	return a.callBack(ctx)
}

// postpone leaves the account as it is and tries again: nothing can be said as
// long as the connection does not answer.
func (a *applying) postpone(ctx context.Context, err error) error {
	a.account.DueAt = a.tx.Now().Add(waitAfter(err, a.account.Tries))
	switch {
	case a.until.After(a.account.DueAt):
		a.account.DueAt = a.until
	case a.until.IsZero() && kalends.KindOf(err) == kalends.KindUnauthorized:
		a.account.DueAt = a.tx.Now() // a second refusal will tell
	}
	a.account.Tries++
	if a.account.Status != kalends.AccountConnected {
		a.describe(kalends.AccountPending, causeOf(err), kalends.DetailOf(err))
	}
	return a.c.Store.UpdateAccount(ctx, a.tx, a.account)
}

// waitAfter says how long to wait before the same account is tried again. Who is
// throttled was told.
func waitAfter(err error, tries int) time.Duration {
	if after := kalends.RetryAfter(err); after > 0 && kalends.KindOf(err) == kalends.KindThrottled {
		return after
	}
	return max(min(30*time.Second<<min(tries, 10), 30*time.Minute), kalends.RetryAfter(err))
}

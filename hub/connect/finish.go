package connect

import (
	"context"
	"strconv"
	"time"

	kalends "kalends"
	"kalends/db"
	"kalends/jobs"
	"kalends/oauth"
	"kalends/provider"
	"kalends/secret"
	"kalends/store"
)

// Finish connects: organisation, connection and code in one transaction. The URL
// leads back to the application. Once more gives a fresh URL as long as the first
// code is unused. KindConflict while there is no successful check, KindGone if
// the intent was used meanwhile, or the code.
func (s *Service) Finish(ctx context.Context, handle string) (string, error) {
	var back, connectionID string
	id := secret.SHA256(handle)
	err := s.c.DB.Write(ctx, func(tx *db.Tx) error {
		if err := tx.Lock(ctx, "connect/"+id); err != nil {
			return err
		}
		r, err := s.loadRow(ctx, tx, id)
		if err != nil {
			return err
		}
		if !r.DoneAt.IsZero() {
			back, err = s.finishAgain(ctx, tx, r)
			return err
		}
		back, err = s.finish(ctx, tx, r)
		if err == nil {
			connectionID = r.result.ConnectionID
		}
		return err
	})
	if err == nil && connectionID != "" {
		s.c.Pool.Drop(connectionID) // its credentials may have changed
		s.silence(connectionID, false)
		s.wakeUp()
	}
	return back, err
}

func (s *Service) finish(ctx context.Context, tx *db.Tx, r *row) (string, error) {
	if r.CheckState != store.CheckOK || r.result == nil {
		return "", kalends.Errorf(kalends.KindConflict, "connect: no successful check")
	}
	app, err := s.c.Store.Application(ctx, tx, r.ApplicationID)
	if err != nil {
		return "", err
	}
	if err := s.useIntent(ctx, tx, r.IntentID); err != nil {
		return "", err
	}
	organisation, err := s.organisationOf(ctx, tx, r)
	if err != nil {
		return "", err
	}
	connection, err := s.putConnection(ctx, tx, r, organisation)
	if err != nil {
		return "", err
	}
	if err := s.mapAsPreviewed(ctx, tx, r, organisation); err != nil {
		return "", err
	}
	if _, err := s.c.Store.MarkAccountsDue(ctx, tx, organisation.ID, kalends.AccountPending, kalends.AccountWaiting, kalends.AccountError); err != nil {
		return "", err
	}
	code, err := s.issue(ctx, tx, app, organisation, r)
	if err != nil {
		return "", err
	}
	r.result = &outcome{FinishedAs: organisation.ID, ConnectionID: connection.ID, CodeHash: secret.SHA256(code)}
	r.Credentials, r.DoneAt = nil, tx.Now()
	return oauth.RedirectWithCode(r.RedirectURI, code, r.State), s.put(ctx, tx, r)
}

// useIntent marks the intent used; only one browser can.
func (s *Service) useIntent(ctx context.Context, tx *db.Tx, id string) error {
	if id == "" {
		return nil
	}
	used, err := s.c.Store.UseIntent(ctx, tx, id)
	if err == nil && !used {
		return kalends.Errorf(kalends.KindGone, "connect: the link was used or has expired")
	}
	return err
}

// organisationOf finds the organisation that a connect belongs to: that of the
// intent, else by the identity just proved within the same application and for
// the same customer of it, else a new one. Never by a domain that is only claimed.
func (s *Service) organisationOf(ctx context.Context, tx *db.Tx, r *row) (kalends.Organisation, error) {
	if r.OrganisationID != "" {
		if err := lockOrganisation(ctx, tx, r.OrganisationID); err != nil {
			return kalends.Organisation{}, err
		}
		organisation, err := s.livingOrganisation(ctx, tx, r.ApplicationID, r.OrganisationID)
		if err != nil {
			return organisation, err
		}
		return s.renew(ctx, tx, r, organisation)
	}
	hash := s.c.Store.IdentityHash(r.identity())
	if err := tx.Lock(ctx, "identity/"+r.ApplicationID+"/"+hash); err != nil {
		return kalends.Organisation{}, err
	}
	id, err := s.organisationID(ctx, tx, r, hash)
	if db.IsNotFound(err) {
		return s.newOrganisation(ctx, tx, r, kalends.NewID(kalends.PrefixOrganisation))
	}
	if err != nil {
		return kalends.Organisation{}, err
	}
	if err := lockOrganisation(ctx, tx, id); err != nil {
		return kalends.Organisation{}, err
	}
	organisation, err := s.c.Store.Organisation(ctx, tx, id)
	if db.IsNotFound(err) {
		return s.newOrganisation(ctx, tx, r, id) // purged, and found again
	}
	if err != nil {
		return organisation, err
	}
	return s.renew(ctx, tx, r, organisation)
}

// organisationID finds the organisation by a connection it has, or by what was
// remembered when one ended.
func (s *Service) organisationID(ctx context.Context, tx *db.Tx, r *row, hash string) (string, error) {
	connections, err := s.c.Store.ConnectionsByIdentity(ctx, tx, hash)
	if err != nil {
		return "", err
	}
	for _, c := range living(connections) {
		organisation, err := s.c.Store.Organisation(ctx, tx, c.OrganisationID)
		if err != nil {
			return "", err
		}
		if organisation.ApplicationID == r.ApplicationID && organisation.CompanyID == r.client && organisation.RevokedAt.IsZero() {
			return organisation.ID, nil
		}
	}
	return s.c.Store.Identity(ctx, tx, r.ApplicationID, store.IdentityOrganisation, r.organisationKey(r.client))
}

// organisationKey is what an organisation is found again by: the identity
// proved and, where the application names it, the customer it is for.
func (r *row) organisationKey(companyID string) string {
	if companyID == "" {
		return r.identity()
	}
	return r.identity() + "|company|" + companyID
}

// identity is what the check proved control over.
func (r *row) identity() string { return identityOf(r.Provider, r.result.CheckResult) }

func identityOf(p kalends.Provider, result provider.CheckResult) string {
	return string(p) + "|" + result.Identity
}

func (s *Service) newOrganisation(ctx context.Context, tx *db.Tx, r *row, id string) (kalends.Organisation, error) {
	o := r.describe(kalends.Organisation{ID: id, ApplicationID: r.ApplicationID, CreatedAt: tx.Now()})
	return o, s.c.Store.InsertOrganisation(ctx, tx, o)
}

// renew writes what this connect asks for over what was; an organisation that
// had ended lives again.
func (s *Service) renew(ctx context.Context, tx *db.Tx, r *row, o kalends.Organisation) (kalends.Organisation, error) {
	o = r.describe(o)
	return o, s.c.Store.UpdateOrganisation(ctx, tx, o)
}

func (r *row) describe(o kalends.Organisation) kalends.Organisation {
	o.Domain, o.Email = r.result.Domain, r.result.Account
	o.Scope, o.DelegatedScope, o.ConfirmAliases = r.Scope, r.DelegatedScope, r.preview.ConfirmAliases
	o.RevokedAt = time.Time{}
	if r.company != "" {
		o.Company = r.company
	}
	if r.client != "" {
		o.CompanyID = r.client
	}
	return o
}

// putConnection writes the connection: a repaired one keeps its id.
func (s *Service) putConnection(ctx context.Context, tx *db.Tx, r *row, o kalends.Organisation) (kalends.Connection, error) {
	before, known, err := s.sameConnection(ctx, tx, r, o)
	if err != nil {
		return before, err
	}
	c := kalends.Connection{
		ID: kalends.NewID(kalends.PrefixConnection), OrganisationID: o.ID, Provider: r.Provider, Identity: r.identity(),
		Tenant: r.result.Tenant, Domain: r.result.Domain, Level: kalends.LevelFull, Status: kalends.ConnectionConnected,
		ConnectedAt: tx.Now(), ConnectedBy: r.result.Account, CheckedAt: tx.Now(), Credentials: r.result.Credentials,
	}
	action := "connection.connected"
	if known {
		c.ID, c.Level, action = before.ID, before.Level, "connection.repaired"
		c.ConnectedAt = before.ConnectedAt
		if err = s.refund(ctx, tx, true, probeLimit(c.ID, nil)); err == nil {
			err = s.c.Store.ReplaceConnection(ctx, tx, c)
		}
	} else {
		err = s.c.Store.InsertConnection(ctx, tx, c)
	}
	if err != nil {
		return c, err
	}
	if _, err := s.c.Store.PutIdentity(ctx, tx, o.ApplicationID, store.IdentityOrganisation, r.organisationKey(o.CompanyID), o.ID); err != nil {
		return c, err
	}
	auditID, err := s.auditID(ctx, tx, kalends.Audit{
		ApplicationID: o.ApplicationID, OrganisationID: o.ID, ConnectionID: c.ID,
		Actor: r.actor(), Action: action,
	}, "provider", string(c.Provider), "domain", c.Domain, "scope", r.Scope, "delegated_scope", r.DelegatedScope,
		"confirm_aliases", strconv.FormatBool(o.ConfirmAliases))
	if err == nil {
		err = s.auditHosts(ctx, tx, r, c)
	}
	if err != nil || !known || before.Status == kalends.ConnectionConnected {
		return c, err
	}
	return c, s.c.Jobs.Insert(ctx, tx, jobs.ConnectionChanged{ConnectionID: c.ID, AuditID: auditID}, nil)
}

// auditHosts writes down the servers outside the domain that were confirmed in
// this connect.
func (s *Service) auditHosts(ctx context.Context, tx *db.Tx, r *row, c kalends.Connection) error {
	for _, host := range confirmedHosts(s.c.Systems[c.Provider].Form, c.Credentials) {
		err := s.audit(ctx, tx, kalends.Audit{
			ApplicationID: r.ApplicationID, OrganisationID: c.OrganisationID, ConnectionID: c.ID,
			Actor: r.actor(), Action: "connection.host_trusted",
		}, "host", host, "domain", c.Domain)
		if err != nil {
			return err
		}
	}
	return nil
}

// sameConnection gives the organisation's connection with the identity just proved.
func (s *Service) sameConnection(ctx context.Context, tx *db.Tx, r *row, o kalends.Organisation) (kalends.Connection, bool, error) {
	connections, err := s.c.Store.ConnectionsByIdentity(ctx, tx, s.c.Store.IdentityHash(r.identity()))
	for _, c := range connections {
		if c.OrganisationID == o.ID && c.Status != kalends.ConnectionDisconnected {
			return c, true, err
		}
	}
	return kalends.Connection{}, false, err
}

// mapAsPreviewed keeps what was mapped by hand on the preview page.
func (s *Service) mapAsPreviewed(ctx context.Context, tx *db.Tx, r *row, o kalends.Organisation) error {
	for email, mailbox := range r.preview.Mappings {
		if err := s.c.Store.PutMapping(ctx, tx, o.ID, email, mailbox); err != nil {
			return err
		}
		err := s.audit(ctx, tx, kalends.Audit{
			ApplicationID: o.ApplicationID, OrganisationID: o.ID, Actor: r.actor(), Action: "mapping.set",
		}, "email", email)
		if err != nil {
			return err
		}
	}
	return nil
}

// actor is who went through the connect, as far as the check proved it.
func (r *row) actor() string { return "service account " + r.result.Account }

// issue makes a code for the organisation's grant, which stays the same one.
func (s *Service) issue(ctx context.Context, tx *db.Tx, app kalends.Application, o kalends.Organisation, r *row) (string, error) {
	grant, err := s.grant(ctx, tx, o, "", r.Scope)
	if err != nil {
		return "", err
	}
	return s.oauth(tx).IssueCode(ctx, oauth.NewCode{
		GrantID: grant.ID, ClientID: app.ClientID, RedirectURI: r.RedirectURI, CodeChallenge: r.CodeChallenge, Scope: r.Scope,
	})
}

// grant gives the living grant of an organisation or account, with the scope.
func (s *Service) grant(ctx context.Context, tx *db.Tx, o kalends.Organisation, accountID, scope string) (kalends.Grant, error) {
	grant, err := s.c.Store.LiveGrant(ctx, tx, o.ID, accountID)
	if db.IsNotFound(err) {
		grant = kalends.Grant{
			ID: kalends.NewID("gra_"), ApplicationID: o.ApplicationID, OrganisationID: o.ID,
			AccountID: accountID, Scope: scope, CreatedAt: tx.Now(),
		}
		return grant, s.c.Store.InsertGrant(ctx, tx, grant)
	}
	if err != nil || grant.Scope == scope {
		return grant, err
	}
	grant.Scope = scope
	return grant, s.c.Store.SetGrantScope(ctx, tx, grant.ID, scope)
}

// finishAgain serves a double click: the first answer never reached the
// application, so its code is replaced by a fresh one.
func (s *Service) finishAgain(ctx context.Context, tx *db.Tx, r *row) (string, error) {
	gone := kalends.Errorf(kalends.KindGone, "connect: already finished")
	if r.result == nil || r.result.CodeHash == "" {
		return "", gone
	}
	fresh, err := s.c.Store.UseCode(ctx, tx, r.result.CodeHash)
	if err != nil {
		return "", err
	}
	if !fresh {
		return "", gone
	}
	if err := s.c.Store.DeleteCode(ctx, tx, r.result.CodeHash); err != nil {
		return "", err
	}
	organisation, err := s.livingOrganisation(ctx, tx, r.ApplicationID, r.result.FinishedAs)
	if err != nil {
		return "", err
	}
	app, err := s.c.Store.Application(ctx, tx, r.ApplicationID)
	if err != nil {
		return "", err
	}
	code, err := s.issue(ctx, tx, app, organisation, r)
	if err != nil {
		return "", err
	}
	r.result.CodeHash = secret.SHA256(code)
	return oauth.RedirectWithCode(r.RedirectURI, code, r.State), s.put(ctx, tx, r)
}

// Decline ends the connect; the URL tells the application access_denied. After
// Finish it is KindGone and changes nothing.
func (s *Service) Decline(ctx context.Context, handle string) (string, error) {
	var back string
	declined := &oauth.Refusal{Code: oauth.AccessDenied, Description: "the administrator declined"}
	err := s.change(ctx, secret.SHA256(handle), func(tx *db.Tx, r *row) error {
		if err := s.auditDeclined(ctx, tx, r); err != nil {
			return err
		}
		r.forgetCheck()
		r.Credentials, r.DoneAt = nil, tx.Now()
		back = oauth.RedirectWithRefusal(r.RedirectURI, declined, r.State)
		return nil
	})
	return back, err
}

// auditDeclined notes who declined, unless it was somebody whom nobody asked and
// who proved nothing: everybody may open and decline an application's page.
func (s *Service) auditDeclined(ctx context.Context, tx *db.Tx, r *row) error {
	entry := kalends.Audit{
		ApplicationID: r.ApplicationID, OrganisationID: r.OrganisationID, Actor: ActorVisitor, Action: "connection.declined",
	}
	if r.CheckState == store.CheckOK && r.result != nil {
		entry.Actor = r.actor()
	} else if r.IntentID == "" {
		return nil
	}
	if entry.OrganisationID == "" && entry.Actor != ActorVisitor {
		known, err := s.organisationID(ctx, tx, r, s.c.Store.IdentityHash(r.identity()))
		if err != nil && !db.IsNotFound(err) {
			return err
		}
		entry.OrganisationID = known
	}
	return s.audit(ctx, tx, entry, "intent", r.IntentID, "provider", string(r.Provider))
}

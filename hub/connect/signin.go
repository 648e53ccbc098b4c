package connect

import (
	"context"
	"net/netip"
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
	sessionLife = time.Hour
	linkLife    = time.Hour
	signInTime  = 45 * time.Second
)

var errSignIn = kalends.Errorf(kalends.KindUnauthorized, "connect: wrong account or password, or nothing is connected with it")

// SignIn proves control over a connected service account, checked live at the
// server of a connection that exists; nothing else is asked. values are the
// form's (account, password, an address of the domain). Any failure reads the
// same: KindUnauthorized; after two wrong tries cause too_many_tries. It is not
// answered sooner than Config.RefuseAfter: an account that nothing is connected
// with would else be told by its speed, since no server is asked about it.
func (s *Service) SignIn(ctx context.Context, p kalends.Provider, values kalends.Credentials, client netip.Addr) (string, error) {
	rest := time.NewTimer(s.c.RefuseAfter)
	defer rest.Stop()
	handle, err := s.signIn(ctx, p, values, client)
	if err == nil {
		return handle, nil
	}
	select {
	case <-rest.C:
	case <-ctx.Done():
	}
	return "", err
}

func (s *Service) signIn(ctx context.Context, p kalends.Provider, values kalends.Credentials, client netip.Addr) (string, error) {
	system, ok := s.c.Systems[p]
	if !ok {
		return "", kalends.Errorf(kalends.KindUnsupported, "connect: no such calendar system")
	}
	_, domain, user := targets(system.Form, values)
	if domain == "" {
		domain = kalends.EmailDomain(user)
	}
	if user == "" || domain == "" || !kalends.Storable(user+domain) {
		return "", errSignIn
	}
	password := passwordLimit(accountKey(user, domain))
	scans := scanLimits("console", clientKey(client), domain)
	connection, known, err := s.beginSignIn(ctx, system.Form, p, values, append([]limit{password}, scans...))
	if err != nil {
		return "", err
	}
	if known == nil {
		return "", errSignIn // stays counted
	}
	result, err := s.prove(ctx, system.Form, p, known, values)
	counts := kalends.KindOf(err) == kalends.KindUnauthorized // the password was wrong
	if err == nil {
		err = s.controls(ctx, identityOf(p, result), connection)
	}
	if err != nil {
		s.c.Log.InfoContext(ctx, "console sign-in failed", "connection", connection.ID, "error", err)
		return "", s.signInFailed(ctx, err, counts, password)
	}
	return s.openSession(ctx, store.Session{
		IdentityHash: s.c.Store.IdentityHash(identityOf(p, result)), Actor: "service account " + result.Account,
	}, connection, password, scans)
}

// signInFailed gives what is said of a failed sign-in, and takes the try out of
// the count if it was not for the password.
func (s *Service) signInFailed(ctx context.Context, failure error, counts bool, password limit) error {
	if counts {
		return errSignIn
	}
	err := s.c.DB.Write(ctx, func(tx *db.Tx) error { return s.refund(ctx, tx, false, password) })
	if err != nil || kalends.KindOf(failure) == kalends.KindUnauthorized {
		return errSignIn
	}
	return &kalends.Error{Kind: kalends.KindUnavailable, Op: "connect.SignIn", Cause: coarseCause(causeOf(failure))}
}

// beginSignIn counts the try and finds the connection whose server to ask.
func (s *Service) beginSignIn(ctx context.Context, form kalends.Form, p kalends.Provider, values kalends.Credentials, limits []limit) (kalends.Connection, kalends.Credentials, error) {
	var connection kalends.Connection
	var known kalends.Credentials
	var until time.Time
	err := s.c.DB.Write(ctx, func(tx *db.Tx) (err error) {
		if until, err = s.reserve(ctx, tx, limits...); err != nil || !until.IsZero() {
			return err
		}
		connection, known, err = s.connectionFor(ctx, tx, form, p, values)
		return err
	})
	if err == nil && !until.IsZero() {
		err = &kalends.Error{Kind: kalends.KindUnauthorized, Op: "connect.SignIn", Cause: tooManyTries(until)}
	}
	return connection, known, err
}

// connectionFor finds a connection of the domain with the same service account,
// however its name is written. The credentials carry its server and CA. Anybody
// can connect a server of his own for a domain that he only claims: so the
// password goes to a server that has it already, else to the domain's own only.
func (s *Service) connectionFor(ctx context.Context, tx *db.Tx, form kalends.Form, p kalends.Provider, values kalends.Credentials) (kalends.Connection, kalends.Credentials, error) {
	_, domain, user := targets(form, values)
	if domain == "" {
		domain = kalends.EmailDomain(user)
	}
	connections, err := s.c.Store.ConnectionsOfDomain(ctx, tx, p, domain)
	if err != nil {
		return kalends.Connection{}, nil, err
	}
	var best kalends.Connection
	var bestCredentials kalends.Credentials
	for _, c := range connections {
		credentials, err := s.c.Store.Credentials(ctx, tx, c.ID)
		if err != nil {
			continue
		}
		host, _, stored := targets(form, credentials)
		switch {
		case accountKey(stored, domain) != accountKey(user, domain):
		case samePasswords(form, credentials, values):
			return c, credentials, nil
		case bestCredentials == nil && (host == domain || strings.HasSuffix(host, "."+domain)):
			best, bestCredentials = c, credentials
		}
	}
	return best, bestCredentials, nil
}

// samePasswords tells whether what was entered is what is stored.
func samePasswords(form kalends.Form, stored, entered kalends.Credentials) bool {
	same := true
	for _, field := range form.Fields {
		if field.Kind == kalends.FieldPassword {
			same = secret.Equal(stored[field.Name], entered[field.Name]) && same
		}
	}
	return same
}

// prove signs in at the connection's own server with the password entered.
func (s *Service) prove(ctx context.Context, form kalends.Form, p kalends.Provider, known, entered kalends.Credentials) (provider.CheckResult, error) {
	ctx, cancel := context.WithTimeout(provider.Interactive(ctx), signInTime)
	defer cancel()
	values := known.Clone()
	for _, field := range form.Fields {
		if field.Secret && field.Kind == kalends.FieldPassword {
			values[field.Name] = entered[field.Name]
		}
	}
	client, err := s.openClient(p, values, "sign-in")
	if err != nil {
		return provider.CheckResult{}, errSignIn
	}
	defer client.Close()
	return client.Check(ctx, provider.CheckRequest{Sample: sampleOf(form, values)}, func(kalends.Step) {})
}

// controls tells whether the identity just proved is the connection's own.
func (s *Service) controls(ctx context.Context, identity string, connection kalends.Connection) error {
	var mine []kalends.Connection
	err := s.c.DB.Read(ctx, func(tx *db.Tx) (err error) {
		mine, err = s.c.Store.ConnectionsByIdentity(ctx, tx, s.c.Store.IdentityHash(identity))
		return err
	})
	if err == nil && !slices.ContainsFunc(mine, func(c kalends.Connection) bool { return c.ID == connection.ID }) {
		return errSignIn
	}
	return err
}

func (s *Service) openSession(ctx context.Context, session store.Session, c kalends.Connection, password limit, scans []limit) (string, error) {
	handle := kalends.NewSecret()
	err := s.c.DB.Write(ctx, func(tx *db.Tx) error {
		if err := s.refund(ctx, tx, true, password); err != nil {
			return err
		}
		if err := s.refund(ctx, tx, false, scans...); err != nil { // failures at other accounts stay counted
			return err
		}
		session.ExpiresAt = tx.Now().Add(sessionLife)
		if err := s.c.Store.InsertSession(ctx, tx, handle, session); err != nil {
			return err
		}
		return s.auditConsole(ctx, tx, session.Actor, "console.signed_in", c)
	})
	if err != nil {
		return "", err
	}
	return handle, nil
}

func (s *Service) auditConsole(ctx context.Context, tx *db.Tx, actor, action string, c kalends.Connection) error {
	o, err := s.c.Store.Organisation(ctx, tx, c.OrganisationID)
	if err != nil {
		return err
	}
	return s.audit(ctx, tx, kalends.Audit{
		ApplicationID: o.ApplicationID, OrganisationID: o.ID, ConnectionID: c.ID, Actor: actor, Action: action,
	})
}

// OperatorLink makes a one-time link, good for an hour, to an organisation's connections.
func (s *Service) OperatorLink(ctx context.Context, organisationID string) (string, error) {
	token := kalends.NewSecret()
	err := s.c.DB.Write(ctx, func(tx *db.Tx) error {
		o, err := s.livingOrganisation(ctx, tx, "", organisationID)
		if err != nil {
			return err
		}
		if err := s.c.Store.InsertLink(ctx, tx, token, o.ID, tx.Now().Add(linkLife)); err != nil {
			return err
		}
		return s.auditConsole(ctx, tx, ActorOperator, "console.link_made", kalends.Connection{OrganisationID: o.ID})
	})
	if err != nil {
		return "", err
	}
	return s.c.PublicURL + "/enterprise_connect/link/" + token, nil
}

// SignInByLink redeems an operator's link. KindGone if there is none, it was used
// or has expired.
func (s *Service) SignInByLink(ctx context.Context, token string) (string, error) {
	handle := kalends.NewSecret()
	err := s.c.DB.Write(ctx, func(tx *db.Tx) error {
		id, err := s.c.Store.UseLink(ctx, tx, token)
		if db.IsNotFound(err) {
			return kalends.Errorf(kalends.KindGone, "connect: the link was used or has expired")
		}
		if err != nil {
			return err
		}
		session := store.Session{OrganisationID: id, Actor: ActorOperatorsLink, ExpiresAt: tx.Now().Add(sessionLife)}
		if err := s.c.Store.InsertSession(ctx, tx, handle, session); err != nil {
			return err
		}
		return s.auditConsole(ctx, tx, session.Actor, "console.signed_in", kalends.Connection{OrganisationID: id})
	})
	if err != nil {
		return "", err
	}
	return handle, nil
}

// Session gives a signed-in administrator; KindUnauthorized if there is none.
func (s *Service) Session(ctx context.Context, handle string) (session Session, err error) {
	err = s.c.DB.Read(ctx, func(tx *db.Tx) error {
		stored, err := s.c.Store.Session(ctx, tx, handle)
		if db.IsNotFound(err) {
			return kalends.Errorf(kalends.KindUnauthorized, "connect: not signed in")
		}
		session = Session{secret.SHA256(handle), stored.Actor, stored.OrganisationID, stored.IdentityHash, stored.ExpiresAt}
		return err
	})
	return session, err
}

// SignOut ends a session.
func (s *Service) SignOut(ctx context.Context, handle string) error {
	return s.c.DB.Write(ctx, func(tx *db.Tx) error { return s.c.Store.DeleteSession(ctx, tx, handle) })
}

// mine lists the connections that a session may see.
func (s *Service) mine(ctx context.Context, tx *db.Tx, session Session) ([]kalends.Connection, error) {
	switch {
	case session.OrganisationID != "":
		return s.c.Store.Connections(ctx, tx, session.OrganisationID)
	case session.IdentityHash != "":
		return s.c.Store.ConnectionsByIdentity(ctx, tx, session.IdentityHash)
	}
	return nil, nil
}

// SessionConnections lists what the administrator may see, across applications.
func (s *Service) SessionConnections(ctx context.Context, session Session) (list []ConnectionInfo, err error) {
	err = s.c.DB.Read(ctx, func(tx *db.Tx) error {
		list = nil
		connections, err := s.mine(ctx, tx, session)
		if err != nil {
			return err
		}
		picked, done := map[string]bool{}, map[string]bool{}
		for _, c := range connections {
			picked[c.ID] = true
		}
		for _, c := range connections {
			if done[c.OrganisationID] {
				continue
			}
			done[c.OrganisationID] = true
			organisation, err := s.c.Store.Organisation(ctx, tx, c.OrganisationID)
			if err != nil {
				return err
			}
			infos, err := s.infos(ctx, tx, organisation, picked)
			if err != nil {
				return err
			}
			list = append(list, infos...)
		}
		return nil
	})
	return list, err
}

// SessionAudits lists what happened to those connections, their organisations
// and applications, newest first.
func (s *Service) SessionAudits(ctx context.Context, session Session, limit int) (list []kalends.Audit, err error) {
	err = s.c.DB.Read(ctx, func(tx *db.Tx) error {
		seen, err := s.seen(ctx, tx, session)
		if err == nil {
			list, err = s.c.Store.AuditsSeen(ctx, tx, seen, limit)
		}
		return err
	})
	return list, err
}

// seen says whose history a session may read.
func (s *Service) seen(ctx context.Context, tx *db.Tx, session Session) (store.AuditsSeen, error) {
	seen := store.AuditsSeen{}
	connections, err := s.mine(ctx, tx, session)
	if err != nil {
		return seen, err
	}
	organisations := map[string]bool{}
	if session.OrganisationID != "" {
		seen.Whole = []string{session.OrganisationID}
		organisations[session.OrganisationID] = true
	}
	for _, c := range connections {
		seen.Connections = append(seen.Connections, c.ID)
		organisations[c.OrganisationID] = true
	}
	for id := range organisations {
		o, err := s.c.Store.Organisation(ctx, tx, id)
		if db.IsNotFound(err) {
			seen.Organisations = append(seen.Organisations, id) // purged: its entries stay
			continue
		}
		if err != nil {
			return seen, err
		}
		seen.Organisations, seen.Applications = append(seen.Organisations, id), append(seen.Applications, o.ApplicationID)
	}
	return seen, nil
}

// SessionEnd disconnects one of them.
func (s *Service) SessionEnd(ctx context.Context, session Session, connectionID string) error {
	var organisationID string
	err := s.c.DB.Read(ctx, func(tx *db.Tx) error {
		connections, err := s.mine(ctx, tx, session)
		for _, c := range connections {
			if c.ID == connectionID {
				organisationID = c.OrganisationID
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	if organisationID == "" {
		return kalends.Errorf(kalends.KindNotFound, "connect: no such connection")
	}
	return s.EndConnection(ctx, organisationID, connectionID, strings.TrimSpace(session.Actor))
}

// OpenConnection opens the driver of a connection: the Pool's provider.Open.
func (s *Service) OpenConnection(ctx context.Context, connectionID string) (provider.Driver, kalends.Provider, error) {
	var c kalends.Connection
	var credentials kalends.Credentials
	err := s.c.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if c, err = s.c.Store.Connection(ctx, tx, connectionID); err != nil {
			return err
		}
		credentials, err = s.c.Store.Credentials(ctx, tx, connectionID)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	system, ok := s.c.Systems[c.Provider]
	if !ok {
		return nil, "", kalends.Errorf(kalends.KindUnsupported, "connect: no such calendar system")
	}
	driver, err := system.Open(credentials, s.c.Way)
	return driver, c.Provider, err
}

// credentialsVersion is the Pool's provider.Version.
func (s *Service) credentialsVersion(ctx context.Context, connectionID string) (version string, err error) {
	err = s.c.DB.Read(ctx, func(tx *db.Tx) error {
		version, err = s.c.Store.CredentialsVersion(ctx, tx, connectionID)
		return err
	})
	return version, err
}

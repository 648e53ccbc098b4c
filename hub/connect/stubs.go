package connect

import (
	"context"
	"errors"
	"net/netip"
	"time"

	kalends "kalends"
	"kalends/provider"

	"github.com/riverqueue/river"
)

var errTodo = errors.New("connect: not built yet")

// CreateApplication registers an application and gives its first secret, which
// is not shown again. A name that is taken is KindConflict.
func (s *Service) CreateApplication(ctx context.Context, n NewApplication) (kalends.Application, string, error) {
	return kalends.Application{}, "", errTodo
}

// UpdateApplication replaces what an application is registered with; its id,
// client id and secrets stay.
func (s *Service) UpdateApplication(ctx context.Context, id string, n NewApplication) (kalends.Application, error) {
	return kalends.Application{}, errTodo
}

// Applications lists all applications by name.
func (s *Service) Applications(ctx context.Context) ([]kalends.Application, error) {
	return nil, errTodo
}

// Application gives one by its id or client id.
func (s *Service) Application(ctx context.Context, id string) (kalends.Application, error) {
	return kalends.Application{}, errTodo
}

// RotateSecret gives an application (by id or client id) a new secret; those it
// has stay valid for overlap. At most two are valid at once.
func (s *Service) RotateSecret(ctx context.Context, id string, overlap time.Duration) (string, error) {
	return "", errTodo
}

// AuthenticateClient checks client credentials; anything wrong is KindUnauthorized.
func (s *Service) AuthenticateClient(ctx context.Context, clientID, clientSecret string) (kalends.Application, error) {
	return kalends.Application{}, errTodo
}

// Authenticate finds who a bearer token belongs to: an access token or a client
// secret. Anything unknown, expired or revoked is KindUnauthorized.
func (s *Service) Authenticate(ctx context.Context, token string) (Bearer, error) {
	return Bearer{}, errTodo
}

// ExchangeCode turns a code into tokens. What does not fit is KindInvalid (invalid_grant).
func (s *Service) ExchangeCode(ctx context.Context, app kalends.Application, code, redirectURI, verifier string) (Tokens, error) {
	return Tokens{}, errTodo
}

// Refresh gives a new access token; the refresh token stays. KindInvalid if it is no longer good.
func (s *Service) Refresh(ctx context.Context, app kalends.Application, refreshToken string) (Tokens, error) {
	return Tokens{}, errTodo
}

// RevokeToken ends the grant of a token, and all below it for an organisation's.
// An unknown token is no error.
func (s *Service) RevokeToken(ctx context.Context, app kalends.Application, token string) error {
	return errTodo
}

// RevokeSub ends the grant of acc_…, res_… or ser_…; unknown is no error.
func (s *Service) RevokeSub(ctx context.Context, app kalends.Application, sub string) error {
	return errTodo
}

// CreateIntent prepares a connect and gives its link.
func (s *Service) CreateIntent(ctx context.Context, app kalends.Application, n NewIntent) (kalends.Intent, string, error) {
	return kalends.Intent{}, "", errTodo
}

// BeginAuthorize starts a browser's connect. An unknown client or redirect URI
// is KindInvalid, for an error page and never a redirect; all else that is wrong
// is told to the application by Begun.RedirectTo.
func (s *Service) BeginAuthorize(ctx context.Context, r AuthorizeRequest) (Begun, error) {
	return Begun{}, errTodo
}

// BeginIntent starts a browser's connect by an intent's link. KindNotFound if
// there is none, KindGone if it was used or has expired.
func (s *Service) BeginIntent(ctx context.Context, token string) (Begun, error) {
	return Begun{}, errTodo
}

// Forms lists the systems that can be connected, in the order to offer them.
func (s *Service) Forms() []kalends.Form { return nil }

// Connect gives a browser's connect. KindNotFound if there is none or it expired.
func (s *Service) Connect(ctx context.Context, handle string) (Connect, error) {
	return Connect{}, errTodo
}

// ChooseProvider sets the system to connect and forgets a check of another one.
func (s *Service) ChooseProvider(ctx context.Context, handle string, p kalends.Provider) error {
	return errTodo
}

// StartCheck begins the live check in the background and returns at once; each
// line is stored as it happens. Secrets left empty keep their earlier value.
// Missing or malformed values are an InvalidError. Too many tries make a failed
// check with cause too_many_tries and no request. The same values again while
// their check runs change nothing; others replace it. KindGone once done.
func (s *Service) StartCheck(ctx context.Context, handle string, values kalends.Credentials, client netip.Addr) error {
	return errTodo
}

// StartPreview looks the addresses up again in the background. It runs by itself
// after a check that is ok.
func (s *Service) StartPreview(ctx context.Context, handle string) error { return errTodo }

// PreviewMapping says by hand which mailbox an address of the preview means; ""
// takes it back. A mailbox that cannot be reached is an error with its cause.
func (s *Service) PreviewMapping(ctx context.Context, handle, email, mailbox string) error {
	return errTodo
}

// SetConfirmAliases decides whether addresses that are not primary want a yes.
func (s *Service) SetConfirmAliases(ctx context.Context, handle string, confirm bool) error {
	return errTodo
}

// Finish connects: organisation, connection and code in one transaction. The URL
// leads back to the application. Once more gives a fresh URL as long as the first
// code is unused. KindConflict while there is no successful check, KindGone if
// the intent was used meanwhile, or the code.
func (s *Service) Finish(ctx context.Context, handle string) (string, error) { return "", errTodo }

// Decline ends the connect; the URL tells the application access_denied. After
// Finish it is KindGone and changes nothing.
func (s *Service) Decline(ctx context.Context, handle string) (string, error) { return "", errTodo }

// Authorise stores 1 to 50 requests of an organisation and has them matched at
// once; each is answered by a callback. Wrong values are an InvalidError, and
// then nothing is stored.
func (s *Service) Authorise(ctx context.Context, organisationID string, list []Authorization) error {
	return errTodo
}

// Organisation gives one organisation, with RevokedAt set if it has ended.
func (s *Service) Organisation(ctx context.Context, id string) (kalends.Organisation, error) {
	return kalends.Organisation{}, errTodo
}

// Organisations lists those of an application, or all for "".
func (s *Service) Organisations(ctx context.Context, applicationID string) ([]kalends.Organisation, error) {
	return nil, errTodo
}

// Connections lists an organisation's connections.
func (s *Service) Connections(ctx context.Context, organisationID string) ([]ConnectionInfo, error) {
	return nil, errTodo
}

// Accounts lists an organisation's accounts.
func (s *Service) Accounts(ctx context.Context, organisationID string, f AccountFilter) (AccountPage, error) {
	return AccountPage{}, errTodo
}

// AccountCauses counts accounts in error and waiting by cause.
func (s *Service) AccountCauses(ctx context.Context, organisationID string) (map[kalends.CauseKey]int, error) {
	return nil, errTodo
}

// Diagnose gives one account by its address; with check it tries each line live
// (the address need not be an account then).
func (s *Service) Diagnose(ctx context.Context, organisationID, email string, check bool) (Diagnosis, error) {
	return Diagnosis{}, errTodo
}

// Resources lists the rooms of all of an organisation's connections, read at most
// every few minutes.
func (s *Service) Resources(ctx context.Context, organisationID string) ([]kalends.Room, error) {
	return nil, errTodo
}

// Preview says what would become of addresses; nothing is stored.
func (s *Service) Preview(ctx context.Context, organisationID string, emails []string) ([]PreviewItem, error) {
	return nil, errTodo
}

// PutMapping says which mailbox an address means and matches it again.
func (s *Service) PutMapping(ctx context.Context, organisationID, email, mailbox string) error {
	return errTodo
}

// DeleteMapping takes a mapping back and matches the address again.
func (s *Service) DeleteMapping(ctx context.Context, organisationID, email string) error {
	return errTodo
}

// EndConnection disconnects one connection. Ending an ended one is no error.
func (s *Service) EndConnection(ctx context.Context, organisationID, connectionID, actor string) error {
	return errTodo
}

// RevokeProfile ends one profile of an account: its grant, its data.
func (s *Service) RevokeProfile(ctx context.Context, accountID, profileID, actor string) error {
	return errTodo
}

// RevokeOrganisation ends an organisation with all its connections and grants.
func (s *Service) RevokeOrganisation(ctx context.Context, organisationID, actor string) error {
	return errTodo
}

// Audits lists what happened to an organisation, newest first, at most limit.
func (s *Service) Audits(ctx context.Context, organisationID string, limit int) ([]kalends.Audit, error) {
	return nil, errTodo
}

// SignIn proves control over a connected service account, checked live at the
// server of a connection that exists; nothing else is asked. values are the
// form's (account, password, an address of the domain). Any failure reads the
// same: KindUnauthorized; after two wrong tries cause too_many_tries.
func (s *Service) SignIn(ctx context.Context, p kalends.Provider, values kalends.Credentials, client netip.Addr) (string, error) {
	return "", errTodo
}

// OperatorLink makes a one-time link, good for an hour, to an organisation's connections.
func (s *Service) OperatorLink(ctx context.Context, organisationID string) (string, error) {
	return "", errTodo
}

// SignInByLink redeems an operator's link. KindGone if it was used or has expired.
func (s *Service) SignInByLink(ctx context.Context, token string) (string, error) {
	return "", errTodo
}

// Session gives a signed-in administrator; KindUnauthorized if there is none.
func (s *Service) Session(ctx context.Context, handle string) (Session, error) {
	return Session{}, errTodo
}

// SignOut ends a session.
func (s *Service) SignOut(ctx context.Context, handle string) error { return errTodo }

// SessionConnections lists what the administrator may see, across applications.
func (s *Service) SessionConnections(ctx context.Context, session Session) ([]ConnectionInfo, error) {
	return nil, errTodo
}

// SessionAudits lists what happened to those connections, newest first.
func (s *Service) SessionAudits(ctx context.Context, session Session, limit int) ([]kalends.Audit, error) {
	return nil, errTodo
}

// SessionEnd disconnects one of them.
func (s *Service) SessionEnd(ctx context.Context, session Session, connectionID string) error {
	return errTodo
}

// Run matches what is due until the context ends. Several nodes may run it.
func (s *Service) Run(ctx context.Context) error { return errTodo }

// Tick matches everything that is due now and tells how many accounts it took.
func (s *Service) Tick(ctx context.Context) (int, error) { return 0, errTodo }

// Purge deletes what ended connections of an organisation left, batch by batch.
func (s *Service) Purge(ctx context.Context, organisationID string) error { return errTodo }

// RegisterJobs adds the workers of this room.
func (s *Service) RegisterJobs(workers *river.Workers) {}

// OpenConnection opens the driver of a connection: the Pool's provider.Open.
func (s *Service) OpenConnection(ctx context.Context, connectionID string) (provider.Driver, kalends.Provider, error) {
	return nil, "", errTodo
}

package ews

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	kalends "kalends"
	"kalends/outbound"
	"kalends/provider/ews/ntlm"
)

const (
	defaultBackOff = 60 * time.Second // ErrorServerBusy that says no time, section 4.10
	longestBackOff = 10 * time.Minute
	maxDetail      = 300
	maxCode        = 100
)

// verdict is what an Exchange response code means to us.
type verdict struct {
	kind  kalends.Kind
	cause kalends.CauseKey
}

// verdicts: ResponseCode enumeration of the EWS reference; sections 3 and 4.10.
// Codes that are not listed are internal.
var verdicts = map[string]verdict{
	"ErrorNonExistentMailbox":                    {kalends.KindNotFound, kalends.CauseAccountNotFound},
	"ErrorMailRecipientNotFound":                 {kalends.KindNotFound, kalends.CauseAccountNotFound},
	"ErrorInvalidSmtpAddress":                    {kalends.KindNotFound, kalends.CauseAccountNotFound},
	"ErrorNoMailboxSpecified":                    {kalends.KindNotFound, kalends.CauseNoMailbox},
	"ErrorMissingEmailAddress":                   {kalends.KindNotFound, kalends.CauseNoMailbox},
	"ErrorNonPrimarySmtpAddress":                 {kalends.KindConflict, kalends.CauseAddressIsAlias},
	"ErrorImpersonateUserDenied":                 {kalends.KindDenied, kalends.CauseNotPermitted},
	"ErrorImpersonationDenied":                   {kalends.KindDenied, kalends.CauseImpersonationMissing},
	"ErrorImpersonationFailed":                   {kalends.KindUnavailable, kalends.CauseServerUnavailable},
	"ErrorAccessDenied":                          {kalends.KindDenied, kalends.CauseNotPermitted},
	"ErrorNoFreeBusyAccess":                      {kalends.KindDenied, kalends.CauseNotPermitted},
	"ErrorAccountDisabled":                       {kalends.KindDenied, kalends.CauseNotPermitted},
	"ErrorItemNotFound":                          {kalends.KindNotFound, ""},
	"ErrorFolderNotFound":                        {kalends.KindNotFound, ""},
	"ErrorInvalidIdMalformed":                    {kalends.KindInvalid, ""},
	"ErrorInvalidId":                             {kalends.KindInvalid, ""},
	"ErrorInvalidSyncStateData":                  {kalends.KindGone, ""},
	"ErrorIrresolvableConflict":                  {kalends.KindConflict, ""},
	"ErrorStaleObject":                           {kalends.KindConflict, ""},
	"ErrorChangeKeyRequiredForWriteOperations":   {kalends.KindConflict, ""},
	"ErrorServerBusy":                            {kalends.KindThrottled, kalends.CauseThrottled},
	"ErrorExceededConnectionCount":               {kalends.KindThrottled, kalends.CauseThrottled},
	"ErrorTooManyObjectsOpened":                  {kalends.KindThrottled, kalends.CauseThrottled},
	"ErrorExceededSubscriptionCount":             {kalends.KindThrottled, kalends.CauseThrottled},
	"ErrorExceededFindCountLimit":                {kalends.KindThrottled, kalends.CauseThrottled},
	"ErrorTimeoutExpired":                        {kalends.KindUnavailable, kalends.CauseServerUnavailable},
	"ErrorInternalServerTransientError":          {kalends.KindUnavailable, kalends.CauseServerUnavailable},
	"ErrorInternalServerError":                   {kalends.KindUnavailable, kalends.CauseServerUnavailable},
	"ErrorConnectionFailed":                      {kalends.KindUnavailable, kalends.CauseServerUnavailable},
	"ErrorADUnavailable":                         {kalends.KindUnavailable, kalends.CauseServerUnavailable},
	"ErrorADOperation":                           {kalends.KindUnavailable, kalends.CauseServerUnavailable},
	"ErrorMailboxStoreUnavailable":               {kalends.KindUnavailable, kalends.CauseServerUnavailable},
	"ErrorMailboxFailover":                       {kalends.KindUnavailable, kalends.CauseServerUnavailable},
	"ErrorProxyRequestProcessingFailed":          {kalends.KindUnavailable, kalends.CauseServerUnavailable},
	"ErrorBatchProcessingStopped":                {kalends.KindUnavailable, kalends.CauseServerUnavailable},
	"ErrorMailboxMoveInProgress":                 {kalends.KindUnavailable, kalends.CauseMailboxElsewhere},
	"ErrorCrossSiteRequest":                      {kalends.KindUnavailable, kalends.CauseMailboxElsewhere},
	"ErrorProxyRequestNotAllowed":                {kalends.KindUnavailable, kalends.CauseMailboxElsewhere},
	"ErrorProxyServiceDiscoveryFailed":           {kalends.KindUnavailable, kalends.CauseMailboxElsewhere},
	"ErrorNoRespondingCASInDestinationSite":      {kalends.KindUnavailable, kalends.CauseMailboxElsewhere},
	"ErrorWrongServerVersion":                    {kalends.KindUnavailable, kalends.CauseMailboxElsewhere},
	"ErrorInvalidServerVersion":                  {kalends.KindUnsupported, ""},
	"ErrorInvalidSchemaVersionForMailboxVersion": {kalends.KindUnsupported, ""},
	"ErrorIncorrectSchemaVersion":                {kalends.KindUnsupported, ""},
	"ErrorInvalidRequest":                        {kalends.KindUnsupported, ""},
	"ErrorNameResolutionNoMailbox":               {kalends.KindNotFound, kalends.CauseNoMailbox},
	"ErrorNameResolutionNoResults":               {kalends.KindNotFound, kalends.CauseAccountNotFound},
	"ErrorTimeIntervalTooBig":                    {kalends.KindInvalid, ""},
	"ErrorCalendarViewRangeTooBig":               {kalends.KindInvalid, ""},
	"ErrorCannotUseFolderIdForItemId":            {kalends.KindInvalid, ""},
	"ErrorInvalidOperation":                      {kalends.KindInvalid, ""},
	"ErrorCalendarEndDateIsEarlierThanStartDate": {kalends.KindInvalid, ""},
	"ErrorCalendarDurationIsTooLong":             {kalends.KindInvalid, ""},
	"ErrorInvalidRecipients":                     {kalends.KindInvalid, ""},
	"ErrorQuotaExceeded":                         {kalends.KindInvalid, ""},
	"ErrorCalendarCannotUpdateDeletedItem":       {kalends.KindNotFound, ""},
	"ErrorCalendarMeetingRequestIsOutOfDate":     {kalends.KindConflict, ""},
	"ErrorCalendarIsOrganizerForAccept":          {kalends.KindInvalid, ""},
	"ErrorCalendarIsOrganizerForTentative":       {kalends.KindInvalid, ""},
	"ErrorCalendarIsOrganizerForDecline":         {kalends.KindInvalid, ""},
	"ErrorCalendarIsCancelledForAccept":          {kalends.KindInvalid, ""},
	"ErrorCalendarIsCancelledForTentative":       {kalends.KindInvalid, ""},
	"ErrorCalendarIsCancelledForDecline":         {kalends.KindInvalid, ""},
	"ErrorCalendarIsDelegatedForAccept":          {kalends.KindInvalid, ""},
	"ErrorCalendarIsDelegatedForTentative":       {kalends.KindInvalid, ""},
	"ErrorCalendarIsDelegatedForDecline":         {kalends.KindInvalid, ""},
}

// responseError is an error code that Exchange gave, and what came with it.
type responseError struct {
	code   string
	text   string
	values map[string]string // MessageXml
}

// Error implements error. The text of the server is left out: it may name
// people. So is a code that is none.
func (e *responseError) Error() string {
	if len(e.code) > maxCode || strings.IndexFunc(e.code, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) >= 0 {
		return "response code of another kind"
	}
	return "response code " + e.code
}

// codeOf gives the Exchange response code in an error's chain, or "".
func codeOf(err error) string {
	var e *responseError
	if errors.As(err, &e) {
		return e.code
	}
	return ""
}

// failed turns a response code into an error with kind, cause and back-off.
func (d *driver) failed(op, mailbox string, e *responseError) error {
	if strings.Contains(e.code, d.credentials[fieldPassword]) {
		e.code = ""
	}
	v, known := verdicts[e.code]
	switch {
	case !known:
		v.kind = kalends.KindInternal
	case e.code == "ErrorImpersonateUserDenied" && d.isTest(mailbox):
		v.cause = kalends.CauseImpersonationMissing // it may act for nobody
	}
	result := &kalends.Error{Kind: v.kind, Op: "exchange." + op, Err: e, Detail: d.detail(e.code + ": " + e.text)}
	if v.cause != "" {
		result.Cause = kalends.NewCause(v.cause, d.facts(mailbox)...)
	}
	if right := d.rightMissing(e.code, mailbox); right != "" {
		result.Cause.Facts["right"] = right
	}
	if v.kind == kalends.KindThrottled {
		result.After = e.backOff()
	}
	if v.cause == kalends.CauseMailboxElsewhere {
		result.Cause.Facts["reason"] = "other_server"
		if e.code == "ErrorMailboxMoveInProgress" {
			result.Cause.Facts["reason"] = "moving"
		}
	}
	return result
}

// backOff reads BackOffMilliseconds, wherever it stands among the values.
func (e *responseError) backOff() time.Duration {
	ms, err := strconv.ParseInt(e.values["BackOffMilliseconds"], 10, 64)
	if err != nil || ms <= 0 {
		return defaultBackOff
	}
	return min(time.Duration(ms)*time.Millisecond, longestBackOff)
}

// facts that make causes concrete: whom, where, as whom.
func (d *driver) facts(mailbox string) []string {
	address, _ := d.target()
	facts := []string{"host", hostOf(address), "account", d.credentials[fieldUsername]}
	if mailbox != "" {
		facts = append(facts, "email", kalends.NormalizeEmail(mailbox))
	}
	return facts
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// transportError says why no answer came.
func (d *driver) transportError(op, address string, err error) error {
	kind, cause, facts := onTheWay(err)
	facts = append([]string{"host", hostOf(address)}, facts...)
	if cause == kalends.CauseServerNotFound {
		facts = append(facts, "url", address, "domain", kalends.EmailDomain(d.credentials[fieldTestEmail]))
	}
	return &kalends.Error{Kind: kind, Op: "exchange." + op, Cause: kalends.NewCause(cause, facts...), Err: withoutURL(err)}
}

// probeError is transportError for requests that find out whether anything is
// there. A port that is closed, silent, or ends the connection gives one and the
// same cause: the form is no port scanner.
func (d *driver) probeError(op, address string, err error) error {
	if _, cause, _ := onTheWay(err); cause == kalends.CauseServerUnavailable {
		err = &silent{err}
	}
	return d.transportError(op, address, err)
}

// silent marks that whatever was there did not answer.
type silent struct{ error }

func (s *silent) Unwrap() error { return s.error }

// onTheWay classifies errors of the way to the server and back.
func onTheWay(err error) (kalends.Kind, kalends.CauseKey, []string) {
	var verify *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var dns *net.DNSError
	var quiet *silent
	var pin *outbound.PinError
	switch {
	case errors.Is(err, outbound.ErrPrivateNetwork):
		return kalends.KindDenied, kalends.CausePrivateNetwork, nil
	case errors.Is(err, ntlm.ErrChallenge):
		return kalends.KindUnsupported, kalends.CauseAuthenticationMethod, []string{"offered", "Negotiate"}
	case errors.Is(err, outbound.ErrTooLarge):
		return kalends.KindInvalid, kalends.CauseAnswerTooLarge, nil
	case errors.As(err, &verify):
		return kalends.KindInvalid, kalends.CauseTLS, certificateFacts(certificateReason(verify.Err), verify.UnverifiedCertificates)
	case errors.As(err, &pin):
		return kalends.KindInvalid, kalends.CauseTLS, certificateFacts("pin", []*x509.Certificate{pin.Certificate})
	case speaksOldTLS(err):
		return kalends.KindInvalid, kalends.CauseTLS, []string{"reason", "legacy"}
	case errors.As(err, &alert):
		return kalends.KindInvalid, kalends.CauseTLS, []string{"reason", alert.Error()}
	case errors.As(err, &record), errors.As(err, &dns), errors.As(err, &quiet), isDial(err):
		return kalends.KindUnavailable, kalends.CauseServerNotFound, nil
	}
	return kalends.KindUnavailable, kalends.CauseServerUnavailable, nil
}

func isDial(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// speaksOldTLS: the handshake ended for want of a common version or cipher suite.
// Go has no error value for what it refuses by itself.
func speaksOldTLS(err error) bool {
	const handshakeFailure, protocolVersion = tls.AlertError(40), tls.AlertError(70)
	var alert tls.AlertError
	return errors.As(err, &alert) && (alert == handshakeFailure || alert == protocolVersion) ||
		strings.Contains(err.Error(), "tls: server selected unsupported protocol version")
}

func certificateFacts(reason string, shown []*x509.Certificate) []string {
	facts := []string{"reason", reason}
	if len(shown) > 0 {
		leaf := shown[0]
		facts = append(facts, "subject", leaf.Subject.String(), "issuer", leaf.Issuer.String(), "fingerprint", outbound.Fingerprint(leaf))
	}
	return facts
}

func certificateReason(err error) string {
	var name x509.HostnameError
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &name):
		return "name"
	case errors.As(err, &authority):
		return "unknown_authority"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "expired"
	}
	return "invalid"
}

// withoutURL drops the URL from an error of net/http.
func withoutURL(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// statusError says what an HTTP status other than 200 means when the body is no SOAP.
func (d *driver) statusError(op, address string, response *http.Response) error {
	kind, cause := statusVerdict(response)
	facts := []string{"host", hostOf(address), "status", strconv.Itoa(response.StatusCode)}
	switch cause {
	case kalends.CauseCredentialsExpired:
		facts = append(facts, "account", d.credentials[fieldUsername])
	case kalends.CauseAuthenticationMethod:
		facts = append(facts, "offered", strings.Join(offered(response.Header), ", "))
	case kalends.CauseExchangeOnline:
		facts = append(facts, "domain", kalends.EmailDomain(d.credentials[fieldTestEmail]))
	case kalends.CauseServerNotFound:
		facts = append(facts, "url", address, "domain", kalends.EmailDomain(d.credentials[fieldTestEmail]))
	}
	return &kalends.Error{
		Kind: kind, Op: "exchange." + op, Cause: kalends.NewCause(cause, facts...), After: retryAfter(response.Header, kind),
		Err: fmt.Errorf("HTTP status %d", response.StatusCode),
	}
}

// noMethod: what the server offers is none of what can be answered.
func (d *driver) noMethod(op, address string, response *http.Response, err error) error {
	return &kalends.Error{Kind: kalends.KindUnsupported, Op: "exchange." + op, Err: err, Cause: kalends.NewCause(
		kalends.CauseAuthenticationMethod, "host", hostOf(address), "offered", strings.Join(offered(response.Header), ", "))}
}

// mailboxError says what a status means that depends on the mailbox acted for: a
// 403 is EwsEnabled or an access policy, a redirect to another host a mailbox of
// another site or of Microsoft 365 (section 3). For the test mailbox, through
// which everything else runs, it concerns the connection. nil for other statuses.
func (d *driver) mailboxError(op string, r request, response *http.Response) error {
	status := fmt.Errorf("HTTP status %d", response.StatusCode)
	everybody := r.mailbox == "" || d.isTest(r.mailbox)
	e := &kalends.Error{Kind: kalends.KindDenied, Op: "exchange." + op, Err: status}
	location := redirectLocation(response)
	switch {
	case response.StatusCode == http.StatusForbidden && everybody:
		e.Cause = kalends.NewCause(kalends.CauseAPIDisabled, d.facts(r.mailbox)...)
	case response.StatusCode == http.StatusForbidden:
		e.Cause = kalends.NewCause(kalends.CauseNotPermitted, append(d.facts(r.mailbox), "reason", "ews_disabled")...)
	case toOtherServer(response, r.address), location != "" && !everybody && !strings.EqualFold(hostOf(location), hostOf(r.address)):
		e.Kind, e.Err = kalends.KindUnavailable, fmt.Errorf("%w: HTTP status %d", errOtherServer, response.StatusCode)
		e.Cause = kalends.NewCause(kalends.CauseMailboxElsewhere, d.facts(r.mailbox)...)
	default:
		return nil
	}
	return e
}

func statusVerdict(response *http.Response) (kalends.Kind, kalends.CauseKey) {
	switch code := response.StatusCode; {
	case code == http.StatusUnauthorized && len(methodsFor(response.Header)) == 0:
		return kalends.KindUnsupported, kalends.CauseAuthenticationMethod
	case code == http.StatusUnauthorized:
		return kalends.KindUnauthorized, kalends.CauseCredentialsExpired
	case code == http.StatusTooManyRequests, code == http.StatusServiceUnavailable && response.Header.Get("Retry-After") != "":
		return kalends.KindThrottled, kalends.CauseThrottled
	case code >= 500:
		return kalends.KindUnavailable, kalends.CauseServerUnavailable
	case code >= 300 && code < 400:
		return redirectVerdict(response.Header.Get("Location"))
	case code == http.StatusForbidden:
		return kalends.KindDenied, kalends.CauseNotExchange
	case code == http.StatusNotFound: // a server, but nothing at this address
		return kalends.KindInvalid, kalends.CauseServerNotFound
	}
	return kalends.KindInvalid, kalends.CauseNotExchange
}

// redirectVerdict: a busy server sends to its error page (section 4.10).
func redirectVerdict(location string) (kalends.Kind, kalends.CauseKey) {
	switch {
	case strings.Contains(strings.ToLower(location), "genericerrorpage"):
		return kalends.KindThrottled, kalends.CauseThrottled
	case isOnline(hostOf(location)):
		return kalends.KindUnsupported, kalends.CauseExchangeOnline
	}
	return kalends.KindInvalid, kalends.CauseNotExchange
}

func retryAfter(header http.Header, kind kalends.Kind) time.Duration {
	if kind != kalends.KindThrottled {
		return 0
	}
	if seconds, err := strconv.Atoi(header.Get("Retry-After")); err == nil && seconds > 0 {
		return min(time.Duration(seconds)*time.Second, longestBackOff)
	}
	if at, err := http.ParseTime(header.Get("Retry-After")); err == nil {
		return min(max(time.Until(at), time.Second), longestBackOff)
	}
	return defaultBackOff
}

// detail is the server's own text for the log, shortened and without the
// password, should the server repeat it.
func (d *driver) detail(text string) string {
	text = clean(strings.ReplaceAll(text, d.credentials[fieldPassword], "…"))
	if len(text) > maxDetail {
		text = strings.ToValidUTF8(text[:maxDetail], "") + "…"
	}
	return text
}

package connect

import (
	"context"
	"strings"
	"unicode/utf8"

	kalends "kalends"
	"kalends/provider"
)

// finder is what finding needs of a connection: *provider.Client has it.
type finder interface {
	Find(ctx context.Context, email string) (kalends.Mailbox, error)
	Calendars(ctx context.Context, mailbox string) ([]kalends.RemoteCalendar, error)
	Pace() provider.Pace
}

// way is one connection that an address may be reached through.
type way struct {
	connectionID string
	finder       finder
	err          error // it could not be opened
}

// wish is one address to find. Target is the mailbox of its mapping, or "".
type wish struct {
	email   string
	target  string
	confirm bool // an address that is not primary wants a yes
}

// finding is what became of a wish: a mailbox, or a cause of the person, or an
// error of a connection that leaves it open.
type finding struct {
	connectionID string
	mailbox      kalends.Mailbox
	cause        *kalends.Cause
	detail       string
	candidates   []string
	answered     []string         // connections that answered, whatever they said
	broken       map[string]error // connections that did not
}

// found tells whether the address leads to a mailbox that may be connected.
func (f finding) found() bool { return f.cause == nil && f.mailbox.Email != "" }

// open tells that nothing can be said yet, and why.
func (f finding) open() error {
	if f.mailbox.Email != "" || len(f.broken) == 0 {
		return nil
	}
	for _, err := range f.broken {
		return err
	}
	return nil
}

// status is what the account's would be.
func (f finding) status() kalends.AccountStatus {
	switch {
	case f.found():
		return kalends.AccountConnected
	case f.cause == nil:
		return kalends.AccountPending
	case f.cause.Key == kalends.CauseNoMailbox:
		return kalends.AccountWaiting
	}
	return kalends.AccountError
}

func (f finding) item(email string) PreviewItem {
	item := PreviewItem{
		Email: email, Status: f.status(), MatchedEmail: f.mailbox.Email, Name: f.mailbox.Name, Kind: f.mailbox.Kind,
		ConnectionID: f.connectionID, Cause: f.cause, Candidates: f.candidates,
	}
	if f.mailbox.Email != "" {
		item.MatchedBy = f.mailbox.MatchedBy
	}
	if err := f.open(); err != nil {
		item.Cause = causeOf(err)
	}
	return item
}

// find asks one connection after the other for the address. The first that has
// the mailbox wins; one that is broken never hides another's answer.
func find(ctx context.Context, ways []way, w wish) finding {
	result := finding{broken: map[string]error{}}
	target := w.target
	if target == "" {
		target = w.email
	}
	if !validEmail(target) { // a calendar system would search for it
		result.refuse(kalends.NewCause(kalends.CauseAccountNotFound, "email", target), "")
		return result
	}
	for _, way := range ways {
		mailbox, err := way.find(ctx, target)
		cause := kalends.CauseOf(err)
		switch {
		case err == nil:
			return result.take(way.connectionID, mailbox, w)
		case cause != nil && cause.Key.OfPerson():
			result.answered = append(result.answered, way.connectionID)
			result.refuse(cause, kalends.DetailOf(err))
		case cause == nil && kalends.KindOf(err) == kalends.KindNotFound:
			result.answered = append(result.answered, way.connectionID)
			result.refuse(kalends.NewCause(kalends.CauseAccountNotFound, "email", target), kalends.DetailOf(err))
		default:
			result.broken[way.connectionID] = err
		}
	}
	if len(result.broken) > 0 && (result.cause == nil || weight(result.cause.Key) < 2) {
		result.cause, result.detail = nil, ""
	}
	return result
}

func (w way) find(ctx context.Context, email string) (kalends.Mailbox, error) {
	if w.err != nil {
		return kalends.Mailbox{}, w.err
	}
	return w.finder.Find(ctx, email)
}

// take accepts a mailbox, unless the address wants a yes first.
func (f finding) take(connectionID string, mailbox kalends.Mailbox, w wish) finding {
	f.answered = append(f.answered, connectionID)
	f.connectionID, f.mailbox, f.cause, f.detail = connectionID, mailbox, nil, ""
	f.mailbox.Email = kalends.NormalizeEmail(mailbox.Email)
	switch {
	case w.target != "":
		f.mailbox.MatchedBy = kalends.MatchedManual
	case f.mailbox.MatchedBy == "" && f.mailbox.Email == w.email:
		f.mailbox.MatchedBy = kalends.MatchedPrimary
	case f.mailbox.MatchedBy == "":
		f.mailbox.MatchedBy = kalends.MatchedAlias
	}
	if w.confirm && w.target == "" && f.mailbox.MatchedBy != kalends.MatchedPrimary {
		f.candidates = []string{f.mailbox.Email}
		f.cause = kalends.NewCause(kalends.CauseAddressIsAlias, "email", w.email, "mailbox", f.mailbox.Email)
	}
	return f
}

// refuse keeps the cause that says most: one connection not knowing an address
// says less than another knowing why it cannot be reached.
func (f *finding) refuse(cause *kalends.Cause, detail string) {
	if f.cause == nil || weight(cause.Key) > weight(f.cause.Key) {
		f.cause, f.detail = cause, detail
	}
}

func weight(key kalends.CauseKey) int {
	switch key {
	case kalends.CauseAccountNotFound, kalends.CauseOutsideDomain:
		return 1
	case kalends.CauseMailboxElsewhere:
		return 2
	case kalends.CauseNotPermitted:
		return 3
	}
	return 4
}

// causeOf gives what is shown of an error: where neither it nor its kind says
// more, that something is wrong with us.
func causeOf(err error) *kalends.Cause {
	cause := kalends.ReasonOf(err)
	if cause == nil && err != nil {
		return kalends.NewCause(kalends.CauseInternal)
	}
	return cause
}

// validEmail tells whether a text can be an address to look up.
func validEmail(email string) bool {
	at := strings.LastIndexByte(email, '@')
	if at < 1 || at == len(email)-1 || len(email) > 254 || strings.Count(email, "@") != 1 || !utf8.ValidString(email) {
		return false
	}
	return !strings.ContainsFunc(email, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`<>()[]\,;:"`, r) })
}

// calendarsOf lists a mailbox's calendars; the primary alone where finding the
// mailbox has shown it, to save a request.
func calendarsOf(ctx context.Context, f finder, mailbox kalends.Mailbox) ([]kalends.RemoteCalendar, error) {
	if mailbox.Calendar != nil {
		return []kalends.RemoteCalendar{*mailbox.Calendar}, nil
	}
	return f.Calendars(ctx, mailbox.Email)
}

var _ finder = (*provider.Client)(nil)

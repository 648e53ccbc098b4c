package ews

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	kalends "kalends"
)

// spokenStays is how long it is remembered that a mailbox's server is older than
// the one asked: then it may have been moved to a newer one.
const spokenStays = 24 * time.Hour

// tooNewCodes: ResponseCode enumeration of the EWS reference; section 3. Requests
// may land on servers, or be passed on to such, that know an older schema only.
var tooNewCodes = []string{"ErrorInvalidSchemaVersionForMailboxVersion", "ErrorIncorrectSchemaVersion", "ErrorInvalidServerVersion"}

// errNoOperation: the mailbox's server is too old for an operation.
var errNoOperation = errors.New("this version of Exchange has no such operation")

func tooNew(err error) bool { return slices.Contains(tooNewCodes, codeOf(err)) }

// spoken are the versions of mailboxes whose server is older than the one asked.
// The zero value is ready.
type spoken struct {
	mu sync.Mutex
	of map[string]dialect // by mailbox
}

type dialect struct {
	version version
	until   time.Time
}

// atMost gives the version for a mailbox, no newer than the one given.
func (s *spoken) atMost(mailbox string, v version) version {
	s.mu.Lock()
	defer s.mu.Unlock()
	known, ok := s.of[kalends.NormalizeEmail(mailbox)]
	if !ok || time.Now().After(known.until) {
		return v
	}
	return older(known.version, v)
}

func (s *spoken) put(mailbox string, v version) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil || len(s.of) >= maxPlaces {
		s.of = map[string]dialect{}
	}
	s.of[kalends.NormalizeEmail(mailbox)] = dialect{v, time.Now().Add(spokenStays)}
}

// call sends an operation as a mailbox, with a body that every version from 2007
// on knows, and gives the answer, or what its response code says. 2010 is asked
// for where the server has it: from then on SmtpAddress names a mailbox.
func (d *driver) call(ctx context.Context, op, mailbox, body string) (answer, error) {
	return d.callUpTo(ctx, exchange2010, op, mailbox, func(version) string { return body })
}

// callAs is call for a body that has something newer than 2010.
func (d *driver) callAs(ctx context.Context, op, mailbox string, body func(version) string) (answer, error) {
	return d.callUpTo(ctx, exchange2013SP1, op, mailbox, body)
}

// callUpTo sends an operation in the version that holds what is needed, or in the
// newest that the mailbox's server knows; body gives "" for versions that lack the
// operation. A mailbox that lives on another server is asked for there: whoever
// says so has done nothing.
func (d *driver) callUpTo(ctx context.Context, needed version, op, mailbox string, body func(version) string) (answer, error) {
	if err := d.ready(ctx); err != nil {
		return answer{}, err
	}
	address, v := d.placeOf(mailbox)
	a, err := d.converse(ctx, op, request{address: address, version: older(v, needed), mailbox: mailbox}, body)
	if mailbox == "" || !livesElsewhere(err) {
		return a, d.atPlace(mailbox, address, err)
	}
	found, err := d.relocate(ctx, mailbox, address, err)
	if err != nil {
		return a, err
	}
	v = d.places.version(found)
	a, err = d.converse(ctx, op, request{address: found, version: older(v, needed), mailbox: mailbox}, body)
	return a, d.atPlace(mailbox, found, err)
}

// converse goes down through the versions while the mailbox's server says that
// the one spoken is too new, which it says before it does anything.
func (d *driver) converse(ctx context.Context, op string, r request, body func(version) string) (answer, error) {
	r.version = d.spoken.atMost(r.mailbox, r.version)
	for {
		if r.body = body(r.version); r.body == "" {
			return answer{}, &kalends.Error{Kind: kalends.KindUnsupported, Op: "exchange." + op, Err: errNoOperation}
		}
		a, err := d.callVersion(ctx, op, r)
		if !tooNew(err) || r.version == exchange2007SP1 {
			return a, err
		}
		r.version = r.version.stepDown(a.server)
		d.spoken.put(r.mailbox, r.version)
	}
}

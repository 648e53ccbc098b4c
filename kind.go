package kalends

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Kind says what sort of failure an error is. It decides two things only:
// whether and when to try again, and which HTTP status an API caller gets.
// What people read is decided by the Cause.
type Kind string

// The kinds of error.
const (
	KindNotFound     Kind = "not_found"    // the thing does not exist, or not for this caller
	KindDenied       Kind = "denied"       // known caller, not allowed
	KindUnauthorized Kind = "unauthorized" // the credential itself is refused
	KindGone         Kind = "gone"         // a cursor, page or subscription is no longer known: start over
	KindThrottled    Kind = "throttled"    // too much at once: try again after Error.After
	KindConflict     Kind = "conflict"     // somebody else was faster
	KindInvalid      Kind = "invalid"      // the input is wrong and stays wrong
	KindUnsupported  Kind = "unsupported"  // this provider or version cannot do it
	KindUnavailable  Kind = "unavailable"  // a passing fault on the way or at the other end
	KindInternal     Kind = "internal"     // our own mistake
)

// Temporary tells whether the same call may succeed later without anybody
// changing anything.
func (k Kind) Temporary() bool { return k == KindThrottled || k == KindUnavailable }

// Error is an error with a kind and, where an administrator can act on it, a
// cause. Detail is the raw answer of the vendor, for the log and the folded
// technical details only; it never holds credentials or event contents.
type Error struct {
	Kind   Kind
	Op     string // the operation that failed: "exchange.GetFolder"
	Cause  *Cause
	After  time.Duration // for KindThrottled: wait at least this long; 0 = unknown
	Detail string
	Err    error
}

// Error implements error.
func (e *Error) Error() string {
	text := string(e.Kind)
	if e.Cause != nil {
		text += " (" + string(e.Cause.Key) + ")"
	}
	if e.Op != "" {
		text = e.Op + ": " + text
	}
	if e.Err != nil {
		return fmt.Sprintf("%s: %v", text, e.Err)
	}
	return text
}

// Unwrap gives the error below.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an error of a kind with a formatted text; %w wraps.
func Errorf(kind Kind, format string, args ...any) error {
	return &Error{Kind: kind, Err: fmt.Errorf(format, args...)}
}

// KindOf gives the kind of the first Error in the chain. A context that ran out
// of time is unavailable; anything unknown is internal. nil has the empty kind.
func KindOf(err error) Kind {
	var e *Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.Kind
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return KindUnavailable
	}
	return KindInternal
}

// CauseOf gives the first cause in the chain, or nil.
func CauseOf(err error) *Cause {
	for err != nil {
		var e *Error
		if !errors.As(err, &e) {
			return nil
		}
		if e.Cause != nil {
			return e.Cause
		}
		err = e.Err
	}
	return nil
}

// ReasonOf gives the error's cause, or else the one that its kind alone stands
// for. nil where the kind says nothing that somebody could act on, and for nil.
func ReasonOf(err error) *Cause {
	if cause := CauseOf(err); cause != nil {
		return cause
	}
	switch KindOf(err) {
	case KindUnauthorized:
		return NewCause(CauseCredentialsExpired)
	case KindDenied:
		return NewCause(CauseNotPermitted)
	case KindThrottled:
		return NewCause(CauseThrottled)
	case KindUnavailable:
		return NewCause(CauseServerUnavailable)
	case KindInternal:
		return NewCause(CauseInternal)
	}
	return nil
}

// RetryAfter gives how long the other end asked to be left alone, 0 if it did not say.
func RetryAfter(err error) time.Duration {
	var e *Error
	if errors.As(err, &e) {
		return e.After
	}
	return 0
}

// DetailOf gives the raw vendor answer kept with the error, or "".
func DetailOf(err error) string {
	for err != nil {
		var e *Error
		if !errors.As(err, &e) {
			return ""
		}
		if e.Detail != "" {
			return e.Detail
		}
		err = e.Err
	}
	return ""
}

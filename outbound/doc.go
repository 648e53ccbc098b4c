// Package outbound is the guarded way out: every request that this program
// sends to an address somebody else chose (calendar servers, Autodiscover,
// callbacks) goes through a Way.
//
// It resolves a name once, refuses addresses of private networks that the
// operator has not named, and connects to the very address it checked; it caps
// bodies and times, follows no redirect unless asked, and uses no proxy that was
// not configured. Drivers and notifiers call it. It must not know what is sent,
// nor to whom.
package outbound

// Package provider holds the contract of a calendar system's driver, and the
// Client that does what must be equal for all of them: budgets, retries,
// deadlines, error kinds, counters and one log line a call.
//
// The hub's rooms call it; drivers in the packages below implement it. It must
// not know how anything is stored, nor any single provider.
package provider

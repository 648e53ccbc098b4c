// Package zone turns wall clocks into instants and back by the rules of RFC
// 5545, and knows time zones by their IANA and their Windows names. It brings
// its own zone data, so answers do not depend on the machine.
//
// Everybody who meets a local time calls it: drivers, recurrence, availability,
// pages, the sandbox. It is pure: it must not know the clock, the database or
// any provider.
package zone

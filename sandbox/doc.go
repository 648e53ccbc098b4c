// Package sandbox simulates a whole company and its calendar systems: people,
// rooms, calendars over some months, mail between mailboxes, and faults. The
// wire servers over it stand in the packages below; a control API lets tests
// and developers act as the user in Outlook, hire and remove people, and break
// things on purpose.
//
// Called by the commands sandbox and demo, by tests and by benchmarks. It must
// not know the vocabulary of Kalends (package kalends): a mistake there must
// not be shared by the stand-in.
package sandbox

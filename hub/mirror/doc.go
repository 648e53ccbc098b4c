// Package mirror keeps a small copy of everyone's busy time: it reads calendars
// that are due, as packed intervals, and says when each was read last.
//
// Package cmd runs it; other rooms reach it through rows alone: a calendar whose
// due_at is set is read, and Wake makes that at once. It must not know the API,
// nor how an application is told.
//
// The truth is on the row: due time, cursor, tries and cause of a calendar. A
// read that is killed leaves its row due; a read that ends late is applied only
// if the row is still as it was when the read began.
package mirror

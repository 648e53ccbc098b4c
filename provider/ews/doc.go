// Package ews connects Microsoft Exchange on premises, 2007 SP1 to Server SE,
// through Exchange Web Services with one service account that may impersonate.
//
// cmd/kalends puts System into the map of providers; provider.Client calls the
// driver. It must not know how anything is stored, retried or shown. Exchange
// Online is refused: Microsoft 365 is reached by another driver.
//
// A mailbox costs three requests until its first reading: ResolveNames and
// GetFolder in Find, which hands the calendar folder over as Mailbox.Calendar,
// and one FindItem with a CalendarView in Changes. Later readings cost one
// SyncFolderItems while nothing changes. The room lists and the rooms that the form
// names, which tell rooms from people, are read once an hour for all.
//
// Servers of several versions may stand behind one address: the version spoken
// belongs to the mailbox (speak.go), and so does the server (autodiscover_mailbox.go).
package ews

// Command compat lets clients that others wrote loose on a connected demo: the
// official Cronofy SDK on the hub, and Exchange clients on the sandbox, in every
// version of Exchange. Each case is a line "ok|FAIL|skip CLIENT CASE"; a skip is
// a failure where CI is set. What a client cannot do in a version, or does wrong,
// is a case too: it must fail with the error that Exchange gives.
//
// make compat calls it. The clients' scripts stand in the folders below and know
// nothing but addresses and credentials in their environment.
//
// DavMail reads and writes events as iCalendar (MimeContent); its tasks, contacts
// and mail have no counterpart in the sandbox. evolution-ews is left out: it is
// 122 packages and a session bus for what the others do.
package main

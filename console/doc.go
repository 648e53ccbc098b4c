// Package console is the hub's own pages: an application asks for a company's
// calendars, the administrator chooses the calendar system, enters what it needs,
// watches the check, sees who would be connected, and says yes or no. Its second
// half is for the calendar administrator, whatever the applications: connections,
// rights, history, revoke.
//
// The program's wiring mounts it below /enterprise_connect/. It must not know how
// anything is stored or read from a provider, and it never sends a credential
// back to a browser.
package console

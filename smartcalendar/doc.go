// Package smartcalendar is the application on top of the hub: companies, their
// people and roles, sign-in, and Settings → Calendar, where an administrator
// connects the company's calendar once and sees who is connected.
//
// cmd/kalends mounts Handler and owns Run. It speaks to the hub through package
// cronofy over HTTP only, exactly as a foreign application would: it must not
// know the hub's packages, tables or vocabulary. Its own tables start with sc_.
//
// Truth is on the rows: a run is a query over the rows of the people it asks
// for, so a killed process goes on where it was.
package smartcalendar

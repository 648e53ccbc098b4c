// Package mailtest is an SMTP server for tests: it keeps what it takes, speaks
// TLS both ways, asks for a password, and refuses what it is told to refuse.
//
// Tests of mail and of who sends mail call it. It must not know what is in a
// message.
package mailtest

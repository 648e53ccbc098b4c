// Package explain turns a cause and its facts into what an administrator reads:
// what happened, what to do, which command or page helps, in German and English.
//
// The pages of the hub and of Smart Calendar call it, and the API for the texts
// beside its keys. It knows causes by their stable keys only: nothing of the
// vocabulary, of providers or of HTML.
//
// The facts that texts use: account (the service account), domain, email (as
// asked for), fingerprint (of a certificate), host, issuer, mailbox (the primary address), name, offered
// (authentication methods), other (who has the address too), provider, reason,
// server (the vendor's own code), size, subject, target (where a mailbox lives), until
// (a time), url, version.
// A fact that is not given leaves its half-sentence out.
package explain

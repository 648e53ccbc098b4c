// Package oauth holds the rules of the authorization server: who may get a
// code, what a code and a token are good for, and when they end. It follows
// RFC 6749, 7009, 7636 and 9700 as far as Cronofy's dialect allows: refresh
// tokens do not rotate, clients are confidential, PKCE (S256) is checked when
// it is used, and revoking ends the whole grant.
//
// hub/connect calls it inside its transactions and gives it a Storage. It must
// not know HTTP, how bodies are encoded, tables, or the pages that ask people.
//
// A Refusal is an answer, not a failure: the transaction in which it was found
// must be committed, because refusing a code used twice also ends the tokens
// that it gave.
package oauth

// Package notify tells applications what happened: it answers their wishes to be
// authorised for an address, and says when a connection changed.
//
// The rooms that know a fact insert the job for it in the same transaction;
// package cmd registers the workers here. It must not know why something
// happened, nor any provider.
//
// Everything is posted signed, to the application's registered hosts only, over
// package outbound, without following redirects, and never in a transaction. A
// code is minted anew at each attempt, so that a late one never brings a code
// that has expired.
package notify

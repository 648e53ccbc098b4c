// Package kalends is the vocabulary of Kalends: the nouns that an administrator,
// a recruiter and an application developer use, and the kinds of error and the
// causes that all rooms share.
//
// Every room of the hub may import it; it imports the standard library only. It
// must not know how anything is stored, sent, shown or read from a provider.
package kalends

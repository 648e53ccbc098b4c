// Package store keeps every table of the hub: one file per noun, written and
// read as the vocabulary of the root. The hub's rooms call it with a
// transaction of db; several calls in one transaction are one fact.
//
// Provider credentials and client secrets are sealed with the place they stand
// at; tokens, codes and links are known by their SHA-256 only; what outlives a
// disconnect is a keyed hash. What is not there is kalends.KindNotFound (and
// db.ErrNotFound). Every list that can grow is paged by its key.
//
// It must not know rules: who may do what, what a token is good for, when
// something is due again.
package store

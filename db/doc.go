// Package db opens the one database of an installation, SQLite or PostgreSQL,
// and runs transactions on it. Everything that stores something is called with
// a *Tx; nothing else touches a connection.
//
// One SQL text serves both databases: $1 placeholders, ids made by the
// application, instants as BIGINT microseconds (Micros, Time), JSON as TEXT,
// lists expanded with List, no FOR UPDATE (Tx.Lock where a check and an act must
// not be parted), and never a statement after one that failed.
//
// On SQLite all writing goes through one connection. Functions that wait to be
// written run together in one transaction, each in a savepoint, so that many
// small durable writes cost one sync of the disk together.
//
// It must not know any table.
package db

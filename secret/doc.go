// Package secret keeps what must not be read by whoever gets hold of a copy of
// the database: it seals values (a Box), hashes tokens, and hashes passwords.
//
// Sealed values carry their key's id, so that keys can be rotated, and are
// bound to the place they are stored at (table/row/column): moved to another
// row they do not open. Every room that stores secrets calls it; it must not
// know what the values are or where they are stored.
package secret

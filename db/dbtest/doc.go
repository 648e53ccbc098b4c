// Package dbtest opens throw-away databases for tests: a SQLite file in the
// test's folder and, where KALENDS_TEST_POSTGRES is the URL of a server on which
// databases can be made, one of its own there. Tests of every room call it; it
// must not know any table.
package dbtest

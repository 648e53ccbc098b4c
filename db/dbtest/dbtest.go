package dbtest

import (
	"context"
	"crypto/rand"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"kalends/db"
)

// Variable names the environment variable with the PostgreSQL server for tests.
const Variable = "KALENDS_TEST_POSTGRES"

// Each runs a test on SQLite and on PostgreSQL, on a new and empty database
// each. With -short, or without a PostgreSQL server, that half is skipped.
func Each(t *testing.T, options db.Options, test func(t *testing.T, d *db.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, SQLite(t, options))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, Postgres(t, options))
	})
}

// SQLite opens an empty SQLite file that goes with the test.
func SQLite(t testing.TB, options db.Options) *db.DB {
	t.Helper()
	return open(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"), options)
}

// Postgres makes an empty PostgreSQL database that goes with the test, or skips
// the test with -short and where there is no server.
func Postgres(t testing.TB, options db.Options) *db.DB {
	t.Helper()
	if testing.Short() {
		t.Skip("PostgreSQL: not with -short")
	}
	server := os.Getenv(Variable)
	if server == "" {
		t.Skip(Variable + " is not set: not tested on PostgreSQL")
	}
	address, err := url.Parse(server)
	if err != nil {
		t.Fatal(Variable + " is no URL")
	}
	name := "kalends_" + strings.ToLower(rand.Text())
	command(t, server, "CREATE DATABASE "+name)
	t.Cleanup(func() { command(t, server, "DROP DATABASE "+name+" WITH (FORCE)") })
	address.Path = "/" + name
	if options.Connections == 0 {
		options.Connections = 8
	}
	return open(t, address.String(), options)
}

func open(t testing.TB, address string, options db.Options) *db.DB {
	t.Helper()
	d, err := db.Open(context.Background(), address, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func command(t testing.TB, server, statement string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		t.Fatalf("%s: %v", Variable, err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

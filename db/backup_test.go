package db_test

import (
	"os"
	"path/filepath"
	"testing"

	"kalends/db"
)

func TestBackupIsAWholeCopyForItsOwnerOnly(t *testing.T) {
	t.Parallel()
	source, err := db.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "a.db"), db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	write(t, source, `CREATE TABLE things (id TEXT PRIMARY KEY)`)
	write(t, source, `INSERT INTO things (id) VALUES ('one')`)
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := source.Backup(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy is %v, %v", info.Mode(), err)
	}
	copied, err := db.Open(t.Context(), "sqlite:"+path, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	err = copied.Read(t.Context(), func(tx *db.Tx) error {
		got, err := db.One(t.Context(), tx, db.Value[string], `SELECT id FROM things`)
		if err == nil && got != "one" {
			t.Errorf("the copy has %q", got)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if err := source.Backup(t.Context(), path); err == nil {
		t.Error("ErrExists: an existing file was overwritten")
	}
}

func write(t *testing.T, d *db.DB, query string) {
	t.Helper()
	err := d.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(t.Context(), query)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

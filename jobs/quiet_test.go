package jobs_test

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"testing"

	"kalends/db"
	"kalends/jobs"
)

func TestStartingSaysNothingOfItsLibrary(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	d, err := db.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "k.db"), db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	if _, err := jobs.New(t.Context(), d, nil, jobs.Options{Log: slog.New(slog.NewJSONHandler(&out, nil))}); err != nil {
		t.Fatal(err)
	}
	if out.Len() > 0 {
		t.Errorf("the log of a start: %s", out.String())
	}
}

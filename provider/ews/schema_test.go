package ews_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	kalends "kalends"
	"kalends/provider/ews"
)

func schemas(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("KALENDS_SCHEMAS")
	if dir == "" {
		t.Skip("KALENDS_SCHEMAS is not set: requests and recorded answers are not checked")
	}
	return dir
}

func TestRequestsAreValidForTheirVersion(t *testing.T) {
	t.Parallel()
	dir := schemas(t)
	ten := 10
	start := time.Date(2027, 2, 1, 9, 0, 0, 0, time.UTC)
	full := kalends.Draft{
		ID: "e&1", Summary: "A <b> & \x07", Description: "x\r\ny", Location: "R1", Start: start, End: start.Add(time.Hour),
		Zone: "Europe/Berlin", Private: true, Reminder: &ten, Invite: true, Attendees: []kalends.Attendee{
			{Email: "b@musterwerk.example", Name: "B"}, {Email: "c@musterwerk.example", Optional: true}, {Email: "r@musterwerk.example", Resource: true},
		},
	}
	bare := kalends.Draft{ID: "e2", Start: start, End: start.Add(time.Hour)}
	alone := []string{"Exchange2010", "Exchange2013"} // no schema of their own: the one that accepts every version
	for _, v := range ews.Versions() {
		set, version := v[len("Exchange"):], v
		if slices.Contains(alone, v) {
			set = "SE"
		}
		requests := map[string]string{}
		for label, draft := range map[string]kalends.Draft{"full": full, "bare": bare} {
			for name, text := range ews.Requests(version, draft) {
				requests[version+"-"+name+"-"+label] = text
			}
		}
		validate(t, filepath.Join(dir, "ews-schema", "envelope-"+set+".xsd"), requests)
	}
}

// validate checks many requests in one process: reading a schema takes longest.
func validate(t *testing.T, schema string, requests map[string]string) {
	t.Helper()
	dir, args := t.TempDir(), []string{"--nonet", "--noout", "--schema", schema}
	for name, text := range requests {
		file := filepath.Join(dir, name+".xml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, file)
	}
	out, err := exec.CommandContext(t.Context(), "xmllint", args...).CombinedOutput()
	if err != nil || strings.Count(string(out), " validates") != len(requests) {
		t.Errorf("%s: %v\n%s", schema, err, out)
	}
}

var responseCode = regexp.MustCompile(`ResponseCode[^>]*>([A-Za-z0-9]+)<`)

func TestRecordedAnswersKeepTheirCodes(t *testing.T) {
	t.Parallel()
	files, _ := filepath.Glob(filepath.Join(schemas(t), "ews-fixtures", "exchange*", "*.xml"))
	if len(files) != 75 {
		t.Errorf("%d recorded answers, want 75", len(files))
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, m := range responseCode.FindAllStringSubmatch(string(text), -1) {
			want = append(want, m[1])
		}
		if got, err := ews.CodesOf(string(text)); err != nil || len(want) == 0 || !slices.Equal(got, want) {
			t.Errorf("%s: codes %v, %v; want %v", filepath.Base(file), got, err, want)
		}
	}
}

package console_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"kalends/console"
)

// The pages read a browser's request as the rules of OAuth do.
func TestErrAuthorizeParametersTwiceOrNoText(t *testing.T) {
	t.Parallel()
	for _, query := range []string{
		"client_id=known&client_id=other", "client_id=known&redirect_uri=https://a.example&redirect_uri=https://b.example",
		"client_id=known&state=%00", "client_id=known&state=%ff",
	} {
		answer, _ := visit(t, newHub()).get("/enterprise_connect/oauth/authorize?" + query)
		if answer.StatusCode != http.StatusBadRequest || answer.Header.Get("Location") != "" || len(answer.Cookies()) > 0 {
			t.Errorf("%s: got %d to %q", query, answer.StatusCode, answer.Header.Get("Location"))
		}
	}
}

// A link's secret stands in its path, which no log may hold.
func TestLogsHoldNoLinks(t *testing.T) {
	t.Parallel()
	h := newHub()
	h.begun = http.ErrAbortHandler // any error of our own
	var log bytes.Buffer
	pages, err := console.New(console.Config{Hub: h, Clock: func() time.Time { return now }, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	answer := httptest.NewRecorder()
	pages.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/enterprise_connect/i/good", nil))
	if answer.Code != http.StatusInternalServerError || log.Len() == 0 || strings.Contains(log.String(), "/i/good") {
		t.Errorf("%d, log %q", answer.Code, log.String())
	}
}

func TestErrTooManyBegins(t *testing.T) {
	t.Parallel()
	v := visit(t, newHub())
	refused := 0
	for range 200 {
		if answer, _ := v.get("/enterprise_connect/i/good"); answer.StatusCode == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused != 80 {
		t.Errorf("%d of 200 were refused", refused)
	}
}

// Every act that the hub writes down has words in both languages.
func TestEveryActHasWords(t *testing.T) {
	t.Parallel()
	acts := actsOfTheHub(t)
	if len(acts) < 15 {
		t.Fatalf("found only %v", acts)
	}
	for _, lang := range []string{"de", "en"} {
		raw, err := os.ReadFile("texts/" + lang + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var texts struct {
			Audit struct {
				Action map[string]map[string]string `json:"action"`
			} `json:"audit"`
		}
		if err := json.Unmarshal(raw, &texts); err != nil {
			t.Fatal(err)
		}
		for act := range acts {
			kind, what, _ := strings.Cut(act, ".")
			if texts.Audit.Action[kind][what] == "" {
				t.Errorf("%s: no words for %s", lang, act)
			}
		}
	}
}

var act = regexp.MustCompile(`"((?:account|application|callback|connection|console|data|intent|mapping|organisation)\.[a-z_]+)"`)

func actsOfTheHub(t *testing.T) map[string]bool {
	t.Helper()
	acts := map[string]bool{}
	err := filepath.WalkDir("../hub", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, match := range act.FindAllSubmatch(text, -1) {
			acts[string(match[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return acts
}

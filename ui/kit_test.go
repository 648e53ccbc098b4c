package ui_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"kalends/ui"
)

func get(t *testing.T, handler http.Handler, method, target string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w.Result()
}

func pages(t *testing.T) http.Handler { return galleryServer(t).Config.Handler }

func TestPagesCarrySafeHeaders(t *testing.T) {
	t.Parallel()
	header := get(t, pages(t), "GET", "/").Header
	for name, want := range map[string]string{
		"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-store",
	} {
		if got := header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	policy := header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy %q lacks %s", policy, want)
		}
	}
	if strings.Contains(policy, "unsafe") {
		t.Errorf("the policy %q allows something unsafe", policy)
	}
}

func TestPostsFromOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	handler := pages(t)
	if got := get(t, handler, "POST", "/flash", "Sec-Fetch-Site", "cross-site").StatusCode; got != http.StatusForbidden {
		t.Errorf("from another site: %d", got)
	}
	if got := get(t, handler, "POST", "/flash", "Sec-Fetch-Site", "same-origin").StatusCode; got != http.StatusSeeOther {
		t.Errorf("from our own: %d", got)
	}
}

func TestTheLanguageIsChosenAndRemembered(t *testing.T) {
	t.Parallel()
	handler := pages(t)
	answer := get(t, handler, "GET", "/table?lang=de&page=2")
	if to := answer.Header.Get("Location"); answer.StatusCode != http.StatusSeeOther || to != "/table?page=2" {
		t.Fatalf("the link answers %d %s", answer.StatusCode, to)
	}
	cookie := answer.Cookies()[0]
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Value != "de" {
		t.Errorf("the cookie is %v", cookie)
	}
	for _, c := range []struct{ accept, cookie, want string }{
		{"de-AT,de;q=0.9", "", `lang="de"`}, {"fr", "", `lang="en"`}, {"de", "gallery_lang=en", `lang="en"`}, {"en", "gallery_lang=xx", `lang="en"`},
	} {
		body := new(strings.Builder)
		if err := get(t, handler, "GET", "/gate", "Accept-Language", c.accept, "Cookie", c.cookie).Write(body); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(body.String(), "<html "+c.want) {
			t.Errorf("%+v gives another language", c)
		}
	}
}

func TestTheLanguageLinkStaysOnThisHost(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"//evil.example/?lang=de", "/%5Cevil.example/?lang=de", "/\\evil.example?lang=de"} {
		r := httptest.NewRequest("GET", "/?lang=de", nil)
		r.URL.Path = strings.Split(path, "?")[0]
		w := httptest.NewRecorder()
		kit := galleryKit(t)
		kit.Handler(http.NotFoundHandler()).ServeHTTP(w, r)
		to := w.Header().Get("Location")
		if strings.HasPrefix(to, "//") || strings.HasPrefix(to, "/\\") {
			t.Errorf("%s leads to %s", path, to)
		}
	}
}

func TestAForgedFlashSaysNothing(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"x", "eyJrIjoibm8uc3VjaCJ9", "e30"} {
		body := new(strings.Builder)
		if err := get(t, pages(t), "GET", "/gate", "Cookie", "gallery_flash="+value).Write(body); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(body.String(), "notice") {
			t.Errorf("%q makes a notice", value)
		}
	}
}

func TestFormsMayLeadOnlyWhereAPageAllows(t *testing.T) {
	t.Parallel()
	kit := galleryKit(t)
	handler := kit.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kit.View(w, r).AllowFormTo("https://app.example/back?x=1", "http://127.0.0.1:8800/back", "myapp://back", "https://a;script-src *")
	}))
	policy := get(t, handler, "GET", "/").Header.Get("Content-Security-Policy")
	if !strings.HasSuffix(policy, "form-action 'self' https://app.example http://127.0.0.1:8800") {
		t.Errorf("got %q", policy)
	}
}

func TestConfirmed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		typed, phrase string
		want          bool
	}{{"musterwerk", "Musterwerk", true}, {" Musterwerk ", "Musterwerk", true}, {"Muster", "Musterwerk", false}, {"", "", false}} {
		if got := ui.Confirmed(c.typed, c.phrase); got != c.want {
			t.Errorf("%q for %q: %v", c.typed, c.phrase, got)
		}
	}
}

func TestSpreadsheetsTakeCellsForText(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{"=1+1": "'=1+1", "@a": "'@a", "a@b.example": "a@b.example", "": ""} {
		if got := ui.CSVRow(cell)[0]; got != want {
			t.Errorf("%q: got %q", cell, got)
		}
	}
}

func TestTimesAreSaidAsPeopleDo(t *testing.T) {
	t.Parallel()
	kit := galleryKit(t)
	r := httptest.NewRequest("GET", "/?lang=de", nil)
	v := kit.View(httptest.NewRecorder(), r)
	for back, want := range map[time.Duration]string{
		10 * time.Second: "gerade eben", 3 * time.Minute: "vor 3 min", 26 * time.Hour: "vor 1 Tag", 60 * 24 * time.Hour: "24.09.2026", -2 * time.Hour: "in 2 Std.",
	} {
		var out strings.Builder
		if err := v.Ago(galleryNow.Add(-back)).Render(&out); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), ">"+want+"<") {
			t.Errorf("%v: got %s, want %q", back, out.String(), want)
		}
	}
}

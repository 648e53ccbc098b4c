package web

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"
)

// Inside the package: what is embedded differs from build to build.

func TestAssetsAreServedForGood(t *testing.T) {
	t.Parallel()
	a := openFS(fstest.MapFS{
		"manifest.json":    {Data: []byte(`{"app.css":"app-ABCD2345.css"}`)},
		"app-ABCD2345.css": {Data: []byte("a{}")},
		"icons.svg":        {Data: []byte("<svg/>")},
	})
	if got := a.URL("app.css"); got != "/assets/app-ABCD2345.css" || !a.Built() {
		t.Errorf("app.css is at %q, built %v", got, a.Built())
	}
	for path, want := range map[string]int{
		"/assets/app-ABCD2345.css": 200, "/assets/icons.svg": 200, "/assets/manifest.json": 404, "/assets/.gitkeep": 404, "/assets/": 404, "/assets/../assets.go": 404,
	} {
		w := httptest.NewRecorder()
		a.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
		if cached := w.Header().Get("Cache-Control") != ""; cached != (want == 200) {
			t.Errorf("%s: kept by browsers %v", path, cached)
		}
	}
}

func TestWithoutAssetsPagesCanTell(t *testing.T) {
	t.Parallel()
	a := openFS(fstest.MapFS{".gitkeep": {}})
	if a.Built() || a.URL("app.css") != "" {
		t.Errorf("built %v, app.css at %q", a.Built(), a.URL("app.css"))
	}
	w := httptest.NewRecorder()
	a.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/assets/icons.svg", nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("icons.svg: %d", w.Code)
	}
}

package web

import (
	"embed"
	"encoding/json"
	"io/fs"
	"net/http"
	"strings"
)

//go:embed all:dist
var dist embed.FS

// Prefix is the path below which Handler serves the assets.
const Prefix = "/assets/"

// Assets are the built scripts, styles, fonts and icons. A program built
// without them still works: Built tells pages to say so.
type Assets struct {
	files    fs.FS
	manifest map[string]string // plain name to hashed name
}

// Open reads the manifest of what was embedded.
func Open() *Assets {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		return &Assets{files: dist}
	}
	return openFS(files)
}

func openFS(files fs.FS) *Assets {
	a := &Assets{files: files}
	text, err := fs.ReadFile(files, "manifest.json")
	if err != nil || json.Unmarshal(text, &a.manifest) != nil {
		a.manifest = nil
	}
	return a
}

// Built tells whether the assets were embedded.
func (a *Assets) Built() bool { return len(a.manifest) > 0 }

// URL gives the path of an asset by its plain name ("app.css"), or "".
func (a *Assets) URL(name string) string {
	hashed, ok := a.manifest[name]
	if !ok {
		return ""
	}
	return Prefix + hashed
}

// stable is the sprite of icons: pages name it without knowing the manifest.
const stable = "icons.svg"

// Handler serves Prefix. Names carry a hash of their content, so they are kept
// by browsers for good; anything else is not found.
func (a *Assets) Handler() http.Handler {
	known := map[string]bool{}
	for _, hashed := range a.manifest {
		known[hashed] = true
	}
	server := http.StripPrefix(Prefix, http.FileServerFS(a.files))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, Prefix)
		switch {
		case known[name]:
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		case name == stable && a.Built():
			w.Header().Set("Cache-Control", "public, max-age=300, stale-while-revalidate=86400")
		default:
			http.NotFound(w, r)
			return
		}
		w.Header().Set("X-Content-Type-Options", "nosniff")
		server.ServeHTTP(w, r)
	})
}

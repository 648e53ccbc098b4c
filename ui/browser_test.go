package ui_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"kalends/internal/tools/browser"
	"kalends/web"
)

// views are how every page is looked at.
var views = []browser.Options{
	{Width: 1280, Lang: "de"}, {Width: 1280, Lang: "en", Dark: true}, {Width: 390, Lang: "de", Dark: true}, {Width: 390, Lang: "en"},
}

func TestComponentsCanBeUsedByEverybody(t *testing.T) {
	t.Parallel()
	if !web.Open().Built() {
		t.Skip("assets are not built: go run ./internal/tools/assets")
	}
	b, server := browser.Start(t), galleryServer(t)
	for _, view := range views {
		p := b.Page(t, view)
		for name, path := range map[string]string{"parts": "/", "table": "/table", "gate": "/gate"} {
			p.Go(server.URL + path)
			for _, violation := range p.Axe() {
				t.Errorf("%s %+v: %s", name, view, violation)
			}
			if wide := p.Overflows(); wide > 0 {
				t.Errorf("%s %+v: %d px wider than the window", name, view, wide)
			}
			shoot(p, "ui", name, view)
		}
		for _, complaint := range p.Errors() {
			t.Errorf("%+v: the browser complains: %s", view, complaint)
		}
	}
}

// shoot takes a picture where a folder for them is named.
func shoot(p *browser.Page, room, name string, o browser.Options) {
	folder := os.Getenv("KALENDS_SCREENSHOTS")
	if folder == "" {
		return
	}
	light := "light"
	if o.Dark {
		light = "dark"
	}
	p.Shot(filepath.Join(folder, fmt.Sprintf("%s-%s-%d-%s-%s.png", room, name, o.Width, light, o.Lang)))
}

func TestScriptsMakeComponentsNicer(t *testing.T) {
	t.Parallel()
	if !web.Open().Built() {
		t.Skip("assets are not built: go run ./internal/tools/assets")
	}
	b, server := browser.Start(t), galleryServer(t)
	p := b.Page(t, browser.Options{})
	p.Go(server.URL + "/")
	p.Fill("textbox", "Kennwort", "geheim")
	p.Click("button", "Kennwort anzeigen")
	p.Wait(`document.getElementById("f-password").type === "text"`)
	p.Click("button", "Verbindung prüfen")
	p.See("3 Fehler")
	p.Click("link", "English")
	p.Has("link", "Deutsch")
}

func TestFormsWorkWithoutScripts(t *testing.T) {
	t.Parallel()
	b, server := browser.Start(t), galleryServer(t)
	p := b.Page(t, browser.Options{NoScripts: true})
	p.Go(server.URL + "/")
	p.Fill("textbox", "Kennwort", "geheim")
	p.Click("button", "Verbindung prüfen")
	p.See("3 Fehler")
}

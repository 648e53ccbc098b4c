package ui_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"kalends/internal/tools/browser"
	"kalends/web"
)

// views are how every page is looked at.
var views = []browser.Options{
	{Width: 390, Lang: "de", Dark: true}, {Width: 1280, Lang: "en"}, {Width: 1280, Lang: "de"}, {Width: 390, Lang: "en"}, {Width: 1280, Lang: "en", Dark: true},
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
	p.Fill("textbox", "Passwort", "geheim")
	p.Click("button", "Passwort anzeigen")
	p.Wait(`document.getElementById("f-password").type === "text"`)
	p.Click("button", "Verbindung prüfen")
	p.See("3 Fehler")
	p.Click("link", "English")
	p.Has("link", "Deutsch")
}

const focused = `(document.activeElement.getAttribute("aria-label") || document.activeElement.textContent).trim()`

// openGallery opens a page of the gallery in a browser.
func openGallery(t *testing.T, path string) *browser.Page {
	t.Helper()
	if !web.Open().Built() {
		t.Skip("assets are not built: go run ./internal/tools/assets")
	}
	server := galleryServer(t)
	p := browser.Start(t).Page(t, browser.Options{})
	p.Go(server.URL + path)
	return p
}

func TestTablesAreWalkedByArrowKeys(t *testing.T) {
	t.Parallel()
	p := openGallery(t, "/table")
	p.Wait(`document.querySelector("[role=grid]")`)
	stops := `String(document.querySelectorAll(".table-box table [tabindex='0']").length)`
	if got := p.Text(stops); got != "1" {
		t.Errorf("Tab stops %s times in the table", got)
	}
	p.Wait(`(document.querySelector(".table-box [tabindex='0']").focus(), true)`)
	for _, step := range []struct{ key, want string }{
		{kb.ArrowDown, "Maximilian Freiherr von Donnersmarck-Hohenstein"},
		{kb.ArrowRight, "Adresse nicht in der Organisation"},
		{kb.ArrowRight, "vor 2 Tagen"},
		{kb.ArrowDown, "vor 2 Tagen"},
		{kb.End, "Jetzt prüfen"},
		{kb.Home, "Çağla Yıldız"},
		{kb.PageDown, "Ole"},
		{kb.ArrowDown, "Ole"},
		{kb.PageUp, "Name"},
	} {
		p.Key(step.key)
		if got := p.Text(focused); got != step.want {
			t.Errorf("at %q, want %q", got, step.want)
		}
	}
	if got := p.Text(stops); got != "1" {
		t.Errorf("Tab stops %s times in the table after walking", got)
	}
	for _, violation := range p.Axe() {
		t.Error(violation)
	}
}

func TestWeeksAreWalkedByArrowKeys(t *testing.T) {
	t.Parallel()
	p := openGallery(t, "/")
	p.Wait(`(document.querySelector(".week-drawing [tabindex='0']").focus(), true)`)
	first := p.Text(focused)
	p.Key(kb.ArrowRight)
	second := p.Text(focused)
	if first == second || first == "" {
		t.Errorf("from %q to %q", first, second)
	}
	if said := p.Text(`document.querySelector(".week-said").textContent`); said != second {
		t.Errorf("the page says %q, want %q", said, second)
	}
	p.Key(kb.ArrowLeft)
	if got := p.Text(focused); got != first {
		t.Errorf("back at %q, want %q", got, first)
	}
	p.Key(kb.End)
	last := p.Text(focused)
	p.Key(kb.ArrowDown)
	if got := p.Text(focused); got != last || got == first {
		t.Errorf("after the last block %q: %q", last, got)
	}
	for _, violation := range p.Axe() {
		t.Error(violation)
	}
}

func TestMenusAreWalkedByArrowKeys(t *testing.T) {
	t.Parallel()
	p := openGallery(t, "/")
	p.Wait(`(document.querySelector(".menu > summary").focus(), true)`)
	p.Key(kb.ArrowDown)
	if got := p.Text(focused); got != "Verbindung trennen" {
		t.Errorf("Down leads to %q", got)
	}
	p.Key(kb.Escape)
	if got := p.Text(focused); got != "Weitere Aktionen" {
		t.Errorf("Escape leads to %q", got)
	}
	p.Wait(`!document.querySelector(".menu").open`)
}

func TestFormsWorkWithoutScripts(t *testing.T) {
	t.Parallel()
	b, server := browser.Start(t), galleryServer(t)
	p := b.Page(t, browser.Options{NoScripts: true})
	p.Go(server.URL + "/")
	p.Fill("textbox", "Passwort", "geheim")
	p.Click("button", "Verbindung prüfen")
	p.See("3 Fehler")
}

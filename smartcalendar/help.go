package smartcalendar

import (
	"embed"
	"encoding/json"
	"fmt"
	"net/http"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"kalends/ui"
)

//go:embed help/*.json
var helpFiles embed.FS

// helpTopic is one help page. Forms and errors link to its sections.
type helpTopic struct {
	Topic    string        `json:"topic"`
	Title    string        `json:"title"`
	About    string        `json:"about"` // in one sentence what the page answers
	Sections []helpSection `json:"sections"`
}

type helpSection struct {
	ID         string   `json:"id"`
	Title      string   `json:"title"`
	Paragraphs []string `json:"paragraphs"`
	Steps      []string `json:"steps"`
	Commands   []struct {
		Label string `json:"label"`
		Text  string `json:"text"`
	} `json:"commands"`
	Links []struct {
		URL   string `json:"url"`
		Label string `json:"label"`
	} `json:"links"`
}

// readHelp reads the help pages of both languages.
func readHelp() (map[string][]helpTopic, error) {
	all := map[string][]helpTopic{}
	for _, lang := range []string{"de", "en"} {
		text, err := helpFiles.ReadFile("help/" + lang + ".json")
		if err != nil {
			return nil, err
		}
		var topics []helpTopic
		if err := json.Unmarshal(text, &topics); err != nil {
			return nil, fmt.Errorf("smartcalendar: help in %s: %w", lang, err)
		}
		all[lang] = topics
	}
	return all, nil
}

// helpPage shows a help page to everybody, with the menu to those signed in.
func (p *page) helpPage(title string, crumbs []ui.Crumb, body ...g.Node) error {
	about := ui.Page{Title: title, Crumbs: crumbs}
	if p.who.ID == "" {
		p.Render(http.StatusOK, p.Hub(about, body...))
		return nil
	}
	p.show(http.StatusOK, "/help", about, body...)
	return nil
}

func (p *page) helpIndex() error {
	return p.helpPage(p.T("help.title"), nil, ui.Heading(p.T("help.title"), nil), ui.Lead(p.T("help.lead")),
		ui.Links(p.helpRows()...))
}

func (p *page) helpRows() []ui.LinkRow {
	rows := make([]ui.LinkRow, len(p.app.help[p.Lang]))
	for i, t := range p.app.help[p.Lang] {
		rows[i] = ui.LinkRow{Href: "/help/" + t.Topic, Title: t.Title, Text: t.About}
	}
	return rows
}

// contentsFrom is the number of sections from which a page lists them.
const contentsFrom = 6

// contents leads to the sections of a long topic.
func (p *page) contents(t helpTopic) g.Node {
	if len(t.Sections) < contentsFrom {
		return nil
	}
	links := make([]ui.LinkRow, len(t.Sections))
	for i, s := range t.Sections {
		links[i] = ui.LinkRow{Href: "#" + s.ID, Title: s.Title}
	}
	return ui.Contents(p.T("help.contents"), links...)
}

func (p *page) help() error {
	for _, t := range p.app.help[p.Lang] {
		if t.Topic == p.r.PathValue("topic") {
			return p.helpPage(t.Title, []ui.Crumb{{Href: "/help", Label: p.T("help.title")}},
				ui.Heading(t.Title, nil), ui.Lead(t.About), p.contents(t), g.Map(t.Sections, p.helpSection))
		}
	}
	return errNoPerson
}

func (p *page) helpSection(s helpSection) g.Node {
	var body g.Group
	for _, text := range s.Paragraphs {
		body = append(body, h.P(g.Text(text)))
	}
	if len(s.Steps) > 0 {
		body = append(body, ui.Numbered(s.Steps...))
	}
	for _, c := range s.Commands {
		body = append(body, p.Code(c.Label, c.Text))
	}
	for _, l := range s.Links {
		body = append(body, h.P(h.A(h.Href(l.URL), g.Text(l.Label))))
	}
	return h.Div(h.ID(s.ID), ui.Section(s.Title, nil, body))
}

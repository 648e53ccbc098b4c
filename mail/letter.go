package mail

import (
	"bytes"
	_ "embed"
	"html/template"
	"strings"
)

// Message is a mail ready to be sent.
type Message struct {
	To      string `json:"to"`
	ToName  string `json:"to_name"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
	HTML    string `json:"html"`
	Lang    string `json:"lang"`
}

// Letter is what a mail says, before it is text and HTML.
type Letter struct {
	Lang       string // "de" or "en"
	To, ToName string
	Subject    string
	Greeting   string
	Paragraphs []string
	Button     Button   // what the reader is asked to do
	After      []string // smaller, below the button
	Sign       string   // who writes
}

// Button leads somewhere.
type Button struct{ Label, URL string }

//go:embed letter.html
var letterHTML string

// Compose writes a letter as text and as HTML. Values are escaped; line breaks
// in the subject and the names are taken out.
func Compose(l Letter) (Message, error) {
	var page bytes.Buffer
	layout, err := template.New("letter").Parse(letterHTML)
	if err != nil {
		return Message{}, err
	}
	if err := layout.Execute(&page, l); err != nil {
		return Message{}, err
	}
	return Message{
		To: oneLine(l.To), ToName: oneLine(l.ToName), Subject: oneLine(l.Subject),
		Text: plain(l), HTML: page.String(), Lang: l.Lang,
	}, nil
}

func plain(l Letter) string {
	parts := []string{l.Greeting}
	parts = append(parts, l.Paragraphs...)
	if l.Button.URL != "" {
		parts = append(parts, l.Button.Label+":\n"+l.Button.URL)
	}
	parts = append(parts, l.After...)
	if l.Sign != "" {
		parts = append(parts, "-- \n"+l.Sign)
	}
	return strings.Join(parts, "\n\n") + "\n"
}

func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return r == '\r' || r == '\n' || r == 0
	}), " ")
}

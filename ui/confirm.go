package ui

import (
	"strings"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

// Confirm asks for a destructive act: consequences in numbers, then the
// company's name typed by hand in the field "confirm".
type Confirm struct {
	Action       string   // where the form posts to
	Phrase       string   // what has to be typed
	Consequences []string // sentences with numbers
	Button       string   // a verb: "Verbindung trennen"
	Cancel       string   // where not doing it leads
	Error        string   // of a wrong phrase
	Fields       []g.Node // hidden values
}

// ConfirmByTyping draws the form. Check the answer with Confirmed.
func (v *View) ConfirmByTyping(c Confirm) g.Node {
	return Form(c.Action,
		h.Ul(h.Class("consequences"), g.Map(c.Consequences, func(s string) g.Node { return h.Li(g.Text(s)) })),
		v.Input(Field{
			Name: "confirm", Label: v.T("ui.confirm.label", "phrase", c.Phrase), Error: c.Error,
			Required: true, Autocomplete: "off", More: []g.Node{g.Attr("spellcheck", "false"), g.Attr("autocapitalize", "off")},
		}),
		g.Group(c.Fields),
		Actions(Button(Danger, c.Button), LinkButton(Quiet, c.Cancel, v.T("ui.cancel"))))
}

// Confirmed tells whether the right phrase was typed, whatever its case.
func Confirmed(typed, phrase string) bool {
	return strings.EqualFold(strings.TrimSpace(typed), strings.TrimSpace(phrase)) && strings.TrimSpace(phrase) != ""
}

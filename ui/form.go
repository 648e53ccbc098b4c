package ui

import (
	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

// FieldKind is how a field is entered.
type FieldKind string

// The kinds of field.
const (
	FieldText     FieldKind = "text"
	FieldEmail    FieldKind = "email"
	FieldPassword FieldKind = "password"
	FieldURL      FieldKind = "url"
	FieldNumber   FieldKind = "number"
	FieldFile     FieldKind = "file"
	FieldArea     FieldKind = "area"
	FieldSelect   FieldKind = "select"
	FieldCheckbox FieldKind = "checkbox"
	FieldSearch   FieldKind = "search"
)

// Field is one entry of a form with its label, help and error.
type Field struct {
	Name         string
	Kind         FieldKind // "" = text
	Label        string
	Help         string
	Error        string
	Value        string
	Placeholder  string
	Autocomplete string
	Required     bool
	Optional     bool // says so beside the label
	Checked      bool // of a checkbox
	Accept       string
	Options      []Option // of a select
	More         []g.Node // further attributes of the input
}

// Option is one choice.
type Option struct {
	Value, Label, Help string
	Chosen             bool
}

// Form posts to action. Files need Multipart among the children. Browsers leave
// checking to the server, which names everything that is wrong at once, in the
// page's language.
func Form(action string, children ...g.Node) g.Node {
	return h.Form(h.Class("form"), h.Method("post"), h.Action(action), g.Attr("novalidate"), g.Group(children))
}

// Multipart lets a form carry files.
func Multipart() g.Node { return h.EncType("multipart/form-data") }

// Input draws a field. The first that is wrong has the focus.
func (v *View) Input(f Field) g.Node {
	if f.Error != "" && !v.focused {
		v.focused = true
		f.More = append(f.More, h.AutoFocus())
	}
	if f.Kind == FieldCheckbox {
		return v.checkbox(f)
	}
	return h.Div(h.Class("field"), g.If(f.Error != "", g.Attr("data-invalid")),
		h.Label(h.For(fieldID(f)), g.Text(f.Label), g.If(f.Optional, h.Span(h.Class("optional"), g.Attr("aria-hidden", "true"), v.Text("ui.optional")))),
		g.If(f.Help != "", h.P(h.Class("help"), h.ID(fieldID(f)+"-help"), g.Text(f.Help))),
		v.control(f), v.fieldError(f))
}

func (v *View) control(f Field) g.Node {
	switch f.Kind {
	case FieldArea:
		return h.Textarea(f.attributes(), h.Rows("4"), g.Text(f.Value))
	case FieldSelect:
		return h.Select(f.attributes(), options(f))
	case FieldPassword:
		return v.password(f)
	case "":
		f.Kind = FieldText
	}
	value := g.If(f.Kind != FieldFile, h.Value(f.Value))
	return h.Input(f.attributes(), h.Type(string(f.Kind)), value, g.If(f.Accept != "", h.Accept(f.Accept)))
}

// password never repeats what was entered. The eye appears with scripts only.
func (v *View) password(f Field) g.Node {
	return h.Div(h.Class("reveal"),
		h.Input(f.attributes(), h.Type("password")),
		h.Button(h.Type("button"), h.Class("reveal-button"), g.Attr("hidden"), g.Attr("data-reveal", fieldID(f)),
			g.Attr("aria-pressed", "false"), g.Attr("aria-label", v.T("ui.reveal")), Icon(IconEye)))
}

func (v *View) checkbox(f Field) g.Node {
	return h.Div(h.Class("field check"), h.Label(h.For(fieldID(f)),
		h.Input(f.attributes(), h.Type("checkbox"), h.Value(orDefault(f.Value, "on")), g.If(f.Checked, h.Checked())),
		h.Span(g.Text(f.Label))),
		g.If(f.Help != "", h.P(h.Class("help"), h.ID(fieldID(f)+"-help"), g.Text(f.Help))), v.fieldError(f))
}

func (v *View) fieldError(f Field) g.Node {
	return g.If(f.Error != "", h.P(h.Class("field-error"), h.ID(fieldID(f)+"-error"), Icon(IconError), h.Span(g.Text(f.Error))))
}

func (f Field) attributes() g.Node {
	described := ""
	if f.Help != "" {
		described = fieldID(f) + "-help"
	}
	if f.Error != "" {
		described += " " + fieldID(f) + "-error"
	}
	return g.Group{
		h.ID(fieldID(f)), h.Name(f.Name),
		g.If(f.Required, h.Required()),
		g.If(f.Placeholder != "", h.Placeholder(f.Placeholder)),
		g.If(f.Autocomplete != "", h.AutoComplete(f.Autocomplete)),
		g.If(f.Error != "", g.Attr("aria-invalid", "true")),
		g.If(described != "", g.Attr("aria-describedby", trimSpace(described))),
		g.Group(f.More),
	}
}

func options(f Field) g.Node {
	return g.Map(f.Options, func(o Option) g.Node {
		return h.Option(h.Value(o.Value), g.If(o.Chosen || o.Value == f.Value, h.Selected()), g.Text(o.Label))
	})
}

// Choice is a group of radio buttons, each with a sentence of help.
func Choice(name, label string, choices []Option) g.Node {
	return h.FieldSet(h.Class("choice"), h.Legend(g.Text(label)), g.Map(choices, func(o Option) g.Node {
		id := "f-" + name + "-" + o.Value
		return h.Label(h.For(id), h.Class("choice-row"),
			h.Input(h.Type("radio"), h.ID(id), h.Name(name), h.Value(o.Value), g.If(o.Chosen, h.Checked()),
				g.Attr("aria-labelledby", id+"-label"), g.If(o.Help != "", g.Attr("aria-describedby", id+"-help"))),
			h.Span(h.Strong(h.ID(id+"-label"), g.Text(o.Label)), g.If(o.Help != "", h.Span(h.Class("help"), h.ID(id+"-help"), g.Text(o.Help)))))
	}))
}

// Fold hides fields that few need; open shows them at once.
func Fold(summary string, open bool, children ...g.Node) g.Node {
	return h.Details(h.Class("fold"), g.If(open, g.Attr("open")),
		h.Summary(Icon(IconChevron), h.Span(g.Text(summary))), h.Div(h.Class("fold-body"), g.Group(children)))
}

func fieldID(f Field) string { return "f-" + f.Name }

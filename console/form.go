package console

import (
	"errors"
	"io"
	"net/http"
	"slices"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	kalends "kalends"
	"kalends/hub/connect"
	"kalends/ui"
)

// form asks for what the chosen calendar system needs.
func (k *console) form(j *journey) {
	if j.Done || j.Provider == "" {
		k.choose(j)
		return
	}
	k.showForm(j, http.StatusOK, nil)
}

func (k *console) showForm(j *journey, status int, wrong map[string]string) {
	v := j.v
	name := string(j.Provider)
	v.Render(status, v.Hub(ui.Page{
		Title:  v.T("form.title", "provider", providerName(j.Provider)),
		Crumbs: []ui.Crumb{{Href: connectPath, Label: v.T("choose.crumb")}}, Footer: j.bottom(),
	},
		ui.Heading(v.T("form.title", "provider", providerName(j.Provider)), nil),
		ui.Lead(v.T("form."+name+".lead")),
		k.helpLink(v, "exchange-rights", v.T("form."+name+".rights")),
		ui.Card(ui.Form(connectPath+"/form", ui.Multipart(), j.hidden(), k.fields(v, j.Form, j.Values, wrong, j.needsURL(), j.insecure() || j.roomless()),
			ui.Actions(ui.Button(ui.Primary, v.T("form.check")), h.Span(h.Class("muted"), v.Text("form.check_next")))))))
}

// fields draws a form: what everybody needs, then what few need, folded unless open.
func (k *console) fields(v *ui.View, form kalends.Form, values, wrong map[string]string, url, open bool) g.Node {
	var usual, rare g.Group
	for _, field := range form.Fields {
		if field.Kind == kalends.FieldHosts { // nobody types it
			usual = append(usual, ui.Hidden(field.Name, values[field.Name]))
			continue
		}
		input := v.Input(fieldOf(v, form.Provider, field, values[field.Name], wrong[field.Name]))
		switch {
		case !field.Advanced || field.Kind == kalends.FieldURL && url:
			usual = append(usual, input)
		case field.Kind == kalends.FieldURL && wrong[field.Name] == "":
			continue // appears by itself when the server is not found
		default:
			rare = append(rare, input)
			open = open || wrong[field.Name] != ""
		}
	}
	if len(rare) == 0 {
		return usual
	}
	return g.Group{usual, ui.Fold(v.T("form.advanced"), open, rare)}
}

func fieldOf(v *ui.View, p kalends.Provider, f kalends.Field, value, wrong string) ui.Field {
	key := "form." + string(p) + "." + f.Name
	field := ui.Field{
		Name: f.Name, Kind: kindOf(f.Kind), Label: v.T(key + ".label"), Required: f.Required, Optional: !f.Required,
		Error: wrong, Autocomplete: "off", More: []g.Node{g.Attr("spellcheck", "false"), g.Attr("autocapitalize", "off")},
	}
	switch {
	case f.Kind == kalends.FieldLegacyTLS:
		field.Checked = value != ""
	case !f.Secret:
		field.Value = value
	}
	if v.Has(key + ".help") {
		field.Help = v.T(key + ".help")
	}
	if v.Has(key + ".placeholder") {
		field.Placeholder = v.T(key + ".placeholder")
	}
	if f.Kind == kalends.FieldFile {
		field.Accept = ".pem,.crt,.cer"
	}
	return field
}

// kindOf gives how a field looks; most kinds look as they are called.
func kindOf(kind kalends.FieldKind) ui.FieldKind {
	switch kind {
	case kalends.FieldFingerprint:
		return ui.FieldText
	case kalends.FieldLegacyTLS:
		return ui.FieldCheckbox
	case kalends.FieldLines:
		return ui.FieldArea
	}
	return ui.FieldKind(kind)
}

// needsURL tells whether the check could not find the server by itself.
func (j *journey) needsURL() bool {
	for _, field := range j.Form.Fields {
		if field.Kind == kalends.FieldURL && j.Values[field.Name] != "" {
			return true
		}
	}
	if j.Connect.Check != connect.CheckFailed || j.refused() || j.insecure() {
		return false
	}
	for _, step := range j.Steps {
		if step.Key == kalends.StepAutodiscover && step.Status == kalends.StepFailed {
			return true
		}
	}
	return j.Cause != nil && j.Cause.Key == kalends.CauseServerNotFound
}

// insecure tells whether the server was found and does not speak TLS as it should:
// no other address helps then.
func (j *journey) insecure() bool {
	return j.Connect.Check == connect.CheckFailed && j.Cause != nil && j.Cause.Key == kalends.CauseTLS
}

// roomless tells whether rooms were looked for and are missing: naming them helps.
func (j *journey) roomless() bool {
	return slices.ContainsFunc(j.Steps, func(s kalends.Step) bool {
		return s.Key == kalends.StepRooms && s.Cause != nil && s.Cause.Key == kalends.CauseRoomsUnavailable
	})
}

// distrusted tells whether a server's certificate comes from an authority that is
// not known: the authority's own certificate helps then.
func (j *journey) distrusted() bool {
	return j.insecure() && j.Cause.Facts["reason"] == "unknown_authority"
}

// refused tells whether a server was found and took no user and password: other
// ones help then, not another server.
func (j *journey) refused() bool {
	return j.Cause != nil && j.Cause.Key == kalends.CauseCredentialsExpired
}

// entered starts the check.
func (k *console) entered(j *journey) {
	values, err := valuesOf(j.r, j.Form)
	if err == nil {
		j.keepFiles(values)
		err = k.hub.StartCheck(j.r.Context(), j.handle, values, client(j.r))
	}
	k.started(j, values, err)
}

// keepFiles takes a file that was uploaded before where no other one was chosen.
func (j *journey) keepFiles(values kalends.Credentials) {
	for _, field := range j.Form.Fields {
		if field.Kind == kalends.FieldFile && !field.Secret && values[field.Name] == "" {
			values[field.Name] = j.Values[field.Name]
		}
	}
}

// again repeats the check with what was entered.
func (k *console) again(j *journey) {
	values := kalends.Credentials{}
	for name, value := range j.Values {
		values[name] = value
	}
	k.started(j, values, k.hub.StartCheck(j.r.Context(), j.handle, values, client(j.r)))
}

func (k *console) started(j *journey, values kalends.Credentials, err error) {
	if wrong := wrongFields(j.v, j.Form.Provider, err); wrong != nil {
		j.Values = values
		k.showForm(j, http.StatusUnprocessableEntity, wrong)
		return
	}
	if err != nil {
		k.fail(j.v, err)
		return
	}
	j.v.Redirect(connectPath + "/check")
}

// wrongFields gives a sentence for each wrong field; nil if err is something else.
func wrongFields(v *ui.View, p kalends.Provider, err error) map[string]string {
	var invalid *connect.InvalidError
	if !errors.As(err, &invalid) {
		return nil
	}
	wrong := map[string]string{}
	for _, f := range invalid.Fields {
		label := v.T("form." + string(p) + "." + f.Field + ".label")
		wrong[f.Field] = v.T("field."+f.Key, "label", label)
	}
	return wrong
}

// valuesOf reads a form. A file's text is its value.
func valuesOf(r *http.Request, form kalends.Form) (kalends.Credentials, error) {
	values := kalends.Credentials{}
	for _, field := range form.Fields {
		if field.Kind != kalends.FieldFile {
			values[field.Name] = r.FormValue(field.Name)
			continue
		}
		text, err := fileOf(r, field.Name)
		if err != nil {
			return nil, err
		}
		values[field.Name] = text
	}
	return values, nil
}

func fileOf(r *http.Request, name string) (string, error) {
	file, _, err := r.FormFile(name)
	if errors.Is(err, http.ErrMissingFile) || errors.Is(err, http.ErrNotMultipart) {
		return r.FormValue(name), nil
	}
	if err != nil {
		return "", kalends.Errorf(kalends.KindInvalid, "console: read the file: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxBody))
	if err != nil {
		return "", kalends.Errorf(kalends.KindInvalid, "console: read the file: %w", err)
	}
	return string(text), nil
}

// helpLink leads to a help page, where there are any.
func (k *console) helpLink(v *ui.View, topic, label string) g.Node {
	if k.c.HelpURL == "" {
		return nil
	}
	return h.P(h.A(h.Href(k.c.HelpURL+topic+"?lang="+v.Lang), h.Target("_blank"), h.Rel("noopener"), g.Text(label)))
}

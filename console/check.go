package console

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	kalends "kalends"
	"kalends/explain"
	"kalends/hub/connect"
	"kalends/ui"
)

const (
	pollEvery   = 700 * time.Millisecond
	reloadEvery = 2 * time.Second // without scripts
)

// check shows the check as it happens, and then who would be connected.
func (k *console) check(j *journey) {
	if j.Done || j.Connect.Check == connect.CheckNone {
		k.form(j)
		return
	}
	page := ui.Page{
		Title: j.v.T("check.title"), Footer: j.bottom(),
		Crumbs: []ui.Crumb{{Href: connectPath, Label: j.v.T("choose.crumb")}, {Href: connectPath + "/form", Label: providerName(j.Provider)}},
	}
	if j.working() {
		page.Refresh = reloadEvery
	}
	j.v.Render(http.StatusOK, j.v.Hub(page, k.progress(j)))
}

// live is the part of the page that changes.
func (k *console) live(j *journey) { j.v.Render(http.StatusOK, k.progress(j)) }

func (j *journey) working() bool {
	return j.Connect.Check == connect.CheckRunning || j.Connect.Check == connect.CheckOK && j.Preview.Running
}

func (k *console) progress(j *journey) g.Node {
	body := g.Group{ui.Heading(j.v.T("check.title"), j.badge()), ui.Lead(j.v.T("check.lead." + j.lead())), j.causeWithoutLine(k)}
	if j.lead() != "stopped" {
		body = append(body, j.v.Steps(k.lines(j)))
	}
	if j.Connect.Check == connect.CheckOK {
		body = append(body, k.summary(j), k.preview(j), k.decide(j))
	}
	if j.working() {
		return ui.Live("progress", connectPath+"/live", pollEvery, body)
	}
	return ui.Still("progress", body)
}

// lead names the sentence above the lines; a check that failed before its first
// line was stopped.
func (j *journey) lead() string {
	if j.Connect.Check == connect.CheckFailed && len(j.Steps) == 0 {
		return "stopped"
	}
	return string(j.Connect.Check)
}

func (j *journey) badge() g.Node {
	states := map[connect.CheckState]ui.State{connect.CheckRunning: ui.StateRunning, connect.CheckOK: ui.StateOK, connect.CheckFailed: ui.StateError}
	return ui.Badge(states[j.Connect.Check], j.v.T("check.state."+string(j.Connect.Check)))
}

// causeWithoutLine says why a check failed that never began, such as after too
// many tries.
func (j *journey) causeWithoutLine(k *console) g.Node {
	if j.Cause == nil || j.Connect.Check != connect.CheckFailed || slices.ContainsFunc(j.Steps, func(s kalends.Step) bool { return s.Status == kalends.StepFailed }) {
		return nil
	}
	return h.Div(h.Class("notice is-error"), h.Role("alert"), ui.Icon(ui.IconError), h.Div(h.Class("notice-body"), k.cause(j.v, j.Cause), j.repair(k)))
}

// lines are the check's lines in the form's order, those that have not run among
// them; what a driver reports beyond its form comes last.
func (k *console) lines(j *journey) []ui.StepLine {
	ran := map[kalends.StepKey]kalends.Step{}
	keys := slices.Clone(j.Form.Steps)
	for _, step := range j.Steps {
		ran[step.Key] = step
		if !slices.Contains(keys, step.Key) {
			keys = append(keys, step.Key)
		}
	}
	lines := make([]ui.StepLine, len(keys))
	for i, key := range keys {
		lines[i] = ui.StepLine{State: ui.StateOff, Word: j.notYet(), Name: explain.Step(j.v.Lang, string(key))}
		if step, ok := ran[key]; ok {
			lines[i] = k.line(j, step)
		}
	}
	return lines
}

// notYet says why a line has not run: its turn has not come, or never will.
func (j *journey) notYet() string {
	if j.Connect.Check == connect.CheckRunning {
		return j.v.T("step.waiting")
	}
	return j.v.T("step.not_run")
}

func (k *console) line(j *journey, step kalends.Step) ui.StepLine {
	v := j.v
	line := ui.StepLine{
		State: stateOf(step.Status), Word: v.T("step." + string(step.Status)), Name: explain.Step(v.Lang, string(step.Key)),
		Text: explain.StepDone(v.Lang, string(step.Key), string(step.Status), step.Facts),
	}
	if step.Status == kalends.StepOK || step.Status == kalends.StepFailed || step.Status == kalends.StepWarning {
		line.Took = time.Duration(step.Milliseconds) * time.Millisecond
	}
	if step.Cause == nil && len(step.Attempts) == 0 {
		return line
	}
	line.Open = step.Status == kalends.StepFailed
	line.Body = g.Group{k.cause(v, step.Cause), attempts(v, step.Attempts), g.If(line.Open, j.repair(k)), details(v, step, line.Open)}
	return line
}

func stateOf(s kalends.StepStatus) ui.State {
	switch s {
	case kalends.StepOK:
		return ui.StateOK
	case kalends.StepFailed:
		return ui.StateError
	case kalends.StepWarning:
		return ui.StateWarning
	case kalends.StepRunning:
		return ui.StateRunning
	}
	return ui.StateOff
}

// attempts lists what was tried within a line, such as each Autodiscover address.
func attempts(v *ui.View, list []kalends.Attempt) g.Node {
	if len(list) == 0 {
		return nil
	}
	return ui.Fold(v.T("check.attempts", "count", len(list)), false, h.Ul(h.Class("attempts"), g.Map(list, func(a kalends.Attempt) g.Node {
		return h.Li(h.Code(g.Text(a.What)), h.Span(h.Class("muted"), g.Text(attempt(v, a))))
	})))
}

// attempt says how something was tried, what became of it, and the status.
func attempt(v *ui.View, a kalends.Attempt) string {
	words := []string{explain.Attempt(v.Lang, a.Result, map[string]string{"target": a.Target})}
	if method := explain.Method(v.Lang, a.Method); method != "" {
		words = slices.Insert(words, 0, method)
	}
	if a.Status != 0 {
		words = append(words, "HTTP "+strconv.Itoa(a.Status))
	}
	return strings.Join(words, " · ")
}

func details(v *ui.View, step kalends.Step, failed bool) g.Node {
	if !failed {
		return nil
	}
	var lines []string
	if step.Cause != nil {
		lines = append(lines, "cause: "+string(step.Cause.Key))
	}
	if step.Detail != "" {
		lines = append(lines, step.Detail)
	}
	return v.TechnicalDetails(lines...)
}

// cause is what happened, what to do, and the commands and links that help.
func (k *console) cause(v *ui.View, cause *kalends.Cause) g.Node {
	if cause == nil {
		return nil
	}
	text := explain.Cause(v.Lang, string(cause.Key), v.Facts(cause.Facts))
	return h.Div(h.Class("cause"),
		h.Div(h.Class("cause-words"), h.P(h.Strong(g.Text(text.What))), h.P(g.Text(text.Fix))),
		g.Map(text.Commands, func(c explain.Command) g.Node { return v.Code(c.Label, c.Text) }),
		g.Map(text.Links, func(l explain.Link) g.Node { return k.causeLink(v, l) }))
}

func (k *console) causeLink(v *ui.View, l explain.Link) g.Node {
	topic, ours := strings.CutPrefix(l.URL, "help/")
	if !ours {
		return h.P(h.A(h.Href(l.URL), h.Target("_blank"), h.Rel("noopener noreferrer"), g.Text(l.Label)))
	}
	if k.c.HelpURL == "" {
		return nil
	}
	return h.P(h.A(h.Href(k.c.HelpURL+topic), h.Target("_blank"), h.Rel("noopener"), g.Text(l.Label)))
}

// repair is what can be done about a failed check: other values where the password
// was refused, the server's address where it was not found, the certificate of an
// authority that is not known, else once more.
func (j *journey) repair(k *console) g.Node {
	// The same once more would bring the account closer to its lock, or only wait.
	if j.refused() || j.Cause != nil && j.Cause.Key == kalends.CauseTooManyTries {
		return ui.Actions(ui.LinkButton(ui.Primary, connectPath+"/form", j.v.T("check.change")),
			ui.PostButton(ui.Quiet, connectPath+"/again", j.v.T("check.again"), ui.Icon(ui.IconRefresh), j.hidden()))
	}
	change := ui.LinkButton(ui.Quiet, connectPath+"/form", j.v.T("check.change"))
	again := ui.PostButton(ui.Primary, connectPath+"/again", j.v.T("check.again"), ui.Icon(ui.IconRefresh), j.hidden())
	if c, ok := j.choice(); ok {
		choose := ui.PostButton(c.look, connectPath+"/form", j.v.T(c.label), ui.Icon(ui.IconShield), j.hidden(), j.otherValues(c.field), ui.Hidden(c.field, c.value))
		return ui.Actions(g.If(c.look != ui.Primary, again), choose, change)
	}
	if field, ok := j.missing(); ok {
		field.Required = true
		return ui.Form(connectPath+"/form", ui.Multipart(), j.hidden(), j.otherValues(field.Name),
			j.v.Input(fieldOf(j.v, j.Provider, field, j.Values[field.Name], "")),
			ui.Actions(ui.Button(ui.Primary, j.v.T("check.again"), ui.Icon(ui.IconRefresh)), change))
	}
	return ui.Actions(again, change)
}

// missing gives the field that may mend a failed check.
func (j *journey) missing() (kalends.Field, bool) {
	for _, field := range j.Form.Fields {
		if field.Kind == kalends.FieldFile && j.distrusted() || field.Kind == kalends.FieldURL && j.needsURL() {
			return field, true
		}
	}
	return kalends.Field{}, false
}

// choice is a value that one button enters where only an administrator can decide.
type choice struct {
	field, value, label string
	look                ui.Look
}

// choice gives what may be decided about a failed check: to trust a server outside
// the domain, exactly one certificate, or outdated TLS.
func (j *journey) choice() (choice, bool) {
	if j.Cause == nil {
		return choice{}, false
	}
	facts := j.Cause.Facts
	for _, f := range j.Form.Fields {
		switch {
		case f.Kind == kalends.FieldHosts && j.Cause.Key == kalends.CauseServerNotConfirmed && facts["host"] != "":
			return choice{f.Name, strings.TrimSpace(j.Values[f.Name] + " " + facts["host"]), "check.trust", ui.Primary}, true
		case f.Kind == kalends.FieldFingerprint && j.insecure() && !j.distrusted() && facts["fingerprint"] != "":
			return choice{f.Name, facts["fingerprint"], "check.pin", ui.Normal}, true
		case f.Kind == kalends.FieldLegacyTLS && j.insecure() && facts["reason"] == "legacy":
			return choice{f.Name, "on", "check.legacy", ui.Normal}, true
		}
	}
	return choice{}, false
}

// otherValues carries what was entered along, without secrets.
func (j *journey) otherValues(but string) g.Node {
	var nodes g.Group
	for _, field := range j.Form.Fields {
		if field.Name != but && !field.Secret && j.Values[field.Name] != "" {
			nodes = append(nodes, ui.Hidden(field.Name, j.Values[field.Name]))
		}
	}
	return nodes
}

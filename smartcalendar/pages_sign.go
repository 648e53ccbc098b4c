package smartcalendar

import (
	"errors"
	"net/http"
	"strings"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"kalends/db"
	"kalends/ui"
)

func (p *page) home() error {
	if !p.who.admin() {
		p.Redirect("/me")
		return nil
	}
	p.Redirect("/settings/calendar")
	return nil
}

// setup makes the first company and its administrator.
func (p *page) setup() error {
	token := p.r.PathValue("token")
	err := p.app.db.Read(p.ctx(), func(tx *db.Tx) error {
		_, err := seeTicket(p.ctx(), tx, ticketSetup, token)
		return err
	})
	if errors.Is(err, errTicket) {
		return p.deadLink("setup.dead")
	}
	if err != nil {
		return err
	}
	var problem error
	if p.r.Method == http.MethodPost {
		admin := NewPerson{Name: p.form("name"), Email: p.form("email"), Role: RoleAdministrator, Password: p.r.FormValue("password"), Lang: p.Lang}
		var made person
		if made, problem = p.app.setup(p.ctx(), token, p.form("company"), admin); problem == nil {
			return p.enter(made, "/settings/calendar")
		}
		if errors.Is(problem, errTicket) {
			return p.deadLink("setup.dead")
		}
		if !formError(problem) {
			return problem
		}
	}
	p.gate(statusOf(problem), "setup.title", ui.Lead(p.T("setup.lead")), ui.Form("/setup/"+token,
		p.Input(ui.Field{Name: "company", Label: p.T("setup.company"), Value: p.form("company"), Required: true, Autocomplete: "organization", Error: p.says(problem, errBadCompany)}),
		p.Input(ui.Field{Name: "name", Label: p.T("field.name"), Value: p.form("name"), Required: true, Autocomplete: "name", Error: p.says(problem, errBadName)}),
		p.Input(ui.Field{Name: "email", Kind: ui.FieldEmail, Label: p.T("field.email"), Value: p.form("email"), Required: true, Autocomplete: "email", Error: p.says(problem, errBadEmail)}),
		p.newPassword(problem), ui.Actions(ui.Button(ui.Primary, p.T("setup.button")))))
	return nil
}

// What forms find missing before anything is asked.
var (
	errBadCompany = errors.New("smartcalendar: the company needs a name")
	errNoPassword = errors.New("smartcalendar: no password was entered")
	errNoFile     = errors.New("smartcalendar: no file was chosen")
)

// formErrors are those that a form says beside a field.
var formErrors = []struct {
	err error
	key string
}{
	{errBadCompany, "wrong.company"},
	{errBadName, "wrong.name"},
	{errBadEmail, "wrong.email"},
	{errBadRole, "wrong.role"},
	{errAddressTaken, "wrong.taken"},
	{errLastAdmin, "wrong.last_admin"},
	{errPasswordShort, "wrong.short"},
	{errPasswordTooLong, "wrong.long"},
	{errNoPassword, "wrong.password"},
	{errNoFile, "wrong.file"},
	{errSignIn, "wrong.sign_in"},
	{errTooMany, "wrong.too_many"},
	{errCSVEmpty, "wrong.csv_empty"},
	{errCSVHeader, "wrong.csv_header"},
	{errCSVTooLong, "wrong.csv_long"},
	{errCSVBinary, "wrong.csv_binary"},
}

func formError(err error) bool { return formKey(err) != "" }

func formKey(err error) string {
	for _, known := range formErrors {
		if errors.Is(err, known.err) {
			return known.key
		}
	}
	return ""
}

// says gives the sentence of a form's problem if it is one of some.
func (p *page) says(problem error, some ...error) string {
	for _, one := range some {
		if problem != nil && errors.Is(problem, one) {
			return p.T(formKey(one))
		}
	}
	return ""
}

func statusOf(problem error) int {
	switch {
	case problem == nil:
		return http.StatusOK
	case errors.Is(problem, errTooMany):
		return http.StatusTooManyRequests
	}
	return http.StatusUnprocessableEntity
}

func (p *page) newPassword(problem error) g.Node {
	return p.Input(ui.Field{
		Name: "password", Kind: ui.FieldPassword, Label: p.T("field.new_password"), Help: p.T("field.password_help"), Required: true,
		Autocomplete: "new-password", Error: p.says(problem, errPasswordShort, errPasswordTooLong),
	})
}

func (p *page) gate(status int, title string, body ...g.Node) {
	p.Render(status, p.Gate(ui.Page{Title: p.T(title)}, ui.Heading(p.T(title), nil), g.Group(body)))
}

func (p *page) deadLink(key string) error {
	p.gate(http.StatusGone, key+".title", ui.Lead(p.T(key+".text")),
		ui.Actions(ui.LinkButton(ui.Primary, "/sign-in", p.T("sign_in.button")), ui.LinkButton(ui.Quiet, "/password", p.T("sign_in.forgot"))))
	return nil
}

func (p *page) signIn() error {
	next := localPath(p.r.FormValue("next"))
	if p.r.Method == http.MethodGet && p.who.ID != "" {
		p.Redirect(next)
		return nil
	}
	var problem error
	if p.r.Method == http.MethodPost {
		var who person
		if problem = p.missing(); problem == nil {
			who, problem = p.app.signIn(p.ctx(), p.form("email"), p.r.FormValue("password"), host(p.r))
		}
		if problem == nil {
			return p.enter(who, next)
		}
		if !formError(problem) {
			return problem
		}
	}
	p.gate(statusOf(problem), "sign_in.title",
		p.refused(problem),
		ui.Form("/sign-in", ui.Hidden("next", next),
			p.Input(ui.Field{Name: "email", Kind: ui.FieldEmail, Label: p.T("field.email"), Value: p.form("email"), Required: true, Autocomplete: "username", Error: p.says(problem, errBadEmail)}),
			p.Input(ui.Field{Name: "password", Kind: ui.FieldPassword, Label: p.T("field.password"), Required: true, Autocomplete: "current-password", Error: p.says(problem, errNoPassword)}),
			ui.Actions(ui.Button(ui.Primary, p.T("sign_in.button")), ui.LinkButton(ui.Quiet, "/password", p.T("sign_in.forgot")))))
	return nil
}

// missing says what a sign-in lacks: that is no try, and is not counted as one.
func (p *page) missing() error {
	var wrong []error
	if !validEmail(p.form("email")) {
		wrong = append(wrong, errBadEmail)
	}
	if p.r.FormValue("password") == "" {
		wrong = append(wrong, errNoPassword)
	}
	return errors.Join(wrong...)
}

// refused says why a sign-in did not work, not at which field: that would tell
// who has an account.
func (p *page) refused(problem error) g.Node {
	if text := p.says(problem, errSignIn, errTooMany); text != "" {
		return ui.Notice(ui.StateError, text)
	}
	return nil
}

// localPath keeps a return path within this site. Browsers take a backslash for
// a slash, and leave tabs and line breaks out before they look.
func localPath(next string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.Contains(next, "\\") || strings.ContainsFunc(next, control) {
		return "/"
	}
	return next
}

// enter starts a session under a new id: one that somebody else knew before is
// worth nothing.
func (p *page) enter(who person, to string) error {
	if err := p.app.sessions.RenewToken(p.ctx()); err != nil {
		return err
	}
	p.app.sessions.Put(p.ctx(), sessionPerson, who.ID)
	var epoch int64
	err := p.app.db.Write(p.ctx(), func(tx *db.Tx) error {
		if _, err := tx.Exec(p.ctx(), "UPDATE sc_people SET lang = $2 WHERE id = $1", who.ID, p.Lang); err != nil {
			return err
		}
		var err error
		epoch, err = db.One(p.ctx(), tx, db.Value[int64], "SELECT session FROM sc_people WHERE id = $1", who.ID)
		return err
	})
	if err != nil {
		return err
	}
	p.app.sessions.Put(p.ctx(), sessionEpoch, epoch)
	p.Redirect(to)
	return nil
}

func (p *page) signOut() error {
	if err := p.app.sessions.Destroy(p.ctx()); err != nil {
		return err
	}
	return p.done("/sign-in", "sign_in.out")
}

func (p *page) forgot() error {
	var problem error
	if p.r.Method == http.MethodPost && !validEmail(p.form("email")) {
		problem = errBadEmail
	}
	if p.r.Method == http.MethodPost && problem == nil {
		err := p.app.forgot(p.ctx(), p.form("email"), host(p.r))
		if err != nil && !errors.Is(err, errTooMany) {
			return err
		}
		p.gate(http.StatusOK, "forgot.sent", ui.Lead(p.T("forgot.sent_text")), ui.Actions(ui.LinkButton(ui.Normal, "/sign-in", p.T("forgot.back"))))
		return nil
	}
	p.gate(statusOf(problem), "forgot.title", ui.Lead(p.T("forgot.lead")), ui.Form("/password",
		p.Input(ui.Field{Name: "email", Kind: ui.FieldEmail, Label: p.T("field.email"), Value: p.form("email"), Required: true, Autocomplete: "username", Error: p.says(problem, errBadEmail)}),
		ui.Actions(ui.Button(ui.Primary, p.T("forgot.button")), ui.LinkButton(ui.Quiet, "/sign-in", p.T("forgot.back")))))
	return nil
}

func (p *page) reset() error   { return p.setPassword(ticketReset, "/password/", "reset") }
func (p *page) welcome() error { return p.setPassword(ticketInvite, "/welcome/", "welcome") }

// setPassword takes a one-time link and a new password.
func (p *page) setPassword(kind, path, texts string) error {
	token := p.r.PathValue("token")
	var who person
	err := p.app.db.Read(p.ctx(), func(tx *db.Tx) error {
		id, err := seeTicket(p.ctx(), tx, kind, token)
		if err != nil {
			return err
		}
		who, err = db.One(p.ctx(), tx, scanPerson, "SELECT "+personColumns+" FROM sc_people p WHERE p.id = $1 AND p.active", id)
		return err
	})
	if errors.Is(err, errTicket) || db.IsNotFound(err) {
		return p.deadLink(texts + ".dead")
	}
	if err != nil {
		return err
	}
	var problem error
	if p.r.Method == http.MethodPost {
		who, problem = p.app.acceptTicket(p.ctx(), kind, token, p.r.FormValue("password"))
		if problem == nil {
			return p.enter(who, "/")
		}
		if errors.Is(problem, errTicket) {
			return p.deadLink(texts + ".dead")
		}
		if !formError(problem) {
			return problem
		}
	}
	p.gate(statusOf(problem), texts+".title", ui.Lead(p.T(texts+".lead", "name", who.Name)), ui.Form(path+token,
		h.Input(h.Type("text"), h.Name("username"), h.Value(who.Email), h.AutoComplete("username"), h.ReadOnly(), g.Attr("hidden")),
		p.newPassword(problem), ui.Actions(ui.Button(ui.Primary, p.T(texts+".button")))))
	return nil
}

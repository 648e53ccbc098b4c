package smartcalendar

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"kalends/db"
	"kalends/explain"
	"kalends/ui"
)

const peoplePerPage = 50

// member is a person with her link, as lists show them.
type subject struct {
	person person
	link   link
}

func scanSubject(row db.Row) (subject, error) {
	var s subject
	err := row.Scan(append(s.person.fields(), s.link.fields()...)...)
	return s, err
}

const subjectFrom = " FROM sc_people p JOIN sc_links l ON l.person_id = p.id AND l.company_id = p.company_id "

// The statuses that a person can be shown with, beside those of her link.
const (
	shownInactive = "inactive"
	shownExcluded = "excluded"
)

// shown gives the status that a person is shown with.
func (s subject) shown() string {
	switch {
	case !s.person.Active:
		return shownInactive
	case s.person.Excluded:
		return shownExcluded
	}
	return s.link.Status
}

func stateOf(status string) ui.State {
	switch status {
	case statusConnected:
		return ui.StateOK
	case statusError:
		return ui.StateError
	case statusWaiting:
		return ui.StateWaiting
	case statusPending:
		return ui.StateRunning
	}
	return ui.StateOff
}

// where builds the condition of a list of people from the page's query.
func (p *page) where() (string, []any) {
	query, where, args := p.r.URL.Query(), "WHERE p.company_id = $1", []any{p.who.CompanyID}
	add := func(condition string, values ...any) {
		for _, value := range values {
			args = append(args, value)
			condition = strings.Replace(condition, "?", "$"+strconv.Itoa(len(args)), 1)
		}
		where += " AND " + condition
	}
	if q := fold(query.Get("q")); q != "" {
		like := "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(q) + "%"
		add(`(p.name_key LIKE ? ESCAPE '\' OR p.email_key LIKE ? ESCAPE '\')`, like, like)
	}
	switch status := query.Get("status"); status {
	case "":
	case shownInactive:
		add("NOT p.active")
	case shownExcluded:
		add("p.active AND p.excluded")
	default:
		add("p.active AND NOT p.excluded AND l.status = ?", status)
	}
	if cause := query.Get("cause"); cause != "" {
		add("p.active AND NOT p.excluded AND l.cause_key = ?", cause)
	}
	return where, args
}

var peopleOrders = map[string]string{
	"": "p.name_key, p.id", "name": "p.name_key, p.id", "-name": "p.name_key DESC, p.id",
	"since": "l.since, p.id", "-since": "l.since DESC, p.id",
}

func (p *page) people() error {
	where, args := p.where()
	order := peopleOrders[p.r.URL.Query().Get("sort")]
	if order == "" {
		order = peopleOrders[""]
	}
	at, _ := strconv.Atoi(p.r.URL.Query().Get("page"))
	at = min(max(at, 1), 100000)
	var list []subject
	var total int64
	var causes []string
	err := p.app.db.Read(p.ctx(), func(tx *db.Tx) (err error) {
		if total, err = db.One(p.ctx(), tx, db.Value[int64], "SELECT count(*)"+subjectFrom+where, args...); err != nil {
			return err
		}
		list, err = db.All(p.ctx(), tx, scanSubject, "SELECT "+personColumns+", "+linkColumns+subjectFrom+where+" ORDER BY "+order+
			fmt.Sprintf(" LIMIT %d OFFSET %d", peoplePerPage, (at-1)*peoplePerPage), args...)
		if err != nil {
			return err
		}
		causes, err = db.All(p.ctx(), tx, db.Value[string], "SELECT DISTINCT cause_key FROM sc_links WHERE company_id = $1 AND kind = 'person' AND cause_key <> '' ORDER BY cause_key", p.who.CompanyID)
		return err
	})
	if err != nil {
		return err
	}
	p.show(http.StatusOK, "/people", ui.Page{Title: p.T("people.title"), Wide: true},
		ui.Heading(p.T("people.title"), nil, ui.LinkButton(ui.Normal, "/people/import", p.T("people.import"), ui.Icon(ui.IconUpload)),
			ui.LinkButton(ui.Primary, "/people/new", p.T("people.invite"), ui.Icon(ui.IconUserPlus))),
		p.Filter(ui.Filters{Search: p.T("people.search"), Selects: p.peopleSelects(causes)}),
		p.peopleTable(list, ui.Pages{Page: at, Per: peoplePerPage, Total: int(total)}))
	return nil
}

func (p *page) peopleSelects(causes []string) []ui.Field {
	statuses := []ui.Option{{Value: "", Label: p.T("people.any_status")}}
	for _, s := range []string{statusConnected, statusError, statusWaiting, statusPending, statusNone, shownExcluded, shownInactive} {
		statuses = append(statuses, ui.Option{Value: s, Label: p.T("status." + s)})
	}
	fields := []ui.Field{{Name: "status", Label: p.T("people.status"), Options: statuses}}
	if len(causes) == 0 {
		return fields
	}
	return append(fields, ui.Field{Name: "cause", Label: p.T("people.cause"), Options: p.causeOptions(causes)})
}

func (p *page) causeOptions(causes []string) []ui.Option {
	options := []ui.Option{{Value: "", Label: p.T("people.any_cause")}}
	for _, key := range causes {
		options = append(options, ui.Option{Value: key, Label: explain.Cause(p.Lang, key, nil).Title})
	}
	return options
}

func (p *page) peopleTable(list []subject, pages ui.Pages) g.Node {
	var rows [][]g.Node
	for _, s := range list {
		rows = append(rows, []g.Node{
			ui.Person(s.person.Name, s.person.Email, "/people/"+s.person.ID), p.statusCell(s),
			p.Text("role." + s.person.Role), p.Ago(s.link.Since),
		})
	}
	return p.Table(ui.Table{
		Label: p.T("people.title"), Sort: p.r.URL.Query().Get("sort"), Rows: rows, Pages: pages,
		Columns: []ui.Column{{Key: "name", Label: p.T("field.name")}, {Label: p.T("people.status")}, {Label: p.T("field.role"), Minor: true}, {Key: "since", Label: p.T("people.since"), Minor: true}},
		Empty:   ui.Empty(ui.IconUsers, p.T("people.nobody"), p.T("people.nobody_text"), ui.LinkButton(ui.Normal, "/people", p.T("people.all"))),
	})
}

func (p *page) statusCell(s subject) g.Node {
	status := s.shown()
	cell := ui.Status(stateOf(status), p.T("status."+status))
	if s.link.CauseKey == "" || status == shownInactive || status == shownExcluded {
		return cell
	}
	return g.Group{cell, h.Div(h.Class("muted"), g.Text(explain.Cause(p.Lang, s.link.CauseKey, s.link.CauseFacts).Title))}
}

func (p *page) invite() error {
	var problem error
	if p.r.Method == http.MethodPost {
		var made person
		made, problem = p.app.invitePerson(p.ctx(), p.who, NewPerson{Name: p.form("name"), Email: p.form("email"), Role: p.form("role"), Lang: p.form("lang")})
		if problem == nil {
			return p.done("/people/"+made.ID, "people.invited", "email", made.Email)
		}
		if !formError(problem) {
			return problem
		}
	}
	p.show(statusOf(problem), "/people", ui.Page{Title: p.T("people.invite"), Crumbs: p.crumbs()},
		ui.Heading(p.T("people.invite"), nil), ui.Lead(p.T("people.invite_lead")),
		ui.Form("/people/new", p.personFields(p.form("name"), p.form("email"), p.form("role"), problem),
			p.Input(ui.Field{Name: "lang", Kind: ui.FieldSelect, Label: p.T("field.lang"), Value: p.Lang, Options: []ui.Option{{Value: "de", Label: "Deutsch"}, {Value: "en", Label: "English"}}}),
			ui.Actions(ui.Button(ui.Primary, p.T("people.invite_button"), ui.Icon(ui.IconMail)), ui.LinkButton(ui.Quiet, "/people", p.T("cancel")))))
	return nil
}

func (p *page) crumbs() []ui.Crumb { return []ui.Crumb{{Href: "/people", Label: p.T("people.title")}} }

func (p *page) personFields(name, email, role string, problem error) g.Node {
	if role == "" {
		role = RoleMember
	}
	return g.Group{
		p.Input(ui.Field{Name: "name", Label: p.T("field.name"), Value: name, Required: true, Error: p.says(problem, errBadName)}),
		p.Input(ui.Field{Name: "email", Kind: ui.FieldEmail, Label: p.T("field.email"), Help: p.T("field.email_help"), Value: email, Required: true, Error: p.says(problem, errBadEmail, errAddressTaken)}),
		ui.Choice("role", p.T("field.role"), []ui.Option{
			{Value: RoleMember, Label: p.T("role.member"), Help: p.T("role.member_help"), Chosen: role == RoleMember},
			{Value: RoleAdministrator, Label: p.T("role.administrator"), Help: p.T("role.administrator_help"), Chosen: role == RoleAdministrator},
		}),
		g.If(p.says(problem, errLastAdmin) != "", ui.Notice(ui.StateError, p.says(problem, errLastAdmin))),
	}
}

func (p *page) change() error {
	var s subject
	err := p.app.db.Read(p.ctx(), func(tx *db.Tx) (err error) {
		s, err = findSubject(p, tx, p.r.PathValue("id"))
		return err
	})
	if err != nil {
		return err
	}
	to, name, email, role := "/people/"+s.person.ID, s.person.Name, s.person.Email, s.person.Role
	var problem error
	if p.r.Method == http.MethodPost {
		name, email, role = p.form("name"), p.form("email"), p.form("role")
		problem = p.app.changePerson(p.ctx(), p.who, s.person.ID, personChange{Name: name, Email: email, Role: role})
		if problem == nil {
			return p.done(to, "person.changed")
		}
		if !formError(problem) {
			return problem
		}
	}
	p.show(statusOf(problem), "/people", ui.Page{Title: p.T("person.change"), Crumbs: append(p.crumbs(), ui.Crumb{Href: to, Label: s.person.Name})},
		ui.Heading(p.T("person.change"), nil), ui.Lead(p.T("person.change_lead")),
		ui.Form(to+"/change", p.personFields(name, email, role, problem),
			ui.Actions(ui.Button(ui.Primary, p.T("save")), ui.LinkButton(ui.Quiet, to, p.T("cancel")))))
	return nil
}

func findSubject(p *page, tx *db.Tx, id string) (subject, error) {
	s, err := db.One(p.ctx(), tx, scanSubject, "SELECT "+personColumns+", "+linkColumns+subjectFrom+"WHERE p.company_id = $1 AND p.id = $2", p.who.CompanyID, id)
	if db.IsNotFound(err) {
		return s, errNoPerson
	}
	return s, err
}

// personAct does one of the acts that are buttons on a person's page.
func (p *page) personAct() error {
	id := p.r.PathValue("id")
	acts := map[string]func() error{
		"deactivate": func() error { return p.app.deactivate(p.ctx(), p.who, id) },
		"reactivate": func() error { return p.app.reactivate(p.ctx(), p.who, id) },
		"exclude":    func() error { return p.app.exclude(p.ctx(), p.who, id, true) },
		"include":    func() error { return p.app.exclude(p.ctx(), p.who, id, false) },
		"invite":     func() error { return p.app.inviteAgain(p.ctx(), p.who, id) },
	}
	act := acts[p.r.PathValue("act")]
	if act == nil {
		return errNoPerson
	}
	err := act()
	if formError(err) {
		p.Flash(ui.StateError, formKey(err))
		p.Redirect("/people/" + id)
		return nil
	}
	if err != nil {
		return err
	}
	return p.done("/people/"+id, "person.done_"+p.r.PathValue("act"))
}

func (p *page) importFile() error {
	if p.r.Method != http.MethodPost {
		p.importForm(nil)
		return nil
	}
	id, problem := p.importUpload()
	switch {
	case problem == nil:
		p.Redirect("/import/" + id)
	case formError(problem):
		p.importForm(problem)
	default:
		return problem
	}
	return nil
}

// importUpload keeps the preview of an uploaded file and gives its id.
func (p *page) importUpload() (string, error) {
	data, err := p.upload()
	if err != nil {
		return "", err
	}
	return p.app.previewImport(p.ctx(), p.who, data)
}

// importForm asks for a file, and says what was wrong with the last one.
func (p *page) importForm(problem error) {
	p.show(statusOf(problem), "/people", ui.Page{Title: p.T("import.title"), Crumbs: p.crumbs()},
		ui.Heading(p.T("import.title"), nil), ui.Lead(p.T("import.lead")),
		ui.Form("/people/import", ui.Multipart(),
			p.Input(ui.Field{
				Name: "file", Kind: ui.FieldFile, Label: p.T("import.file"), Help: p.T("import.help"), Required: true, Accept: ".csv,.txt,text/csv",
				Error: p.says(problem, errNoFile, errCSVEmpty, errCSVHeader, errCSVTooLong, errCSVBinary),
			}),
			ui.Actions(ui.Button(ui.Primary, p.T("import.check")), ui.LinkButton(ui.Quiet, "/people", p.T("cancel")))),
		p.Code(p.T("import.example"), "Vorname;Nachname;E-Mail;Rolle\nAnna;Beispiel;anna.beispiel@musterwerk.example;Mitglied"))
}

// upload reads the chosen file whole: of a file that is too large, nobody is
// taken.
func (p *page) upload() ([]byte, error) {
	file, _, err := p.r.FormFile("file")
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, errCSVTooLong
	case err != nil:
		return nil, errNoFile
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, importBytes+1))
	if len(data) > importBytes {
		return nil, errCSVTooLong
	}
	return data, err
}

func (p *page) importPreview() error {
	id := p.r.PathValue("id")
	var rows []csvRow
	err := p.app.db.Read(p.ctx(), func(tx *db.Tx) (err error) {
		rows, err = importOf(p.ctx(), tx, p.who.CompanyID, id)
		return err
	})
	if err != nil {
		return err
	}
	good := 0
	for _, row := range rows {
		if row.Problem == "" {
			good++
		}
	}
	p.show(http.StatusOK, "/people", ui.Page{Title: p.T("import.preview"), Crumbs: p.crumbs(), Wide: true},
		ui.Heading(p.T("import.preview"), nil), ui.Lead(p.T("import.summary", "good", good, "bad", len(rows)-good)),
		g.If(good > 0, ui.Form("/import/"+id,
			p.Input(ui.Field{Name: "invite", Kind: ui.FieldCheckbox, Label: p.T("import.invite"), Help: p.T("import.invite_help")}),
			ui.Actions(ui.Button(ui.Primary, p.T("import.button", "count", good)), ui.LinkButton(ui.Quiet, "/people/import", p.T("import.again"))))),
		g.If(good == 0, ui.Actions(ui.LinkButton(ui.Primary, "/people/import", p.T("import.again")))),
		p.importTable(rows))
	return nil
}

// importTable shows what is wrong first; of a long list, the beginning.
func (p *page) importTable(rows []csvRow) g.Node {
	var bad, good [][]g.Node
	for _, row := range rows {
		state := ui.Status(ui.StateOK, p.T("import.ok"))
		if row.Problem != "" {
			state = ui.Status(ui.StateError, p.T(row.Problem, "other", row.Other))
		}
		cells := []g.Node{h.Strong(g.Text(cmp.Or(row.Name, row.Email, "–"))), g.Text(row.Email), p.Text("role." + orMember(row.Role)), g.Text(p.Number(row.Line)), state}
		if row.Problem != "" {
			bad = append(bad, cells)
			continue
		}
		good = append(good, cells)
	}
	all := append(bad, good...)
	more := len(all) - 200
	return g.Group{
		p.Table(ui.Table{
			Label: p.T("import.preview"), Rows: all[:min(len(all), 200)],
			Columns: []ui.Column{{Label: p.T("field.name")}, {Label: p.T("field.email")}, {Label: p.T("field.role"), Minor: true}, {Label: p.T("import.line"), Number: true}, {Label: p.T("import.state")}},
		}),
		g.If(more > 0, h.P(h.Class("muted"), p.Text("import.more", "count", more))),
	}
}

func orMember(role string) string {
	if role == "" {
		return RoleMember
	}
	return role
}

func (p *page) importConfirm() error {
	n, err := p.app.confirmImport(p.ctx(), p.who, p.r.PathValue("id"), p.form("invite") != "")
	if err != nil {
		return err
	}
	return p.done("/people", "import.done", "count", n)
}

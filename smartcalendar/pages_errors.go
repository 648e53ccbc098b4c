package smartcalendar

import (
	"encoding/csv"
	"net/http"
	"slices"
	"time"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"kalends/db"
	"kalends/explain"
	"kalends/ui"
)

// shownPerGroup is how many people of one cause the page lists at once.
const shownPerGroup = 50

// filterFrom is the number of errors from which a search is worth its place.
const filterFrom = 5

// syncError is a person or room that is not connected, or waits.
type syncError struct {
	link link
	name string
	mail string // as written
}

// syncErrors lists who is not connected or waits, narrowed by the page's filter.
func (p *page) syncErrors() (list []syncError, err error) {
	cause, q := p.r.URL.Query().Get("cause"), fold(p.r.URL.Query().Get("q"))
	err = p.app.db.Read(p.ctx(), func(tx *db.Tx) error {
		all, err := db.All(p.ctx(), tx, func(row db.Row) (syncError, error) {
			var s syncError
			err := row.Scan(append(s.link.fields(), &s.name, &s.mail)...)
			return s, err
		}, "SELECT "+linkColumns+`, COALESCE(p.name, l.name), COALESCE(p.email, l.email_key)
			FROM sc_links l LEFT JOIN sc_people p ON p.id = l.person_id
			WHERE l.company_id = $1 AND l.status IN ('error', 'waiting') AND (l.kind = 'resource' OR (p.active AND NOT p.excluded))
			ORDER BY l.cause_key, COALESCE(p.name_key, l.name), l.id`, p.who.CompanyID)
		list = nil
		for _, s := range all {
			if (cause == "" || s.link.CauseKey == cause) && (q == "" || contains(s, q)) {
				list = append(list, s)
			}
		}
		return err
	})
	return list, err
}

func contains(s syncError, q string) bool {
	return containsFold(s.name, q) || containsFold(s.mail, q)
}

// groups puts together what has one cause.
func groups(list []syncError, status string) (causes []string, by map[string][]syncError) {
	by = map[string][]syncError{}
	for _, s := range list {
		if s.link.Status != status {
			continue
		}
		if by[s.link.CauseKey] == nil {
			causes = append(causes, s.link.CauseKey)
		}
		by[s.link.CauseKey] = append(by[s.link.CauseKey], s)
	}
	return causes, by
}

func (p *page) errorList(list []syncError) g.Node {
	causes, by := groups(list, statusError)
	total := 0
	for _, cause := range causes {
		total += len(by[cause])
	}
	filtered := p.r.URL.Query().Get("cause")+p.r.URL.Query().Get("q") != ""
	if total == 0 && !filtered {
		return h.Div(h.ID("errors"), ui.Section(p.T("errors.title", "count", 0), nil, ui.Notice(ui.StateOK, p.T("errors.none"))))
	}
	acts := h.Div(h.Class("actions"), p.retryButton("all", "1", p.T("errors.retry_all")),
		ui.LinkButton(ui.Normal, "/settings/calendar/errors.csv?"+p.r.URL.Query().Encode(), "CSV", ui.Icon(ui.IconDownload)))
	var body g.Group
	if filtered || total > filterFrom {
		body = append(body, p.Filter(ui.Filters{Search: p.T("people.search"), Selects: []ui.Field{{Name: "cause", Label: p.T("people.cause"), Options: p.causeOptions(causes)}}}))
	}
	if total == 0 {
		body = append(body, ui.Empty(ui.IconSearch, p.T("errors.filtered"), p.T("errors.filtered_text"), ui.LinkButton(ui.Normal, "/settings/calendar#errors", p.T("errors.all"))))
	} else {
		body = append(body, ui.Groups(p.errorGroups(causes, by)...))
	}
	return h.Div(h.ID("errors"), ui.Section(p.T("errors.title", "count", total), acts, body))
}

func (p *page) errorGroups(causes []string, by map[string][]syncError) []ui.Group {
	list := make([]ui.Group, len(causes))
	for i, cause := range causes {
		all := by[cause]
		one := p.causeGroup("cause-", cause, all, p.errorRow)
		if len(all) > 1 {
			one.Action = p.retryButton("cause", cause, p.T("errors.retry_group"))
		}
		if more := len(all) - len(one.Rows); more > 0 {
			one.More = h.P(h.Class("group-more"), h.Span(h.Class("muted"), p.Text("errors.shown", "shown", len(one.Rows), "total", len(all))),
				ui.LinkButton(ui.Quiet, "/people?cause="+cause, p.T("errors.more", "count", more)))
		}
		list[i] = one
	}
	return list
}

// common is what the explanations of a group share. It is said once; rows show
// what differs.
type common struct{ what, fix, commands bool }

func commonOf(texts []explain.Text) common {
	same := common{what: len(texts) > 1, fix: true, commands: true}
	for _, text := range texts {
		same.what = same.what && text.What == texts[0].What
		same.fix = same.fix && text.Fix == texts[0].Fix
		same.commands = same.commands && slices.Equal(text.Commands, texts[0].Commands)
	}
	return same
}

// causeGroup lists who has a cause, at most shownPerGroup of them.
func (p *page) causeGroup(prefix, cause string, all []syncError, row func(syncError, g.Node) ui.GroupRow) ui.Group {
	one := ui.Group{ID: prefix + cause, Title: explain.Cause(p.Lang, cause, nil).Title, Count: p.Number(len(all))}
	texts := make([]explain.Text, len(all))
	for i, s := range all {
		texts[i] = explain.Cause(p.Lang, s.link.CauseKey, s.link.CauseFacts)
	}
	same := commonOf(texts)
	one.Lead = p.groupLead(same, texts[0])
	for i, s := range all[:min(len(all), shownPerGroup)] {
		one.Rows = append(one.Rows, row(s, p.rowText(same, texts[i])))
	}
	return one
}

func (p *page) groupLead(same common, text explain.Text) g.Node {
	if !same.commands {
		text.Commands = nil
	}
	return g.Group{g.If(same.what, h.P(g.Text(text.What))), g.If(same.fix, h.P(g.Text(text.Fix))), p.commands(text)}
}

// rowText is what a group's lead has not said.
func (p *page) rowText(same common, text explain.Text) g.Node {
	var nodes g.Group
	if !same.what {
		nodes = append(nodes, h.P(g.Text(text.What)))
	}
	if !same.fix {
		nodes = append(nodes, h.P(h.Class("muted"), g.Text(text.Fix)))
	}
	if !same.commands {
		nodes = append(nodes, p.foldCommands(p.T("errors.command_row"), text.Commands))
	}
	return nodes
}

func (p *page) errorRow(s syncError, text g.Node) ui.GroupRow {
	return ui.GroupRow{Who: p.whoFailed(s), What: g.Group{text, p.proposalLine(s.link)}, Do: p.retryRow(s)}
}

func (p *page) retryRow(s syncError) g.Node {
	return ui.PostButton(ui.Quiet, "/settings/calendar/retry", p.T("errors.retry"), g.Attr("aria-label", p.T("errors.retry_who", "name", s.name)),
		ui.Icon(ui.IconRefresh), ui.Hidden("link", s.link.ID), ui.Hidden("back", p.r.URL.Path))
}

func (p *page) whoFailed(s syncError) g.Node {
	if s.link.PersonID == "" {
		return ui.Room(s.name, s.mail)
	}
	return ui.Person(s.name, s.mail, "/people/"+s.link.PersonID)
}

// proposalLine offers the mailbox that somebody is probably known by.
func (p *page) proposalLine(l link) g.Node {
	if l.proposal() == "" {
		return nil
	}
	return h.Div(h.Class("proposal"), h.Span(p.Text("errors.proposal"), g.Text(": "), h.Span(h.Class("proposal-mailbox"), g.Text(l.proposal()))), p.acceptButton(l))
}

// waitingList is kept apart: a mailbox that is about to come is no error.
func (p *page) waitingList(list []syncError) g.Node {
	causes, by := groups(list, statusWaiting)
	total := 0
	waiting := make([]ui.Group, len(causes))
	for i, cause := range causes {
		total += len(by[cause])
		waiting[i] = p.causeGroup("waiting-", cause, by[cause], p.waitingRow)
		if more := len(by[cause]) - len(waiting[i].Rows); more > 0 {
			waiting[i].More = h.P(h.Class("group-more"), ui.LinkButton(ui.Quiet, "/people?status="+statusWaiting, p.T("errors.more", "count", more)))
		}
	}
	if total == 0 {
		return nil
	}
	return ui.Section(p.T("waiting.title", "count", total), nil, h.P(h.Class("muted"), p.Text("waiting.text")), ui.Groups(waiting...))
}

func (p *page) waitingRow(s syncError, text g.Node) ui.GroupRow {
	return ui.GroupRow{
		Who: p.whoFailed(s), Do: p.retryRow(s),
		What: g.Group{text, h.P(h.Class("muted"), p.Text("people.since"), g.Text(": "), p.Ago(s.link.Since))},
	}
}

// errorsCSV exports the list as spreadsheets read it: with a byte order mark, in
// German with semicolons, and no cell that a spreadsheet takes for a formula.
func (p *page) errorsCSV() error {
	list, err := p.syncErrors()
	if err != nil {
		return err
	}
	p.w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	p.w.Header().Set("Content-Disposition", `attachment; filename="`+p.T("errors.file")+`.csv"`)
	if _, err := p.w.Write([]byte("\xef\xbb\xbf")); err != nil {
		return nil
	}
	out := csv.NewWriter(p.w)
	if p.Lang == "de" {
		out.Comma = ';'
	}
	_ = out.Write([]string{p.T("field.name"), p.T("field.email"), p.T("people.status"), p.T("people.cause"), p.T("errors.what"), p.T("errors.fix"), p.T("errors.proposal"), p.T("people.since")})
	for _, s := range list {
		_ = out.Write(p.csvRecord(s))
	}
	out.Flush()
	return nil
}

func (p *page) csvRecord(s syncError) []string {
	text := explain.Cause(p.Lang, s.link.CauseKey, s.link.CauseFacts)
	return ui.CSVRow(s.name, s.mail, p.T("status."+s.link.Status), s.link.CauseKey, text.What, text.Fix, s.link.proposal(), s.link.Since.In(p.Zone).Format(time.RFC3339))
}

func (p *page) outbox() error {
	mails, err := p.app.outbox(p.ctx())
	if err != nil {
		return err
	}
	var rows [][]g.Node
	for _, m := range mails {
		rows = append(rows, []g.Node{h.A(h.Href("/outbox/"+m.ID), g.Text(m.Subject)), g.Text(m.Recipient), p.Ago(m.CreatedAt)})
	}
	p.Render(http.StatusOK, p.Hub(ui.Page{Title: p.T("outbox.title"), Wide: true}, ui.Heading(p.T("outbox.title"), nil), ui.Lead(p.T("outbox.lead")),
		p.Table(ui.Table{
			Label: p.T("outbox.title"), Rows: rows, Columns: []ui.Column{{Label: p.T("outbox.subject")}, {Label: p.T("outbox.to")}, {Label: p.T("outbox.at"), Minor: true}},
			Empty: ui.Empty(ui.IconMail, p.T("outbox.none"), p.T("outbox.none_text")),
		})))
	return nil
}

func (p *page) outboxMail() error {
	m, message, err := p.app.mailByID(p.ctx(), p.r.PathValue("id"))
	if err != nil {
		return err
	}
	p.Render(http.StatusOK, p.Hub(ui.Page{Title: m.Subject, Crumbs: []ui.Crumb{{Href: "/outbox", Label: p.T("outbox.title")}}},
		ui.Heading(m.Subject, nil), ui.Facts(ui.Pair{Name: p.T("outbox.to"), Value: g.Text(m.Recipient)}, ui.Pair{Name: p.T("outbox.at"), Value: p.When(m.CreatedAt)}),
		ui.Card(linked(message.Text))))
	return nil
}

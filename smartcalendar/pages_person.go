package smartcalendar

import (
	"context"
	"net/http"
	"strconv"
	"time"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"kalends/cronofy"
	"kalends/db"
	"kalends/explain"
	"kalends/ui"
)

// hubPatience is how long a page waits for the hub.
const hubPatience = 8 * time.Second

func (p *page) person() error {
	var s subject
	var past []entry
	var cal calendar
	err := p.app.db.Read(p.ctx(), func(tx *db.Tx) (err error) {
		if s, err = findSubject(p, tx, p.r.PathValue("id")); err != nil {
			return err
		}
		if cal, err = calendarOf(p.ctx(), tx, p.who.CompanyID); err != nil {
			return err
		}
		past, err = historyOf(p.ctx(), tx, s.person)
		return err
	})
	if err != nil {
		return err
	}
	status := s.shown()
	p.show(http.StatusOK, "/people", ui.Page{Title: s.person.Name, Crumbs: p.crumbs(), Wide: true},
		ui.Heading(s.person.Name, ui.Badge(stateOf(status), p.T("status."+status)),
			ui.LinkButton(ui.Normal, "/people/"+s.person.ID+"/change", p.T("person.change")), p.personMenu(s)),
		p.personCause(s), p.throttledNotice(s, cal), ui.Columns(p.identity(s), p.connection(s, cal)), p.busy(s.link, "/people/"+s.person.ID), p.diagnosis(s, cal), p.history(past))
	return nil
}

func (p *page) personMenu(s subject) g.Node {
	act := func(look ui.Look, name string) g.Node {
		return ui.PostButton(look, "/people/"+s.person.ID+"/"+name, p.T("person.do_"+name))
	}
	var items []g.Node
	switch {
	case !s.person.Active:
		return act(ui.Normal, "reactivate")
	case s.person.Excluded:
		items = append(items, act(ui.Quiet, "include"))
	default:
		items = append(items, act(ui.Quiet, "exclude"))
	}
	if s.person.Password == "" {
		items = append(items, act(ui.Quiet, "invite"))
	}
	return ui.Menu(p.T("person.more"), append(items, act(ui.Danger, "deactivate"))...)
}

// personCause says what is wrong and what to do, with what does it.
func (p *page) personCause(s subject) g.Node {
	if s.link.CauseKey == "" || !s.person.wanted() {
		return nil
	}
	text := explain.Cause(p.Lang, s.link.CauseKey, s.link.CauseFacts)
	state := ui.StateError
	if s.link.Status == statusWaiting {
		state = ui.StateWaiting
	}
	return ui.Notice(state, text.What, h.P(g.Text(text.Fix)), p.proposalLine(s.link),
		ui.PostButton(ui.Normal, "/settings/calendar/retry", p.T("errors.retry"), ui.Icon(ui.IconRefresh), ui.Hidden("link", s.link.ID), ui.Hidden("back", p.r.URL.Path)), p.commands(text))
}

func (p *page) acceptButton(l link) g.Node {
	if l.proposal() == "" {
		return nil
	}
	return ui.PostButton(ui.Normal, "/settings/calendar/accept", p.T("errors.accept_short"), g.Attr("aria-label", p.T("errors.accept", "mailbox", l.proposal())),
		ui.Hidden("link", l.ID), ui.Hidden("back", p.r.URL.Path))
}

func (p *page) retryButton(field, value, label string) g.Node {
	return ui.PostButton(ui.Quiet, "/settings/calendar/retry", label, ui.Hidden(field, value), ui.Hidden("back", p.r.URL.Path))
}

// commands are what to run at the vendor, and where to read on.
func (p *page) commands(text explain.Text) g.Node {
	links := g.Map(text.Links, func(l explain.Link) g.Node { return h.P(h.A(h.Href(helpURL(l.URL)), g.Text(l.Label))) })
	switch {
	case len(text.Commands) > 0:
		return p.foldCommands(p.T("errors.command"), text.Commands, links)
	case len(text.Links) > 0:
		return links
	}
	return nil
}

func (p *page) foldCommands(label string, commands []explain.Command, more ...g.Node) g.Node {
	if len(commands) == 0 {
		return nil
	}
	return ui.Fold(label, false, g.Map(commands, func(c explain.Command) g.Node { return p.Code(c.Label, c.Text) }), g.Group(more))
}

func (p *page) identity(s subject) g.Node {
	signed := p.T("person.never")
	pairs := []ui.Pair{
		{Name: p.T("field.email"), Value: g.Text(s.person.Email)}, {Name: p.T("field.role"), Value: p.Text("role." + s.person.Role)},
	}
	if s.person.SignedInAt.IsZero() {
		pairs = append(pairs, ui.Pair{Name: p.T("person.signed_in"), Value: g.Text(signed)})
	} else {
		pairs = append(pairs, ui.Pair{Name: p.T("person.signed_in"), Value: p.Ago(s.person.SignedInAt)})
	}
	return ui.Section(p.T("person.identity"), nil, ui.Card(ui.Facts(pairs...)))
}

func (p *page) connection(s subject, cal calendar) g.Node {
	l := s.link
	pairs := []ui.Pair{
		{Name: p.T("people.status"), Value: ui.Status(stateOf(s.shown()), p.T("status."+s.shown()))},
		{Name: p.T("people.since"), Value: p.Ago(l.Since)},
	}
	if l.MatchedEmail != "" {
		matched := l.MatchedEmail
		if by := explain.MatchedBy(p.Lang, l.MatchedBy); by != "" {
			matched += " (" + by + ")"
		}
		pairs = append(pairs, ui.Pair{Name: p.T("person.mailbox"), Value: g.Text(matched)})
	}
	for _, c := range cal.Connections {
		pairs = append(pairs, ui.Pair{Name: p.T("person.system"), Value: g.Text(p.T("provider."+c.Provider) + " · " + c.Domain)})
	}
	if !l.LastSyncAt.IsZero() {
		pairs = append(pairs, ui.Pair{Name: p.T("person.last_sync"), Value: p.Ago(l.LastSyncAt)})
	}
	if l.Refresh != "" {
		pairs = append(pairs, ui.Pair{Name: p.T("person.calendars"), Value: p.calendars(l)})
	}
	return ui.Section(p.T("person.connection"), nil, ui.Card(ui.Facts(pairs...)))
}

// calendars lists the calendars through the public API.
func (p *page) calendars(l link) g.Node {
	ctx, cancel := context.WithTimeout(p.ctx(), hubPatience)
	defer cancel()
	list, err := p.app.account(l.ID).Calendars(ctx)
	if err != nil {
		return ui.Status(ui.StateWarning, p.T("person.unreadable"))
	}
	if len(list) == 0 {
		return h.Span(h.Class("muted"), p.Text("person.no_calendars"))
	}
	return h.Ul(h.Class("plain"), g.Map(list, func(c cronofy.Calendar) g.Node {
		about := p.T("person.read_write")
		if c.ReadOnly {
			about = p.T("person.read_only")
		}
		if c.Primary {
			about = p.T("person.primary") + ", " + about
		}
		return h.Li(g.Text(c.Name+" "), h.Span(h.Class("muted"), g.Text("("+about+")")))
	}))
}

// diagnosis offers the check of one person, and shows it when it was asked for.
func (p *page) diagnosis(s subject, cal calendar) g.Node {
	if !cal.live() || !s.person.wanted() {
		return nil
	}
	// Another address each time: a link to the page's own would only scroll.
	at := strconv.FormatInt(p.Now.UnixMilli(), 36)
	button := ui.LinkButton(ui.Normal, "/people/"+s.person.ID+"?check="+at+"#check", p.T("person.check"), ui.Icon(ui.IconRefresh))
	if p.r.URL.Query().Get("check") == "" {
		return h.Div(h.ID("check"), ui.Section(p.T("person.diagnosis"), button, h.P(h.Class("muted"), p.Text("person.check_text"))))
	}
	ctx, cancel := context.WithTimeout(p.ctx(), 4*hubPatience)
	defer cancel()
	steps, err := p.app.company(p.who.CompanyID).In(p.Lang).Diagnosis(ctx, s.link.EmailKey, true)
	if err != nil {
		return h.Div(h.ID("check"), ui.Section(p.T("person.diagnosis"), button, ui.Notice(ui.StateError, p.T("fail.hub")), p.TechnicalDetails(err.Error())))
	}
	return h.Div(h.ID("check"), ui.Section(p.T("person.diagnosis"), button, p.Steps(p.stepLines(steps))))
}

func (p *page) stepLines(steps []cronofy.Step) []ui.StepLine {
	lines := make([]ui.StepLine, len(steps))
	for i, s := range steps {
		line := ui.StepLine{
			State: map[string]ui.State{"ok": ui.StateOK, "failed": ui.StateError, "warning": ui.StateWarning}[s.Status],
			Name:  explain.Step(p.Lang, s.Key), Text: explain.StepDone(p.Lang, s.Key, s.Status, s.Facts),
			Took: time.Duration(s.Milliseconds) * time.Millisecond, Word: p.T("step." + s.Status),
		}
		if line.State == "" {
			line.State = ui.StateOff
		}
		if s.Cause != nil {
			text := explain.Cause(p.Lang, s.Cause.Key, s.Cause.Facts)
			line.Body, line.Open = g.Group{h.P(g.Text(text.What + " " + text.Fix)), p.commands(text)}, true
		}
		lines[i] = line
	}
	return lines
}

// busy shows a week of somebody's taken time, read through the public API.
func (p *page) busy(l link, path string) g.Node {
	if l.Refresh == "" || l.Status != statusConnected {
		return nil
	}
	start := p.week()
	ctx, cancel := context.WithTimeout(p.ctx(), hubPatience)
	defer cancel()
	rows, err := cronofy.Collect(p.app.account(l.ID).FreeBusy(ctx, cronofy.FreeBusyQuery{From: start, To: start.AddDate(0, 0, 7), IncludeManaged: true}))
	if err != nil {
		return ui.Section(p.T("person.week"), nil, ui.Notice(ui.StateWarning, p.T("person.unreadable")))
	}
	var blocks []ui.Block
	for _, row := range rows {
		blocks = append(blocks, p.block(row))
	}
	link := func(days int) string {
		return path + "?week=" + start.AddDate(0, 0, days).Format(time.DateOnly) + "#week"
	}
	return h.Div(h.ID("week"), ui.Section(p.T("person.week"), nil, p.WeekStrip(ui.Week{Start: start, Blocks: blocks, Prev: link(-7), Next: link(7)})))
}

func (p *page) block(row cronofy.FreeBusy) ui.Block {
	b := ui.Block{Start: row.Start.Time, End: row.End.Time, Tentative: row.Status == cronofy.Tentative, AllDay: row.Start.Date}
	if b.AllDay { // days are those of the viewer's zone
		b.Start = time.Date(b.Start.Year(), b.Start.Month(), b.Start.Day(), 0, 0, 0, 0, p.Zone)
		b.End = time.Date(b.End.Year(), b.End.Month(), b.End.Day(), 0, 0, 0, 0, p.Zone)
	}
	return b
}

// week is the Monday that the page shows: of ?week=, else of this week.
func (p *page) week() time.Time {
	day := p.Now.In(p.Zone)
	if asked, err := time.ParseInLocation(time.DateOnly, p.r.URL.Query().Get("week"), p.Zone); err == nil {
		day = asked
	}
	back := (int(day.Weekday()) + 6) % 7
	return time.Date(day.Year(), day.Month(), day.Day()-back, 0, 0, 0, 0, p.Zone)
}

func (p *page) history(past []entry) g.Node {
	if len(past) == 0 {
		return nil
	}
	lines := make([]ui.LogLine, len(past))
	for i, e := range past {
		lines[i] = ui.LogLine{At: p.Ago(e.At), What: p.historyLine(e), Who: e.Actor}
		switch e.Actor {
		case operator, byHub, byProvider:
			lines[i].Who = p.T("history." + e.Actor)
		}
	}
	return ui.Section(p.T("history.title"), nil, ui.Card(ui.Log(lines...)))
}

// What the hub says when it was no person who ended a connection.
const (
	byHub      = "hub"
	byProvider = "provider"
)

func (p *page) historyLine(e entry) string {
	line := p.T("history." + e.Action)
	if cause := e.Facts["cause"]; cause != "" {
		line += ": " + explain.Cause(p.Lang, cause, nil).Title
	}
	return line
}

// me is everybody's own page: is my calendar connected, and what is seen of it.
func (p *page) me() error {
	var s subject
	var cal calendar
	err := p.app.db.Read(p.ctx(), func(tx *db.Tx) (err error) {
		if s, err = findSubject(p, tx, p.who.ID); err != nil {
			return err
		}
		cal, err = calendarOf(p.ctx(), tx, p.who.CompanyID)
		return err
	})
	if err != nil {
		return err
	}
	status := s.shown()
	key := "me." + status
	if status == statusNone && cal.live() {
		key = "me.soon"
	}
	var region g.Node
	refresh := time.Duration(0)
	if s.link.open() && (status == statusPending || status == statusNone) { // one that waits takes hours
		refresh = 3 * time.Second
		region = ui.Live("me-live", "/me", 2*time.Second, ui.Status(ui.StateRunning, p.T("me.connecting")))
	}
	if p.Live() && region != nil { // still the same: only the region
		p.Render(http.StatusOK, region)
		return nil
	}
	p.DrawAnew()
	p.show(http.StatusOK, "/me", ui.Page{Title: p.T("me.title"), Wide: true, Refresh: refresh},
		ui.Heading(p.T("me.title"), ui.Badge(stateOf(status), p.T("status."+status))), ui.Lead(p.T(key)), region,
		p.busy(s.link, "/me"), h.P(h.A(h.Href("/help/data"), p.Text("help.data.title"))))
	return nil
}

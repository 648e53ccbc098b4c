package smartcalendar

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"kalends/cronofy"
	"kalends/db"
	"kalends/explain"
	"kalends/ui"
)

// overview is everything that Settings → Calendar shows.
type overview struct {
	calendar calendar
	run      run
	progress progress
	wanted   int // people who are to be connected
	people   map[string]int
	rooms    map[string]int
	link     string
	linkEnds time.Time
	history  []entry
}

func (p *page) overview() (o overview, err error) {
	err = p.app.db.Read(p.ctx(), func(tx *db.Tx) error {
		if o.calendar, err = calendarOf(p.ctx(), tx, p.who.CompanyID); err != nil {
			return err
		}
		if o.run, err = lastRun(p.ctx(), tx, p.who.CompanyID); err != nil {
			return err
		}
		if o.run.running() {
			if o.progress, err = progressOf(p.ctx(), tx, o.run.ID); err != nil {
				return err
			}
		}
		if o.link, o.linkEnds, err = p.app.linkForIT(p.ctx(), tx, p.who.CompanyID); err != nil {
			return err
		}
		if o.history, err = calendarHistory(p.ctx(), tx, p.who.CompanyID); err != nil {
			return err
		}
		return o.count(p, tx)
	})
	return o, err
}

func (o *overview) count(p *page, tx *db.Tx) error {
	o.people, o.rooms, o.wanted = map[string]int{}, map[string]int{}, 0
	_, err := db.All(p.ctx(), tx, func(row db.Row) (struct{}, error) {
		var kind, status string
		var n int
		err := row.Scan(&kind, &status, &n)
		if kind == kindResource {
			o.rooms[status] += n
			return struct{}{}, err
		}
		o.people[status] += n
		o.wanted += n
		return struct{}{}, err
	}, `SELECT l.kind, l.status, count(*) FROM sc_links l LEFT JOIN sc_people p ON p.id = l.person_id
		WHERE l.company_id = $1 AND (l.kind = 'resource' OR (p.active AND NOT p.excluded)) GROUP BY l.kind, l.status`, p.who.CompanyID)
	return err
}

// version changes when the page has to be drawn anew, not only its numbers.
func (o overview) version() string {
	state := o.calendar.Status + "." + o.run.ID + "." + fmt.Sprint(o.linkEnds.Unix())
	if o.run.running() {
		return state + ".running"
	}
	return state + "." + o.calendar.CauseKey + fmt.Sprint(".", o.people[statusError], ".", o.rooms[statusError], ".", o.people[statusWaiting])
}

func (p *page) calendar() error {
	if !p.company.Smart {
		p.featureOff()
		return nil
	}
	o, err := p.overview()
	if err != nil {
		return err
	}
	if !o.calendar.live() {
		p.notConnected(o)
		return nil
	}
	return p.connected(o)
}

// calendarLive is the part of the page that moves. When more than numbers
// changed, the whole page is drawn anew.
func (p *page) calendarLive() error {
	o, err := p.overview()
	if err != nil {
		return err
	}
	if p.r.URL.Query().Get("v") != o.version() {
		p.DrawAnew()
		return p.calendar()
	}
	p.Render(http.StatusOK, p.live(o))
	return nil
}

func (p *page) live(o overview) g.Node {
	every, address := restEvery, "/settings/calendar/live?v="+url.QueryEscape(o.version())
	if o.run.running() {
		every = time.Second
	}
	if !o.calendar.live() {
		return ui.Live("calendar-live", address, every)
	}
	return ui.Live("calendar-live", address, every, p.stats(o), p.runLine(o))
}

func (p *page) stats(o overview) g.Node {
	failed, age := o.people[statusError]+o.rooms[statusError], "–"
	for _, c := range o.calendar.Connections {
		if c.DataAgeSeconds != nil && o.people[statusConnected] > 0 {
			age = p.Span(time.Duration(max(c.DataAgeSeconds.Median, 1)) * time.Second)
			break
		}
	}
	state := ui.State("")
	if failed > 0 {
		state = ui.StateError
	}
	return ui.Stats(
		ui.Stat{Value: p.Number(o.people[statusConnected]), Of: p.Number(o.wanted), Label: p.T("calendar.users"), Href: "/people?status=connected"},
		ui.Stat{Value: p.Number(failed), Label: p.T("calendar.errors"), Href: "#errors", State: state},
		ui.Stat{Value: p.Number(o.rooms[statusConnected]), Label: p.T("calendar.rooms"), Href: "/settings/calendar/rooms"},
		ui.Stat{Value: age, Label: p.T("calendar.age")})
}

func (p *page) runLine(o overview) g.Node {
	kept, throttled := o.calendar.throttled()
	if !o.run.running() {
		if throttled {
			return p.throttledLine(kept, "throttled.")
		}
		if o.run.ID == "" {
			return nil
		}
		return h.P(h.Class("muted calm"), p.Text("run.last"), g.Text(" "), p.Ago(o.run.FinishedAt), g.Text(" · "+o.run.StartedBy))
	}
	bar := p.Progress(ui.Bar{
		Label: p.T("run.progress", "done", o.progress.done(), "total", o.progress.Total), Done: o.progress.done(), Total: o.progress.Total,
		Errors: o.progress.Errors, Left: o.progress.left(o.run, p.Now),
	})
	if throttled {
		return ui.Card(bar, p.throttledLine(kept, "throttled.run_"))
	}
	var problem g.Node
	if o.run.Problem != "" {
		problem = ui.Notice(ui.StateWarning, p.T("run.stalled"))
	}
	return ui.Card(bar, h.P(h.Class("muted calm"), p.Text("run.leave")), problem)
}

func (p *page) showCalendar(refresh time.Duration, wide bool, body ...g.Node) {
	p.show(http.StatusOK, "/settings/calendar", ui.Page{Title: p.T("calendar.title"), Refresh: refresh, Wide: wide}, body...)
}

func (p *page) featureOff() {
	contact := g.Text(p.T("feature.nobody"))
	if c := p.app.config.Contact; strings.Contains(c, "://") {
		contact = h.A(h.Href(c), g.Text(c))
	} else if c != "" {
		contact = h.A(h.Href("mailto:"+c), g.Text(c))
	}
	p.showCalendar(0, false,
		ui.Heading(p.T("calendar.title"), ui.Badge(ui.StateOff, p.T("feature.off"))), ui.Lead(p.T("feature.lead")),
		ui.Section(p.T("feature.who"), nil, ui.Card(contact)),
		ui.Section(p.T("feature.prepare"), nil, ui.Plan(
			ui.Pair{Name: p.T("feature.step1"), Value: p.Text("feature.step1_text")},
			ui.Pair{Name: p.T("feature.step2"), Value: p.Text("feature.step2_text")},
			ui.Pair{Name: p.T("feature.step3"), Value: p.Text("feature.step3_text")})),
		ui.Actions(ui.LinkButton(ui.Normal, "/help/exchange", p.T("help.exchange.title")), ui.LinkButton(ui.Quiet, "/help/data", p.T("help.data.title"))))
}

func (p *page) notConnected(o overview) {
	look := ui.Actions(
		ui.PostButton(ui.Primary, "/settings/calendar/connect", p.T("calendar.start")),
		ui.PostButton(ui.Normal, "/settings/calendar/link", p.T("calendar.it"), ui.Icon(ui.IconLink)),
		ui.LinkButton(ui.Quiet, "/help/data", p.T("help.data.title")))
	p.showCalendar(0, false,
		ui.Heading(p.T("calendar.title"), ui.Badge(ui.StateOff, p.T("calendar.none"))), p.endedNotice(o.calendar),
		ui.Lead(p.T("calendar.lead")),
		ui.Plan(ui.Pair{Name: p.T("plan.sign_in"), Value: p.Text("plan.sign_in_text")},
			ui.Pair{Name: p.T("plan.check"), Value: p.Text("plan.check_text")},
			ui.Pair{Name: p.T("plan.connect"), Value: p.Text("plan.connect_text", "count", o.wanted)}),
		look, h.P(h.Class("muted"), p.Text("calendar.next")), p.itLinkBox(o),
		ui.Section(p.T("calendar.prepare"), nil, ui.Links(
			ui.LinkRow{Href: "/help/exchange", Title: p.T("help.exchange.title"), Text: p.T("help.exchange.about")},
			ui.LinkRow{Href: "/help/exchange-rights", Title: p.T("help.rights.title"), Text: p.T("help.rights.about")})),
		p.live(o), p.history(o.history))
}

func (p *page) endedNotice(c calendar) g.Node {
	if c.Status != calendarEnded {
		return nil
	}
	by := c.EndedBy
	switch by {
	case "", byHub:
		by = p.T("calendar.ended_hub")
	case byProvider:
		by = p.T("history.provider")
	}
	sentence := p.T("calendar.ended", "by", by, "at", p.Exact(c.EndedAt))
	if c.CauseKey != "" && c.CauseKey != "revoked" {
		text := explain.Cause(p.Lang, c.CauseKey, c.CauseFacts)
		sentence += " " + text.What
	}
	return ui.Notice(ui.StateWarning, sentence+" "+p.T("calendar.again"))
}

func (p *page) itLinkBox(o overview) g.Node {
	if o.link == "" {
		return nil
	}
	return ui.Section(p.T("it.title"), nil, ui.Card(h.P(p.Text("it.text", "until", p.Exact(o.linkEnds))), p.CopyLink(p.T("it.title"), o.link)))
}

func (p *page) connected(o overview) error {
	list, err := p.syncErrors()
	if err != nil {
		return err
	}
	c := o.calendar
	badge := ui.Badge(ui.StateOK, p.T("calendar.connected")+p.systems(c))
	if c.Status == calendarDegraded {
		badge = ui.Badge(ui.StateWarning, p.T("calendar.degraded")+p.systems(c))
	}
	refresh := time.Duration(0)
	if o.run.running() {
		refresh = 3 * time.Second
	}
	p.showCalendar(refresh, true,
		ui.Heading(p.T("calendar.title"), badge, p.calendarActions(o)...), p.degraded(c), p.expiry(c), p.live(o),
		p.errorList(list), p.waitingList(list), p.itLinkBox(o), p.history(o.history))
	return nil
}

// calendarActions are those of a connected calendar. While it is degraded,
// renewing the connection comes first.
func (p *page) calendarActions(o overview) []g.Node {
	menu := ui.Menu(p.T("calendar.more"),
		ui.PostButton(ui.Quiet, "/settings/calendar/connect", p.T("calendar.repair")),
		ui.PostButton(ui.Quiet, "/settings/calendar/link", p.T("calendar.it")),
		ui.LinkButton(ui.Danger, "/settings/calendar/disconnect", p.T("calendar.disconnect")))
	if o.run.running() {
		return []g.Node{menu}
	}
	look := ui.Primary
	if o.calendar.Status == calendarDegraded {
		look = ui.Normal
	}
	return []g.Node{ui.PostButton(look, "/settings/calendar/resync", p.T("calendar.resync"), ui.Icon(ui.IconRefresh)), menu}
}

func (p *page) systems(c calendar) string {
	text := ""
	for _, one := range c.Connections {
		if one.Status != cronofy.ConnectionDisconnected {
			text += " · " + p.T("provider."+one.Provider) + " · " + one.Domain
		}
	}
	return text
}

func (p *page) degraded(c calendar) g.Node {
	if c.Status != calendarDegraded {
		return nil
	}
	text := explain.Cause(p.Lang, c.CauseKey, c.CauseFacts)
	return ui.Notice(ui.StateError, text.What+" "+text.Fix, ui.PostButton(ui.Primary, "/settings/calendar/connect", p.T("calendar.repair")), p.commands(text))
}

func (p *page) expiry(c calendar) g.Node {
	var notes g.Group
	for _, one := range c.Connections {
		for _, e := range one.Expires {
			days := int(e.At.Sub(p.Now).Hours() / 24)
			if days > 30 {
				continue
			}
			what := "expiry." + e.What
			if !p.Has(what) {
				what = "expiry.rest"
			}
			notes = append(notes, ui.Notice(ui.StateWarning, p.T(what, "count", max(days, 0))))
		}
	}
	return notes
}

func (p *page) connect() error { return p.begin(connectBrowser) }
func (p *page) itLink() error  { return p.begin(connectLink) }

func (p *page) begin(kind string) error {
	if !p.company.Smart {
		return errNoPerson
	}
	to, err := p.app.beginConnect(p.ctx(), p.who, kind)
	if err != nil {
		p.app.log.Warn("connect cannot be prepared", "company", p.who.CompanyID, "request", p.RequestID, "error", err)
		p.Flash(ui.StateError, "fail.hub")
		p.Redirect("/settings/calendar")
		return nil
	}
	if kind == connectLink {
		return p.done("/settings/calendar", "it.made")
	}
	p.Redirect(to)
	return nil
}

// returned is where the hub sends the browser after a connect. The page needs no
// sign-in for a link for IT; whoever started a connect in her own browser has to
// be the one who returns.
func (p *page) returned() error {
	query := p.r.URL.Query()
	c, err := p.app.seeConnect(p.ctx(), query.Get("state"), p.who)
	if errors.Is(err, errStateForeign) && p.who.ID == "" {
		p.toSignIn()
		return nil
	}
	if err == nil && query.Get("error") != "" {
		return p.back(ui.StateWarning, "return.declined")
	}
	if err == nil {
		err = p.app.finishConnect(p.ctx(), c, query.Get("code"))
	}
	switch {
	case err == nil:
		return p.back(ui.StateOK, "return.connected")
	case errors.Is(err, errOtherCalendar):
		return p.back(ui.StateError, "return.another")
	case errors.Is(err, errStateUsed):
		return p.back(ui.StateInfo, "return.used")
	case errors.Is(err, errStateForeign), errors.Is(err, errStateUnknown):
		p.refuse(http.StatusBadRequest, "return.unknown")
		return nil
	}
	p.app.log.Warn("return from the hub failed", "company", c.CompanyID, "request", p.RequestID, "error", err)
	return p.back(ui.StateError, "return.failed")
}

// back shows how it went: on the settings for an administrator of the company,
// else on a page of its own.
func (p *page) back(state ui.State, key string) error {
	if p.who.admin() {
		p.Flash(state, key)
		p.Redirect("/settings/calendar")
		return nil
	}
	p.gate(http.StatusOK, "return.title", ui.Notice(state, p.T(key)), ui.Lead(p.T("return.close")))
	return nil
}

func (p *page) resync() error {
	err := p.app.db.Write(p.ctx(), func(tx *db.Tx) error {
		c, err := calendarOf(p.ctx(), tx, p.who.CompanyID)
		if err != nil || !c.live() {
			return err
		}
		_, err = p.app.startRun(p.ctx(), tx, p.who.CompanyID, runResync, p.who.Name)
		return err
	})
	if err != nil {
		return err
	}
	return p.done("/settings/calendar", "run.started")
}

func (p *page) retry() error {
	who := subjects{LinkID: p.form("link"), Cause: p.form("cause"), Failed: p.form("all") != ""}
	if who == (subjects{}) {
		who.Failed = true
	}
	if err := p.app.retry(p.ctx(), p.who, who); err != nil {
		return err
	}
	return p.done(p.backPath(), "run.retried")
}

func (p *page) accept() error {
	if err := p.app.accept(p.ctx(), p.who, p.form("link")); err != nil {
		if db.IsNotFound(err) {
			return err
		}
		p.app.log.Warn("proposal not taken", "company", p.who.CompanyID, "error", err)
		p.Flash(ui.StateError, "fail.hub")
		p.Redirect(p.backPath())
		return nil
	}
	return p.done(p.backPath(), "errors.accepted")
}

func (p *page) backPath() string {
	if back := localPath(p.form("back")); strings.HasPrefix(back, "/people/") {
		return back
	}
	return "/settings/calendar"
}

func (p *page) disconnect() error {
	o, err := p.overview()
	if err != nil {
		return err
	}
	if !o.calendar.live() {
		p.Redirect("/settings/calendar")
		return nil
	}
	wrong := ""
	if p.r.Method == http.MethodPost {
		if ui.Confirmed(p.form("confirm"), p.company.Name) {
			if err := p.app.disconnect(p.ctx(), p.who); err != nil {
				return err
			}
			return p.done("/settings/calendar", "disconnect.done")
		}
		wrong = p.T("disconnect.wrong", "name", p.company.Name)
	}
	status := http.StatusOK
	if wrong != "" {
		status = http.StatusUnprocessableEntity
	}
	p.show(status, "/settings/calendar", ui.Page{Title: p.T("calendar.disconnect"), Crumbs: []ui.Crumb{{Href: "/settings/calendar", Label: p.T("calendar.title")}}},
		ui.Heading(p.T("calendar.disconnect"), nil), ui.Lead(p.T("disconnect.lead")),
		p.ConfirmByTyping(ui.Confirm{
			Action: "/settings/calendar/disconnect", Phrase: p.company.Name, Button: p.T("calendar.disconnect"), Cancel: "/settings/calendar", Error: wrong,
			Consequences: []string{
				p.T("disconnect.users", "count", o.people[statusConnected]), p.T("disconnect.rooms", "count", o.rooms[statusConnected]),
				p.T("disconnect.data"), p.T("disconnect.again"),
			},
		}),
		h.P(h.A(h.Href("/help/disconnect"), p.Text("disconnect.help"))))
	return nil
}

func (p *page) rooms() error {
	var list []link
	err := p.app.db.Read(p.ctx(), func(tx *db.Tx) (err error) {
		list, err = db.All(p.ctx(), tx, scanLink, "SELECT "+linkColumns+" FROM sc_links l WHERE l.company_id = $1 AND l.kind = 'resource' ORDER BY l.name, l.id", p.who.CompanyID)
		return err
	})
	if err != nil {
		return err
	}
	columns, rows := p.roomTable(list)
	p.show(http.StatusOK, "/settings/calendar", ui.Page{Title: p.T("calendar.rooms"), Wide: true, Crumbs: []ui.Crumb{{Href: "/settings/calendar", Label: p.T("calendar.title")}}},
		ui.Heading(p.T("calendar.rooms"), nil), ui.Lead(p.T("rooms.lead")), p.Table(ui.Table{
			Label: p.T("calendar.rooms"), Rows: rows, Columns: columns,
			Empty: ui.Empty(ui.IconDoor, p.T("rooms.none"), p.T("rooms.none_text"), ui.LinkButton(ui.Normal, "/help/exchange#rooms", p.T("help.exchange.title"))),
		}))
	return nil
}

// roomTable leaves out what the calendar system knows of no room.
func (p *page) roomTable(list []link) (columns []ui.Column, rows [][]g.Node) {
	seats, places := false, false
	for _, l := range list {
		seats, places = seats || l.Detail.Capacity > 0, places || l.Detail.Building+l.Detail.Floor != ""
	}
	columns = []ui.Column{{Label: p.T("field.name")}, {Label: p.T("people.status")}}
	if seats {
		columns = append(columns, ui.Column{Label: p.T("rooms.seats"), Number: true})
	}
	if places {
		columns = append(columns, ui.Column{Label: p.T("rooms.place")})
	}
	for _, l := range list {
		cells := []g.Node{ui.Room(l.Name, l.EmailKey), p.roomStatus(l)}
		if seats {
			cells = append(cells, g.Text(orDash(l.Detail.Capacity > 0, p.Number(l.Detail.Capacity))))
		}
		if places {
			place := strings.TrimSpace(l.Detail.Building + " " + l.Detail.Floor)
			cells = append(cells, g.Text(orDash(place != "", place)))
		}
		rows = append(rows, cells)
	}
	return columns, rows
}

func (p *page) roomStatus(l link) g.Node {
	cell := ui.Status(stateOf(l.Status), p.T("status."+l.Status))
	if l.CauseKey == "" {
		return cell
	}
	return g.Group{cell, h.Div(h.Class("muted"), g.Text(explain.Cause(p.Lang, l.CauseKey, l.CauseFacts).Title))}
}

func orDash(known bool, text string) string {
	if known {
		return text
	}
	return "–"
}

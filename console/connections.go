package console

import (
	"net/http"
	"slices"
	"strings"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	kalends "kalends"
	"kalends/explain"
	"kalends/hub/connect"
	"kalends/ui"
)

const (
	shownAudits = 50
	listURL     = home + "/connections/"
)

// connections lists what the administrator may see, across applications.
func (k *console) connections(v *ui.View, s connect.Session) {
	list, err := k.hub.SessionConnections(v.Request.Context(), s)
	if err != nil {
		k.fail(v, err)
		return
	}
	audits, err := k.hub.SessionAudits(v.Request.Context(), s, shownAudits)
	if err != nil {
		k.fail(v, err)
		return
	}
	v.Render(http.StatusOK, v.Hub(ui.Page{Title: v.T("connections.title"), User: userOf(v, s), Wide: true},
		ui.Heading(v.T("connections.title"), nil), ui.Lead(v.T("connections.lead")),
		v.Table(connectionTable(v, list)),
		ui.Section(v.T("audit.title"), nil, auditList(v, audits))))
}

func connectionTable(v *ui.View, list []connect.ConnectionInfo) ui.Table {
	t := ui.Table{
		Label: v.T("connections.title"),
		Columns: []ui.Column{
			{Label: v.T("connections.application")},
			{Label: v.T("connections.system")},
			{Label: v.T("connections.status")},
			{Label: v.T("connections.people"), Number: true},
			{Label: v.T("connections.since")},
			{Label: v.T("connections.used")},
			{Label: v.T("connections.actions"), Unnamed: true},
		},
		Empty: ui.Empty(ui.IconUnlink, v.T("connections.none"), v.T("connections.none_text")),
	}
	for _, c := range list {
		t.Rows = append(t.Rows, []g.Node{
			g.Group{h.A(h.Class("person-name"), h.Href(listURL+c.ID), g.Text(c.Application.Name)), g.If(c.Company != "", h.Div(h.Class("muted"), g.Text(c.Company)))},
			g.Group{g.Text(providerName(c.Provider)), h.Br(), h.Span(h.Class("muted"), g.Text(c.Domain))},
			connectionStatus(v, c), g.Text(v.Number(people(c))),
			v.Day(c.ConnectedAt), lastUse(v, c),
			g.If(c.Status != kalends.ConnectionDisconnected, ui.LinkButton(ui.Quiet, listURL+c.ID, v.T("connections.open"), g.Attr("aria-label", v.T("connections.open_label", "application", c.Application.Name)))),
		})
	}
	return t
}

// people counts the connected ones without the rooms.
func people(c connect.ConnectionInfo) int { return c.Counts.Connected - c.Resources }

// lastUse says when the application last used its rights.
func lastUse(v *ui.View, c connect.ConnectionInfo) g.Node {
	if c.LastUsedAt.IsZero() {
		return h.Span(h.Class("muted"), v.Text("connections.unused"))
	}
	return v.Ago(c.LastUsedAt)
}

func connectionStatus(v *ui.View, c connect.ConnectionInfo) g.Node {
	status := ui.Status(connectionState(c.Status), v.T("status."+string(c.Status)))
	if c.Cause == nil || c.Status == kalends.ConnectionDisconnected {
		return status
	}
	return g.Group{status, h.Div(h.Class("muted"), g.Text(explain.Cause(v.Lang, string(c.Cause.Key), nil).Title))}
}

func connectionState(s kalends.ConnectionStatus) ui.State {
	switch s {
	case kalends.ConnectionConnected:
		return ui.StateOK
	case kalends.ConnectionDegraded:
		return ui.StateWarning
	}
	return ui.StateOff
}

// find gives one of the administrator's connections; nil after an error page.
func (k *console) find(v *ui.View, s connect.Session) *connect.ConnectionInfo {
	list, err := k.hub.SessionConnections(v.Request.Context(), s)
	if err != nil {
		k.fail(v, err)
		return nil
	}
	i := slices.IndexFunc(list, func(c connect.ConnectionInfo) bool { return c.ID == v.Request.PathValue("id") })
	if i < 0 {
		k.fail(v, kalends.Errorf(kalends.KindNotFound, "console: no such connection"))
		return nil
	}
	return &list[i]
}

// connection is one connection with its rights, numbers and history.
func (k *console) connection(v *ui.View, s connect.Session) {
	c := k.find(v, s)
	if c == nil {
		return
	}
	audits, err := k.hub.SessionAudits(v.Request.Context(), s, shownAudits*4)
	if err != nil {
		k.fail(v, err)
		return
	}
	own := slices.DeleteFunc(audits, func(a kalends.Audit) bool { return a.ConnectionID != c.ID })
	v.Render(http.StatusOK, v.Hub(k.connectionPage(v, s, c.Application.Name),
		ui.Heading(c.Application.Name, ui.Badge(connectionState(c.Status), v.T("status."+string(c.Status)))),
		k.connectionProblem(v, c), connectionStats(v, c), connectionFacts(v, c), rightsCard(v, c),
		ui.Section(v.T("audit.title"), nil, auditList(v, own)),
		g.If(c.Status != kalends.ConnectionDisconnected, ui.Section(v.T("revoke.title"), nil,
			h.P(h.Class("muted"), v.Text("revoke.lead")), ui.Actions(ui.LinkButton(ui.Normal, listURL+c.ID+"/revoke", v.T("revoke.ask")))))))
}

func (k *console) connectionPage(v *ui.View, s connect.Session, title string) ui.Page {
	return ui.Page{Title: title, User: userOf(v, s), Crumbs: []ui.Crumb{{Href: home, Label: v.T("connections.title")}}}
}

func (k *console) connectionProblem(v *ui.View, c *connect.ConnectionInfo) g.Node {
	if c.Cause == nil || c.Status == kalends.ConnectionDisconnected {
		return nil
	}
	look, icon := "is-warning", ui.IconAlert
	if c.Status == kalends.ConnectionConnected { // it goes on by itself
		look, icon = "is-waiting", ui.IconWaiting
	}
	return h.Div(h.Class("notice "+look), h.Role("status"), ui.Icon(icon), h.Div(h.Class("notice-body"), k.cause(v, c.Cause)))
}

func connectionStats(v *ui.View, c *connect.ConnectionInfo) g.Node {
	age := "–"
	if c.AgeMedian > 0 {
		age = v.Span(c.AgeMedian)
	}
	problems := ui.Stat{Value: v.Number(c.Counts.Error), Label: v.T("connection.errors")}
	if c.Counts.Error > 0 {
		problems.State = ui.StateError
	}
	return ui.Stats(ui.Stat{Value: v.Number(people(*c)), Label: v.T("connection.people")}, problems,
		ui.Stat{Value: v.Number(c.Resources), Label: v.T("connection.resources")}, ui.Stat{Value: age, Label: v.T("connection.age")})
}

func connectionFacts(v *ui.View, c *connect.ConnectionInfo) g.Node {
	pairs := []ui.Pair{
		{Name: v.T("connections.system"), Value: g.Text(providerName(c.Provider) + " · " + c.Domain)},
		{Name: v.T("connection.level"), Value: v.Text("level." + string(c.Level))},
		{Name: v.T("connections.since"), Value: v.When(c.ConnectedAt)},
		{Name: v.T("connection.by"), Value: g.Text(c.ConnectedBy)},
		{Name: v.T("connections.used"), Value: lastUse(v, *c)},
		{Name: v.T("connections.last"), Value: v.Ago(c.LastSyncAt)},
	}
	for _, e := range c.Expires {
		pairs = append(pairs, ui.Pair{Name: v.T("connection.expires"), Value: g.Group{g.Text(e.What + ": "), v.When(e.At)}})
	}
	return ui.Card(ui.Facts(pairs...))
}

func rightsCard(v *ui.View, c *connect.ConnectionInfo) g.Node {
	may, mayNot := rightsOf(c.Scope + " " + c.DelegatedScope)
	return ui.Card(h.Div(h.Class("rights"),
		h.Div(h.H2(v.Text("rights.may", "application", c.Application.Name)), rightsList(v, "may", ui.IconDone, may)),
		h.Div(h.H2(v.Text("rights.may_not")), rightsList(v, "may-not", ui.IconMinus, mayNot))))
}

func auditList(v *ui.View, audits []kalends.Audit) g.Node {
	if len(audits) == 0 {
		return h.P(h.Class("muted"), v.Text("audit.none"))
	}
	return ui.Card(h.Ul(h.Class("audit"), g.Map(audits, func(a kalends.Audit) g.Node {
		return h.Li(v.When(a.At), h.Span(g.Text(auditWords(v, a)), h.Span(h.Class("muted"), g.Text(" · "+actorWords(v, a.Actor)))))
	})))
}

// auditWords names an act; one without words yet shows its key.
func auditWords(v *ui.View, a kalends.Audit) string {
	if key := "audit.action." + a.Action; v.Has(key) {
		return v.T(key, "host", a.Facts["host"])
	}
	return a.Action
}

// actorWords says who it was in the reader's language.
func actorWords(v *ui.View, actor string) string {
	if actor == connect.ActorOperatorsLink {
		return v.T("audit.actor.operator_link")
	}
	for _, kind := range []string{"service account", "application", "operator", "provider", "visitor", "hub"} {
		if rest, ok := strings.CutPrefix(actor, kind); ok {
			return strings.TrimSpace(v.T("audit.actor."+strings.ReplaceAll(kind, " ", "_")) + rest)
		}
	}
	return actor
}

package console

import (
	"net/http"
	"strings"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	kalends "kalends"
	"kalends/ui"
)

// offered are the calendar systems in the order of the page; those that cannot
// be connected yet are shown as coming.
var offered = []kalends.Provider{kalends.Exchange, kalends.Microsoft365, kalends.Google}

// choose says who asks for what, and offers the calendar systems.
func (k *console) choose(j *journey) {
	if j.Done {
		k.done(j)
		return
	}
	v, app := j.v, j.Application.Name
	v.Render(http.StatusOK, v.Hub(ui.Page{Title: v.T("choose.title", "application", app), Footer: j.bottom()},
		h.Div(h.Class("asks"), h.Span(h.Class("asks-mark"), ui.Icon(ui.IconBuilding)),
			h.H1(v.Text("choose.title", "application", app))),
		ui.Lead(j.leadText()), j.forWhom(),
		j.rights(),
		ui.Section(v.T("choose.provider"), nil, h.Div(h.Class("providers"), g.Map(offered, func(p kalends.Provider) g.Node {
			return k.providerRow(j, p)
		})))))
}

func (j *journey) leadText() string {
	if j.Domain != "" {
		return j.v.T("choose.lead_company", "application", j.Application.Name, "domain", j.Domain)
	}
	return j.v.T("choose.lead", "application", j.Application.Name)
}

func (k *console) providerRow(j *journey, p kalends.Provider) g.Node {
	v, id := j.v, "p-"+string(p)
	needs := h.Span(h.ID(id), v.Text("provider."+string(p)+".needs"))
	icon := h.Span(h.Class("provider-icon"), ui.Icon(providerIcon(p)))
	if !k.offers(p) {
		return h.Div(h.Class("provider"), icon, h.Span(h.Class("provider-words"), h.Strong(g.Text(providerName(p))), needs),
			ui.Badge(ui.StateOff, v.T("choose.coming")))
	}
	return h.Form(h.Class("provider"), h.Method("post"), h.Action(connectPath), j.hidden(), icon,
		h.Span(h.Class("provider-words"),
			h.Button(h.Type("submit"), h.Name("provider"), h.Value(string(p)), g.Attr("aria-describedby", id), g.Text(providerName(p))), needs),
		h.Span(h.Class("provider-go"), ui.Icon(ui.IconArrowRight)))
}

func (k *console) offers(p kalends.Provider) bool {
	for _, form := range k.hub.Forms() {
		if form.Provider == p {
			return true
		}
	}
	return false
}

func providerIcon(p kalends.Provider) ui.IconName {
	if p == kalends.Exchange {
		return ui.IconServer
	}
	return ui.IconCalendar
}

// chosen stores the choice.
func (k *console) chosen(j *journey) {
	if err := k.hub.ChooseProvider(j.r.Context(), j.handle, kalends.Provider(j.r.FormValue("provider"))); err != nil {
		k.fail(j.v, err)
		return
	}
	j.v.Redirect(connectPath + "/form")
}

// hidden names the connect that a form belongs to.
func (j *journey) hidden() g.Node { return ui.Hidden("connect", tag(j.Connect)) }

// bottom is the way out, on every page of the journey.
func (j *journey) bottom() g.Node {
	app := j.Application.Name
	return h.Footer(h.Class("bottom"), h.Span(h.Class("muted"), j.v.Text("bottom.nothing_yet")),
		ui.PostButton(ui.Normal, connectPath+"/decline", j.v.T("bottom.cancel", "application", app), j.hidden()))
}

// rights says in plain words what the application may do, and what it may not.
func (j *journey) rights() g.Node {
	v := j.v
	may, mayNot := rightsOf(j.Scope + " " + j.DelegatedScope)
	return ui.Card(
		h.Div(h.Class("rights"),
			h.Div(h.H2(v.Text("rights.may", "application", j.Application.Name)), rightsList(v, "may", ui.IconDone, may)),
			h.Div(h.H2(v.Text("rights.may_not")), rightsList(v, "may-not", ui.IconMinus, mayNot))),
		ui.Fold(v.T("stored.title"), false, h.Ul(h.Class("consequences"),
			g.Map([]string{"read", "stored", "password", "ends"}, func(key string) g.Node { return h.Li(v.Text("stored." + key)) }))))
}

func rightsList(v *ui.View, class string, icon ui.IconName, keys []string) g.Node {
	return h.Ul(h.Class(class), g.Map(keys, func(key string) g.Node {
		return h.Li(ui.Icon(icon), h.Span(v.Text("rights.list."+key)))
	}))
}

// rightsOf reads scopes as rights. What is not asked for is said as well.
func rightsOf(scopes string) (may, mayNot []string) {
	has := map[string]bool{}
	for _, scope := range strings.Fields(scopes) {
		for _, right := range rightsOfScope(scope) {
			has[right] = true
		}
	}
	for _, right := range []string{"connect_all", "rooms", "free_busy", "read_events", "write_events", "delete_events", "answer"} {
		switch {
		case has[right]:
			may = append(may, right)
		case right == "read_events" || right == "write_events":
			mayNot = append(mayNot, "no_"+right)
		}
	}
	return may, append(mayNot, "no_mail", "no_password", "no_others")
}

func rightsOfScope(scope string) []string {
	switch scope {
	case "service_account/accounts/manage", "service_account/accounts/unrestricted_access":
		return []string{"connect_all"}
	case "service_account/resources/manage":
		return []string{"rooms"}
	case "free_busy", "read_free_busy":
		return []string{"free_busy"}
	case "free_busy_write":
		return []string{"free_busy", "write_events", "delete_events"}
	case "read_only", "read_events":
		return []string{"free_busy", "read_events"}
	case "read_write":
		return []string{"free_busy", "read_events", "write_events", "delete_events"}
	case "create_event", "create_calendar":
		return []string{"write_events"}
	case "delete_event":
		return []string{"delete_events"}
	case "change_participation_status":
		return []string{"answer"}
	}
	return nil
}

package ui

import (
	"fmt"
	"time"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

// Page is what stands around a page's content.
type Page struct {
	Title   string
	Nav     []NavItem     // of App: the sidebar
	User    *User         // signed in, or nil
	Crumbs  []Crumb       // the way here, without the page itself
	Wide    bool          // tables and planners; else a column of 720 px
	Refresh time.Duration // reload without scripts while work is going on
	Footer  g.Node        // of Hub and Gate: below the content
}

// NavItem is an entry of the sidebar.
type NavItem struct {
	Href, Label string
	Icon        IconName
	Current     bool
	Count       int // shown beside the label when not 0, such as errors
}

// User is who is signed in.
type User struct {
	Name, Email string
	Href        string // own page, or ""
	SignOut     string // where the sign-out form posts to
}

// Crumb is a step of the way here.
type Crumb struct{ Href, Label string }

// App is a page of an application: sidebar, user, content.
func (v *View) App(p Page, body ...g.Node) g.Node {
	return v.document(p, "app",
		h.Header(h.Class("side"), h.Div(h.Class("side-head"), v.brand(), v.menuButton()),
			h.Div(h.Class("side-fold"), h.ID("menu"), v.nav(p.Nav), h.Div(h.Class("side-foot"), languageLink(v), v.user(p.User)))),
		v.main(p, body))
}

// Hub is a page of the hub: a slim bar above the content.
func (v *View) Hub(p Page, body ...g.Node) g.Node {
	return v.document(p, "hub",
		h.Header(h.Class("bar"), h.Div(h.Class("bar-inner"), v.brand(), h.Span(h.Class("bar-space")), languageLink(v), v.user(p.User))),
		v.main(p, body))
}

// Gate is a page in front of everything: sign-in, password reset, first start.
func (v *View) Gate(p Page, body ...g.Node) g.Node {
	return v.document(p, "gate",
		h.Header(h.Class("bar"), h.Div(h.Class("bar-inner"), v.brand(), h.Span(h.Class("bar-space")), languageLink(v))),
		v.main(p, []g.Node{h.Div(h.Class("gate-card"), g.Group(body))}))
}

func (v *View) document(p Page, variant string, children ...g.Node) g.Node {
	assets := v.kit.config.Assets
	return h.Doctype(h.HTML(h.Lang(v.Lang),
		h.Head(h.Meta(h.Charset("utf-8")), h.Meta(h.Name("viewport"), h.Content("width=device-width, initial-scale=1")),
			h.Meta(h.Name("color-scheme"), h.Content("light dark")), h.Meta(h.Name("robots"), h.Content("noindex")),
			h.Meta(h.Name("htmx-config"), h.Content(htmxConfig)),
			h.TitleEl(g.Text(p.Title+" · "+v.kit.config.Name)),
			g.If(assets.Built(), g.Group{
				h.Link(h.Rel("stylesheet"), h.Href(assets.URL("app.css"))),
				h.Link(h.Rel("icon"), h.Type("image/svg+xml"), h.Href(assets.URL("favicon.svg"))),
				h.Script(h.Src(assets.URL("app.js")), h.Defer()),
			}),
			g.If(p.Refresh > 0, g.El("noscript", h.Meta(g.Attr("http-equiv", "refresh"), h.Content(fmt.Sprint(int(p.Refresh.Seconds()))))))),
		h.Body(h.Class(variant), h.A(h.Class("skip"), h.Href("#content"), v.Text("ui.skip")), g.Group(children))))
}

// htmxConfig keeps htmx within the headers: no style of its own, nothing from
// elsewhere. What the reader opened stays open when a live region changes.
const htmxConfig = `{"includeIndicatorCSS":false,"mode":"same-origin","history":false,"morphIgnore":["data-htmx-powered","open","hidden"]}`

func (v *View) main(p Page, body []g.Node) g.Node {
	class := "main"
	if p.Wide {
		class += " wide"
	}
	return h.Main(h.Class(class), h.ID("content"), h.TabIndex("-1"),
		g.If(!v.kit.config.Assets.Built(), h.P(h.Role("status"), v.Text("ui.no_assets"))),
		crumbs(v, p.Crumbs), v.takeFlash(), g.Group(body), p.Footer)
}

func crumbs(v *View, list []Crumb) g.Node {
	if len(list) == 0 {
		return nil
	}
	return h.Nav(h.Class("crumbs"), g.Attr("aria-label", v.T("ui.crumbs")), h.Ol(g.Map(list, func(c Crumb) g.Node {
		return h.Li(h.A(h.Href(c.Href), g.Text(c.Label)))
	})))
}

func (v *View) brand() g.Node {
	return h.A(h.Class("brand"), h.Href(orDefault(v.kit.config.Home, "/")), mark(), h.Span(g.Text(v.kit.config.Name)))
}

// mark is the sign of the product: a calendar leaf with one day joined.
func mark() g.Node {
	return h.SVG(h.Class("mark"), g.Attr("aria-hidden", "true"), g.Attr("viewBox", "0 0 24 24"), g.Attr("width", "24"), g.Attr("height", "24"),
		g.El("rect", g.Attr("class", "mark-leaf"), g.Attr("x", "2"), g.Attr("y", "2"), g.Attr("width", "20"), g.Attr("height", "20"), g.Attr("rx", "6")),
		g.El("path", g.Attr("class", "mark-line"), g.Attr("d", "M8 7v10M8 13l7-6M10.5 11l5 6")))
}

func (v *View) menuButton() g.Node {
	return h.Button(h.Type("button"), h.Class("button quiet menu-button"), g.Attr("hidden"), g.Attr("data-menu", "menu"),
		g.Attr("aria-expanded", "false"), g.Attr("aria-controls", "menu"), Icon(IconMenu), h.Span(v.Text("ui.menu")))
}

func (v *View) nav(items []NavItem) g.Node {
	return h.Nav(h.Class("nav"), g.Attr("aria-label", v.T("ui.nav")), h.Ul(g.Map(items, func(i NavItem) g.Node {
		return h.Li(h.A(h.Href(i.Href), g.If(i.Current, g.Attr("aria-current", "page")), Icon(i.Icon), h.Span(g.Text(i.Label)),
			g.If(i.Count > 0, h.Span(h.Class("nav-count"), g.Text(v.Number(i.Count))))))
	})))
}

func (v *View) user(u *User) g.Node {
	if u == nil {
		return nil
	}
	return h.Div(h.Class("user"), Person(u.Name, u.Email, u.Href),
		g.If(u.SignOut != "", h.Form(h.Class("inline"), h.Method("post"), h.Action(u.SignOut),
			h.Button(h.Type("submit"), h.Class("button quiet"), g.Attr("aria-label", v.T("ui.sign_out")), h.Title(v.T("ui.sign_out")), Icon(IconSignOut)))))
}

// Fail writes an error page: what happened and what to do.
func (v *View) Fail(status int, titleKey, textKey string, pairs ...any) {
	v.Render(status, v.Hub(Page{Title: v.T(titleKey, pairs...)},
		Heading(v.T(titleKey, pairs...), nil), Lead(v.T(textKey, pairs...)), v.TechnicalDetails()))
}

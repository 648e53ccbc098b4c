package smartcalendar

import (
	"context"
	"embed"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	g "maragu.dev/gomponents"

	"kalends/db"
	"kalends/ui"
)

//go:embed texts/*.json
var texts embed.FS

// page is one request of somebody at one page.
type page struct {
	*ui.View
	app     *App
	w       http.ResponseWriter
	r       *http.Request
	who     person  // signed in, or zero
	company company // hers
	errors  int     // sync errors, shown beside the menu entry
}

func (p *page) ctx() context.Context { return p.r.Context() }

// access says who may see a page.
type access int

const (
	open access = iota
	member
	administrator
)

func newKit(c Config) (*ui.Kit, error) {
	return ui.NewKit(ui.Config{
		Name: "Smart Calendar", Home: "/", Cookies: CookieName, Secure: strings.HasPrefix(c.AppURL, "https://"),
		Texts: texts, Clock: c.DB.Clock(),
	})
}

// serve shows a page to those who may see it. Members learn that a page is for
// administrators; strangers sign in first and come back.
func (a *App) page(who access, show func(*page) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := &page{View: a.kit.View(w, r), app: a, w: w, r: r}
		if err := p.load(); err != nil {
			p.oops(err)
			return
		}
		switch {
		case who != open && p.who.ID == "":
			p.toSignIn()
		case who == administrator && !p.who.admin():
			p.refuse(http.StatusForbidden, "fail.forbidden")
		default:
			if err := show(p); err != nil {
				p.oops(err)
			}
		}
	})
}

// load finds who is signed in. A session that is older than the person's last
// sign-out everywhere is none.
func (p *page) load() error {
	id := p.app.sessions.GetString(p.ctx(), sessionPerson)
	if id == "" {
		return nil
	}
	return p.app.db.Read(p.ctx(), func(tx *db.Tx) error {
		who, err := db.One(p.ctx(), tx, scanPerson, "SELECT "+personColumns+" FROM sc_people p WHERE p.id = $1 AND p.active", id)
		if db.IsNotFound(err) || err == nil && who.Session != p.app.sessions.GetInt64(p.ctx(), sessionEpoch) {
			return nil
		}
		if err != nil {
			return err
		}
		p.who = who
		if p.company, err = findCompany(p.ctx(), tx, who.CompanyID); err != nil || !who.admin() {
			return err
		}
		n, err := db.One(p.ctx(), tx, db.Value[int64], "SELECT count(*) FROM sc_links WHERE company_id = $1 AND status = 'error'", who.CompanyID)
		p.errors = int(n)
		return err
	})
}

func (p *page) toSignIn() {
	if p.Live() {
		p.w.Header().Set("HX-Redirect", "/sign-in")
		p.w.WriteHeader(http.StatusOK)
		return
	}
	next := ""
	if p.r.Method == http.MethodGet {
		next = "?next=" + url.QueryEscape(p.r.URL.RequestURI())
	}
	p.Redirect("/sign-in" + next)
}

// oops shows what an error means: somebody who does not exist, a hub that does
// not answer, or our own mistake, which the log keeps.
func (p *page) oops(err error) {
	switch {
	case errors.Is(err, errNoPerson), db.IsNotFound(err):
		p.refuse(http.StatusNotFound, "fail.missing")
	case errors.Is(err, context.Canceled):
	default:
		p.app.log.Error("page failed", "route", p.r.Pattern, "request", p.RequestID, "error", err) // a path may hold a link's secret
		p.refuse(http.StatusInternalServerError, "fail.internal")
	}
}

func (p *page) refuse(status int, key string) {
	about := ui.Page{Title: p.T(key + ".title")}
	body := g.Group{
		ui.Heading(about.Title, nil), ui.Lead(p.T(key + ".text")),
		ui.Actions(ui.LinkButton(ui.Normal, "/", p.T("fail.home")), ui.LinkButton(ui.Quiet, "/help", p.T("nav.help"))), p.TechnicalDetails(),
	}
	if p.who.ID == "" {
		p.Render(status, p.Hub(about, body))
		return
	}
	p.show(status, "", about, body)
}

// show writes a page of somebody signed in, with the menu; here is the current
// entry's path.
func (p *page) show(status int, here string, about ui.Page, body ...g.Node) {
	if here == "/settings/calendar" { // its connect button leads to the hub
		p.AllowFormTo(p.app.config.HubURL)
	}
	about.Nav = p.nav(here)
	about.User = &ui.User{Name: p.who.Name, Email: p.who.Email, Href: "/me", SignOut: "/sign-out"}
	notice := p.takeNotice()
	p.Render(status, p.App(about, notice, g.Group(body)))
}

func (p *page) nav(here string) []ui.NavItem {
	items := []ui.NavItem{{Href: "/me", Label: p.T("nav.me"), Icon: ui.IconCalendar}}
	if p.who.admin() {
		items = append(items,
			ui.NavItem{Href: "/people", Label: p.T("nav.people"), Icon: ui.IconUsers},
			ui.NavItem{Href: "/settings/calendar", Label: p.T("nav.calendar"), Icon: ui.IconSettings, Count: p.errors})
	}
	items = append(items, ui.NavItem{Href: "/help", Label: p.T("nav.help"), Icon: ui.IconHelp})
	for i := range items {
		items[i].Current = items[i].Href == here
	}
	return items
}

// takeNotice tells somebody once that her calendar was connected.
func (p *page) takeNotice() g.Node {
	if p.who.Notice != "connected" {
		return nil
	}
	err := p.app.db.Write(p.ctx(), func(tx *db.Tx) error {
		_, err := tx.Exec(p.ctx(), "UPDATE sc_people SET notice = '' WHERE id = $1", p.who.ID)
		return err
	})
	if err != nil {
		return nil
	}
	return ui.Notice(ui.StateOK, p.T("me.notice"), ui.LinkButton(ui.Quiet, "/help/data", p.T("help.data.title")))
}

// host is where a request comes from, for counting tries. An IPv6 customer has a
// /64.
func host(r *http.Request) string {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	addr := from.Addr().Unmap()
	if network, err := addr.WithZone("").Prefix(64); err == nil && addr.Is6() {
		return network.String()
	}
	return addr.String()
}

// done says what happened and leads on, as every form ends.
func (p *page) done(to, key string, pairs ...any) error {
	p.Flash(ui.StateOK, key, pairs...)
	p.Redirect(to)
	return nil
}

func (p *page) form(name string) string { return strings.TrimSpace(p.r.FormValue(name)) }

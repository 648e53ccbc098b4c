package console

import (
	"net/http"

	kalends "kalends"
	"kalends/hub/connect"
	"kalends/ui"
)

// askRevoke says what ending a connection does, in numbers.
func (k *console) askRevoke(v *ui.View, s connect.Session) {
	if c := k.find(v, s); c != nil {
		k.showRevoke(v, s, c, http.StatusOK, "")
	}
}

func (k *console) showRevoke(v *ui.View, s connect.Session, c *connect.ConnectionInfo, status int, wrong string) {
	page := k.connectionPage(v, s, v.T("revoke.title"))
	page.Crumbs = append(page.Crumbs, ui.Crumb{Href: listURL + c.ID, Label: c.Application.Name})
	v.Render(status, v.Hub(page, ui.Heading(v.T("revoke.title"), nil),
		ui.Lead(v.T("revoke.question", "application", c.Application.Name, "provider", providerName(c.Provider), "domain", c.Domain)),
		ui.Card(v.ConfirmByTyping(ui.Confirm{
			Action: listURL + c.ID + "/revoke", Phrase: c.Domain, Button: v.T("revoke.do"), Cancel: listURL + c.ID, Error: wrong,
			Consequences: []string{
				v.T("revoke.people", "count", people(*c)), v.T("revoke.resources", "count", c.Resources),
				v.T("revoke.told", "application", c.Application.Name), v.T("revoke.data"), v.T("revoke.again"),
			},
		}))))
}

// revoke ends a connection once the domain was typed.
func (k *console) revoke(v *ui.View, s connect.Session) {
	c := k.find(v, s)
	if c == nil {
		return
	}
	if c.Status == kalends.ConnectionDisconnected {
		v.Redirect(home)
		return
	}
	if !ui.Confirmed(v.Request.FormValue("confirm"), c.Domain) {
		k.showRevoke(v, s, c, http.StatusUnprocessableEntity, v.T("revoke.wrong", "domain", c.Domain))
		return
	}
	if err := k.hub.SessionEnd(v.Request.Context(), s, c.ID); err != nil {
		k.fail(v, err)
		return
	}
	v.Flash(ui.StateOK, "revoke.done", "application", c.Application.Name)
	v.Redirect(home)
}

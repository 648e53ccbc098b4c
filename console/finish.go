package console

import (
	"net/http"

	kalends "kalends"
	"kalends/ui"
)

// finish sets the policy on aliases, connects and leads back to the application.
func (k *console) finish(j *journey) {
	if policy := j.r.FormValue("confirm"); policy != "" && !j.Done {
		if err := k.hub.SetConfirmAliases(j.r.Context(), j.handle, policy == "yes"); err != nil {
			k.fail(j.v, err)
			return
		}
	}
	to, err := k.hub.Finish(j.r.Context(), j.handle)
	if kalends.KindOf(err) == kalends.KindConflict {
		j.v.Redirect(connectPath + "/check")
		return
	}
	k.leave(j, to, err)
}

// decline leads back to the application, which is told access_denied.
func (k *console) decline(j *journey) {
	to, err := k.hub.Decline(j.r.Context(), j.handle)
	k.leave(j, to, err)
}

func (k *console) leave(j *journey, to string, err error) {
	if kalends.KindOf(err) == kalends.KindGone {
		j.v.Fail(http.StatusGone, "fail.over.title", "fail.over.text", "application", j.Application.Name)
		return
	}
	if err != nil {
		k.fail(j.v, err)
		return
	}
	j.v.Redirect(to)
}

// done is what the back button finds after the yes, or the no.
func (k *console) done(j *journey) {
	v := j.v
	if j.ConnectionID == "" {
		v.Render(http.StatusOK, v.Hub(ui.Page{Title: v.T("declined.title")},
			ui.Heading(v.T("declined.title"), nil), ui.Lead(v.T("declined.text", "application", j.Application.Name)),
			ui.Actions(ui.LinkButton(ui.Quiet, home, v.T("done.connections")))))
		return
	}
	v.Render(http.StatusOK, v.Hub(ui.Page{Title: v.T("done.title")},
		ui.Heading(v.T("done.title"), ui.Badge(ui.StateOK, v.T("status.connected"))),
		ui.Lead(v.T("done.text", "application", j.Application.Name)),
		ui.Actions(ui.PostButton(ui.Primary, connectPath+"/finish", v.T("done.back", "application", j.Application.Name), j.hidden()),
			ui.LinkButton(ui.Quiet, home, v.T("done.connections")))))
}

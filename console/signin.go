package console

import (
	"net/http"
	"time"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	kalends "kalends"
	"kalends/explain"
	"kalends/hub/connect"
	"kalends/ui"
)

// sessionAge is an upper bound; the hub ends sessions earlier.
const sessionAge = 12 * time.Hour

// start shows the connections to whoever is signed in, and the sign-in to others.
func (k *console) start(v *ui.View, w http.ResponseWriter, r *http.Request) {
	session, err := k.hub.Session(r.Context(), k.cookie(r, sessionCookie))
	switch {
	case kalends.KindOf(err) == kalends.KindUnauthorized:
		k.showSignIn(v, http.StatusOK, nil, nil, nil)
	case err != nil:
		k.fail(v, err)
	default:
		k.connections(v, session)
	}
}

// showSignIn asks for what proves control over a connected calendar system.
func (k *console) showSignIn(v *ui.View, status int, values, wrong map[string]string, problem g.Node) {
	var forms g.Group
	for _, form := range k.hub.Forms() {
		fields := g.Group{ui.Hidden("provider", string(form.Provider))}
		for _, field := range form.Fields {
			if !field.Advanced {
				fields = append(fields, v.Input(fieldOf(v, form.Provider, field, values[field.Name], wrong[field.Name])))
			}
		}
		forms = append(forms, ui.Form(home, fields, ui.Actions(ui.Button(ui.Primary, v.T("sign_in.do")))))
	}
	v.Render(status, v.Gate(ui.Page{Title: v.T("sign_in.title")},
		ui.Heading(v.T("sign_in.title"), nil), ui.Lead(v.T("sign_in.lead")), problem, forms,
		ui.Fold(v.T("sign_in.no_password"), false, h.P(v.Text("sign_in.operator")), v.Code(v.T("sign_in.command"), "kalends org link ser_…"))))
}

func (k *console) signIn(v *ui.View, w http.ResponseWriter, r *http.Request) {
	p := kalends.Provider(r.FormValue("provider"))
	values, err := k.signInValues(r, p)
	if err != nil {
		k.fail(v, err)
		return
	}
	handle, err := k.hub.SignIn(r.Context(), p, values, client(r))
	if wrong := wrongFields(v, p, err); wrong != nil {
		k.showSignIn(v, http.StatusUnprocessableEntity, values, wrong, nil)
		return
	}
	if kind := kalends.KindOf(err); kind == kalends.KindUnauthorized || kind == kalends.KindThrottled {
		k.showSignIn(v, http.StatusForbidden, values, nil, k.signInProblem(v, kalends.CauseOf(err)))
		return
	}
	k.enter(v, w, handle, err)
}

func (k *console) signInValues(r *http.Request, p kalends.Provider) (kalends.Credentials, error) {
	for _, form := range k.hub.Forms() {
		if form.Provider == p {
			return valuesOf(r, form)
		}
	}
	return nil, kalends.Errorf(kalends.KindInvalid, "console: no such calendar system")
}

// signInProblem says the same whatever failed, so that nothing can be found out here.
func (k *console) signInProblem(v *ui.View, cause *kalends.Cause) g.Node {
	if cause != nil && cause.Key == kalends.CauseTooManyTries {
		text := explain.Cause(v.Lang, string(cause.Key), v.Facts(cause.Facts))
		return ui.Notice(ui.StateWarning, text.What, h.P(g.Text(text.Fix)))
	}
	return ui.Notice(ui.StateError, v.T("sign_in.refused"), h.P(v.Text("sign_in.refused_fix")))
}

func (k *console) enter(v *ui.View, w http.ResponseWriter, handle string, err error) {
	if err != nil {
		k.fail(v, err)
		return
	}
	k.setCookie(w, sessionCookie, handle, sessionAge)
	v.Redirect(home)
}

// link asks before it redeems an operator's link: mail scanners open links, too.
func (k *console) link(v *ui.View, w http.ResponseWriter, r *http.Request) {
	v.Render(http.StatusOK, v.Gate(ui.Page{Title: v.T("link.title")}, ui.Heading(v.T("link.title"), nil), ui.Lead(v.T("link.lead")),
		ui.Actions(ui.PostButton(ui.Primary, r.URL.Path, v.T("link.do")))))
}

func (k *console) signInByLink(v *ui.View, w http.ResponseWriter, r *http.Request) {
	handle, err := k.hub.SignInByLink(r.Context(), r.PathValue("token"))
	if kind := kalends.KindOf(err); kind == kalends.KindGone || kind == kalends.KindNotFound {
		v.Fail(statusOf(kind), "fail.link.title", "fail.link.text")
		return
	}
	k.enter(v, w, handle, err)
}

func (k *console) signOut(v *ui.View, w http.ResponseWriter, r *http.Request) {
	if err := k.hub.SignOut(r.Context(), k.cookie(r, sessionCookie)); err != nil && kalends.KindOf(err) != kalends.KindUnauthorized {
		k.fail(v, err)
		return
	}
	k.setCookie(w, sessionCookie, "", 0)
	v.Flash(ui.StateOK, "sign_in.out")
	v.Redirect(home)
}

func userOf(v *ui.View, s connect.Session) *ui.User {
	return &ui.User{Name: actorWords(v, s.Actor), SignOut: home + "/sign_out"}
}

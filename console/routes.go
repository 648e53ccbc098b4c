package console

import (
	"net/http"

	kalends "kalends"
	"kalends/hub/connect"
	"kalends/ui"
)

func (k *console) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /enterprise_connect/oauth/authorize", k.page(k.beginning(k.authorize)))
	mux.HandleFunc("GET /enterprise_connect/i/{token}", k.page(k.beginning(k.intent)))

	mux.HandleFunc("GET /enterprise_connect/connect", k.connecting(k.choose))
	mux.HandleFunc("POST /enterprise_connect/connect", k.acting(k.chosen))
	mux.HandleFunc("GET /enterprise_connect/connect/form", k.connecting(k.form))
	mux.HandleFunc("POST /enterprise_connect/connect/form", k.acting(k.entered))
	mux.HandleFunc("GET /enterprise_connect/connect/check", k.connecting(k.check))
	mux.HandleFunc("GET /enterprise_connect/connect/live", k.connecting(k.live))
	mux.HandleFunc("POST /enterprise_connect/connect/again", k.acting(k.again))
	mux.HandleFunc("POST /enterprise_connect/connect/preview", k.acting(k.previewAgain))
	mux.HandleFunc("GET /enterprise_connect/connect/preview.csv", k.connecting(k.previewCSV))
	mux.HandleFunc("POST /enterprise_connect/connect/mapping", k.acting(k.mapping))
	mux.HandleFunc("POST /enterprise_connect/connect/finish", k.acting(k.finish))
	mux.HandleFunc("POST /enterprise_connect/connect/decline", k.acting(k.decline))

	mux.HandleFunc("GET /enterprise_connect", k.page(k.start))
	mux.HandleFunc("GET /enterprise_connect/{$}", k.page(k.start))
	mux.HandleFunc("POST /enterprise_connect", k.page(k.signIn))
	mux.HandleFunc("GET /enterprise_connect/link/{token}", k.page(k.link))
	mux.HandleFunc("POST /enterprise_connect/link/{token}", k.page(k.signInByLink))
	mux.HandleFunc("POST /enterprise_connect/sign_out", k.page(k.signOut))
	mux.HandleFunc("GET /enterprise_connect/connections/{id}", k.signedIn(k.connection))
	mux.HandleFunc("GET /enterprise_connect/connections/{id}/revoke", k.signedIn(k.askRevoke))
	mux.HandleFunc("POST /enterprise_connect/connections/{id}/revoke", k.signedIn(k.revoke))
	mux.HandleFunc("/enterprise_connect/", k.page(func(v *ui.View, w http.ResponseWriter, r *http.Request) {
		k.fail(v, kalends.Errorf(kalends.KindNotFound, "console: no such page"))
	}))
	return mux
}

type handler func(v *ui.View, w http.ResponseWriter, r *http.Request)

func (k *console) page(next handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { next(k.kit.View(w, r), w, r) }
}

// beginning lets one address begin so many connects and no more.
func (k *console) beginning(next handler) handler {
	return func(v *ui.View, w http.ResponseWriter, r *http.Request) {
		if !k.begins.take(client(r)) {
			k.fail(v, kalends.Errorf(kalends.KindThrottled, "console: too many connects begun"))
			return
		}
		next(v, w, r)
	}
}

// journey is a browser's connect on its way through the pages.
type journey struct {
	connect.Connect
	handle string
	v      *ui.View
	w      http.ResponseWriter
	r      *http.Request
}

// connecting loads the browser's connect for a page.
func (k *console) connecting(next func(j *journey)) http.HandlerFunc {
	return k.page(func(v *ui.View, w http.ResponseWriter, r *http.Request) {
		handle := k.cookie(r, connectCookie)
		c, err := k.hub.Connect(r.Context(), handle)
		if err != nil {
			k.lost(v, err)
			return
		}
		v.AllowFormTo(c.Application.RedirectURIs...)
		next(&journey{Connect: c, handle: handle, v: v, w: w, r: r})
	})
}

// acting is connecting for forms: the page that was sent must belong to the
// connect in the cookie, or a second tab's yes would count for the first.
func (k *console) acting(next func(j *journey)) http.HandlerFunc {
	return k.connecting(func(j *journey) {
		if j.r.FormValue("connect") != tag(j.Connect) {
			j.v.Fail(http.StatusConflict, "fail.other_tab.title", "fail.other_tab.text")
			return
		}
		next(j)
	})
}

// tag tells connects apart in forms; it is no secret.
func tag(c connect.Connect) string { return c.ID[:min(len(c.ID), 16)] }

// lost says that there is no connect (any more), and how to begin anew.
func (k *console) lost(v *ui.View, err error) {
	if kalends.KindOf(err) == kalends.KindNotFound {
		v.Fail(http.StatusNotFound, "fail.lost.title", "fail.lost.text")
		return
	}
	k.fail(v, err)
}

// signedIn lets only administrators with a session through.
func (k *console) signedIn(next func(v *ui.View, s connect.Session)) http.HandlerFunc {
	return k.page(func(v *ui.View, w http.ResponseWriter, r *http.Request) {
		session, err := k.hub.Session(r.Context(), k.cookie(r, sessionCookie))
		if kalends.KindOf(err) == kalends.KindUnauthorized {
			v.Redirect(home)
			return
		}
		if err != nil {
			k.fail(v, err)
			return
		}
		next(v, session)
	})
}

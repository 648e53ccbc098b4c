package console

import (
	"net/http"

	kalends "kalends"
	"kalends/hub/connect"
	"kalends/ui"
)

// authorize is where applications send browsers (OAuth 2.0, RFC 6749 section
// 4.1.1). An unknown client or redirect URI ends on an error page.
func (k *console) authorize(v *ui.View, w http.ResponseWriter, r *http.Request) {
	var begun connect.Begun
	request, err := connect.ReadAuthorize(r.URL.Query())
	if err == nil {
		begun, err = k.hub.BeginAuthorize(r.Context(), request)
	}
	if kalends.KindOf(err) == kalends.KindInvalid {
		v.Fail(http.StatusBadRequest, "fail.client.title", "fail.client.text")
		return
	}
	k.begun(v, w, begun, err)
}

// intent opens a link that an application prepared, in any browser.
func (k *console) intent(v *ui.View, w http.ResponseWriter, r *http.Request) {
	begun, err := k.hub.BeginIntent(r.Context(), r.PathValue("token"))
	switch kalends.KindOf(err) {
	case kalends.KindGone, kalends.KindNotFound:
		v.Fail(statusOf(kalends.KindOf(err)), "fail.intent.title", "fail.intent.text")
		return
	}
	k.begun(v, w, begun, err)
}

func (k *console) begun(v *ui.View, w http.ResponseWriter, b connect.Begun, err error) {
	switch {
	case err != nil:
		k.fail(v, err)
	case b.RedirectTo != "":
		v.Redirect(b.RedirectTo)
	default:
		k.setCookie(w, connectCookie, b.Handle, k.until(b.ExpiresAt))
		v.Redirect(connectPath)
	}
}

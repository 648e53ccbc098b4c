package ui

import (
	"net/http"
	"slices"
	"strings"

	"golang.org/x/text/language"
	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

var matcher = language.NewMatcher([]language.Tag{language.English, language.German})

// language decides by the link, then the cookie, then what the browser prefers.
func (k *Kit) language(r *http.Request) string {
	if lang := r.URL.Query().Get("lang"); slices.Contains(languages, lang) {
		return lang
	}
	if cookie, err := r.Cookie(k.cookieName("_lang")); err == nil && slices.Contains(languages, cookie.Value) {
		return cookie.Value
	}
	_, index := language.MatchStrings(matcher, r.Header.Get("Accept-Language"))
	return languages[index]
}

// switchLanguage remembers ?lang=de and leads to the same page without it.
func (k *Kit) switchLanguage(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lang := r.URL.Query().Get("lang")
		if r.Method != http.MethodGet || !slices.Contains(languages, lang) {
			next.ServeHTTP(w, r)
			return
		}
		k.cookie(w, "_lang", lang, 365*24*60*60)
		v := k.View(w, r)
		v.Redirect(localPath(v.here("lang", "")))
	})
}

// localPath keeps a redirect on this host: "//elsewhere" is a host to browsers.
func localPath(path string) string { return "/" + strings.TrimLeft(path, "/\\") }

// languageLink offers the other language, in its own words.
func languageLink(v *View) g.Node {
	other, word := "de", "Deutsch"
	if v.Lang == "de" {
		other, word = "en", "English"
	}
	return h.A(h.Class("language"), h.Href(v.here("lang", other)), g.Attr("lang", other), g.Attr("hreflang", other),
		Icon(IconLanguages), g.Text(word))
}

func (k *Kit) cookieName(name string) string {
	return CookieName(k.config.Cookies+name, k.config.Secure)
}

// cookie sets one of the kit's cookies; age 0 ends it.
func (k *Kit) cookie(w http.ResponseWriter, name, value string, age int) {
	if age == 0 {
		age = -1
	}
	http.SetCookie(w, &http.Cookie{
		Name: k.cookieName(name), Value: value, Path: "/", MaxAge: age,
		HttpOnly: true, Secure: k.config.Secure, SameSite: http.SameSiteLaxMode,
	})
}

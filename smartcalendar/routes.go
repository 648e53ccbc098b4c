package smartcalendar

import "net/http"

// Handler serves the pages and the endpoints that the hub calls. Paths are
// disjoint from the hub's: /oauth, /enterprise_connect, /v1 and /hooks are not
// used here. /assets/ is served by the page kit of either half.
func (a *App) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /calendar/callbacks/{token}", a.authorizationCallback)
	mux.HandleFunc("POST "+NotifyPath, a.notification)
	mux.Handle("/", a.sessions.LoadAndSave(a.kit.Handler(limited(a.pages()))))
	return mux
}

// route is one page or form.
type route struct {
	pattern string
	who     access
	show    func(*page) error
}

// routes lists everything that people can ask for, and who may.
func (a *App) routes() []route {
	list := []route{
		{"GET /{$}", member, (*page).home},
		{"GET /setup/{token}", open, (*page).setup},
		{"POST /setup/{token}", open, (*page).setup},
		{"GET /sign-in", open, (*page).signIn},
		{"POST /sign-in", open, (*page).signIn},
		{"POST /sign-out", open, (*page).signOut},
		{"GET /password", open, (*page).forgot},
		{"POST /password", open, (*page).forgot},
		{"GET /password/{token}", open, (*page).reset},
		{"POST /password/{token}", open, (*page).reset},
		{"GET /welcome/{token}", open, (*page).welcome},
		{"POST /welcome/{token}", open, (*page).welcome},
		{"GET /me", member, (*page).me},
		{"GET /help", open, (*page).helpIndex},
		{"GET /help/{topic}", open, (*page).help},
		{"GET " + RedirectPath, open, (*page).returned},

		{"GET /people", administrator, (*page).people},
		{"GET /people/new", administrator, (*page).invite},
		{"POST /people/new", administrator, (*page).invite},
		{"GET /people/import", administrator, (*page).importFile},
		{"POST /people/import", administrator, (*page).importFile},
		{"GET /import/{id}", administrator, (*page).importPreview},
		{"POST /import/{id}", administrator, (*page).importConfirm},
		{"GET /people/{id}", administrator, (*page).person},
		{"GET /people/{id}/change", administrator, (*page).change},
		{"POST /people/{id}/change", administrator, (*page).change},
		{"POST /people/{id}/{act}", administrator, (*page).personAct},

		{"GET /settings/calendar", administrator, (*page).calendar},
		{"GET /settings/calendar/live", administrator, (*page).calendarLive},
		{"POST /settings/calendar/connect", administrator, (*page).connect},
		{"POST /settings/calendar/link", administrator, (*page).itLink},
		{"POST /settings/calendar/resync", administrator, (*page).resync},
		{"POST /settings/calendar/retry", administrator, (*page).retry},
		{"POST /settings/calendar/accept", administrator, (*page).accept},
		{"GET /settings/calendar/errors.csv", administrator, (*page).errorsCSV},
		{"GET /settings/calendar/rooms", administrator, (*page).rooms},
		{"GET /settings/calendar/disconnect", administrator, (*page).disconnect},
		{"POST /settings/calendar/disconnect", administrator, (*page).disconnect},
	}
	if a.config.DemoOutbox {
		list = append(list, route{"GET /outbox", open, (*page).outbox}, route{"GET /outbox/{id}", open, (*page).outboxMail})
	}
	return list
}

func (a *App) pages() http.Handler {
	mux := http.NewServeMux()
	for _, r := range a.routes() {
		mux.Handle(r.pattern, a.page(r.who, r.show))
	}
	mux.Handle("/assets/", a.kit.Assets())
	mux.Handle("/", a.page(open, func(p *page) error { return errNoPerson }))
	return mux
}

// limited keeps bodies small: the largest is a CSV file.
func limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, importBytes+64<<10)
		next.ServeHTTP(w, r)
	})
}

package api

import (
	"net/http"
	"slices"
	"strings"

	kalends "kalends"
	"kalends/oauth"
)

const (
	tokenPath  = "/oauth/token"
	revokePath = "/oauth/token/revoke"
)

// Scopes of service accounts that open the calls about a company: either will do.
var manage = []string{"service_account/accounts/manage", "service_account/resources/manage"}

// caller says whose credentials a route takes.
type caller int

const (
	anyone  caller = iota
	client         // client_id and client_secret in the body; the Authorization header is ignored
	person         // a person's or room's token
	company        // a service account's token
	either         // a person's, room's or service account's token
)

// route is one call: who may make it, with one of which scopes, and what it does.
type route struct {
	method string
	path   string
	caller caller
	scopes []string // one of them is enough; none = any
	handle func(*call) error
}

func (s *server) list() []route {
	const ec = "/v1/enterprise_connect"
	return []route{
		{"POST", tokenPath, client, nil, s.token},
		{"POST", revokePath, client, nil, s.revoke},
		{"GET", "/v1/openapi.yaml", anyone, nil, s.openapi},

		{"GET", "/v1/userinfo", either, nil, s.userinfo},
		{"GET", "/v1/account", person, []string{"read_account"}, s.account},
		{"GET", "/v1/profiles", person, nil, s.profiles},
		{"POST", "/v1/profiles/{id}/revoke", person, nil, s.revokeProfile},
		{"GET", "/v1/calendars", person, []string{"list_calendars"}, s.calendars},
		{"GET", "/v1/free_busy", person, []string{"read_free_busy"}, s.freeBusy},
		{"GET", "/v1/free_busy/pages/{id}", person, []string{"read_free_busy"}, s.freeBusyPage},

		{"GET", "/v1/resources", company, []string{"service_account/resources/manage"}, s.resources},
		{"POST", "/v1/service_account_authorizations", company, manage, s.authorise},

		{"POST", ec + "/intents", client, nil, s.createIntent},
		{"GET", ec + "/connections", company, nil, s.connections},
		{"DELETE", ec + "/connections/{id}", company, manage, s.endConnection},
		{"GET", ec + "/accounts", company, manage, ofPeople(s.accounts)},
		{"GET", ec + "/accounts/{email}/diagnosis", company, manage, ofPeople(s.diagnosis)},
		{"POST", ec + "/preview", company, manage, ofPeople(s.preview)},
		{"PUT", ec + "/mappings/{email}", company, manage, ofPeople(s.putMapping)},
		{"DELETE", ec + "/mappings/{email}", company, manage, ofPeople(s.deleteMapping)},
	}
}

// routes mounts the list; a path with another method is 405, anything else 404,
// both as JSON. Trailing slashes are tolerated: PHP sends them.
func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	methods := map[string][]string{}
	for _, r := range s.list() {
		mux.Handle(r.method+" "+r.path, s.serve(r))
		methods[r.path] = append(methods[r.path], r.method)
	}
	for path, allowed := range methods {
		slices.Sort(allowed)
		mux.Handle(path, s.serve(route{path: path, handle: notAllowed(allowed)}))
	}
	none := s.serve(route{path: "none", handle: nowhere})
	mux.Handle("/", none)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !kalends.Storable(r.URL.Path) {
			none.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, tidied(r))
	})
}

// ofPeople refuses whoever may list rooms only: what is said here is about
// people, too. The cause is the one that connecting a person would have.
func ofPeople(handle func(*call) error) func(*call) error {
	return func(c *call) error {
		if !oauth.Allows(c.bearer.Scope, oauth.ScopeAccounts) {
			return &kalends.Error{Kind: kalends.KindDenied, Op: "api", Cause: kalends.NewCause(kalends.CauseScopeMissing, "scope", oauth.ScopeAccounts)}
		}
		return handle(c)
	}
}

func notAllowed(methods []string) func(*call) error {
	return func(c *call) error {
		c.w.Header().Set("Allow", strings.Join(methods, ", "))
		return c.json(http.StatusMethodNotAllowed, oauthError{Code: "method_not_allowed", Description: "use " + strings.Join(methods, " or ")})
	}
}

func nowhere(c *call) error {
	return c.json(http.StatusNotFound, oauthError{Code: "not_found", Description: "there is no such call"})
}

func tidied(r *http.Request) *http.Request {
	if !strings.HasSuffix(r.URL.Path, "/") {
		return r
	}
	copied, u := *r, *r.URL
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
	if u.Path == "" {
		u.Path = "/"
	}
	copied.URL = &u
	return &copied
}

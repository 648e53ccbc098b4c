package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	kalends "kalends"
	"kalends/cronofy"
	"kalends/provider/memory"
)

func bearer(token string) map[string]string {
	return map[string]string{"Authorization": "Bearer " + token}
}

// A code used twice ends what the first use gave.
func TestErrCodeUsedTwice(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.world.Staff(1)
	code := h.code(h.client, "")
	token, err := h.client.ExchangeCode(t.Context(), code, h.back(), "")
	h.must(err)
	company := h.client.Bearer(cronofy.StaticToken(token.AccessToken))
	_, err = company.Connections(t.Context())
	h.must(err)
	_, err = h.client.ExchangeCode(t.Context(), code, h.back(), "")
	equal(t, "invalid_grant", statusOf(t, err, 400).Code)
	_, err = company.Connections(t.Context())
	statusOf(t, err, 401)
	_, err = h.client.Refresh(t.Context(), token.RefreshToken)
	equal(t, "invalid_grant", statusOf(t, err, 400).Code)
}

// Nobody does with a token what its scope does not say.
func TestErrMissingScopes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	people := h.world.Staff(1)
	company, whole := h.connect(h.client)
	callback := h.receiver.url + "/callback?narrow"
	h.must(company.AuthorizeAccounts(t.Context(), []cronofy.Authorize{{Email: people[0], CallbackURL: callback, Scope: "create_event"}}))
	person, err := h.client.ExchangeCode(t.Context(), h.receiver.wait(t, callback).Code, callback, "")
	h.must(err)
	narrow := h.rooms()
	for path, token := range map[string]string{
		"/v1/account": person.AccessToken, "/v1/calendars": person.AccessToken, "/v1/free_busy?tzid=Etc/UTC": person.AccessToken,
		"/v1/free_busy/pages/x": person.AccessToken, "/v1/resources": narrow,
	} {
		if response, body := h.send(raw{"GET", path, "", bearer(token)}); response.StatusCode != http.StatusForbidden || body != "" {
			t.Errorf("%s: %d %s", path, response.StatusCode, body)
		}
	}
	for _, path := range []string{"/v1/userinfo", "/v1/profiles"} {
		response, _ := h.send(raw{"GET", path, "", bearer(person.AccessToken)})
		equal(t, 200, response.StatusCode)
	}
	response, _ := h.send(raw{"GET", "/v1/resources", "", bearer(whole.AccessToken)})
	equal(t, 200, response.StatusCode)
}

// rooms gives the token of an organisation that may not list rooms.
func (h *house) rooms() string {
	h.t.Helper()
	_, _, other := h.application("Without rooms")
	link, err := other.CreateIntent(h.t.Context(), cronofy.IntentRequest{RedirectURI: h.back(), Scope: cronofy.ScopeManageAccounts, DelegatedScope: "free_busy"})
	h.must(err)
	token, err := other.ExchangeCode(h.t.Context(), h.through(link.URL), h.back(), "")
	h.must(err)
	return token.AccessToken
}

// What a room of the hub says becomes a status and, where there is one, a cause.
func TestErrKindsAreStatuses(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.world.Staff(1)
	_, token := h.connect(h.client)
	get := raw{"GET", "/v1/resources", "", bearer(token.AccessToken)}
	for want, broken := range map[int]error{
		503: &kalends.Error{Kind: kalends.KindUnavailable, Cause: kalends.NewCause(kalends.CauseServerUnavailable)},
		429: &kalends.Error{Kind: kalends.KindThrottled, After: 30 * time.Second, Cause: kalends.NewCause(kalends.CauseThrottled)},
		403: &kalends.Error{Kind: kalends.KindDenied, Cause: kalends.NewCause(kalends.CauseRoomsUnavailable)},
	} {
		h.world.Heal()
		h.world.Break(memory.Fault{Operation: "rooms", Err: broken})
		response, body := h.send(get)
		if response.StatusCode != want {
			t.Errorf("want %d, got %d: %s", want, response.StatusCode, body)
			continue
		}
		if cause, ok := decode(t, body)["cause"].(map[string]any); !ok || cause["key"] == "" || cause["text"] == "" {
			t.Errorf("%d without a cause: %s", want, body)
		}
	}
	h.world.Heal()
	connections, err := h.client.Bearer(cronofy.StaticToken(token.AccessToken)).Connections(t.Context())
	h.must(err)
	h.must(h.client.Bearer(cronofy.StaticToken(token.AccessToken)).EndConnection(t.Context(), connections[0].ID))
	response, body := h.send(get)
	if response.StatusCode != http.StatusConflict || !strings.Contains(body, `"revoked"`) {
		t.Errorf("without a connection: %d %s", response.StatusCode, body)
	}
}

// A hundred accounts are one page, and every account is on one page.
func TestAccountsArePaged(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	people := h.world.Staff(230)
	company, token := h.connect(h.client)
	for start := 0; start < len(people); start += 50 {
		var list []cronofy.Authorize
		for _, email := range people[start:min(start+50, len(people))] {
			list = append(list, cronofy.Authorize{Email: email, CallbackURL: h.callback(email), Scope: "free_busy"})
		}
		h.must(company.AuthorizeAccounts(t.Context(), list))
	}
	seen, path := map[string]bool{}, "/v1/enterprise_connect/accounts"
	var sizes []int
	for path != "" {
		_, body := h.send(raw{"GET", path, "", bearer(token.AccessToken)})
		answer := decode(t, body)
		accounts, pages := answer["accounts"].([]any), answer["pages"].(map[string]any)
		for _, a := range accounts {
			seen[a.(map[string]any)["email"].(string)] = true
		}
		sizes = append(sizes, len(accounts))
		equal(t, 3.0, pages["total"])
		equal(t, float64(len(sizes)), pages["current"])
		next, _ := pages["next_page"].(string)
		path = strings.TrimPrefix(next, publicURL)
	}
	equal(t, []int{100, 100, 30}, sizes)
	equal(t, len(people), len(seen))
}

// Revoking the only profile ends the grant, and is written down.
func TestRevokingTheLastProfileEndsTheGrant(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	people := h.world.Staff(1)
	company, token := h.connect(h.client)
	person, given := h.person(h.client, company, people[0])
	h.must(person.RevokeProfile(t.Context(), h.profile(given)))
	_, err := person.Userinfo(t.Context())
	statusOf(t, err, 401)
	_, err = h.client.Refresh(t.Context(), given.RefreshToken)
	equal(t, "invalid_grant", statusOf(t, err, 400).Code)
	audits, err := h.hub.Audits(t.Context(), token.Sub, 10)
	h.must(err)
	written := false
	for _, a := range audits {
		written = written || a.Action == "account.revoked" && a.Actor == "application "+h.app.Name
	}
	if !written {
		t.Errorf("nothing is written down: %+v", audits)
	}
	_, err = company.Connections(t.Context())
	h.must(err)
}

// A profile says its provider before its calendars are known.
func TestProfilesWithoutCalendarsHaveAProvider(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	people := h.world.Staff(1)
	company, _ := h.connect(h.client)
	_, token := h.person(h.client, company, people[0])
	for _, statement := range []string{"DELETE FROM busy_months", "DELETE FROM calendars", "UPDATE connections SET provider = 'google'"} {
		_, err := h.db.SQL().ExecContext(t.Context(), statement)
		h.must(err)
	}
	_, body := h.send(raw{"GET", "/v1/profiles", "", bearer(token.AccessToken)})
	if !strings.Contains(body, `"provider_name":"google","provider_service":"gsuite"`) {
		t.Error(body)
	}
}

// What no database takes is refused as a wrong value.
func TestErrZeroBytes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.world.Staff(1)
	_, token := h.connect(h.client)
	header := bearer(token.AccessToken)
	header["X-Dialect"] = "yes"
	body := fmt.Sprintf(`{"email":"a@musterwerk.example","callback_url":%q,"scope":"free_busy","state":"\u0000"}`, h.receiver.url)
	ids := url.Values{"client_id": {h.app.ClientID}, "client_secret": {h.secret}, "sub": {"\x00"}}.Encode()
	for want, r := range map[int]raw{
		422: {"POST", "/v1/service_account_authorizations", body, header},
		404: {"DELETE", "/v1/enterprise_connect/connections/con%00", "", header},
		400: {"POST", "/oauth/token/revoke", ids, map[string]string{"Content-Type": form}},
	} {
		if response, text := h.send(r); response.StatusCode != want {
			t.Errorf("%s: %d %s", r.path, response.StatusCode, text)
		}
	}
	response, _ := h.send(raw{"GET", "/v1/enterprise_connect/accounts?cause=%FF", "", header})
	equal(t, 422, response.StatusCode)
}

// Whoever is out of reach reads as locked, never as free.
func TestErrOutOfReachIsLocked(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	people := h.world.Staff(1)
	company, _ := h.connect(h.client)
	_, given := h.person(h.client, company, people[0])
	h.world.SetState(people[0], memory.NotPermitted)
	callback := h.receiver.url + "/callback?again"
	h.must(company.AuthorizeAccounts(t.Context(), []cronofy.Authorize{{Email: people[0], CallbackURL: callback, Scope: "free_busy"}}))
	equal(t, "errors.not_permitted", h.receiver.wait(t, callback).ErrorKey)
	response, body := h.send(raw{"GET", "/v1/free_busy?tzid=Etc/UTC", "", bearer(given.AccessToken)})
	if response.StatusCode != http.StatusLocked || !strings.Contains(body, `"not_permitted"`) {
		t.Errorf("free/busy: %d %s", response.StatusCode, body)
	}
	_, body = h.send(raw{"GET", "/v1/userinfo", "", bearer(given.AccessToken)})
	if !strings.Contains(body, `"status":"disconnected"`) {
		t.Errorf("userinfo: %s", body)
	}
}

// Whoever asked for rooms only is told nothing about people.
func TestErrRoomsAloneShowNobody(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	people := h.world.Staff(1)
	_, _, other := h.application("Rooms only")
	link, err := other.CreateIntent(t.Context(), cronofy.IntentRequest{RedirectURI: h.back(), Scope: cronofy.ScopeManageResources, DelegatedScope: "free_busy"})
	h.must(err)
	token, err := other.ExchangeCode(t.Context(), h.through(link.URL), h.back(), "")
	h.must(err)
	const ec = "/v1/enterprise_connect"
	for _, request := range []raw{
		{"GET", ec + "/accounts", "", bearer(token.AccessToken)},
		{"GET", ec + "/accounts/" + people[0] + "/diagnosis", "", bearer(token.AccessToken)},
		{"POST", ec + "/preview", `{"emails":["` + people[0] + `"]}`, bearer(token.AccessToken)},
		{"PUT", ec + "/mappings/" + people[0], `{"mailbox":"` + people[0] + `"}`, bearer(token.AccessToken)},
	} {
		if response, body := h.send(request); response.StatusCode != http.StatusForbidden || !strings.Contains(body, `"scope_missing"`) {
			t.Errorf("%s: %d %s", request.path, response.StatusCode, body)
		}
	}
	response, _ := h.send(raw{"GET", "/v1/resources", "", bearer(token.AccessToken)})
	equal(t, 200, response.StatusCode)
}

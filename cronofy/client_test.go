package cronofy_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kalends/cronofy"
)

// seen is a request as the server got it.
type seen struct {
	Method, Path, Query, Bearer, Language, Body string
}

// answer is what the server says, one after the other; the last one repeats.
type answer struct {
	status int
	header map[string]string
	body   string
}

func serve(t *testing.T, answers ...answer) (*cronofy.Client, *[]seen) {
	t.Helper()
	var requests []seen
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		requests = append(requests, seen{
			r.Method, r.URL.EscapedPath(), r.URL.RawQuery,
			strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), r.Header.Get("Accept-Language"), string(body),
		})
		a := answers[min(len(requests), len(answers))-1]
		for name, value := range a.header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(a.status)
		_, _ = io.WriteString(w, a.body)
	}))
	t.Cleanup(server.Close)
	return newClient(t, server.URL), &requests
}

func newClient(t *testing.T, base string) *cronofy.Client {
	t.Helper()
	client, err := cronofy.New(cronofy.Config{BaseURL: base, ClientID: "client", ClientSecret: "CRN_secret"})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func equal(t *testing.T, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestNewErrNotAbsolute(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"", "hub.musterwerk.example", "ftp://hub", "http://", "http://a b"} {
		if _, err := cronofy.New(cronofy.Config{BaseURL: base}); err == nil {
			t.Errorf("%q was taken", base)
		}
	}
}

func TestAuthorizeURL(t *testing.T) {
	t.Parallel()
	client := newClient(t, "https://hub.musterwerk.example/")
	_, challenge := cronofy.NewVerifier()
	u, err := url.Parse(client.AuthorizeURL(cronofy.AuthorizeParams{
		RedirectURI: "https://app.example/back?x=1", Scope: cronofy.ScopeManageAccounts + " " + cronofy.ScopeManageResources,
		DelegatedScope: "read_write", State: "s t", CodeChallenge: challenge,
	}))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "https://hub.musterwerk.example/enterprise_connect/oauth/authorize", u.Scheme+"://"+u.Host+u.Path)
	equal(t, url.Values{
		"response_type": {"code"}, "client_id": {"client"}, "redirect_uri": {"https://app.example/back?x=1"},
		"scope":           {"service_account/accounts/manage service_account/resources/manage"},
		"delegated_scope": {"read_write"}, "state": {"s t"}, "code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}, u.Query())
}

func TestExchangeCode(t *testing.T) {
	t.Parallel()
	client, requests := serve(t, answer{200, nil, `{"token_type":"bearer","access_token":"AT","expires_in":3600,
		"refresh_token":"RT","scope":"read_write","account_id":"acc_1","sub":"acc_1","linking_profile":{"provider_name":"exchange",
		"provider_service":"exchange","profile_id":"pro_1","profile_name":"jana@musterwerk.example"}}`})
	token, err := client.ExchangeCode(t.Context(), "C", "https://app.example/cb?email=jana", "V")
	if err != nil {
		t.Fatal(err)
	}
	if left := time.Until(token.ExpiresAt); left < 59*time.Minute || left > time.Hour {
		t.Errorf("expires in %v", left)
	}
	equal(t, "jana@musterwerk.example", token.LinkingProfile.ProfileName)
	equal(t, "acc_1", token.Sub)
	var body map[string]string
	if err := json.Unmarshal([]byte((*requests)[0].Body), &body); err != nil {
		t.Fatal(err)
	}
	equal(t, map[string]string{
		"grant_type": "authorization_code", "code": "C", "redirect_uri": "https://app.example/cb?email=jana",
		"code_verifier": "V", "client_id": "client", "client_secret": "CRN_secret",
	}, body)
}

func TestErrors(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		answer             answer
		want               cronofy.Error
		revoked, temporary bool
	}{
		"oauth": {
			answer{400, nil, `{"error":"invalid_grant","error_key":"errors.unknown_or_used","error_description":"code is unknown"}`},
			cronofy.Error{Status: 400, Code: "invalid_grant", Key: "errors.unknown_or_used", Description: "code is unknown"},
			true, false,
		},
		"client": {answer{401, nil, `{"error":"invalid_client"}`}, cronofy.Error{Status: 401, Code: "invalid_client"}, false, false},
		"empty":  {answer{403, map[string]string{"X-Request-Id": "r1"}, ""}, cronofy.Error{Status: 403, RequestID: "r1"}, false, false},
		"html":   {answer{502, nil, "<html>"}, cronofy.Error{Status: 502}, false, true},
		"throttled": {
			answer{429, map[string]string{"Retry-After": "7"}, ""},
			cronofy.Error{Status: 429, RetryAfter: 7 * time.Second},
			false, true,
		},
		"redirect": {answer{302, map[string]string{"Location": "/elsewhere"}, ""}, cronofy.Error{Status: 302}, false, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, requests := serve(t, c.answer)
			_, err := client.Refresh(t.Context(), "RT")
			var got *cronofy.Error
			if !errors.As(err, &got) {
				t.Fatalf("not an *Error: %v", err)
			}
			equal(t, c.want, *got)
			equal(t, c.revoked, cronofy.IsRevoked(err))
			equal(t, c.temporary, cronofy.IsTemporary(err))
			equal(t, 1, len(*requests))
		})
	}
}

func TestFieldErrors(t *testing.T) {
	t.Parallel()
	client, _ := serve(t, answer{422, nil, `{"errors":{"b":[{"key":"errors.required","description":"required"}],
		"a":[{"key":"errors.invalid","description":"not an address"}],"c":[]}}`})
	err := client.Bearer(cronofy.StaticToken("T")).PutMapping(t.Context(), "a@b", "c@d")
	var got *cronofy.Error
	if !errors.As(err, &got) {
		t.Fatal(err)
	}
	equal(t, "errors.invalid", got.Key)
	equal(t, "required", got.Errors["b"][0].Description)
	equal(t, "cronofy: status 422: a not an address; b required; c", got.Error())
}

func TestErrNoSecretsInTransportErrors(t *testing.T) {
	t.Parallel()
	client := newClient(t, "http://127.0.0.1:1")
	_, err := client.Bearer(cronofy.StaticToken("T")).Diagnosis(t.Context(), "jana@musterwerk.example", true)
	if err == nil || !cronofy.IsTemporary(err) {
		t.Fatalf("want a temporary error, got %v", err)
	}
	err = client.Revoke(t.Context(), "very-secret")
	if strings.Contains(err.Error(), "very-secret") || strings.Contains(err.Error(), "CRN_secret") {
		t.Errorf("the error tells a secret: %v", err)
	}
}

func TestRefusedTokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	client, requests := serve(t, answer{401, nil, ""},
		answer{200, nil, `{"access_token":"AT2","expires_in":3600,"refresh_token":"RT","scope":"read_write"}`},
		answer{200, nil, `{"calendars":[]}`})
	var saved cronofy.Token
	old := cronofy.Token{AccessToken: "AT1", RefreshToken: "RT", Sub: "acc_1", Scope: "read_write"}
	source := client.Renewing(old, func(_ context.Context, t cronofy.Token) error { saved = t; return nil })
	if _, err := client.Bearer(source).Calendars(t.Context()); err != nil {
		t.Fatal(err)
	}
	equal(t, []string{"AT1", "", "AT2"}, []string{(*requests)[0].Bearer, (*requests)[1].Bearer, (*requests)[2].Bearer})
	equal(t, "acc_1", saved.Sub)
	equal(t, "AT2", saved.AccessToken)
}

func TestRefusedStaticTokenIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	client, requests := serve(t, answer{401, nil, ""})
	_, err := client.Bearer(cronofy.StaticToken("T")).Profiles(t.Context())
	equal(t, 401, cronofy.StatusOf(err))
	equal(t, true, cronofy.IsRevoked(err))
	equal(t, 1, len(*requests))
}

func TestConcurrentCallsShareOneRenewal(t *testing.T) {
	t.Parallel()
	var refreshes atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/oauth/token" {
			refreshes.Add(1)
			_, _ = io.WriteString(w, `{"access_token":"AT2","expires_in":3600,"refresh_token":"RT"}`)
			return
		}
		if r.Header.Get("Authorization") != "Bearer AT2" {
			w.WriteHeader(401)
		}
	}))
	t.Cleanup(server.Close)
	client := newClient(t, server.URL)
	bearer := client.Bearer(client.Renewing(cronofy.Token{AccessToken: "AT1", RefreshToken: "RT"}, nil))
	done := make(chan error)
	for range 20 {
		go func() { _, err := bearer.Userinfo(context.Background()); done <- err }()
	}
	for range 20 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	equal(t, int32(1), refreshes.Load())
}

func TestExpiringTokenIsRenewedBefore(t *testing.T) {
	t.Parallel()
	client, requests := serve(t, answer{200, nil, `{"access_token":"AT2","expires_in":1800}`}, answer{200, nil, `{}`})
	token := cronofy.Token{AccessToken: "AT1", RefreshToken: "RT", ExpiresAt: time.Now().Add(10 * time.Second)}
	if _, err := client.Bearer(client.Renewing(token, nil)).Userinfo(t.Context()); err != nil {
		t.Fatal(err)
	}
	equal(t, "/oauth/token", (*requests)[0].Path)
	equal(t, "AT2", (*requests)[1].Bearer)
	equal(t, 2, len(*requests))
}

func TestErrSaveFails(t *testing.T) {
	t.Parallel()
	client, requests := serve(t, answer{200, nil, `{"access_token":"AT2","expires_in":1800}`})
	full := errors.New("disk full")
	source := client.Renewing(cronofy.Token{RefreshToken: "RT"}, func(context.Context, cronofy.Token) error { return full })
	if _, err := client.Bearer(source).Userinfo(t.Context()); !errors.Is(err, full) {
		t.Fatalf("want %v, got %v", full, err)
	}
	equal(t, 1, len(*requests))
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"time"

	kalends "kalends"
	"kalends/cronofy"
	"kalends/hub/connect"
)

// Scopes that the test application asks for: everything a service account can.
const (
	demoServiceScope   = "service_account/accounts/manage service_account/resources/manage"
	demoDelegatedScope = "read_write"
)

// connectDemo connects the company twice, as its administrator would: Smart
// Calendar through its settings page, and the test application by its own link.
func (p *program) connectDemo(ctx context.Context, ready *demoReady) error {
	credentials, err := demoCredentials(ready.Exchange)
	if err != nil {
		return err
	}
	if err := p.connectSmartCalendar(ctx, ready, credentials); err != nil {
		return err
	}
	return p.connectTestApplication(ctx, ready, credentials)
}

func demoCredentials(block json.RawMessage) (kalends.Credentials, error) {
	var x struct {
		ServiceAccount string `json:"service_account"`
		Password       string `json:"password"`
		TestEmail      string `json:"test_email"`
	}
	if err := json.Unmarshal(block, &x); err != nil {
		return nil, fmt.Errorf("the sandbox's Exchange: %w", err)
	}
	return kalends.Credentials{"username": x.ServiceAccount, "password": x.Password, "test_email": x.TestEmail}, nil
}

// connectSmartCalendar signs in, presses the button, and comes back from the hub.
func (p *program) connectSmartCalendar(ctx context.Context, ready *demoReady, credentials kalends.Credentials) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if _, err := post(ctx, browser, ready.AppURL+"/sign-in", url.Values{"email": {ready.Admin.Email}, "password": {ready.Admin.Password}}); err != nil {
		return err
	}
	toHub, err := post(ctx, browser, ready.AppURL+"/settings/calendar/connect", nil)
	if err != nil {
		return err
	}
	if !strings.Contains(toHub, "/enterprise_connect/i/") {
		return nil // connected by an earlier demo on the same data
	}
	back, err := p.connectByLink(ctx, toHub, credentials)
	if err != nil {
		return err
	}
	return get(ctx, browser, back)
}

func (p *program) connectTestApplication(ctx context.Context, ready *demoReady, credentials kalends.Credentials) error {
	begun, err := p.connect.BeginAuthorize(ctx, connect.AuthorizeRequest{
		ResponseType: "code", ClientID: ready.TestApplication.ClientID, RedirectURI: ready.TestApplication.RedirectURI,
		Scope: demoServiceScope, DelegatedScope: demoDelegatedScope,
	})
	if err != nil {
		return err
	}
	back, err := p.connectHandle(ctx, begun.Handle, credentials)
	if err != nil {
		return err
	}
	u, err := url.Parse(back)
	if err != nil {
		return err
	}
	client, err := cronofy.New(cronofy.Config{
		BaseURL: ready.HubURL, ClientID: ready.TestApplication.ClientID, ClientSecret: ready.TestApplication.ClientSecret,
	})
	if err != nil {
		return err
	}
	token, err := client.ExchangeCode(ctx, u.Query().Get("code"), ready.TestApplication.RedirectURI, "")
	if err != nil {
		return err
	}
	ready.ServiceToken, ready.ServiceRefreshToken = token.AccessToken, token.RefreshToken
	return nil
}

func (p *program) connectByLink(ctx context.Context, link string, credentials kalends.Credentials) (string, error) {
	begun, err := p.connect.BeginIntent(ctx, path.Base(link))
	if err != nil {
		return "", err
	}
	return p.connectHandle(ctx, begun.Handle, credentials)
}

// connectHandle goes through a connect's pages: provider, form, check, finish.
func (p *program) connectHandle(ctx context.Context, handle string, credentials kalends.Credentials) (string, error) {
	if err := p.connect.ChooseProvider(ctx, handle, kalends.Exchange); err != nil {
		return "", err
	}
	if err := p.connect.StartCheck(ctx, handle, credentials.Clone(), netip.MustParseAddr("127.0.0.1")); err != nil {
		return "", err
	}
	if err := p.awaitCheck(ctx, handle); err != nil {
		return "", err
	}
	return p.connect.Finish(ctx, handle)
}

func (p *program) awaitCheck(ctx context.Context, handle string) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		state, err := p.connect.Connect(ctx, handle)
		if err != nil {
			return err
		}
		switch state.Check {
		case connect.CheckOK:
			return nil
		case connect.CheckFailed:
			return &kalends.Error{Kind: kalends.KindInvalid, Op: "check", Cause: state.Cause}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// post sends a form and gives where the answer leads.
func post(ctx context.Context, browser *http.Client, address string, form url.Values) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := browser.Do(request)
	if err != nil {
		return "", err
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusSeeOther {
		return "", fmt.Errorf("%s answered %s", request.URL.Path, answer.Status)
	}
	return answer.Header.Get("Location"), nil
}

func get(ctx context.Context, browser *http.Client, address string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	answer, err := browser.Do(request)
	if err != nil {
		return err
	}
	answer.Body.Close()
	if answer.StatusCode >= http.StatusBadRequest {
		return errors.New(request.URL.Path + " answered " + answer.Status)
	}
	return nil
}

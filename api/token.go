package api

import (
	"errors"
	"net/http"

	kalends "kalends"
	"kalends/hub/connect"
	"kalends/oauth"
)

// tokenWire is the answer of RFC 6749, 5.1, with Cronofy's identity fields.
type tokenWire struct {
	TokenType        string       `json:"token_type"`
	AccessToken      string       `json:"access_token"`
	ExpiresIn        int          `json:"expires_in"`
	RefreshToken     string       `json:"refresh_token"`
	Scope            string       `json:"scope"`
	AccountID        string       `json:"account_id,omitempty"`
	ServiceAccountID string       `json:"service_account_id,omitempty"`
	Sub              string       `json:"sub,omitempty"`
	LinkingProfile   *linkingWire `json:"linking_profile,omitempty"`
}

type linkingWire struct {
	ProviderName    string `json:"provider_name"`
	ProviderService string `json:"provider_service"`
	ProfileID       string `json:"profile_id"`
	ProfileName     string `json:"profile_name"`
}

// token is POST /oauth/token.
func (s *server) token(c *call) error {
	tokens, err := s.granted(c)
	if err != nil {
		return err
	}
	c.w.Header().Set("Pragma", "no-cache")
	return c.json(http.StatusOK, wireTokens(tokens))
}

func (s *server) granted(c *call) (tokens connect.Tokens, err error) {
	ctx := c.r.Context()
	switch kind := c.form.text("grant_type"); kind {
	case "authorization_code":
		code := c.form.required("code")
		redirect, verifier := c.form.text("redirect_uri"), c.form.text("code_verifier")
		if err := c.form.err(); err != nil {
			return tokens, err
		}
		tokens, err = s.c.Hub.ExchangeCode(ctx, c.app, code, redirect, verifier)
		if err == nil { // as many as the codes that we gave: connecting a large company is no misuse
			s.limits.giveBack(c.app.ID)
		}
		return tokens, grantError(err)
	case "refresh_token":
		refresh := c.form.required("refresh_token")
		if err := c.form.err(); err != nil {
			return tokens, err
		}
		tokens, err = s.c.Hub.Refresh(ctx, c.app, refresh)
		return tokens, grantError(err)
	case "":
		return tokens, &oauthError{Code: string(oauth.InvalidRequest), Description: "grant_type is required", status: http.StatusBadRequest}
	}
	return tokens, &oauthError{Code: string(oauth.UnsupportedGrantType), Description: "use authorization_code or refresh_token", status: http.StatusBadRequest}
}

func grantError(err error) error {
	var refused *oauth.Refusal
	if errors.As(err, &refused) {
		return refusal(refused, refused.TokenStatus())
	}
	return err
}

func wireTokens(t connect.Tokens) tokenWire {
	wire := tokenWire{
		TokenType: "bearer", AccessToken: t.AccessToken, ExpiresIn: t.ExpiresIn,
		RefreshToken: t.RefreshToken, Scope: t.Scope,
	}
	switch {
	case t.Refreshed:
	case t.AccountID == "":
		wire.ServiceAccountID, wire.Sub = t.OrganisationID, t.OrganisationID
	default:
		name, service := wireProvider(t.Provider)
		wire.AccountID, wire.Sub = t.AccountID, t.AccountID
		wire.LinkingProfile = &linkingWire{name, service, t.ProfileID, t.ProfileName}
	}
	return wire
}

// wireProvider gives provider_name and provider_service. provider_name is a
// closed list in jcronofy, so Microsoft 365 is exchange there.
func wireProvider(p kalends.Provider) (name, service string) {
	switch p {
	case kalends.Google:
		return "google", "gsuite"
	case kalends.Microsoft365:
		return "exchange", "office365"
	}
	return "exchange", "exchange"
}

// revoke is POST /oauth/token/revoke (RFC 7009). Node sends refresh_token for
// token; a token wins over a sub.
func (s *server) revoke(c *call) error {
	token, other, sub := c.form.text("token"), c.form.text("refresh_token"), c.form.text("sub")
	if token == "" {
		token = other
	}
	if err := c.form.err(); err != nil {
		return err
	}
	var err error
	switch {
	case token != "":
		err = s.c.Hub.RevokeToken(c.r.Context(), c.app, token)
	case sub != "":
		err = s.c.Hub.RevokeSub(c.r.Context(), c.app, sub)
	default:
		err = &oauthError{Code: string(oauth.InvalidRequest), Description: "token or sub is required", status: http.StatusBadRequest}
	}
	if err != nil {
		return err
	}
	return c.empty(http.StatusOK)
}

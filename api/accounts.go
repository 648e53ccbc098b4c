package api

import (
	"encoding/json"
	"fmt"
	"net/http"

	kalends "kalends"
	"kalends/hub/connect"
)

const (
	accountsPath = "/v1/enterprise_connect/accounts"
	pageSize     = 100
)

type companyAccountWire struct {
	Email        string     `json:"email"`
	MatchedEmail string     `json:"matched_email"`
	MatchedBy    string     `json:"matched_by"`
	Sub          string     `json:"sub"`
	Kind         string     `json:"kind"`
	Status       string     `json:"status"`
	ConnectionID string     `json:"connection_id"`
	Cause        *causeWire `json:"cause"`
	Since        *string    `json:"since"`
	LastSyncAt   *string    `json:"last_sync_at"`
}

// accountsPage is what a page id holds, sealed: it shows no address, and only
// the organisation that got it can use it.
type accountsPage struct {
	Current int    `json:"n"`
	Total   int    `json:"t"`
	After   string `json:"a"`
	Status  string `json:"s,omitempty"`
	Cause   string `json:"c,omitempty"`
	Within  string `json:"w,omitempty"`
}

func (s *server) accounts(c *call) error {
	page, err := s.accountsPage(c)
	if err != nil {
		return err
	}
	found, err := s.c.Hub.Accounts(c.r.Context(), c.bearer.OrganisationID, connect.AccountFilter{
		Status: kalends.AccountStatus(page.Status), Cause: kalends.CauseKey(page.Cause),
		ConnectionID: page.Within, After: page.After, Limit: pageSize,
	})
	if err != nil {
		return err
	}
	pages, err := s.accountsPages(c, page, found)
	if err != nil {
		return err
	}
	wire := make([]companyAccountWire, 0, len(found.Accounts))
	for _, a := range found.Accounts {
		wire = append(wire, c.companyAccount(a))
	}
	return c.json(http.StatusOK, struct {
		Pages    pagesWire            `json:"pages"`
		Accounts []companyAccountWire `json:"accounts"`
	}{pages, wire})
}

// accountsPage reads the filter of a first page, or a page id.
func (s *server) accountsPage(c *call) (page accountsPage, err error) {
	f := c.form
	if id := f.text("page"); id != "" {
		return s.openPage(c, id)
	}
	page = accountsPage{Current: 1, Status: f.text("status"), Cause: f.text("cause"), Within: f.text("connection_id")}
	switch kalends.AccountStatus(page.Status) {
	case "", kalends.AccountPending, kalends.AccountConnected, kalends.AccountWaiting, kalends.AccountError, kalends.AccountDisconnected:
	default:
		f.wrong.add("status", "errors.not_recognized", "not a status")
	}
	return page, f.err()
}

func (s *server) openPage(c *call, id string) (page accountsPage, err error) {
	plain, err := s.c.Box.Open(id, pageContext(c))
	if err == nil {
		err = json.Unmarshal(plain, &page)
	}
	if err != nil {
		return page, kalends.Errorf(kalends.KindGone, "api: page id: %w", err)
	}
	return page, nil
}

func pageContext(c *call) string { return "api/accounts/" + c.bearer.OrganisationID }

// accountsPages keeps the first page's total, as long as it is not wrong: there
// is a next page exactly when current is below total.
func (s *server) accountsPages(c *call, page accountsPage, found connect.AccountPage) (pagesWire, error) {
	if page.Total == 0 {
		page.Total = max(1, (found.Total+pageSize-1)/pageSize)
	}
	if found.Next == "" {
		return pagesWire{Current: page.Current, Total: page.Current}, nil
	}
	wire := pagesWire{Current: page.Current, Total: max(page.Total, page.Current+1)}
	page.Current, page.Total, page.After = page.Current+1, wire.Total, found.Next
	plain, err := json.Marshal(page)
	if err != nil {
		return wire, fmt.Errorf("api: page id: %w", err)
	}
	id, err := s.c.Box.Seal(plain, pageContext(c))
	if err != nil {
		return wire, fmt.Errorf("api: page id: %w", err)
	}
	wire.NextPage = s.nextPage(accountsPath, id)
	return wire, nil
}

func (c *call) companyAccount(a kalends.Account) companyAccountWire {
	return companyAccountWire{
		a.Email, a.MatchedEmail, string(a.MatchedBy), a.ID, string(a.Kind), string(a.Status),
		a.ConnectionID, c.cause(a.Cause), instant(a.Since), instant(a.LastSyncAt),
	}
}

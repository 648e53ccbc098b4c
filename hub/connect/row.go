package connect

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	kalends "kalends"
	"kalends/db"
	"kalends/provider"
	"kalends/secret"
	"kalends/store"
)

const (
	connectLife  = 2 * time.Hour
	checkSilence = 2 * time.Minute // a check that wrote nothing for so long died with its process
)

// row is a browser's connect, unsealed.
type row struct {
	store.Connect
	result  *outcome
	preview stored
	emails  []string
	company string // of the intent
	client  string // the application's own id of that customer
}

// outcome is what a check left for Finish, and Finish for its repetition.
type outcome struct {
	provider.CheckResult
	Cause          *kalends.Cause `json:",omitempty"` // of a check that failed
	FinishedAs     string         `json:",omitempty"` // the organisation, once done
	ConnectionID   string         `json:",omitempty"`
	CodeHash       string         `json:",omitempty"`
	RedirectPrefix string         `json:",omitempty"`
}

// unseal reads what a stored row holds.
func (s *Service) unseal(ctx context.Context, tx *db.Tx, c store.Connect) (*row, error) {
	r := &row{Connect: c}
	if len(c.CheckResult) > 0 {
		r.result = &outcome{}
		if json.Unmarshal(c.CheckResult, r.result) != nil { // its error would show values
			return nil, kalends.Errorf(kalends.KindInternal, "connect: a check's result can not be read")
		}
	}
	if c.Preview != "" {
		if err := json.Unmarshal([]byte(c.Preview), &r.preview); err != nil {
			return nil, fmt.Errorf("connect: preview: %w", err)
		}
	}
	if c.IntentID == "" {
		return r, nil
	}
	intent, err := s.c.Store.Intent(ctx, tx, c.IntentID)
	r.emails, r.company, r.client = intent.Emails, intent.Company, intent.CompanyID
	return r, err
}

// seal gives the row as it is stored.
func (r *row) seal() store.Connect {
	c := r.Connect
	c.CheckResult, c.Preview = nil, db.JSON(r.preview)
	if r.result != nil {
		c.CheckResult = []byte(db.JSON(r.result))
	}
	return c
}

var errNoConnect = kalends.Errorf(kalends.KindNotFound, "connect: unknown or expired")

// loadRow gives a connect that has not expired.
func (s *Service) loadRow(ctx context.Context, tx *db.Tx, id string) (*row, error) {
	c, err := s.c.Store.Connect(ctx, tx, id)
	if db.IsNotFound(err) {
		return nil, errNoConnect
	}
	if err != nil {
		return nil, err
	}
	return s.unseal(ctx, tx, c)
}

func (s *Service) readRow(ctx context.Context, id string) (r *row, err error) {
	err = s.c.DB.Read(ctx, func(tx *db.Tx) error {
		r, err = s.loadRow(ctx, tx, id)
		return err
	})
	return r, err
}

func (s *Service) readConnect(ctx context.Context, handle string) (*row, error) {
	return s.readRow(ctx, secret.SHA256(handle))
}

// change edits a row in one transaction. KindGone once it is done.
func (s *Service) change(ctx context.Context, id string, edit func(*db.Tx, *row) error) error {
	return s.c.DB.Write(ctx, func(tx *db.Tx) error {
		if err := tx.Lock(ctx, "connect/"+id); err != nil {
			return err
		}
		r, err := s.loadRow(ctx, tx, id)
		if err != nil {
			return err
		}
		if !r.DoneAt.IsZero() {
			return kalends.Errorf(kalends.KindGone, "connect: already finished")
		}
		if err := edit(tx, r); err != nil {
			return err
		}
		return s.put(ctx, tx, r)
	})
}

func (s *Service) put(ctx context.Context, tx *db.Tx, r *row) error {
	return s.c.Store.UpdateConnect(ctx, tx, r.seal())
}

func (s *Service) update(ctx context.Context, handle string, edit func(*row) error) error {
	return s.change(ctx, secret.SHA256(handle), func(_ *db.Tx, r *row) error { return edit(r) })
}

// updateCheck edits the row as long as the check is the current one.
func (s *Service) updateCheck(ctx context.Context, id, checkID string, edit func(*row) error) error {
	return s.change(ctx, id, func(tx *db.Tx, r *row) error {
		if r.CheckID != checkID {
			return kalends.Errorf(kalends.KindConflict, "connect: another check began")
		}
		r.CheckAt = tx.Now()
		return edit(r)
	})
}

// background runs fn until it is done or the Service is closed.
func (s *Service) background(fn func(context.Context)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return
	}
	s.work.Go(func() { fn(s.ctx) })
}

// Connect gives a browser's connect. KindNotFound if there is none or it expired.
func (s *Service) Connect(ctx context.Context, handle string) (view Connect, err error) {
	err = s.c.DB.Read(ctx, func(tx *db.Tx) error {
		r, err := s.loadRow(ctx, tx, secret.SHA256(handle))
		if err != nil {
			return err
		}
		view = s.view(r, tx.Now())
		return s.viewOwners(ctx, tx, r, &view)
	})
	return view, err
}

func (s *Service) viewOwners(ctx context.Context, tx *db.Tx, r *row, view *Connect) error {
	var err error
	if view.Application, err = s.c.Store.Application(ctx, tx, r.ApplicationID); err != nil || r.OrganisationID == "" {
		return err
	}
	organisation, err := s.c.Store.Organisation(ctx, tx, r.OrganisationID)
	view.Domain = organisation.Domain
	return err
}

func (s *Service) view(r *row, now time.Time) Connect {
	view := Connect{
		ID: r.ID, OrganisationID: r.OrganisationID, ByIntent: r.IntentID != "", Scope: r.Scope,
		DelegatedScope: r.DelegatedScope, Company: r.company, Emails: len(r.emails), Domains: domainsOf(r.emails), Provider: r.Provider,
		ConfirmAliases: r.preview.ConfirmAliases, CheckID: r.CheckID, Check: CheckState(r.CheckState),
		Steps: r.CheckSteps, Preview: r.preview.Preview, ExpiresAt: r.ExpiresAt, Done: !r.DoneAt.IsZero(),
	}
	if system, ok := s.c.Systems[r.Provider]; ok {
		view.Form, view.Values = system.Form, visible(system.Form, r.Credentials)
	}
	if r.result != nil {
		view.Found = Found{r.result.Account, r.result.Domain, r.result.Rooms}
		view.Cause, view.ConnectionID = r.result.Cause, r.result.ConnectionID
	}
	if view.Check == CheckRunning && now.Sub(r.CheckAt) > checkSilence {
		view.Check, view.Cause = CheckFailed, kalends.NewCause(kalends.CauseInternal)
	}
	if view.Preview.Running && now.Sub(r.CheckAt) > checkSilence {
		view.Preview.Running = false
	}
	return view
}

// domainsOf lists the domains of addresses, the most frequent first.
func domainsOf(emails []string) []string {
	count := map[string]int{}
	for _, email := range emails {
		count[kalends.EmailDomain(email)]++
	}
	return slices.SortedFunc(maps.Keys(count), func(a, b string) int {
		return cmp.Or(count[b]-count[a], strings.Compare(a, b))
	})
}

// visible are the entered values that may go back to the browser.
func visible(form kalends.Form, values kalends.Credentials) map[string]string {
	shown := map[string]string{}
	for _, field := range form.Fields {
		if !field.Secret && values[field.Name] != "" {
			shown[field.Name] = values[field.Name]
		}
	}
	return shown
}

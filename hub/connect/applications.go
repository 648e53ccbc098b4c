package connect

import (
	"context"
	"net/url"
	"reflect"
	"strings"
	"time"

	kalends "kalends"
	"kalends/db"
	"kalends/oauth"
)

// CreateApplication registers an application and gives its first secret, which
// is not shown again. A name that is taken is KindConflict.
func (s *Service) CreateApplication(ctx context.Context, n NewApplication) (kalends.Application, string, error) {
	if err := n.check(); err != nil {
		return kalends.Application{}, "", err
	}
	app := n.over(kalends.Application{ID: kalends.NewID(kalends.PrefixApplication), ClientID: kalends.NewID("")})
	clientSecret := kalends.NewSecret()
	err := s.c.DB.Write(ctx, func(tx *db.Tx) error {
		app.CreatedAt = tx.Now()
		if err := s.c.Store.InsertApplication(ctx, tx, app); err != nil {
			return err
		}
		if err := s.c.Store.InsertClientSecret(ctx, tx, app.ID, clientSecret); err != nil {
			return err
		}
		return s.auditApplication(ctx, tx, app, "application.created")
	})
	return app, clientSecret, taken(err)
}

func taken(err error) error {
	if db.IsUnique(err) {
		return kalends.Errorf(kalends.KindConflict, "connect: the name is taken")
	}
	return err
}

func (n NewApplication) check() error {
	var wrong []FieldError
	if strings.TrimSpace(n.Name) == "" {
		wrong = append(wrong, FieldError{-1, "name", "errors.required", "required"})
	}
	if len(n.RedirectURIs) == 0 {
		wrong = append(wrong, FieldError{-1, "redirect_uris", "errors.required", "required"})
	}
	for i, uri := range n.RedirectURIs {
		if refusal := oauth.CheckRedirectURI(uri); refusal != nil {
			wrong = append(wrong, FieldError{i, "redirect_uris", "errors.invalid", refusal.Description})
		}
	}
	if n.NotifyURL != "" && !absolute(n.NotifyURL) {
		wrong = append(wrong, FieldError{-1, "notify_url", "errors.invalid", "not an absolute http(s) address"})
	}
	if wrong != nil {
		return &InvalidError{wrong}
	}
	return nil
}

func absolute(uri string) bool {
	target, err := url.Parse(uri)
	return err == nil && (target.Scheme == "https" || target.Scheme == "http") && target.Host != "" && target.Fragment == "" && target.User == nil
}

// over writes what is registered over an application. Callback hosts that are
// not named are those of the redirect URIs and of the notification URL.
func (n NewApplication) over(app kalends.Application) kalends.Application {
	app.Name, app.RedirectURIs, app.NotifyURL = strings.TrimSpace(n.Name), n.RedirectURIs, n.NotifyURL
	app.CallbackHosts = nil
	for _, host := range n.CallbackHosts {
		app.CallbackHosts = append(app.CallbackHosts, strings.ToLower(host))
	}
	if len(n.CallbackHosts) > 0 {
		return app
	}
	seen := map[string]bool{}
	for _, uri := range append(append([]string{}, n.RedirectURIs...), n.NotifyURL) {
		if target, err := url.Parse(uri); err == nil && target.Host != "" && !seen[strings.ToLower(target.Host)] {
			seen[strings.ToLower(target.Host)] = true
			app.CallbackHosts = append(app.CallbackHosts, strings.ToLower(target.Host))
		}
	}
	return app
}

func (s *Service) auditApplication(ctx context.Context, tx *db.Tx, app kalends.Application, action string) error {
	return s.audit(ctx, tx, kalends.Audit{ApplicationID: app.ID, Actor: ActorOperator, Action: action}, "name", app.Name, "client_id", app.ClientID)
}

// NoteOperation writes down what an operator did to the whole installation. The
// entry belongs to no application and no organisation, so no page shows it.
func (s *Service) NoteOperation(ctx context.Context, action string, facts ...string) error {
	return s.c.DB.Write(ctx, func(tx *db.Tx) error {
		return s.audit(ctx, tx, kalends.Audit{Actor: ActorOperator, Action: action}, facts...)
	})
}

// UpdateApplication replaces what an application is registered with; its id,
// client id and secrets stay.
func (s *Service) UpdateApplication(ctx context.Context, id string, n NewApplication) (kalends.Application, error) {
	if err := n.check(); err != nil {
		return kalends.Application{}, err
	}
	var app kalends.Application
	err := s.c.DB.Write(ctx, func(tx *db.Tx) (err error) {
		if app, err = s.application(ctx, tx, id); err != nil {
			return err
		}
		before := app
		if app = n.over(app); reflect.DeepEqual(app, before) {
			return nil
		}
		if err := s.c.Store.UpdateApplication(ctx, tx, app); err != nil {
			return err
		}
		return s.auditApplication(ctx, tx, app, "application.changed")
	})
	return app, taken(err)
}

// Applications lists all applications by name.
func (s *Service) Applications(ctx context.Context) (list []kalends.Application, err error) {
	err = s.c.DB.Read(ctx, func(tx *db.Tx) error {
		list, err = s.c.Store.Applications(ctx, tx)
		return err
	})
	return list, err
}

// Application gives one by its id, client id or name.
func (s *Service) Application(ctx context.Context, id string) (app kalends.Application, err error) {
	err = s.c.DB.Read(ctx, func(tx *db.Tx) error {
		app, err = s.application(ctx, tx, id)
		return err
	})
	return app, err
}

func (s *Service) application(ctx context.Context, tx *db.Tx, id string) (kalends.Application, error) {
	app, err := s.c.Store.Application(ctx, tx, id)
	if db.IsNotFound(err) {
		app, err = s.c.Store.ApplicationByClient(ctx, tx, id)
	}
	if db.IsNotFound(err) {
		app, err = s.c.Store.ApplicationByName(ctx, tx, id)
	}
	return app, err
}

// RotateSecret gives an application (by id, client id or name) a new secret; the
// newest it has stays valid for overlap, older ones end. At most two are valid
// at once.
func (s *Service) RotateSecret(ctx context.Context, id string, overlap time.Duration) (string, error) {
	clientSecret := kalends.NewSecret()
	err := s.c.DB.Write(ctx, func(tx *db.Tx) error {
		app, err := s.application(ctx, tx, id)
		if err != nil {
			return err
		}
		before, err := s.c.Store.ClientSecrets(ctx, tx, app.ID)
		if err != nil {
			return err
		}
		for i, old := range before {
			end := tx.Now().Add(max(overlap, 0))
			if i > 0 {
				end = tx.Now()
			}
			if err := s.c.Store.ExpireClientSecret(ctx, tx, old.ID, end); err != nil {
				return err
			}
		}
		if err := s.c.Store.InsertClientSecret(ctx, tx, app.ID, clientSecret); err != nil {
			return err
		}
		return s.auditApplication(ctx, tx, app, "application.secret_rotated")
	})
	if err != nil {
		return "", err
	}
	return clientSecret, nil
}

// AuthenticateClient checks client credentials; anything wrong is KindUnauthorized.
func (s *Service) AuthenticateClient(ctx context.Context, clientID, clientSecret string) (app kalends.Application, err error) {
	err = s.c.DB.Read(ctx, func(tx *db.Tx) error {
		app, err = s.c.Store.ApplicationBySecret(ctx, tx, clientSecret)
		return err
	})
	if db.IsNotFound(err) || err == nil && app.ClientID != clientID {
		return kalends.Application{}, kalends.Errorf(kalends.KindUnauthorized, "connect: unknown client or wrong secret")
	}
	return app, err
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	kalends "kalends"
	"kalends/db"
	"kalends/hub/connect"
	"kalends/secret"
	"kalends/smartcalendar"
)

func errNotMigrated(err error) error {
	if err != nil {
		return err
	}
	return errors.New("the database is not up to date")
}

// withHouse runs an operator's act on the database.
func withHouse(e *environment, s *settings, act func(ctx context.Context, h *house) error) error {
	h, err := openHouse(e.ctx, s)
	if err != nil {
		return err
	}
	defer h.close()
	if err := h.insertOnly(e.ctx); err != nil {
		return err
	}
	return act(e.ctx, h)
}

func ownSecret(ctx context.Context, h *house, app kalends.Application) (kalends.Application, string, error) {
	var newest string
	err := h.db.Read(ctx, func(tx *db.Tx) error {
		secrets, err := h.store.ClientSecrets(ctx, tx, app.ID)
		if err == nil && len(secrets) > 0 {
			newest = secrets[0].Secret
		}
		return err
	})
	if err == nil && newest == "" {
		newest, err = h.connect.RotateSecret(ctx, app.ID, 0)
	}
	return app, newest, err
}

type migrateCommand struct{}

// Run migrates: opening the house does it.
func (migrateCommand) Run(e *environment, s *settings) error {
	return withHouse(e, s, func(context.Context, *house) error {
		_, err := fmt.Fprintln(e.out, "The database is up to date.")
		return err
	})
}

type checkCommand struct {
	Config   checkConfigCommand   `cmd:"" help:"Explain every setting, its value and where it can come from."`
	Exchange checkExchangeCommand `cmd:"" help:"Check access to an Exchange, line by line, before connecting or while connected."`
}

type checkConfigCommand struct{}

// Run prints every setting; secrets are not shown.
func (checkConfigCommand) Run(e *environment, s *settings) error {
	problem := s.complete()
	table := tabwriter.NewWriter(e.out, 0, 4, 2, ' ', 0)
	for _, line := range describe(s) {
		fmt.Fprintf(table, "%s\t%s\t%s\n", line.env, line.value, line.help)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return problem
}

type appCommand struct {
	Create appCreateCommand `cmd:"" help:"Register an application; its secret is shown once."`
	List   appListCommand   `cmd:"" help:"List applications."`
	Rotate appRotateCommand `cmd:"" help:"Give an application a new secret; the old one works for a while."`
}

type appCreateCommand struct {
	Name         string   `required:"" help:"What administrators read when they are asked."`
	RedirectURI  []string `required:"" name:"redirect-uri" help:"Where browsers return to; exact matches only."`
	CallbackHost []string `help:"host[:port] that callbacks may go to; by default those of the redirect URIs."`
	Notify       string   `help:"URL that is told when a connection ends or breaks."`
	JSON         bool     `help:"Print JSON."`
}

// Run registers the application.
func (c appCreateCommand) Run(e *environment, s *settings) error {
	return withHouse(e, s, func(ctx context.Context, h *house) error {
		app, secret, err := h.connect.CreateApplication(ctx, connect.NewApplication{
			Name: c.Name, RedirectURIs: c.RedirectURI, CallbackHosts: c.CallbackHost, NotifyURL: c.Notify,
		})
		if err != nil {
			return explainInvalid(err)
		}
		if c.JSON {
			return json.NewEncoder(e.out).Encode(map[string]any{
				"client_id": app.ClientID, "client_secret": secret, "name": app.Name, "redirect_uris": app.RedirectURIs,
			})
		}
		fmt.Fprintf(e.out, "Client id:      %s\nClient secret:  %s\nKeep the secret now: it is not shown again.\n", app.ClientID, secret)
		return nil
	})
}

// explainInvalid puts every wrong value into the error's text.
func explainInvalid(err error) error {
	var invalid *connect.InvalidError
	if !errors.As(err, &invalid) {
		return err
	}
	var lines []string
	for _, f := range invalid.Fields {
		lines = append(lines, f.Field+": "+f.Description)
	}
	return errors.New(strings.Join(lines, "; "))
}

type appListCommand struct {
	JSON bool `help:"Print JSON."`
}

// Run lists applications without their secrets.
func (c appListCommand) Run(e *environment, s *settings) error {
	return withHouse(e, s, func(ctx context.Context, h *house) error {
		apps, err := h.connect.Applications(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return json.NewEncoder(e.out).Encode(apps)
		}
		table := tabwriter.NewWriter(e.out, 0, 4, 2, ' ', 0)
		fmt.Fprintln(table, "NAME\tCLIENT ID\tREDIRECT URIS\tSINCE")
		for _, app := range apps {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", app.Name, app.ClientID, strings.Join(app.RedirectURIs, " "), app.CreatedAt.Format(time.DateOnly))
		}
		return table.Flush()
	})
}

type appRotateCommand struct {
	ClientID   string        `arg:"" help:"Client id of the application."`
	OldExpires time.Duration `default:"168h" help:"How long the old secret still works."`
}

// Run makes the new secret.
func (c appRotateCommand) Run(e *environment, s *settings) error {
	return withHouse(e, s, func(ctx context.Context, h *house) error {
		secret, err := h.connect.RotateSecret(ctx, c.ClientID, c.OldExpires)
		if kalends.KindOf(err) == kalends.KindNotFound {
			return fmt.Errorf("no application has the client id %q; see kalends app list", c.ClientID)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(e.out, "Client secret:  %s\nThe old one works for %s more.\n", secret, c.OldExpires)
		return nil
	})
}

type orgCommand struct {
	List orgListCommand `cmd:"" help:"List organisations and their connections."`
	Link orgLinkCommand `cmd:"" help:"Make a one-time link to an organisation's connections on the hub's page."`
}

type orgListCommand struct{}

// Run lists organisations.
func (orgListCommand) Run(e *environment, s *settings) error {
	return withHouse(e, s, func(ctx context.Context, h *house) error {
		organisations, err := h.connect.Organisations(ctx, "")
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(e.out, 0, 4, 2, ' ', 0)
		fmt.Fprintln(table, "ORGANISATION\tDOMAIN\tAPPLICATION\tSINCE\tENDED")
		for _, o := range organisations {
			ended := ""
			if !o.RevokedAt.IsZero() {
				ended = o.RevokedAt.Format(time.DateOnly)
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", o.ID, o.Domain, o.ApplicationID, o.CreatedAt.Format(time.DateOnly), ended)
		}
		return table.Flush()
	})
}

type orgLinkCommand struct {
	Organisation string `arg:"" help:"ser_… of the organisation."`
}

// Run makes the link.
func (c orgLinkCommand) Run(e *environment, s *settings) error {
	return withHouse(e, s, func(ctx context.Context, h *house) error {
		link, err := h.connect.OperatorLink(ctx, c.Organisation)
		if kalends.KindOf(err) == kalends.KindNotFound {
			return fmt.Errorf("there is no organisation %q; see kalends org list", c.Organisation)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(e.out, "Works once, for an hour:\n%s\n", link)
		return nil
	})
}

type companyCommand struct {
	Set  companySetCommand  `cmd:"" help:"Switch a feature of a company on or off."`
	Link companyLinkCommand `cmd:"" help:"Print the one-time link that makes the first company and administrator."`
}

type companySetCommand struct {
	Name    string `arg:"" help:"Name of the company."`
	Feature string `arg:"" enum:"smart_calendar,smart_calendar_plus" help:"smart_calendar or smart_calendar_plus."`
	State   string `arg:"" enum:"on,off" help:"on or off."`
}

// Run switches the feature.
func (c companySetCommand) Run(e *environment, s *settings) error {
	return withApp(e, s, func(ctx context.Context, app *smartcalendar.App) error {
		if err := app.SetFeature(ctx, c.Name, smartcalendar.Feature(c.Feature), c.State == "on"); err != nil {
			return err
		}
		fmt.Fprintf(e.out, "%s: %s is %s.\n", c.Name, c.Feature, c.State)
		return nil
	})
}

type companyLinkCommand struct{}

// Run prints the link.
func (companyLinkCommand) Run(e *environment, s *settings) error {
	return withApp(e, s, func(ctx context.Context, app *smartcalendar.App) error {
		link, err := app.FirstLink(ctx)
		if err != nil {
			return err
		}
		if link == "" {
			return errors.New("there is a company already")
		}
		fmt.Fprintln(e.out, link)
		return nil
	})
}

// withApp acts on Smart Calendar's rows. It registers nothing at the hub: a
// running program may have other addresses than this command was given.
func withApp(e *environment, s *settings, act func(ctx context.Context, app *smartcalendar.App) error) error {
	return withHouse(e, s, func(ctx context.Context, h *house) error {
		app, err := smartcalendar.New(smartcalendar.Config{
			DB: h.db, Box: h.box, Jobs: h.jobs.runner, HubURL: s.PublicURL, AppURL: s.AppURL, Log: h.log,
		})
		if err != nil {
			return err
		}
		return act(ctx, app)
	})
}

type keysetCommand struct {
	Rotate keysetRotateCommand `cmd:"" help:"Add a new key for what is sealed from now on; old values stay readable."`
}

type keysetRotateCommand struct{}

// Run replaces the keyset's file at once or not at all.
func (keysetRotateCommand) Run(e *environment, s *settings) error {
	if err := s.complete(); err != nil {
		return err
	}
	text, err := os.ReadFile(s.Keyset)
	if err != nil {
		return fmt.Errorf("only a keyset in a file can be rotated here: %w", err)
	}
	return withHouse(e, s, func(ctx context.Context, h *house) error {
		if err := replaceKeyset(s.Keyset, string(text)); err != nil {
			return err
		}
		if err := h.connect.NoteOperation(ctx, "keyset.rotated"); err != nil {
			return fmt.Errorf("the keyset is a new one, but that could not be written down: %w", err)
		}
		_, err := fmt.Fprintln(e.out, "New values are sealed with a new key after the next start. Back the keyset up again.")
		return err
	})
}

func replaceKeyset(path, text string) error {
	rotated, err := secret.Rotate(text)
	if err != nil {
		return err
	}
	next, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".next-") // nobody else reads it
	if err != nil {
		return err
	}
	if err := writeThrough(next, rotated); err != nil {
		return errors.Join(err, os.Remove(next.Name()))
	}
	if err := os.Rename(next.Name(), path); err != nil {
		return errors.Join(err, os.Remove(next.Name()))
	}
	return syncFolder(filepath.Dir(path))
}

// writeThrough writes a file to the disk and closes it: a keyset that a power
// cut empties takes all credentials with it.
func writeThrough(f *os.File, text string) error {
	_, err := f.WriteString(text)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// syncFolder brings a renaming to the disk. Windows cannot, and need not.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

type backupCommand struct {
	File string `arg:"" help:"Where the copy goes; must not exist."`
}

// Run copies the database as one consistent moment of it.
func (c backupCommand) Run(e *environment, s *settings) error {
	return withHouse(e, s, func(ctx context.Context, h *house) error {
		if err := h.db.Backup(ctx, c.File); err != nil {
			return err
		}
		if err := h.connect.NoteOperation(ctx, "database.copied", "file", c.File); err != nil {
			return fmt.Errorf("copied, but that could not be written down: %w", err)
		}
		fmt.Fprintf(e.out, "Copied to %s. The keyset is not in it: keep it elsewhere.\n", c.File)
		return nil
	})
}

// hostOf gives the host[:port] of a URL that complete has checked.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

package notify

import (
	"context"
	"fmt"
	"net/url"
	"time"

	kalends "kalends"
	"kalends/db"
	"kalends/explain"
	"kalends/jobs"
)

// The notification that a connection changed; our own, beside Cronofy's types.
type changeBody struct {
	Notification changeWire `json:"notification"`
}

type changeWire struct {
	Type         string     `json:"type"`
	Organisation string     `json:"organisation"`
	ConnectionID string     `json:"connection_id"`
	Provider     string     `json:"provider"`
	Domain       string     `json:"domain"`
	Status       string     `json:"status"`
	By           string     `json:"by"`
	At           string     `json:"at"`
	Cause        *causeWire `json:"cause"`
}

type causeWire struct {
	Key   string            `json:"key"`
	Facts map[string]string `json:"facts"`
	Text  string            `json:"text"`
	Fix   string            `json:"fix"`
}

// change is a connection's change with all that telling it needs.
type change struct {
	audit        kalends.Audit
	connection   kalends.Connection
	organisation kalends.Organisation
	application  kalends.Application
	secrets      []string
}

// connectionChanged posts a connection's state to its application's
// notification URL. Several changes that come late all tell the state of now.
func (s *Service) connectionChanged(ctx context.Context, job jobs.ConnectionChanged) error {
	var c change
	err := s.c.DB.Read(ctx, func(tx *db.Tx) (err error) {
		c, err = s.change(ctx, tx, job)
		return err
	})
	if kalends.KindOf(err) == kalends.KindNotFound || err == nil && c.application.NotifyURL == "" {
		return nil
	}
	if err != nil {
		return fmt.Errorf("notify: prepare change: %w", err)
	}
	parsed, err := url.Parse(c.application.NotifyURL)
	if err != nil {
		return kalends.Errorf(kalends.KindInvalid, "notify: the notification URL is none")
	}
	return s.deliver(ctx, c.application.NotifyURL, []string{parsed.Host}, changeBody{c.wire()}, c.secrets)
}

func (s *Service) change(ctx context.Context, tx *db.Tx, job jobs.ConnectionChanged) (c change, err error) {
	if c.audit, err = s.c.Store.Audit(ctx, tx, job.AuditID); err != nil {
		return c, err
	}
	c.connection, err = s.c.Store.Connection(ctx, tx, job.ConnectionID)
	if kalends.KindOf(err) == kalends.KindNotFound { // purged meanwhile
		c.connection = kalends.Connection{ID: job.ConnectionID, OrganisationID: c.audit.OrganisationID, Status: kalends.ConnectionDisconnected}
	} else if err != nil {
		return c, err
	}
	if c.organisation, err = s.c.Store.Organisation(ctx, tx, c.connection.OrganisationID); err != nil {
		return c, err
	}
	if c.application, err = s.c.Store.Application(ctx, tx, c.organisation.ApplicationID); err != nil {
		return c, err
	}
	c.secrets, err = s.secrets(ctx, tx, c.application.ID)
	return c, err
}

func (c change) wire() changeWire {
	w := changeWire{
		Type: "connection_changed", Organisation: c.organisation.ID, ConnectionID: c.connection.ID,
		Provider: string(c.connection.Provider), Domain: c.connection.Domain, Status: string(c.connection.Status),
		By: c.audit.Actor, At: c.audit.At.UTC().Format(time.RFC3339),
	}
	if cause := c.connection.Cause; cause != nil {
		text := explain.Cause("en", string(cause.Key), cause.Facts)
		w.Cause = &causeWire{Key: string(cause.Key), Facts: cause.Facts, Text: text.What, Fix: text.Fix}
	}
	return w
}

// changeLost notes that a change was never told.
func (s *Service) changeLost(ctx context.Context, job jobs.ConnectionChanged, failure error) error {
	return s.c.DB.Write(ctx, func(tx *db.Tx) error {
		c, err := s.change(ctx, tx, job)
		if kalends.KindOf(err) == kalends.KindNotFound {
			return nil
		}
		if err != nil {
			return err
		}
		return s.lost(ctx, tx, kalends.Audit{
			ApplicationID: c.application.ID, OrganisationID: c.organisation.ID, ConnectionID: c.connection.ID,
			Facts: map[string]string{"notification": c.audit.Action},
		}, failure)
	})
}

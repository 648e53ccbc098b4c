package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	kalends "kalends"
	"kalends/db"
	"kalends/hub/connect"
	"kalends/jobs"
	"kalends/mail"
	"kalends/outbound"
	"kalends/provider"
	"kalends/secret"
	"kalends/smartcalendar"
	"kalends/store"
)

// refuseAfter is longer than most servers take to refuse a password.
const refuseAfter = 3 * time.Second

// house is what every command that touches the database stands on.
type house struct {
	settings *settings
	log      *slog.Logger
	metrics  *prometheus.Registry
	db       *db.DB
	box      *secret.Box
	store    *store.Store
	way      *outbound.Way
	pool     *provider.Pool
	jobs     *lateRunner
	connect  *connect.Service
	wake     func() // the mirror's, once it exists
}

// openHouse opens the database, brings it up to date, and wires the hub's acts.
func openHouse(ctx context.Context, s *settings) (*house, error) {
	if err := s.complete(); err != nil {
		return nil, err
	}
	h := &house{settings: s, log: s.logger(), metrics: prometheus.NewRegistry(), jobs: &lateRunner{}, wake: func() {}}
	if err := h.openData(ctx); err != nil {
		h.close()
		return nil, err
	}
	if err := h.wire(); err != nil {
		h.close()
		return nil, err
	}
	return h, nil
}

func (h *house) openData(ctx context.Context) error {
	if err := makeFolder(h.settings.DatabaseURL); err != nil {
		return err
	}
	var err error
	if h.box, err = openBox(h.settings.Keyset); err != nil {
		return err
	}
	if h.db, err = db.Open(ctx, h.settings.DatabaseURL, db.Options{}); err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	h.store = store.New(h.db, h.box)
	if err := h.store.Migrate(ctx); err != nil {
		return fmt.Errorf("bring the hub's tables up to date: %w", err)
	}
	if err := smartcalendar.Migrate(ctx, h.db); err != nil {
		return fmt.Errorf("bring Smart Calendar's tables up to date: %w", err)
	}
	return nil
}

func (h *house) wire() error {
	way, err := h.openWay(h.settings)
	if err != nil {
		return err
	}
	h.way = way
	options := provider.Options{Metrics: provider.NewMetrics(h.metrics), Log: h.log}
	h.pool = provider.NewPool(func(ctx context.Context, id string) (provider.Driver, kalends.Provider, error) {
		return h.connect.OpenConnection(ctx, id)
	}, options)
	h.connect = connect.New(connect.Config{
		DB: h.db, Store: h.store, Box: h.box, Jobs: h.jobs, Systems: systems(), Pool: h.pool, Way: h.way,
		Client: options, PublicURL: h.settings.PublicURL, RefuseAfter: refuseAfter, ConfirmAliases: h.settings.ConfirmAliases,
		Synced: func() { h.wake() }, Clock: h.db.Clock(), Log: h.log,
	})
	return nil
}

// openWay makes the guarded way out that the settings allow.
func (h *house) openWay(s *settings, more ...netip.Prefix) (*outbound.Way, error) {
	networks, err := s.networks()
	if err != nil {
		return nil, err
	}
	overrides, err := s.overrides()
	if err != nil {
		return nil, err
	}
	config := outbound.Config{PrivateNetworks: append(networks, more...), Resolve: overrides, UserAgent: "Kalends"}
	if s.CAFile != "" {
		if config.Roots, err = os.ReadFile(s.CAFile); err != nil {
			return nil, fmt.Errorf("KALENDS_CA_FILE: %w", err)
		}
	}
	config.Proxy, err = s.proxy()
	return outbound.New(config), err
}

// insertOnly lets short commands leave jobs for the running program.
func (h *house) insertOnly(ctx context.Context) error {
	runner, err := jobs.New(ctx, h.db, nil, jobs.Options{Log: h.log})
	h.jobs.runner = runner
	return err
}

func (h *house) close() {
	if h.connect != nil {
		h.connect.Close()
	}
	if h.pool != nil {
		h.pool.Close()
	}
	if h.db != nil {
		if err := h.db.Close(); err != nil {
			h.log.Error("close the database", "error", err)
		}
	}
}

// makeFolder makes the folder of an embedded database, for its owner only.
func makeFolder(databaseURL string) error {
	path, ok := strings.CutPrefix(databaseURL, "sqlite:")
	if !ok {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	return nil
}

// openBox opens the keyset; one that is named as a file and not there is made.
func openBox(keyset string) (*secret.Box, error) {
	if strings.HasPrefix(strings.TrimSpace(keyset), "{") {
		return secret.Open(keyset)
	}
	if err := os.MkdirAll(filepath.Dir(keyset), 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the keyset: %w", err)
	}
	return secret.OpenFile(keyset)
}

// mailServer reads KALENDS_SMTP_URL; nil without one.
func (s *settings) mailServer() (*mail.Server, error) {
	if s.SMTPURL == "" {
		return nil, nil
	}
	u, err := url.Parse(s.SMTPURL)
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" {
		return nil, fmt.Errorf("KALENDS_SMTP_URL: not smtp://… or smtps://…")
	}
	server := &mail.Server{Host: u.Hostname(), From: s.MailFrom, User: u.User.Username(), Implicit: u.Scheme == "smtps"}
	server.Password, _ = u.User.Password()
	if port := u.Port(); port != "" {
		if _, err := fmt.Sscan(port, &server.Port); err != nil {
			return nil, fmt.Errorf("KALENDS_SMTP_URL: port: %w", err)
		}
	}
	server.Plain = u.Query().Get("tls") == "none"
	return server, nil
}

package smartcalendar

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/riverqueue/river"
	"golang.org/x/sync/singleflight"

	"kalends/cronofy"
	"kalends/db"
	"kalends/jobs"
	"kalends/mail"
	"kalends/secret"
	"kalends/ui"
)

//go:embed migrations/*.sql
var migrations embed.FS

const migrationTable = "sc_migrations"

// The paths that the application is registered with at the hub.
const (
	RedirectPath = "/calendar/connected" // redirect URI
	NotifyPath   = "/calendar/notify"    // notification URL
)

// Config is what Smart Calendar needs. DB, Box, Jobs, the URLs and the client
// are required.
type Config struct {
	DB           *db.DB
	Box          *secret.Box
	Jobs         *jobs.Runner
	HubURL       string // where the API and the connect pages are
	AppURL       string // where browsers and the hub reach this application
	ClientID     string
	ClientSecret string
	HTTP         *http.Client     // to the hub; nil = a client with a time limit of 15 s
	Mail         *mail.Server     // nil: mail waits until one is set
	DemoOutbox   bool             // keep every mail and show it at /outbox
	Contact      string           // who switches the feature on: an e-mail address or a URL
	Passwords    secret.Passwords // what hashing costs: for tests
	Poll         time.Duration    // how often Run looks for what is due; 1 s if 0
	Clock        func() time.Time
	Log          *slog.Logger
}

// App is the application. It may be used by many goroutines at once.
type App struct {
	config   Config
	db       *db.DB
	box      *secret.Box
	jobs     *jobs.Runner
	hub      *cronofy.Client
	log      *slog.Logger
	sessions *scs.SessionManager
	kit      *ui.Kit
	help     map[string][]helpTopic
	renewals singleflight.Group
	wake     chan struct{}
}

// Migrate brings the tables up to date. New expects that.
func Migrate(ctx context.Context, d *db.DB) error {
	return d.Migrate(ctx, tables(), migrationTable)
}

// Migrated tells whether Migrate would have nothing to do.
func Migrated(ctx context.Context, d *db.DB) (bool, error) {
	return d.Migrated(ctx, tables(), migrationTable)
}

func tables() fs.FS {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the name is a constant
	}
	return files
}

// New makes the application on tables that Migrate made. It sends nothing.
// Config.Jobs may be set later with UseJobs, before Run and Handler are used.
func New(config Config) (*App, error) {
	if config.DB == nil || config.Box == nil {
		return nil, errors.New("smartcalendar: database and keys are required")
	}
	if _, err := url.ParseRequestURI(config.AppURL); err != nil {
		return nil, fmt.Errorf("smartcalendar: application url: %w", err)
	}
	config.AppURL = strings.TrimSuffix(config.AppURL, "/")
	if config.HTTP == nil {
		config.HTTP = &http.Client{Timeout: 15 * time.Second}
	}
	if config.Poll == 0 {
		config.Poll = time.Second
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	hub, err := cronofy.New(cronofy.Config{
		BaseURL: config.HubURL, ClientID: config.ClientID, ClientSecret: config.ClientSecret, HTTP: config.HTTP,
	})
	if err != nil {
		return nil, fmt.Errorf("smartcalendar: %w", err)
	}
	a := &App{
		config: config, db: config.DB, box: config.Box, jobs: config.Jobs, hub: hub,
		log: config.Log, wake: make(chan struct{}, 1),
	}
	a.sessions = newSessions(a)
	if a.kit, err = newKit(config); err != nil {
		return nil, fmt.Errorf("smartcalendar: %w", err)
	}
	if a.help, err = readHelp(); err != nil {
		return nil, err
	}
	return a, nil
}

// UseJobs gives the runner of the jobs that RegisterJobs registered: workers are
// needed to make a runner, and the application to make workers.
func (a *App) UseJobs(runner *jobs.Runner) { a.jobs = runner }

// RegisterJobs adds the application's jobs to the workers of a runner.
func (a *App) RegisterJobs(workers *river.Workers) {
	river.AddWorker(workers, &mailWorker{app: a})
	river.AddWorker(workers, &endingWorker{app: a})
	river.AddWorker(workers, &forgotWorker{app: a})
}

func (a *App) now() time.Time { return a.db.Clock()() }

func (a *App) secure() bool { return strings.HasPrefix(a.config.AppURL, "https://") }

// nudge wakes the loop that asks the hub.
func (a *App) nudge() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

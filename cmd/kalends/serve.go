package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/riverqueue/river"
	"golang.org/x/sync/errgroup"

	kalends "kalends"
	"kalends/api"
	"kalends/console"
	"kalends/hub/calendar"
	"kalends/hub/connect"
	"kalends/hub/mirror"
	"kalends/hub/notify"
	"kalends/jobs"
	"kalends/outbound"
	"kalends/smartcalendar"
)

const (
	smartCalendarName = "Smart Calendar"
	hubTime           = 40 * time.Second // Smart Calendar's patience with the hub: longer than a diagnosis takes
)

type serveCommand struct{}

// Run serves until the environment's context ends.
func (serveCommand) Run(e *environment, s *settings) error {
	h, err := openHouse(e.ctx, s)
	if err != nil {
		return err
	}
	defer h.close()
	p, err := newProgram(e.ctx, h)
	if err != nil {
		return err
	}
	listener, err := listen(e.ctx, s.Listen)
	if err != nil {
		return err
	}
	link, err := p.app.FirstLink(e.ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.out, "Kalends answers at %s\n", s.PublicURL)
	if link != "" {
		fmt.Fprintf(e.out, "Make the company and its first administrator here, once:\n%s\n", link)
	}
	return p.serve(e.ctx, listener)
}

// program is the running hub and Smart Calendar.
type program struct {
	*house
	mirror  *mirror.Mirror
	notify  *notify.Service
	app     *smartcalendar.App
	handler http.Handler
}

// newProgram wires everything that runs. It starts nothing.
func newProgram(ctx context.Context, h *house) (*program, error) {
	p := &program{house: h}
	own, secret, err := registerSmartCalendar(ctx, h)
	if err != nil {
		return nil, err
	}
	server, err := h.settings.mailServer()
	if err != nil {
		return nil, err
	}
	way, err := p.ownWay()
	if err != nil {
		return nil, err
	}
	p.app, err = smartcalendar.New(smartcalendar.Config{
		DB: h.db, Box: h.box, HubURL: h.settings.PublicURL, AppURL: h.settings.AppURL,
		ClientID: own.ClientID, ClientSecret: secret, HTTP: way.Client(outbound.Options{Timeout: hubTime}), Mail: server, DemoOutbox: h.settings.demoOutbox,
		Contact: h.settings.Contact, Clock: h.db.Clock(), Log: h.log,
	})
	if err != nil {
		return nil, err
	}
	if err := p.wireJobs(ctx, way); err != nil {
		return nil, err
	}
	p.mirror = mirror.New(mirror.Config{DB: h.db, Store: h.store, Pool: h.pool, Jobs: h.jobs, Log: h.log, Interval: h.settings.PollInterval})
	h.wake = p.mirror.Wake
	p.handler, err = p.routes(own)
	return p, err
}

func (p *program) wireJobs(ctx context.Context, own *outbound.Way) (err error) {
	local := map[string]*outbound.Way{hostOf(p.settings.AppURL): own}
	p.notify = notify.New(notify.Config{DB: p.db, Store: p.store, Way: p.way, Local: local, Metrics: p.metrics, Log: p.log})
	workers := river.NewWorkers()
	p.notify.Register(workers)
	p.connect.RegisterJobs(workers)
	p.app.RegisterJobs(workers)
	p.jobs.runner, err = jobs.New(ctx, p.db, workers, jobs.Options{Log: p.log})
	p.app.UseJobs(p.jobs.runner)
	return err
}

// ownWay leads to ourselves, wherever we are: we may stand on a private network or
// this machine, which others may not, and need no proxy to get there.
func (p *program) ownWay() (*outbound.Way, error) {
	direct := *p.settings
	direct.Proxy = ""
	return p.openWay(&direct, netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0"))
}

func (p *program) routes(own kalends.Application) (http.Handler, error) {
	people := calendar.New(calendar.Config{DB: p.db, Store: p.store, Box: p.box})
	surface := api.New(api.Config{
		Hub: p.connect, People: people, Box: p.box, PublicURL: p.settings.PublicURL, Exempt: []string{own.ID},
		Clock: p.db.Clock(), Metrics: p.metrics, Log: p.log,
	})
	u, err := url.Parse(p.settings.PublicURL)
	if err != nil {
		return nil, err
	}
	pages, err := console.New(console.Config{
		Hub: p.connect, Secure: u.Scheme == "https", HelpURL: p.settings.AppURL + "/help/", Log: p.log, Clock: p.db.Clock(),
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/oauth/", surface)
	mux.Handle("/v1/", surface)
	mux.Handle("/enterprise_connect", pages)
	mux.Handle("/enterprise_connect/", pages)
	mux.Handle("/", p.app.Handler())
	p.health(mux)
	trusted, err := p.settings.proxies()
	return behind(trusted, mux), err
}

// serve runs everything until ctx ends, then lets requests and jobs end, within
// five seconds in all.
func (p *program) serve(ctx context.Context, listener net.Listener) error {
	defer p.notify.Close()
	if err := p.jobs.runner.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("start jobs: %w", err)
	}
	server := &http.Server{
		Handler: p.handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: 3 * time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
	}
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return ended(p.connect.Run(running)) })
	group.Go(func() error { return ended(p.mirror.Run(running)) })
	group.Go(func() error { return ended(p.app.Run(running)) })
	group.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	group.Go(func() error {
		<-running.Done()
		p.stop(server)
		return nil
	})
	return group.Wait()
}

func (p *program) stop(server *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		_ = server.Close()
	}
	rest, cancelRest := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancelRest()
	if err := p.jobs.runner.Stop(rest); err != nil {
		p.log.Warn("jobs were interrupted and will be tried again", "error", err)
	}
}

// ended takes the end of a loop by its context for what it is.
func ended(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return listener, nil
}

// registerSmartCalendar makes Smart Calendar an application of the hub at the
// first start, keeps its addresses right, and gives its secret.
func registerSmartCalendar(ctx context.Context, h *house) (kalends.Application, string, error) {
	wanted := connect.NewApplication{
		Name:         smartCalendarName,
		RedirectURIs: []string{h.settings.AppURL + smartcalendar.RedirectPath},
		NotifyURL:    h.settings.AppURL + smartcalendar.NotifyPath,
	}
	app, found, err := findApplication(ctx, h, smartCalendarName)
	if err != nil {
		return app, "", err
	}
	if !found {
		return h.connect.CreateApplication(ctx, wanted)
	}
	if app, err = h.connect.UpdateApplication(ctx, app.ID, wanted); err != nil {
		return app, "", err
	}
	return ownSecret(ctx, h, app)
}

func findApplication(ctx context.Context, h *house, name string) (kalends.Application, bool, error) {
	all, err := h.connect.Applications(ctx)
	if err != nil {
		return kalends.Application{}, false, err
	}
	for _, app := range all {
		if app.Name == name {
			return app, true, nil
		}
	}
	return kalends.Application{}, false, nil
}

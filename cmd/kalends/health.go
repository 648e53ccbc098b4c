package main

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"kalends/db"
	"kalends/jobs"
	"kalends/smartcalendar"
	"kalends/store"
)

// health adds /healthz (the process), /readyz (database and migrations) and
// /metrics (Prometheus).
func (p *program) health(mux *http.ServeMux) {
	p.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), newRowGauges(p))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := p.ready(r.Context()); err != nil {
			p.log.Error("not ready", "error", err)
			http.Error(w, "not ready", http.StatusServiceUnavailable)
		}
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(p.metrics, promhttp.HandlerOpts{}))
}

func (p *program) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	for _, migrated := range []func() (bool, error){
		func() (bool, error) { return p.store.Migrated(ctx) },
		func() (bool, error) { return smartcalendar.Migrated(ctx, p.db) },
	} {
		if done, err := migrated(); err != nil || !done {
			return errNotMigrated(err)
		}
	}
	return nil
}

// rowGauges are read from the rows when Prometheus asks.
type rowGauges struct {
	p                   *program
	accounts, age, jobs *prometheus.Desc
}

func newRowGauges(p *program) *rowGauges {
	return &rowGauges{
		p:        p,
		accounts: prometheus.NewDesc("kalends_accounts", "Accounts by provider and status.", []string{"provider", "status"}, nil),
		age:      prometheus.NewDesc("kalends_calendar_age_seconds", "Time since calendars were read, by quantile.", []string{"quantile"}, nil),
		jobs:     prometheus.NewDesc("kalends_jobs", "Jobs by kind and state.", []string{"kind", "state"}, nil),
	}
}

// Describe implements prometheus.Collector.
func (g *rowGauges) Describe(out chan<- *prometheus.Desc) {
	out <- g.accounts
	out <- g.age
	out <- g.jobs
}

// Collect implements prometheus.Collector.
func (g *rowGauges) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	var accounts []store.ProviderAccounts
	var ages store.Ages
	var counts []jobs.Count
	err := g.p.db.Read(ctx, func(tx *db.Tx) error {
		var err error
		if accounts, err = g.p.store.AccountsByProvider(ctx, tx); err != nil {
			return err
		}
		if ages, err = g.p.store.CalendarAges(ctx, tx); err != nil {
			return err
		}
		counts, err = g.p.jobs.runner.Counts(ctx, tx)
		return err
	})
	if err != nil {
		g.p.log.Error("read the gauges", "error", err)
		return
	}
	for _, a := range accounts {
		out <- prometheus.MustNewConstMetric(g.accounts, prometheus.GaugeValue, float64(a.Accounts), string(a.Provider), string(a.Status))
	}
	out <- prometheus.MustNewConstMetric(g.age, prometheus.GaugeValue, ages.Median.Seconds(), "0.5")
	out <- prometheus.MustNewConstMetric(g.age, prometheus.GaugeValue, ages.Worst.Seconds(), "1")
	for _, c := range counts {
		out <- prometheus.MustNewConstMetric(g.jobs, prometheus.GaugeValue, float64(c.Jobs), c.Kind, c.State)
	}
}

package provider

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	kalends "kalends"
)

// Options say how a Client treats its driver. The zero value of each field but
// Provider has a usable default.
type Options struct {
	Provider   kalends.Provider
	Connection string // its id, for the log

	InFlight   int // requests at once for the connection: 10
	Reserved   int // of these, kept free for interactive work: 1
	PerMailbox int // requests at once for one mailbox: 2

	Tries    int           // of one call, the first included: 4
	Deadline time.Duration // of one try: 30 s
	MaxWait  time.Duration // the longest wait between two tries; what asks for more is the caller's to repeat: 30 s

	Metrics *Metrics
	Log     *slog.Logger
	Clock   Clock
}

// Clock is the time that a Client goes by.
type Clock interface {
	Now() time.Time
	// Wait returns when the time has passed, or the context's error.
	Wait(ctx context.Context, d time.Duration) error
}

func (o Options) withDefaults() Options {
	o.InFlight = orDefault(o.InFlight, 10)
	o.Reserved = min(orDefault(o.Reserved, 1), o.InFlight-1)
	o.PerMailbox = orDefault(o.PerMailbox, 2)
	o.Tries = orDefault(o.Tries, 4)
	o.Deadline = orDefault(o.Deadline, 30*time.Second)
	o.MaxWait = orDefault(o.MaxWait, 30*time.Second)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = wallClock{}
	}
	return o
}

func orDefault[T int | time.Duration](value, fallback T) T {
	if value <= 0 {
		return fallback
	}
	return value
}

// Metrics counts the requests of all Clients of a process.
type Metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

// NewMetrics registers kalends_provider_requests_total and
// kalends_provider_seconds. Call it once for a registry.
func NewMetrics(registry prometheus.Registerer) *Metrics {
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kalends_provider_requests_total",
			Help: "Calls to calendar systems, each try counted; kind is ok or the kind of error.",
		}, []string{"provider", "operation", "kind"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "kalends_provider_seconds",
			Help:    "How long calendar systems took to answer one try.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"provider", "operation"}),
	}
	registry.MustRegister(m.requests, m.seconds)
	return m
}

// observe counts one try. A nil Metrics counts nothing.
func (m *Metrics) observe(provider kalends.Provider, operation string, kind kalends.Kind, took time.Duration) {
	if m == nil {
		return
	}
	if kind == "" {
		kind = "ok"
	}
	m.requests.WithLabelValues(string(provider), operation, string(kind)).Inc()
	m.seconds.WithLabelValues(string(provider), operation).Observe(took.Seconds())
}

type wallClock struct{}

func (wallClock) Now() time.Time { return time.Now() }

func (wallClock) Wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

type interactiveKey struct{}

// Interactive marks work that somebody is waiting for: a first login, a check, a
// booking. It uses the reserved lane and passes by everything else that waits.
func Interactive(ctx context.Context) context.Context {
	return context.WithValue(ctx, interactiveKey{}, true)
}

func isInteractive(ctx context.Context) bool {
	marked, _ := ctx.Value(interactiveKey{}).(bool)
	return marked
}

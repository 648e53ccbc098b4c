package notify

import (
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"kalends/db"
	"kalends/outbound"
	"kalends/store"
)

// Config is what a Service works with. DB, Store and Way are required.
type Config struct {
	DB    *db.DB
	Store *store.Store
	// Way leads to the applications' receivers. Local are hosts (host or
	// host:port) with a way of their own, such as our own Smart Calendar's.
	Way     *outbound.Way
	Local   map[string]*outbound.Way
	Timeout time.Duration         // how long a receiver may take to answer; 5 s if 0
	Metrics prometheus.Registerer // kalends_callback_seconds is registered here; nil = nowhere
	Log     *slog.Logger
}

// Service delivers callbacks. Close it after the jobs have stopped.
type Service struct {
	c      Config
	poster *poster
}

// New makes a Service. Call it once for a registry.
func New(c Config) *Service {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Timeout == 0 {
		c.Timeout = timeout
	}
	s := &Service{c: c, poster: newPoster(c)}
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "kalends_callback_seconds",
		Help:    "How long receivers took to answer callbacks, by outcome (ok, failed).",
		Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
	}, []string{"outcome"})
	if c.Metrics != nil {
		c.Metrics.MustRegister(seconds)
	}
	s.poster.seconds = func(outcome string, took time.Duration) { seconds.WithLabelValues(outcome).Observe(took.Seconds()) }
	return s
}

// Close ends idle connections.
func (s *Service) Close() { s.poster.close() }

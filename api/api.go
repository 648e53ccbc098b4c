package api

import (
	_ "embed" // for openapi.yaml
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"kalends/hub/calendar"
	"kalends/hub/connect"
	"kalends/secret"
)

//go:embed openapi.yaml
var spec []byte

// Spec gives openapi.yaml.
func Spec() []byte { return append([]byte(nil), spec...) }

// Config is what the surface works with. Hub, People, Box and PublicURL are required.
type Config struct {
	Hub       *connect.Service
	People    *calendar.Service
	Box       *secret.Box
	PublicURL string   // links in answers start with it, never with what a request's Host says
	PerSecond int      // calls of one application: 0 = 50
	PerMinute int      // 0 = 500
	Exempt    []string // ids of applications without a limit: our own
	Clock     func() time.Time
	Metrics   prometheus.Registerer // kalends_http_seconds is registered here; nil = nowhere
	Log       *slog.Logger
}

type server struct {
	c       Config
	limits  *limits
	seconds *prometheus.HistogramVec
}

// New makes the handler for /oauth/token, /oauth/token/revoke and /v1/. Call it
// once for a registry.
func New(c Config) http.Handler {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	s := &server{c: c, limits: newLimits(c), seconds: newSeconds(c.Metrics)}
	return s.routes()
}

func newSeconds(registry prometheus.Registerer) *prometheus.HistogramVec {
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "kalends_http_seconds", Help: "How long calls of the API take.",
		Buckets: []float64{.002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
	}, []string{"method", "route", "status"})
	if registry != nil {
		registry.MustRegister(seconds)
	}
	return seconds
}

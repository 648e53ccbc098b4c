package connect

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"

	kalends "kalends"
	"kalends/db"
	"kalends/outbound"
	"kalends/provider"
	"kalends/secret"
	"kalends/store"
)

// Inserter puts a job into the transaction of the fact that it is for.
// *jobs.Runner is one.
type Inserter interface {
	Insert(ctx context.Context, tx *db.Tx, args river.JobArgs, opts *river.InsertOpts) error
}

// Config is what a Service works with. DB, Store, Box, Jobs, Systems and Pool
// are required.
type Config struct {
	DB      *db.DB
	Store   *store.Store
	Box     *secret.Box
	Jobs    Inserter
	Systems map[kalends.Provider]provider.System
	Pool    *provider.Pool // opens its drivers with OpenConnection; New has it follow the stored credentials
	Way     *outbound.Way
	Client  provider.Options // for checks and previews before there is a connection

	PublicURL      string        // of the hub: links start with it
	RefuseAfter    time.Duration // a sign-in on the hub's page is not refused sooner
	ConfirmAliases bool          // for new organisations
	Poll           time.Duration // how often Run looks for rows that another node marked due; 2 s if 0
	Synced         func()        // called when calendars became due, to wake the mirror; or nil
	Clock          func() time.Time
	Log            *slog.Logger
}

// Service does the acts of this room. Its methods may be called by many
// goroutines at once.
type Service struct {
	c      Config
	wake   chan struct{}
	ctx    context.Context // ends with Close: checks and previews run in it
	cancel context.CancelFunc
	crews  sync.WaitGroup // of Run

	previewTime   time.Duration // how long Preview may take
	probePatience time.Duration // how long the first account of a crew goes alone

	matched  atomic.Int64
	mu       sync.Mutex
	urgent   []string        // accounts that somebody waits for
	busy     map[string]bool // organisations that a crew works for
	silences map[string]int  // connections that did not answer, in a row
	rooms    map[string]rooms
	used     map[string]time.Time // organisations, and when their use was last noted
	work     sync.WaitGroup
}

// New makes a Service. Nothing runs until Run, except checks that are started.
func New(c Config) *Service {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Poll == 0 {
		c.Poll = pollTime
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	s := &Service{
		c: c, wake: make(chan struct{}, 1), previewTime: previewTime, probePatience: probePatience,
		busy: map[string]bool{}, silences: map[string]int{}, rooms: map[string]rooms{},
		used: map[string]time.Time{},
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	c.Pool.Follow(s.credentialsVersion)
	return s
}

// Close stops the checks and previews that are running and waits for them. What
// they had stored stays.
func (s *Service) Close() {
	s.cancel()
	s.work.Wait()
}

// Settle waits until no check or preview of this Service is running.
func (s *Service) Settle() { s.work.Wait() }

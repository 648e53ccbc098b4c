package provider

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	kalends "kalends"
)

// Client is the portable type around a driver. Its methods are those of Driver
// and mean the same; it adds what must be equal for all providers: budgets,
// deadlines, retries by kind, wrapping with operation, mailbox and kind, checks
// on what came back, counters and one log line a call. Its methods may be called
// by many goroutines at once.
//
// What is tried again: throttled and unavailable answers, with Retry-After
// respected and back-off with jitter else. A refused credential is tried once
// more, since a single refusal may be one domain controller's hiccup; after two
// in a row nothing is sent any more until Resume, so that a directory account is
// not locked out, and every call fails at once with KindUnauthorized.
type Client struct {
	driver  Driver
	options Options
	gate    *gate
	life    context.Context // ends with Close
	end     context.CancelFunc
}

// NewClient wraps a driver. Close it.
func NewClient(driver Driver, options Options) *Client {
	options = options.withDefaults()
	life, end := context.WithCancel(context.Background())
	return &Client{driver: driver, options: options, gate: newGate(options), life: life, end: end}
}

// Provider names the calendar system.
func (c *Client) Provider() kalends.Provider { return c.options.Provider }

// Resume sends one request again after the credential was refused; the others
// follow if it succeeds. Call it once somebody repaired the credential, or now
// and then as a probe.
func (c *Client) Resume() { c.gate.resume() }

// Close stops the calls under way with KindUnavailable and ends idle connections.
func (c *Client) Close() {
	c.end()
	c.driver.Close()
}

// call is one operation on the driver.
type call struct {
	operation string
	mailbox   string
	once      bool          // never tried again
	deadline  time.Duration // of a try; 0 = Options.Deadline
}

// run performs a call under all rules.
func run[T any](ctx context.Context, c *Client, what call, do func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.life, cancel)()
	if err := c.life.Err(); err != nil {
		var none T
		return none, c.wrap(what, err)
	}
	started := c.options.Clock.Now()
	tries := 0
	for {
		tries++
		answer, err := try(ctx, c, what, do)
		if err == nil || !c.again(ctx, what, tries, err) {
			err = c.wrap(what, err)
			c.log(ctx, what, tries, c.options.Clock.Now().Sub(started), err)
			return answer, err
		}
	}
}

// try sends one request: through the gate, under the deadline, counted.
func try[T any](ctx context.Context, c *Client, what call, do func(context.Context) (T, error)) (answer T, err error) {
	if err := c.gate.enter(ctx, what.mailbox); err != nil {
		return answer, err
	}
	deadline := orDefault(what.deadline, c.options.Deadline)
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	started := c.options.Clock.Now()
	kind := kalends.KindInternal // should the driver panic
	defer func() {
		took := c.options.Clock.Now().Sub(started)
		c.gate.exit(what.mailbox, kind, kalends.RetryAfter(err), took)
		c.options.Metrics.observe(c.options.Provider, what.operation, kind, took)
	}()
	answer, err = do(ctx)
	kind = kalends.KindOf(err)
	return answer, err
}

// again decides whether a failed call is tried once more, and waits for it.
func (c *Client) again(ctx context.Context, what call, tries int, err error) bool {
	limit := 1
	switch kalends.KindOf(err) {
	case kalends.KindThrottled, kalends.KindUnavailable:
		limit = c.options.Tries
	case kalends.KindUnauthorized:
		limit = refusalsAllowed
	}
	if what.once || tries >= limit || ctx.Err() != nil || c.gate.isClosed() {
		return false
	}
	wait := backOff(tries)
	if after := kalends.RetryAfter(err); after > 0 {
		wait = after + wait/4
	}
	if end, ok := ctx.Deadline(); wait > c.options.MaxWait || ok && c.options.Clock.Now().Add(wait).After(end) {
		return false
	}
	return c.options.Clock.Wait(ctx, wait) == nil
}

// backOff gives 0.25 to 0.5 s after the first try, doubled with each further one.
func backOff(tries int) time.Duration {
	most := 500 * time.Millisecond << min(tries-1, 6)
	return most/2 + rand.N(most/2)
}

// wrap adds operation and mailbox, keeps the kind, and gives the causes that
// follow from the kind alone.
func (c *Client) wrap(what call, err error) error {
	if err == nil {
		return nil
	}
	wrapped := &kalends.Error{
		Kind:  kalends.KindOf(err),
		Op:    string(c.options.Provider) + "." + what.operation,
		After: kalends.RetryAfter(err),
		Err:   err,
	}
	if what.mailbox != "" {
		wrapped.Err = fmt.Errorf("mailbox %s: %w", what.mailbox, err)
	}
	if kalends.CauseOf(err) == nil {
		wrapped.Cause = kalends.ReasonOf(err)
	}
	if wrapped.Kind == kalends.KindThrottled && wrapped.After > 0 {
		wrapped.Cause = c.until(kalends.CauseOf(wrapped), wrapped.After)
	}
	return wrapped
}

// until adds the time when it goes on to the facts of a throttled answer.
func (c *Client) until(cause *kalends.Cause, after time.Duration) *kalends.Cause {
	told := kalends.NewCause(cause.Key, "until", c.options.Clock.Now().Add(after).UTC().Format(time.RFC3339))
	for name, fact := range cause.Facts {
		told.Facts[name] = fact
	}
	return told
}

// log writes the call's one line: failures as warnings, the rest for debugging.
func (c *Client) log(ctx context.Context, what call, tries int, took time.Duration, err error) {
	level := slog.LevelDebug
	if err != nil && !errors.Is(err, context.Canceled) {
		level = slog.LevelWarn
	}
	if !c.options.Log.Enabled(ctx, level) {
		return
	}
	attributes := []slog.Attr{
		slog.String("provider", string(c.options.Provider)), slog.String("operation", what.operation),
		slog.String("connection", c.options.Connection), slog.Int("tries", tries),
		slog.Int64("milliseconds", took.Milliseconds()),
	}
	if err != nil {
		attributes = append(attributes, slog.String("kind", string(kalends.KindOf(err))),
			slog.String("mailbox", what.mailbox), slog.Any("error", err), slog.String("detail", kalends.DetailOf(err)))
	}
	c.options.Log.LogAttrs(ctx, level, "provider call", attributes...)
}

package browser

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// patience is how long a page may take to show what a test waits for.
const patience = 5 * time.Minute

// Browser is a running browser.
type Browser struct{ ctx context.Context }

// Options are how a page is looked at.
type Options struct {
	Width     int    // 0 = 1280
	Height    int    // 0 = 900
	Dark      bool   // the system prefers dark
	Lang      string // what the browser prefers: "de", "en"; "" = "de"
	NoScripts bool   // scripts are switched off
}

// Page is one tab with cookies of its own.
type Page struct {
	t       testing.TB
	ctx     context.Context
	options Options
	mu      sync.Mutex
	errors  []string
}

// Start starts a browser that ends with the test. With -short the test is skipped,
// so start the browser first. Without one installed the test says so and is
// skipped; where CI is set, it fails.
func Start(t testing.TB) *Browser {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a browser: not with -short")
	}
	path := find()
	if path == "" && os.Getenv("CI") != "" {
		t.Fatal("no chromium found: apt-get install chromium")
	}
	if path == "" {
		t.Skip("no chromium found: browser tests are skipped")
	}
	dir := t.TempDir()
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), flags(path, dir)...)
	ctx, end := chromedp.NewContext(ctx)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // the browser ends either way
		end()
		cancel()
	})
	// The browser belongs to the context of this first call: no timeout here.
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start the browser: %v", err)
	}
	return &Browser{ctx: ctx}
}

func find() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

func flags(path, dir string) []chromedp.ExecAllocatorOption {
	options := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	options = append(options, chromedp.ExecPath(path), chromedp.UserDataDir(filepath.Join(dir, "profile")))
	for _, name := range []string{"no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking", "disable-component-update", "disable-sync", "hide-scrollbars"} {
		options = append(options, chromedp.Flag(name, true))
	}
	return options
}

// Page opens a tab with cookies of its own.
func (b *Browser) Page(t testing.TB, o Options) *Page {
	t.Helper()
	o = o.complete()
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	p := &Page{t: t, ctx: ctx, options: o}
	p.must("open a tab", chromedp.Do(ctx))
	p.listen()
	p.emulate()
	return p
}

func (o Options) complete() Options {
	if o.Width == 0 {
		o.Width = 1280
	}
	if o.Height == 0 {
		o.Height = 900
	}
	if o.Lang == "" {
		o.Lang = "de"
	}
	return o
}

func (p *Page) emulate() {
	p.t.Helper()
	scheme := "light"
	if p.options.Dark {
		scheme = "dark"
	}
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}
	p.must("set up the tab", chromedp.Do(p.ctx,
		chromedp.EmulateViewport(int64(p.options.Width), int64(p.options.Height)),
		command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features}),
		command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: p.options.NoScripts}),
		command(network.Enable, network.EnableParams{}),
		command(network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": p.options.Lang}})))
}

// listen keeps what the page complains about: script errors, refused content.
func (p *Page) listen() {
	messages := chromedp.Console(p.ctx)
	go func() {
		for message, err := range messages {
			if err != nil {
				return
			}
			if message.Type == chromedp.ConsoleError || message.Type == chromedp.ConsoleException {
				p.mu.Lock()
				p.errors = append(p.errors, message.Text)
				p.mu.Unlock()
			}
		}
	}()
}

// Errors gives what the page complained about so far.
func (p *Page) Errors() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.errors...)
}

func command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

func (p *Page) must(what string, err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatalf("%s: %v", what, err)
	}
}

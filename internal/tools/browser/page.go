package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Go opens an address and waits until it is loaded.
func (p *Page) Go(url string) {
	p.t.Helper()
	p.must("open "+url, p.do(chromedp.Navigate(url)))
	if !p.options.NoScripts {
		p.Wait(`document.fonts.status === "loaded"`)
	}
}

// Back is the browser's back button.
func (p *Page) Back() {
	p.t.Helper()
	_, err := chromedp.Run(p.ctx, chromedp.Evaluate[chromedp.Void](`setTimeout(() => history.back())`))
	p.must("go back", err)
}

// Click clicks what has a role and a name: Click("button", "Erneut prüfen").
func (p *Page) Click(role, name string) {
	p.t.Helper()
	p.must("click "+role+" "+name, p.retry(func() error {
		box, err := p.call(role, name, `function() {
			this.scrollIntoView({block: "center", behavior: "instant"});
			const r = this.getBoundingClientRect();
			return {x: r.x + r.width / 2, y: r.y + r.height / 2, seen: r.width > 0 && r.height > 0};
		}`)
		if err != nil {
			return err
		}
		var at struct {
			X, Y float64
			Seen bool
		}
		if err := json.Unmarshal(box, &at); err != nil {
			return err
		}
		if !at.Seen {
			return errors.New("not visible")
		}
		return p.do(chromedp.MouseClickXY(at.X, at.Y))
	}))
}

// Fill types into the field with a label, instead of what it holds. The role is
// "textbox", or "searchbox", "combobox" and the like.
func (p *Page) Fill(role, label, value string) {
	p.t.Helper()
	p.must("fill "+label, p.retry(func() error {
		_, err := p.call(role, label, `function() { this.focus(); if (this.select) this.select(); return document.activeElement === this; }`)
		if err != nil {
			return err
		}
		if value == "" {
			return p.do(chromedp.KeyEvent("\b"))
		}
		return p.do(chromedp.KeyEvent(value))
	}))
}

// Key presses keys on what has the focus, see package chromedp/kb.
func (p *Page) Key(keys string) {
	p.t.Helper()
	p.must("press", p.do(chromedp.KeyEvent(keys)))
}

// See waits until the page shows a text.
func (p *Page) See(text string) {
	p.t.Helper()
	p.must("see "+text, p.retry(func() error {
		if shown := p.text(); !strings.Contains(shown, text) {
			return fmt.Errorf("%q is not on the page:\n%s", text, shown)
		}
		return nil
	}))
}

// Has waits until something with a role and a name is there.
func (p *Page) Has(role, name string) {
	p.t.Helper()
	p.must("has "+role+" "+name, p.retry(func() error { _, err := p.find(role, name); return err }))
}

// Sees tells whether the page shows a text now.
func (p *Page) Sees(text string) bool { return strings.Contains(p.text(), text) }

// URL gives the address of the page.
func (p *Page) URL() string {
	p.t.Helper()
	url, err := chromedp.Run(p.ctx, chromedp.Location())
	p.must("read the address", err)
	return url
}

// Text gives what an expression, or the promise that it gives, says.
func (p *Page) Text(expression string) string {
	p.t.Helper()
	text, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](expression, chromedp.EvalAwaitPromise))
	p.must("read "+expression, err)
	return text
}

// Wait waits until an expression is true on the page.
func (p *Page) Wait(expression string) {
	p.t.Helper()
	p.must("wait for "+expression, p.retry(func() error {
		ok, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool]("Boolean("+expression+")"))
		if err == nil && !ok {
			err = fmt.Errorf("not true yet:\n%s", p.text())
		}
		return err
	}))
}

// Overflows gives by how many pixels the page is wider than its window.
func (p *Page) Overflows() int {
	p.t.Helper()
	n, err := chromedp.Run(p.ctx, chromedp.Evaluate[int](`document.documentElement.scrollWidth - document.documentElement.clientWidth`))
	p.must("measure", err)
	return n
}

// Axe gives the violations that axe-core finds, one a line.
func (p *Page) Axe() []string {
	p.t.Helper()
	source, err := os.ReadFile(filepath.Join(root(), "web/node_modules/axe-core/axe.min.js"))
	p.must("read axe-core (npm ci --ignore-scripts --prefix web)", err)
	_, err = chromedp.Run(p.ctx, chromedp.Evaluate[chromedp.Void](string(source)+";undefined"))
	p.must("load axe-core", err)
	found, err := chromedp.Run(p.ctx, chromedp.Evaluate[[]string](`axe.run(document).then(r => r.violations.flatMap(v => v.nodes.map(n => v.id + ": " + n.target.join(" ") + " " + (n.any[0]?.message || n.all[0]?.message || n.none[0]?.message || v.help))))`, chromedp.EvalAwaitPromise))
	p.must("run axe-core", err)
	return found
}

// Cookie sets a cookie for an address and a path below it.
func (p *Page) Cookie(address, name, value, path string) {
	p.t.Helper()
	_, err := chromedp.Call(p.ctx, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: address, Path: path, HTTPOnly: new(true)})
	p.must("set a cookie", err)
}

// Shot saves a picture of the whole page as PNG.
func (p *Page) Shot(path string) {
	p.t.Helper()
	tall, err := chromedp.Run(p.ctx, chromedp.Evaluate[int64](`Math.max(document.documentElement.scrollHeight, innerHeight)`))
	p.must("measure", err)
	p.must("make the window as tall as the page", p.do(chromedp.EmulateViewport(int64(p.options.Width), tall)))
	picture, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	p.must("take a picture", err)
	p.must("make the window as it was", p.do(chromedp.EmulateViewport(int64(p.options.Width), int64(p.options.Height))))
	p.must("save the picture", os.MkdirAll(filepath.Dir(path), 0o755))
	p.must("save the picture", os.WriteFile(path, picture, 0o644))
}

// root finds the folder with go.mod.
func root() string {
	dir, err := os.Getwd()
	for err == nil && dir != "/" {
		if _, missing := os.Stat(filepath.Join(dir, "go.mod")); missing == nil {
			return dir
		}
		dir = filepath.Dir(dir)
	}
	return "."
}

func (p *Page) text() string {
	text, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](`document.body ? document.body.innerText : ""`))
	if err != nil {
		return ""
	}
	return text
}

// find gives the first visible thing with a role and an accessible name.
func (p *Page) find(role, name string) (cdp.BackendNodeID, error) {
	document, err := chromedp.Call(p.ctx, dom.GetDocument, dom.GetDocumentParams{})
	if err != nil {
		return 0, err
	}
	found, err := chromedp.Call(p.ctx, accessibility.QueryAXTree, accessibility.QueryAXTreeParams{NodeID: document.Root.NodeID, Role: role, AccessibleName: name})
	if err != nil {
		return 0, err
	}
	for _, node := range found.Nodes {
		if !node.Ignored {
			return node.BackendDOMNodeID, nil
		}
	}
	return 0, fmt.Errorf("no %s %q on the page:\n%s", role, name, p.text())
}

// call runs a function with the thing as this and gives its result as JSON.
func (p *Page) call(role, name, function string) ([]byte, error) {
	id, err := p.find(role, name)
	if err != nil {
		return nil, err
	}
	object, err := chromedp.Call(p.ctx, dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: id})
	if err != nil {
		return nil, err
	}
	result, err := chromedp.Call(p.ctx, runtime.CallFunctionOn, runtime.CallFunctionOnParams{
		ObjectID: object.Object.ObjectID, FunctionDeclaration: function, ReturnByValue: new(true),
	})
	if err != nil {
		return nil, err
	}
	return []byte(result.Result.Value), nil
}

func (p *Page) do(steps ...chromedp.Action[chromedp.Void]) error {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	return chromedp.Do(ctx, steps...)
}

// retry tries until it works or patience runs out: pages change as they like.
func (p *Page) retry(try func() error) error {
	deadline := time.Now().Add(patience)
	for {
		err := try()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(30 * time.Millisecond)
	}
}

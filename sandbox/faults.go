package sandbox

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Serve plays a fault that does not depend on the provider's protocol and says
// whether it answered: status_429 status_503 status_500 status_401 html timeout
// cut truncated huge not_found delay hold. With truncated the returned writer cuts
// the body that follows.
func (f *Fault) Serve(w http.ResponseWriter, r *http.Request, stop <-chan struct{}) (http.ResponseWriter, bool) {
	wait := time.Duration(f.DelayMS) * time.Millisecond
	switch f.Kind {
	case "timeout":
		hang(r, stop, max(wait, 10*time.Minute))
		panic(http.ErrAbortHandler)
	case "cut":
		hang(r, stop, wait)
		panic(http.ErrAbortHandler)
	case "truncated":
		return &cutter{ResponseWriter: w}, false
	case "delay":
		hang(r, stop, wait)
		return w, false
	case "hold": // until the fault is removed
		select {
		case <-f.removed:
		case <-r.Context().Done():
		case <-stop:
		}
		return w, false
	case "bad_certificate": // shown with the next handshake, which is soon then
		w.Header().Set("Connection", "close")
		return w, false
	}
	if code, ok := strings.CutPrefix(f.Kind, "status_"); ok {
		return w, f.status(w, code)
	}
	return w, f.page(w)
}

func (f *Fault) status(w http.ResponseWriter, code string) bool {
	status, err := strconv.Atoi(code)
	if err != nil || status < 300 || status > 599 {
		status = http.StatusInternalServerError
	}
	if f.DelayMS > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(max(1, f.DelayMS/1000)))
	}
	w.WriteHeader(status)
	return true
}

func (f *Fault) page(w http.ResponseWriter) bool {
	switch f.Kind {
	case "not_found":
		w.WriteHeader(http.StatusNotFound)
	case "html":
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!DOCTYPE html><html><body><h1>Outlook</h1>"+strings.Repeat("<p>Willkommen</p>", 500)+"</body></html>")
	case "huge":
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		endless(w)
	default:
		return false
	}
	return true
}

// endless writes until the reader gives up, 1 GiB at most.
func endless(w io.Writer) {
	block := []byte(strings.Repeat("<a>0123456789</a>", 4096))
	_, err := io.WriteString(w, "<?xml version=\"1.0\"?><x>")
	for n := 0; err == nil && n < 1<<30; n += len(block) {
		_, err = w.Write(block)
	}
}

func hang(r *http.Request, stop <-chan struct{}, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	case <-stop:
	}
}

// Wait delays an answer, at most until the request or the sandbox ends.
func (d *Desk) Wait(r *http.Request, wait time.Duration) {
	if wait > 0 {
		hang(r, d.closed, wait)
	}
}

// cutter sends half of what is written and then drops the connection.
type cutter struct{ http.ResponseWriter }

// Write sends the first half and aborts.
func (c *cutter) Write(body []byte) (int, error) {
	c.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = c.ResponseWriter.Write(body[:len(body)/2])
	if flusher, ok := c.ResponseWriter.(http.Flusher); ok {
		flusher.Flush()
	}
	panic(http.ErrAbortHandler)
}

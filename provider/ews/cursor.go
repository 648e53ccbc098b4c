package ews

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"io"
	"strconv"
	"strings"
	"time"

	kalends "kalends"
	"kalends/provider"
)

const (
	cursorForm = "sync-1" // the form of our cursors; others are unknown
	longState  = 8 << 10  // bytes from which on packing a state is worth its cost
	maxState   = 1 << 20
)

// cursor is what a reading leaves for the next one.
type cursor struct {
	window  kalends.Window
	details bool
	whole   bool   // the window was read whole, after the state was taken
	quiet   int    // readings since then in which nothing had changed
	state   string // Exchange's SyncState: opaque, kilobytes; "" = none yet
}

func cursorFor(request provider.ChangesRequest) cursor {
	return cursor{window: request.Window, details: request.Details}
}

// covers tells whether what was read before is what is asked for now.
func (c cursor) covers(request provider.ChangesRequest) bool {
	return c.whole && c.details == request.Details && c.window.Start.Unix() == request.Window.Start.Unix() && c.window.End.Unix() == request.Window.End.Unix()
}

func (c cursor) String() string {
	return strings.Join([]string{
		cursorForm, strconv.FormatInt(c.window.Start.Unix(), 10), strconv.FormatInt(c.window.End.Unix(), 10),
		boolean(c.details), boolean(c.whole), strconv.Itoa(c.quiet), packState(c.state),
	}, " ")
}

func readCursor(text string) (cursor, bool) {
	parts := strings.SplitN(text, " ", 7)
	if len(parts) != 7 || parts[0] != cursorForm {
		return cursor{}, false
	}
	start, err1 := strconv.ParseInt(parts[1], 10, 64)
	end, err2 := strconv.ParseInt(parts[2], 10, 64)
	quiet, err3 := strconv.Atoi(parts[5])
	state, ok := unpackState(parts[6])
	c := cursor{
		window: kalends.Window{Start: time.Unix(start, 0), End: time.Unix(end, 0)}, details: parts[3] == "true", whole: parts[4] == "true",
		quiet: quiet, state: state,
	}
	return c, ok && err1 == nil && err2 == nil && err3 == nil && quiet >= 0
}

// packState makes a long state shorter where that can be done.
func packState(state string) string {
	if len(state) < longState {
		return "=" + state
	}
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestSpeed)
	if err != nil {
		return "=" + state
	}
	_, _ = io.WriteString(w, state)
	_ = w.Close() // neither fails on a buffer
	if packed := base64.RawStdEncoding.EncodeToString(b.Bytes()); len(packed) < len(state) {
		return "~" + packed
	}
	return "=" + state
}

func unpackState(text string) (string, bool) {
	if plain, ok := strings.CutPrefix(text, "="); ok {
		return plain, true
	}
	packed, ok := strings.CutPrefix(text, "~")
	raw, err := base64.RawStdEncoding.DecodeString(packed)
	if !ok || err != nil {
		return "", false
	}
	state, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(raw)), maxState+1))
	return string(state), err == nil && len(state) <= maxState
}

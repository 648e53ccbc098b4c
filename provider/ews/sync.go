package ews

import (
	"context"

	kalends "kalends"
	"kalends/provider"
)

const (
	maxSyncPages = 20 // of 512 items in one reading; a walk goes on in the next one
	// mostQuiet is how often a state is believed that tells of no change: then the
	// calendar is read all the same, and a new state begun. With a reading every
	// five minutes that is six times a day.
	mostQuiet = 48
)

// signal is what SyncFolderItems tells: that something changed, never what. It
// knows masters of series only, so the occurrences are read by a CalendarView.
type signal struct {
	state   string // "" = none can be had
	last    bool   // the state stands at the end of the changes
	changed bool
}

// listen asks what changed in the folder since a state; "" walks over all that is
// in it, which is thrown away. KindGone if the state is no longer valid.
func (d *driver) listen(ctx context.Context, request provider.ChangesRequest, state string) (signal, error) {
	s := signal{state: state}
	for range maxSyncPages {
		a, err := d.inFolder(ctx, request.Mailbox, request.Calendar, func(folder string) (answer, error) {
			return d.call(ctx, "SyncFolderItems", request.Mailbox, syncFolderItems(folder, s.state))
		})
		if err != nil {
			return s.without(err)
		}
		message := a.root.child("ResponseMessages", "SyncFolderItemsResponseMessage")
		s.changed = s.changed || len(message.child("Changes").all()) > 0
		s.state, s.last = message.value("SyncState"), message.value("IncludesLastItemInRange") == "true"
		if s.last || s.state == "" || len(s.state) > maxState {
			break
		}
	}
	return s, nil
}

// without goes on without a signal where a server does not give it. What passes
// by, concerns the person or the connection, or makes the cursor void is told.
func (s signal) without(err error) (signal, error) {
	kind := kalends.KindOf(err)
	known := kalends.CauseOf(err) != nil
	if kind.Temporary() || known || kind == kalends.KindGone || kind == kalends.KindUnauthorized || codeOf(err) == "" {
		return s, err
	}
	return signal{}, nil
}

// follow reads what a cursor leads to: nothing, if nothing changed, else the whole
// window. The state is taken first, so that no change falls between the two. A
// first reading takes none: it should be quick.
func (d *driver) follow(ctx context.Context, request provider.ChangesRequest, known cursor) (provider.ChangesPage, error) {
	if known.quiet >= mostQuiet {
		known.state, known.whole = "", false
	}
	s, err := d.listen(ctx, request, known.state)
	if err != nil {
		return provider.ChangesPage{}, err
	}
	if known.state != "" && s.last && s.state != "" && !s.changed && known.covers(request) {
		known.state, known.quiet = s.state, known.quiet+1
		return provider.ChangesPage{Next: known.String()}, nil
	}
	page, whole, err := d.readWindow(ctx, request)
	if err != nil {
		return provider.ChangesPage{}, err
	}
	next := cursorFor(request)
	if len(s.state) <= maxState {
		next.state = s.state
	}
	next.whole = whole && s.last && next.state != ""
	page.Next = next.String()
	return page, nil
}

package ews

import (
	"context"
	"slices"
	"strconv"
	"time"

	kalends "kalends"
	"kalends/provider"
)

const (
	maxEntries  = 1000 // EWSFindCountLimit, section 4.3
	longestView = 700 * 24 * time.Hour
	quickView   = 60 * 24 * time.Hour // one that takes longer than the server allows is halved, section 4.10
	smallest    = 15 * time.Minute    // a view that is still cut is not read whole
)

var maxEntriesText = strconv.Itoa(maxEntries)

// Changes implements provider.Driver. A reading is one CalendarView over the whole
// window, halved only where Exchange cut it; from the second one on Exchange is
// asked first whether anything changed.
func (d *driver) Changes(ctx context.Context, request provider.ChangesRequest) (provider.ChangesPage, error) {
	if request.Cursor == "" {
		page, _, err := d.readWindow(ctx, request)
		page.Next = cursorFor(request).String()
		return page, err
	}
	known, ok := readCursor(request.Cursor)
	if !ok {
		return provider.ChangesPage{}, kalends.Errorf(kalends.KindGone, "exchange.Changes: unknown cursor")
	}
	return d.follow(ctx, request, known)
}

// readWindow reads all; whole tells whether no part had to be left out.
func (d *driver) readWindow(ctx context.Context, request provider.ChangesRequest) (page provider.ChangesPage, whole bool, err error) {
	v := &view{driver: d, request: request, seen: map[string]bool{}}
	if err := v.read(ctx, request.Window); err != nil {
		return provider.ChangesPage{}, false, err
	}
	if err := v.addDetails(ctx); err != nil {
		return provider.ChangesPage{}, false, err
	}
	return provider.ChangesPage{Full: true, Replaced: v.whole, Events: v.events}, !v.left, nil
}

// view collects the parts of a reading.
type view struct {
	driver  *driver
	request provider.ChangesRequest
	events  []kalends.Event
	seen    map[string]bool
	whole   []kalends.Window
	left    bool // something was not read whole
}

func (v *view) read(ctx context.Context, w kalends.Window) error {
	if w.End.Sub(w.Start) > longestView {
		return v.halves(ctx, w)
	}
	events, cut, err := v.part(ctx, w)
	switch {
	case codeOf(err) == "ErrorTimeoutExpired" && w.End.Sub(w.Start) > quickView:
		return v.halves(ctx, w)
	case err != nil:
		return err
	case cut && w.End.Sub(w.Start) > smallest:
		return v.halves(ctx, w)
	case cut:
		v.left = true
	default:
		v.whole = append(v.whole, w)
	}
	v.keep(events)
	return nil
}

func (v *view) halves(ctx context.Context, w kalends.Window) error {
	middle := w.Start.Add(w.End.Sub(w.Start) / 2).Truncate(time.Second)
	if err := v.read(ctx, kalends.Window{Start: w.Start, End: middle}); err != nil {
		return err
	}
	return v.read(ctx, kalends.Window{Start: middle, End: w.End})
}

func (v *view) keep(events []kalends.Event) {
	for _, event := range events {
		if !v.seen[event.RemoteID] {
			v.seen[event.RemoteID] = true
			v.events = append(v.events, event)
		}
	}
}

// part reads one window; cut tells that there is more than was given. A server that
// gives series instead of their occurrences is asked once more: what it gave is no
// calendar.
func (v *view) part(ctx context.Context, w kalends.Window) (events []kalends.Event, cut bool, err error) {
	for range 2 {
		folder, err := v.ask(ctx, w)
		switch {
		case codeOf(err) == "ErrorExceededFindCountLimit":
			return nil, true, nil
		case err != nil:
			return nil, false, err
		}
		if items := folder.child("Items").all(); !slices.ContainsFunc(items, unexpanded) {
			cut = folder.attr("IncludesLastItemInRange") == "false" || len(items) >= maxEntries
			return convertItems(items, w, v.request.Details), cut, nil
		}
	}
	return nil, false, v.driver.incomplete("FindItem")
}

func unexpanded(item *node) bool { return item.value("CalendarItemType") == "RecurringMaster" }

// ask sends one CalendarView and gives the folder that it answers with.
func (v *view) ask(ctx context.Context, w kalends.Window) (*node, error) {
	a, err := v.driver.inFolder(ctx, v.request.Mailbox, v.request.Calendar, func(folder string) (answer, error) {
		return v.driver.callAs(ctx, "FindItem", v.request.Mailbox, func(spoken version) string {
			return calendarView(spoken, folder, w.Start, w.End, v.request.Details)
		})
	})
	if err != nil {
		return nil, err
	}
	folder := a.root.find("RootFolder")
	if folder == nil {
		return nil, v.driver.incomplete("FindItem")
	}
	return folder, nil
}

package ews

import (
	"context"
	"slices"
	"strings"

	kalends "kalends"
)

const (
	batchSize    = 10       // items of a GetItem, as its documentation advises
	longestText  = 64 << 10 // of a body
	notTried     = "ErrorBatchProcessingStopped"
	noLongerHere = "ErrorItemNotFound"
)

// addDetails reads what only GetItem tells of the events found: body, who is
// invited, the organiser's address. An occurrence that is as its series has it
// says what the others of the series say, so one of them is asked for. What left
// meanwhile is left out; an item that cannot be read keeps what the view told.
func (v *view) addDetails(ctx context.Context) error {
	if !v.request.Details {
		return nil
	}
	ids, asked := v.toAsk()
	items := map[string]*node{}
	for chunk := range slices.Chunk(ids, batchSize) {
		if err := v.batch(ctx, chunk, items); err != nil {
			return err
		}
	}
	v.events = slices.DeleteFunc(v.events, func(e kalends.Event) bool {
		item, known := items[e.RemoteID]
		return known && item == nil
	})
	for i := range v.events {
		addWhole(&v.events[i], items[asked[v.events[i].RemoteID]])
	}
	return nil
}

// toAsk gives the items to ask for, and by event the one that speaks for it.
func (v *view) toAsk() (ids []itemID, asked map[string]string) {
	asked, speaker := map[string]string{}, map[string]string{}
	for _, e := range v.events {
		if e.Private && e.DraftID == "" {
			continue
		}
		series := e.SeriesID + " " + e.Version // of an occurrence the same as the series'
		first, known := speaker[series]
		if asSeries := e.SeriesID != "" && !e.OriginalStart.IsZero(); !known || !asSeries {
			first = e.RemoteID
			ids = append(ids, itemID{id: e.RemoteID})
			if asSeries {
				speaker[series] = first
			}
		}
		asked[e.RemoteID] = first
	}
	return ids, asked
}

// batch reads some items into the map: nil for one that is no longer there, none
// for one that cannot be read. What Exchange did not try, because of one before
// it, is asked for again without that one.
func (v *view) batch(ctx context.Context, ids []itemID, items map[string]*node) error {
	for len(ids) > 0 {
		left, err := v.askItems(ctx, ids, items)
		if err != nil {
			return err
		}
		if len(left) == len(ids) {
			return nil // none of them was tried
		}
		ids = left
	}
	return nil
}

func (v *view) askItems(ctx context.Context, ids []itemID, items map[string]*node) (left []itemID, err error) {
	d := v.driver
	a, err := d.callAs(ctx, "GetItem", v.request.Mailbox, func(spoken version) string { return getItems(wholeShape(spoken), ids...) })
	messages := a.root.child("ResponseMessages").all()
	if len(messages) != len(ids) {
		if err == nil {
			err = d.incomplete("GetItem")
		}
		return nil, d.ofWhom(ctx, err)
	}
	for i, message := range messages {
		code := message.value("ResponseCode")
		item := message.child("Items", "CalendarItem")
		switch {
		case message.attr("ResponseClass") != "Error" && item != nil:
			items[ids[i].id] = item
		case code == noLongerHere:
			items[ids[i].id] = nil
		case code == notTried:
			left = append(left, ids[i])
		case ofMailbox(code):
			return nil, d.ofWhom(ctx, d.failed("GetItem", v.request.Mailbox, messageError(message)))
		}
	}
	return left, nil
}

// ofMailbox tells codes that say something about more than one item.
func ofMailbox(code string) bool {
	verdict := verdicts[code]
	switch code {
	case "ErrorMailboxStoreUnavailable", "ErrorMailboxFailover", "ErrorImpersonateUserDenied", "ErrorImpersonationDenied", "ErrorNonExistentMailbox":
		return true
	}
	return verdict.kind == kalends.KindThrottled || verdict.cause == kalends.CauseMailboxElsewhere
}

// addWhole takes over what an item tells; nil tells nothing.
func addWhole(event *kalends.Event, item *node) {
	if item == nil {
		return
	}
	event.Description = cutText(item.value("Body"))
	event.Attendees = attendeesOf(item)
	event.MeetingURL = item.value("JoinOnlineMeetingUrl")
	if o := organizerOf(item); o.Email != "" {
		event.Organizer = o
	}
	if at, ok := parseTime(item.value("OriginalStart")); ok && event.SeriesID != "" && event.OriginalStart.IsZero() {
		event.OriginalStart = at
	}
}

func cutText(text string) string {
	if len(text) > longestText {
		return strings.ToValidUTF8(text[:longestText], "")
	}
	return text
}

package ews

import (
	"context"
	"slices"

	kalends "kalends"
)

// Put implements provider.Driver: what carries our id is updated, else created.
// CreateItem may succeed without an answer, so the search comes first.
func (d *driver) Put(ctx context.Context, mailbox, calendar string, draft kalends.Draft) (kalends.Event, error) {
	found, err := d.stamped(ctx, mailbox, calendar, draft.ID)
	if err != nil {
		return kalends.Event{}, err
	}
	if len(found) > 0 {
		event, err := d.update(ctx, mailbox, found[0], draft)
		if codeOf(err) != noLongerHere {
			return event, err
		}
	}
	return d.create(ctx, mailbox, d.moved.get(calendar), draft)
}

// create makes the item. A zone that the server does not know is left out: it is
// for display, and an error says that nothing was made.
func (d *driver) create(ctx context.Context, mailbox, folder string, draft kalends.Draft) (kalends.Event, error) {
	a, err := d.callUpTo(ctx, exchange2010, "CreateItem", mailbox, func(v version) string { return createItem(v, folder, draft) })
	if codeOf(err) == "ErrorTimeZone" {
		draft.Zone = ""
		a, err = d.call(ctx, "CreateItem", mailbox, createItem(exchange2007SP1, folder, draft))
	}
	if err != nil {
		return kalends.Event{}, err
	}
	id := a.root.find("ItemId")
	if id == nil {
		return kalends.Event{}, d.incomplete("CreateItem")
	}
	return written(draft, id), nil
}

// conflictCodes: somebody else changed the item since it was read.
var conflictCodes = []string{"ErrorIrresolvableConflict", "ErrorStaleObject", "ErrorChangeKeyRequiredForWriteOperations", "ErrorChangeKeyRequired"}

// update changes what differs from the draft and nothing else: who answered, who
// was forwarded to and what others added stays. After a conflict the item is read
// and changed once more.
func (d *driver) update(ctx context.Context, mailbox string, id itemID, draft kalends.Draft) (kalends.Event, error) {
	event, err := d.updateOnce(ctx, mailbox, id, draft)
	if slices.Contains(conflictCodes, codeOf(err)) {
		event, err = d.updateOnce(ctx, mailbox, id, draft)
	}
	return event, err
}

func (d *driver) updateOnce(ctx context.Context, mailbox string, id itemID, draft kalends.Draft) (kalends.Event, error) {
	a, err := d.call(ctx, "GetItem", mailbox, getItems(writtenShape(), id))
	if err != nil {
		return kalends.Event{}, err
	}
	item := a.root.find("CalendarItem")
	if item.child("ItemId").attr("Id") == "" {
		return kalends.Event{}, d.incomplete("GetItem")
	}
	a, err = d.change(ctx, mailbox, item, draft)
	if err != nil {
		return kalends.Event{}, err
	}
	now := a.root.find("ItemId")
	if now == nil {
		now = item.child("ItemId")
	}
	event := written(draft, now)
	event.Attendees = answered(draft.Attendees, attendeesOf(item))
	return event, nil
}

// change sends what differs; nothing, if nothing does.
func (d *driver) change(ctx context.Context, mailbox string, item *node, draft kalends.Draft) (answer, error) {
	if len(differing(exchange2010, item, draft)) == 0 && !unsent(item, draft) {
		return answer{}, nil
	}
	a, err := d.callUpTo(ctx, exchange2010, "UpdateItem", mailbox, func(v version) string { return updateItem(v, item, draft) })
	if codeOf(err) == "ErrorTimeZone" {
		draft.Zone = ""
		a, err = d.call(ctx, "UpdateItem", mailbox, updateItem(exchange2007SP1, item, draft))
	}
	return a, err
}

// written is the event as it stands in the calendar now.
func written(draft kalends.Draft, id *node) kalends.Event {
	event := kalends.Event{
		RemoteID: id.attr("Id"), Version: id.attr("ChangeKey"), DraftID: draft.ID, Summary: draft.Summary,
		Description: draft.Description, Location: draft.Location, Start: draft.Start, End: draft.End,
		AllDay: draft.AllDay, Zone: draft.Zone, Private: draft.Private, Attendees: draft.Attendees, Status: kalends.StatusBusy,
	}
	if draft.Free {
		event.Status = kalends.StatusFree
	}
	return event
}

// answered gives the invited with what they answered so far.
func answered(asked, known []kalends.Attendee) []kalends.Attendee {
	list := slices.Clone(asked)
	for i := range list {
		at := slices.IndexFunc(known, func(a kalends.Attendee) bool { return a.Email == kalends.NormalizeEmail(list[i].Email) })
		if at >= 0 {
			list[i].Status = known[at].Status
		}
	}
	return list
}

// Delete implements provider.Driver.
func (d *driver) Delete(ctx context.Context, mailbox, calendar, draftID string, notify bool) error {
	found, err := d.stamped(ctx, mailbox, calendar, draftID)
	if err != nil {
		return err
	}
	for _, id := range found {
		_, err := d.call(ctx, "DeleteItem", mailbox, deleteItem(id, notify))
		if err != nil && codeOf(err) != noLongerHere {
			return err
		}
	}
	return nil
}

// stamped gives the ids of the items that carry our id, the oldest first: whoever
// copies an event in Outlook copies our id with it. An attendee's copy of a
// meeting is not ours.
func (d *driver) stamped(ctx context.Context, mailbox, calendar, draftID string) ([]itemID, error) {
	a, err := d.inFolder(ctx, mailbox, calendar, func(folder string) (answer, error) {
		return d.call(ctx, "FindItem", mailbox, findStamped(folder, draftID))
	})
	if err != nil {
		return nil, err
	}
	items := slices.Clone(a.root.find("RootFolder").child("Items").all())
	items = slices.DeleteFunc(items, func(n *node) bool { return n.child("ItemId").attr("Id") == "" || invitedTo(n) })
	slices.SortStableFunc(items, func(a, b *node) int {
		madeA, _ := parseTime(a.value("DateTimeCreated"))
		madeB, _ := parseTime(b.value("DateTimeCreated"))
		return madeA.Compare(madeB)
	})
	found := make([]itemID, len(items))
	for i, n := range items {
		found[i] = itemID{n.child("ItemId").attr("Id"), n.child("ItemId").attr("ChangeKey")}
	}
	return found, nil
}

func invitedTo(n *node) bool {
	switch n.value("MyResponseType") {
	case "", "Unknown", "Organizer":
		return false
	}
	return true
}

type itemID struct{ id, changeKey string }

func (i itemID) element() string { return i.named("ItemId") }

func (i itemID) named(name string) string {
	key := ""
	if i.changeKey != "" {
		key = ` ChangeKey="` + escape(i.changeKey) + `"`
	}
	return `<t:` + name + ` Id="` + escape(i.id) + `"` + key + `/>`
}

// deleteItem: DeleteItem operation.
func deleteItem(id itemID, notify bool) string {
	return `<m:DeleteItem DeleteType="MoveToDeletedItems" SendMeetingCancellations="` + sendTo(notify) + `"><m:ItemIds>` +
		id.element() + `</m:ItemIds></m:DeleteItem>`
}

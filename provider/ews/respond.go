package ews

import (
	"context"
	"slices"

	kalends "kalends"
)

// response is an answer as Exchange has it: the element that gives it, and the
// MyResponseType that the item has then (section 4.5).
type response struct{ element, said string }

var responses = map[kalends.AttendeeStatus]response{
	kalends.AttendeeAccepted:  {"AcceptItem", "Accept"},
	kalends.AttendeeTentative: {"TentativelyAcceptItem", "Tentative"},
	kalends.AttendeeDeclined:  {"DeclineItem", "Decline"},
}

// Respond implements provider.Responder. Exchange moves a declined event to the
// deleted items. An item's id says in which folder it lies.
func (d *driver) Respond(ctx context.Context, mailbox, _, remoteID string, answer kalends.AttendeeStatus) error {
	r, known := responses[answer]
	if !known {
		return d.nothingToAnswer()
	}
	err := d.respondOnce(ctx, mailbox, remoteID, r)
	if slices.Contains(conflictCodes, codeOf(err)) {
		err = d.respondOnce(ctx, mailbox, remoteID, r)
	}
	if code := codeOf(err); code != noLongerHere && slices.Contains(voidFolder, code) {
		err = d.voidItem(ctx, mailbox, err)
	}
	return d.ofWhom(ctx, err)
}

// respondOnce answers the item as it is now, unless it was answered so before.
func (d *driver) respondOnce(ctx context.Context, mailbox, remoteID string, r response) error {
	a, err := d.call(ctx, "GetItem", mailbox, getItems(answerShape(), itemID{id: remoteID}))
	if err != nil {
		return err
	}
	items := a.root.find("Items").all()
	if len(items) != 1 {
		return d.incomplete("GetItem")
	}
	item := items[0]
	switch {
	case item.name != "CalendarItem", !invitedTo(item), item.value("IsCancelled") == "true":
		return d.nothingToAnswer()
	case item.value("MyResponseType") == r.said:
		return nil
	}
	id := item.child("ItemId")
	_, err = d.call(ctx, "CreateItem", mailbox, respond(r, itemID{id.attr("Id"), id.attr("ChangeKey")}))
	return err
}

func (d *driver) nothingToAnswer() error {
	return kalends.Errorf(kalends.KindInvalid, "exchange.Respond: there is nothing to answer")
}

// voidItem: an id of before a mailbox was moved is refused as if there were no
// mailbox.
func (d *driver) voidItem(ctx context.Context, mailbox string, refused error) error {
	if _, _, err := d.folderOf(ctx, mailbox); err != nil {
		return err
	}
	return kalends.Errorf(kalends.KindNotFound, "exchange.Respond: %s", codeOf(refused))
}

// answerShape names what tells an invitation.
func answerShape() string {
	return itemShape(`<t:FieldURI FieldURI="calendar:IsCancelled"/><t:FieldURI FieldURI="calendar:MyResponseType"/>`)
}

// respond: CreateItem operation with a response object.
func respond(r response, id itemID) string {
	return `<m:CreateItem MessageDisposition="SendAndSaveCopy"><m:Items><t:` + r.element + `>` + id.named("ReferenceItemId") +
		`</t:` + r.element + `></m:Items></m:CreateItem>`
}

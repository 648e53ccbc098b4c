package ews

import (
	"context"
	"strconv"
	"strings"

	kalends "kalends"
	"kalends/zone"
)

// Put implements provider.Driver: what carries our id is updated, else created.
// CreateItem may succeed without an answer, so the search comes first.
func (d *driver) Put(ctx context.Context, mailbox, calendar string, draft kalends.Draft) (kalends.Event, error) {
	found, err := d.stamped(ctx, mailbox, calendar, draft.ID)
	if err != nil {
		return kalends.Event{}, err
	}
	op, body := "CreateItem", func(v version) string { return createItem(v, calendar, draft) }
	if len(found) > 0 {
		op, body = "UpdateItem", func(v version) string { return updateItem(v, found[0], draft) }
	}
	a, err := d.callAs(ctx, op, mailbox, body)
	if err != nil {
		return kalends.Event{}, err
	}
	id := a.root.find("ItemId")
	if id == nil {
		return kalends.Event{}, d.incomplete(op)
	}
	return written(draft, id), nil
}

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

// Delete implements provider.Driver.
func (d *driver) Delete(ctx context.Context, mailbox, calendar, draftID string, notify bool) error {
	found, err := d.stamped(ctx, mailbox, calendar, draftID)
	if err != nil {
		return err
	}
	for _, id := range found {
		_, err := d.call(ctx, "DeleteItem", mailbox, deleteItem(id, notify))
		if err != nil && codeOf(err) != "ErrorItemNotFound" {
			return err
		}
	}
	return nil
}

// stamped gives the ids of the items that carry our id.
func (d *driver) stamped(ctx context.Context, mailbox, calendar, draftID string) ([]itemID, error) {
	a, err := d.call(ctx, "FindItem", mailbox, findStamped(calendar, draftID))
	if err != nil {
		return nil, d.ofWhom(ctx, err)
	}
	var found []itemID
	for _, n := range a.root.find("RootFolder").child("Items").all() {
		if id := n.child("ItemId"); id.attr("Id") != "" {
			found = append(found, itemID{id.attr("Id"), id.attr("ChangeKey")})
		}
	}
	return found, nil
}

type itemID struct{ id, changeKey string }

func (i itemID) element() string {
	key := ""
	if i.changeKey != "" {
		key = ` ChangeKey="` + escape(i.changeKey) + `"`
	}
	return `<t:ItemId Id="` + escape(i.id) + `"` + key + `/>`
}

// sending is the value of the attributes that decide about invitations.
func sending(draft kalends.Draft) string { return sendTo(draft.Invite && len(draft.Attendees) > 0) }

func sendTo(all bool) string {
	if all {
		return "SendToAllAndSaveCopy"
	}
	return "SendToNone"
}

// property is one element of a calendar item, in the order of the schema.
type property struct {
	field string // its FieldURI
	xml   string // "" = absent
}

// properties of CalendarItemType: first the item's, then the calendar's.
func properties(v version, draft kalends.Draft) []property {
	list := []property{
		{"item:Subject", element("Subject", draft.Summary)},
		{"item:Sensitivity", element("Sensitivity", sensitivity(draft.Private))},
		{"item:Body", `<t:Body BodyType="Text">` + escape(draft.Description) + `</t:Body>`},
	}
	list = append(list, reminder(draft)...)
	return append(append(list, times(draft)...), people(v, draft)...)
}

func reminder(draft kalends.Draft) []property {
	if draft.Reminder == nil {
		return []property{{"item:ReminderIsSet", element("ReminderIsSet", "false")}}
	}
	return []property{
		{"item:ReminderIsSet", element("ReminderIsSet", "true")},
		{"item:ReminderMinutesBeforeStart", element("ReminderMinutesBeforeStart", strconv.Itoa(max(*draft.Reminder, 0)))},
	}
}

func times(draft kalends.Draft) []property {
	status := "Busy"
	if draft.Free {
		status = "Free"
	}
	return []property{
		{"calendar:Start", element("Start", instant(draft.Start))},
		{"calendar:End", element("End", instant(draft.End))},
		{"calendar:IsAllDayEvent", element("IsAllDayEvent", boolean(draft.AllDay))},
		{"calendar:LegacyFreeBusyStatus", element("LegacyFreeBusyStatus", status)},
		{"calendar:Location", element("Location", draft.Location)},
	}
}

func people(v version, draft kalends.Draft) []property {
	list := []property{
		{"calendar:RequiredAttendees", attendees("RequiredAttendees", draft, func(a kalends.Attendee) bool { return !a.Optional && !a.Resource })},
		{"calendar:OptionalAttendees", attendees("OptionalAttendees", draft, func(a kalends.Attendee) bool { return a.Optional && !a.Resource })},
		{"calendar:Resources", attendees("Resources", draft, func(a kalends.Attendee) bool { return a.Resource })},
	}
	return append(list, zoneProperties(v, draft.Zone)...)
}

// zoneProperties name the zone for display and all-day events (section 4.9). On
// 2007 only a name that the server knows would work, so UTC stays.
func zoneProperties(v version, name string) []property {
	windows, ok := zone.ToWindows(name)
	if !ok || v.before(exchange2010) {
		return nil
	}
	return []property{
		{"calendar:StartTimeZone", `<t:StartTimeZone Id="` + escape(windows) + `"/>`},
		{"calendar:EndTimeZone", `<t:EndTimeZone Id="` + escape(windows) + `"/>`},
	}
}

func attendees(name string, draft kalends.Draft, belongs func(kalends.Attendee) bool) string {
	var b strings.Builder
	for _, a := range draft.Attendees {
		if !belongs(a) {
			continue
		}
		b.WriteString("<t:Attendee><t:Mailbox>")
		if a.Name != "" {
			b.WriteString(element("Name", a.Name))
		}
		b.WriteString(element("EmailAddress", a.Email) + "</t:Mailbox></t:Attendee>")
	}
	if b.Len() == 0 {
		return ""
	}
	return "<t:" + name + ">" + b.String() + "</t:" + name + ">"
}

func sensitivity(private bool) string {
	if private {
		return "Private"
	}
	return "Normal"
}

func stamp(draftID string) string {
	return "<t:ExtendedProperty>" + stampURI + element("Value", draftID) + "</t:ExtendedProperty>"
}

// createItem: CreateItem operation (calendar item). The stamp stands behind the
// item's own properties and before the calendar's.
func createItem(v version, folder string, draft kalends.Draft) string {
	var b strings.Builder
	stamped := false
	for _, p := range properties(v, draft) {
		if !stamped && strings.HasPrefix(p.field, "calendar:") {
			b.WriteString(stamp(draft.ID))
			stamped = true
		}
		b.WriteString(p.xml)
	}
	return `<m:CreateItem SendMeetingInvitations="` + sending(draft) + `"><m:SavedItemFolderId>` + folderID(folder) +
		`</m:SavedItemFolderId><m:Items><t:CalendarItem>` + b.String() + `</t:CalendarItem></m:Items></m:CreateItem>`
}

// updateItem: UpdateItem operation (calendar item), one field a change. Whoever
// was invited is told of changes, also when nobody is left on the list.
func updateItem(v version, id itemID, draft kalends.Draft) string {
	var b strings.Builder
	for _, p := range properties(v, draft) {
		field := `<t:FieldURI FieldURI="` + p.field + `"/>`
		if p.xml == "" { // an empty list of attendees is against the schema
			b.WriteString("<t:DeleteItemField>" + field + "</t:DeleteItemField>")
			continue
		}
		b.WriteString("<t:SetItemField>" + field + "<t:CalendarItem>" + p.xml + "</t:CalendarItem></t:SetItemField>")
	}
	return `<m:UpdateItem ConflictResolution="AlwaysOverwrite" SendMeetingInvitationsOrCancellations="` + sendTo(draft.Invite) +
		`"><m:ItemChanges><t:ItemChange>` + id.element() + `<t:Updates>` + b.String() + `</t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>`
}

// deleteItem: DeleteItem operation.
func deleteItem(id itemID, notify bool) string {
	return `<m:DeleteItem DeleteType="MoveToDeletedItems" SendMeetingCancellations="` + sendTo(notify) + `"><m:ItemIds>` +
		id.element() + `</m:ItemIds></m:DeleteItem>`
}

package ews

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	kalends "kalends"
	"kalends/zone"
)

func sendTo(all bool) string {
	if all {
		return "SendToAllAndSaveCopy"
	}
	return "SendToNone"
}

// property is one element of a calendar item, in the order of the schema.
type property struct {
	field string // its FieldURI, or invitedName
	xml   string // "" = absent
	says  string // its value, as said gives that of an item; "" with asStart = goes along with Start
}

// asStart are the properties that are sent whenever the start is.
var asStart = []string{"calendar:StartTimeZone", "calendar:EndTimeZone", "calendar:MeetingTimeZone"}

// properties of CalendarItemType: first the item's, then the calendar's.
func properties(v version, draft kalends.Draft) []property {
	list := []property{
		{"item:Subject", element("Subject", draft.Summary), words(draft.Summary)},
		{"item:Sensitivity", element("Sensitivity", sensitivity(draft.Private)), sensitivity(draft.Private)},
		{"item:Body", `<t:Body BodyType="Text">` + escape(draft.Description) + `</t:Body>`, words(draft.Description)},
	}
	list = append(list, reminder(draft)...)
	return append(append(list, times(draft)...), people(v, draft)...)
}

func reminder(draft kalends.Draft) []property {
	if draft.Reminder == nil {
		return []property{{"item:ReminderIsSet", element("ReminderIsSet", "false"), "false"}}
	}
	minutes := strconv.Itoa(max(*draft.Reminder, 0))
	return []property{
		{"item:ReminderIsSet", element("ReminderIsSet", "true"), "true"},
		{"item:ReminderMinutesBeforeStart", element("ReminderMinutesBeforeStart", minutes), minutes},
	}
}

func times(draft kalends.Draft) []property {
	status := "Busy"
	if draft.Free {
		status = "Free"
	}
	return []property{
		{"calendar:Start", element("Start", instant(draft.Start)), instant(draft.Start)},
		{"calendar:End", element("End", instant(draft.End)), instant(draft.End)},
		{"calendar:IsAllDayEvent", element("IsAllDayEvent", boolean(draft.AllDay)), boolean(draft.AllDay)},
		{"calendar:LegacyFreeBusyStatus", element("LegacyFreeBusyStatus", status), status},
		{"calendar:Location", element("Location", draft.Location), words(draft.Location)},
	}
}

// lists are the ways of being invited. A room is a resource: that makes its own
// rules answer.
var lists = []struct {
	name    string
	belongs func(kalends.Attendee) bool
}{
	{"RequiredAttendees", func(a kalends.Attendee) bool { return !a.Optional && !a.Resource }},
	{"OptionalAttendees", func(a kalends.Attendee) bool { return a.Optional && !a.Resource }},
	{"Resources", func(a kalends.Attendee) bool { return a.Resource }},
}

func people(v version, draft kalends.Draft) []property {
	var all []property
	for _, l := range lists {
		listed := slices.DeleteFunc(slices.Clone(draft.Attendees), func(a kalends.Attendee) bool { return !l.belongs(a) })
		all = append(all, property{"calendar:" + l.name, attendees(l.name, listed), addresses(listed)})
	}
	return append(all, zoneProperties(v, draft.Zone)...)
}

// zoneProperties name the zone for display and all-day events (section 4.9). 2007
// takes the names that it knows.
func zoneProperties(v version, name string) []property {
	windows, ok := zone.ToWindows(name)
	switch {
	case !ok:
		return nil
	case v.before(exchange2010):
		return []property{{field: "calendar:MeetingTimeZone", xml: `<t:MeetingTimeZone TimeZoneName="` + escape(windows) + `"/>`}}
	}
	return []property{
		{field: "calendar:StartTimeZone", xml: `<t:StartTimeZone Id="` + escape(windows) + `"/>`},
		{field: "calendar:EndTimeZone", xml: `<t:EndTimeZone Id="` + escape(windows) + `"/>`},
	}
}

func attendees(name string, listed []kalends.Attendee) string {
	var b strings.Builder
	for _, a := range listed {
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

// addresses names the invited whatever their order.
func addresses(listed []kalends.Attendee) string {
	list := make([]string, len(listed))
	for i, a := range listed {
		list[i] = kalends.NormalizeEmail(a.Email)
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), " ")
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

// invited says whom we invited, "-" for nobody: an item without it is older.
func invited(draft kalends.Draft) property {
	list := cmp.Or(addresses(draft.Attendees), "-")
	return property{invitedName, "<t:ExtendedProperty>" + invitedURI + element("Value", list) + "</t:ExtendedProperty>", list}
}

// path names the property in a change.
func (p property) path() string {
	if p.field == invitedName {
		return invitedURI
	}
	return `<t:FieldURI FieldURI="` + p.field + `"/>`
}

// createItem: CreateItem operation (calendar item). The stamp stands behind the
// item's own properties and before the calendar's.
func createItem(v version, folder string, draft kalends.Draft) string {
	var b strings.Builder
	stamped := false
	for _, p := range properties(v, draft) {
		if !stamped && strings.HasPrefix(p.field, "calendar:") {
			b.WriteString(stamp(draft.ID) + invited(draft).xml)
			stamped = true
		}
		b.WriteString(p.xml)
	}
	return `<m:CreateItem SendMeetingInvitations="` + sendTo(draft.Invite && len(draft.Attendees) > 0) + `"><m:SavedItemFolderId>` + folderID(folder) +
		`</m:SavedItemFolderId><m:Items><t:CalendarItem>` + b.String() + `</t:CalendarItem></m:Items></m:CreateItem>`
}

// updateItem: UpdateItem operation (calendar item), one field a change, of what
// differs. The ChangeKey has Exchange refuse it if the same was changed meanwhile.
func updateItem(v version, item *node, draft kalends.Draft) string {
	changes := differing(v, item, draft)
	if len(changes) == 0 {
		changes = properties(v, draft)[:1] // what was never sent needs some change to go with
	}
	var b strings.Builder
	for _, p := range changes {
		field := p.path()
		if p.xml == "" { // an empty list of attendees is against the schema
			b.WriteString("<t:DeleteItemField>" + field + "</t:DeleteItemField>")
			continue
		}
		b.WriteString("<t:SetItemField>" + field + "<t:CalendarItem>" + p.xml + "</t:CalendarItem></t:SetItemField>")
	}
	id := itemID{item.child("ItemId").attr("Id"), item.child("ItemId").attr("ChangeKey")}
	return `<m:UpdateItem ConflictResolution="AutoResolve" SendMeetingInvitationsOrCancellations="` + audience(changes, item, draft) +
		`"><m:ItemChanges><t:ItemChange>` + id.element() + `<t:Updates>` + b.String() + `</t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>`
}

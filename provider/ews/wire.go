package ews

import (
	"strings"
	"time"
)

// Requests are written by hand: Exchange checks them against its schema, where
// the order of elements counts.

const (
	spaceSOAP     = "http://schemas.xmlsoap.org/soap/envelope/"
	spaceTypes    = "http://schemas.microsoft.com/exchange/services/2006/types"
	spaceMessages = "http://schemas.microsoft.com/exchange/services/2006/messages"
)

// Our named property: a calendar item that we wrote carries our event id
// (reference section 4.5).
const (
	stampSet  = "6b1c0b52-7c3e-4c55-9a70-3f0c8a5d1e47"
	stampName = "kalendsEventId"
	stampURI  = `<t:ExtendedFieldURI PropertySetId="` + stampSet + `" PropertyName="` + stampName + `" PropertyType="String"/>`
)

// A second one says whom we invited: who else is invited was added by others.
const (
	invitedName = "kalendsInvited"
	invitedURI  = `<t:ExtendedFieldURI PropertySetId="` + stampSet + `" PropertyName="` + invitedName + `" PropertyType="String"/>`
)

// wireTime is UTC with Z, which every version understands (section 4.9).
const wireTime = "2006-01-02T15:04:05Z"

func instant(t time.Time) string { return t.UTC().Format(wireTime) }

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "\r", "&#13;")

func escape(text string) string { return escaper.Replace(clean(text)) }

// element writes <t:name>text</t:name>.
func element(name, text string) string {
	return "<t:" + name + ">" + escape(text) + "</t:" + name + ">"
}

func boolean(yes bool) string {
	if yes {
		return "true"
	}
	return "false"
}

// envelope is a SOAP 1.1 request, impersonating a mailbox unless it is "".
func envelope(v version, mailbox, body string) string {
	header := `<t:RequestServerVersion Version="` + string(v) + `"/>`
	if mailbox != "" {
		header += "<t:ExchangeImpersonation><t:ConnectingSID>" + element(sidKind(v), mailbox) + "</t:ConnectingSID></t:ExchangeImpersonation>"
	}
	return `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="` + spaceSOAP + `" xmlns:t="` + spaceTypes +
		`" xmlns:m="` + spaceMessages + `"><s:Header>` + header + `</s:Header><s:Body>` + body + `</s:Body></s:Envelope>`
}

// sidKind: SmtpAddress accepts proxy addresses but exists from 2010 on (section 3).
func sidKind(v version) string {
	if v.before(exchange2010) {
		return "PrimarySmtpAddress"
	}
	return "SmtpAddress"
}

// getCalendarFolder: GetFolder operation.
func getCalendarFolder() string {
	return `<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>` +
		`<t:FieldURI FieldURI="folder:DisplayName"/><t:FieldURI FieldURI="folder:EffectiveRights"/></t:AdditionalProperties>` +
		`</m:FolderShape><m:FolderIds><t:DistinguishedFolderId Id="calendar"/></m:FolderIds></m:GetFolder>`
}

// resolveNames: ResolveNames operation; a prefix match in the directory.
func resolveNames(address string) string {
	return `<m:ResolveNames ReturnFullContactData="true" SearchScope="ActiveDirectory"><m:UnresolvedEntry>smtp:` + escape(address) +
		`</m:UnresolvedEntry></m:ResolveNames>`
}

const busyFields = `<t:FieldURI FieldURI="item:Sensitivity"/><t:FieldURI FieldURI="calendar:Start"/><t:FieldURI FieldURI="calendar:End"/>` +
	`<t:FieldURI FieldURI="calendar:IsAllDayEvent"/><t:FieldURI FieldURI="calendar:LegacyFreeBusyStatus"/>` +
	`<t:FieldURI FieldURI="calendar:IsCancelled"/><t:FieldURI FieldURI="calendar:CalendarItemType"/>` +
	`<t:FieldURI FieldURI="calendar:MyResponseType"/>`

// zoneField names the zone an all-day event was made in (section 4.9).
func zoneField(v version) string {
	switch {
	case v.before(exchange2010):
		return `<t:FieldURI FieldURI="calendar:TimeZone"/>`
	case v.before(exchange2013SP1):
		return `<t:FieldURI FieldURI="calendar:StartTimeZone"/>`
	}
	return `<t:FieldURI FieldURI="calendar:StartTimeZoneId"/>`
}

const detailFields = `<t:FieldURI FieldURI="item:Subject"/><t:FieldURI FieldURI="item:DateTimeCreated"/>` +
	`<t:FieldURI FieldURI="calendar:Location"/><t:FieldURI FieldURI="calendar:Organizer"/><t:FieldURI FieldURI="calendar:UID"/>`

// viewShape names the properties to read: without details, only what free/busy
// needs, so that nobody's subjects travel.
func viewShape(v version, details bool) string {
	fields := busyFields + zoneField(v) + stampURI
	if !v.before(exchange2010) {
		fields += `<t:FieldURI FieldURI="item:LastModifiedTime"/>`
	}
	if details {
		fields += detailFields
	}
	return itemShape(fields)
}

// calendarView: FindItem operation, CalendarView element; expands series.
func calendarView(v version, folder string, start, end time.Time, details bool) string {
	return `<m:FindItem Traversal="Shallow">` + viewShape(v, details) +
		`<m:CalendarView MaxEntriesReturned="` + maxEntriesText + `" StartDate="` + instant(start) + `" EndDate="` + instant(end) + `"/>` +
		`<m:ParentFolderIds>` + folderID(folder) + `</m:ParentFolderIds></m:FindItem>`
}

func folderID(folder string) string { return `<t:FolderId Id="` + escape(folder) + `"/>` }

// syncFolderItems: SyncFolderItems operation; 512 is the most that it gives.
func syncFolderItems(folder, state string) string {
	if state != "" {
		state = "<m:SyncState>" + escape(state) + "</m:SyncState>"
	}
	return `<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:SyncFolderId>` + folderID(folder) + `</m:SyncFolderId>` +
		state + `<m:MaxChangesReturned>512</m:MaxChangesReturned></m:SyncFolderItems>`
}

// findStamped: FindItem operation with a Restriction on our property.
func findStamped(folder, draftID string) string {
	return `<m:FindItem Traversal="Shallow">` + itemShape(`<t:FieldURI FieldURI="item:DateTimeCreated"/><t:FieldURI FieldURI="calendar:MyResponseType"/>`) +
		`<m:IndexedPageItemView MaxEntriesReturned="10" Offset="0" BasePoint="Beginning"/>` +
		`<m:Restriction><t:IsEqualTo>` + stampURI + `<t:FieldURIOrConstant><t:Constant Value="` + escape(draftID) +
		`"/></t:FieldURIOrConstant></t:IsEqualTo></m:Restriction><m:ParentFolderIds>` + folderID(folder) + `</m:ParentFolderIds></m:FindItem>`
}

// getItems: GetItem operation; it alone tells bodies and who is invited.
func getItems(shape string, ids ...itemID) string {
	var b strings.Builder
	for _, id := range ids {
		b.WriteString(id.element())
	}
	return `<m:GetItem>` + shape + `<m:ItemIds>` + b.String() + `</m:ItemIds></m:GetItem>`
}

const peopleFields = `<t:FieldURI FieldURI="calendar:RequiredAttendees"/><t:FieldURI FieldURI="calendar:OptionalAttendees"/><t:FieldURI FieldURI="calendar:Resources"/>`

// writtenShape names what we write, to compare it before it is written again.
func writtenShape() string {
	return textShape(`<t:FieldURI FieldURI="item:Subject"/><t:FieldURI FieldURI="item:Sensitivity"/><t:FieldURI FieldURI="item:Body"/>` +
		`<t:FieldURI FieldURI="item:ReminderIsSet"/><t:FieldURI FieldURI="item:ReminderMinutesBeforeStart"/><t:FieldURI FieldURI="calendar:Start"/>` +
		`<t:FieldURI FieldURI="calendar:End"/><t:FieldURI FieldURI="calendar:IsAllDayEvent"/><t:FieldURI FieldURI="calendar:LegacyFreeBusyStatus"/>` +
		`<t:FieldURI FieldURI="calendar:Location"/><t:FieldURI FieldURI="calendar:MeetingRequestWasSent"/>` + peopleFields + invitedURI)
}

// wholeShape names what only GetItem tells of an event.
func wholeShape(v version) string {
	fields := `<t:FieldURI FieldURI="item:Body"/><t:FieldURI FieldURI="calendar:OriginalStart"/><t:FieldURI FieldURI="calendar:Organizer"/>` + peopleFields
	if !v.before(exchange2013SP1) {
		fields += `<t:FieldURI FieldURI="calendar:JoinOnlineMeetingUrl"/>`
	}
	return textShape(fields)
}

func itemShape(fields string) string {
	return `<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>` + fields + `</t:AdditionalProperties></m:ItemShape>`
}

// textShape asks for bodies as text.
func textShape(fields string) string {
	return `<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:BodyType>Text</t:BodyType><t:AdditionalProperties>` + fields + `</t:AdditionalProperties></m:ItemShape>`
}

// emptyZone is UTC with the two transitions that the schema demands (section 4.7).
const emptyZone = `<t:TimeZone><t:Bias>0</t:Bias>` +
	`<t:StandardTime><t:Bias>0</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>1</t:DayOrder><t:Month>1</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:StandardTime>` +
	`<t:DaylightTime><t:Bias>0</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>1</t:DayOrder><t:Month>7</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:DaylightTime></t:TimeZone>`

// userAvailability: GetUserAvailability operation. Times are UTC without zone.
func userAvailability(mailboxes []string, start, end time.Time) string {
	var b strings.Builder
	b.WriteString(`<m:GetUserAvailabilityRequest>` + emptyZone + `<m:MailboxDataArray>`)
	for _, mailbox := range mailboxes {
		b.WriteString(`<t:MailboxData><t:Email>` + element("Address", mailbox) +
			`</t:Email><t:AttendeeType>Required</t:AttendeeType><t:ExcludeConflicts>false</t:ExcludeConflicts></t:MailboxData>`)
	}
	const naive = "2006-01-02T15:04:05"
	b.WriteString(`</m:MailboxDataArray><t:FreeBusyViewOptions><t:TimeWindow>` +
		element("StartTime", start.UTC().Format(naive)) + element("EndTime", end.UTC().Format(naive)) +
		`</t:TimeWindow><t:MergedFreeBusyIntervalInMinutes>` + mergedMinutesText + `</t:MergedFreeBusyIntervalInMinutes>` +
		`<t:RequestedView>FreeBusyMerged</t:RequestedView></t:FreeBusyViewOptions></m:GetUserAvailabilityRequest>`)
	return b.String()
}

// getRoomLists and getRooms: operations of the same names, from 2010 on.
func getRoomLists() string { return `<m:GetRoomLists/>` }

func getRooms(list string) string {
	return `<m:GetRooms><m:RoomList>` + element("EmailAddress", list) + `</m:RoomList></m:GetRooms>`
}

// expandDL: ExpandDL operation; the members of a distribution group, 100 at most.
func expandDL(group string) string {
	return `<m:ExpandDL><m:Mailbox>` + element("EmailAddress", group) + `</m:Mailbox></m:ExpandDL>`
}

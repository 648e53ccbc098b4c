package ewsfake

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// grammar says, for each element of the requests we read, which children it
// takes in which order (Name, A|B for a choice, then ? or * or +) and which
// attributes (@Name, ! = must be there, =A,B = its values). Elements that are
// not listed are leaves; "…" stands for anything.
// Source: Microsoft's types.xsd and messages.xsd of Exchange 2013 SP1.
var grammar = map[string]string{
	"Envelope":              "Header? Body",
	"Header":                "RequestServerVersion|MailboxCulture|ExchangeImpersonation|TimeZoneContext|DateTimePrecision|ManagementRole|SerializedSecurityContext*",
	"RequestServerVersion":  "@Version!",
	"ExchangeImpersonation": "ConnectingSID", "ConnectingSID": "PrincipalName|SID|PrimarySmtpAddress|SmtpAddress",
	"TimeZoneContext": "TimeZoneDefinition", "TimeZoneDefinition": "@Id @Name …",
	"GetFolder": "FolderShape FolderIds", "FolderShape": shapeOf, "FolderIds": idsOf,
	"FindFolder": "@Traversal!=Shallow,Deep,SoftDeleted FolderShape IndexedPageFolderView|FractionalPageFolderView? Restriction? ParentFolderIds",
	"FindItem": "@Traversal!=Shallow,SoftDeleted,Associated ItemShape IndexedPageItemView|FractionalPageItemView|SeekToConditionPageItemView|CalendarView|ContactsView? " +
		"GroupBy|DistinguishedGroupBy? Restriction? SortOrder? ParentFolderIds QueryString?",
	"ItemShape": "BaseShape IncludeMimeContent? BodyType? UniqueBodyType? NormalizedBodyType? FilterHtmlContent? ConvertHtmlCodePageToUTF8? " +
		"InlineImageUrlTemplate? BlockExternalImages? AddBlankTargetToLinks? MaximumBodySize? AdditionalProperties?",
	"AdditionalProperties": "FieldURI|IndexedFieldURI|ExtendedFieldURI+",
	"FieldURI":             "@FieldURI!", "IndexedFieldURI": "@FieldURI! @FieldIndex!",
	"ExtendedFieldURI":    "@DistinguishedPropertySetId @PropertySetId @PropertyTag @PropertyName @PropertyId @PropertyType!",
	"CalendarView":        "@MaxEntriesReturned @StartDate! @EndDate!",
	"IndexedPageItemView": "@MaxEntriesReturned @Offset! @BasePoint!=Beginning,End", "IndexedPageFolderView": "@MaxEntriesReturned @Offset! @BasePoint!=Beginning,End",
	"ParentFolderIds": idsOf, "DistinguishedFolderId": "@Id! @ChangeKey Mailbox?", "FolderId": "@Id! @ChangeKey",
	"Restriction": searchOf, "And": searchOf + "+", "Or": searchOf + "+", "Not": searchOf, "Exists": pathOf,
	"IsNotEqualTo": comparisonOf, "IsGreaterThan": comparisonOf, "IsGreaterThanOrEqualTo": comparisonOf, "IsLessThan": comparisonOf, "IsLessThanOrEqualTo": comparisonOf,
	"Contains": "@ContainmentMode @ContainmentComparison " + pathOf + " Constant", "AppendToItemField": pathOf + " …",
	"IsEqualTo": comparisonOf, "FieldURIOrConstant": "Constant|FieldURI|IndexedFieldURI|ExtendedFieldURI", "Constant": "@Value!",
	"GetItem": "ItemShape ItemIds", "ItemIds": "ItemId|OccurrenceItemId|RecurringMasterItemId|RecurringMasterItemIdRanges+",
	"ItemId":           "@Id! @ChangeKey",
	"OccurrenceItemId": "@RecurringMasterId! @ChangeKey @InstanceIndex!", "RecurringMasterItemId": "@OccurrenceId! @ChangeKey",
	"CreateItem":        "@MessageDisposition=SaveOnly,SendOnly,SendAndSaveCopy @SendMeetingInvitations=SendToNone,SendOnlyToAll,SendToAllAndSaveCopy SavedItemFolderId? Items",
	"SavedItemFolderId": "FolderId|DistinguishedFolderId|AddressListId",
	"Items": "Item|Message|CalendarItem|Contact|DistributionList|MeetingMessage|MeetingRequest|MeetingResponse|MeetingCancellation|Task|PostItem|" +
		"ReplyToItem|ForwardItem|ReplyAllToItem|AcceptItem|TentativelyAcceptItem|DeclineItem|CancelCalendarItem|RemoveItem|SuppressReadReceipt|PostReplyItem|AcceptSharingInvitation+",
	"AcceptItem": responseOf, "TentativelyAcceptItem": responseOf, "DeclineItem": responseOf,
	"CancelCalendarItem": "ReferenceItemId NewBodyContent?", "ReferenceItemId": "@Id! @ChangeKey",
	"CalendarItem": itemOf, "Body": "@BodyType!=HTML,Text @IsTruncated", "Categories": "String*",
	"RequiredAttendees": "Attendee+", "OptionalAttendees": "Attendee+", "Resources": "Attendee+",
	"Attendee":         "Mailbox ResponseType? LastResponseTime? ProposedStart? ProposedEnd?",
	"Mailbox":          "Name? EmailAddress? RoutingType? MailboxType? ItemId? OriginalDisplayName?",
	"RoomList":         "Name? EmailAddress? RoutingType? MailboxType? ItemId? OriginalDisplayName?",
	"ExtendedProperty": "ExtendedFieldURI Value|Values",
	"Recurrence": "RelativeYearlyRecurrence|AbsoluteYearlyRecurrence|RelativeMonthlyRecurrence|AbsoluteMonthlyRecurrence|WeeklyRecurrence|DailyRecurrence " +
		"NoEndRecurrence|EndDateRecurrence|NumberedRecurrence",
	"RelativeYearlyRecurrence": "DaysOfWeek DayOfWeekIndex Month", "AbsoluteYearlyRecurrence": "DayOfMonth Month",
	"RelativeMonthlyRecurrence": "Interval DaysOfWeek DayOfWeekIndex", "AbsoluteMonthlyRecurrence": "Interval DayOfMonth",
	"WeeklyRecurrence": "Interval DaysOfWeek FirstDayOfWeek?", "DailyRecurrence": "Interval",
	"NoEndRecurrence": "StartDate", "EndDateRecurrence": "StartDate EndDate", "NumberedRecurrence": "StartDate NumberOfOccurrences",
	"MeetingTimeZone": "@TimeZoneName …", "StartTimeZone": "@Id @Name …", "EndTimeZone": "@Id @Name …",
	"UpdateItem": "@ConflictResolution!=NeverOverwrite,AutoResolve,AlwaysOverwrite @MessageDisposition=SaveOnly,SendOnly,SendAndSaveCopy " +
		"@SendMeetingInvitationsOrCancellations=SendToNone,SendOnlyToAll,SendOnlyToChanged,SendToAllAndSaveCopy,SendToChangedAndSaveCopy @SuppressReadReceipts SavedItemFolderId? ItemChanges",
	"ItemChanges": "ItemChange+", "ItemChange": "ItemId|OccurrenceItemId|RecurringMasterItemId Updates", "Updates": "AppendToItemField|SetItemField|DeleteItemField*",
	"SetItemField":    "FieldURI|IndexedFieldURI|ExtendedFieldURI Item|Message|CalendarItem|Contact|DistributionList|MeetingMessage|MeetingRequest|MeetingResponse|MeetingCancellation|Task|PostItem",
	"DeleteItemField": "FieldURI|IndexedFieldURI|ExtendedFieldURI",
	"DeleteItem": "@DeleteType!=HardDelete,SoftDelete,MoveToDeletedItems @SendMeetingCancellations=SendToNone,SendOnlyToAll,SendToAllAndSaveCopy " +
		"@AffectedTaskOccurrences=AllOccurrences,SpecifiedOccurrenceOnly @SuppressReadReceipts ItemIds",
	"SyncFolderItems": "ItemShape SyncFolderId SyncState? Ignore? MaxChangesReturned SyncScope?", "SyncFolderId": "FolderId|DistinguishedFolderId|AddressListId",
	"GetUserAvailabilityRequest": "TimeZone? MailboxDataArray FreeBusyViewOptions? SuggestionsViewOptions?",
	"MailboxDataArray":           "MailboxData*", "MailboxData": "Email AttendeeType ExcludeConflicts?", "Email": "Name? Address RoutingType?",
	"TimeZone": "Bias StandardTime DaylightTime", "StandardTime": timeOf, "DaylightTime": timeOf,
	"FreeBusyViewOptions": "TimeWindow MergedFreeBusyIntervalInMinutes? RequestedView?", "TimeWindow": "StartTime EndTime",
	"SuggestionsViewOptions": "…",
	"ResolveNames": "@ReturnFullContactData! @SearchScope=ActiveDirectory,ActiveDirectoryContacts,Contacts,ContactsActiveDirectory " +
		"@ContactDataShape=IdOnly,Default,AllProperties ParentFolderIds? UnresolvedEntry",
	"GetRoomLists": "", "GetRooms": "RoomList", "GetServerTimeZones": "@ReturnFullTimeZoneData Ids?", "Ids": "Id+",
	"ConvertId": "@DestinationFormat!=EwsLegacyId,EwsId,EntryId,HexEntryId,StoreId,OwaId SourceIds", "SourceIds": "AlternateId|AlternatePublicFolderId|AlternatePublicFolderItemId+",
	"AlternateId": "@Format!=EwsLegacyId,EwsId,EntryId,HexEntryId,StoreId,OwaId @Id! @Mailbox! @IsArchive",
}

const (
	pathOf       = "FieldURI|IndexedFieldURI|ExtendedFieldURI"
	comparisonOf = pathOf + " FieldURIOrConstant"
	searchOf     = "SearchExpression|IsEqualTo|IsNotEqualTo|Exists|Contains|IsGreaterThan|IsGreaterThanOrEqualTo|IsLessThan|IsLessThanOrEqualTo|And|Or|Not|Excludes"
	shapeOf      = "BaseShape AdditionalProperties?"
	idsOf        = "FolderId|DistinguishedFolderId+"
	timeOf       = "Bias Time DayOrder Month DayOfWeek Year?"
	responseOf   = "ItemClass? Sensitivity? Body? Attachments? InternetMessageHeaders? Sender? ToRecipients? CcRecipients? BccRecipients? IsReadReceiptRequested? IsDeliveryReceiptRequested? From? ReferenceItemId"
	itemOf       = "MimeContent? ItemId? ParentFolderId? ItemClass? Subject? Sensitivity? Body? Attachments? DateTimeReceived? Size? Categories? Importance? InReplyTo? " +
		"IsSubmitted? IsDraft? IsFromMe? IsResend? IsUnmodified? InternetMessageHeaders? DateTimeSent? DateTimeCreated? ResponseObjects? ReminderDueBy? ReminderIsSet? " +
		"ReminderNextTime? ReminderMinutesBeforeStart? DisplayCc? DisplayTo? HasAttachments? ExtendedProperty* Culture? EffectiveRights? LastModifiedName? LastModifiedTime? " +
		"IsAssociated? UID? RecurrenceId? DateTimeStamp? Start? End? OriginalStart? IsAllDayEvent? LegacyFreeBusyStatus? Location? When? IsMeeting? IsCancelled? IsRecurring? " +
		"MeetingRequestWasSent? IsResponseRequested? CalendarItemType? MyResponseType? Organizer? RequiredAttendees? OptionalAttendees? Resources? ConflictingMeetingCount? " +
		"AdjacentMeetingCount? ConflictingMeetings? AdjacentMeetings? Duration? TimeZone? AppointmentReplyTime? AppointmentSequenceNumber? AppointmentState? Recurrence? " +
		"FirstOccurrence? LastOccurrence? ModifiedOccurrences? DeletedOccurrences? MeetingTimeZone? StartTimeZone? EndTimeZone? ConferenceType? AllowNewTimeProposal? " +
		"IsOnlineMeeting? MeetingWorkspaceUrl? NetShowUrl?"
)

// leaves are the elements whose text has a type or a list of values.
var leaves = map[string]string{
	"BaseShape": "IdOnly,Default,AllProperties,PcxPeopleSearch", "BodyType": "Best,HTML,Text", "IncludeMimeContent": "boolean",
	"Sensitivity": "Normal,Personal,Private,Confidential", "Importance": "Low,Normal,High", "ReminderIsSet": "boolean", "ReminderMinutesBeforeStart": "int",
	"Start": "dateTime", "End": "dateTime", "IsAllDayEvent": "boolean", "LegacyFreeBusyStatus": "Free,Tentative,Busy,OOF,WorkingElsewhere,NoData",
	"IsResponseRequested": "boolean", "StartTime": "dateTime", "EndTime": "dateTime", "MergedFreeBusyIntervalInMinutes": "int", "MaxChangesReturned": "int",
	"AttendeeType": "Organizer,Required,Optional,Room,Resource", "SyncScope": "NormalItems,NormalAndAssociatedItems", "Interval": "int", "NumberOfOccurrences": "int",
	"DayOfMonth": "int", "DayOfWeekIndex": "First,Second,Third,Fourth,Last", "PropertyType": "", "UnresolvedEntry": "nonEmpty", "AllowNewTimeProposal": "boolean",
}

type particle struct {
	names    []string
	optional bool
	many     bool
}

type rule struct {
	particles []particle
	attrs     map[string]string // name -> values, "" = any
	must      []string
	open      bool
}

var rules = sync.OnceValue(func() map[string]rule {
	all := make(map[string]rule, len(grammar))
	for name, text := range grammar {
		all[name] = readRule(text)
	}
	return all
})

func readRule(text string) rule {
	r := rule{attrs: map[string]string{}}
	for word := range strings.FieldsSeq(text) {
		if attr, ok := strings.CutPrefix(word, "@"); ok {
			name, values, _ := strings.Cut(attr, "=")
			if strings.HasSuffix(name, "!") {
				name = strings.TrimSuffix(name, "!")
				r.must = append(r.must, name)
			}
			r.attrs[name] = values
			continue
		}
		if word == "…" {
			r.open = true
			continue
		}
		last := word[len(word)-1]
		r.particles = append(r.particles, particle{
			names: strings.Split(strings.TrimRight(word, "?*+"), "|"), optional: last == '?' || last == '*', many: last == '*' || last == '+',
		})
	}
	return r
}

// violation is what the server says when a request breaks the schema.
type violation struct {
	text string
	line int
}

func (n *node) broken(format string, args ...any) *violation {
	return &violation{text: fmt.Sprintf(format, args...), line: n.line}
}

// check walks an element and everything below by the grammar.
func (n *node) check() *violation {
	r, listed := rules()[n.name]
	if n.name == "TimeZone" && len(n.kids) == 0 && n.text != "" {
		return nil // the calendar item's display string
	}
	if !listed {
		return n.checkLeaf()
	}
	if v := n.checkAttrs(r); v != nil || r.open {
		return v
	}
	if v := n.checkOrder(r); v != nil {
		return v
	}
	for _, kid := range n.kids {
		if v := kid.check(); v != nil {
			return v
		}
	}
	return nil
}

func (n *node) checkAttrs(r rule) *violation {
	for _, name := range r.must {
		if !slices.ContainsFunc(n.attrs, func(a attribute) bool { return a.Name.Local == name }) {
			return n.broken("The required attribute '%s' is missing.", name)
		}
	}
	for _, a := range n.attrs {
		values, known := r.attrs[a.Name.Local]
		if !known && a.Name.Space == "" {
			return n.broken("The '%s' attribute is not declared.", a.Name.Local)
		}
		if values != "" && !slices.Contains(strings.Split(values, ","), a.Value) {
			return n.broken("The '%s' attribute is invalid - The value '%s' is invalid according to its datatype - The Enumeration constraint failed.", a.Name.Local, a.Value)
		}
	}
	return nil
}

func (n *node) checkOrder(r rule) *violation {
	at := 0
	for _, p := range r.particles {
		count := 0
		for at < len(n.kids) && slices.Contains(p.names, n.kids[at].name) && (count == 0 || p.many) {
			at, count = at+1, count+1
		}
		if count == 0 && !p.optional {
			return n.incomplete(at, p)
		}
	}
	if at < len(n.kids) {
		return n.kids[at].broken("The element '%s' in namespace '%s' has invalid child element '%s' in namespace '%s'.", n.name, n.space, n.kids[at].name, n.kids[at].space)
	}
	return nil
}

func (n *node) incomplete(at int, p particle) *violation {
	if at < len(n.kids) {
		return n.kids[at].broken("The element '%s' in namespace '%s' has invalid child element '%s' in namespace '%s'. List of possible elements expected: '%s'.",
			n.name, n.space, n.kids[at].name, n.kids[at].space, strings.Join(p.names, ", "))
	}
	return n.broken("The element '%s' in namespace '%s' has incomplete content. List of possible elements expected: '%s'.", n.name, n.space, strings.Join(p.names, ", "))
}

func (n *node) checkLeaf() *violation {
	kind, listed := leaves[n.name]
	text := strings.TrimSpace(n.text)
	ok := true
	switch {
	case !listed || kind == "":
	case kind == "boolean":
		ok = slices.Contains([]string{"true", "false", "1", "0"}, text)
	case kind == "int":
		_, err := strconv.Atoi(text)
		ok = err == nil
	case kind == "dateTime":
		_, _, ok = parseTime(text, time.UTC)
	case kind == "nonEmpty":
		ok = text != ""
	default:
		ok = slices.Contains(strings.Split(kind, ","), text)
	}
	if ok {
		return nil
	}
	return n.broken("The '%s' element is invalid - The value '%s' is invalid according to its datatype.", n.name, text)
}

// parseTime reads an xs:dateTime; a naive one is read in the given place.
func parseTime(text string, place *time.Location) (t time.Time, naive, ok bool) {
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t.UTC(), false, true
	}
	t, err := time.ParseInLocation("2006-01-02T15:04:05.999999999", text, place)
	return t.UTC(), true, err == nil
}

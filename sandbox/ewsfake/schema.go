package ewsfake

// grammar says, for each element of the requests we read, which children it
// takes in which order (Name, A|B for a choice, then ? or * or +) and which
// attributes (@Name, ! = must be there, =A,B = its values, :kind = its type).
// Name/3 came with level 3, Name/-2 went after level 2 (see levels). Elements
// that are not listed are leaves; "…" stands for anything, "#" for text.
// Source: Microsoft's types.xsd and messages.xsd of 2007 SP1 to SE.
var grammar = map[string]string{
	"RequestServerVersion":  "@Version!",
	"ExchangeImpersonation": "ConnectingSID",
	"ConnectingSID":         "PrincipalName/-2? SID/-2? PrimarySmtpAddress/-2? PrincipalName/3|SID/3|PrimarySmtpAddress/3|SmtpAddress/3",
	"TimeZoneContext":       "TimeZoneDefinition", "TimeZoneDefinition": "@Id @Name/3 …/3",
	"GetFolder": "FolderShape FolderIds", "FolderShape": shapeOf, "FolderIds": idsOf,
	"FindFolder": "@Traversal!=Shallow,Deep,SoftDeleted FolderShape IndexedPageFolderView|FractionalPageFolderView? Restriction? ParentFolderIds",
	"FindItem": "@Traversal!=Shallow,SoftDeleted,Associated/3 ItemShape IndexedPageItemView|FractionalPageItemView|SeekToConditionPageItemView/6|CalendarView|ContactsView? " +
		"GroupBy|DistinguishedGroupBy? Restriction? SortOrder? ParentFolderIds QueryString/3?",
	"ItemShape": "BaseShape IncludeMimeContent? BodyType? UniqueBodyType/6? NormalizedBodyType/6? FilterHtmlContent/3? ConvertHtmlCodePageToUTF8/3? " +
		"InlineImageUrlTemplate/6? BlockExternalImages/6? AddBlankTargetToLinks/6? MaximumBodySize/6? AdditionalProperties?",
	"AdditionalProperties": "FieldURI|IndexedFieldURI|ExtendedFieldURI+",
	"FieldURI":             "@FieldURI!:path", "IndexedFieldURI": "@FieldURI! @FieldIndex!",
	"ExtendedFieldURI": "@DistinguishedPropertySetId=Meeting,Appointment,Common,PublicStrings,Address,InternetHeaders,CalendarAssistant,UnifiedMessaging,Task,Sharing/6 " +
		"@PropertySetId:guid @PropertyTag @PropertyName @PropertyId:int @PropertyType!:mapi",
	"CalendarView":        "@MaxEntriesReturned:int @StartDate!:dateTime @EndDate!:dateTime",
	"IndexedPageItemView": "@MaxEntriesReturned:int @Offset!:int @BasePoint!=Beginning,End", "IndexedPageFolderView": "@MaxEntriesReturned:int @Offset!:int @BasePoint!=Beginning,End",
	"FractionalPageItemView": "@MaxEntriesReturned:int @Numerator!:int @Denominator!:int", "SortOrder": "FieldOrder+",
	"FieldOrder":      "@Order!=Ascending,Descending " + pathOf,
	"ParentFolderIds": idsOf, "DistinguishedFolderId": "@Id!:distinguished @ChangeKey Mailbox?", "FolderId": "@Id! @ChangeKey",
	"Restriction": searchOf, "And": severalOf, "Or": severalOf, "Not": searchOf, "Exists": pathOf,
	"IsNotEqualTo": comparisonOf, "IsGreaterThan": comparisonOf, "IsGreaterThanOrEqualTo": comparisonOf, "IsLessThan": comparisonOf, "IsLessThanOrEqualTo": comparisonOf,
	"Contains": "@ContainmentMode=FullString,Prefixed,Substring,PrefixOnWords,ExactPhrase " +
		"@ContainmentComparison=Exact,IgnoreCase,IgnoreNonSpacingCharacters,Loose,IgnoreCaseAndNonSpacingCharacters,LooseAndIgnoreCase,LooseAndIgnoreNonSpace,LooseAndIgnoreCaseAndIgnoreNonSpace " +
		pathOf + " Constant",
	"AppendToItemField": pathOf + " …",
	"IsEqualTo":         comparisonOf, "FieldURIOrConstant": "Constant|FieldURI|IndexedFieldURI|ExtendedFieldURI", "Constant": "@Value!",
	"GetItem": "ItemShape ItemIds", "ItemIds": "ItemId|OccurrenceItemId|RecurringMasterItemId|RecurringMasterItemIdRanges/6+",
	"ItemId":           "@Id! @ChangeKey",
	"OccurrenceItemId": "@RecurringMasterId! @ChangeKey @InstanceIndex!:int", "RecurringMasterItemId": "@OccurrenceId! @ChangeKey",
	"CreateItem":        "@MessageDisposition=SaveOnly,SendOnly,SendAndSaveCopy @SendMeetingInvitations=SendToNone,SendOnlyToAll,SendToAllAndSaveCopy SavedItemFolderId? Items",
	"SavedItemFolderId": "FolderId|DistinguishedFolderId|AddressListId/6",
	"Items": "Item|Message|SharingMessage/8|CalendarItem|Contact|DistributionList|MeetingMessage|MeetingRequest|MeetingResponse|MeetingCancellation|Task|PostItem|" +
		"ReplyToItem|ForwardItem|ReplyAllToItem|AcceptItem|TentativelyAcceptItem|DeclineItem|CancelCalendarItem|RemoveItem|SuppressReadReceipt|PostReplyItem|" +
		"AcceptSharingInvitation/3|RoleMember/8|Network/8|Person/8+",
	"AcceptItem": responseOf, "TentativelyAcceptItem": responseOf, "DeclineItem": responseOf,
	"CancelCalendarItem": "Subject? Body? ToRecipients? CcRecipients? BccRecipients? IsReadReceiptRequested? IsDeliveryReceiptRequested? From? ReferenceItemId? NewBodyContent?",
	"ReferenceItemId":    "@Id! @ChangeKey", "NewBodyContent": bodyOf,
	"CalendarItem": itemOf, "Body": bodyOf, "Categories": "String*",
	"RequiredAttendees": "Attendee+", "OptionalAttendees": "Attendee+", "Resources": "Attendee+",
	"Attendee": "Mailbox ResponseType? LastResponseTime? ProposedStart/6? ProposedEnd/6?",
	"Mailbox":  addressOf, "RoomList": addressOf,
	"ExtendedProperty": "ExtendedFieldURI Value|Values", "Values": "Value+",
	"Recurrence": "RelativeYearlyRecurrence|AbsoluteYearlyRecurrence|RelativeMonthlyRecurrence|AbsoluteMonthlyRecurrence|WeeklyRecurrence|DailyRecurrence " +
		"NoEndRecurrence|EndDateRecurrence|NumberedRecurrence",
	"RelativeYearlyRecurrence": "DaysOfWeek DayOfWeekIndex Month", "AbsoluteYearlyRecurrence": "DayOfMonth Month",
	"RelativeMonthlyRecurrence": "Interval DaysOfWeek DayOfWeekIndex", "AbsoluteMonthlyRecurrence": "Interval DayOfMonth",
	"WeeklyRecurrence": "Interval DaysOfWeek FirstDayOfWeek/3?", "DailyRecurrence": "Interval",
	"NoEndRecurrence": "StartDate", "EndDateRecurrence": "StartDate EndDate", "NumberedRecurrence": "StartDate NumberOfOccurrences",
	"MeetingTimeZone": "@TimeZoneName …", "StartTimeZone": "@Id @Name …", "EndTimeZone": "@Id @Name …",
	"UpdateItem": "@ConflictResolution!=NeverOverwrite,AutoResolve,AlwaysOverwrite @MessageDisposition=SaveOnly,SendOnly,SendAndSaveCopy " +
		"@SendMeetingInvitationsOrCancellations=SendToNone,SendOnlyToAll,SendOnlyToChanged,SendToAllAndSaveCopy,SendToChangedAndSaveCopy " +
		"@SuppressReadReceipts/6:boolean SavedItemFolderId? ItemChanges",
	"ItemChanges": "ItemChange+", "ItemChange": "ItemId|OccurrenceItemId|RecurringMasterItemId Updates CalendarActivityData/8?",
	"Updates": "AppendToItemField|SetItemField|DeleteItemField+",
	"SetItemField": "FieldURI|IndexedFieldURI|ExtendedFieldURI Item|Message|SharingMessage/8|CalendarItem|Contact|DistributionList|MeetingMessage|MeetingRequest|" +
		"MeetingResponse|MeetingCancellation|Task|PostItem|RoleMember/8|Network/8|Person/8",
	"DeleteItemField": "FieldURI|IndexedFieldURI|ExtendedFieldURI",
	"DeleteItem": "@DeleteType!=HardDelete,SoftDelete,MoveToDeletedItems @SendMeetingCancellations=SendToNone,SendOnlyToAll,SendToAllAndSaveCopy " +
		"@AffectedTaskOccurrences=AllOccurrences,SpecifiedOccurrenceOnly @SuppressReadReceipts/6:boolean ItemIds",
	"SyncFolderItems": "ItemShape SyncFolderId SyncState? Ignore? MaxChangesReturned SyncScope/3?", "SyncFolderId": "FolderId|DistinguishedFolderId|AddressListId/6",
	"Ignore":                     "ItemId*",
	"GetUserAvailabilityRequest": "TimeZone/-2 TimeZone/3? MailboxDataArray FreeBusyViewOptions? SuggestionsViewOptions?",
	"MailboxDataArray":           "MailboxData*", "MailboxData": "Email AttendeeType ExcludeConflicts?", "Email": "Name? Address RoutingType?",
	"TimeZone": "Bias StandardTime DaylightTime", "StandardTime": timeOf, "DaylightTime": timeOf,
	"FreeBusyViewOptions": "TimeWindow MergedFreeBusyIntervalInMinutes? RequestedView?", "TimeWindow": "StartTime EndTime",
	"SuggestionsViewOptions": "…",
	"ResolveNames": "@ReturnFullContactData!:boolean @SearchScope=ActiveDirectory,ActiveDirectoryContacts,Contacts,ContactsActiveDirectory " +
		"@ContactDataShape/5=IdOnly,Default,AllProperties,PcxPeopleSearch/8 ParentFolderIds? UnresolvedEntry",
	"ExpandDL":     "Mailbox",
	"GetRoomLists": "", "GetRooms": "RoomList", "GetServerTimeZones": "@ReturnFullTimeZoneData:boolean Ids?", "Ids": "Id+",
	"ConvertId": "@DestinationFormat!=EwsLegacyId,EwsId,EntryId,HexEntryId,StoreId,OwaId SourceIds", "SourceIds": "AlternateId|AlternatePublicFolderId|AlternatePublicFolderItemId+",
	"AlternateId": "@Format!=EwsLegacyId,EwsId,EntryId,HexEntryId,StoreId,OwaId @Id! @Mailbox! @IsArchive/3:boolean",
	"Subscribe":   "PullSubscriptionRequest|PushSubscriptionRequest|StreamingSubscriptionRequest/4", "PullSubscriptionRequest": subscribeOf + " Watermark? Timeout",
	"PushSubscriptionRequest":      subscribeOf + " Watermark? StatusFrequency URL CallerData/6?",
	"StreamingSubscriptionRequest": subscribeOf, "EventTypes": "EventType+", "Unsubscribe": "SubscriptionId", "GetEvents": "SubscriptionId Watermark",
	"CreateFolder": "ParentFolderId Folders", "ParentFolderId": "@Id! @ChangeKey", targetOf: "FolderId|DistinguishedFolderId|AddressListId/6", "Folders": "Folder|CalendarFolder|ContactsFolder|SearchFolder|TasksFolder+",
	"Folder": folderOf + " PermissionSet? UnreadCount?", "CalendarFolder": folderOf + " SharingEffectiveRights/3? PermissionSet?", "TasksFolder": folderOf + " PermissionSet? UnreadCount?",
	"ContactsFolder": folderOf + " SharingEffectiveRights/3? PermissionSet? SourceId/8? AccountName/8?", "SearchFolder": folderOf + " PermissionSet? UnreadCount? SearchParameters?",
	"DeleteFolder":         "@DeleteType!=HardDelete,SoftDelete,MoveToDeletedItems FolderIds",
	"GetUserConfiguration": "UserConfigurationName UserConfigurationProperties", "UserConfigurationName": "@Name!:nonEmpty FolderId|DistinguishedFolderId|AddressListId/6",
	"MimeContent":        "@CharacterSet #",
	"GetStreamingEvents": "SubscriptionIds ConnectionTimeout", "SubscriptionIds": "SubscriptionId+",
}

const (
	pathOf       = "FieldURI|IndexedFieldURI|ExtendedFieldURI"
	comparisonOf = pathOf + " FieldURIOrConstant"
	searchOf     = "SearchExpression|IsEqualTo|IsNotEqualTo|Exists|Contains|IsGreaterThan|IsGreaterThanOrEqualTo|IsLessThan|IsLessThanOrEqualTo|And|Or|Not|Excludes"
	severalOf    = searchOf + " SearchExpression/-2|IsEqualTo/-2|IsNotEqualTo/-2|Exists/-2|Contains/-2|IsGreaterThan/-2|IsGreaterThanOrEqualTo/-2|IsLessThan/-2|" +
		"IsLessThanOrEqualTo/-2|And/-2|Or/-2|Not/-2|Excludes/-2 " + searchOf + "*"
	targetOf    = "m:ParentFolderId" // of CreateFolder; that of an item or folder is another thing
	folderOf    = "FolderId? ParentFolderId? FolderClass? DisplayName? TotalCount? ChildFolderCount? ExtendedProperty* ManagedFolderInformation? EffectiveRights?"
	shapeOf     = "BaseShape AdditionalProperties?"
	idsOf       = "FolderId|DistinguishedFolderId+"
	timeOf      = "Bias Time DayOrder Month DayOfWeek Year?"
	bodyOf      = "@BodyType!=HTML,Text @IsTruncated/6:boolean #"
	addressOf   = "Name? EmailAddress? RoutingType? MailboxType? ItemId? OriginalDisplayName/6?"
	subscribeOf = "@SubscribeToAllFolders/3:boolean FolderIds/-2 FolderIds/3? EventTypes"
	responseOf  = "ItemClass? Sensitivity? Body? Attachments? InternetMessageHeaders? Sender? ToRecipients? CcRecipients? BccRecipients? IsReadReceiptRequested? " +
		"IsDeliveryReceiptRequested? From? ReferenceItemId? ReceivedBy/3? ReceivedRepresenting/3? ProposedStart/6? ProposedEnd/6?"
	itemOf = "MimeContent? ItemId? ParentFolderId? ItemClass? Subject? Sensitivity? Body? Attachments? DateTimeReceived? Size? Categories? Importance? InReplyTo? " +
		"IsSubmitted? IsDraft? IsFromMe? IsResend? IsUnmodified? InternetMessageHeaders? DateTimeSent? DateTimeCreated? ResponseObjects? ReminderDueBy? ReminderIsSet? " +
		"ReminderNextTime/6? ReminderMinutesBeforeStart? DisplayCc? DisplayTo? DisplayBcc/8? HasAttachments? ExtendedProperty* Culture? EffectiveRights? LastModifiedName? " +
		"LastModifiedTime? IsAssociated/3? WebClientReadFormQueryString/3? WebClientEditFormQueryString/3? ConversationId/3? UniqueBody/3? Flag/6? StoreEntryId/5? " +
		"InstanceKey/6? NormalizedBody/6? EntityExtractionResult/6? PolicyTag/6? ArchiveTag/6? RetentionDate/6? Preview/6? RightsManagementLicenseData/6? " +
		"PredictedActionReasons/6? IsClutter/6? BlockStatus/6? HasBlockedImages/6? TextBody/6? IconIndex/6? " +
		"UID? RecurrenceId? DateTimeStamp? Start? End? OriginalStart? IsAllDayEvent? LegacyFreeBusyStatus? Location? When? IsMeeting? IsCancelled? IsRecurring? " +
		"MeetingRequestWasSent? IsResponseRequested? CalendarItemType? MyResponseType? Organizer? RequiredAttendees? OptionalAttendees? Resources? InboxReminders/8? " +
		"ConflictingMeetingCount? AdjacentMeetingCount? ConflictingMeetings? AdjacentMeetings? Duration? TimeZone? AppointmentReplyTime? AppointmentSequenceNumber? " +
		"AppointmentState? Recurrence? FirstOccurrence? LastOccurrence? ModifiedOccurrences? DeletedOccurrences? MeetingTimeZone? StartTimeZone/3? EndTimeZone/3? " +
		"ConferenceType? AllowNewTimeProposal? IsOnlineMeeting? MeetingWorkspaceUrl? NetShowUrl? EnhancedLocation/6? StartWallClock/6? EndWallClock/6? " +
		"StartTimeZoneId/6? EndTimeZoneId/6? IntendedFreeBusyStatus/6? JoinOnlineMeetingUrl/6? OnlineMeetingSettings/6? IsOrganizer/6? CalendarActivityData/8? " +
		"DoNotForwardMeeting/8?"
)

// leaves are the elements whose text has a type or a list of values; list: says
// that it holds several of them.
var leaves = map[string]string{
	"BaseShape": "IdOnly,Default,AllProperties,PcxPeopleSearch/8", "BodyType": "Best,HTML,Text", "IncludeMimeContent": "boolean",
	"Sensitivity": "Normal,Personal,Private,Confidential", "Importance": "Low,Normal,High", "ReminderIsSet": "boolean", "ReminderMinutesBeforeStart": "int",
	"Start": "dateTime", "End": "dateTime", "IsAllDayEvent": "boolean", "LegacyFreeBusyStatus": "Free,Tentative,Busy,OOF,WorkingElsewhere/6,NoData",
	"IsResponseRequested": "boolean", "StartTime": "dateTime", "EndTime": "dateTime", "MergedFreeBusyIntervalInMinutes": "int", "MaxChangesReturned": "1..512",
	"AttendeeType": "Organizer,Required,Optional,Room,Resource", "SyncScope": "NormalItems,NormalAndAssociatedItems", "Interval": "int", "NumberOfOccurrences": "int",
	"DayOfMonth": "int", "DayOfWeekIndex": "First,Second,Third,Fourth,Last", "UnresolvedEntry": "nonEmpty", "AllowNewTimeProposal": "boolean",
	"DaysOfWeek":     "list:Sunday,Monday,Tuesday,Wednesday,Thursday,Friday,Saturday,Day,Weekday,WeekendDay",
	"FirstDayOfWeek": "Sunday,Monday,Tuesday,Wednesday,Thursday,Friday,Saturday,Day,Weekday,WeekendDay",
	"DayOfWeek":      "list:Sunday,Monday,Tuesday,Wednesday,Thursday,Friday,Saturday,Day,Weekday,WeekendDay",
	"ResponseType":   "Unknown,Organizer,Tentative,Accept,Decline,NoResponseReceived", "LastResponseTime": "dateTime", "EmailAddress": "nonEmpty", "RoutingType": "",
	"MailboxType": "Unknown/3,OneOff/3,Mailbox,PublicDL,PrivateDL,Contact,PublicFolder,GroupMailbox/6,ImplicitContact/8",
	"Bias":        "int", "DayOrder": "int", "ExcludeConflicts": "boolean", "ConnectionTimeout": "1..30", "Timeout": "1..1440", "StatusFrequency": "1..1440",
	"RequestedView": "list:None,MergedOnly,FreeBusy,FreeBusyMerged,Detailed,DetailedMerged", "SubscriptionId": "nonEmpty", "Watermark": "nonEmpty",
	"EventType": "CopiedEvent,CreatedEvent,DeletedEvent,ModifiedEvent,MovedEvent,NewMailEvent,FreeBusyChangedEvent/3", "ItemClass": "", "IsCancelled": "boolean",
	"TotalCount": "int", "ChildFolderCount": "int", "UserConfigurationProperties": "list:Id,Dictionary,XmlData,BinaryData,All",
	"StartDate": "date", "EndDate": "date", "Month": "month",
	"PrincipalName": "nonEmpty/3", "SID": "nonEmpty/3", "PrimarySmtpAddress": "nonEmpty/3", "SmtpAddress": "nonEmpty/3",
}

// kinds are the named types of attributes that have lists of values.
var kinds = map[string]string{
	"mapi": "ApplicationTime,ApplicationTimeArray,Binary,BinaryArray,Boolean,CLSID,CLSIDArray,Currency,CurrencyArray,Double,DoubleArray,Error,Float,FloatArray,Integer," +
		"IntegerArray,Long,LongArray,Null,Object,ObjectArray,Short,ShortArray,SystemTime,SystemTimeArray,String,StringArray",
	"distinguished": "calendar,contacts,deleteditems,drafts,inbox,journal,notes,outbox,sentitems,tasks,msgfolderroot,publicfoldersroot,root,junkemail,searchfolders,voicemail," +
		"recoverableitemsroot/3,recoverableitemsdeletions/3,recoverableitemsversions/3,recoverableitemspurges/3,archiveroot/3,archivemsgfolderroot/3,archivedeleteditems/3," +
		"archiverecoverableitemsroot/3,archiverecoverableitemsdeletions/3,archiverecoverableitemsversions/3,archiverecoverableitemspurges/3,archiveinbox/6,syncissues/6," +
		"conflicts/6,localfailures/6,serverfailures/6,recipientcache/6,quickcontacts/6,conversationhistory/6,adminauditlogs/6,todosearch/6,mycontacts/6,directory/6," +
		"imcontactlist/6,peopleconnect/6,favorites/6,recoverableitemsdiscoveryholds/8,archiverecoverableitemsdiscoveryholds/8,mecontact/8,personmetadata/8",
	// UnindexedFieldURIType; task:, contacts: and the like are not looked at.
	"path": paths,
}

const paths = "folder:FolderId,folder:ParentFolderId,folder:DisplayName,folder:UnreadCount,folder:TotalCount,folder:ChildFolderCount,folder:FolderClass," +
	"folder:SearchParameters,folder:ManagedFolderInformation,folder:PermissionSet,folder:EffectiveRights,item:ItemId,item:ParentFolderId,item:ItemClass," +
	"item:MimeContent,item:Attachments,item:Subject,item:DateTimeReceived,item:Size,item:Categories,item:HasAttachments,item:Importance,item:InReplyTo," +
	"item:InternetMessageHeaders,item:IsDraft,item:IsFromMe,item:IsResend,item:IsSubmitted,item:IsUnmodified,item:DateTimeSent,item:DateTimeCreated,item:Body," +
	"item:ResponseObjects,item:Sensitivity,item:ReminderDueBy,item:ReminderIsSet,item:ReminderMinutesBeforeStart,item:DisplayTo,item:DisplayCc,item:Culture," +
	"item:EffectiveRights,item:LastModifiedName,item:LastModifiedTime,calendar:Start,calendar:End,calendar:OriginalStart,calendar:IsAllDayEvent," +
	"calendar:LegacyFreeBusyStatus,calendar:Location,calendar:When,calendar:IsMeeting,calendar:IsCancelled,calendar:IsRecurring,calendar:MeetingRequestWasSent," +
	"calendar:IsResponseRequested,calendar:CalendarItemType,calendar:MyResponseType,calendar:Organizer,calendar:RequiredAttendees,calendar:OptionalAttendees," +
	"calendar:Resources,calendar:ConflictingMeetingCount,calendar:AdjacentMeetingCount,calendar:ConflictingMeetings,calendar:AdjacentMeetings,calendar:Duration," +
	"calendar:TimeZone,calendar:AppointmentReplyTime,calendar:AppointmentSequenceNumber,calendar:AppointmentState,calendar:Recurrence,calendar:FirstOccurrence," +
	"calendar:LastOccurrence,calendar:ModifiedOccurrences,calendar:DeletedOccurrences,calendar:MeetingTimeZone,calendar:ConferenceType," +
	"calendar:AllowNewTimeProposal,calendar:IsOnlineMeeting,calendar:MeetingWorkspaceUrl,calendar:NetShowUrl,calendar:UID,calendar:RecurrenceId," +
	"calendar:DateTimeStamp,folder:SharingEffectiveRights/3,item:IsAssociated/3,item:ConversationId/3,item:UniqueBody/3,item:WebClientReadFormQueryString/3," +
	"item:WebClientEditFormQueryString/3,calendar:StartTimeZone/3,calendar:EndTimeZone/3,item:StoreEntryId/5,folder:DistinguishedFolderId/6,folder:PolicyTag/6," +
	"folder:ArchiveTag/6,item:ReminderNextTime/6,item:Flag/6,item:InstanceKey/6,item:NormalizedBody/6,item:EntityExtractionResult/6,item:PolicyTag/6," +
	"item:ArchiveTag/6,item:RetentionDate/6,item:Preview/6,item:PredictedActionReasons/6,item:IsClutter/6,item:RightsManagementLicenseData/6," +
	"item:BlockStatus/6,item:HasBlockedImages/6,item:TextBody/6,item:IconIndex/6,item:MimeContentUTF8/6,calendar:StartWallClock/6,calendar:EndWallClock/6," +
	"calendar:StartTimeZoneId/6,calendar:EndTimeZoneId/6,calendar:EnhancedLocation/6,calendar:JoinOnlineMeetingUrl/6,calendar:OnlineMeetingSettings/6," +
	"calendar:IsOrganizer/6,folder:ReplicaList/8,item:DisplayBcc/8,item:CanDelete/8,item:InferenceClassification/8,calendar:InboxReminders/8," +
	"calendar:CalendarActivityData/8,calendar:DoNotForwardMeeting/8"

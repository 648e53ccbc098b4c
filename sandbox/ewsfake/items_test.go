package ewsfake_test

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kalends/sandbox"
	"kalends/sandbox/ewsfake"
)

// say asks as the test person with the newest schema that all servers take.
func (c *client) say(operation string) string {
	c.t.Helper()
	_, text := c.ask(c.version, c.me().Email, operation)
	return text
}

// create makes an event at an hour of a day far away and gives its id.
func (c *client) create(how, parts string) string {
	c.t.Helper()
	text := c.say(`<m:CreateItem SendMeetingInvitations="` + how + `"><m:Items><t:CalendarItem><t:Subject>Runde</t:Subject>` + parts + `</t:CalendarItem></m:Items></m:CreateItem>`)
	id := attrOf(text, "<t:ItemId", "Id")
	if id == "" {
		c.t.Fatalf("not created: %s", text)
	}
	return id
}

const oneHour = `<t:Start>2030-01-07T09:00:00Z</t:Start><t:End>2030-01-07T10:00:00Z</t:End>`

func (c *client) items(ids string) string {
	c.t.Helper()
	return c.say(`<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape><m:ItemIds>` + ids + `</m:ItemIds></m:GetItem>`)
}

func (c *client) getItem(id string) string { return c.items(`<t:ItemId Id="` + id + `"/>`) }

func setField(path, value string) string {
	return `<t:SetItemField><t:FieldURI FieldURI="` + path + `"/><t:CalendarItem>` + value + `</t:CalendarItem></t:SetItemField>`
}

func (c *client) update(id, key, resolution, updates string) string {
	c.t.Helper()
	if key != "" {
		key = ` ChangeKey="` + key + `"`
	}
	return c.say(`<m:UpdateItem ConflictResolution="` + resolution + `" SendMeetingInvitationsOrCancellations="SendToNone"><m:ItemChanges><t:ItemChange><t:ItemId Id="` + id + `"` + key + `/><t:Updates>` + updates + `</t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>`)
}

func (c *client) sync(state string, limit int, rest string) string {
	c.t.Helper()
	if state != "" {
		state = `<m:SyncState>` + state + `</m:SyncState>`
	}
	return c.say(`<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>` + rest + `</m:ItemShape><m:SyncFolderId>` + calendarFolder + `</m:SyncFolderId>` + state + `<m:MaxChangesReturned>` + strconv.Itoa(limit) + `</m:MaxChangesReturned></m:SyncFolderItems>`)
}

func between(text, start, end string) string {
	_, rest, _ := strings.Cut(text, start)
	value, _, _ := strings.Cut(rest, end)
	return value
}

func stateOf(text string) string { return between(text, "<m:SyncState>", "<") }

var itemID = regexp.MustCompile(`<t:ItemId Id="([^"]*)"`)

func idsIn(text string) []string {
	var ids []string
	for _, match := range itemID.FindAllStringSubmatch(text, -1) {
		ids = append(ids, match[1])
	}
	return ids
}

func wants(t *testing.T, name, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s: %q is not in %.1500s", name, part, text)
		}
	}
}

func TestSyncFolderItems(t *testing.T) {
	t.Parallel()
	c := newClient(t, start(t, sandbox.Config{People: 5}))
	var all []string
	text := c.sync("", 20, "")
	for pages := 0; ; pages++ {
		all = append(all, idsIn(text)...)
		if strings.Contains(text, "<m:IncludesLastItemInRange>true<") {
			break
		}
		if len(stateOf(text)) < 2000 || pages > 20 {
			t.Fatalf("page %d: state of %d", pages, len(stateOf(text)))
		}
		if pages == 1 { // an item of the next page goes, another comes: neither is lost
			items := c.server.World().Items(c.me())
			if err := c.server.World().Delete(c.me(), items[len(items)-50].ID, false); err != nil {
				t.Fatal(err)
			}
			c.create("SendToNone", oneHour)
		}
		text = c.sync(stateOf(text), 20, "")
	}
	if want := len(c.server.World().Items(c.me())) - 1; len(all) != want {
		t.Errorf("%d items of %d", len(all), want)
	}
	if slices.Sort(all); len(slices.Compact(slices.Clone(all))) != len(all) {
		t.Error("an item came twice")
	}
	state := stateOf(text)
	text = c.sync(state, 512, "")
	wants(t, "what changed during the walk", text, "<t:Create>", "<t:Delete>", "<m:IncludesLastItemInRange>true<")
	series := c.server.World().Items(c.me())[1]
	_, err := c.server.World().Update(c.me(), series.ID, func(i *sandbox.Item) error {
		i.Except(sandbox.Exception{Original: series.Start, Deleted: true})
		return nil
	}, false)
	if err != nil {
		t.Fatal(err)
	}
	text = c.sync(stateOf(text), 512, "")
	if strings.Count(text, "<t:Update>") != 1 || strings.Contains(text, "Occurrence") {
		t.Errorf("one changed occurrence is one update of the series: %s", text)
	}
}

func TestSyncOrderOfTheVersion(t *testing.T) {
	t.Parallel()
	for version, newestFirst := range map[string]bool{"Exchange2010_SP1": false, "Exchange2010_SP2": true, "ExchangeSE": true} {
		c := newClient(t, startWith(t, sandbox.Config{People: 5}, ewsfake.Options{Version: version}))
		c.version = "Exchange2010_SP1"
		newest := c.create("SendToNone", oneHour)
		if ids := idsIn(c.sync("", 512, "")); (ids[0] == newest) != newestFirst || (ids[len(ids)-1] == newest) == newestFirst {
			t.Errorf("%s: the newest is %d of %d", version, slices.Index(ids, newest), len(ids))
		}
	}
}

func TestErrSync(t *testing.T) {
	t.Parallel()
	c := newClient(t, start(t, sandbox.Config{People: 5}))
	state := stateOf(c.sync("", 512, ""))
	wants(t, "cut", c.sync(state[:255], 512, ""), ">ErrorInvalidSyncStateData<")
	wants(t, "lower case", c.sync(strings.ToLower(state), 512, ""), ">ErrorInvalidSyncStateData<")
	wants(t, "0", c.sync(state, 0, ""), ">ErrorSchemaValidation<")
	wants(t, "513", c.sync(state, 513, ""), ">ErrorSchemaValidation<")
	wants(t, "mime", c.sync(state, 512, "<t:IncludeMimeContent>true</t:IncludeMimeContent>"), ">ErrorInvalidPropertyForOperation<")
	c.server.Desk().AddFault(sandbox.Fault{Provider: "exchange", Kind: "dead_sync_state", Count: 1})
	wants(t, "dead", c.sync(state, 512, ""), ">ErrorInvalidSyncStateData<")
	wants(t, "alive", c.sync(state, 512, ""), ">NoError<")
	other, _ := c.server.World().Recipient("admin@musterwerk.example")
	_, text := c.ask(c.version, other.Email, `<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:SyncFolderId>`+calendarFolder+`</m:SyncFolderId><m:SyncState>`+state+`</m:SyncState><m:MaxChangesReturned>1</m:MaxChangesReturned></m:SyncFolderItems>`)
	wants(t, "of another mailbox", text, ">ErrorInvalidSyncStateData<")
}

func TestBatch(t *testing.T) {
	t.Parallel()
	c := newClient(t, start(t, sandbox.Config{People: 5}))
	id := c.create("SendToNone", oneHour)
	folder := attrOf(c.say(getFolder), "<t:FolderId", "Id")
	text := c.items(`<t:ItemId Id="bm9wZQ=="/><t:ItemId Id="` + id + `"/><t:ItemId Id="` + folder + `"/><t:ItemId Id="` + id + `"/>`)
	codes := regexp.MustCompile(`<m:ResponseCode>(\w+)`).FindAllStringSubmatch(text, -1)
	if got := fmt.Sprint(codes); !strings.Contains(got, "ErrorInvalidIdMalformed] [<m:ResponseCode>NoError NoError] [<m:ResponseCode>ErrorCannotUseFolderIdForItemId") || len(codes) != 4 {
		t.Errorf("%s", got)
	}
	c.server.Desk().AddFault(sandbox.Fault{Provider: "exchange", Kind: "message:ErrorMailboxStoreUnavailable", Count: 1})
	text = c.items(strings.Repeat(`<t:ItemId Id="`+id+`"/>`, 3))
	if strings.Count(text, `ResponseClass="Error"`) != 1 || strings.Count(text, `ResponseClass="Warning"`) != 2 || strings.Count(text, ">ErrorBatchProcessingStopped<") != 2 {
		t.Errorf("%s", text)
	}
}

func TestConflicts(t *testing.T) {
	t.Parallel()
	c := newClient(t, start(t, sandbox.Config{People: 5}))
	id := c.create("SendToNone", oneHour)
	first := attrOf(c.getItem(id), "<t:ItemId", "ChangeKey")
	subject := func(text string) string { return setField("item:Subject", "<t:Subject>"+text+"</t:Subject>") }
	place := setField("calendar:Location", "<t:Location>Werk 2</t:Location>")
	wants(t, "without a key", c.update(id, "", "AutoResolve", subject("x")), ">ErrorChangeKeyRequiredForWriteOperations<")
	wants(t, "a wrong key", c.update(id, "bm9wZQ==", "AutoResolve", subject("x")), ">ErrorInvalidChangeKey<")
	wants(t, "the newest key", c.update(id, first, "NeverOverwrite", subject("Neu")), ">NoError<")
	wants(t, "an old key", c.update(id, first, "NeverOverwrite", place), ">ErrorIrresolvableConflict<")
	wants(t, "an old key, the same property", c.update(id, first, "AutoResolve", subject("Anders")), ">ErrorIrresolvableConflict<")
	wants(t, "an old key, another property", c.update(id, first, "AutoResolve", place), ">NoError<")
	wants(t, "nothing was lost", c.getItem(id), ">Neu<", ">Werk 2<")
	wants(t, "whatever was", c.update(id, "", "AlwaysOverwrite", subject("Zuletzt")), ">NoError<")
}

const weekly = `<t:Recurrence><t:WeeklyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>Monday</t:DaysOfWeek></t:WeeklyRecurrence><t:NumberedRecurrence><t:StartDate>2030-01-07</t:StartDate><t:NumberOfOccurrences>4</t:NumberOfOccurrences></t:NumberedRecurrence></t:Recurrence>`

func (c *client) occurrence(master string, index int) string {
	return c.items(fmt.Sprintf(`<t:OccurrenceItemId RecurringMasterId="%s" InstanceIndex="%d"/>`, master, index))
}

func TestRecurrence(t *testing.T) {
	t.Parallel()
	c := newClient(t, start(t, sandbox.Config{People: 5}))
	master := c.create("SendToNone", oneHour+weekly)
	second := attrOf(c.occurrence(master, 2), "<t:ItemId", "Id")
	wants(t, "back to the series", c.items(`<t:RecurringMasterItemId OccurrenceId="`+second+`"/>`), `Id="`+master+`"`, ">RecurringMaster<")
	c.update(second, "", "AlwaysOverwrite", setField("calendar:Start", "<t:Start>2030-01-15T09:00:00Z</t:Start>")+setField("calendar:End", "<t:End>2030-01-15T10:00:00Z</t:End>")+
		setField("calendar:Resources", `<t:Resources><t:Attendee><t:Mailbox><t:EmailAddress>raum-elbe@musterwerk.example</t:EmailAddress></t:Mailbox></t:Attendee></t:Resources>`))
	third := attrOf(c.occurrence(master, 3), "<t:ItemId", "Id")
	wants(t, "delete", c.say(`<m:DeleteItem DeleteType="HardDelete" SendMeetingCancellations="SendToNone"><m:ItemIds><t:ItemId Id="`+third+`"/></m:ItemIds></m:DeleteItem>`), ">NoError<")
	text := c.getItem(master)
	wants(t, "the series", text, "<t:ModifiedOccurrences><t:Occurrence>", "<t:OriginalStart>2030-01-14T09:00:00Z<", "<t:DeletedOccurrence><t:Start>2030-01-21T09:00:00Z<", `<t:NumberOfOccurrences>4<`)
	wants(t, "the exception", c.getItem(second), ">Exception<", "<t:Start>2030-01-15T09:00:00Z<", "<t:RecurrenceId>2030-01-14T09:00:00Z<", ">raum-elbe@musterwerk.example<")
	if strings.Contains(c.occurrence(master, 1), "raum-elbe") {
		t.Error("the room of one occurrence stands in another")
	}
	wants(t, "by index it is gone", c.occurrence(master, 3), ">ErrorCalendarOccurrenceIsDeletedFromRecurrence<")
	wants(t, "a fifth", c.occurrence(master, 5), ">ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange<")
	wants(t, "the last", c.occurrence(master, 4), "<t:Start>2030-01-28T09:00:00Z<")
	wants(t, "no series", c.occurrence(c.create("SendToNone", oneHour), 1), ">ErrorCalendarCannotUseIdForRecurringMasterId<")
	wants(t, "no occurrence", c.items(`<t:RecurringMasterItemId OccurrenceId="`+master+`"/>`), ">ErrorCalendarCannotUseIdForOccurrenceId<")
	if key := attrOf(c.getItem(second), "<t:ItemId", "ChangeKey"); key != attrOf(text, "<t:ItemId", "ChangeKey") {
		t.Errorf("the occurrence's key %s is not the series'", key)
	}
	longer := strings.Replace(weekly, ">4<", ">6<", 1)
	c.update(master, "", "AlwaysOverwrite", setField("calendar:Recurrence", longer))
	wants(t, "a longer series keeps its exceptions", c.getItem(master), "<t:ModifiedOccurrences>", "<t:DeletedOccurrences>")
	c.update(master, "", "AlwaysOverwrite", setField("calendar:Recurrence", strings.Replace(weekly, "<t:Interval>1<", "<t:Interval>2<", 1)))
	if text := c.getItem(master); strings.Contains(text, "ModifiedOccurrences") || strings.Contains(text, "DeletedOccurrences") {
		t.Errorf("another pattern keeps exceptions: %s", text)
	}
}

// TestMovedIntoTheView: an occurrence that lies in the view although its
// original does not.
func TestMovedIntoTheView(t *testing.T) {
	t.Parallel()
	c := newClient(t, start(t, sandbox.Config{People: 5}))
	fourth := attrOf(c.occurrence(c.create("SendToNone", oneHour+weekly), 4), "<t:ItemId", "Id")
	c.update(fourth, "", "AlwaysOverwrite", setField("calendar:Start", "<t:Start>2030-01-08T09:00:00Z</t:Start>")+setField("calendar:End", "<t:End>2030-01-08T10:00:00Z</t:End>"))
	view := c.say(`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:CalendarView StartDate="2030-01-08T00:00:00Z" EndDate="2030-01-09T00:00:00Z"/><m:ParentFolderIds>` + calendarFolder + `</m:ParentFolderIds></m:FindItem>`)
	wants(t, "the view", view, `Id="`+fourth+`"`)
}

func TestExtendedProperties(t *testing.T) {
	t.Parallel()
	c := newClient(t, start(t, sandbox.Config{People: 5}))
	set := func(path, value string) string {
		return `<t:ExtendedProperty><t:ExtendedFieldURI ` + path + `/>` + value + `</t:ExtendedProperty>`
	}
	const mine = `PropertySetId="C11FF724-aa03-4555-9952-8fa248a11c3e"`
	bad := func(property string) string {
		return c.say(`<m:CreateItem SendMeetingInvitations="SendToNone"><m:Items><t:CalendarItem>` + property + `</t:CalendarItem></m:Items></m:CreateItem>`)
	}
	wants(t, "no name", bad(set(mine+` PropertyType="String"`, "<t:Value>x</t:Value>")), ">ErrorInvalidExtendedProperty<")
	wants(t, "two sets", bad(set(mine+` DistinguishedPropertySetId="Meeting" PropertyName="x" PropertyType="String"`, "<t:Value>x</t:Value>")), ">ErrorInvalidExtendedProperty<")
	wants(t, "no number", bad(set(mine+` PropertyName="x" PropertyType="Integer"`, "<t:Value>x</t:Value>")), ">ErrorInvalidExtendedPropertyValue<")
	wants(t, "one value for an array", bad(set(mine+` PropertyName="x" PropertyType="StringArray"`, "<t:Value>x</t:Value>")), ">ErrorInvalidExtendedPropertyValue<")
	parts := set(mine+` PropertyName="list" PropertyType="StringArray"`, "<t:Values><t:Value>eins</t:Value><t:Value>zwei</t:Value></t:Values>") + set(mine+` PropertyName="n" PropertyType="Integer"`, "<t:Value>7</t:Value>")
	text := c.say(`<m:CreateItem SendMeetingInvitations="SendToNone"><m:Items><t:CalendarItem><t:Subject>x</t:Subject>` + parts + `</t:CalendarItem></m:Items></m:CreateItem>`)
	id := attrOf(text, "<t:ItemId", "Id")
	text = c.say(`<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties><t:ExtendedFieldURI ` + strings.ReplaceAll(mine, "C11FF", "c11ff") + ` PropertyName="list" PropertyType="StringArray"/>` +
		`<t:ExtendedFieldURI DistinguishedPropertySetId="Meeting" PropertyId="3" PropertyType="Binary"/></t:AdditionalProperties></m:ItemShape><m:ItemIds><t:ItemId Id="` + id + `"/></m:ItemIds></m:GetItem>`)
	wants(t, "array", text, "<t:Values><t:Value>eins</t:Value><t:Value>zwei</t:Value></t:Values>")
	global := between(text, `PropertyId="3" PropertyType="Binary"/><t:Value>`, "<")
	if raw, err := base64.StdEncoding.DecodeString(global); err != nil || len(raw) < 32 || raw[0] != 4 {
		t.Errorf("GlobalObjectId %q", global)
	}
	found := c.say(`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:Restriction><t:IsEqualTo><t:ExtendedFieldURI DistinguishedPropertySetId="Meeting" PropertyId="3" PropertyType="Binary"/><t:FieldURIOrConstant><t:Constant Value="` +
		global + `"/></t:FieldURIOrConstant></t:IsEqualTo></m:Restriction><m:ParentFolderIds>` + calendarFolder + `</m:ParentFolderIds></m:FindItem>`)
	if ids := idsIn(found); len(ids) != 1 || ids[0] != id {
		t.Errorf("by GlobalObjectId: %v", ids)
	}
}

// TestAnswersStandInTheOrganizersCopy: others see no answers but their own.
func TestAnswersStandInTheOrganizersCopy(t *testing.T) {
	t.Parallel()
	c := newClient(t, start(t, sandbox.Config{MailDelay: time.Millisecond}))
	guest, _ := c.server.World().Recipient("admin@musterwerk.example")
	invite := `<t:RequiredAttendees><t:Attendee><t:Mailbox><t:EmailAddress>` + guest.Email + `</t:EmailAddress></t:Mailbox></t:Attendee></t:RequiredAttendees>`
	id := c.create("SendToAllAndSaveCopy", oneHour+invite)
	c.server.World().Settle()
	uid := between(c.getItem(id), "<t:UID>", "<")
	_, found := c.ask(c.version, guest.Email, `<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:Restriction><t:IsEqualTo><t:FieldURI FieldURI="calendar:UID"/><t:FieldURIOrConstant><t:Constant Value="`+uid+`"/></t:FieldURIOrConstant></t:IsEqualTo></m:Restriction><m:ParentFolderIds>`+calendarFolder+`</m:ParentFolderIds></m:FindItem>`)
	copied, key := attrOf(found, "<t:ItemId", "Id"), attrOf(found, "<t:ItemId", "ChangeKey")
	answer := func(disposition, key string) string {
		_, text := c.ask(c.version, guest.Email, `<m:CreateItem `+disposition+`><m:Items><t:TentativelyAcceptItem><t:ReferenceItemId Id="`+copied+`" `+key+`/><t:ProposedStart>2030-01-08T09:00:00Z</t:ProposedStart><t:ProposedEnd>2030-01-08T10:00:00Z</t:ProposedEnd></t:TentativelyAcceptItem></m:Items></m:CreateItem>`)
		return text
	}
	wants(t, "no disposition", answer("", `ChangeKey="`+key+`"`), ">ErrorMessageDispositionRequired<")
	wants(t, "no key", answer(`MessageDisposition="SendAndSaveCopy"`, ""), ">ErrorChangeKeyRequired<")
	wants(t, "tentative", answer(`MessageDisposition="SendAndSaveCopy"`, `ChangeKey="`+key+`"`), ">NoError<")
	wants(t, "an old key", answer(`MessageDisposition="SendAndSaveCopy"`, `ChangeKey="`+key+`"`), ">ErrorStaleObject<")
	c.server.World().Settle()
	wants(t, "the organizer's copy", c.getItem(id), "<t:ResponseType>Tentative</t:ResponseType><t:LastResponseTime>")
	wants(t, "the time proposed", c.getItem(id), "<t:ProposedStart>2030-01-08T09:00:00Z</t:ProposedStart><t:ProposedEnd>2030-01-08T10:00:00Z</t:ProposedEnd></t:Attendee>")
	_, text := c.ask(c.version, guest.Email, `<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape><m:ItemIds><t:ItemId Id="`+copied+`"/></m:ItemIds></m:GetItem>`)
	wants(t, "the guest's copy", text, "<t:MyResponseType>Tentative<", "<t:ResponseType>Unknown</t:ResponseType></t:Attendee>")
	wants(t, "the organizer answers himself", c.say(`<m:CreateItem MessageDisposition="SendAndSaveCopy"><m:Items><t:AcceptItem><t:ReferenceItemId Id="`+id+`" ChangeKey="`+attrOf(c.getItem(id), "<t:ItemId", "ChangeKey")+`"/></t:AcceptItem></m:Items></m:CreateItem>`), ">ErrorCalendarIsOrganizerForAccept<")
}

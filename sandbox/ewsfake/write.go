package ewsfake

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"kalends/sandbox"
	"kalends/zone"
)

func (c *call) createItem() *problem {
	how := c.operation.attr("SendMeetingInvitations")
	return c.each("CreateItem", c.operation.child("Items"), "<m:Items/>", func(n *node) *problem {
		made, p := c.create(n, how)
		if p != nil {
			return p
		}
		c.success("CreateItem")
		c.shell(made)
		c.out.WriteString("</m:CreateItemResponseMessage>")
		return nil
	})
}

// shell is what writes answer with: the item's ids.
func (c *call) shell(o *sandbox.Occurrence) {
	c.out.WriteString("<m:Items>")
	if o != nil {
		c.writeItem(*o, shape{base: "IdOnly"})
	}
	c.out.WriteString("</m:Items>")
}

func (c *call) create(n *node, how string) (*sandbox.Occurrence, *problem) {
	switch n.name {
	case "CalendarItem":
		return c.createEvent(n, how)
	case "AcceptItem", "TentativelyAcceptItem", "DeclineItem":
		return nil, c.respond(n)
	case "CancelCalendarItem":
		return nil, c.cancel(n)
	}
	return nil, fail("ErrorInvalidRequest")
}

func (c *call) createEvent(n *node, how string) (*sandbox.Occurrence, *problem) {
	if how == "" {
		return nil, fail("ErrorSendMeetingInvitationsRequired")
	}
	folder, p := "calendar", (*problem)(nil)
	if target := firstKid(c.operation.child("SavedItemFolderId")); target != nil {
		folder, p = c.folder(target)
	} else if !c.acting.HasMailbox() {
		p = fail("ErrorNonExistentMailbox")
	}
	if kind, _, _ := c.described(folder); p == nil && kind.element != "CalendarFolder" {
		p = fail("ErrorCannotCreateCalendarItemInNonCalendarFolder")
	}
	item := &sandbox.Item{Zone: "", Reminder: minutes(15)}
	if p == nil {
		p = c.fillIn(item, n)
	}
	if p != nil {
		return nil, p
	}
	if folder != "calendar" {
		c.shelf.put(folder, item)
		return &sandbox.Occurrence{Item: item}, nil
	}
	made, err := c.world.Create(c.acting, *item, how != "SendToNone")
	if err != nil {
		return nil, asProblem(err)
	}
	return &sandbox.Occurrence{Item: made}, nil
}

func minutes(n int) *int { return &n }

// fillIn takes a whole CalendarItem over.
func (c *call) fillIn(item *sandbox.Item, n *node) *problem {
	c.zones(item, n)
	for _, kid := range n.kids {
		if p := c.set(item, kid); p != nil {
			return p
		}
	}
	now := c.world.Now().UTC().Truncate(30 * time.Minute).Add(30 * time.Minute)
	if item.Start.IsZero() {
		item.Start = now
	}
	if item.End.IsZero() {
		item.End = item.Start.Add(30 * time.Minute)
	}
	return c.sane(item)
}

// sane is what Exchange asks of a calendar item; all-day ones are widened to
// midnights of their zone.
func (c *call) sane(item *sandbox.Item) *problem {
	if item.End.Before(item.Start) {
		return fail("ErrorCalendarEndDateIsEarlierThanStartDate")
	}
	if item.End.Sub(item.Start) > 5*365*24*time.Hour {
		return fail("ErrorCalendarDurationIsTooLong")
	}
	if !item.AllDay {
		return nil
	}
	place := c.zoneOf(item.Zone, time.UTC)
	start := zone.Midnight(item.Start, place)
	end := zone.Midnight(item.End, place)
	if !end.Equal(item.End) || !end.After(start) {
		end = zone.ReadWall(end, place).AddDays(1).Instant(place)
	}
	item.Start, item.End = start.UTC(), end.UTC()
	return nil
}

// zones reads the zone first: naive times are meant in it. 2007 has
// MeetingTimeZone, later versions have StartTimeZone.
func (c *call) zones(item *sandbox.Item, n *node) {
	name := n.child("StartTimeZone").attr("Id")
	if c.level < level2010 {
		name = n.child("MeetingTimeZone").attr("TimeZoneName")
	}
	if iana, ok := ianaOf(name); ok {
		item.Zone = iana
		return
	}
	if item.Zone == "" && c.place != time.UTC {
		item.Zone = c.place.String()
	}
}

func ianaOf(name string) (string, bool) {
	if iana, ok := zone.FromWindows(name, ""); ok {
		return iana, true
	}
	_, err := zone.Load(name)
	return name, err == nil
}

// set takes one property over.
func (c *call) set(item *sandbox.Item, n *node) *problem {
	text := strings.TrimSpace(n.text)
	switch n.name {
	case "Subject":
		item.Subject = n.text
	case "Sensitivity":
		item.Sensitivity = text
	case "Importance":
		item.Importance = text
	case "Body":
		item.Body, item.HTML = n.text, n.attr("BodyType") == "HTML"
	case "Location":
		item.Location = n.text
	case "LegacyFreeBusyStatus":
		item.Status = text
	case "UID":
		item.UID = text
	case "IsAllDayEvent":
		item.AllDay = text == "true" || text == "1"
	case "Categories":
		item.Categories = nil
		for _, kid := range n.kids {
			item.Categories = append(item.Categories, kid.text)
		}
	case "Recurrence":
		item.Rule = readRecurrence(n)
	case "ExtendedProperty":
		return setProp(item, n)
	case "MimeContent":
		return c.setMime(item, n)
	case "RequiredAttendees", "OptionalAttendees", "Resources":
		return c.invite(item, n)
	default:
		return c.setTimes(item, n, text)
	}
	return nil
}

func (c *call) setTimes(item *sandbox.Item, n *node, text string) *problem {
	switch n.name {
	case "Start", "End":
		t, _, ok := parseTime(text, c.zoneOf(item.Zone, c.place))
		if !ok {
			return fail("ErrorInvalidRequest")
		}
		if n.name == "Start" {
			item.Start = t
		} else {
			item.End = t
		}
	case "ReminderIsSet":
		if text == "false" || text == "0" {
			item.Reminder = nil
		} else if item.Reminder == nil {
			item.Reminder = minutes(15)
		}
	case "ReminderMinutesBeforeStart":
		if n, err := strconv.Atoi(text); err == nil && item.Reminder != nil {
			item.Reminder = minutes(n)
		}
	case "StartTimeZone", "EndTimeZone", "MeetingTimeZone", "IsResponseRequested", "AllowNewTimeProposal", "ItemClass", "Culture", "When":
	default:
		return fail("ErrorInvalidPropertySet")
	}
	return nil
}

// invite replaces the attendees of one kind; who was there keeps the answer.
func (c *call) invite(item *sandbox.Item, n *node) *problem {
	kind := map[string]string{"RequiredAttendees": "required", "OptionalAttendees": "optional", "Resources": "resource"}[n.name]
	var kept []sandbox.Attendee
	before := map[string]sandbox.Attendee{}
	for _, a := range item.Attendees {
		before[strings.ToLower(a.Email)] = a
		if either(a.Kind, "required") != kind {
			kept = append(kept, a)
		}
	}
	for _, kid := range n.kids {
		email := kid.value("Mailbox", "EmailAddress")
		if !strings.Contains(email, "@") {
			return fail("ErrorInvalidRecipients")
		}
		a := sandbox.Attendee{Name: kid.value("Mailbox", "Name"), Email: email, Kind: kind, Response: "Unknown"}
		if old, was := before[strings.ToLower(email)]; was {
			a.Response, a.At, a.Proposed = old.Response, old.At, old.Proposed
		}
		kept = append(kept, a)
	}
	item.Attendees = kept
	return nil
}

func asProblem(err error) *problem {
	var p *problem
	switch {
	case err == nil:
		return nil
	case errors.As(err, &p):
		return p
	case errors.Is(err, sandbox.ErrNoItem):
		return fail("ErrorItemNotFound")
	}
	return fail("ErrorInternalServerError")
}

// responses are what each response object means, and the errors it meets.
var responses = map[string]struct{ answer, suffix string }{
	"AcceptItem": {"Accept", "Accept"}, "TentativelyAcceptItem": {"Tentative", "Tentative"}, "DeclineItem": {"Decline", "Decline"},
}

func (c *call) respond(n *node) *problem {
	r := responses[n.name]
	o, p := c.reference(n)
	switch {
	case p != nil:
		return p
	case c.operation.attr("MessageDisposition") == "":
		return fail("ErrorMessageDispositionRequired")
	case o.Item.MyResponse == "Organizer":
		return fail("ErrorCalendarIsOrganizerFor" + r.suffix)
	case o.Item.Cancelled && c.level >= level2010:
		return fail("ErrorCalendarIsCancelledFor" + r.suffix)
	case c.operation.attr("MessageDisposition") == "SaveOnly":
		return nil // a draft
	}
	other, p := c.proposed(n)
	if p != nil {
		return p
	}
	return asProblem(c.world.Propose(c.acting, o.Item.ID, r.answer, other))
}

// proposed reads the time that an attendee would like better, 2013 and later.
func (c *call) proposed(n *node) (*sandbox.Span, *problem) {
	if n.child("ProposedStart") == nil && n.child("ProposedEnd") == nil {
		return nil, nil
	}
	start, _, ok := parseTime(n.value("ProposedStart"), c.place)
	end, _, ok2 := parseTime(n.value("ProposedEnd"), c.place)
	if !ok || !ok2 || !end.After(start) {
		return nil, fail("ErrorCalendarEndDateIsEarlierThanStartDate")
	}
	return &sandbox.Span{Start: start, End: end}, nil
}

// reference finds the item of a response object; its ChangeKey must be the
// newest.
func (c *call) reference(n *node) (sandbox.Occurrence, *problem) {
	reference := n.child("ReferenceItemId")
	if reference == nil {
		return sandbox.Occurrence{}, fail("ErrorInvalidOperation")
	}
	o, p := c.target(reference)
	if p != nil {
		return o, p
	}
	if reference.attr("ChangeKey") == "" {
		return o, fail("ErrorChangeKeyRequired")
	}
	number, p := version(reference.attr("ChangeKey"), o.Item)
	if p == nil && number != o.Item.Version {
		p = fail("ErrorStaleObject")
	}
	return o, p
}

func (c *call) cancel(n *node) *problem {
	o, p := c.reference(n)
	switch {
	case p != nil:
		return p
	case o.Item.MyResponse != "Organizer":
		return fail("ErrorCalendarIsNotOrganizer")
	}
	return asProblem(c.remove(o, true))
}

func (c *call) updateItem() *problem {
	how := c.operation.attr("SendMeetingInvitationsOrCancellations")
	return c.each("UpdateItem", c.operation.child("ItemChanges"), "<m:Items/>", func(n *node) *problem {
		o, p := c.update(n, how)
		if p != nil {
			return p
		}
		c.success("UpdateItem")
		c.shell(&o)
		c.out.WriteString("<m:ConflictResults><t:Count>0</t:Count></m:ConflictResults></m:UpdateItemResponseMessage>")
		return nil
	})
}

// apply changes the item, or one occurrence of it.
func (c *call) apply(i *sandbox.Item, o sandbox.Occurrence, updates []*node) *problem {
	target := i
	if o.Master != nil {
		copied := *o.Item
		target = &copied
	}
	c.zoneChanges(target, updates)
	for _, n := range updates {
		if p := c.applyOne(target, n); p != nil {
			return p
		}
	}
	if p := c.sane(target); p != nil {
		return p
	}
	if o.Master != nil {
		i.Except(sandbox.Exception{
			Original: o.Original, Start: target.Start, End: target.End, Subject: target.Subject,
			Location: target.Location, Status: target.Status, Body: target.Body, Sensitivity: target.Sensitivity,
			Attendees: ownAttendees(target, i),
		})
	}
	return nil
}

// ownAttendees are those of an occurrence where they differ from the series'.
func ownAttendees(occurrence, series *sandbox.Item) []sandbox.Attendee {
	if slices.Equal(occurrence.Attendees, series.Attendees) {
		return nil
	}
	return append([]sandbox.Attendee{}, occurrence.Attendees...)
}

func (c *call) zoneChanges(item *sandbox.Item, updates []*node) {
	for _, n := range updates {
		if n.name == "SetItemField" && strings.HasSuffix(n.kids[0].attr("FieldURI"), "TimeZone") {
			c.zones(item, n.kids[1])
		}
	}
}

func (c *call) applyOne(item *sandbox.Item, n *node) *problem {
	if n.name == "AppendToItemField" {
		return fail("ErrorInvalidPropertyAppend")
	}
	path := n.kids[0]
	if n.name == "DeleteItemField" {
		return c.unset(item, path)
	}
	if n.name != "SetItemField" || len(n.kids[1].kids) != 1 {
		return fail("ErrorIncorrectUpdatePropertyCount")
	}
	value := n.kids[1].kids[0]
	_, field, _ := strings.Cut(path.attr("FieldURI"), ":")
	if path.name == "FieldURI" && field != value.name || path.name == "ExtendedFieldURI" && value.name != "ExtendedProperty" {
		return fail("ErrorUpdatePropertyMismatch")
	}
	return c.set(item, value)
}

func (c *call) unset(item *sandbox.Item, path *node) *problem {
	if path.name == "ExtendedFieldURI" {
		if text := ownText(item, propKey(path)); text != nil {
			*text = ""
		}
		delete(item.Props, propKey(path))
		return nil
	}
	_, name, _ := strings.Cut(path.attr("FieldURI"), ":")
	switch name {
	case "RequiredAttendees", "OptionalAttendees", "Resources":
		return c.invite(item, &node{name: name})
	case "Location":
		item.Location = ""
	case "Body":
		item.Body = ""
	case "Subject":
		item.Subject = ""
	case "Categories":
		item.Categories = nil
	case "Recurrence":
		item.Rule, item.Exceptions = nil, nil
	case "ReminderIsSet", "ReminderMinutesBeforeStart":
		item.Reminder = nil
	case "MeetingTimeZone", "StartTimeZone", "EndTimeZone":
	default:
		return fail("ErrorInvalidPropertyDelete")
	}
	return nil
}

func (c *call) deleteItem() *problem {
	how := c.operation.attr("SendMeetingCancellations")
	return c.each("DeleteItem", c.operation.child("ItemIds"), "", func(n *node) *problem {
		o, p := c.target(n)
		if p == nil && how == "" {
			p = fail("ErrorSendMeetingCancellationsRequired")
		}
		if p == nil {
			p = asProblem(c.remove(o, how != "SendToNone"))
		}
		if p != nil {
			return p
		}
		c.success("DeleteItem")
		c.out.WriteString("</m:DeleteItemResponseMessage>")
		return nil
	})
}

func (c *call) remove(o sandbox.Occurrence, send bool) error {
	switch {
	case o.Master != nil:
	case c.operation.attr("DeleteType") == "MoveToDeletedItems", c.operation.name == "CreateItem":
		return c.world.Delete(c.acting, o.Item.ID, send)
	default:
		return c.world.Destroy(c.acting, o.Item.ID, send)
	}
	_, err := c.world.Update(c.acting, o.Item.ID, func(i *sandbox.Item) error {
		i.Except(sandbox.Exception{Original: o.Original, Deleted: true})
		return nil
	}, send)
	return err
}

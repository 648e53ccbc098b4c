package ewsfake

import (
	"reflect"
	"slices"

	"kalends/sandbox"
)

func (c *call) update(n *node, how string) (sandbox.Occurrence, *problem) {
	o, p := c.target(n.kids[0])
	if p == nil && how == "" {
		p = fail("ErrorSendMeetingInvitationsOrCancellationsRequired")
	}
	if p != nil {
		return o, p
	}
	updates := n.child("Updates").kids
	changed, err := c.world.UpdateSince(c.acting, o.Item.ID, func(i *sandbox.Item, earlier func(int) *sandbox.Item) error {
		p := c.conflict(n.kids[0].attr("ChangeKey"), i, earlier, updates)
		if p == nil {
			p = c.apply(i, o, updates)
		}
		if p != nil {
			return p
		}
		return nil
	}, audience(how))
	if err != nil {
		return o, asProblem(err)
	}
	if o.Master == nil {
		return sandbox.Occurrence{Item: changed}, nil
	}
	return byOriginal(changed, o.Original)
}

func audience(how string) sandbox.Audience {
	switch how {
	case "SendToNone":
		return sandbox.Nobody
	case "SendOnlyToChanged", "SendToChangedAndSaveCopy":
		return sandbox.Changed
	}
	return sandbox.Everybody
}

// conflict is what ConflictResolution says of a change that was made without
// the newest ChangeKey: NeverOverwrite refuses it, AlwaysOverwrite takes it,
// AutoResolve takes it unless somebody else changed the same property since.
func (c *call) conflict(key string, i *sandbox.Item, earlier func(int) *sandbox.Item, updates []*node) *problem {
	resolution := c.operation.attr("ConflictResolution")
	if resolution == "AlwaysOverwrite" {
		return nil
	}
	if key == "" {
		return fail("ErrorChangeKeyRequiredForWriteOperations")
	}
	number, p := version(key, i)
	switch {
	case p != nil:
		return p
	case number == i.Version:
		return nil
	case resolution == "NeverOverwrite":
		return fail("ErrorIrresolvableConflict")
	}
	before := earlier(number)
	if before == nil || slices.ContainsFunc(updates, func(n *node) bool { return changedSince(n.kids[0], before, i) }) {
		return fail("ErrorIrresolvableConflict")
	}
	return nil
}

// changedSince tells whether a property differs between two versions of an item.
func changedSince(path *node, before, now *sandbox.Item) bool {
	if path.name == "ExtendedFieldURI" {
		return before.Props[propKey(path)] != now.Props[propKey(path)]
	}
	switch path.attr("FieldURI") {
	case "item:Body":
		return before.Body != now.Body
	case "calendar:LegacyFreeBusyStatus":
		return before.Status != now.Status
	case "calendar:RequiredAttendees", "calendar:OptionalAttendees", "calendar:Resources":
		return !slices.EqualFunc(before.Attendees, now.Attendees, func(a, b sandbox.Attendee) bool { return a.Email == b.Email && a.Kind == b.Kind })
	case "calendar:Recurrence":
		return !reflect.DeepEqual(before.Rule, now.Rule)
	}
	was, p := field(path, before)
	is, _ := field(path, now)
	return p == nil && was != is
}

package ews

import (
	"slices"
	"strings"

	kalends "kalends"
)

// differing gives the properties in which an item is not as the draft has it.
func differing(v version, item *node, draft kalends.Draft) []property {
	var list []property
	if ours := invited(draft); ours.says != valueOf(item, invitedName) {
		list = append(list, ours)
	}
	draft.Attendees = append(slices.Clone(draft.Attendees), forwarded(item, draft)...)
	moved := false
	for _, p := range properties(v, draft) {
		differs := !slices.Contains(asStart, p.field) && !same(p, said(item, p.field))
		moved = moved || differs && slices.Contains([]string{"calendar:Start", "calendar:End", "calendar:IsAllDayEvent"}, p.field)
		if differs || moved && slices.Contains(asStart, p.field) {
			list = append(list, p)
		}
	}
	return list
}

// forwarded gives those who are invited although neither this draft nor what we
// wrote before names them. Of items that do not say whom we invited there are none.
func forwarded(item *node, draft kalends.Draft) []kalends.Attendee {
	before := strings.Fields(valueOf(item, invitedName))
	if len(before) == 0 {
		return nil
	}
	named := append(strings.Fields(addresses(draft.Attendees)), before...)
	return slices.DeleteFunc(attendeesOf(item), func(a kalends.Attendee) bool { return a.Email == "" || slices.Contains(named, a.Email) })
}

// same: a body is the draft's also if others wrote something around it.
func same(p property, now string) bool {
	if p.field == "item:Body" && p.says != "" {
		return strings.Contains(now, p.says)
	}
	return p.says == now
}

// said gives the value of an item's property, to compare with that of a draft.
func said(item *node, field string) string {
	_, name, _ := strings.Cut(field, ":")
	switch name {
	case "Start", "End":
		if at, ok := parseTime(item.value(name)); ok {
			return instant(at)
		}
		return ""
	case "RequiredAttendees", "OptionalAttendees", "Resources":
		return addresses(invitedIn(item, name))
	}
	return words(item.value(name))
}

// words are what counts of a text: line ends and spaces change on the way.
func words(text string) string { return strings.Join(strings.Fields(clean(text)), " ") }

// loud are the properties of which all who were invited should hear.
var loud = []string{"item:Subject", "item:Body", "calendar:Start", "calendar:End", "calendar:IsAllDayEvent", "calendar:Location"}

// audience says who hears of changes: all, if the meeting itself is another one or
// was never sent, those who came or left, or nobody.
func audience(changes []property, item *node, draft kalends.Draft) string {
	touches := func(names ...string) bool {
		return slices.ContainsFunc(changes, func(p property) bool { return slices.Contains(names, p.field) })
	}
	switch {
	case !draft.Invite:
		return sendTo(false)
	case unsent(item, draft), touches(loud...):
		return sendTo(true)
	case touches("calendar:RequiredAttendees", "calendar:OptionalAttendees", "calendar:Resources"):
		return "SendToChangedAndSaveCopy"
	}
	return sendTo(false)
}

// unsent tells a meeting whose invitations never went out.
func unsent(item *node, draft kalends.Draft) bool {
	return draft.Invite && len(draft.Attendees) > 0 && item.value("MeetingRequestWasSent") == "false"
}

// attendeesOf gives all who are invited to an item, with their answers.
func attendeesOf(item *node) []kalends.Attendee {
	var all []kalends.Attendee
	for _, l := range lists {
		for _, a := range invitedIn(item, l.name) {
			a.Optional, a.Resource = l.name == "OptionalAttendees", l.name == "Resources"
			all = append(all, a)
		}
	}
	return all
}

func invitedIn(item *node, list string) []kalends.Attendee {
	var found []kalends.Attendee
	for _, n := range item.child(list).all() {
		box := n.child("Mailbox")
		a := kalends.Attendee{Name: box.value("Name"), Email: smtpOf(box), Status: answerOf(n.value("ResponseType"))}
		if a.Email != "" || a.Name != "" {
			found = append(found, a)
		}
	}
	return found
}

// smtpOf gives the address of a mailbox, "" where it is one of another kind.
func smtpOf(box *node) string {
	if routing := box.value("RoutingType"); routing != "" && !strings.EqualFold(routing, "SMTP") {
		return ""
	}
	return kalends.NormalizeEmail(box.value("EmailAddress"))
}

// answerOf: ResponseTypeType of the EWS reference.
func answerOf(response string) kalends.AttendeeStatus {
	switch response {
	case "Accept", "Organizer":
		return kalends.AttendeeAccepted
	case "Decline":
		return kalends.AttendeeDeclined
	case "Tentative":
		return kalends.AttendeeTentative
	case "", "Unknown", "NoResponseReceived":
		return kalends.AttendeeNeedsAction
	}
	return kalends.AttendeeUnknown
}

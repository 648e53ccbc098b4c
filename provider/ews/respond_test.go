package ews_test

import (
	"testing"
	"time"

	kalends "kalends"
	"kalends/provider"
)

func respond(t *testing.T, d provider.Driver, mailbox, id string, answer kalends.AttendeeStatus) error {
	t.Helper()
	return d.(provider.Responder).Respond(t.Context(), mailbox, "AAMk", id, answer)
}

// invited is the guest's copy as his calendar lists it.
func (m *meeting) invited(t *testing.T) kalends.Event {
	t.Helper()
	guest := m.follow(t, m.guest)
	guest.request.Window = kalends.Window{Start: m.draft.Start, End: m.draft.End}
	page, _ := guest.read(t)
	if len(page.Events) != 1 {
		t.Fatalf("the guest has %+v", page.Events)
	}
	return page.Events[0]
}

// Each answer is one letter, and the same once more none; so also for an event
// that the organiser moved, which wants another answer.
func TestAnAnswerIsOneLetter(t *testing.T) {
	t.Parallel()
	for _, server := range servers {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			m := newMeeting(t, server)
			m.put(t)
			id := m.invited(t).RemoteID
			answer := func(answer kalends.AttendeeStatus, letters int) {
				t.Helper()
				before := m.world.Mail().Waiting
				if err := respond(t, m.driver, m.guest, id, answer); err != nil {
					t.Fatal(err)
				}
				if sent := m.world.Mail().Waiting - before; sent != letters {
					t.Errorf("%s: %d letters, want %d", answer, sent, letters)
				}
				m.world.Settle()
			}
			answer(kalends.AttendeeAccepted, 1)
			answer(kalends.AttendeeAccepted, 0)
			answer(kalends.AttendeeTentative, 1)
			m.draft.Start, m.draft.End = m.draft.Start.Add(time.Hour), m.draft.End.Add(time.Hour)
			m.put(t)
			answer(kalends.AttendeeTentative, 1)
			answer(kalends.AttendeeDeclined, 1)
		})
	}
}

// A cancelled meeting stays in the guest's calendar and wants no answer: 2007 would
// send one.
func TestACancelledMeetingIsNotAnswered(t *testing.T) {
	t.Parallel()
	for _, server := range servers {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			m := newMeeting(t, server)
			m.put(t)
			id := m.invited(t).RemoteID
			if err := m.driver.Delete(t.Context(), m.host, m.request.Calendar, m.draft.ID, true); err != nil {
				t.Fatal(err)
			}
			m.world.Settle()
			err := respond(t, m.driver, m.guest, id, kalends.AttendeeAccepted)
			if kalends.KindOf(err) != kalends.KindInvalid || m.world.Mail().Waiting != 0 {
				t.Errorf("%v, %d letters", err, m.world.Mail().Waiting)
			}
		})
	}
}

// Who answers in Outlook meanwhile is not written over: the item is read once more.
func TestAnAnswerMeetsAConflict(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"ErrorIrresolvableConflict", "ErrorStaleObject", "ErrorChangeKeyRequiredForWriteOperations"} {
		for refused, sent := range map[int]int{0: 1, 1: 2, 9: 2} {
			read, written, left := 0, 0, refused
			n := newInternet(t)
			n.host(t, mailHost, invitationScript("NoResponseReceived", &read, func() (int, string) {
				written++
				if left--; left >= 0 {
					return refusal("CreateItem", code)
				}
				return success("CreateItem", "<m:Items/>")
			}).ServeHTTP)
			err := respond(t, n.open(t, "version", "Exchange2013_SP1"), "a@"+domain, "AAAA", kalends.AttendeeAccepted)
			if read != sent || written != sent || (err != nil) != (refused > 1) || err != nil && kalends.KindOf(err) != kalends.KindConflict {
				t.Errorf("%s %d times: read %d, answered %d times, %v", code, refused, read, written, err)
			}
		}
	}
}

// What Exchange refuses stays refused, though the item looked like an invitation.
func TestAnAnswerThatExchangeRefuses(t *testing.T) {
	t.Parallel()
	for code, kind := range map[string]kalends.Kind{
		"ErrorCalendarIsOrganizerForAccept": kalends.KindInvalid, "ErrorCalendarIsCancelledForAccept": kalends.KindInvalid,
		"ErrorCalendarIsDelegatedForAccept": kalends.KindInvalid, "ErrorItemNotFound": kalends.KindNotFound, "ErrorCalendarMeetingRequestIsOutOfDate": kalends.KindConflict, "ErrorServerBusy": kalends.KindThrottled,
	} {
		read, written := 0, 0
		n := newInternet(t)
		n.host(t, mailHost, invitationScript("Tentative", &read, func() (int, string) { written++; return refusal("CreateItem", code) }).ServeHTTP)
		err := respond(t, n.open(t, "version", "Exchange2013_SP1"), "a@"+domain, "AAAA", kalends.AttendeeAccepted)
		if kalends.KindOf(err) != kind || kalends.KindOf(err) == kalends.KindNotFound && kalends.CauseOf(err) != nil || written != 1 {
			t.Errorf("%s: %v after %d tries, want %s", code, err, written, kind)
		}
	}
}

// What is no invitation is not tried.
func TestAnAnswerToNothing(t *testing.T) {
	t.Parallel()
	for _, said := range []string{"", "Unknown", "Organizer"} {
		read, written := 0, 0
		n := newInternet(t)
		n.host(t, mailHost, invitationScript(said, &read, func() (int, string) { written++; return success("CreateItem", "<m:Items/>") }).ServeHTTP)
		err := respond(t, n.open(t, "version", "Exchange2013_SP1"), "a@"+domain, "AAAA", kalends.AttendeeDeclined)
		if kalends.KindOf(err) != kalends.KindInvalid || read != 1 || written != 0 {
			t.Errorf("%q: %v, %d answers sent", said, err, written)
		}
	}
}

func invitationScript(said string, read *int, answer func() (int, string)) script {
	return script{
		"GetItem": func(string) (int, string) {
			*read++
			return success("GetItem", `<m:Items><t:CalendarItem><t:ItemId Id="AAAA" ChangeKey="k"/><t:MyResponseType>`+said+`</t:MyResponseType></t:CalendarItem></m:Items>`)
		},
		"CreateItem": func(string) (int, string) { return answer() },
	}
}

// An id of before a move of the mailbox is one of nothing, and not of nobody.
func TestAnAnswerByAnIDOfBeforeAMove(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"ErrorNonExistentMailbox", "ErrorInvalidId"} {
		n := newInternet(t)
		n.host(t, mailHost, script{
			"GetItem": func(string) (int, string) { return refusal("GetItem", code) },
			"GetFolder": func(string) (int, string) {
				return success("GetFolder", `<m:Folders><t:CalendarFolder><t:FolderId Id="AAMk"/></t:CalendarFolder></m:Folders>`)
			},
		}.ServeHTTP)
		err := respond(t, n.open(t, "version", "Exchange2013_SP1"), "a@"+domain, "AAAA", kalends.AttendeeAccepted)
		if kalends.KindOf(err) != kalends.KindNotFound || kalends.CauseOf(err) != nil {
			t.Errorf("%s: %v", code, err)
		}
	}
}

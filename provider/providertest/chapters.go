package providertest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	kalends "kalends"
	"kalends/provider"
)

func (s *suite) check(t *testing.T) {
	s.test(t, "check", "ReportsEachStepStartAndEnd", func(t *testing.T) {
		d, ctx := s.open(t, s.Driver)
		var steps []kalends.Step
		result, err := d.Check(ctx, provider.CheckRequest{Sample: s.Alice}, func(step kalends.Step) { steps = append(steps, step) })
		if err != nil {
			t.Fatal(err)
		}
		checkSteps(t, steps)
		if result.Identity == "" || result.Tenant == "" || result.Account == "" || len(result.Credentials) == 0 {
			t.Errorf("the result lacks identity, tenant, account or credentials")
		}
	})
	s.test(t, "check", "WrongPassword", func(t *testing.T) {
		need(t, s.Refused != nil, "Refused driver")
		d, ctx := s.open(t, s.Refused)
		failed := map[kalends.StepKey]bool{}
		_, err := d.Check(ctx, provider.CheckRequest{Sample: s.Alice}, func(step kalends.Step) {
			failed[step.Key] = step.Status == kalends.StepFailed
		})
		wantError(t, err, kalends.KindUnauthorized, kalends.CauseCredentialsExpired)
		if !failed[kalends.StepSignIn] {
			t.Errorf("failed steps = %v, want sign_in among them", failed)
		}
	})
	s.test(t, "check", "UnknownSample", func(t *testing.T) {
		d, ctx := s.open(t, s.Driver)
		_, err := d.Check(ctx, provider.CheckRequest{Sample: s.Unknown}, func(kalends.Step) {})
		if err == nil {
			t.Error("a sample that does not exist passes the check")
		}
	})
}

// checkSteps wants every step to run and then to end once, without a failure.
func checkSteps(t *testing.T, steps []kalends.Step) {
	t.Helper()
	ended := map[kalends.StepKey]bool{}
	for i, step := range steps {
		if step.Status == kalends.StepRunning {
			continue
		}
		if step.Status == kalends.StepFailed {
			t.Errorf("step %s failed: %v %s", step.Key, step.Cause, step.Detail)
		}
		if ended[step.Key] {
			t.Errorf("step %s ended twice", step.Key)
		}
		if step.Status != kalends.StepSkipped && (i == 0 || steps[i-1].Key != step.Key) {
			t.Errorf("step %s ended without a running report before it", step.Key)
		}
		ended[step.Key] = true
	}
	if len(ended) == 0 {
		t.Error("no step was reported")
	}
}

func (s *suite) find(t *testing.T) {
	found := func(name, address, primary string, by kalends.MatchedBy) {
		s.test(t, "find", name, func(t *testing.T) {
			need(t, address != "", name)
			d, ctx := s.open(t, s.Driver)
			mailbox, err := d.Find(ctx, address)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.EqualFold(mailbox.Email, primary) || mailbox.MatchedBy != by {
				t.Errorf("found %s by %q, want %s by %q", mailbox.Email, mailbox.MatchedBy, primary, by)
			}
		})
	}
	missing := func(name, address string, kind kalends.Kind, cause kalends.CauseKey) {
		s.test(t, "find", name, func(t *testing.T) {
			need(t, address != "", name)
			d, ctx := s.open(t, s.Driver)
			_, err := d.Find(ctx, address)
			wantError(t, err, kind, cause)
		})
	}
	found("Primary", s.Alice, s.Alice, kalends.MatchedPrimary)
	found("AnotherCase", strings.ToUpper(s.Alice), s.Alice, kalends.MatchedPrimary)
	found("Alias", s.Alias, s.Alice, kalends.MatchedAlias)
	missing("Unknown", s.Unknown, kalends.KindNotFound, kalends.CauseAccountNotFound)
	missing("StartOfAnAddress", s.Alice[:len(s.Alice)-1], kalends.KindNotFound, "")
	missing("NotPermitted", s.NotPermitted, kalends.KindDenied, kalends.CauseNotPermitted)
	missing("NoMailbox", s.NoMailbox, kalends.KindNotFound, kalends.CauseNoMailbox)
	missing("Group", s.Group, kalends.KindNotFound, kalends.CauseNotAPerson)
	s.test(t, "find", "Room", func(t *testing.T) {
		need(t, s.Room.Email != "", "Room")
		d, ctx := s.open(t, s.Driver)
		if mailbox, err := d.Find(ctx, s.Room.Email); err != nil || !strings.EqualFold(mailbox.Email, s.Room.Email) || mailbox.Kind != kalends.MailboxResource {
			t.Errorf("found %+v, %v", mailbox, err)
		}
	})
}

func (s *suite) calendars(t *testing.T) {
	s.test(t, "calendars", "PrimaryFirst", func(t *testing.T) {
		d, ctx := s.open(t, s.Driver)
		listed, err := d.Calendars(ctx, s.Alice)
		if err != nil {
			t.Fatal(err)
		}
		if len(listed) == 0 || !listed[0].Primary || listed[0].ID == "" {
			t.Fatalf("calendars = %+v, want the primary one first", listed)
		}
		for _, other := range listed[1:] {
			if other.Primary || other.ID == "" || other.ID == listed[0].ID {
				t.Errorf("second calendar %+v beside %+v", other, listed[0])
			}
		}
	})
	s.test(t, "calendars", "SameIDsAgain", func(t *testing.T) {
		d, _ := s.open(t, s.Driver)
		if first, again := primary(t, d, s.Bob), primary(t, d, s.Bob); first != again {
			t.Errorf("id %q, then %q", first, again)
		}
	})
	s.test(t, "calendars", "Unknown", func(t *testing.T) {
		d, ctx := s.open(t, s.Driver)
		_, err := d.Calendars(ctx, s.Unknown)
		wantError(t, err, kalends.KindNotFound, "")
	})
}

func (s *suite) freeBusy(t *testing.T) {
	week := s.days(35, 42)
	s.test(t, "freebusy", "BusyAndTentative", func(t *testing.T) {
		d, ctx := s.open(t, s.Driver)
		s.book(t, s.Bob, Event{Summary: "a", Start: s.at(35, 9, 0), End: s.at(35, 10, 0)})
		s.book(t, s.Bob, Event{Summary: "b", Start: s.at(35, 11, 0), End: s.at(35, 12, 0), Tentative: true})
		s.book(t, s.Bob, Event{Summary: "c", Start: s.at(35, 13, 0), End: s.at(35, 14, 0), Free: true})
		answers, err := d.FreeBusy(ctx, []string{s.Bob}, week)
		if err != nil || len(answers) != 1 || answers[0].Err != nil {
			t.Fatalf("answers = %+v, %v", answers, err)
		}
		wantIntervals(t, answers[0].Intervals, []kalends.Interval{
			{Start: s.at(35, 9, 0), End: s.at(35, 10, 0), Status: kalends.StatusBusy},
			{Start: s.at(35, 11, 0), End: s.at(35, 12, 0), Status: kalends.StatusTentative},
		})
	})
	s.test(t, "freebusy", "OneErrorStopsNobody", func(t *testing.T) {
		d, ctx := s.open(t, s.Driver)
		answers, err := d.FreeBusy(ctx, []string{s.Unknown, s.Alice}, week)
		if err != nil || len(answers) != 2 {
			t.Fatalf("answers = %+v, %v", answers, err)
		}
		if answers[0].Err == nil || answers[1].Err != nil {
			t.Errorf("errors = %v and %v, want the first only", answers[0].Err, answers[1].Err)
		}
	})
	s.test(t, "freebusy", "InTheOrderAsked", func(t *testing.T) {
		d, ctx := s.open(t, s.Driver)
		asked := []string{s.Bob, s.Alice, s.Bob}
		answers, err := d.FreeBusy(ctx, asked, week)
		if err != nil || len(answers) != len(asked) {
			t.Fatalf("answers = %+v, %v", answers, err)
		}
		for i := range asked {
			if !strings.EqualFold(answers[i].Email, asked[i]) {
				t.Errorf("answer %d is of %s, want %s", i, answers[i].Email, asked[i])
			}
		}
	})
}

func wantIntervals(t *testing.T, got, want []kalends.Interval) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d intervals %+v, want %d", len(got), got, len(want))
	}
	for i := range want {
		if !got[i].Start.Equal(want[i].Start) || !got[i].End.Equal(want[i].End) || got[i].Status != want[i].Status {
			t.Errorf("interval %d = %v–%v %s, want %v–%v %s", i, got[i].Start, got[i].End, got[i].Status, want[i].Start, want[i].End, want[i].Status)
		}
	}
}

func (s *suite) rooms(t *testing.T) {
	s.test(t, "rooms", "Listed", func(t *testing.T) {
		need(t, s.Room.Email != "", "Room")
		d, ctx := s.open(t, s.Driver)
		lister, ok := d.(provider.Rooms)
		need(t, ok, "Rooms")
		rooms, err := lister.Rooms(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, room := range rooms {
			if strings.EqualFold(room.Email, s.Room.Email) {
				if room.Name != s.Room.Name || room.Capacity != s.Room.Capacity || room.Building != s.Room.Building || room.Floor != s.Room.Floor {
					t.Errorf("room = %+v, want %+v", room, s.Room)
				}
				return
			}
		}
		t.Errorf("%s is not among %d rooms", s.Room.Email, len(rooms))
	})
}

func (s *suite) errors(t *testing.T) {
	s.test(t, "errors", "WrongPassword", func(t *testing.T) {
		need(t, s.Refused != nil, "Refused driver")
		d, ctx := s.open(t, s.Refused)
		_, err := d.Find(ctx, s.Alice)
		wantError(t, err, kalends.KindUnauthorized, kalends.CauseCredentialsExpired)
	})
	s.test(t, "errors", "CancelledCallEnds", func(t *testing.T) {
		d, ctx := s.open(t, s.Driver)
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		if _, err := d.Find(ctx, s.Alice); kalends.KindOf(err) != kalends.KindUnavailable {
			t.Errorf("kind = %q, want unavailable (%v)", kalends.KindOf(err), err)
		}
	})
	s.test(t, "errors", "DeadlineEndsTheCall", func(t *testing.T) {
		d, ctx := s.open(t, s.Driver)
		ctx, cancel := context.WithDeadline(ctx, time.Now().Add(-time.Second))
		defer cancel()
		if _, err := d.Find(ctx, s.Alice); kalends.KindOf(err) != kalends.KindUnavailable {
			t.Errorf("kind = %q, want unavailable (%v)", kalends.KindOf(err), err)
		}
	})
	s.test(t, "errors", "SaysNoSecret", func(t *testing.T) {
		need(t, s.Refused != nil && s.RefusedPassword != "", "Refused driver with its password")
		d, ctx := s.open(t, s.Refused)
		var steps []kalends.Step
		_, err := d.Check(ctx, provider.CheckRequest{Sample: s.Alice}, func(step kalends.Step) { steps = append(steps, step) })
		_, again := d.Find(ctx, s.Alice)
		if err == nil || again == nil || len(steps) == 0 {
			t.Fatalf("the wrong password is taken: %v, %v, %d steps", err, again, len(steps))
		}
		if said := everything(t, steps, err, again); strings.Contains(said, s.RefusedPassword) {
			t.Errorf("an error or a step says the password: %s", said)
		}
	})
}

// everything spells out all that steps and errors hold, behind pointers too, as
// it is and with base64 undone, as in a header of Basic.
func everything(t *testing.T, steps []kalends.Step, errs ...error) string {
	t.Helper()
	list := []any{steps}
	var said strings.Builder
	for _, err := range errs {
		list = append(list, kalends.CauseOf(err))
		fmt.Fprintf(&said, "%v %+v %s\n", err, err, kalends.DetailOf(err))
	}
	text, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	said.Write(text)
	for _, word := range base64Word.FindAllString(said.String(), -1) {
		if decoded, err := base64.StdEncoding.DecodeString(word); err == nil {
			said.WriteString("\n" + string(decoded))
		}
	}
	return said.String()
}

var base64Word = regexp.MustCompile(`[A-Za-z0-9+/]{12,}={0,2}`)

// book books for the length of a test.
func (s *suite) book(t *testing.T, email string, event Event) string {
	t.Helper()
	id := s.World.Book(t, email, event)
	t.Cleanup(func() { s.World.Unbook(t, email, id) })
	return id
}

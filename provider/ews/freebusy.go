package ews

import (
	"context"
	"slices"
	"strconv"
	"time"

	kalends "kalends"
	"kalends/provider"
)

// Limits of GetUserAvailability, section 4.7.
const (
	maxAvailabilityMailboxes = 100
	maxAvailabilityWindow    = 35 * 24 * time.Hour
	mergedMinutes            = 15
)

var mergedMinutesText = strconv.Itoa(mergedMinutes)

// FreeBusy implements provider.Driver.
func (d *driver) FreeBusy(ctx context.Context, mailboxes []string, window kalends.Window) ([]provider.FreeBusy, error) {
	answers := make([]provider.FreeBusy, 0, len(mailboxes))
	for chunk := range slices.Chunk(mailboxes, maxAvailabilityMailboxes) {
		part, err := d.freeBusyOf(ctx, chunk, window)
		if err != nil {
			return nil, err
		}
		answers = append(answers, part...)
	}
	return answers, nil
}

func (d *driver) freeBusyOf(ctx context.Context, mailboxes []string, window kalends.Window) ([]provider.FreeBusy, error) {
	answers := make([]provider.FreeBusy, len(mailboxes))
	for i, mailbox := range mailboxes {
		answers[i].Email = mailbox
	}
	for start := window.Start; start.Before(window.End); start = start.Add(maxAvailabilityWindow) {
		part := kalends.Window{Start: start, End: earlier(window.End, start.Add(maxAvailabilityWindow))}
		if err := d.addFreeBusy(ctx, answers, mailboxes, part); err != nil {
			return nil, err
		}
	}
	for i := range answers {
		answers[i].Intervals = sortIntervals(answers[i].Intervals)
	}
	return answers, nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func (d *driver) addFreeBusy(ctx context.Context, answers []provider.FreeBusy, mailboxes []string, w kalends.Window) error {
	a, err := d.call(ctx, "GetUserAvailability", d.credentials[fieldTestEmail], userAvailability(mailboxes, w.Start, w.End))
	if err != nil {
		return err
	}
	parts := a.root.child("FreeBusyResponseArray").all()
	if len(parts) != len(mailboxes) {
		return d.incomplete("GetUserAvailability")
	}
	for i, part := range parts {
		if e := messageError(part.child("ResponseMessage")); e != nil {
			answers[i].Err, answers[i].Intervals = d.failed("GetUserAvailability", mailboxes[i], e), nil
			continue
		}
		intervals, ok := readFreeBusy(part.child("FreeBusyView"), w)
		if !ok {
			answers[i].Err = d.person("GetUserAvailability", mailboxes[i], kalends.KindDenied, kalends.CauseNotPermitted)
			continue
		}
		answers[i].Intervals = append(answers[i].Intervals, intervals...)
	}
	return nil
}

// readFreeBusy reads a view: its events where given, else the merged digits. The
// answer may be poorer than asked; false if there is nothing at all.
func readFreeBusy(view *node, w kalends.Window) ([]kalends.Interval, bool) {
	kind := view.value("FreeBusyViewType")
	if events := view.child("CalendarEventArray"); events != nil || kind == "FreeBusy" || kind == "Detailed" || kind == "FreeBusyMerged" || kind == "DetailedMerged" {
		return eventIntervals(events, w), true
	}
	digits := view.value("MergedFreeBusy")
	return mergedIntervals(digits, w), digits != ""
}

func eventIntervals(events *node, w kalends.Window) []kalends.Interval {
	var list []kalends.Interval
	for _, event := range events.all() {
		start, okStart := parseTime(event.value("StartTime"))
		end, okEnd := parseTime(event.value("EndTime"))
		status := busyStatus(event.value("BusyType"))
		if okStart && okEnd && start.Before(end) && w.Overlaps(start, end) && status != kalends.StatusFree {
			list = append(list, interval(start, end, status))
		}
	}
	return list
}

// mergedIntervals: one digit for each quarter of an hour. 0 is free, 1 tentative;
// 4 and 5 mean no data or working elsewhere, depending on the version: unknown.
func mergedIntervals(digits string, w kalends.Window) []kalends.Interval {
	var list []kalends.Interval
	for from := 0; from < len(digits); {
		to := from + 1
		for to < len(digits) && digits[to] == digits[from] {
			to++
		}
		if status := mergedStatus(digits[from]); status != kalends.StatusFree {
			list = append(list, interval(w.Start.Add(time.Duration(from)*mergedMinutes*time.Minute),
				earlier(w.End, w.Start.Add(time.Duration(to)*mergedMinutes*time.Minute)), status))
		}
		from = to
	}
	return list
}

func mergedStatus(digit byte) kalends.FreeBusyStatus {
	switch digit {
	case '0':
		return kalends.StatusFree
	case '1':
		return kalends.StatusTentative
	case '4', '5':
		return kalends.StatusUnknown
	}
	return kalends.StatusBusy
}

func interval(start, end time.Time, status kalends.FreeBusyStatus) kalends.Interval {
	key := strconv.FormatInt(start.Unix(), 36) + "-" + strconv.FormatInt(end.Unix(), 36)
	return kalends.Interval{Start: start, End: end, Status: status, Key: key}
}

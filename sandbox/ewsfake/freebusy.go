package ewsfake

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"kalends/sandbox"
	"kalends/zone"
)

// maxMailboxes is how many one request may ask for.
const maxMailboxes = 100

// maxDays is MaximumQueryIntervalDays: 42 as documented, 62 as measured on
// newer servers.
func (c *call) maxDays() int {
	if c.build.level < level2013 {
		return 42
	}
	return 62
}

func (c *call) availability() *problem {
	boxes := c.operation.child("MailboxDataArray").children()
	if len(boxes) > maxMailboxes {
		return fail("ErrorIdentityArrayTooBig")
	}
	options := c.operation.child("FreeBusyViewOptions")
	if options == nil {
		return fail("ErrorInvalidFreeBusyViewType")
	}
	rules := readZone(c.operation.child("TimeZone"))
	start, startNaive, _ := parseTime(options.value("TimeWindow", "StartTime"), time.UTC)
	end, endNaive, _ := parseTime(options.value("TimeWindow", "EndTime"), time.UTC)
	if startNaive {
		start = rules.toUTC(start)
	}
	if endNaive {
		end = rules.toUTC(end)
	}
	c.out.WriteString("<m:GetUserAvailabilityResponse><m:FreeBusyResponseArray>")
	for _, box := range boxes {
		c.freeBusy(box, options, span{start, end, rules})
	}
	c.out.WriteString("</m:FreeBusyResponseArray></m:GetUserAvailabilityResponse>")
	return nil
}

// span is the time asked for, and the zone in which times are answered.
type span struct {
	start, end time.Time
	zone       serializable
}

func (c *call) freeBusy(box, options *node, s span) {
	r, _ := c.world.Recipient(box.value("Email", "Address"))
	p := (*problem)(nil)
	switch {
	case s.end.Sub(s.start) > time.Duration(c.maxDays())*24*time.Hour:
		p = fail("ErrorTimeIntervalTooBig")
	case !s.end.After(s.start):
		p = fail("ErrorInvalidTimeInterval")
	case r == nil || !r.HasMailbox():
		p = fail("ErrorMailRecipientNotFound")
	case r.Moving:
		p = fail("ErrorMailboxMoveInProgress")
	case c.planted != "":
		p = c.busyOr(c.planted)
	}
	if p != nil {
		c.out.WriteString(`<m:FreeBusyResponse><m:ResponseMessage ResponseClass="Error">` + p.body() + `</m:ResponseMessage><m:FreeBusyView><t:FreeBusyViewType>None</t:FreeBusyViewType></m:FreeBusyView></m:FreeBusyResponse>`)
		return
	}
	view := either(options.value("RequestedView"), "Detailed")
	c.out.WriteString(`<m:FreeBusyResponse><m:ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode></m:ResponseMessage><m:FreeBusyView>`)
	c.el("FreeBusyViewType", view)
	found := c.world.View(r, s.start, s.end)
	if strings.Contains(view, "Merged") {
		c.merged(found, options, s)
	}
	if view != "MergedOnly" && view != "None" {
		c.events(found, r, strings.HasPrefix(view, "Detailed"), s)
	}
	c.workingHours()
	c.out.WriteString("</m:FreeBusyView></m:FreeBusyResponse>")
}

// digits of MergedFreeBusy; a schema without WorkingElsewhere shows it as busy,
// since 4 means no data there.
var digits = map[string]byte{"Free": '0', "Tentative": '1', "Busy": '2', "OOF": '3', "WorkingElsewhere": '4'}

func (c *call) merged(found []sandbox.Occurrence, options *node, s span) {
	step := 30 * time.Minute
	if n, err := strconv.Atoi(options.value("MergedFreeBusyIntervalInMinutes")); err == nil && n >= 5 {
		step = time.Duration(n) * time.Minute
	}
	slots := bytes.Repeat([]byte{'0'}, int((s.end.Sub(s.start)+step-1)/step))
	for _, o := range found {
		digit := digits[c.busy2013(o.Item)]
		for n := range slots {
			at := s.start.Add(time.Duration(n) * step)
			if o.Item.Start.Before(at.Add(step)) && o.Item.End.After(at) && digit > slots[n] {
				slots[n] = digit
			}
		}
	}
	c.el("MergedFreeBusy", string(slots))
}

func (c *call) busy2013(i *sandbox.Item) string {
	if i.Cancelled {
		return "Free"
	}
	return c.statusName(i.Status)
}

func (c *call) events(found []sandbox.Occurrence, r *sandbox.Recipient, detailed bool, s span) {
	c.out.WriteString("<t:CalendarEventArray>")
	for _, o := range found {
		i := o.Item
		c.out.WriteString("<t:CalendarEvent>")
		c.el("StartTime", s.zone.local(i.Start))
		c.el("EndTime", s.zone.local(i.End))
		c.el("BusyType", c.busy2013(i))
		if detailed && r == c.acting {
			c.details(o)
		}
		c.out.WriteString("</t:CalendarEvent>")
	}
	c.out.WriteString("</t:CalendarEventArray>")
}

func (c *call) details(o sandbox.Occurrence) {
	i := o.Item
	c.out.WriteString("<t:CalendarEventDetails>")
	c.el("ID", fmt.Sprintf("%X", i.ID))
	c.el("Subject", i.Subject)
	c.el("Location", i.Location)
	c.flag("IsMeeting", i.IsMeeting())
	c.flag("IsRecurring", o.Master != nil)
	c.flag("IsException", o.IsModified)
	c.flag("IsReminderSet", i.Reminder != nil)
	c.flag("IsPrivate", i.Sensitivity == "Private")
	c.out.WriteString("</t:CalendarEventDetails>")
}

func (c *call) workingHours() {
	c.out.WriteString(`<t:WorkingHours><t:TimeZone><t:Bias>-60</t:Bias><t:StandardTime><t:Bias>0</t:Bias><t:Time>03:00:00</t:Time><t:DayOrder>5</t:DayOrder><t:Month>10</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:StandardTime>` +
		`<t:DaylightTime><t:Bias>-60</t:Bias><t:Time>02:00:00</t:Time><t:DayOrder>5</t:DayOrder><t:Month>3</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:DaylightTime></t:TimeZone>` +
		`<t:WorkingPeriodArray><t:WorkingPeriod><t:DayOfWeek>Monday Tuesday Wednesday Thursday Friday</t:DayOfWeek><t:StartTimeInMinutes>480</t:StartTimeInMinutes><t:EndTimeInMinutes>1020</t:EndTimeInMinutes></t:WorkingPeriod></t:WorkingPeriodArray></t:WorkingHours>`)
}

// serializable is a SerializableTimeZone: biases in minutes, local = UTC - bias.
type serializable struct {
	bias               int
	standard, daylight transition
}

type transition struct {
	bias, month, order int
	weekday            time.Weekday
	clock              time.Duration
}

func readZone(n *node) serializable {
	bias, _ := strconv.Atoi(n.value("Bias"))
	return serializable{bias, readTransition(n.child("StandardTime")), readTransition(n.child("DaylightTime"))}
}

func readTransition(n *node) transition {
	number := func(name string) int {
		v, _ := strconv.Atoi(n.value(name))
		return v
	}
	t := transition{bias: number("Bias"), month: number("Month"), order: number("DayOrder")}
	if days := weekdays[n.value("DayOfWeek")]; len(days) > 0 {
		t.weekday = days[0]
	}
	if clock, err := time.Parse("15:04:05", n.value("Time")); err == nil {
		t.clock = clock.Sub(time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC))
	}
	return t
}

// in is the transition's wall clock in a year.
func (t transition) in(year int) time.Time {
	first := time.Date(year, time.Month(t.month), 1, 0, 0, 0, 0, time.UTC)
	day := first.AddDate(0, 0, (int(t.weekday)-int(first.Weekday())+7)%7+7*(t.order-1))
	for int(day.Month()) != t.month {
		day = day.AddDate(0, 0, -7)
	}
	return day.Add(t.clock)
}

// minutesAt is the bias in force at a wall clock.
func (z serializable) minutesAt(wall time.Time) int {
	if z.standard.month == 0 || z.daylight.month == 0 || z.standard.bias == z.daylight.bias {
		return z.bias + z.standard.bias
	}
	on, off := z.daylight.in(wall.Year()), z.standard.in(wall.Year())
	summer := !wall.Before(on) && wall.Before(off)
	if off.Before(on) {
		summer = !wall.Before(on) || wall.Before(off)
	}
	if summer {
		return z.bias + z.daylight.bias
	}
	return z.bias + z.standard.bias
}

func (z serializable) toUTC(wall time.Time) time.Time {
	return wall.Add(time.Duration(z.minutesAt(wall)) * time.Minute)
}

// local writes an instant as the zone-less time that Exchange answers with.
func (z serializable) local(t time.Time) string {
	t = t.UTC()
	wall := t.Add(-time.Duration(z.bias+z.standard.bias) * time.Minute)
	if minutes := z.minutesAt(wall); z.toUTC(t.Add(-time.Duration(minutes) * time.Minute)).Equal(t) {
		wall = t.Add(-time.Duration(minutes) * time.Minute)
	}
	return wall.Format("2006-01-02T15:04:05")
}

// timeZones answers GetServerTimeZones for the names asked, or for all.
func (c *call) timeZones() *problem {
	c.begin("GetServerTimeZones")
	c.success("GetServerTimeZones")
	c.out.WriteString("<m:TimeZoneDefinitions>")
	names := zone.WindowsNames()
	if ids := c.operation.child("Ids"); ids != nil {
		names = nil
		for _, n := range ids.kids {
			names = append(names, strings.TrimSpace(n.text))
		}
	}
	full := c.operation.attr("ReturnFullTimeZoneData") != "false"
	for _, name := range names {
		if location, err := zone.Load(name); err == nil {
			c.definition(name, location, full)
		}
	}
	c.out.WriteString("</m:TimeZoneDefinitions></m:GetServerTimeZonesResponseMessage>")
	return c.end("GetServerTimeZones")
}

// definition describes a zone by this year's two offsets.
func (c *call) definition(name string, location *time.Location, full bool) {
	escaped := escape(name)
	if !full {
		fmt.Fprintf(&c.out, `<t:TimeZoneDefinition Id="%s" Name="%s"/>`, escaped, escaped)
		return
	}
	year := c.world.Now().Year()
	_, winter := time.Date(year, 1, 15, 0, 0, 0, 0, location).Zone()
	_, summer := time.Date(year, 7, 15, 0, 0, 0, 0, location).Zone()
	standard, daylight := min(winter, summer), max(winter, summer)
	fmt.Fprintf(&c.out, `<t:TimeZoneDefinition Id="%s" Name="%s"><t:Periods><t:Period Bias="%s" Name="Standard" Id="std"/>`, escaped, escaped, biasText(standard))
	if standard == daylight {
		c.out.WriteString(`</t:Periods><t:TransitionsGroups><t:TransitionsGroup Id="0"><t:Transition><t:To Kind="Period">std</t:To></t:Transition></t:TransitionsGroup></t:TransitionsGroups>`)
	} else {
		fmt.Fprintf(&c.out, `<t:Period Bias="%s" Name="Daylight" Id="dlt"/></t:Periods><t:TransitionsGroups><t:TransitionsGroup Id="0">`, biasText(daylight))
		c.recurring("dlt", location, year, daylight)
		c.recurring("std", location, year, standard)
		c.out.WriteString(`</t:TransitionsGroup></t:TransitionsGroups>`)
	}
	c.out.WriteString(`<t:Transitions><t:Transition><t:To Kind="Group">0</t:To></t:Transition></t:Transitions></t:TimeZoneDefinition>`)
}

func biasText(offset int) string {
	sign := "-"
	if offset < 0 {
		sign, offset = "", -offset
	}
	return fmt.Sprintf("%sPT%dM", sign, offset/60)
}

// recurring writes the yearly change to an offset.
func (c *call) recurring(to string, location *time.Location, year, offset int) {
	if wall, week, _, there := yearlyChange(location, year, offset); there {
		fmt.Fprintf(&c.out, `<t:RecurringDayTransition><t:To Kind="Period">%s</t:To><t:TimeOffset>PT%dH</t:TimeOffset><t:Month>%d</t:Month><t:DayOfWeek>%s</t:DayOfWeek><t:Occurrence>%d</t:Occurrence></t:RecurringDayTransition>`,
			to, wall.Hour(), int(wall.Month()), wall.Weekday(), week)
	}
}

// yearlyChange is the change to an offset, found by walking the year: the clock
// before it, which such weekday of the month it is (-1: the last), and the
// offset before.
func yearlyChange(location *time.Location, year, offset int) (wall time.Time, week, was int, there bool) {
	for hour := range 365 * 24 {
		at := time.Date(year, 1, 1, hour, 0, 0, 0, time.UTC).In(location)
		before := at.Add(-time.Hour)
		_, was = before.Zone()
		if _, is := at.Zone(); is != offset || was == offset {
			continue
		}
		wall = at.UTC().Add(time.Duration(was) * time.Second) // the clock before the change
		week = (wall.Day()-1)/7 + 1
		if wall.AddDate(0, 0, 7).Month() != wall.Month() {
			week = -1
		}
		return wall, week, was, true
	}
	return time.Time{}, 0, 0, false
}

package sandbox

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"

	"kalends/zone"
)

// generator makes a mailbox's calendar from the seed: the same each time, so an
// untouched calendar needs no memory.
type generator struct {
	seed   int64
	events int
	origin time.Time // the Monday of the week of the start, local midnight
	now    time.Time
	place  *time.Location
	zone   string
}

const weeksBefore, weeksAfter = 6, 12

var subjects = []string{
	"Kundentermin Nordlicht", "Lieferantengespräch", "Code Review", "Budgetplanung", "Projekt Aurora", "Bewerbungsgespräch",
	"Quartalszahlen", "Werkführung", "Architekturrunde", "Workshop Vertrieb", "Telefonat mit Kanzlei", "Produktdemo", "Schulung Arbeitsschutz",
}

// draft is a generator's hand: it numbers the items of one mailbox.
type draft struct {
	g      generator
	r      *Recipient
	random *rand.Rand
	items  []*Item
}

func (g generator) items(r *Recipient, company *Company) []*Item {
	d := &draft{g: g, r: r, random: rand.New(rand.NewPCG(uint64(g.seed), r.key()))}
	switch r.Kind {
	case Person:
		d.teamMeeting(company)
		d.series()
		d.days()
		d.singles(70)
	case Room:
		d.singles(60)
	case Service, Group, RoomList, NoMailbox, Elsewhere:
	}
	if r.Kind == Person && g.events > 0 {
		d.fill()
	}
	return d.items
}

func hash(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text))
	return h.Sum64()
}

// at is a wall clock of the window: day 0 is its first Monday.
func (d *draft) at(day, minute int) time.Time {
	w := zone.ReadWall(d.g.origin, d.g.place)
	w.Day += day - 7*weeksBefore
	w.Hour, w.Minute = minute/60, minute%60
	return w.Instant(d.g.place)
}

func (d *draft) add(subject string, start time.Time, minutes int) *Item {
	n := len(d.items) + 1
	created := d.g.origin.AddDate(0, 0, -60)
	item := &Item{
		ID: fmt.Sprintf("g%d", n), UID: fmt.Sprintf("sandbox-%x-%d", d.r.key(), n), Subject: subject,
		Start: start, End: start.Add(time.Duration(minutes) * time.Minute), Zone: d.g.zone, Status: "Busy", Sensitivity: "Normal",
		Organizer: Attendee{Name: d.r.Name, Email: d.r.Email}, MyResponse: "Organizer", Created: created, Modified: created, Version: 1,
	}
	d.items = append(d.items, item)
	return item
}

// teamMeeting is the department's weekly one: the same in everybody's calendar.
func (d *draft) teamMeeting(company *Company) {
	var members []Attendee
	for i := range company.Recipients {
		if r := &company.Recipients[i]; r.Kind == Person && r.Department == d.r.Department && r.Department != "" && len(members) < 12 {
			members = append(members, Attendee{Name: r.Name, Email: r.Email, Kind: "required", Response: "Accept"})
		}
	}
	if len(members) < 2 {
		return
	}
	day := int(hash(d.r.Department) % 4)
	item := d.add("Teamrunde "+d.r.Department, d.at(day, 10*60), 45)
	item.UID = fmt.Sprintf("sandbox-team-%x", hash(d.r.Department))
	item.Organizer, item.Attendees, item.Sent = members[0], members[1:], true
	item.Rule = &Rule{Freq: "weekly", Interval: 1, Days: []time.Weekday{time.Monday + time.Weekday(day)}, Until: d.at(7*(weeksBefore+weeksAfter), 0)}
	mine := members[0].Email == d.r.Email
	for n := range item.Attendees { // answers stand in the organizer's copy only
		if a := &item.Attendees[n]; mine {
			a.At = item.Created
		} else {
			a.Response = "Unknown"
		}
	}
	if !mine {
		item.MyResponse, item.Answered = "Accept", item.Created
	}
}

func (d *draft) series() {
	end := d.at(7*(weeksBefore+weeksAfter), 0)
	daily := d.add("Stand-up", d.at(0, 9*60), 15)
	daily.Rule = &Rule{Freq: "weekly", Interval: 1, Until: end, Days: []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}}
	moved := d.at(16, 9*60)
	daily.Exceptions = []Exception{
		{Original: d.at(8, 9*60), Deleted: true},
		{Original: moved, Start: moved.Add(90 * time.Minute), End: moved.Add(105 * time.Minute), Subject: "Stand-up (verschoben)"},
	}
	monthly := d.add("Monatsabschluss", d.at(d.random.IntN(5), 15*60), 60)
	monthly.Rule = &Rule{Freq: "monthly", Interval: 1, MonthDay: zone.ReadWall(monthly.Start, d.g.place).Day, Until: end}
	night := d.add("Nachtwartung", d.at(6, 1*60+30), 120) // crosses the change of the clocks on Sundays
	night.Rule = &Rule{Freq: "daily", Interval: 28, Until: end}
	night.Status = "WorkingElsewhere"
}

func (d *draft) days() {
	for range 3 {
		day := d.random.IntN(7*(weeksBefore+weeksAfter)-7) / 7 * 7
		item := d.add("Urlaub", d.at(day, 0), 0)
		item.AllDay, item.Status, item.End = true, "OOF", d.at(day+2+d.random.IntN(4), 0)
	}
	birthday := d.add("Geburtstag im Team", d.at(d.random.IntN(100), 0), 0)
	birthday.AllDay, birthday.Status = true, "Free"
	birthday.End = zone.ReadWall(birthday.Start, d.g.place).AddDays(1).Instant(d.g.place)
}

func (d *draft) singles(count int) {
	for n := range count {
		day := n*7*(weeksBefore+weeksAfter)/count + d.random.IntN(2)
		if day%7 > 4 {
			day -= 2
		}
		item := d.add(pick(d.random, subjects), d.at(day, 8*60+15*d.random.IntN(36)), 15*(1+d.random.IntN(6)))
		switch n % 11 {
		case 3:
			item.Status = "Tentative"
		case 5:
			item.Sensitivity, item.Subject = "Private", "Arzttermin"
		case 7:
			item.Status = "Free"
		case 9:
			item.Location = "Raum Isar"
		}
	}
}

// fill adds singles until the window holds the wanted number of occurrences.
func (d *draft) fill() {
	have := 0
	for _, item := range d.items {
		item.Window(d.at(0, 0), d.at(7*(weeksBefore+weeksAfter), 0), func(Occurrence) { have++ })
	}
	if missing := d.g.events - have; missing > 0 {
		d.singles(missing)
	}
}

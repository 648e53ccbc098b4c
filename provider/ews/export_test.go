package ews

import (
	"time"

	kalends "kalends"
	"kalends/provider"
)

// Versions and Requests let tests see every request in every version.
func Versions() []string {
	list := make([]string, len(versions))
	for i, v := range versions {
		list[i] = string(v)
	}
	return list
}

// Requests gives every envelope that can be sent in a version, by name.
func Requests(name string, draft kalends.Draft) map[string]string {
	v, start := version(name), time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)
	bodies := map[string]string{
		"GetFolder": getCalendarFolder(), "ResolveNames": resolveNames("a&b@musterwerk.example"),
		"CalendarView": calendarView(v, "AAMk=", start, start.AddDate(0, 0, 7), false),
		"Details":      calendarView(v, "AAMk=", start, start.AddDate(0, 0, 7), true),
		"SyncFirst":    syncFolderItems("AAMk=", ""), "SyncFurther": syncFolderItems("AAMk=", "H4sIAAAA+/=&"),
		"GetWritten": getItems(writtenShape(), itemID{"AAMk=", "DwAA"}), "GetWhole": getItems(wholeShape(v), itemID{"AAMk=", "DwAA"}, itemID{"AAMl=", ""}),
		"FindStamped": findStamped("AAMk=", draft.ID), "Availability": userAvailability([]string{"a@musterwerk.example"}, start, start.AddDate(0, 0, 7)),
		"CreateItem": createItem(v, "AAMk=", draft), "UpdateItem": updateItem(v, &node{children: []*node{{name: "ItemId", attrs: []attr{{"Id", "AAMk="}, {"ChangeKey", "DwAA"}}}}}, draft),
		"DeleteItem": deleteItem(itemID{"AAMk=", ""}, true), "ExpandDL": expandDL("r&d@musterwerk.example"),
	}
	bodies["GetAnswered"] = getItems(answerShape(), itemID{"AAMk=", ""})
	for _, r := range responses {
		bodies[r.element] = respond(r, itemID{"AAMk=", "DwAA"})
	}
	bodies["UpdateOther"] = updateItem(v, otherItem(), draft)
	if !v.before(exchange2010) {
		bodies["GetRoomLists"], bodies["GetRooms"] = getRoomLists(), getRooms("raeume@musterwerk.example")
	}
	for key, body := range bodies {
		bodies[key] = envelope(v, "a@musterwerk.example", body)
	}
	return bodies
}

// otherItem differs from a draft in everything.
func otherItem() *node {
	item, err := parse(`<CalendarItem><ItemId Id="AAMk=" ChangeKey="DwAA"/><Subject>other</Subject><Sensitivity>Personal</Sensitivity><Body>other</Body>` +
		`<ReminderIsSet>maybe</ReminderIsSet><Location>other</Location>` + everywhere("RequiredAttendees") + everywhere("OptionalAttendees") + everywhere("Resources") + `</CalendarItem>`)
	if err != nil {
		panic(err)
	}
	return item
}

func everywhere(list string) string {
	return "<" + list + "><Attendee><Mailbox><EmailAddress>" + list + "@other.example</EmailAddress></Mailbox></Attendee></" + list + ">"
}

// CodesOf parses an answer and gives the codes of its messages, faults included.
func CodesOf(text string) ([]string, error) {
	root, err := parse(text)
	if err != nil {
		return nil, err
	}
	a := readEnvelope(root)
	if a.root == nil {
		return nil, errNotXML
	}
	if e := faultOf(a.root); e != nil {
		return []string{e.code}, nil
	}
	var codes []string
	for _, m := range a.root.child("ResponseMessages").all() {
		codes = append(codes, m.value("ResponseCode"))
	}
	return codes, nil
}

// Convert parses an answer and converts its items.
func Convert(text string, w kalends.Window) ([]kalends.Event, error) {
	root, err := parse(text)
	if err != nil {
		return nil, err
	}
	return convertItems(root.find("Items").all(), w, false), nil
}

// Hurry shortens the time-outs of a driver.
func Hurry(d provider.Driver, timeout time.Duration) {
	own := d.(*driver)
	own.client.Timeout, own.finder.Timeout = timeout, timeout
}

// Discovered is what an answer of Autodiscover says.
type Discovered struct {
	URLs                         []string
	RedirectURL, RedirectAddress string
	Code                         string
}

// ReadAutodiscover decodes an answer to a method: "pox", "soap" or "json".
func ReadAutodiscover(method, text string) (Discovered, error) {
	a, err := readAnswer(method, text)
	return Discovered{a.urls, a.redirectURL, a.redirectAddress, a.code}, err
}

// AutodiscoverRequests gives the requests in XML and SOAP.
func AutodiscoverRequests(target, email string) (pox, soap string) {
	return requestPOX(email), requestSOAP(target, email)
}

// Whole reads an item as GetItem gives it: what it adds to an event, and the
// update that would make it a draft.
func Whole(text string, draft kalends.Draft) (kalends.Event, string, bool) {
	root, err := parse(text)
	item := root.find("CalendarItem")
	if err != nil || item == nil {
		return kalends.Event{}, "", false
	}
	var event kalends.Event
	addWhole(&event, item)
	return event, updateItem(exchange2010, item, draft), true
}

// Availability reads the views of an answer.
func Availability(text string, w kalends.Window) []kalends.Interval {
	root, err := parse(text)
	if err != nil {
		return nil
	}
	list, _ := readFreeBusy(root.find("FreeBusyView"), w)
	return list
}

// CursorWith and CursorState make a cursor with a state, and read it.
func CursorWith(state string) string { return cursor{state: state}.String() }

// CursorState tells also whether the text is a cursor.
func CursorState(text string) (string, bool) {
	c, ok := readCursor(text)
	return c.state, ok
}

// Escape is how we write text.
func Escape(text string) string { return escape(text) }

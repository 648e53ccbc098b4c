package ewsfake

import (
	"bytes"
	"encoding/xml"
	"regexp"
	"slices"
	"strings"
	"time"

	"kalends/sandbox"
)

// The bends of the rules that real servers, or what stands before them, show
// now and then. A fault of the kind bend:NAME,NAME switches them on.
const (
	bendOrder       = "order"        // elements of items stand in another order
	bendDoubled     = "doubled"      // elements of items stand twice
	bendFault200    = "fault_200"    // a fault comes with HTTP 200
	bendOffsets     = "offsets"      // times read 2030-01-07T11:00:00+0200
	bendNoExpansion = "no_expansion" // a calendar view gives series instead of occurrences
	bendSilentState = "silent_state" // a dead SyncState is taken as one that has seen all
	bendCut         = "cut"          // the body ends in its middle, well-formed as HTTP
	bendIllegal     = "illegal"      // characters and references that XML 1.0 forbids
	bendBOM         = "bom"          // a byte order mark stands first
	bendStrange     = "strange"      // kinds of item and elements that no schema has
	bendZones       = "zones"        // zone ids in the user's language, or empty
	bendStatus      = "status"       // a free/busy status that no schema has
)

func (c *call) bent(name string) bool { return slices.Contains(c.bends, name) }

// bend changes a finished body.
func (c *call) bend(body []byte) []byte {
	if c.bent(bendOrder) || c.bent(bendDoubled) {
		body = c.rearranged(body)
	}
	for _, step := range []struct {
		name string
		act  func([]byte) []byte
	}{{bendStrange, withStrangers}, {bendZones, withOddZones}, {bendStatus, withOddStatus}, {bendOffsets, withOffsets}, {bendIllegal, withIllegal}, {bendBOM, withBOM}, {bendCut, inHalf}} {
		if c.bent(step.name) {
			body = step.act(body)
		}
	}
	return body
}

func withBOM(body []byte) []byte { return append([]byte("\xEF\xBB\xBF"), body...) }

func inHalf(body []byte) []byte { return body[:len(body)/2] }

func withIllegal(body []byte) []byte {
	return bytes.ReplaceAll(body, []byte("<t:Subject>"), []byte("<t:Subject>&#x1F;\x0b&#0;"))
}

func withStrangers(body []byte) []byte {
	body = bytes.ReplaceAll(body, []byte("<t:Items>"), []byte(`<t:Items><t:BookingItem><t:ItemId Id="Qm9va2luZw==" ChangeKey="Qg=="/><t:Subject>Buchung</t:Subject></t:BookingItem>`))
	return bytes.ReplaceAll(body, []byte("</t:CalendarItem>"), []byte(`<t:Unheard Of="true"><t:Start>never</t:Start></t:Unheard></t:CalendarItem>`))
}

var zoneIDs = regexp.MustCompile(`(<t:(?:Start|End)TimeZone) Id="[^"]*" Name="[^"]*"`)

func withOddZones(body []byte) []byte {
	return zoneIDs.ReplaceAll(body, []byte(`$1 Id="Mitteleuropäische Zeit" Name=""`))
}

func withOddStatus(body []byte) []byte {
	body = bytes.ReplaceAll(body, []byte("<t:LegacyFreeBusyStatus>Busy<"), []byte("<t:LegacyFreeBusyStatus>Elsewhere<"))
	return bytes.ReplaceAll(body, []byte("<t:BusyType>Busy<"), []byte("<t:BusyType>Elsewhere<"))
}

var instants = regexp.MustCompile(`>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ<`)

func withOffsets(body []byte) []byte {
	return instants.ReplaceAllFunc(body, func(found []byte) []byte {
		t, err := time.Parse(">2006-01-02T15:04:05Z<", string(found))
		if err != nil {
			return found
		}
		return []byte(t.Add(2*time.Hour).Format(">2006-01-02T15:04:05") + "+0200<")
	})
}

// rearranged writes the elements of items last first, or each twice.
func (c *call) rearranged(body []byte) []byte {
	root, err := parseXML(body)
	if err != nil {
		return body
	}
	root.visit(func(n *node) {
		if n.name != "CalendarItem" && n.name != "CalendarEvent" && n.name != "CalendarFolder" {
			return
		}
		if c.bent(bendOrder) {
			slices.Reverse(n.kids)
		}
		if c.bent(bendDoubled) {
			n.kids = append(n.kids, n.kids...)
		}
	})
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="utf-8"?>`)
	root.write(&b, `xmlns:s="`+nsSOAP+`" xmlns:t="`+nsTypes+`" xmlns:m="`+nsMessages+`" xmlns:e="http://schemas.microsoft.com/exchange/services/2006/errors" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"`)
	return b.Bytes()
}

func (n *node) visit(act func(*node)) {
	act(n)
	for _, kid := range n.kids {
		kid.visit(act)
	}
}

// prefixes of the namespaces in answers.
var prefixes = map[string]string{
	nsSOAP: "s:", nsTypes: "t:", nsMessages: "m:", "http://schemas.microsoft.com/exchange/services/2006/errors": "e:", "xsi": "xsi:", "xml": "xml:",
}

func (n *node) write(b *bytes.Buffer, declarations string) {
	name := prefixes[n.space] + n.name
	b.WriteString("<" + name)
	if declarations != "" {
		b.WriteString(" " + declarations)
	}
	for _, a := range n.attrs {
		b.WriteString(" " + prefixes[a.Name.Space] + a.Name.Local + `="` + escape(a.Value) + `"`)
	}
	b.WriteString(">")
	_ = xml.EscapeText(b, []byte(n.text))
	for _, kid := range n.kids {
		kid.write(b, "")
	}
	b.WriteString("</" + name + ">")
}

// unexpanded are the singles and series that touch a span, as a server answers
// that does not expand.
func (c *call) unexpanded(start, end time.Time) []sandbox.Occurrence {
	var found []sandbox.Occurrence
	for _, item := range c.world.Items(c.acting) {
		touches := false
		item.Window(start, end, func(sandbox.Occurrence) { touches = true })
		if touches {
			found = append(found, sandbox.Occurrence{Item: item})
		}
	}
	return found
}

// readBends takes the names of a fault.
func readBends(kind string) ([]string, bool) {
	names, ok := strings.CutPrefix(kind, "bend:")
	return strings.Split(names, ","), ok
}

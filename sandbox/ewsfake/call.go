package ewsfake

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"kalends/sandbox"
	"kalends/zone"
)

// call is one request on its way.
type call struct {
	*server
	http    *http.Request
	options Options
	build   build // of the mailbox's server

	log        sandbox.Call
	account    *sandbox.Recipient
	envelope   *node
	broken     *violation
	operation  *node
	version    string // RequestServerVersion
	level      int
	acting     *sandbox.Recipient // whose mailbox: impersonated, or the account's own
	place      *time.Location     // of the TimeZoneContext
	offers     []string           // WWW-Authenticate values
	scheme     string             // by which the account signed in
	token      string             // the challenge to answer with
	refuseAll  bool
	denied     bool // the service account may act for nobody
	deniedHere bool // nor for a mailbox of this database
	crowded    bool // more at once than the account may
	busy       bool
	backOff    int
	noBackOff  bool
	deadState  bool     // no SyncState is valid
	location   string   // of the server where the mailbox is
	bends      []string // of the rules
	planted    string   // an error for the response messages
	forced     string
	out        bytes.Buffer
}

// problem is an error with EWS's response code.
type problem struct {
	code, text string
	values     []string // name, value pairs of MessageXml
}

func (p *problem) Error() string { return p.code }

func fail(code string, values ...string) *problem {
	text := texts[code]
	if text == "" {
		text = "The request failed: " + code + "."
	}
	return &problem{code: code, text: text, values: values}
}

var texts = map[string]string{
	"ErrorNonExistentMailbox":      "The SMTP address has no mailbox associated with it.",
	"ErrorImpersonateUserDenied":   "The account does not have permission to impersonate the requested user.",
	"ErrorNonPrimarySmtpAddress":   "The primary SMTP address must be specified when referencing a mailbox.",
	"ErrorServerBusy":              "The server cannot service this request right now. Try again later.",
	"ErrorItemNotFound":            "The specified object was not found in the store.",
	"ErrorInvalidIdMalformed":      "Id is malformed.",
	"ErrorInvalidServerVersion":    "The specified server version is invalid.",
	"ErrorCalendarViewRangeTooBig": "The specified calendar view range exceeds the maximum allowed duration.",
	"ErrorInvalidSyncStateData":    "Synchronization state data is corrupt or otherwise invalid.",
	"ErrorNameResolutionNoResults": "No results were found.",
	"ErrorBatchProcessingStopped":  "The batch processing was stopped because of an earlier error.",
	"ErrorIrresolvableConflict":    "The send or update operation could not be performed because the change key passed in the request does not match the current change key for the item.",
	"ErrorMailboxMoveInProgress":   "The mailbox is being moved. Try again later.",
	"ErrorMissingEmailAddress":     "When making a request as an account that does not have a mailbox, you must specify the mailbox primary SMTP address for any distinguished folder Ids.",
}

// read parses the envelope and notes operation and mailbox for the log.
func (c *call) read(body []byte) {
	c.log.Operation = "unknown"
	envelope, err := parseXML(body)
	if err != nil || envelope.name != "Envelope" || envelope.space != nsSOAP {
		return
	}
	c.envelope = envelope
	if kids := envelope.child("Body").children(); len(kids) == 1 {
		c.operation = kids[0]
		c.log.Operation = strings.TrimSuffix(kids[0].name, "Request")
	}
	if sid := c.connecting(); sid != nil {
		c.log.Mailbox = strings.ToLower(strings.TrimSpace(sid.text))
	}
	c.version = envelope.at("Header", "RequestServerVersion").attr("Version")
}

func (c *call) connecting() *node {
	kids := c.envelope.at("Header", "ExchangeImpersonation", "ConnectingSID").children()
	if len(kids) == 0 {
		return nil
	}
	return kids[0]
}

// answer carries the call out and writes the answer or the fault.
func (c *call) answer(w http.ResponseWriter) {
	if c.envelope == nil || c.operation == nil {
		c.status(w, http.StatusBadRequest)
		return
	}
	if p := c.prepare(); p != nil {
		c.log.Code = p.code
		c.fault(w, p)
		return
	}
	if c.location != "" {
		w.Header().Set("Location", c.location)
		c.status(w, http.StatusFound)
		return
	}
	if c.operation.name == "GetStreamingEvents" {
		c.stream(w)
		return
	}
	c.open()
	if p := c.dispatch(); p != nil {
		c.log.Code = p.code
		c.fault(w, p)
		return
	}
	c.out.WriteString("</s:Body></s:Envelope>")
	c.send(w, http.StatusOK, &c.out)
}

// prepare is what Exchange looks at before the operation: version, schema,
// load, impersonation.
func (c *call) prepare() *problem {
	if p := c.checkVersion(); p != nil {
		return p
	}
	if p := c.checkOperation(); p != nil {
		return p
	}
	if c.broken = c.check(); c.broken != nil {
		return fail("ErrorSchemaValidation")
	}
	if c.crowded {
		return c.overTheLimit()
	}
	if c.busy {
		return c.busyOr("ErrorServerBusy")
	}
	if c.forced != "" {
		return c.busyOr(c.forced)
	}
	c.place = c.zoneOf(c.envelope.at("Header", "TimeZoneContext", "TimeZoneDefinition").attr("Id"), time.UTC)
	if c.level < level2010 {
		c.place = time.UTC // 2007 knows the item's MeetingTimeZone only
	}
	if p := c.impersonate(); p != nil {
		return p
	}
	return c.checkBackEnd()
}

// busyOr is an error; ErrorServerBusy says when to come back, somewhere among
// its values.
func (c *call) busyOr(code string) *problem {
	switch {
	case code != "ErrorServerBusy":
		return fail(code)
	case c.noBackOff:
		return fail(code, "Policy", "EWSMaxConcurrency", "MaxConcurrencyLimit", strconv.Itoa(c.concurrency()), "ErrorMessage", texts[code])
	}
	return fail(code, "Policy", "EWSMaxConcurrency", "MaxConcurrencyLimit", strconv.Itoa(c.concurrency()),
		"BackOffMilliseconds", strconv.Itoa(max(c.backOff, 1000)), "ErrorMessage", texts[code])
}

// overTheLimit is the answer to more requests at once than allowed: 2010 has a
// code of its own.
func (c *call) overTheLimit() *problem {
	if c.build.level < level2013 {
		return fail("ErrorExceededConnectionCount", "Policy", "EWSMaxConcurrency", "MaxConcurrencyLimit", strconv.Itoa(c.concurrency()))
	}
	return c.busyOr("ErrorServerBusy")
}

// check compares the request with the schema of its version.
func (c *call) check() *violation {
	g := grammarOf(c.level)
	if _, known := g.rules[c.operation.name]; !known {
		return nil
	}
	if c.operation.space != nsMessages {
		return c.operation.broken("Could not find schema information for the element '%s:%s'.", c.operation.space, c.operation.name)
	}
	if v := g.checkHeader(c.envelope.child("Header")); v != nil {
		return v
	}
	return g.checkOperation(c.operation)
}

func (c *call) zoneOf(name string, otherwise *time.Location) *time.Location {
	if location, err := zone.Load(name); err == nil {
		return location
	}
	return otherwise
}

func (c *call) dispatch() *problem {
	acts := map[string]func() *problem{
		"GetFolder": c.getFolder, "FindFolder": c.findFolder, "FindItem": c.findItem, "GetItem": c.getItem, "CreateItem": c.createItem,
		"UpdateItem": c.updateItem, "DeleteItem": c.deleteItem, "SyncFolderItems": c.syncItems, "GetUserAvailabilityRequest": c.availability,
		"ResolveNames": c.resolveNames, "GetRoomLists": c.roomLists, "GetRooms": c.rooms, "GetServerTimeZones": c.timeZones, "ConvertId": c.convertID,
		"ExpandDL": c.expandDL, "Subscribe": c.subscribe, "Unsubscribe": c.unsubscribe, "GetEvents": c.getEvents,
		"CreateFolder": c.createFolder, "DeleteFolder": c.deleteFolder, "GetUserConfiguration": c.userConfiguration,
	}
	act := acts[c.operation.name]
	if act == nil {
		return fail("ErrorInvalidRequest")
	}
	return act()
}

func (c *call) open() {
	c.out.WriteString(`<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="` + nsSOAP + `"><s:Header>`)
	c.out.WriteString(c.build.header(c.options.BareVersion) + "</s:Header>")
	c.out.WriteString(`<s:Body xmlns:m="` + nsMessages + `" xmlns:t="` + nsTypes + `">`)
}

// fault is the SOAP fault of a request that was not carried out, as recorded
// from Exchange 2010 SP2 (ErrorSchemaValidation).
func (c *call) fault(w http.ResponseWriter, p *problem) {
	var b bytes.Buffer
	text := p.text
	if c.broken != nil {
		text = "The request failed schema validation: " + c.broken.text
	}
	b.WriteString(`<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="` + nsSOAP + `"><s:Body><s:Fault><faultcode xmlns:a="` + nsTypes + `">a:` + p.code)
	b.WriteString(`</faultcode><faultstring xml:lang="en-US">` + escape(text) + `</faultstring><detail><e:ResponseCode xmlns:e="http://schemas.microsoft.com/exchange/services/2006/errors">` + p.code)
	b.WriteString(`</e:ResponseCode><e:Message xmlns:e="http://schemas.microsoft.com/exchange/services/2006/errors">` + escape(p.text) + `</e:Message>`)
	if c.broken != nil {
		fmt.Fprintf(&b, `<t:MessageXml xmlns:t="%s"><t:LineNumber>%d</t:LineNumber><t:LinePosition>1</t:LinePosition><t:Violation>%s</t:Violation></t:MessageXml>`,
			nsTypes, c.broken.line, escape(c.broken.text))
	} else if len(p.values) > 0 {
		b.WriteString(`<t:MessageXml xmlns:t="` + nsTypes + `">` + p.messageValues() + `</t:MessageXml>`)
	}
	b.WriteString(`</detail></s:Fault></s:Body></s:Envelope>`)
	if c.bent(bendFault200) {
		c.send(w, http.StatusOK, &b)
		return
	}
	c.send(w, http.StatusInternalServerError, &b)
}

func (p *problem) messageValues() string {
	var b strings.Builder
	for i := 0; i+1 < len(p.values); i += 2 {
		fmt.Fprintf(&b, `<t:Value Name="%s">%s</t:Value>`, escape(p.values[i]), escape(p.values[i+1]))
	}
	return b.String()
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

func escape(text string) string {
	return escaper.Replace(strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			return -1
		}
		return r
	}, text))
}

// begin and end wrap the response messages of an operation.
func (c *call) begin(name string) { c.out.WriteString("<m:" + name + "Response><m:ResponseMessages>") }

func (c *call) end(name string) *problem {
	c.out.WriteString("</m:ResponseMessages></m:" + name + "Response>")
	return nil
}

func (c *call) success(name string) {
	c.out.WriteString("<m:" + name + `ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>`)
}

// stoppers are errors that would strike what follows in a batch as well.
var stoppers = map[string]bool{
	"ErrorMailboxMoveInProgress": true, "ErrorMailboxStoreUnavailable": true, "ErrorServerBusy": true, "ErrorTimeoutExpired": true,
	"ErrorConnectionFailed": true, "ErrorTooManyObjectsOpened": true, "ErrorInternalServerTransientError": true, "ErrorMailboxFailover": true,
}

// each answers the parts of a request one by one, in their order. act writes
// its own success. After an error that would strike the rest too, the rest is
// not tried.
func (c *call) each(name string, parts *node, tail string, act func(*node) *problem) *problem {
	c.begin(name)
	stopped := false
	for _, n := range parts.children() {
		if stopped {
			c.stopped(name, tail)
			continue
		}
		p := c.inMessage()
		if p == nil {
			p = act(n)
		}
		if p != nil {
			c.failure(name, p, tail)
			stopped = stoppers[p.code]
		}
	}
	return c.end(name)
}

func (c *call) stopped(name, tail string) {
	c.out.WriteString("<m:" + name + `ResponseMessage ResponseClass="Warning">` + fail("ErrorBatchProcessingStopped").body() + tail + "</m:" + name + "ResponseMessage>")
}

// inMessage is the error that stands in each response message: a planted one,
// or that the mailbox is being moved.
func (c *call) inMessage() *problem {
	switch {
	case c.planted != "":
		return c.busyOr(c.planted)
	case c.acting != nil && c.acting.Moving:
		return fail("ErrorMailboxMoveInProgress")
	}
	return nil
}

// failure is one response message with an error; tail is what its kind must hold.
func (c *call) failure(name string, p *problem, tail string) {
	c.log.Code = p.code
	c.out.WriteString("<m:" + name + `ResponseMessage ResponseClass="Error">` + p.body() + tail + "</m:" + name + "ResponseMessage>")
}

func (p *problem) body() string {
	xml := "<m:MessageText>" + escape(p.text) + "</m:MessageText><m:ResponseCode>" + p.code + "</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>"
	if len(p.values) > 0 {
		xml += "<m:MessageXml>" + p.messageValues() + "</m:MessageXml>"
	}
	return xml
}

// el writes one element of the types namespace.
func (c *call) el(name, value string) {
	c.out.WriteString("<t:" + name + ">")
	c.out.WriteString(escape(value))
	c.out.WriteString("</t:" + name + ">")
}

func (c *call) flag(name string, value bool) { c.el(name, strconv.FormatBool(value)) }

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

package ewsfake_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kalends/sandbox"
	"kalends/sandbox/ewsfake"
)

const allEvents = `<t:EventTypes><t:EventType>CreatedEvent</t:EventType><t:EventType>DeletedEvent</t:EventType><t:EventType>ModifiedEvent</t:EventType><t:EventType>MovedEvent</t:EventType></t:EventTypes>`

func pull(rest string) string {
	return `<m:Subscribe><m:PullSubscriptionRequest><t:FolderIds>` + calendarFolder + `</t:FolderIds>` + allEvents + rest + `</m:PullSubscriptionRequest></m:Subscribe>`
}

const streaming = `<m:Subscribe><m:StreamingSubscriptionRequest><t:FolderIds>` + calendarFolder + `</t:FolderIds>` + allEvents + `</m:StreamingSubscriptionRequest></m:Subscribe>`

func (c *client) events(id, watermark string) string {
	c.t.Helper()
	return c.say(`<m:GetEvents><m:SubscriptionId>` + id + `</m:SubscriptionId><m:Watermark>` + watermark + `</m:Watermark></m:GetEvents>`)
}

func subscriptionOf(text string) string { return between(text, "<m:SubscriptionId>", "<") }

func lastWatermark(text string) string {
	at := strings.LastIndex(text, "<t:Watermark>")
	return between(text[max(at, 0):], "<t:Watermark>", "<")
}

func (c *client) rename(id, subject string) {
	c.t.Helper()
	wants(c.t, "rename", c.update(id, "", "AlwaysOverwrite", setField("item:Subject", "<t:Subject>"+subject+"</t:Subject>")), ">NoError<")
}

func TestPull(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"Exchange2007_SP1", "Exchange2013_SP1"} {
		c := newClient(t, startWith(t, sandbox.Config{People: 5}, ewsfake.Options{Version: version}))
		c.version = version
		subscribed := c.say(pull("<t:Timeout>30</t:Timeout>"))
		id, start := subscriptionOf(subscribed), between(subscribed, "<m:Watermark>", "<")
		quiet := c.events(id, start)
		wants(t, "nothing yet", quiet, "<t:StatusEvent><t:Watermark>", "<t:MoreEvents>false<")
		item := c.create("SendToNone", oneHour)
		c.rename(item, "Anders")
		text := c.events(id, lastWatermark(quiet))
		wants(t, "created and changed", text, "<t:CreatedEvent><t:Watermark>", `<t:ItemId Id="`+item+`"`, "<t:ModifiedEvent>", "<t:PreviousWatermark>"+start+"<")
		c.say(`<m:DeleteItem DeleteType="MoveToDeletedItems" SendMeetingCancellations="SendToNone"><m:ItemIds><t:ItemId Id="` + item + `"/></m:ItemIds></m:DeleteItem>`)
		moved := c.events(id, lastWatermark(text))
		wants(t, "moved", moved, "<t:MovedEvent>", "<t:OldItemId", "<t:OldParentFolderId")
		if strings.Contains(moved, "CreatedEvent") {
			t.Errorf("told twice: %s", moved)
		}
		wants(t, "again from the start", c.events(id, start), "<t:CreatedEvent>", "<t:MovedEvent>")
		for range 60 {
			c.create("SendToNone", oneHour)
		}
		first := c.events(id, lastWatermark(moved))
		wants(t, "more", first, "<t:MoreEvents>true<")
		wants(t, "the rest", c.events(id, lastWatermark(first)), "<t:MoreEvents>false<")
		wants(t, "from where another stood", c.say(pull("<t:Watermark>"+start+"</t:Watermark><t:Timeout>30</t:Timeout>")), ">NoError<")
		if schemas := os.Getenv("KALENDS_SCHEMAS"); schemas != "" {
			validate(t, schemaFile(schemas, version), c.answers)
		}
	}
}

func TestErrPull(t *testing.T) {
	t.Parallel()
	var minutes atomic.Int64
	c := newClient(t, startWith(t, sandbox.Config{People: 5, Now: func() time.Time { return time.Now().Add(time.Duration(minutes.Load()) * time.Minute) }}, ewsfake.Options{MaxSubscriptions: 2}))
	subscribed := c.say(pull("<t:Timeout>30</t:Timeout>"))
	id, start := subscriptionOf(subscribed), between(subscribed, "<m:Watermark>", "<")
	wants(t, "unknown", c.events("bm8=", start), ">ErrorSubscriptionNotFound<")
	wants(t, "a wrong watermark", c.events(id, "bm8="), ">ErrorInvalidWatermark<")
	wants(t, "a folder of nobody", c.say(strings.Replace(pull("<t:Timeout>30</t:Timeout>"), `Id="calendar"`, `Id="journal"`, 1)), ">ErrorFolderNotFound<")
	wants(t, "streams are not pulled", c.events(subscriptionOf(c.say(streaming)), start), ">ErrorInvalidPullSubscriptionId<")
	wants(t, "a third", c.say(streaming), ">ErrorExceededSubscriptionCount<")
	minutes.Store(29)
	wants(t, "in time", c.events(id, start), ">NoError<")
	minutes.Store(60)
	wants(t, "too late", c.events(id, start), ">ErrorExpiredSubscription<")
	again := subscriptionOf(c.say(pull("<t:Timeout>30</t:Timeout>")))
	unsubscribe := `<m:Unsubscribe><m:SubscriptionId>` + again + `</m:SubscriptionId></m:Unsubscribe>`
	wants(t, "unsubscribe", c.say(unsubscribe), ">NoError<")
	wants(t, "twice", c.say(unsubscribe), ">ErrorSubscriptionNotFound<")
	last := c.say(pull("<t:Timeout>30</t:Timeout>"))
	c.control("PATCH", "mailboxes/"+c.me().Email, `{"moves":1}`)
	wants(t, "after a move", c.events(subscriptionOf(last), start), ">ErrorSubscriptionNotFound<")
	c.control("POST", "reset", "")
	wants(t, "after a restart", c.events(id, start), ">ErrorSubscriptionNotFound<")
}

// flow is an open stream: envelopes arrive one by one.
type flow struct {
	t      *testing.T
	body   io.ReadCloser
	reader *bufio.Reader
	all    []string
}

func (c *client) open(ids ...string) *flow {
	c.t.Helper()
	b := c.server.Ready().Exchange.(ewsfake.Block)
	body := soapStart + `<t:RequestServerVersion Version="Exchange2013_SP1"/><t:ExchangeImpersonation><t:ConnectingSID><t:SmtpAddress>` + c.me().Email +
		`</t:SmtpAddress></t:ConnectingSID></t:ExchangeImpersonation></s:Header><s:Body><m:GetStreamingEvents><m:SubscriptionIds><t:SubscriptionId>` +
		strings.Join(ids, "</t:SubscriptionId><t:SubscriptionId>") + `</t:SubscriptionId></m:SubscriptionIds><m:ConnectionTimeout>30</m:ConnectionTimeout></m:GetStreamingEvents></s:Body></s:Envelope>`
	request, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, "https://"+c.server.Resolve()["mail.musterwerk.example:443"]+"/EWS/Exchange.asmx", strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	request.SetBasicAuth(b.ServiceAccount, b.Password)
	response, err := c.http.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = response.Body.Close() })
	return &flow{t: c.t, body: response.Body, reader: bufio.NewReader(response.Body)}
}

// next reads one envelope, "" at the end.
func (f *flow) next() string {
	f.t.Helper()
	var text strings.Builder
	for !strings.HasSuffix(text.String(), "</Envelope>") {
		part, err := f.reader.ReadString('>')
		if errors.Is(err, io.EOF) && part == "" && text.Len() == 0 {
			return ""
		}
		if err != nil {
			f.t.Fatalf("cut after %q: %v", text.String(), err)
		}
		text.WriteString(part)
	}
	f.all = append(f.all, text.String())
	return text.String()
}

// until reads envelopes up to one that holds a text.
func (f *flow) until(part string) string {
	f.t.Helper()
	for {
		text := f.next()
		if text == "" {
			f.t.Fatalf("ended before %q", part)
		}
		if strings.Contains(text, part) {
			return text
		}
	}
}

func TestStreaming(t *testing.T) {
	t.Parallel()
	c := newClient(t, startWith(t, sandbox.Config{People: 5}, ewsfake.Options{HeartbeatMS: 50}))
	id := subscriptionOf(c.say(streaming))
	f := c.open(id)
	wants(t, "connected", f.next(), "<m:ConnectionStatus>OK<")
	wants(t, "a heartbeat", f.until("StatusEvent"), "<t:SubscriptionId>"+id+"<", "<t:StatusEvent/>")
	item := c.create("SendToNone", oneHour)
	wants(t, "created", f.until("CreatedEvent"), "<m:Notifications><t:Notification><t:SubscriptionId>"+id+"<", `<t:ItemId Id="`+item+`"`)
	c.server.Desk().AddFault(sandbox.Fault{Provider: "exchange", Kind: "notification_lost", Count: 1})
	c.rename(item, "Verloren")
	c.server.Desk().AddFault(sandbox.Fault{Provider: "exchange", Kind: "notification_twice", Count: 1})
	c.say(`<m:DeleteItem DeleteType="HardDelete" SendMeetingCancellations="SendToNone"><m:ItemIds><t:ItemId Id="` + item + `"/></m:ItemIds></m:DeleteItem>`)
	text := f.until("DeletedEvent")
	told := strings.Join(f.all, "")
	if strings.Count(text, "<t:DeletedEvent>") != 2 || strings.Count(told, `<t:ModifiedEvent><t:TimeStamp>`) > 3 {
		t.Errorf("lost or twice: %s", told)
	}
	second := c.open(id)
	wants(t, "taken over", f.until("ErrorNewEventStreamConnectionOpened"), "<m:ErrorSubscriptionIds><t:SubscriptionId>"+id)
	if rest := f.next(); rest != "" {
		t.Errorf("goes on: %s", rest)
	}
	c.say(`<m:Unsubscribe><m:SubscriptionId>` + id + `</m:SubscriptionId></m:Unsubscribe>`)
	wants(t, "unsubscribed", second.until("ErrorSubscriptionNotFound"), "<m:ErrorSubscriptionIds>")
	if schemas := os.Getenv("KALENDS_SCHEMAS"); schemas != "" {
		validate(t, schemaFile(schemas, "Exchange2013_SP1"), append(f.all, second.all...))
	}
}

func TestStreamEnds(t *testing.T) {
	t.Parallel()
	c := newClient(t, startWith(t, sandbox.Config{People: 5}, ewsfake.Options{StreamMS: 30, HeartbeatMS: 10000}))
	f := c.open(subscriptionOf(c.say(streaming)))
	f.until("<m:ConnectionStatus>Closed<")
	if rest := f.next(); rest != "" {
		t.Errorf("goes on: %s", rest)
	}
}

func TestErrStreaming(t *testing.T) {
	t.Parallel()
	c := newClient(t, startWith(t, sandbox.Config{People: 5}, ewsfake.Options{HeartbeatMS: 20, HangingConnections: 1}))
	good := subscriptionOf(c.say(streaming))
	bad := c.open(good, "bm8=")
	wants(t, "one bad id", bad.next(), ">ErrorInvalidSubscription<", "<m:ErrorSubscriptionIds><t:SubscriptionId>bm8=</t:SubscriptionId></m:ErrorSubscriptionIds>")
	if rest := bad.next(); rest != "" {
		t.Errorf("goes on: %s", rest)
	}
	var many []string
	for n := range 201 {
		many = append(many, fmt.Sprint(n))
	}
	wants(t, "201 ids", c.open(many...).next(), ">ErrorInvalidSubscriptionRequest<")
	f := c.open(good)
	wants(t, "the first", f.next(), "<m:ConnectionStatus>OK<")
	wants(t, "a second connection", c.open(subscriptionOf(c.say(streaming))).next(), ">ErrorExceededConnectionCount<")
	c.control("PATCH", "mailboxes/"+c.me().Email, `{"moves":1}`)
	wants(t, "the mailbox moved", f.until(`ResponseClass="Error"`), ">ErrorSubscriptionNotFound<", good)
	if stats := c.server.Desk().Stats()["exchange"]; stats.Operations["GetStreamingEvents"] != 4 || stats.Concurrency > 2 {
		t.Errorf("%+v", stats)
	}
}

// TestStreamIsSilent: a proxy on the way lets nothing through.
func TestStreamIsSilent(t *testing.T) {
	t.Parallel()
	c := newClient(t, startWith(t, sandbox.Config{People: 5}, ewsfake.Options{HeartbeatMS: 5, StreamMS: 200}))
	c.server.Desk().AddFault(sandbox.Fault{Provider: "exchange", Kind: "notification_silent"})
	f := c.open(subscriptionOf(c.say(streaming)))
	c.create("SendToNone", oneHour)
	if text := f.next(); text != "" {
		t.Errorf("%s", text)
	}
}

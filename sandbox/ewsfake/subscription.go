package ewsfake

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"kalends/sandbox"
)

// subscription is one of a mailbox's, pulled or streamed.
type subscription struct {
	id        string
	streaming bool
	account   string // who made it
	mailbox   string // address
	box       string // of ids; another one after a move
	calendar  bool   // the calendar is among its folders
	kinds     []string
	timeout   time.Duration // of a pull subscription that nobody asks
	used      time.Time
	number    int           // streams: the last change told
	replaced  chan struct{} // streams: closed when another connection takes over
}

// subscriptions are all of a server. They do not survive its restart.
type subscriptions struct {
	mu      sync.Mutex
	all     map[string]*subscription
	last    int
	streams map[string]int // mailbox acted for -> open connections
}

func (s *subscriptions) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.all {
		one.replace()
	}
	s.all = nil
}

// replace ends the stream that tells of the subscription now.
func (s *subscription) replace() {
	if s.replaced != nil {
		close(s.replaced)
		s.replaced = nil
	}
}

// add keeps a subscription unless the mailbox has too many.
func (s *subscriptions) add(one *subscription, most int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	count := 0
	for _, other := range s.all {
		if other.mailbox == one.mailbox {
			count++
		}
	}
	if count >= most {
		return false
	}
	if s.all == nil {
		s.all = map[string]*subscription{}
	}
	s.last++
	one.id = base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s|%s|%d", "subscription", one.box, s.last))
	s.all[one.id] = one
	return true
}

// find gives a copy of an account's subscription that is still alive.
func (s *subscriptions) find(id string, c *call) (subscription, *problem) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.all[id]
	switch {
	case one == nil:
		return subscription{}, fail("ErrorSubscriptionNotFound")
	case one.account != c.account.Email:
		return subscription{}, fail("ErrorSubscriptionAccessDenied")
	case one.timeout > 0 && c.world.Now().Sub(one.used) > one.timeout:
		delete(s.all, id)
		return subscription{}, fail("ErrorExpiredSubscription")
	}
	if r, _ := c.world.Recipient(one.mailbox); r == nil || boxOf(r) != one.box {
		delete(s.all, id)
		return subscription{}, fail("ErrorSubscriptionNotFound")
	}
	one.used = c.world.Now()
	return *one, nil
}

func (s *subscriptions) remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one := s.all[id]; one != nil {
		one.replace()
		delete(s.all, id)
	}
}

// watermark says how far a pull subscription has read.
func (s subscription) watermark(number int) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "W|%s|%d", s.box, number))
}

func readWatermark(text, box string) (int, *problem) {
	raw, err := base64.StdEncoding.DecodeString(text)
	parts := strings.Split(string(raw), "|")
	if err != nil || len(parts) != 3 || parts[0] != "W" || parts[1] != box {
		return 0, fail("ErrorInvalidWatermark")
	}
	number, err := strconv.Atoi(parts[2])
	if err != nil {
		return 0, fail("ErrorInvalidWatermark")
	}
	return number, nil
}

const maxSubscriptions = 5000

func (c *call) subscribe() *problem {
	c.begin("Subscribe")
	one, p := c.newSubscription(c.operation.kids[0])
	if p != nil {
		c.failure("Subscribe", p, "")
		return c.end("Subscribe")
	}
	c.success("Subscribe")
	c.out.WriteString("<m:SubscriptionId>" + one.id + "</m:SubscriptionId>")
	if !one.streaming {
		c.out.WriteString("<m:Watermark>" + one.watermark(one.number) + "</m:Watermark>")
	}
	c.out.WriteString("</m:SubscribeResponseMessage>")
	return c.end("Subscribe")
}

func (c *call) newSubscription(n *node) (*subscription, *problem) {
	if p := c.inMessage(); p != nil {
		return nil, p
	}
	if n.name == "PushSubscriptionRequest" {
		return nil, fail("ErrorInvalidPushSubscriptionUrl") // we push nowhere
	}
	if c.acting == nil || !c.acting.HasMailbox() {
		return nil, fail("ErrorNonExistentMailbox")
	}
	minutes, _ := strconv.Atoi(n.value("Timeout"))
	one := &subscription{
		streaming: n.name == "StreamingSubscriptionRequest", account: c.account.Email, mailbox: c.acting.Email, box: boxOf(c.acting),
		timeout: time.Duration(minutes) * time.Minute, used: c.world.Now(), calendar: n.attr("SubscribeToAllFolders") == "true",
	}
	if p := c.readSubscription(one, n); p != nil {
		return nil, p
	}
	most := maxSubscriptions
	if c.options.MaxSubscriptions != 0 {
		most = c.options.MaxSubscriptions
	}
	if !c.subscribed.add(one, most) {
		c.desk.LimitHit(provider)
		return nil, fail("ErrorExceededSubscriptionCount")
	}
	return one, nil
}

// readSubscription reads the folders, the kinds of event, and where to begin.
func (c *call) readSubscription(one *subscription, n *node) *problem {
	folders := n.child("FolderIds").children()
	if one.calendar != (len(folders) == 0) {
		return fail("ErrorInvalidSubscriptionRequest")
	}
	for _, folder := range folders {
		name, p := c.folder(folder)
		if p != nil {
			return p
		}
		one.calendar = one.calendar || name == "calendar"
	}
	for _, kind := range n.child("EventTypes").children() {
		one.kinds = append(one.kinds, strings.TrimSpace(kind.text))
	}
	_, one.number = c.world.Changes(c.acting, 0)
	if text := n.value("Watermark"); text != "" {
		number, p := readWatermark(text, one.box)
		one.number = number
		return p
	}
	return nil
}

func (c *call) unsubscribe() *problem {
	c.begin("Unsubscribe")
	id := c.operation.value("SubscriptionId")
	_, p := c.subscribed.find(id, c)
	if p == nil {
		p = c.inMessage()
	}
	if p != nil {
		c.failure("Unsubscribe", p, "")
		return c.end("Unsubscribe")
	}
	c.subscribed.remove(id)
	c.success("Unsubscribe")
	c.out.WriteString("</m:UnsubscribeResponseMessage>")
	return c.end("Unsubscribe")
}

// maxEvents is how many changes one GetEvents tells.
const maxEvents = 50

func (c *call) getEvents() *problem {
	c.begin("GetEvents")
	p := c.inMessage()
	if p == nil {
		p = c.eventsSince()
	}
	if p != nil {
		c.failure("GetEvents", p, "")
	}
	return c.end("GetEvents")
}

func (c *call) eventsSince() *problem {
	one, p := c.subscribed.find(c.operation.value("SubscriptionId"), c)
	if p != nil {
		return p
	}
	if one.streaming {
		return fail("ErrorInvalidPullSubscriptionId")
	}
	text := c.operation.value("Watermark")
	from, p := readWatermark(text, one.box)
	if p != nil {
		return p
	}
	r, _ := c.world.Recipient(one.mailbox)
	changes := c.world.Log(r, from)
	more := len(changes) > maxEvents
	changes = changes[:min(maxEvents, len(changes))]
	events, number := c.told(one, changes), from
	if len(changes) > 0 {
		number = changes[len(changes)-1].Number
	}
	if events == "" {
		events = "<t:StatusEvent><t:Watermark>" + one.watermark(number) + "</t:Watermark></t:StatusEvent>"
	}
	c.success("GetEvents")
	c.out.WriteString("<m:Notification><t:SubscriptionId>" + one.id + "</t:SubscriptionId><t:PreviousWatermark>" + text + "</t:PreviousWatermark><t:MoreEvents>" +
		strconv.FormatBool(more) + "</t:MoreEvents>" + events + "</m:Notification></m:GetEventsResponseMessage>")
	return nil
}

// told are the events of changes, those that faults lose left out. Exchange is
// noisy: each change of an item changes its folder as well.
func (c *call) told(one subscription, changes []sandbox.Change) string {
	var b strings.Builder
	if !one.calendar {
		return ""
	}
	for _, change := range changes {
		times := 1
		if fault := c.desk.Notify(provider, one.mailbox, "notification_lost", "notification_twice"); fault != nil {
			times = map[string]int{"notification_lost": 0, "notification_twice": 2}[fault.Kind]
		}
		for range times {
			one.event(&b, change)
		}
	}
	return b.String()
}

// event writes what a change looks like to a subscription.
func (s subscription) event(b *strings.Builder, change sandbox.Change) {
	mark := ""
	if !s.streaming {
		mark = "<t:Watermark>" + s.watermark(change.Number) + "</t:Watermark>"
	}
	item := id{box: s.box, item: change.ID}.String()
	folder := func(element, name string) string {
		return "<t:" + element + ` Id="` + id{box: s.box, folder: name}.String() + `" ChangeKey="AQAAAA=="/>`
	}
	write := func(kind, object, parents string) {
		if slices.Contains(s.kinds, kind) {
			b.WriteString("<t:" + kind + ">" + mark + "<t:TimeStamp>" + stamp(change.At) + "</t:TimeStamp>" + object + parents + "</t:" + kind + ">")
		}
	}
	object := `<t:ItemId Id="` + item + `" ChangeKey="` + base64.StdEncoding.EncodeToString([]byte("DwAA|"+change.ID)) + `"/>`
	home := folder("ParentFolderId", "calendar")
	switch change.Kind {
	case "created":
		write("CreatedEvent", object, home)
	case "updated":
		write("ModifiedEvent", object, home)
	case "deleted":
		write("DeletedEvent", object, home)
	case "moved":
		write("MovedEvent", object, folder("ParentFolderId", "deleteditems")+strings.Replace(object, "<t:ItemId", "<t:OldItemId", 1)+folder("OldParentFolderId", "calendar"))
	}
	write("ModifiedEvent", folder("FolderId", "calendar"), folder("ParentFolderId", "msgfolderroot"))
	write("FreeBusyChangedEvent", object, home)
}

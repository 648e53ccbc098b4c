package ewsfake

import (
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// maxStreamed is how many subscriptions one connection tells of.
const maxStreamed = 200

// hanging is how many streams a budget may have open (HangingConnectionLimit):
// that of the mailbox acted for.
func (c *call) hanging() int {
	switch {
	case c.options.HangingConnections != 0:
		return c.options.HangingConnections
	case c.build.level < level2016:
		return 3
	}
	return 10
}

// stream is one connection under way.
type stream struct {
	*call
	w     http.ResponseWriter
	ids   []string
	lost  map[string]<-chan struct{} // closed when another connection takes a subscription over
	quiet bool                       // a fault keeps it silent
}

// stream answers GetStreamingEvents: an endless body of whole envelopes. One bad
// id fails all.
func (c *call) stream(w http.ResponseWriter) {
	c.desk.End(&c.log) // it is not one of the requests at once
	s := &stream{call: c, w: w, lost: map[string]<-chan struct{}{}}
	for _, n := range c.operation.child("SubscriptionIds").children() {
		s.ids = append(s.ids, strings.TrimSpace(n.text))
	}
	if p := c.inMessage(); p != nil {
		s.refuse(p, nil)
		return
	}
	if len(s.ids) > maxStreamed {
		s.refuse(fail("ErrorInvalidSubscriptionRequest"), nil)
		return
	}
	if bad := s.attach(); len(bad) > 0 {
		s.refuse(fail("ErrorInvalidSubscription"), bad)
		return
	}
	if !c.subscribed.open(c.acting.Email, c.hanging()) {
		c.desk.LimitHit(provider)
		s.refuse(fail("ErrorExceededConnectionCount"), nil)
		return
	}
	defer c.subscribed.shut(c.acting.Email)
	s.quiet = c.desk.Notify(provider, c.log.Mailbox, "notification_silent") != nil
	s.run()
}

func (s *subscriptions) open(mailbox string, most int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.streams == nil {
		s.streams = map[string]int{}
	}
	if s.streams[mailbox] >= most {
		return false
	}
	s.streams[mailbox]++
	return true
}

func (s *subscriptions) shut(mailbox string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams[mailbox]--
}

// attach takes the subscriptions over from other connections and lists those
// that are none, or no streaming ones.
func (s *stream) attach() (bad []string) {
	for _, id := range s.ids {
		if one, p := s.subscribed.find(id, s.call); p != nil || !one.streaming {
			bad = append(bad, id)
		}
	}
	if len(bad) > 0 {
		return bad
	}
	s.subscribed.mu.Lock()
	defer s.subscribed.mu.Unlock()
	for _, id := range s.ids {
		if one := s.subscribed.all[id]; one != nil {
			one.replace()
			one.replaced = make(chan struct{})
			s.lost[id] = one.replaced
		}
	}
	return nil
}

// refuse is the one envelope of a stream that does not begin.
func (s *stream) refuse(p *problem, bad []string) {
	s.log.Code = p.code
	s.head()
	s.envelope(s.errorMessage(p, bad))
}

func (s *stream) errorMessage(p *problem, bad []string) string {
	tail := ""
	if len(bad) > 0 {
		tail = "<m:ErrorSubscriptionIds><t:SubscriptionId>" + strings.Join(bad, "</t:SubscriptionId><t:SubscriptionId>") + "</t:SubscriptionId></m:ErrorSubscriptionIds>"
	}
	return `<m:GetStreamingEventsResponseMessage ResponseClass="Error">` + p.body() + tail + "</m:GetStreamingEventsResponseMessage>"
}

func (s *stream) head() {
	s.w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	s.log.Status = http.StatusOK
	s.w.WriteHeader(http.StatusOK)
}

// envelope sends a whole document and lets it go at once. In streams, and there
// only, Exchange writes the envelope without a prefix.
func (s *stream) envelope(message string) bool {
	s.out.Reset()
	s.out.WriteString(`<?xml version="1.0" encoding="utf-8"?><Envelope xmlns="` + nsSOAP + `"><soap11:Header xmlns:soap11="` + nsSOAP + `">` + s.build.header(s.options.BareVersion) +
		`</soap11:Header><soap11:Body xmlns:soap11="` + nsSOAP + `" xmlns:m="` + nsMessages + `" xmlns:t="` + nsTypes + `">` +
		"<m:GetStreamingEventsResponse><m:ResponseMessages>" + message + "</m:ResponseMessages></m:GetStreamingEventsResponse></soap11:Body></Envelope>")
	if _, err := s.w.Write(s.bend(s.out.Bytes())); err != nil {
		return false
	}
	return http.NewResponseController(s.w).Flush() == nil
}

func (s *stream) message(content string) bool {
	return s.quiet || s.envelope(`<m:GetStreamingEventsResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>`+content+"</m:GetStreamingEventsResponseMessage>")
}

func (s *stream) notification(id, events string) bool {
	return s.message("<m:Notifications><t:Notification><t:SubscriptionId>" + id + "</t:SubscriptionId>" + events + "</t:Notification></m:Notifications>")
}

const (
	connected = "<m:ConnectionStatus>OK</m:ConnectionStatus>"
	closed    = "<m:ConnectionStatus>Closed</m:ConnectionStatus>"
)

// run tells of changes until the time is over, somebody takes over, or the
// client goes.
func (s *stream) run() {
	s.head()
	minutes, _ := strconv.Atoi(s.operation.value("ConnectionTimeout"))
	over := time.NewTimer(s.length(time.Duration(minutes) * time.Minute))
	defer over.Stop()
	beat := time.NewTicker(s.heartbeat())
	defer beat.Stop()
	for alive := s.message(connected); alive; {
		wake, id, ok := s.tell()
		if !ok {
			return
		}
		if id != "" {
			s.envelope(s.errorMessage(fail("ErrorSubscriptionNotFound"), []string{id}))
			return
		}
		alive = s.wait(wake, over.C, beat.C)
	}
}

func (s *stream) length(asked time.Duration) time.Duration {
	if s.options.StreamMS > 0 {
		return time.Duration(s.options.StreamMS) * time.Millisecond
	}
	return asked
}

func (s *stream) heartbeat() time.Duration {
	if s.options.HeartbeatMS > 0 {
		return time.Duration(s.options.HeartbeatMS) * time.Millisecond
	}
	return 30 * time.Second
}

// tell sends what is new, and gives the channels that say when there is more.
// id is a subscription that ended.
func (s *stream) tell() (wake []<-chan struct{}, id string, ok bool) {
	for _, id := range s.ids {
		one, p := s.subscribed.find(id, s.call)
		if p != nil {
			return nil, id, true
		}
		r, _ := s.world.Recipient(one.mailbox)
		wake = append(wake, s.world.Watch(r))
		changes := s.world.Log(r, one.number)
		if len(changes) == 0 {
			continue
		}
		s.subscribed.seen(id, changes[len(changes)-1].Number)
		if events := s.told(one, changes); events != "" && !s.notification(id, events) {
			return nil, "", false
		}
	}
	return wake, "", true
}

func (s *subscriptions) seen(id string, number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one := s.all[id]; one != nil {
		one.number = number
	}
}

// wait returns when there may be something to tell; false ends the stream.
func (s *stream) wait(wake []<-chan struct{}, over, beat <-chan time.Time) bool {
	fixed := []any{s.http.Context().Done(), s.desk.Closed(), over, beat}
	cases := make([]reflect.SelectCase, 0, len(fixed)+len(wake)+len(s.ids))
	for _, channel := range fixed {
		cases = append(cases, reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(channel)})
	}
	for _, id := range s.ids {
		cases = append(cases, reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(s.lost[id])})
	}
	for _, channel := range wake {
		cases = append(cases, reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(channel)})
	}
	chosen, _, _ := reflect.Select(cases)
	switch {
	case chosen < 2:
		return false
	case chosen == 2:
		s.message(closed)
		return false
	case chosen == 3:
		return s.notification(s.ids[0], "<t:StatusEvent/>")
	case chosen < len(fixed)+len(s.ids):
		return s.ended(s.ids[chosen-len(fixed)])
	}
	return true
}

// ended says why a subscription leaves the stream: somebody else streams it, or
// it is no more.
func (s *stream) ended(id string) bool {
	code := "ErrorNewEventStreamConnectionOpened"
	if _, p := s.subscribed.find(id, s.call); p != nil {
		code = p.code
	}
	s.envelope(s.errorMessage(fail(code), []string{id}))
	return false
}

package ews

import (
	"context"
	"errors"
	"sync"
	"time"

	kalends "kalends"
)

// Rooms implements provider.Rooms: what stands in room lists, from 2010 on, and
// what the form names.
func (d *driver) Rooms(ctx context.Context) ([]kalends.Room, error) {
	list, err := d.allRooms(ctx)
	if err == nil && len(list.rooms) == 0 {
		err = list.incomplete()
	}
	if err != nil {
		return nil, err
	}
	return list.rooms, nil
}

// allRooms gives what could be found: rooms that the form names stand in for room
// lists that are not there.
func (d *driver) allRooms(ctx context.Context) (*roomList, error) {
	list := &roomList{}
	if err := d.meet(ctx); err != nil {
		return list, err
	}
	named := roomAddresses(d.credentials[fieldRooms])
	err := d.addListed(ctx, list)
	cause := kalends.CauseOf(err)
	if absent := cause != nil && cause.Key == kalends.CauseRoomsUnavailable; err != nil && (!absent || len(named) == 0) {
		return list, err
	}
	return list, d.addNamed(ctx, named, list)
}

// addListed adds the members of the room lists.
func (d *driver) addListed(ctx context.Context, found *roomList) error {
	a, err := d.callUpTo(ctx, exchange2010, "GetRoomLists", d.credentials[fieldTestEmail], from2010(getRoomLists()))
	if err != nil {
		return d.noRooms(err)
	}
	lists := addressesIn(a.root.child("RoomLists"), "")
	if len(lists) == 0 {
		return d.noRooms(&kalends.Error{Kind: kalends.KindUnsupported, Detail: "no_room_list"})
	}
	for _, list := range lists {
		a, err := d.callUpTo(ctx, exchange2010, "GetRooms", d.credentials[fieldTestEmail], from2010(getRooms(list.Email)))
		if err != nil {
			return d.noRooms(err)
		}
		for _, room := range addressesIn(a.root.child("Rooms"), "Id") {
			found.add(room)
		}
	}
	return nil
}

// from2010 is a body of an operation that 2007 lacks.
func from2010(body string) func(version) string {
	return func(v version) string {
		if v.before(exchange2010) {
			return ""
		}
		return body
	}
}

// meet learns the server's version, unless it is known: room lists exist from
// 2010 on, and the first request of all is one of 2007.
func (d *driver) meet(ctx context.Context) error {
	if d.hasLearned() {
		return nil
	}
	_, err := d.calendarFolder(ctx, d.credentials[fieldTestEmail])
	return err
}

func addressesIn(list *node, below string) []kalends.Room {
	var found []kalends.Room
	for _, n := range list.all() {
		if below != "" {
			n = n.child(below)
		}
		if email := kalends.NormalizeEmail(n.value("EmailAddress")); email != "" {
			found = append(found, kalends.Room{Email: email, Name: n.value("Name")})
		}
	}
	return found
}

// noRooms keeps what concerns the whole connection and calls the rest unavailable rooms.
func (d *driver) noRooms(err error) error {
	switch kind := kalends.KindOf(err); {
	case kind.Temporary(), kind == kalends.KindUnauthorized, impersonationMissing(err):
		return err
	}
	reason := kalends.DetailOf(err)
	if code := codeOf(err); code != "" {
		reason = code
	}
	if errors.Is(err, errNoOperation) {
		reason = "exchange_2007"
	}
	return &kalends.Error{Kind: kalends.KindUnsupported, Op: "exchange.Rooms", Cause: kalends.NewCause(kalends.CauseRoomsUnavailable, "reason", reason), Err: err}
}

// How long a list of rooms tells people from rooms, and how soon it is tried
// again after a passing fault.
const (
	roomsStay  = time.Hour
	roomsRetry = time.Minute
)

// known are the rooms of the room lists and of the form: the directory's answer
// calls a room a mailbox like any other.
type known struct {
	mu     sync.Mutex
	until  time.Time
	emails map[string]bool
}

// isRoom tells whether a mailbox is one of the rooms. They are read once an
// hour for all mailboxes; where they cannot be read there are none. The error is
// one that concerns every request: a refused credential, a withdrawn right, an
// ended context.
func (d *driver) isRoom(ctx context.Context, email string) (bool, error) {
	d.known.mu.Lock()
	defer d.known.mu.Unlock()
	if time.Now().Before(d.known.until) {
		return d.known.emails[email], nil
	}
	list, err := d.allRooms(ctx)
	if ctx.Err() != nil || kalends.KindOf(err) == kalends.KindUnauthorized || impersonationMissing(err) {
		return false, err
	}
	stay := roomsStay
	if kalends.KindOf(err).Temporary() || list.passing {
		stay = roomsRetry
	}
	d.known.until, d.known.emails = time.Now().Add(stay), map[string]bool{}
	for _, room := range list.rooms {
		d.known.emails[room.Email] = true
	}
	return d.known.emails[email], nil
}

func kindOf(room bool) kalends.MailboxKind {
	if room {
		return kalends.MailboxResource
	}
	return kalends.MailboxPerson
}

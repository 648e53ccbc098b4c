package ews

import (
	"context"
	"errors"
	"sync"
	"time"

	kalends "kalends"
)

// Rooms implements provider.Rooms: what stands in room lists, from 2010 on.
func (d *driver) Rooms(ctx context.Context) ([]kalends.Room, error) {
	if err := d.meet(ctx); err != nil {
		return nil, err
	}
	a, err := d.callUpTo(ctx, exchange2010, "GetRoomLists", d.credentials[fieldTestEmail], from2010(getRoomLists()))
	if err != nil {
		return nil, d.noRooms(err)
	}
	lists := addressesIn(a.root.child("RoomLists"), "")
	if len(lists) == 0 {
		return nil, d.noRooms(&kalends.Error{Kind: kalends.KindUnsupported, Detail: "no_room_list"})
	}
	var rooms []kalends.Room
	seen := map[string]bool{}
	for _, list := range lists {
		a, err := d.callUpTo(ctx, exchange2010, "GetRooms", d.credentials[fieldTestEmail], from2010(getRooms(list.Email)))
		if err != nil {
			return nil, d.noRooms(err)
		}
		for _, room := range addressesIn(a.root.child("Rooms"), "Id") {
			if !seen[room.Email] {
				seen[room.Email] = true
				rooms = append(rooms, room)
			}
		}
	}
	return rooms, nil
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

// known are the rooms of the room lists: the directory's answer calls a room a
// mailbox like any other.
type known struct {
	mu     sync.Mutex
	until  time.Time
	emails map[string]bool
}

// isRoom tells whether a mailbox stands in a room list. They are read once an
// hour for all mailboxes; where they cannot be read there are none. The error is
// one that concerns every request: a refused credential, a withdrawn right, an
// ended context.
func (d *driver) isRoom(ctx context.Context, email string) (bool, error) {
	d.known.mu.Lock()
	defer d.known.mu.Unlock()
	if time.Now().Before(d.known.until) {
		return d.known.emails[email], nil
	}
	rooms, err := d.Rooms(ctx)
	if ctx.Err() != nil || kalends.KindOf(err) == kalends.KindUnauthorized || impersonationMissing(err) {
		return false, err
	}
	stay := roomsStay
	if kalends.KindOf(err).Temporary() {
		stay = roomsRetry
	}
	d.known.until, d.known.emails = time.Now().Add(stay), map[string]bool{}
	for _, room := range rooms {
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

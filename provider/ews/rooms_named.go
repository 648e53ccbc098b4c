package ews

import (
	"context"
	"errors"
	"slices"
	"strings"

	kalends "kalends"
)

// Limits of what the form names. Exchange gives 100 members of a group at most.
const (
	maxRoomEntries = 200
	maxRoomGroups  = 50
	maxRoomsTold   = 5 // that are missing
)

// roomList is rooms, and which of the form's entries, or their members, gave none.
type roomList struct {
	rooms   []kalends.Room
	lost    []string // neither a mailbox nor a group, or out of reach
	cut     []string // groups that were not read to their end
	passing bool     // some of it by a fault that may pass
}

func (l *roomList) add(room kalends.Room) {
	if !slices.ContainsFunc(l.rooms, func(r kalends.Room) bool { return r.Email == room.Email }) {
		l.rooms = append(l.rooms, room)
	}
}

func (l *roomList) lose(address string, err error) {
	l.lost = append(l.lost, address)
	l.passing = l.passing || kalends.KindOf(err).Temporary()
}

// incomplete says which entries gave no rooms; nil if all did.
func (l *roomList) incomplete() error {
	if len(l.lost) == 0 && len(l.cut) == 0 {
		return nil
	}
	facts := []string{"reason", "incomplete"}
	if len(l.lost) > 0 {
		facts = append(facts, "address", someOf(l.lost))
	}
	if len(l.cut) > 0 {
		facts = append(facts, "group", someOf(l.cut))
	}
	return &kalends.Error{
		Kind: kalends.KindUnsupported, Op: "exchange.Rooms", Cause: kalends.NewCause(kalends.CauseRoomsUnavailable, facts...),
		Err: errors.New("not every entry of the form is a room or a group"),
	}
}

func someOf(addresses []string) string {
	text := strings.Join(addresses[:min(len(addresses), maxRoomsTold)], ", ")
	if len(addresses) > maxRoomsTold {
		text += ", …"
	}
	return text
}

// roomAddresses gives the form's entries, each once.
func roomAddresses(text string) []string {
	var list []string
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n,;", r) }) {
		if address := kalends.NormalizeEmail(word); !slices.Contains(list, address) {
			list = append(list, address)
		}
	}
	return list
}

func checkRooms(text string) error {
	list := roomAddresses(text)
	if len(list) > maxRoomEntries {
		return errors.New("too many addresses")
	}
	for _, address := range list {
		if !isAddress(address) {
			return errors.New("no e-mail address")
		}
	}
	return nil
}

// addNamed adds the rooms that the form names and the members of its groups. An
// entry that is neither hides no other; an error is everybody's.
func (d *driver) addNamed(ctx context.Context, named []string, list *roomList) error {
	var groups []string
	for _, address := range named {
		hit, err := d.lookUp(ctx, address)
		if err == nil && hit == nil {
			if err = d.addUnlisted(ctx, address, list); err == nil {
				continue
			}
		}
		if everybodys(ctx, err) {
			return err
		}
		if err == nil && hit.group() {
			groups = append(groups, hit.primary)
			continue
		}
		list.addHit(address, hit, err)
	}
	return d.addMembers(ctx, groups, list)
}

func (l *roomList) addHit(address string, hit *entry, err error) {
	if err != nil || !hit.mailbox() {
		l.lose(address, err)
		return
	}
	l.add(kalends.Room{Email: hit.primary, Name: hit.name})
}

// addUnlisted adds a mailbox that the directory hides: its calendar tells that it
// is there. What its own server says is its own matter.
func (d *driver) addUnlisted(ctx context.Context, address string, list *roomList) error {
	_, primary, err := d.folderOf(ctx, address)
	switch kind := kalends.KindOf(err); {
	case err == nil:
		list.add(kalends.Room{Email: primary, Name: primary})
	case kind == kalends.KindThrottled, kind == kalends.KindUnauthorized, ctx.Err() != nil, impersonationMissing(err):
		return err
	default:
		list.lose(address, err)
	}
	return nil
}

// addMembers adds the members of groups and of the groups in them, each once.
func (d *driver) addMembers(ctx context.Context, groups []string, list *roomList) error {
	read := map[string]bool{}
	for ; len(groups) > 0; groups = groups[1:] {
		group := groups[0]
		if read[group] {
			continue
		}
		if read[group] = true; len(read) > maxRoomGroups {
			list.cut = append(list.cut, group)
			continue
		}
		nested, err := d.expand(ctx, group, list)
		if everybodys(ctx, err) {
			return err
		}
		if err != nil {
			list.lose(group, err)
		}
		groups = append(groups, nested...)
	}
	return nil
}

// expand adds a group's own members and gives the groups among them. Whoever is no
// mailbox of this Exchange is no room.
func (d *driver) expand(ctx context.Context, group string, list *roomList) (nested []string, err error) {
	a, err := d.call(ctx, "ExpandDL", d.credentials[fieldTestEmail], expandDL(group))
	if err != nil {
		return nil, err
	}
	members := a.root.find("DLExpansion")
	if members.attr("IncludesLastItemInRange") == "false" {
		list.cut = append(list.cut, group)
	}
	for _, box := range members.all() {
		switch member := readBox(box); {
		case member.primary == "":
			continue
		case member.group():
			nested = append(nested, member.primary)
		case member.mailbox():
			list.add(kalends.Room{Email: member.primary, Name: member.name})
		}
	}
	return nested, nil
}

// everybodys tells an error that says nothing about one address.
func everybodys(ctx context.Context, err error) bool {
	if err == nil {
		return false
	}
	kind := kalends.KindOf(err)
	return ctx.Err() != nil || impersonationMissing(err) || kind == kalends.KindUnauthorized || kind == kalends.KindThrottled ||
		kind.Temporary() && codeOf(err) == ""
}

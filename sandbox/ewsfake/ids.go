package ewsfake

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"kalends/sandbox"
)

func guid(r *sandbox.Recipient) string { return r.GUID() }

// boxOf names a mailbox in ids; a move makes it another one.
func boxOf(r *sandbox.Recipient) string {
	if r.Moves == 0 {
		return guid(r)
	}
	return guid(r) + "-" + strconv.Itoa(r.Moves)
}

// id is what an ItemId or FolderId of ours says.
type id struct {
	box      string // the mailbox's GUID
	folder   string // set for folders
	item     string
	original time.Time // set for an occurrence of a series
}

// itemIDBytes is how long the id of an item is: with a mailbox's GUID and two
// entry ids it has 152 characters. Clients tell ids from names by that.
const itemIDBytes = 114

func (i id) String() string {
	text := "F|" + i.box + "|" + i.folder
	if i.item != "" {
		text = "I|" + i.box + "|" + i.item
	}
	if i.item != "" {
		text += "|"
		if !i.original.IsZero() {
			text += strconv.FormatInt(i.original.Unix(), 10)
		}
		text += "|" + strings.Repeat("A", max(0, itemIDBytes-1-len(text)))
	}
	return base64.StdEncoding.EncodeToString([]byte(text))
}

func parseID(text string) (id, *problem) {
	raw, err := base64.StdEncoding.DecodeString(text)
	parts := strings.Split(string(raw), "|")
	if err != nil || len(parts) < 3 {
		return id{}, fail("ErrorInvalidIdMalformed")
	}
	found := id{box: parts[1]}
	if parts[0] == "F" {
		found.folder = parts[2]
		return found, nil
	}
	found.item = parts[2]
	if len(parts) > 3 && parts[3] != "" {
		seconds, err := strconv.ParseInt(parts[3], 10, 64)
		if err != nil {
			return id{}, fail("ErrorInvalidIdMalformed")
		}
		found.original = time.Unix(seconds, 0).UTC()
	}
	return found, nil
}

func changeKey(i *sandbox.Item) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "DwAA|%s|%d", i.ID, i.Version))
}

func (c *call) idOf(o sandbox.Occurrence) id {
	found := id{box: boxOf(c.acting), item: o.Item.ID}
	if o.Master != nil {
		found.original = o.Original
	}
	return found
}

// version reads a ChangeKey of an item.
func version(key string, item *sandbox.Item) (int, *problem) {
	raw, err := base64.StdEncoding.DecodeString(key)
	parts := strings.Split(string(raw), "|")
	if err != nil || len(parts) != 3 || parts[0] != "DwAA" || parts[1] != item.ID {
		return 0, fail("ErrorInvalidChangeKey")
	}
	number, err := strconv.Atoi(parts[2])
	if err != nil {
		return 0, fail("ErrorInvalidChangeKey")
	}
	return number, nil
}

// idAttribute is where each kind of id keeps it.
func idAttribute(element string) string {
	switch element {
	case "OccurrenceItemId":
		return "RecurringMasterId"
	case "RecurringMasterItemId":
		return "OccurrenceId"
	}
	return "Id"
}

// target finds the item that an ItemId, OccurrenceItemId or
// RecurringMasterItemId names, in the mailbox acted for.
func (c *call) target(n *node) (sandbox.Occurrence, *problem) {
	i, p := parseID(n.attr(idAttribute(n.name)))
	switch {
	case p != nil:
		return sandbox.Occurrence{}, p
	case i.folder != "":
		return sandbox.Occurrence{}, fail("ErrorCannotUseFolderIdForItemId")
	case i.box != boxOf(c.acting) || i.item == "":
		return sandbox.Occurrence{}, fail("ErrorItemNotFound")
	}
	item, err := c.world.Item(c.acting, i.item)
	if err != nil {
		item = c.shelf.item(i.box, i.item)
	}
	if item == nil || err != nil && c.operation.name != "GetItem" {
		return sandbox.Occurrence{}, fail("ErrorItemNotFound")
	}
	return occurrenceOf(n, i, item)
}

func occurrenceOf(n *node, i id, item *sandbox.Item) (sandbox.Occurrence, *problem) {
	switch {
	case n.name == "OccurrenceItemId" && (item.Rule == nil || !i.original.IsZero()):
		return sandbox.Occurrence{}, fail("ErrorCalendarCannotUseIdForRecurringMasterId")
	case n.name == "OccurrenceItemId":
		return byIndex(item, n.attr("InstanceIndex"))
	case n.name == "RecurringMasterItemId" && i.original.IsZero():
		return sandbox.Occurrence{}, fail("ErrorCalendarCannotUseIdForOccurrenceId")
	case n.name == "RecurringMasterItemId", i.original.IsZero():
		return sandbox.Occurrence{Item: item}, nil
	}
	return byOriginal(item, i.original)
}

// byIndex finds the n-th occurrence of a series, from 1.
func byIndex(item *sandbox.Item, text string) (sandbox.Occurrence, *problem) {
	index, err := strconv.Atoi(text)
	if err != nil || index < 1 {
		return sandbox.Occurrence{}, fail("ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange")
	}
	whole, found, there := *item, sandbox.Occurrence{}, false
	whole.Exceptions = nil
	whole.Occurrences(func(o sandbox.Occurrence) bool {
		if o.Index == index {
			found, there = o, true
		}
		return !there
	})
	if !there {
		return found, fail("ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange")
	}
	o, p := byOriginal(item, found.Original)
	if p != nil {
		return o, fail("ErrorCalendarOccurrenceIsDeletedFromRecurrence")
	}
	return o, nil
}

func byOriginal(item *sandbox.Item, original time.Time) (found sandbox.Occurrence, p *problem) {
	p = fail("ErrorItemNotFound")
	item.Occurrences(func(o sandbox.Occurrence) bool {
		if o.Original.Equal(original) {
			found, p = o, nil
		}
		return o.Original.Before(original)
	})
	return found, p
}

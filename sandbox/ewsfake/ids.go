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

// id is what an ItemId or FolderId of ours says.
type id struct {
	box      string // the mailbox's GUID
	folder   string // set for folders
	item     string
	original time.Time // set for an occurrence of a series
}

func (i id) String() string {
	text := "F|" + i.box + "|" + i.folder
	if i.item != "" {
		text = "I|" + i.box + "|" + i.item
	}
	if !i.original.IsZero() {
		text += "|" + strconv.FormatInt(i.original.Unix(), 10)
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
	if len(parts) > 3 {
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
	found := id{box: guid(c.acting), item: o.Item.ID}
	if o.Master != nil {
		found.original = o.Original
	}
	return found
}

// target finds the item that an ItemId, OccurrenceItemId or
// RecurringMasterItemId names, in the mailbox acted for.
func (c *call) target(n *node) (sandbox.Occurrence, *problem) {
	name := map[string]string{"OccurrenceItemId": "RecurringMasterId", "RecurringMasterItemId": "OccurrenceId"}[n.name]
	if name == "" {
		name = "Id"
	}
	i, p := parseID(n.attr(name))
	if p != nil {
		return sandbox.Occurrence{}, p
	}
	if i.box != guid(c.acting) || i.item == "" {
		return sandbox.Occurrence{}, fail("ErrorItemNotFound")
	}
	item, err := c.world.Item(c.acting, i.item)
	if err != nil {
		return sandbox.Occurrence{}, fail("ErrorItemNotFound")
	}
	if n.name == "OccurrenceItemId" {
		return byIndex(item, n.attr("InstanceIndex"))
	}
	if n.name == "RecurringMasterItemId" || i.original.IsZero() {
		return sandbox.Occurrence{Item: item}, nil
	}
	return byOriginal(item, i.original)
}

func byIndex(item *sandbox.Item, text string) (found sandbox.Occurrence, p *problem) {
	index, _ := strconv.Atoi(text)
	p = fail("ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange")
	item.Occurrences(func(o sandbox.Occurrence) bool {
		switch {
		case o.Master == nil:
			p = fail("ErrorCalendarIsNotRecurringMaster")
		case o.Index == index:
			found, p = o, nil
		case o.Index > index:
			p = fail("ErrorCalendarOccurrenceIsDeletedFromRecurrence")
		}
		return o.Index < index
	})
	return found, p
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

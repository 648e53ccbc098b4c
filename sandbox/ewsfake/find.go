package ewsfake

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"kalends/sandbox"
)

// findCountLimit is EWSFindCountLimit's default.
const findCountLimit = 1000

func (c *call) page(total int, last bool) {
	fmt.Fprintf(&c.out, `<m:RootFolder TotalItemsInView="%d" IncludesLastItemInRange="%t">`, total, last)
}

func (c *call) findItem() *problem {
	if view := c.operation.child("CalendarView"); view != nil && (c.operation.child("Restriction") != nil || c.operation.child("SortOrder") != nil) {
		return fail("ErrorUnsupportedQueryFilter")
	}
	c.begin("FindItem")
	for _, n := range c.operation.child("ParentFolderIds").children() {
		folder, p := c.folder(n)
		var found []sandbox.Occurrence
		total, next := 0, 0
		if p == nil && folder == "calendar" {
			found, total, next, p = c.found()
		}
		if p != nil {
			c.failure("FindItem", p, "")
			continue
		}
		c.writeFound(found, total, next)
	}
	return c.end("FindItem")
}

// found gives the items of the page, the whole count, and where the next page
// starts (0: this is the last).
func (c *call) found() ([]sandbox.Occurrence, int, int, *problem) {
	if view := c.operation.child("CalendarView"); view != nil {
		return c.view(view)
	}
	items, p := c.filtered()
	if p != nil {
		return nil, 0, 0, p
	}
	slices.SortStableFunc(items, func(a, b sandbox.Occurrence) int { return a.Item.Start.Compare(b.Item.Start) })
	total, offset, size := len(items), 0, findCountLimit
	if paging := c.operation.child("IndexedPageItemView"); paging != nil {
		offset, _ = strconv.Atoi(paging.attr("Offset"))
		if n, err := strconv.Atoi(paging.attr("MaxEntriesReturned")); err == nil && n > 0 {
			size = min(size, n)
		}
	}
	items = items[min(max(offset, 0), total):]
	if len(items) > size {
		return items[:size], total, offset + size, nil
	}
	return items, total, 0, nil
}

func (c *call) view(view *node) ([]sandbox.Occurrence, int, int, *problem) {
	start, _, ok := parseTime(view.attr("StartDate"), c.place)
	end, _, ok2 := parseTime(view.attr("EndDate"), c.place)
	switch {
	case !ok || !ok2:
		return nil, 0, 0, fail("ErrorInvalidRequest")
	case end.Before(start):
		return nil, 0, 0, fail("ErrorCalendarEndDateIsEarlierThanStartDate")
	case end.After(start.AddDate(2, 0, 0)):
		return nil, 0, 0, fail("ErrorCalendarViewRangeTooBig")
	}
	found := c.world.View(c.acting, start, end)
	limit := findCountLimit
	if n, err := strconv.Atoi(view.attr("MaxEntriesReturned")); err == nil {
		if n <= 0 {
			return nil, 0, 0, fail("ErrorInvalidPagingMaxRows")
		}
		if n < limit {
			limit = n
		}
	}
	total := len(found)
	if total > limit {
		return found[:limit], total, -1, nil
	}
	return found, total, 0, nil
}

func (c *call) writeFound(found []sandbox.Occurrence, total, next int) {
	c.success("FindItem")
	offset := ""
	if next > 0 {
		offset = fmt.Sprintf(` IndexedPagingOffset="%d"`, next)
	} else if c.operation.child("IndexedPageItemView") != nil {
		offset = fmt.Sprintf(` IndexedPagingOffset="%d"`, total)
	}
	fmt.Fprintf(&c.out, `<m:RootFolder%s TotalItemsInView="%d" IncludesLastItemInRange="%t"><t:Items>`, offset, total, next == 0)
	s := c.shape(false)
	for _, o := range found {
		c.writeItem(o, s)
	}
	c.out.WriteString("</t:Items></m:RootFolder></m:FindItemResponseMessage>")
}

// filtered are singles and masters that the Restriction lets through.
func (c *call) filtered() ([]sandbox.Occurrence, *problem) {
	restriction := c.operation.child("Restriction")
	var found []sandbox.Occurrence
	for _, item := range c.world.Items(c.acting) {
		match, p := true, (*problem)(nil)
		if restriction != nil {
			match, p = matchItem(restriction.kids[0], item)
		}
		if p != nil {
			return nil, p
		}
		if match {
			found = append(found, sandbox.Occurrence{Item: item})
		}
	}
	return found, nil
}

func matchItem(n *node, item *sandbox.Item) (bool, *problem) {
	switch n.name {
	case "And", "Or":
		return matchAll(n, item)
	case "Not":
		match, p := matchItem(n.kids[0], item)
		return !match, p
	case "Exists":
		value, p := field(n.kids[0], item)
		return value != "", p
	case "IsEqualTo", "IsNotEqualTo", "IsGreaterThan", "IsGreaterThanOrEqualTo", "IsLessThan", "IsLessThanOrEqualTo", "Contains":
		value, p := field(n.kids[0], item)
		return compare(n.name, value, findConstant(n)), p
	}
	return false, fail("ErrorUnsupportedQueryFilter")
}

func matchAll(n *node, item *sandbox.Item) (bool, *problem) {
	for _, kid := range n.kids {
		match, p := matchItem(kid, item)
		if p != nil || match == (n.name == "Or") {
			return match, p
		}
	}
	return n.name == "And", nil
}

func field(n *node, item *sandbox.Item) (string, *problem) {
	if n.name == "ExtendedFieldURI" {
		return item.Props[propKey(n)], nil
	}
	switch n.attr("FieldURI") {
	case "item:Subject":
		return item.Subject, nil
	case "calendar:UID":
		return item.UID, nil
	case "calendar:Location":
		return item.Location, nil
	case "calendar:Start":
		return stamp(item.Start), nil
	case "calendar:End":
		return stamp(item.End), nil
	case "item:ItemClass":
		return "IPM.Appointment", nil
	case "item:LastModifiedTime":
		return stamp(item.Modified), nil
	case "item:DateTimeCreated":
		return stamp(item.Created), nil
	}
	return "", fail("ErrorUnsupportedPathForQuery")
}

func compare(how, value, constant string) bool {
	if t, _, ok := parseTime(constant, time.UTC); ok {
		constant = stamp(t)
	}
	switch how {
	case "Contains":
		return strings.Contains(strings.ToLower(value), strings.ToLower(constant))
	case "IsEqualTo":
		return value == constant
	case "IsNotEqualTo":
		return value != constant
	case "IsGreaterThan":
		return value > constant
	case "IsGreaterThanOrEqualTo":
		return value >= constant
	case "IsLessThan":
		return value < constant
	}
	return value <= constant
}

func (c *call) getItem() *problem {
	c.begin("GetItem")
	s := c.shape(true)
	for _, n := range c.operation.child("ItemIds").children() {
		o, p := c.target(n)
		if p != nil {
			c.failure("GetItem", p, "<m:Items/>")
			continue
		}
		c.success("GetItem")
		c.out.WriteString("<m:Items>")
		c.writeItem(o, s)
		c.out.WriteString("</m:Items></m:GetItemResponseMessage>")
	}
	return c.end("GetItem")
}

// syncItems reports singles and masters only. The state is the number of the
// last change seen, or how far the first walk came.
func (c *call) syncItems() *problem {
	c.begin("SyncFolderItems")
	folder, p := c.folder(firstKid(c.operation.child("SyncFolderId")))
	limit, _ := strconv.Atoi(c.operation.value("MaxChangesReturned"))
	if p == nil && (limit < 1 || limit > 512) {
		p = fail("ErrorInvalidSyncStateData")
	}
	walk, number, ok := c.syncState(c.operation.value("SyncState"))
	if p == nil && !ok {
		p = fail("ErrorInvalidSyncStateData")
	}
	if p != nil {
		c.failure("SyncFolderItems", p, "<m:SyncState/><m:IncludesLastItemInRange>true</m:IncludesLastItemInRange>")
		return c.end("SyncFolderItems")
	}
	if folder == "calendar" {
		c.syncPage(walk, number, limit)
	} else {
		c.syncEnd(0, 0, true, nil)
	}
	return c.end("SyncFolderItems")
}

func firstKid(n *node) *node {
	if len(n.children()) == 0 {
		return nil
	}
	return n.kids[0]
}

func (c *call) syncState(text string) (walk, number int, ok bool) {
	if text == "" {
		_, number = c.world.Changes(c.acting, 0)
		return 0, number, true
	}
	i, p := parseID(text)
	if p != nil || i.box != guid(c.acting) {
		return 0, 0, false
	}
	n, err := fmt.Sscanf(i.folder, "sync-%d-%d", &walk, &number)
	return walk, number, err == nil && n == 2
}

func (c *call) syncPage(walk, number, limit int) {
	type entry struct {
		kind string
		item *sandbox.Item
	}
	var page []entry
	if walk >= 0 {
		items := c.world.Items(c.acting)
		rest := items[min(walk, len(items)):]
		for _, item := range rest[:min(limit, len(rest))] {
			page = append(page, entry{"Create", item})
		}
		walk += len(page)
		last := len(rest) <= limit
		if last {
			walk = -1
		}
		c.syncEnd(walk, number, last, func() {
			for _, e := range page {
				c.syncEntry(e.kind, e.item)
			}
		})
		return
	}
	changes, upTo := c.world.Changes(c.acting, number)
	last := len(changes) <= limit
	if !last {
		changes = changes[:limit]
		upTo = changes[limit-1].Number
	}
	c.syncEnd(-1, upTo, last, func() {
		for _, change := range changes {
			c.syncChange(change)
		}
	})
}

func (c *call) syncChange(change sandbox.Change) {
	item, err := c.world.Item(c.acting, change.ID)
	switch {
	case err != nil:
		gone := id{box: guid(c.acting), item: change.ID}
		c.out.WriteString(`<t:Delete><t:ItemId Id="` + gone.String() + `" ChangeKey="DwAA"/></t:Delete>`)
	case change.Kind == "created":
		c.syncEntry("Create", item)
	default:
		c.syncEntry("Update", item)
	}
}

func (c *call) syncEntry(kind string, item *sandbox.Item) {
	c.out.WriteString("<t:" + kind + ">")
	c.writeItem(sandbox.Occurrence{Item: item}, c.shape(false))
	c.out.WriteString("</t:" + kind + ">")
}

func (c *call) syncEnd(walk, number int, last bool, entries func()) {
	state := id{box: guid(c.acting), folder: fmt.Sprintf("sync-%d-%d", walk, number)}
	c.success("SyncFolderItems")
	c.out.WriteString("<m:SyncState>" + state.String() + "</m:SyncState><m:IncludesLastItemInRange>" + strconv.FormatBool(last) + "</m:IncludesLastItemInRange><m:Changes>")
	if entries != nil {
		entries()
	}
	c.out.WriteString("</m:Changes></m:SyncFolderItemsResponseMessage>")
}

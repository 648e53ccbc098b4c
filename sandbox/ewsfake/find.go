package ewsfake

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"kalends/sandbox"
)

func (c *call) page(total int, last bool) {
	fmt.Fprintf(&c.out, `<m:RootFolder TotalItemsInView="%d" IncludesLastItemInRange="%t">`, total, last)
}

func (c *call) findItem() *problem {
	if view := c.operation.child("CalendarView"); view != nil && (c.operation.child("Restriction") != nil || c.operation.child("SortOrder") != nil) {
		return fail("ErrorUnsupportedQueryFilter")
	}
	return c.each("FindItem", c.operation.child("ParentFolderIds"), "", func(n *node) *problem {
		folder, p := c.folder(n)
		var found []sandbox.Occurrence
		total, next := 0, 0
		switch {
		case p != nil:
		case folder == "calendar":
			found, total, next, p = c.found()
		case c.operation.child("CalendarView") != nil:
			p = fail("ErrorCalendarFolderIsInvalidForCalendarView")
		}
		if p == nil {
			c.writeFound(found, total, next)
		}
		return p
	})
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
	if p := sorted(items, c.operation.child("SortOrder")); p != nil {
		return nil, 0, 0, p
	}
	total, offset, size := len(items), 0, c.findLimit()
	paging := c.operation.child("IndexedPageItemView")
	if paging == nil && size > 0 && total > size {
		return nil, 0, 0, fail("ErrorExceededFindCountLimit")
	}
	if size == 0 {
		size = total
	}
	if paging != nil {
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

// sorted puts items into the order asked for, or that of their starts.
func sorted(items []sandbox.Occurrence, order *node) *problem {
	slices.SortStableFunc(items, func(a, b sandbox.Occurrence) int { return a.Item.Start.Compare(b.Item.Start) })
	for _, by := range slices.Backward(order.children()) {
		if _, p := field(by.kids[0], &sandbox.Item{}); p != nil {
			return p
		}
		sign := map[string]int{"Ascending": 1, "Descending": -1}[by.attr("Order")]
		slices.SortStableFunc(items, func(a, b sandbox.Occurrence) int {
			one, _ := field(by.kids[0], a.Item)
			other, _ := field(by.kids[0], b.Item)
			return sign * inOrder(one, other)
		})
	}
	return nil
}

// inOrder compares numbers as numbers.
func inOrder(one, other string) int {
	a, err := strconv.Atoi(one)
	b, err2 := strconv.Atoi(other)
	if err == nil && err2 == nil {
		return cmp.Compare(a, b)
	}
	return cmp.Compare(one, other)
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
	if c.bent(bendNoExpansion) {
		found = c.unexpanded(start, end)
	}
	limit := c.findLimit()
	if n, err := strconv.Atoi(view.attr("MaxEntriesReturned")); err == nil {
		if n <= 0 {
			return nil, 0, 0, fail("ErrorInvalidPagingMaxRows")
		}
		if n < limit || limit == 0 {
			limit = n
		}
	}
	total := len(found)
	if limit > 0 && total > limit {
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
		return propOf(item, propKey(n)), nil
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
	s := c.shape(true)
	return c.each("GetItem", c.operation.child("ItemIds"), "<m:Items/>", func(n *node) *problem {
		o, p := c.target(n)
		if p != nil {
			return p
		}
		c.success("GetItem")
		c.out.WriteString("<m:Items>")
		c.writeItem(o, s)
		c.out.WriteString("</m:Items></m:GetItemResponseMessage>")
		return nil
	})
}

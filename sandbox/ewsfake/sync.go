package ewsfake

import (
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"

	"kalends/sandbox"
)

// syncState is what a SyncState says: how far the first walk over the folder
// came, and the last change that counts as seen.
type syncState struct {
	box, folder string
	walked      string // id of the last item of the walk; "" = not begun
	done        bool   // the walk is over
	number      int
}

// String is opaque and long, as the real one: clients that cut it, or keep it
// in a short column, find out.
func (s syncState) String() string {
	text := strings.Join([]string{"S", s.box, s.folder, s.walked, strconv.FormatBool(s.done), strconv.Itoa(s.number)}, "|")
	filler := make([]byte, 1800+s.number%7*100)
	seed := digest(text)
	for n := range filler {
		seed = seed*6364136223846793005 + 1442695040888963407
		filler[n] = byte(seed >> 56)
	}
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s|%016x|%s", text, digest(text+string(filler)), filler))
}

func digest(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text))
	return h.Sum64()
}

func readSyncState(text string) (syncState, bool) {
	raw, err := base64.StdEncoding.DecodeString(text)
	parts := strings.SplitN(string(raw), "|", 8)
	if err != nil || len(parts) != 8 || parts[0] != "S" {
		return syncState{}, false
	}
	number, err := strconv.Atoi(parts[5])
	s := syncState{box: parts[1], folder: parts[2], walked: parts[3], done: parts[4] == "true", number: number}
	return s, err == nil && s.String() == text
}

const syncTail = "<m:SyncState/><m:IncludesLastItemInRange>true</m:IncludesLastItemInRange>"

// syncItems reports singles and masters only, IncludesLastItemInRange when
// there is no more.
func (c *call) syncItems() *problem {
	c.begin("SyncFolderItems")
	p := c.inMessage()
	if p == nil {
		p = c.sync()
	}
	if p != nil {
		c.failure("SyncFolderItems", p, syncTail)
	}
	return c.end("SyncFolderItems")
}

func (c *call) sync() *problem {
	if c.operation.value("ItemShape", "IncludeMimeContent") == "true" {
		return fail("ErrorInvalidPropertyForOperation")
	}
	folder, p := c.folder(firstKid(c.operation.child("SyncFolderId")))
	if p != nil {
		return p
	}
	limit, _ := strconv.Atoi(c.operation.value("MaxChangesReturned"))
	state, p := c.stateOf(folder)
	if p != nil {
		return p
	}
	if folder != "calendar" {
		c.syncPage(syncState{box: boxOf(c.acting), folder: folder, done: true}, true, nil)
		return nil
	}
	if !state.done {
		c.walk(state, limit)
		return nil
	}
	c.changes(state, limit)
	return nil
}

func firstKid(n *node) *node {
	if len(n.children()) == 0 {
		return nil
	}
	return n.kids[0]
}

func (c *call) stateOf(folder string) (syncState, *problem) {
	_, newest := c.world.Changes(c.acting, 0)
	text := c.operation.value("SyncState")
	if text == "" {
		return syncState{box: boxOf(c.acting), folder: folder, number: newest}, nil
	}
	state, ok := readSyncState(text)
	dead := !ok || state.box != boxOf(c.acting) || state.number > newest
	if dead && c.bent(bendSilentState) {
		return syncState{box: boxOf(c.acting), folder: folder, done: true, number: newest}, nil
	}
	if !ok || c.deadState || state.box != boxOf(c.acting) || state.folder != folder || state.number > newest {
		return syncState{}, fail("ErrorInvalidSyncStateData")
	}
	return state, nil
}

// walk is one page of the first run: newest first from 2010 SP2 on, before
// that oldest first.
func (c *call) walk(state syncState, limit int) {
	items := slices.Clone(c.world.Items(c.acting))
	newestFirst := c.build.level >= level2010SP2
	slices.SortStableFunc(items, func(a, b *sandbox.Item) int {
		if newestFirst {
			a, b = b, a
		}
		return compareMade(a.ID, b.ID)
	})
	if state.walked != "" {
		items = slices.DeleteFunc(items, func(i *sandbox.Item) bool {
			order := compareMade(i.ID, state.walked)
			return order == 0 || order < 0 != newestFirst
		})
	}
	state.done = len(items) <= limit
	items = items[:min(limit, len(items))]
	if len(items) > 0 {
		state.walked = items[len(items)-1].ID
	}
	c.syncPage(state, state.done, func() {
		for _, item := range items {
			c.syncEntry("Create", item)
		}
	})
}

// compareMade orders item ids by when they were made: g of the start, n later.
func compareMade(a, b string) int {
	if a[0] != b[0] {
		return strings.Compare(a[:1], b[:1])
	}
	x, _ := strconv.Atoi(a[1:])
	y, _ := strconv.Atoi(b[1:])
	return x - y
}

// changes are what happened since a state, one entry an item.
func (c *call) changes(state syncState, limit int) {
	changes, newest := c.world.Changes(c.acting, state.number)
	last := len(changes) <= limit
	state.number = newest
	if !last {
		changes = changes[:limit]
		state.number = changes[limit-1].Number
	}
	c.syncPage(state, last, func() {
		for _, change := range changes {
			c.syncChange(change)
		}
	})
}

func (c *call) syncChange(change sandbox.Change) {
	item, err := c.world.Item(c.acting, change.ID)
	switch {
	case err != nil:
		gone := id{box: boxOf(c.acting), item: change.ID}
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

func (c *call) syncPage(state syncState, last bool, entries func()) {
	c.success("SyncFolderItems")
	c.out.WriteString("<m:SyncState>" + state.String() + "</m:SyncState><m:IncludesLastItemInRange>" + strconv.FormatBool(last) + "</m:IncludesLastItemInRange><m:Changes>")
	if entries != nil {
		entries()
	}
	c.out.WriteString("</m:Changes></m:SyncFolderItemsResponseMessage>")
}

package ewsfake_test

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"kalends/sandbox"
)

// bent plants bends for the next request and asks.
func (c *client) bent(kind, operation string) (int, string) {
	c.t.Helper()
	c.server.Desk().AddFault(sandbox.Fault{Provider: "exchange", Kind: "bend:" + kind, Count: 1, Target: c.me().Email})
	return c.ask(c.version, c.me().Email, operation)
}

func wellFormed(text string) bool {
	decoder := xml.NewDecoder(strings.NewReader(text))
	for {
		_, err := decoder.Token()
		if err != nil {
			return errors.Is(err, io.EOF)
		}
	}
}

func TestBends(t *testing.T) {
	t.Parallel()
	c := newClient(t, start(t, sandbox.Config{People: 5}))
	id := c.create("SendToNone", oneHour+weekly)
	get := `<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape><m:ItemIds><t:ItemId Id="` + id + `"/></m:ItemIds></m:GetItem>`
	view := `<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI="calendar:CalendarItemType"/></t:AdditionalProperties></m:ItemShape>` +
		`<m:CalendarView StartDate="2030-01-01T00:00:00Z" EndDate="2030-02-01T00:00:00Z"/><m:ParentFolderIds>` + calendarFolder + `</m:ParentFolderIds></m:FindItem>`
	_, straight := c.ask(c.version, c.me().Email, get)
	_, text := c.bent("order", get)
	if strings.Index(text, "<t:Subject>") < strings.Index(text, "<t:Start>") || strings.Index(straight, "<t:Subject>") > strings.Index(straight, "<t:Start>") || !wellFormed(text) {
		t.Errorf("order: %s", text)
	}
	_, text = c.bent("doubled", get)
	if strings.Count(text, "<t:Subject>Runde</t:Subject>") != 2 || !wellFormed(text) {
		t.Errorf("doubled: %s", text)
	}
	_, text = c.bent("offsets,bom", get)
	wants(t, "offsets", text, "<t:Start>2030-01-07T11:00:00+0200<")
	if !strings.HasPrefix(text, "\xEF\xBB\xBF<?xml") {
		t.Errorf("bom: %.20q", text)
	}
	_, text = c.bent("illegal", get)
	wants(t, "illegal", text, "<t:Subject>&#x1F;\x0b&#0;Runde<")
	status, text := c.bent("cut", get)
	if status != 200 || wellFormed(text) || !strings.HasPrefix(text, "<?xml") {
		t.Errorf("cut: %d %s", status, text)
	}
	_, text = c.bent("no_expansion", view)
	if len(idsIn(text)) != 1 || !strings.Contains(text, ">RecurringMaster<") {
		t.Errorf("no expansion: %s", text)
	}
	if _, text := c.ask(c.version, c.me().Email, view); len(idsIn(text)) != 4 {
		t.Errorf("the bend stays: %s", text)
	}
	status, text = c.bent("fault_200", strings.Replace(get, "ItemShape", "ItemShap", 2))
	if status != 200 || !strings.Contains(text, "<s:Fault>") {
		t.Errorf("fault: %d %s", status, text)
	}
	_, text = c.bent("silent_state", `<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:SyncFolderId>`+calendarFolder+`</m:SyncFolderId><m:SyncState>bm8=</m:SyncState><m:MaxChangesReturned>9</m:MaxChangesReturned></m:SyncFolderItems>`)
	wants(t, "silent state", text, ">NoError<", "<m:Changes></m:Changes>")
	_, text = c.bent("strange,zones,status", view)
	wants(t, "strange", text, "<t:BookingItem>", "<t:Unheard ")
	_, text = c.bent("strange,zones,status", get)
	wants(t, "odd values", text, `<t:StartTimeZone Id="Mitteleuropäische Zeit" Name=""`, ">Elsewhere<")
}

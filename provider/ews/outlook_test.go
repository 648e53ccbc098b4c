package ews

import (
	"context"
	"strings"
	"time"

	kalends "kalends"
	"kalends/provider"
)

// Outlook acts as the users of a real server, where no test can reach behind
// EWS: it writes by requests of its own, without our stamp.
type Outlook struct{ driver *driver }

// NewOutlook acts with a driver's credentials.
func NewOutlook(d provider.Driver) Outlook { return Outlook{d.(*driver)} }

// Book creates an item with a status and gives its id.
func (o Outlook) Book(ctx context.Context, email string, draft kalends.Draft, status string) (string, error) {
	calendar, err := o.driver.calendarFolder(ctx, email)
	if err != nil {
		return "", err
	}
	_, v := o.driver.target()
	body := strings.Replace(createItem(v, calendar.ID, draft), stamp(draft.ID), "", 1)
	body = strings.Replace(body, element("LegacyFreeBusyStatus", "Busy"), element("LegacyFreeBusyStatus", status), 1)
	a, err := o.driver.call(ctx, "CreateItem", email, body)
	if err != nil {
		return "", err
	}
	return a.root.find("ItemId").attr("Id"), nil
}

// Move changes an item's times.
func (o Outlook) Move(ctx context.Context, email, id string, start, end time.Time) error {
	set := func(name string, at time.Time) string {
		return `<t:SetItemField><t:FieldURI FieldURI="calendar:` + name + `"/><t:CalendarItem>` + element(name, instant(at)) + `</t:CalendarItem></t:SetItemField>`
	}
	_, err := o.driver.call(ctx, "UpdateItem", email, `<m:UpdateItem ConflictResolution="AlwaysOverwrite" SendMeetingInvitationsOrCancellations="SendToNone">`+
		`<m:ItemChanges><t:ItemChange>`+itemID{id: id}.element()+`<t:Updates>`+set("Start", start)+set("End", end)+`</t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>`)
	return err
}

// Unbook deletes an item; one that is not there is no error.
func (o Outlook) Unbook(ctx context.Context, email, id string) error {
	_, err := o.driver.call(ctx, "DeleteItem", email, deleteItem(itemID{id: id}, false))
	if codeOf(err) == "ErrorItemNotFound" {
		return nil
	}
	return err
}

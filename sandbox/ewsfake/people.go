package ewsfake

import (
	"fmt"
	"strings"

	"kalends/sandbox"
)

// resolveNames matches by prefix of name and addresses; at most 100 hits.
func (c *call) resolveNames() *problem {
	c.begin("ResolveNames")
	entry := strings.ToLower(c.operation.value("UnresolvedEntry"))
	for _, prefix := range []string{"smtp:", "sip:"} {
		entry = strings.TrimPrefix(entry, prefix)
	}
	found := c.world.Recipients(func(r *sandbox.Recipient) bool { return !r.Disabled && matches(r, entry) })
	p := c.inMessage()
	if p == nil && len(found) == 0 {
		p = fail("ErrorNameResolutionNoResults")
	}
	if p != nil {
		c.failure("ResolveNames", p, "")
		return c.end("ResolveNames")
	}
	last := len(found) <= 100
	found = found[:min(len(found), 100)]
	if len(found) > 1 {
		c.out.WriteString(`<m:ResolveNamesResponseMessage ResponseClass="Warning"><m:MessageText>Multiple results were found.</m:MessageText>` +
			`<m:ResponseCode>ErrorNameResolutionMultipleResults</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>`)
	} else {
		c.success("ResolveNames")
	}
	fmt.Fprintf(&c.out, `<m:ResolutionSet TotalItemsInView="%d" IncludesLastItemInRange="%t">`, len(found), last)
	full := c.operation.attr("ReturnFullContactData") == "true"
	for _, r := range found {
		c.out.WriteString("<t:Resolution>")
		c.mailbox("Mailbox", r)
		if full {
			c.contact(r)
		}
		c.out.WriteString("</t:Resolution>")
	}
	c.out.WriteString("</m:ResolutionSet></m:ResolveNamesResponseMessage>")
	return c.end("ResolveNames")
}

func matches(r *sandbox.Recipient, entry string) bool {
	if strings.HasPrefix(strings.ToLower(r.Name), entry) || strings.HasPrefix(strings.ToLower(r.Email), entry) {
		return true
	}
	for _, alias := range r.Aliases {
		if strings.HasPrefix(strings.ToLower(alias), entry) {
			return true
		}
	}
	return false
}

func mailboxType(r *sandbox.Recipient) string {
	switch r.Kind {
	case sandbox.Group, sandbox.RoomList:
		return "PublicDL"
	case sandbox.Elsewhere:
		return "Contact"
	case sandbox.Person, sandbox.Room, sandbox.NoMailbox, sandbox.Service:
	}
	return "Mailbox"
}

func (c *call) mailbox(name string, r *sandbox.Recipient) {
	c.out.WriteString("<t:" + name + ">")
	c.el("Name", r.Name)
	c.el("EmailAddress", r.Email)
	c.el("RoutingType", "SMTP")
	c.el("MailboxType", mailboxType(r))
	c.out.WriteString("</t:" + name + ">")
}

// contact is the directory's data: proxies stand as SMTP: (primary) and smtp:.
func (c *call) contact(r *sandbox.Recipient) {
	c.out.WriteString("<t:Contact>")
	c.el("DisplayName", r.Name)
	first, rest, _ := strings.Cut(r.Name, " ")
	c.el("GivenName", first)
	c.out.WriteString(`<t:EmailAddresses><t:Entry Key="EmailAddress1">SMTP:` + escape(r.Email) + "</t:Entry>")
	for i, alias := range r.Aliases[:min(len(r.Aliases), 2)] {
		fmt.Fprintf(&c.out, `<t:Entry Key="EmailAddress%d">smtp:%s</t:Entry>`, i+2, escape(alias))
	}
	c.out.WriteString("</t:EmailAddresses>")
	c.el("ContactSource", "ActiveDirectory")
	if r.Department != "" {
		c.el("Department", r.Department)
	}
	if r.Kind == sandbox.Room {
		c.el("OfficeLocation", r.Building+" "+r.Floor)
	}
	if rest != "" {
		c.el("Surname", rest)
	}
	if c.level >= 5 {
		c.el("DirectoryId", "<GUID="+guid(r)+">")
	}
	c.out.WriteString("</t:Contact>")
}

// expandDL lists the members of a distribution group, 100 at most.
func (c *call) expandDL() *problem {
	c.begin("ExpandDL")
	list, _ := c.world.Recipient(c.operation.value("Mailbox", "EmailAddress"))
	p := c.inMessage()
	if p == nil && (list == nil || list.Kind != sandbox.Group && list.Kind != sandbox.RoomList) {
		p = fail("ErrorNameResolutionNoResults")
	}
	if p != nil {
		c.failure("ExpandDL", p, "")
		return c.end("ExpandDL")
	}
	members := list.Members[:min(len(list.Members), 100)]
	c.success("ExpandDL")
	fmt.Fprintf(&c.out, `<m:DLExpansion TotalItemsInView="%d" IncludesLastItemInRange="%t">`, len(list.Members), len(members) == len(list.Members))
	for _, email := range members {
		if r, _ := c.world.Recipient(email); r != nil {
			c.mailbox("Mailbox", r)
		}
	}
	c.out.WriteString("</m:DLExpansion></m:ExpandDLResponseMessage>")
	return c.end("ExpandDL")
}

func (c *call) roomLists() *problem {
	if c.acting.Kind == sandbox.NoMailbox {
		return fail("ErrorNonExistentMailbox")
	}
	c.out.WriteString(`<m:GetRoomListsResponse ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode><m:RoomLists>`)
	for _, r := range c.world.Recipients(func(r *sandbox.Recipient) bool { return r.Kind == sandbox.RoomList }) {
		c.mailbox("Address", r)
	}
	c.out.WriteString("</m:RoomLists></m:GetRoomListsResponse>")
	return nil
}

func (c *call) rooms() *problem {
	list, _ := c.world.Recipient(c.operation.value("RoomList", "EmailAddress"))
	if list == nil || list.Kind != sandbox.RoomList {
		p := fail("ErrorNameResolutionNoResults")
		c.out.WriteString(`<m:GetRoomsResponse ResponseClass="Error">` + p.body() + `</m:GetRoomsResponse>`)
		return nil
	}
	c.out.WriteString(`<m:GetRoomsResponse ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode><m:Rooms>`)
	for _, email := range list.Members {
		if r, _ := c.world.Recipient(email); r != nil && !r.Disabled {
			c.out.WriteString("<t:Room>")
			c.mailbox("Id", r)
			c.out.WriteString("</t:Room>")
		}
	}
	c.out.WriteString("</m:Rooms></m:GetRoomsResponse>")
	return nil
}

package ewsfake

import (
	"slices"
	"strings"
	"time"
)

// folders are what each mailbox has.
var folders = map[string]folderKind{
	"calendar":      {"Kalender", "IPF.Appointment", "CalendarFolder"},
	"msgfolderroot": {"Oberste Ebene des Informationsspeichers", "IPF.Note", "Folder"},
	"root":          {"", "", "Folder"},
	"inbox":         {"Posteingang", "IPF.Note", "Folder"},
	"sentitems":     {"Gesendete Elemente", "IPF.Note", "Folder"},
	"deleteditems":  {"Gelöschte Elemente", "IPF.Note", "Folder"},
	"drafts":        {"Entwürfe", "IPF.Note", "Folder"},
	"outbox":        {"Postausgang", "IPF.Note", "Folder"},
	"contacts":      {"Kontakte", "IPF.Contact", "ContactsFolder"},
	"tasks":         {"Aufgaben", "IPF.Task", "TasksFolder"},
	"junkemail":     {"Junk-E-Mail", "IPF.Note", "Folder"},
}

func (c *call) getFolder() *problem {
	all := c.operation.value("FolderShape", "BaseShape") != "IdOnly"
	return c.each("GetFolder", c.operation.child("FolderIds"), "<m:Folders/>", func(n *node) *problem {
		name, p := c.folder(n)
		if p != nil {
			return p
		}
		c.success("GetFolder")
		c.out.WriteString("<m:Folders>")
		c.writeFolder(name, all || c.operation.child("FolderShape").child("AdditionalProperties") != nil)
		c.out.WriteString("</m:Folders></m:GetFolderResponseMessage>")
		return nil
	})
}

// folder finds which folder of the mailbox a request names. A distinguished
// folder with a Mailbox is delegate access: only one's own is allowed here.
func (c *call) folder(n *node) (string, *problem) {
	if n == nil || c.acting == nil || !c.acting.HasMailbox() {
		return "", fail("ErrorNonExistentMailbox")
	}
	if n.name == "DistinguishedFolderId" {
		owner := n.value("Mailbox", "EmailAddress")
		if r, _ := c.world.Recipient(owner); owner != "" && r != c.acting {
			return "", fail("ErrorAccessDenied")
		}
		if _, known := folders[n.attr("Id")]; !known {
			return "", fail("ErrorFolderNotFound")
		}
		return n.attr("Id"), nil
	}
	i, p := parseID(n.attr("Id"))
	if p != nil {
		return "", p
	}
	if i.item != "" {
		return "", fail("ErrorCannotUseItemIdForFolderId")
	}
	if i.box != boxOf(c.acting) && c.build.level < level2010 {
		return "", &problem{code: "ErrorNonExistentMailbox", text: "No mailbox with such guid."} // as recorded from 2007
	}
	if _, _, known := c.described(i.folder); !known || i.box != boxOf(c.acting) {
		return "", fail("ErrorItemNotFound")
	}
	return i.folder, nil
}

func (c *call) writeFolder(name string, all bool) {
	f, parent, _ := c.described(name)
	c.out.WriteString("<t:" + f.element + ">")
	c.folderID("FolderId", name)
	if all {
		if name != "root" {
			c.folderID("ParentFolderId", parent)
		}
		if f.class != "" {
			c.el("FolderClass", f.class)
		}
		c.el("DisplayName", f.name)
		c.el("TotalCount", "0")
		c.el("ChildFolderCount", "0")
		c.folderProps(name)
		c.rights(true)
	}
	c.out.WriteString("</t:" + f.element + ">")
}

// folderProps are properties of MAPI that clients ask of a folder: its class
// and name, and times that move with each change in it (PR_LAST_MODIFICATION_TIME,
// PR_LOCAL_COMMIT_TIME, PR_LOCAL_COMMIT_TIME_MAX).
func (c *call) folderProps(name string) {
	changes := 0
	if name == "calendar" {
		_, changes = c.world.Changes(c.acting, 0)
	}
	kind, _, _ := c.described(name)
	changed := stamp(time.Date(2020, 1, 1, 0, 0, changes, 0, time.UTC))
	values := map[string]string{
		"||0x3613|||String": kind.class, "||0x3001|||String": kind.name,
		"||0x3008|||SystemTime": changed, "||0x6709|||SystemTime": changed, "||0x670a|||SystemTime": changed,
	}
	for _, path := range c.operation.child("FolderShape").child("AdditionalProperties").children() {
		if path.name == "ExtendedFieldURI" {
			c.extended(propKey(path), values[propKey(path)])
		}
	}
}

// described tells of a folder that each mailbox has, or that a client made.
func (c *call) described(name string) (kind folderKind, parent string, known bool) {
	if kind, known := folders[name]; known {
		return kind, parentOf(name), true
	}
	return c.shelf.get(boxOf(c.acting), name)
}

func parentOf(name string) string {
	if name == "msgfolderroot" {
		return "root"
	}
	return "msgfolderroot"
}

func (c *call) folderID(element, name string) {
	c.out.WriteString("<t:" + element + ` Id="` + id{box: boxOf(c.acting), folder: name}.String() + `" ChangeKey="AQAAAA=="/>`)
}

func (c *call) rights(folder bool) {
	c.out.WriteString("<t:EffectiveRights>")
	for _, name := range []string{"CreateAssociated", "CreateContents", "CreateHierarchy"} {
		c.flag(name, folder)
	}
	for _, name := range []string{"Delete", "Modify", "Read"} {
		c.flag(name, true)
	}
	c.out.WriteString("</t:EffectiveRights>")
}

// findFolder lists the folders below; a Restriction on FolderClass or
// DisplayName is honoured.
func (c *call) findFolder() *problem {
	fits := c.fitting(c.operation.child("Restriction"))
	deep := c.operation.attr("Traversal") == "Deep"
	return c.each("FindFolder", c.operation.child("ParentFolderIds"), "", func(n *node) *problem {
		parent, p := c.folder(n)
		if p != nil {
			return p
		}
		found := append(foldersBelow(parent, deep), c.shelf.below(boxOf(c.acting), parent)...)
		found = slices.DeleteFunc(found, func(name string) bool { return !fits(name) })
		c.success("FindFolder")
		c.page(len(found), true)
		c.out.WriteString("<t:Folders>")
		for _, name := range found {
			c.writeFolder(name, true)
		}
		c.out.WriteString("</t:Folders></m:RootFolder></m:FindFolderResponseMessage>")
		return nil
	})
}

// fitting is what a Restriction asks of a folder: its name, or how its class starts.
func (c *call) fitting(restriction *node) func(name string) bool {
	value := findConstant(restriction)
	byName := restriction.at("IsEqualTo", "FieldURI").attr("FieldURI") == "folder:DisplayName"
	return func(name string) bool {
		kind, _, _ := c.described(name)
		if byName {
			return strings.EqualFold(kind.name, value)
		}
		return strings.HasPrefix(kind.class, value)
	}
}

func foldersBelow(parent string, deep bool) []string {
	var found []string
	for _, name := range []string{"msgfolderroot", "calendar", "contacts", "deleteditems", "drafts", "inbox", "junkemail", "outbox", "sentitems", "tasks"} {
		if parentOf(name) == parent || parent == "root" && deep {
			found = append(found, name)
		}
	}
	return found
}

func findConstant(n *node) string {
	if n == nil {
		return ""
	}
	if n.name == "Constant" {
		return n.attr("Value")
	}
	for _, kid := range n.kids {
		if value := findConstant(kid); value != "" {
			return value
		}
	}
	return ""
}

// convertID answers with the same id, as all our formats look alike, and with
// whose it is.
func (c *call) convertID() *problem {
	format := c.operation.attr("DestinationFormat")
	return c.each("ConvertId", c.operation.child("SourceIds"), "", func(n *node) *problem {
		if _, p := parseID(n.attr("Id")); p != nil {
			return p
		}
		c.success("ConvertId")
		c.out.WriteString(`<m:AlternateId xsi:type="t:AlternateIdType" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" Format="` + format +
			`" Id="` + n.attr("Id") + `" Mailbox="` + escape(c.acting.Email) + `"/></m:ConvertIdResponseMessage>`)
		return nil
	})
}

package ews

import (
	"context"
	"strings"

	kalends "kalends"
)

// Find implements provider.Driver: the directory says whose address it is, the
// calendar folder proves that the mailbox can be reached.
func (d *driver) Find(ctx context.Context, email string) (kalends.Mailbox, error) {
	email = kalends.NormalizeEmail(email)
	if !isAddress(email) {
		return kalends.Mailbox{}, d.person("Find", email, kalends.KindNotFound, kalends.CauseAccountNotFound)
	}
	hit, err := d.lookUp(ctx, email)
	if err != nil {
		return kalends.Mailbox{}, err
	}
	if hit != nil && !hit.mailbox() {
		return kalends.Mailbox{}, d.notAMailbox(email, hit)
	}
	return d.reach(ctx, email, hit)
}

// lookUp asks the directory, acting for the test mailbox: the service account
// may have none. 2010 SP2 is the first to say DirectoryId. nil if nobody has
// exactly this address.
func (d *driver) lookUp(ctx context.Context, email string) (*entry, error) {
	a, err := d.callUpTo(ctx, exchange2010SP2, "ResolveNames", d.credentials[fieldTestEmail], func(version) string { return resolveNames(email) })
	switch kind := kalends.KindOf(err); {
	case err == nil:
		return exactly(email, entries(a.root)), nil
	case impersonationMissing(err):
		return nil, err
	case kind == kalends.KindNotFound, kind == kalends.KindDenied && codeOf(err) != "":
		return nil, nil // nobody, or the test mailbox is gone: the folder will tell
	}
	return nil, err
}

func (d *driver) notAMailbox(email string, hit *entry) error {
	if hit.elsewhere() {
		return d.person("Find", email, kalends.KindNotFound, kalends.CauseMailboxElsewhere)
	}
	return d.person("Find", email, kalends.KindNotFound, kalends.CauseNotAPerson)
}

func (d *driver) reach(ctx context.Context, email string, hit *entry) (kalends.Mailbox, error) {
	mailbox := kalends.Mailbox{Email: email, MatchedBy: kalends.MatchedPrimary}
	if hit != nil {
		mailbox.ID, mailbox.Name, mailbox.Email = hit.directoryID, hit.name, hit.primary
	}
	room, err := d.isRoom(ctx, mailbox.Email)
	if err != nil {
		return kalends.Mailbox{}, err
	}
	mailbox.Kind = kindOf(room)
	folder, primary, err := d.folderOf(ctx, mailbox.Email)
	if hit != nil && codeOf(err) == "ErrorNonExistentMailbox" {
		return kalends.Mailbox{}, d.person("Find", email, kalends.KindNotFound, kalends.CauseNoMailbox)
	}
	if err != nil {
		return kalends.Mailbox{}, err
	}
	mailbox.Email = primary
	if mailbox.Email != email {
		mailbox.MatchedBy = kalends.MatchedAlias
	}
	mailbox.Server, _ = d.placeOf(primary)
	mailbox.Calendar = &folder
	return mailbox, nil
}

// folderOf gives the calendar folder of a mailbox and its primary address: an
// alias that Exchange refuses is answered with the primary one, tried once.
func (d *driver) folderOf(ctx context.Context, email string) (kalends.RemoteCalendar, string, error) {
	folder, err := d.calendarFolder(ctx, email)
	var primary string
	if codeOf(err) == "ErrorNonPrimarySmtpAddress" {
		primary = primaryIn(err)
	}
	if primary == "" {
		return folder, email, err
	}
	folder, err = d.calendarFolder(ctx, primary)
	return folder, primary, err
}

func (d *driver) calendarFolder(ctx context.Context, email string) (kalends.RemoteCalendar, error) {
	a, err := d.call(ctx, "GetFolder", email, getCalendarFolder())
	if err != nil {
		return kalends.RemoteCalendar{}, err
	}
	return d.readFolder(a)
}

func (d *driver) readFolder(a answer) (kalends.RemoteCalendar, error) {
	folders := a.root.find("Folders").all()
	if len(folders) == 0 || folders[0].child("FolderId").attr("Id") == "" {
		return kalends.RemoteCalendar{}, d.incomplete("GetFolder")
	}
	f := folders[0]
	return kalends.RemoteCalendar{
		ID: f.child("FolderId").attr("Id"), Name: f.value("DisplayName"), Primary: true,
		ReadOnly: f.value("EffectiveRights", "CreateContents") == "false",
	}, nil
}

// incomplete is for answers that say success and lack what was asked.
func (d *driver) incomplete(op string) error {
	return &kalends.Error{Kind: kalends.KindUnavailable, Op: "exchange." + op, Cause: kalends.NewCause(kalends.CauseAnswerUnreadable, d.facts("")...)}
}

func (d *driver) person(op, email string, kind kalends.Kind, cause kalends.CauseKey) error {
	return &kalends.Error{Kind: kind, Op: "exchange." + op, Cause: kalends.NewCause(cause, d.facts(email)...)}
}

// Calendars implements provider.Driver: the mailbox's own calendar folder.
func (d *driver) Calendars(ctx context.Context, mailbox string) ([]kalends.RemoteCalendar, error) {
	folder, _, err := d.folderOf(ctx, mailbox)
	if err != nil {
		return nil, d.ofWhom(ctx, err)
	}
	return []kalends.RemoteCalendar{folder}, nil
}

// entry is one hit of the directory.
type entry struct {
	kind        string // MailboxType
	name        string
	primary     string
	addresses   []string
	directoryID string
}

func (e *entry) mailbox() bool { return e.kind == "" || e.kind == "Mailbox" }

func (e *entry) group() bool { return e.kind == "PublicDL" }

// elsewhere tells a mail user whose mailbox was moved to Microsoft 365.
func (e *entry) elsewhere() bool {
	if e.kind != "Contact" {
		return false
	}
	for _, address := range e.addresses {
		if strings.HasSuffix(address, ".mail.onmicrosoft.com") {
			return true
		}
	}
	return false
}

// entries reads a ResolveNames answer.
func entries(root *node) []entry {
	var list []entry
	for _, n := range root.find("ResolutionSet").all() {
		list = append(list, readEntry(n))
	}
	return list
}

// readBox reads an element of type EmailAddressType.
func readBox(box *node) entry {
	e := entry{kind: box.value("MailboxType"), name: box.value("Name")}
	if routing := box.value("RoutingType"); routing == "" || strings.EqualFold(routing, "SMTP") {
		e.primary = kalends.NormalizeEmail(box.value("EmailAddress"))
		e.addresses = append(e.addresses, e.primary)
	}
	return e
}

func readEntry(n *node) entry {
	contact := n.child("Contact")
	e := readBox(n.child("Mailbox"))
	e.directoryID = contact.value("DirectoryId")
	for _, address := range contact.child("EmailAddresses").all() {
		scheme, value, ok := strings.Cut(strings.TrimSpace(address.text), ":")
		if !ok || !strings.EqualFold(scheme, "smtp") {
			continue
		}
		value = kalends.NormalizeEmail(value)
		if scheme == "SMTP" && e.primary == "" {
			e.primary = value
		}
		e.addresses = append(e.addresses, value)
	}
	return e
}

// exactly gives the hit that has the address; ResolveNames matches prefixes.
func exactly(email string, hits []entry) *entry {
	for i, hit := range hits {
		for _, address := range hit.addresses {
			if address == email && hit.primary != "" {
				return &hits[i]
			}
		}
	}
	return nil
}

package ews

import (
	"context"
	"slices"
	"sync"

	kalends "kalends"
)

// voidFolder: what is said of a folder id of before a mailbox was moved; 2007
// says "No mailbox with such guid" (section 9).
var voidFolder = []string{"ErrorItemNotFound", "ErrorFolderNotFound", "ErrorNonExistentMailbox", "ErrorInvalidId", "ErrorInvalidFolderId"}

// moved are the calendar folders of mailboxes that were moved since their ids
// were stored. The zero value is ready.
type moved struct {
	mu  sync.Mutex
	now map[string]string // by the id of before
}

func (m *moved) get(folder string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now, ok := m.now[folder]; ok {
		return now
	}
	return folder
}

func (m *moved) put(folder, now string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.now == nil || len(m.now) >= maxPlaces {
		m.now = map[string]string{}
	}
	m.now[folder] = now
}

// inFolder sends an operation on the calendar folder of a mailbox; where its id is
// void, on the calendar folder of now.
func (d *driver) inFolder(ctx context.Context, mailbox, calendar string, ask func(folder string) (answer, error)) (answer, error) {
	folder := d.moved.get(calendar)
	a, err := ask(folder)
	if !slices.Contains(voidFolder, codeOf(err)) {
		return a, d.ofWhom(ctx, err)
	}
	now, _, err := d.folderOf(ctx, mailbox)
	if err != nil {
		return a, d.ofWhom(ctx, err)
	}
	a, err = ask(now.ID)
	if err == nil || kalends.KindOf(err) == kalends.KindGone {
		d.moved.put(calendar, now.ID)
	}
	return a, d.ofWhom(ctx, err)
}

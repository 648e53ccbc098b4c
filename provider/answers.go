package provider

import (
	kalends "kalends"
)

// What a driver answers is checked here once for all of them. One odd event
// never spoils a page; an answer without its identity is our own mistake.

func checkMailbox(mailbox kalends.Mailbox, err error) (kalends.Mailbox, error) {
	if err != nil {
		return kalends.Mailbox{}, err
	}
	mailbox.Email = kalends.NormalizeEmail(mailbox.Email)
	if mailbox.Email == "" {
		return kalends.Mailbox{}, kalends.Errorf(kalends.KindInternal, "the driver found a mailbox without an address")
	}
	return mailbox, nil
}

func checkPage(page ChangesPage, err error) (ChangesPage, error) {
	if err != nil {
		return ChangesPage{}, err
	}
	kept := page.Events[:0]
	for _, event := range page.Events {
		if event.RemoteID == "" || event.End.Before(event.Start) {
			continue
		}
		event.Status = checkStatus(event.Status)
		kept = append(kept, event)
	}
	page.Events = kept
	for _, window := range page.Replaced {
		if window.End.Before(window.Start) {
			return ChangesPage{}, kalends.Errorf(kalends.KindInternal, "the driver replaced a window that ends before it starts")
		}
	}
	return page, nil
}

func checkFreeBusy(asked []string, answers []FreeBusy, err error) ([]FreeBusy, error) {
	if err != nil {
		return nil, err
	}
	if len(answers) != len(asked) {
		return nil, kalends.Errorf(kalends.KindInternal, "the driver answered for %d of %d mailboxes", len(answers), len(asked))
	}
	for i := range answers {
		kept := answers[i].Intervals[:0]
		for _, interval := range answers[i].Intervals {
			if interval.End.Before(interval.Start) {
				continue
			}
			interval.Status = checkStatus(interval.Status)
			kept = append(kept, interval)
		}
		answers[i].Intervals = kept
	}
	return answers, nil
}

// checkStatus turns what we do not know into unknown, which blocks.
func checkStatus(status kalends.FreeBusyStatus) kalends.FreeBusyStatus {
	switch status {
	case kalends.StatusBusy, kalends.StatusTentative, kalends.StatusFree:
		return status
	}
	return kalends.StatusUnknown
}

package ews

import (
	"context"

	kalends "kalends"
)

// isTest tells the mailbox through which everything that is nobody's own runs.
func (d *driver) isTest(mailbox string) bool {
	return mailbox != "" && kalends.NormalizeEmail(mailbox) == kalends.NormalizeEmail(d.credentials[fieldTestEmail])
}

// rightMissing names which of the two rights of Exchange 2007 a refusal is about:
// "server" is ms-Exch-EPI-Impersonation, "database" ms-Exch-EPI-May-Impersonate.
// Later versions have one role for both: "".
func (d *driver) rightMissing(code, mailbox string) string {
	_, v := d.placeOf(mailbox)
	switch {
	case code == "ErrorImpersonationDenied":
		return "server"
	case code == "ErrorImpersonateUserDenied" && d.spoken.atMost(mailbox, v).before(exchange2010) && d.hasLearned():
		return "database"
	}
	return ""
}

// impersonationMissing tells an error that means that the right to act for
// mailboxes is missing for everybody.
func impersonationMissing(err error) bool {
	cause := kalends.CauseOf(err)
	return cause != nil && cause.Key == kalends.CauseImpersonationMissing
}

// ofWhom finds out whether a refusal to act for a mailbox is that mailbox's
// matter or everybody's: Exchange says the same in both cases, so the test
// mailbox is asked. Whoever is let in costs no such request. Other errors come
// back as they are.
func (d *driver) ofWhom(ctx context.Context, err error) error {
	if codeOf(err) != "ErrorImpersonateUserDenied" || impersonationMissing(err) {
		return err
	}
	_, all := d.calendarFolder(ctx, d.credentials[fieldTestEmail])
	kind := kalends.KindOf(all)
	if impersonationMissing(all) || kind.Temporary() || kind == kalends.KindUnauthorized {
		return all
	}
	return err
}

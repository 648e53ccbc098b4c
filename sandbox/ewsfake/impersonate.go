package ewsfake

import (
	"regexp"
	"strings"

	"kalends/sandbox"
)

// impersonate decides whose mailbox the call is about.
func (c *call) impersonate() *problem {
	sid := c.connecting()
	if sid == nil {
		c.acting = c.account
		return nil
	}
	r, p := c.connected(sid)
	switch {
	case p != nil:
		return p
	case r == nil || r.Disabled || !r.HasMailbox():
		return fail("ErrorNonExistentMailbox")
	}
	if p := c.mayImpersonate(r); p != nil {
		return p
	}
	if p := c.atSite(r); p != nil {
		return p
	}
	c.acting = r
	return nil
}

var sidForm = regexp.MustCompile(`^S-1-\d+(-\d+)+$`)

// connected finds the account that a ConnectingSID names; nil is nobody.
// PrimarySmtpAddress takes no other address; SmtpAddress (2010) takes each.
func (c *call) connected(sid *node) (*sandbox.Recipient, *problem) {
	name := strings.TrimSpace(sid.text)
	switch sid.name {
	case "PrincipalName":
		if !strings.Contains(name, "@") {
			return nil, fail("ErrorInvalidUserPrincipalName")
		}
		return c.world.Principal(name), nil
	case "SID":
		if !sidForm.MatchString(name) {
			return nil, fail("ErrorInvalidUserSid")
		}
		return c.world.Principal(name), nil
	}
	r, alias := c.world.Recipient(name)
	if alias && r.HasMailbox() && sid.name == "PrimarySmtpAddress" {
		return nil, fail("ErrorNonPrimarySmtpAddress", "Primary", r.Email)
	}
	return r, nil
}

// mayImpersonate looks at the rights. 2007 has two of them: on the server
// (ms-Exch-EPI-Impersonation) and on the mailbox's database
// (ms-Exch-EPI-May-Impersonate); later there is one role with a scope.
func (c *call) mayImpersonate(r *sandbox.Recipient) *problem {
	stranger := c.account.Kind != sandbox.Service && c.account.Email != r.Email
	switch {
	case c.build.level < level2010 && (c.denied || stranger):
		return fail("ErrorImpersonationDenied")
	case c.denied || c.deniedHere || stranger || r.OutOfScope:
		return fail("ErrorImpersonateUserDenied")
	}
	return nil
}

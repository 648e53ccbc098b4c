package oauth

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The scopes of a service account.
const (
	ScopeAccounts              = "service_account/accounts/manage"
	ScopeResources             = "service_account/resources/manage"
	ScopeAccountsUnrestricted  = "service_account/accounts/unrestricted_access"
	ScopeResourcesUnrestricted = "service_account/resources/unrestricted_access"
)

// The scopes of a user.
const (
	ScopeReadAccount     = "read_account"
	ScopeListCalendars   = "list_calendars"
	ScopeReadEvents      = "read_events"
	ScopeReadFreeBusy    = "read_free_busy"
	ScopeCreateEvent     = "create_event"
	ScopeDeleteEvent     = "delete_event"
	ScopeCreateCalendar  = "create_calendar"
	ScopeEventReminders  = "event_reminders"
	ScopeParticipation   = "change_participation_status"
	legacyManageAccounts = "service_account/manage_accounts" // in omniauth-cronofy's README
)

var serviceScopes = []string{ScopeAccounts, ScopeResources, ScopeAccountsUnrestricted, ScopeResourcesUnrestricted}

var userScopes = []string{
	ScopeReadAccount, ScopeListCalendars, ScopeReadEvents, ScopeReadFreeBusy, ScopeCreateEvent,
	ScopeDeleteEvent, ScopeCreateCalendar, ScopeEventReminders, ScopeParticipation,
}

// bundle gives the fine scopes of a bundle (Cronofy's documentation, "Scopes").
func bundle(name string) []string {
	readOnly := []string{ScopeReadAccount, ScopeListCalendars, ScopeReadEvents, ScopeReadFreeBusy}
	freeBusy := []string{ScopeListCalendars, ScopeReadFreeBusy}
	write := []string{ScopeCreateEvent, ScopeDeleteEvent}
	switch name {
	case "read_only":
		return readOnly
	case "read_write":
		return append(readOnly, write...)
	case "free_busy":
		return freeBusy
	case "free_busy_write":
		return append(freeBusy, write...)
	case "write_only":
		return append(write, ScopeListCalendars)
	case "full_access":
		return slices.Clone(userScopes)
	}
	return nil
}

var errNoScope = errors.New("a scope is required")

// ParseServiceScope checks a service account's scope and gives it with older
// names replaced.
func ParseServiceScope(text string) (string, error) {
	names := strings.Fields(text)
	if len(names) == 0 {
		return "", errNoScope
	}
	for i, name := range names {
		if name == legacyManageAccounts {
			names[i] = ScopeAccounts
		} else if !slices.Contains(serviceScopes, name) {
			return "", fmt.Errorf("unknown scope %q", name)
		}
	}
	return strings.Join(names, " "), nil
}

// ParseUserScope gives the fine scopes behind a user's scope: bundles unfolded,
// and read_events with the read_free_busy that it implies, sorted.
func ParseUserScope(text string) ([]string, error) {
	names := strings.Fields(text)
	if len(names) == 0 {
		return nil, errNoScope
	}
	var fine []string
	for _, name := range names {
		unfolded := bundle(name)
		switch {
		case unfolded != nil:
			fine = append(fine, unfolded...)
		case name == ScopeReadEvents:
			fine = append(fine, ScopeReadEvents, ScopeReadFreeBusy)
		case slices.Contains(userScopes, name):
			fine = append(fine, name)
		default:
			return nil, fmt.Errorf("unknown scope %q", name)
		}
	}
	slices.Sort(fine)
	return slices.Compact(fine), nil
}

// Within tells whether a user's scope asks for nothing that the other, such as
// an organisation's delegated scope, does not have. Scopes that are not known
// are within nothing.
func Within(scope, limit string) bool {
	asked, err := ParseUserScope(scope)
	allowed, err2 := ParseUserScope(limit)
	if err != nil || err2 != nil {
		return false
	}
	return !slices.ContainsFunc(asked, func(s string) bool { return !slices.Contains(allowed, s) })
}

// Narrow gives the part of a user's scope that is within the other: the scope as
// it is if all of it is.
func Narrow(scope, limit string) string {
	if Within(scope, limit) {
		return scope
	}
	asked, _ := ParseUserScope(scope) // what is not known is within nothing
	return strings.Join(slices.DeleteFunc(asked, func(s string) bool { return !Within(s, limit) }), " ")
}

// Allows tells whether a granted scope, of a user or of a service account, has
// the one that is needed.
func Allows(granted, needed string) bool {
	if slices.Contains(strings.Fields(granted), needed) {
		return true
	}
	fine, err := ParseUserScope(granted)
	return err == nil && slices.Contains(fine, needed)
}

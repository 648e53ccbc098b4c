package calendar

import (
	"context"
	"errors"
	"time"

	kalends "kalends"
	"kalends/db"
	"kalends/secret"
	"kalends/store"
)

// Config is what a Service works with; DB, Store and Box are required.
type Config struct {
	DB    *db.DB
	Store *store.Store
	Box   *secret.Box
	// PageLife is how long a page id is good for: an hour.
	PageLife time.Duration
	// PageSize is how many intervals a page holds: 1000.
	PageSize int
}

// Service answers about one person's account. Its methods may be called by many
// goroutines at once.
type Service struct{ c Config }

// New makes a Service.
func New(c Config) *Service {
	if c.PageLife <= 0 {
		c.PageLife = time.Hour
	}
	if c.PageSize <= 0 {
		c.PageSize = 1000
	}
	return &Service{c: c}
}

// ErrUnknownCalendar is in the chain of KindNotFound when a calendar id is not
// one of the grant's account.
var ErrUnknownCalendar = errors.New("unknown calendar")

// ErrOutOfReach is in the chain of KindConflict when the grant's account is not
// connected: nothing of it is stored, and no answer must read as "free".
var ErrOutOfReach = errors.New("the account is not connected")

// Profile is a calendar identity with its connection's state.
type Profile struct {
	kalends.Profile
	Provider  kalends.Provider
	Connected bool // its connection works
	Unread    bool // not all its calendars were read yet
	Calendars []Calendar
}

// Calendar is a calendar with the profile it belongs to.
type Calendar struct {
	kalends.Calendar
	ProfileName string
	Provider    kalends.Provider
}

// Person is everything that a grant's owner is told about the account.
type Person struct {
	Account  kalends.Account
	Scope    string
	Active   bool // the account is connected
	Profiles []Profile
}

// Userinfo gives the account with its profiles and their calendars.
// KindDenied for an organisation's own grant: it is not a person.
func (s *Service) Userinfo(ctx context.Context, grant kalends.Grant) (Person, error) {
	var p Person
	err := s.read(ctx, grant, func(tx *db.Tx) (err error) {
		p, err = s.person(ctx, tx, grant)
		return err
	})
	return p, err
}

// Account gives the account alone. KindDenied as for Userinfo.
func (s *Service) Account(ctx context.Context, grant kalends.Grant) (kalends.Account, error) {
	var a kalends.Account
	err := s.read(ctx, grant, func(tx *db.Tx) (err error) {
		a, err = s.c.Store.Account(ctx, tx, grant.AccountID)
		return notFound(err)
	})
	return a, err
}

// Profiles gives the account's profiles that are not revoked, with calendars.
func (s *Service) Profiles(ctx context.Context, grant kalends.Grant) ([]Profile, error) {
	p, err := s.Userinfo(ctx, grant)
	return p.Profiles, err
}

// Calendars gives all calendars of the account, deleted ones too.
func (s *Service) Calendars(ctx context.Context, grant kalends.Grant) ([]Calendar, error) {
	profiles, err := s.Profiles(ctx, grant)
	var all []Calendar
	for _, p := range profiles {
		all = append(all, p.Calendars...)
	}
	return all, err
}

func (s *Service) read(ctx context.Context, grant kalends.Grant, do func(*db.Tx) error) error {
	if grant.OfOrganisation() {
		return errNoPerson()
	}
	return s.c.DB.Read(ctx, do)
}

func errNoPerson() error {
	return kalends.Errorf(kalends.KindDenied, "calendar: a service account has no calendars of its own")
}

func notFound(err error) error {
	if db.IsNotFound(err) {
		return kalends.Errorf(kalends.KindNotFound, "calendar: %w", err)
	}
	return err
}

func (s *Service) person(ctx context.Context, tx *db.Tx, grant kalends.Grant) (Person, error) {
	account, err := s.c.Store.Account(ctx, tx, grant.AccountID)
	if err != nil {
		return Person{}, notFound(err)
	}
	p := Person{Account: account, Scope: grant.Scope, Active: account.Status == kalends.AccountConnected}
	profiles, err := s.c.Store.PersonProfiles(ctx, tx, account.ID)
	if err != nil {
		return Person{}, err
	}
	calendars, err := s.c.Store.PersonCalendars(ctx, tx, account.ID)
	if err != nil {
		return Person{}, err
	}
	for _, profile := range profiles {
		p.Profiles = append(p.Profiles, fill(profile, calendars, p.Active))
	}
	return p, nil
}

// fill gives a profile its calendars.
func fill(from store.PersonProfile, calendars []kalends.Calendar, active bool) Profile {
	p := Profile{
		Profile: from.Profile, Provider: from.Provider,
		Connected: active && from.ConnectionStatus == kalends.ConnectionConnected,
	}
	for _, c := range calendars {
		if c.ProfileID != p.ID {
			continue
		}
		p.Unread = p.Unread || c.LastSyncAt.IsZero() && c.DeletedAt.IsZero()
		p.Calendars = append(p.Calendars, Calendar{Calendar: c, ProfileName: p.Name, Provider: p.Provider})
	}
	return p
}

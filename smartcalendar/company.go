package smartcalendar

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"kalends/db"
)

// Feature is something that the operator switches on per company.
type Feature string

// The features. Smart Calendar Plus needs Smart Calendar.
const (
	SmartCalendar     Feature = "smart_calendar"
	SmartCalendarPlus Feature = "smart_calendar_plus"
)

// Errors of acts on companies.
var (
	ErrNoCompany      = errors.New("smartcalendar: no such company")
	ErrCompanyExists  = errors.New("smartcalendar: a company of this name exists")
	ErrUnknownFeature = errors.New("smartcalendar: unknown feature: use smart_calendar or smart_calendar_plus")
)

// company is a customer: its people, and whether it may connect its calendar.
type company struct {
	ID     string
	Name   string
	Domain string
	Smart  bool
	Plus   bool
}

const companyColumns = "id, name, domain, smart_calendar, smart_calendar_plus"

func scanCompany(row db.Row) (company, error) {
	var c company
	err := row.Scan(&c.ID, &c.Name, &c.Domain, &c.Smart, &c.Plus)
	return c, err
}

// CreateCompany makes a company with some features on and gives its id.
func (a *App) CreateCompany(ctx context.Context, name, domain string, features []Feature) (string, error) {
	id := newID("com_")
	err := a.db.Write(ctx, func(tx *db.Tx) error {
		return insertCompany(ctx, tx, company{ID: id, Name: name, Domain: domain}, features)
	})
	if db.IsUnique(err) {
		return "", ErrCompanyExists
	}
	return id, err
}

func insertCompany(ctx context.Context, tx *db.Tx, c company, features []Feature) error {
	name := strings.TrimSpace(c.Name)
	if name == "" || len(name) > 200 {
		return fmt.Errorf("smartcalendar: a company needs a name of at most 200 bytes")
	}
	for _, f := range features {
		if _, err := f.column(); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, `INSERT INTO sc_companies
		(id, name, name_key, domain, smart_calendar, smart_calendar_plus, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		c.ID, name, fold(name), strings.ToLower(strings.TrimSpace(c.Domain)),
		has(features, SmartCalendar) || has(features, SmartCalendarPlus), has(features, SmartCalendarPlus), db.Micros(tx.Now()))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO sc_calendars (company_id, organisation_id, status, access_token, refresh_token,
		connected_by, ended_by, cause_key, cause_facts, connections) VALUES ($1, '', 'none', '', '', '', '', '', '{}', '[]')`, c.ID)
	return err
}

// SetFeature switches a feature of a company, named or given by id, on or off.
// Switching Plus on switches Smart Calendar on with it, and switching that off
// switches Plus off.
func (a *App) SetFeature(ctx context.Context, name string, feature Feature, on bool) error {
	if _, err := feature.column(); err != nil {
		return err
	}
	return a.db.Write(ctx, func(tx *db.Tx) error {
		c, err := findCompany(ctx, tx, name)
		if err != nil {
			return err
		}
		set := map[bool]string{true: "smart_calendar = true, smart_calendar_plus = true", false: "smart_calendar_plus = false"}[on]
		if feature == SmartCalendar {
			set = map[bool]string{true: "smart_calendar = true", false: "smart_calendar = false, smart_calendar_plus = false"}[on]
		}
		if _, err := tx.Exec(ctx, "UPDATE sc_companies SET "+set+" WHERE id = $1", c.ID); err != nil {
			return err
		}
		return remember(ctx, tx, entry{Company: c.ID, Actor: operator, Action: "feature." + onOff(on), Facts: facts{"feature": string(feature)}})
	})
}

func findCompany(ctx context.Context, tx *db.Tx, name string) (company, error) {
	c, err := db.One(ctx, tx, scanCompany, "SELECT "+companyColumns+" FROM sc_companies WHERE id = $1 OR name_key = $2", name, fold(name))
	if db.IsNotFound(err) {
		return c, ErrNoCompany
	}
	return c, err
}

func (f Feature) column() (string, error) {
	switch f {
	case SmartCalendar, SmartCalendarPlus:
		return string(f), nil
	}
	return "", ErrUnknownFeature
}

func has(features []Feature, f Feature) bool {
	for _, one := range features {
		if one == f {
			return true
		}
	}
	return false
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// FirstLink gives a link that makes the first company and its administrator, or
// "" once there is a company. It works once and for a week; an older link that
// was not used stops working.
func (a *App) FirstLink(ctx context.Context) (string, error) {
	link := ""
	err := a.db.Write(ctx, func(tx *db.Tx) error {
		link = ""
		n, err := db.One(ctx, tx, db.Value[int64], "SELECT count(*) FROM sc_companies")
		if err != nil || n > 0 {
			return err
		}
		if _, err := tx.Exec(ctx, "DELETE FROM sc_tickets WHERE kind = $1", ticketSetup); err != nil {
			return err
		}
		token, err := issueTicket(ctx, tx, ticketSetup, "", 7*24*time.Hour)
		link = a.config.AppURL + "/setup/" + token
		return err
	})
	return link, err
}

// setup makes the first company with its administrator, with a set-up link,
// which is worth nothing once there is a company.
func (a *App) setup(ctx context.Context, token, companyName string, admin NewPerson) (person, error) {
	wrong := errors.Join(newPerson("", admin).check(), checkPassword(admin.Password))
	if companyName == "" {
		wrong = errors.Join(errBadCompany, wrong)
	}
	if wrong != nil {
		return person{}, wrong
	}
	hash, err := a.hashPassword(admin.Password)
	if err != nil {
		return person{}, err
	}
	var made person
	err = a.db.Write(ctx, func(tx *db.Tx) error {
		if _, err := useTicket(ctx, tx, ticketSetup, token); err != nil {
			return err
		}
		n, err := db.One(ctx, tx, db.Value[int64], "SELECT count(*) FROM sc_companies")
		if err != nil {
			return err
		}
		if n > 0 {
			return errTicket
		}
		c := company{ID: newID("com_"), Name: companyName, Domain: domainOf(admin.Email)}
		if err := insertCompany(ctx, tx, c, nil); err != nil {
			return err
		}
		made = newPerson(c.ID, admin)
		made.Password = hash
		if err := insertPerson(ctx, tx, made); err != nil {
			return err
		}
		return remember(ctx, tx, entry{Company: c.ID, Person: made.ID, Actor: made.Name, Action: "company.created"})
	})
	return made, err
}

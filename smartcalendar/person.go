package smartcalendar

import (
	"context"
	"errors"
	"net/mail"
	"strings"
	"time"

	"kalends/db"
)

// The roles.
const (
	RoleAdministrator = "administrator"
	RoleMember        = "member"
)

// Errors of acts on people. Pages turn each into a sentence.
var (
	errNoPerson        = errors.New("smartcalendar: no such person")
	errBadEmail        = errors.New("smartcalendar: not an e-mail address")
	errBadName         = errors.New("smartcalendar: a name is needed")
	errBadRole         = errors.New("smartcalendar: unknown role")
	errLastAdmin       = errors.New("smartcalendar: the last administrator stays")
	errAddressTaken    = errors.New("smartcalendar: somebody has this address already")
	errPasswordShort   = errors.New("smartcalendar: the password is too short")
	errPasswordTooLong = errors.New("smartcalendar: the password is too long")
)

// NewPerson is somebody to be added. With a password she can sign in at once.
type NewPerson struct {
	Name     string
	Email    string
	Role     string // "" = member
	Password string
	Lang     string // "" = de
}

// person is somebody of a company.
type person struct {
	ID, CompanyID string
	Name          string
	Email         string
	EmailKey      string
	Role          string
	Lang          string
	Password      string // argon2id
	Active        bool
	Excluded      bool
	Notice        string
	Session       int64 // grows when all her sessions are to end
	SignedInAt    time.Time
	CreatedAt     time.Time
	order         time.Duration // among those who are added at once: who comes first keeps a shared address
}

const personColumns = `p.id, p.company_id, p.name, p.email, p.email_key, p.role, p.lang, p.password, p.active, p.excluded,
	p.notice, p.session, p.signed_in_at, p.created_at`

func scanPerson(row db.Row) (person, error) {
	var p person
	err := row.Scan(p.fields()...)
	return p, err
}

func (p *person) fields() []any {
	return []any{
		&p.ID, &p.CompanyID, &p.Name, &p.Email, &p.EmailKey, &p.Role, &p.Lang, &p.Password, &p.Active, &p.Excluded,
		&p.Notice, &p.Session, db.ScanTime(&p.SignedInAt), db.ScanTime(&p.CreatedAt),
	}
}

func (p person) admin() bool { return p.Role == RoleAdministrator && p.Active }

// wanted tells whether the person's calendar is to be connected.
func (p person) wanted() bool { return p.Active && !p.Excluded }

func newPerson(companyID string, n NewPerson) person {
	p := person{
		ID: newID("per_"), CompanyID: companyID, Name: strings.Join(strings.Fields(n.Name), " "),
		Email: strings.TrimSpace(n.Email), Role: n.Role, Lang: n.Lang, Active: true,
	}
	p.EmailKey = normalise(p.Email)
	if p.Role == "" {
		p.Role = RoleMember
	}
	if p.Lang == "" {
		p.Lang = "de"
	}
	return p
}

// check says everything that is wrong with a new or changed person, nil if
// nothing is.
func (p person) check() error {
	var wrong []error
	if p.Name == "" || len(p.Name) > 200 || strings.ContainsFunc(p.Name, control) {
		wrong = append(wrong, errBadName)
	}
	if !validEmail(p.Email) {
		wrong = append(wrong, errBadEmail)
	}
	if p.Role != RoleAdministrator && p.Role != RoleMember {
		wrong = append(wrong, errBadRole)
	}
	return errors.Join(wrong...)
}

func control(r rune) bool { return r < 32 || r == 127 }

func validEmail(email string) bool {
	if len(email) > 254 || strings.ContainsFunc(email, control) || strings.ContainsAny(email, " <>,;\"()") {
		return false
	}
	parsed, err := mail.ParseAddress(email)
	return err == nil && parsed.Address == email && domainOf(email) != ""
}

// insertPerson adds a checked person with the row of her calendar.
func insertPerson(ctx context.Context, tx *db.Tx, p person) error {
	if err := p.check(); err != nil {
		return err
	}
	now := db.Micros(tx.Now().Add(p.order))
	_, err := tx.Exec(ctx, `INSERT INTO sc_people (id, company_id, name, name_key, email, email_key, role, lang, password,
		active, excluded, notice, session, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, '', 0, $12)`,
		p.ID, p.CompanyID, p.Name, fold(p.Name), p.Email, p.EmailKey, p.Role, p.Lang, p.Password, p.Active, p.Excluded, now)
	if err != nil {
		return err
	}
	return insertLink(ctx, tx, link{CompanyID: p.CompanyID, PersonID: p.ID, Kind: kindPerson, EmailKey: p.EmailKey})
}

// AddPeople adds many people at once and gives their ids in the same order. All
// are added or none. Addresses may repeat: connecting names who shares one.
func (a *App) AddPeople(ctx context.Context, companyID string, people []NewPerson) ([]string, error) {
	rows := make([]person, len(people))
	for i, n := range people {
		rows[i] = newPerson(companyID, n)
		if n.Password == "" {
			continue
		}
		hash, err := a.hashPassword(n.Password)
		if err != nil {
			return nil, err
		}
		rows[i].Password = hash
	}
	err := a.db.Write(ctx, func(tx *db.Tx) error {
		for i, p := range rows {
			p.order = time.Duration(i) * time.Microsecond
			if err := insertPerson(ctx, tx, p); err != nil {
				return err
			}
		}
		return nil
	})
	ids := make([]string, len(rows))
	for i, p := range rows {
		ids[i] = p.ID
	}
	return ids, err
}

// findPerson finds somebody of a company: of another one, there is nobody.
func findPerson(ctx context.Context, tx *db.Tx, companyID, id string) (person, error) {
	p, err := db.One(ctx, tx, scanPerson, "SELECT "+personColumns+" FROM sc_people p WHERE p.id = $1 AND p.company_id = $2", id, companyID)
	if db.IsNotFound(err) {
		return p, errNoPerson
	}
	return p, err
}

// peopleWith gives the active people of all companies with an address.
func peopleWith(ctx context.Context, tx *db.Tx, emailKey string) ([]person, error) {
	return db.All(ctx, tx, scanPerson, "SELECT "+personColumns+
		" FROM sc_people p WHERE p.email_key = $1 AND p.active ORDER BY p.created_at, p.id LIMIT 8", emailKey)
}

// fold gives the form in which names are searched and sorted.
func fold(text string) string { return strings.ToLower(strings.Join(strings.Fields(text), " ")) }

// normalise gives the form in which addresses are compared.
func normalise(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

func domainOf(email string) string {
	at := strings.LastIndexByte(email, '@')
	if at < 1 {
		return ""
	}
	return strings.ToLower(strings.TrimSpace(email[at+1:]))
}

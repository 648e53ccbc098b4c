package smartcalendar

import (
	"context"
	"errors"
	"strings"

	"kalends/db"
)

// personChange is what an administrator can change about somebody.
type personChange struct{ Name, Email, Role string }

// invitePerson adds somebody and invites her by mail.
func (a *App) invitePerson(ctx context.Context, by person, n NewPerson) (person, error) {
	p := newPerson(by.CompanyID, n)
	err := a.db.Write(ctx, func(tx *db.Tx) error {
		taken := a.free(ctx, tx, p, "")
		if taken != nil && !errors.Is(taken, errAddressTaken) {
			return taken
		}
		if err := errors.Join(p.check(), taken); err != nil {
			return err
		}
		if err := insertPerson(ctx, tx, p); err != nil {
			return err
		}
		if err := remember(ctx, tx, entry{Company: p.CompanyID, Person: p.ID, Actor: by.Name, Action: "person.invited"}); err != nil {
			return err
		}
		return a.invite(ctx, tx, p, by)
	})
	return p, err
}

// free tells whether nobody else active in the company has the address. Whoever
// means it anyway says so with confirmed.
func (a *App) free(ctx context.Context, tx *db.Tx, p person, except string) error {
	n, err := db.One(ctx, tx, db.Value[int64], `SELECT count(*) FROM sc_people
		WHERE company_id = $1 AND email_key = $2 AND active AND id <> $3`, p.CompanyID, p.EmailKey, except)
	if err == nil && n > 0 {
		return errAddressTaken
	}
	return err
}

// inviteAgain sends the invitation again to somebody who has no password yet.
func (a *App) inviteAgain(ctx context.Context, by person, id string) error {
	return a.act(ctx, by, id, "person.invited", func(tx *db.Tx, p person) error {
		if !p.Active || p.Password != "" {
			return errNoPerson
		}
		return a.invite(ctx, tx, p, by)
	})
}

// act changes one person of the administrator's company and remembers it.
func (a *App) act(ctx context.Context, by person, id, action string, change func(*db.Tx, person) error) error {
	return a.db.Write(ctx, func(tx *db.Tx) error {
		p, err := findPerson(ctx, tx, by.CompanyID, id)
		if err != nil {
			return err
		}
		if err := change(tx, p); err != nil {
			return err
		}
		return remember(ctx, tx, entry{Company: p.CompanyID, Person: p.ID, Actor: by.Name, Action: action})
	})
}

// changePerson changes somebody. Another address is matched again at once, and
// the old address's grant is ended.
func (a *App) changePerson(ctx context.Context, by person, id string, change personChange) error {
	return a.act(ctx, by, id, "person.changed", func(tx *db.Tx, p person) error {
		old := p
		p.Name, p.Email, p.Role = strings.Join(strings.Fields(change.Name), " "), strings.TrimSpace(change.Email), change.Role
		p.EmailKey = normalise(p.Email)
		if err := p.check(); err != nil {
			return err
		}
		if p.Role != RoleAdministrator {
			if err := a.keepAdmin(ctx, tx, old); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `UPDATE sc_people SET name = $2, name_key = $3, email = $4, email_key = $5, role = $6 WHERE id = $1`,
			p.ID, p.Name, fold(p.Name), p.Email, p.EmailKey, p.Role); err != nil {
			return err
		}
		if p.EmailKey == old.EmailKey {
			return nil
		}
		return a.changeAddress(ctx, tx, old, p)
	})
}

// changeAddress takes a new address in use: the link starts anew, open mails
// with links to the old address stop working, and those who shared the old
// address are looked at again.
func (a *App) changeAddress(ctx context.Context, tx *db.Tx, old, p person) error {
	if err := voidTickets(ctx, tx, p.ID); err != nil {
		return err
	}
	l, err := linkOf(ctx, tx, p)
	if err != nil {
		return err
	}
	if err := a.dropLink(ctx, tx, l); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "UPDATE sc_links SET email_key = $2 WHERE id = $1", l.ID, p.EmailKey); err != nil {
		return err
	}
	if err := a.askFor(ctx, tx, p); err != nil {
		return err
	}
	return a.askSharers(ctx, tx, old)
}

// askSharers asks for those who shared an address with somebody who gave it up.
func (a *App) askSharers(ctx context.Context, tx *db.Tx, gone person) error {
	sharers, err := db.All(ctx, tx, scanPerson, "SELECT "+personColumns+` FROM sc_people p JOIN sc_links l ON l.person_id = p.id
		WHERE p.company_id = $1 AND p.email_key = $2 AND p.id <> $3 AND l.cause_key = 'address_not_unique'`,
		gone.CompanyID, gone.EmailKey, gone.ID)
	if err != nil {
		return err
	}
	for _, p := range sharers {
		if err := a.askFor(ctx, tx, p); err != nil {
			return err
		}
	}
	return nil
}

// keepAdmin refuses to take the last administrator away.
func (a *App) keepAdmin(ctx context.Context, tx *db.Tx, p person) error {
	if !p.admin() {
		return nil
	}
	if err := tx.Lock(ctx, "sc_people/"+p.CompanyID); err != nil { // two may take each other out
		return err
	}
	n, err := db.One(ctx, tx, db.Value[int64], `SELECT count(*) FROM sc_people
		WHERE company_id = $1 AND role = $2 AND active AND id <> $3`, p.CompanyID, RoleAdministrator, p.ID)
	if err == nil && n == 0 {
		return errLastAdmin
	}
	return err
}

// deactivate takes somebody out: she cannot sign in, and her calendar is
// disconnected.
func (a *App) deactivate(ctx context.Context, by person, id string) error {
	return a.act(ctx, by, id, "person.deactivated", func(tx *db.Tx, p person) error {
		if err := a.keepAdmin(ctx, tx, p); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "UPDATE sc_people SET active = false, session = session + 1 WHERE id = $1", p.ID); err != nil {
			return err
		}
		if err := voidTickets(ctx, tx, p.ID); err != nil {
			return err
		}
		return a.letGo(ctx, tx, p)
	})
}

// letGo disconnects somebody and lets those who shared her address have it.
func (a *App) letGo(ctx context.Context, tx *db.Tx, p person) error {
	l, err := linkOf(ctx, tx, p)
	if err != nil {
		return err
	}
	if err := a.dropLink(ctx, tx, l); err != nil {
		return err
	}
	return a.askSharers(ctx, tx, p)
}

// reactivate takes somebody back in; her calendar is connected again at once.
func (a *App) reactivate(ctx context.Context, by person, id string) error {
	return a.act(ctx, by, id, "person.reactivated", func(tx *db.Tx, p person) error {
		p.Active = true
		if _, err := tx.Exec(ctx, "UPDATE sc_people SET active = true WHERE id = $1", p.ID); err != nil {
			return err
		}
		return a.askFor(ctx, tx, p)
	})
}

// exclude keeps somebody from being connected, or lets her be connected again.
func (a *App) exclude(ctx context.Context, by person, id string, yes bool) error {
	action := map[bool]string{true: "person.excluded", false: "person.included"}[yes]
	return a.act(ctx, by, id, action, func(tx *db.Tx, p person) error {
		p.Excluded = yes
		if _, err := tx.Exec(ctx, "UPDATE sc_people SET excluded = $2 WHERE id = $1", p.ID, yes); err != nil {
			return err
		}
		if yes {
			return a.letGo(ctx, tx, p)
		}
		return a.askFor(ctx, tx, p)
	})
}

// accept takes the proposal for somebody whose address is not the mailbox's main
// one: the hub keeps the mapping, and she is asked for again.
func (a *App) accept(ctx context.Context, by person, linkID string) error {
	var l link
	err := a.db.Read(ctx, func(tx *db.Tx) (err error) {
		l, err = db.One(ctx, tx, scanLink, "SELECT "+linkColumns+" FROM sc_links l WHERE l.id = $1 AND l.company_id = $2", linkID, by.CompanyID)
		return err
	})
	if err != nil || l.proposal() == "" {
		return err
	}
	if err := a.company(by.CompanyID).PutMapping(ctx, l.EmailKey, l.proposal()); err != nil {
		return err
	}
	if err := a.retry(ctx, by, subjects{LinkID: l.ID}); err != nil {
		return err
	}
	return a.db.Write(ctx, func(tx *db.Tx) error {
		return remember(ctx, tx, entry{
			Company: l.CompanyID, Person: l.historyID(), Actor: by.Name, Action: "link.accepted",
			Facts: facts{"email": l.EmailKey, "mailbox": l.proposal()},
		})
	})
}

// proposal is the mailbox that the address probably means, or "".
func (l link) proposal() string {
	if l.CauseKey != "address_is_alias" {
		return ""
	}
	return l.CauseFacts["mailbox"]
}

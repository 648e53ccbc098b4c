package smartcalendar

import (
	"context"
	"time"

	"kalends/db"
)

// importLife is how long a preview can be confirmed.
const importLife = 24 * time.Hour

// previewImport reads a file, marks those who are there already, and keeps the
// rows until they are confirmed.
func (a *App) previewImport(ctx context.Context, by person, data []byte) (string, error) {
	rows, err := parseCSV(data)
	if err != nil {
		return "", err
	}
	id := newID("imp_")
	return id, a.db.Write(ctx, func(tx *db.Tx) error {
		if err := markKnown(ctx, tx, by.CompanyID, rows); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "DELETE FROM sc_imports WHERE created_at < $1", db.Micros(tx.Now().Add(-importLife))); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "INSERT INTO sc_imports (id, company_id, rows, created_at) VALUES ($1, $2, $3, $4)",
			id, by.CompanyID, db.JSON(rows), db.Micros(tx.Now()))
		return err
	})
}

// markKnown marks the rows of people whose address is there already.
func markKnown(ctx context.Context, tx *db.Tx, companyID string, rows []csvRow) error {
	known := map[string]string{}
	_, err := db.All(ctx, tx, func(row db.Row) (struct{}, error) {
		var email, name string
		err := row.Scan(&email, &name)
		known[email] = name
		return struct{}{}, err
	}, "SELECT email_key, name FROM sc_people WHERE company_id = $1", companyID)
	for i, row := range rows {
		if name, there := known[normalise(row.Email)]; there && row.Problem == "" {
			rows[i].Problem, rows[i].Other = "csv.known", name
		}
	}
	return err
}

// importOf gives the rows of a preview.
func importOf(ctx context.Context, tx *db.Tx, companyID, id string) ([]csvRow, error) {
	rows, err := db.One(ctx, tx, func(row db.Row) ([]csvRow, error) {
		var rows []csvRow
		err := row.Scan(db.ScanJSON(&rows))
		return rows, err
	}, "SELECT rows FROM sc_imports WHERE id = $1 AND company_id = $2 AND created_at > $3",
		id, companyID, db.Micros(tx.Now().Add(-importLife)))
	if db.IsNotFound(err) {
		return nil, errNoPerson
	}
	return rows, err
}

// confirmImport adds the good rows of a preview, and invites them if wished. A
// preview can be confirmed once.
func (a *App) confirmImport(ctx context.Context, by person, id string, inviteThem bool) (int, error) {
	added := 0
	err := a.db.Write(ctx, func(tx *db.Tx) error {
		added = 0
		if err := tx.Lock(ctx, "sc_imports/"+id); err != nil {
			return err
		}
		rows, err := importOf(ctx, tx, by.CompanyID, id)
		if err != nil {
			return err
		}
		if err := markKnown(ctx, tx, by.CompanyID, rows); err != nil {
			return err
		}
		for _, row := range rows {
			if row.Problem != "" {
				continue
			}
			if err := a.importRow(ctx, tx, by, row, inviteThem); err != nil {
				return err
			}
			added++
		}
		_, err = tx.Exec(ctx, "DELETE FROM sc_imports WHERE id = $1", id)
		return err
	})
	return added, err
}

func (a *App) importRow(ctx context.Context, tx *db.Tx, by person, row csvRow, inviteIt bool) error {
	p := newPerson(by.CompanyID, NewPerson{Name: row.Name, Email: row.Email, Role: row.Role, Lang: by.Lang})
	p.order = time.Duration(row.Line) * time.Microsecond
	if err := insertPerson(ctx, tx, p); err != nil {
		return err
	}
	if err := remember(ctx, tx, entry{Company: p.CompanyID, Person: p.ID, Actor: by.Name, Action: "person.imported"}); err != nil {
		return err
	}
	if !inviteIt {
		return nil
	}
	return a.invite(ctx, tx, p, by)
}

package smartcalendar

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"

	"kalends/db"
	"kalends/mail"
)

// mailJob sends one mail.
type mailJob struct {
	ID string `json:"id"`
}

// Kind implements river.JobArgs.
func (mailJob) Kind() string { return "smart_calendar_mail" }

type mailWorker struct {
	river.WorkerDefaults[mailJob]
	app *App
}

// Work implements river.Worker.
func (w *mailWorker) Work(ctx context.Context, job *river.Job[mailJob]) error {
	return w.app.workMail(ctx, job.Args.ID)
}

// post puts a mail on its way, in the transaction of the fact that it tells.
// Its body is sealed: it holds links that open doors.
func (a *App) post(ctx context.Context, tx *db.Tx, letter mail.Letter) error {
	message, err := mail.Compose(letter)
	if err != nil {
		return err
	}
	body, err := json.Marshal(message)
	if err != nil {
		return err
	}
	id := newID("mai_")
	sealed, err := a.box.Seal(body, mailContext(id))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "INSERT INTO sc_mails (id, recipient, subject, body, created_at) VALUES ($1, $2, $3, $4, $5)",
		id, message.To, message.Subject, sealed, db.Micros(tx.Now()))
	if err != nil {
		return err
	}
	return a.jobs.Insert(ctx, tx, mailJob{ID: id}, nil)
}

func mailContext(id string) string { return "sc_mails/" + id + "/body" }

// sentMail is a mail on its way or, in a demo, one that was sent.
type sentMail struct {
	ID, Recipient, Subject string
	Body                   string // sealed
	CreatedAt, SentAt      time.Time
}

const mailColumns = "id, recipient, subject, body, created_at, sent_at"

func scanMail(row db.Row) (sentMail, error) {
	var m sentMail
	err := row.Scan(&m.ID, &m.Recipient, &m.Subject, &m.Body, db.ScanTime(&m.CreatedAt), db.ScanTime(&m.SentAt))
	return m, err
}

func (a *App) mailByID(ctx context.Context, id string) (m sentMail, message mail.Message, err error) {
	err = a.db.Read(ctx, func(tx *db.Tx) error {
		m, err = db.One(ctx, tx, scanMail, "SELECT "+mailColumns+" FROM sc_mails WHERE id = $1", id)
		return err
	})
	if err != nil || m.Body == "" {
		return m, message, err
	}
	body, err := a.box.Open(m.Body, mailContext(id))
	if err != nil {
		return m, message, err
	}
	return m, message, json.Unmarshal(body, &message)
}

func (a *App) workMail(ctx context.Context, id string) error {
	m, message, err := a.mailByID(ctx, id)
	if db.IsNotFound(err) || err == nil && !m.SentAt.IsZero() {
		return nil
	}
	if err != nil {
		return err
	}
	if err := a.send(ctx, message); err != nil {
		return err
	}
	return a.db.Write(ctx, func(tx *db.Tx) error {
		set := "sent_at = $2, body = ''"
		if a.config.DemoOutbox {
			set = "sent_at = $2"
		}
		_, err := tx.Exec(ctx, "UPDATE sc_mails SET "+set+" WHERE id = $1", id, db.Micros(tx.Now()))
		return err
	})
}

// send gives a mail to the server. Without one, a demo has its outbox, and
// elsewhere the mail waits for a server to be set.
func (a *App) send(ctx context.Context, message mail.Message) error {
	switch {
	case a.config.Mail == nil && a.config.DemoOutbox:
		return nil
	case a.config.Mail == nil:
		return river.JobSnooze(time.Hour)
	}
	err := a.config.Mail.Send(ctx, message)
	if errors.Is(err, mail.ErrRefused) {
		return river.JobCancel(err)
	}
	return err
}

// outbox lists the last mails.
func (a *App) outbox(ctx context.Context) (mails []sentMail, err error) {
	err = a.db.Read(ctx, func(tx *db.Tx) error {
		mails, err = db.All(ctx, tx, scanMail, "SELECT "+mailColumns+" FROM sc_mails ORDER BY created_at DESC, id LIMIT 100")
		return err
	})
	return mails, err
}

// invite posts an invitation with a link to set a password.
func (a *App) invite(ctx context.Context, tx *db.Tx, p person, by person) error {
	c, err := findCompany(ctx, tx, p.CompanyID)
	if err != nil {
		return err
	}
	token, err := issueTicket(ctx, tx, ticketInvite, p.ID, inviteLife)
	if err != nil {
		return err
	}
	t := letters(p.Lang)
	return a.post(ctx, tx, mail.Letter{
		Lang: p.Lang, To: p.Email, ToName: p.Name, Subject: fmt.Sprintf(t.inviteSubject, c.Name),
		Greeting: fmt.Sprintf(t.greeting, p.Name), Paragraphs: []string{fmt.Sprintf(t.inviteText, by.Name, c.Name), t.inviteMore},
		Button: mail.Button{Label: t.inviteButton, URL: a.config.AppURL + "/welcome/" + token},
		After:  []string{t.inviteAfter}, Sign: "Smart Calendar · " + c.Name,
	})
}

// forgot has a link to set a new password posted to everybody who has the
// address. The page says the same whether there is somebody or not, after the
// same work: the letters are written afterwards.
func (a *App) forgot(ctx context.Context, email, host string) error {
	if err := a.countTry(ctx, []string{a.box.Hash("try", "forgot/"+normalise(email)), a.box.Hash("try", "forgot-host/"+host)}); err != nil {
		return err
	}
	return a.db.Write(ctx, func(tx *db.Tx) error {
		found, err := peopleWith(ctx, tx, normalise(email))
		if err != nil {
			return err
		}
		job := forgotJob{People: []string{}}
		for _, p := range found {
			job.People = append(job.People, p.ID)
		}
		return a.jobs.Insert(ctx, tx, job, nil)
	})
}

// forgotJob has links to set a new password posted; for nobody it does nothing.
type forgotJob struct {
	People []string `json:"people"`
}

// Kind implements river.JobArgs.
func (forgotJob) Kind() string { return "smart_calendar_forgot" }

type forgotWorker struct {
	river.WorkerDefaults[forgotJob]
	app *App
}

// Work implements river.Worker.
func (w *forgotWorker) Work(ctx context.Context, job *river.Job[forgotJob]) error {
	return w.app.db.Write(ctx, func(tx *db.Tx) error {
		for _, id := range job.Args.People {
			p, err := db.One(ctx, tx, scanPerson, "SELECT "+personColumns+" FROM sc_people p WHERE p.id = $1 AND p.active", id)
			if db.IsNotFound(err) {
				continue
			}
			if err == nil {
				err = w.app.postReset(ctx, tx, p)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (a *App) postReset(ctx context.Context, tx *db.Tx, p person) error {
	c, err := findCompany(ctx, tx, p.CompanyID)
	if err != nil {
		return err
	}
	token, err := issueTicket(ctx, tx, ticketReset, p.ID, resetLife)
	if err != nil {
		return err
	}
	t := letters(p.Lang)
	return a.post(ctx, tx, mail.Letter{
		Lang: p.Lang, To: p.Email, ToName: p.Name, Subject: t.resetSubject,
		Greeting: fmt.Sprintf(t.greeting, p.Name), Paragraphs: []string{fmt.Sprintf(t.resetText, c.Name)},
		Button: mail.Button{Label: t.resetButton, URL: a.config.AppURL + "/password/" + token},
		After:  []string{t.resetAfter}, Sign: "Smart Calendar · " + c.Name,
	})
}

// letterTexts are the sentences of our mails in one language.
type letterTexts struct {
	greeting                                                         string
	inviteSubject, inviteText, inviteMore, inviteButton, inviteAfter string
	resetSubject, resetText, resetButton, resetAfter                 string
}

func letters(lang string) letterTexts {
	if lang == "en" {
		return letterTexts{
			greeting:      "Hello %s,",
			inviteSubject: "Your invitation to Smart Calendar at %s",
			inviteText:    "%s has invited you to Smart Calendar, where %s plans its interviews.",
			inviteMore:    "Choose a password and you are in. Your calendar is connected by itself; only your free and busy times are used.",
			inviteButton:  "Accept the invitation",
			inviteAfter:   "The link works once and for 14 days. If you did not expect this mail, just delete it.",
			resetSubject:  "Set a new password",
			resetText:     "Somebody asked for a new password for your access to Smart Calendar at %s.",
			resetButton:   "Set a new password",
			resetAfter:    "The link works once and for one hour. If it was not you, just delete this mail: your password stays as it is.",
		}
	}
	return letterTexts{
		greeting:      "Guten Tag %s,",
		inviteSubject: "Ihre Einladung zu Smart Calendar bei %s",
		inviteText:    "%s hat Sie zu Smart Calendar eingeladen. Damit plant %s Bewerbungsgespräche.",
		inviteMore:    "Wählen Sie ein Passwort, dann sind Sie dabei. Ihr Kalender wird von selbst verbunden; verwendet wird nur, wann Sie frei oder belegt sind.",
		inviteButton:  "Einladung annehmen",
		inviteAfter:   "Der Link funktioniert einmal und 14 Tage lang. Wenn Sie diese Nachricht nicht erwartet haben, löschen Sie sie einfach.",
		resetSubject:  "Neues Passwort festlegen",
		resetText:     "Für Ihren Zugang zu Smart Calendar bei %s wurde ein neues Passwort angefordert.",
		resetButton:   "Neues Passwort festlegen",
		resetAfter:    "Der Link funktioniert einmal und eine Stunde lang. Wenn Sie das nicht waren, löschen Sie diese Nachricht einfach: Ihr Passwort bleibt, wie es ist.",
	}
}

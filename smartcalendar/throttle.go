package smartcalendar

import (
	"context"
	"time"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"kalends/cronofy"
	"kalends/db"
	"kalends/explain"
	"kalends/ui"
)

const causeThrottled = "throttled"

// throttled gives the connection that its calendar system keeps waiting just now.
// It is connected all the same, and so is everybody: it goes on by itself.
func (c calendar) throttled() (cronofy.Connection, bool) {
	for _, one := range c.Connections {
		if c.live() && one.Status == cronofy.ConnectionConnected && one.Cause != nil && one.Cause.Key == causeThrottled {
			return one, true
		}
	}
	return cronofy.Connection{}, false
}

func (a *App) throttled(ctx context.Context, companyID string) (kept bool, err error) {
	err = a.db.Read(ctx, func(tx *db.Tx) error {
		c, err := calendarOf(ctx, tx, companyID)
		_, kept = c.throttled()
		return err
	})
	return kept, err
}

// throttledLine says who keeps us waiting and when it goes on. It takes the place
// of another line, so that nothing moves when it comes and goes.
func (p *page) throttledLine(c cronofy.Connection, texts string) g.Node {
	system := p.T("provider." + c.Provider)
	sentence := p.T(texts+"soon", "system", system)
	if at, err := time.Parse(time.RFC3339, c.Cause.Facts["until"]); err == nil && at.After(p.Now) {
		clock := at.In(p.Zone).Format(p.T("throttled.clock")) + " (" + p.Zone.String() + ")"
		sentence = p.T(texts+"at", "system", system, "at", clock)
	}
	return h.P(h.Class("muted calm"), ui.Status(ui.StateWaiting, sentence), g.Text(" "), p.throttledHelp())
}

func (p *page) throttledHelp() g.Node {
	return h.A(h.Href("/help/troubleshooting#"+causeThrottled), p.Text("throttled.help"))
}

// throttledNotice says on a person's page why what is shown may be a little old.
func (p *page) throttledNotice(s subject, cal calendar) g.Node {
	kept, ok := cal.throttled()
	if !ok || !s.person.wanted() {
		return nil
	}
	text := explain.Cause(p.Lang, causeThrottled, p.Facts(kept.Cause.Facts))
	return ui.Notice(ui.StateWaiting, text.What+" "+text.Fix, h.P(p.throttledHelp()))
}

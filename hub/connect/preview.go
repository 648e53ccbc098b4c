package connect

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	kalends "kalends"
	"kalends/db"
	"kalends/provider"
	"kalends/secret"
	"kalends/store"
)

const (
	previewAtOnce  = 8   // addresses looked up side by side
	previewBatch   = 100 // stored together
	previewSamples = 5
)

// plan is what a preview looks up.
type plan struct {
	emails   []string
	mappings map[string]string // by hand, on the preview page
	confirm  bool
}

// previewer finds out who would be connected, and says so batch by batch.
type previewer struct {
	client *provider.Client
	plan   plan
	keep   func(context.Context, Preview) error // fails when the preview is not wanted any more
}

func (p previewer) run(ctx context.Context) error {
	preview := Preview{Running: true, Total: len(p.plan.emails), Rooms: -1}
	rooms := p.rooms(ctx)
	if rooms != nil {
		preview.Rooms = len(rooms)
	}
	emails := p.plan.emails
	if len(emails) == 0 {
		emails = p.samples(ctx, rooms)
		preview.Sample, preview.Total = true, len(emails)
	}
	for _, email := range emails {
		preview.Items = append(preview.Items, PreviewItem{Email: email, Status: kalends.AccountPending})
	}
	if err := p.keep(ctx, preview); err != nil {
		return err
	}
	batch := max(previewBatch, len(emails)/50)
	for start := 0; start < len(emails); start += batch {
		end := min(start+batch, len(emails))
		p.lookUp(ctx, preview.Items[start:end])
		if ctx.Err() != nil {
			return ctx.Err()
		}
		preview.Done = end
		if err := p.keep(ctx, preview); err != nil {
			return err
		}
	}
	preview.Running = false
	return p.keep(ctx, preview)
}

// lookUp fills items in place.
func (p previewer) lookUp(ctx context.Context, items []PreviewItem) {
	var group errgroup.Group
	group.SetLimit(previewAtOnce)
	for i := range items {
		group.Go(func() error {
			email := items[i].Email
			items[i] = find(ctx, []way{{finder: p.client}}, wish{email, p.plan.mappings[email], p.plan.confirm}).item(email)
			return nil
		})
	}
	_ = group.Wait()
	markShared(items)
}

// rooms lists the rooms, nil where they cannot be listed.
func (p previewer) rooms(ctx context.Context) []kalends.Room {
	if !p.client.HasRooms() {
		return nil
	}
	rooms, err := p.client.Rooms(ctx)
	if err != nil {
		return nil
	}
	return append([]kalends.Room{}, rooms...)
}

// samples names a few mailboxes to look up where the application named none.
func (p previewer) samples(ctx context.Context, rooms []kalends.Room) []string {
	var emails []string
	if p.client.HasDirectory() {
		people, _, _ := p.client.People(ctx, "")
		for _, person := range people[:min(len(people), previewSamples)] {
			emails = append(emails, kalends.NormalizeEmail(person.Email))
		}
	}
	for _, room := range rooms {
		if len(emails) == previewSamples {
			break
		}
		emails = append(emails, kalends.NormalizeEmail(room.Email))
	}
	return emails
}

// markShared gives later addresses that lead to the mailbox of an earlier one
// the cause that connecting would give them.
func markShared(items []PreviewItem) {
	first := map[string]string{}
	for i, item := range items {
		if item.Status != kalends.AccountConnected {
			continue
		}
		key := item.ConnectionID + "|" + item.MatchedEmail
		other, taken := first[key]
		if !taken {
			first[key] = item.Email
			continue
		}
		items[i].Status = kalends.AccountError
		items[i].Cause = kalends.NewCause(kalends.CauseAddressNotUnique, "email", item.Email, "other", other)
	}
}

// StartPreview looks the addresses up again in the background. It runs by itself
// after a check that is ok.
func (s *Service) StartPreview(ctx context.Context, handle string) error {
	var id, checkID string
	err := s.change(ctx, secret.SHA256(handle), func(tx *db.Tx, r *row) error {
		id, checkID = "", ""
		if r.CheckState != store.CheckOK {
			return kalends.Errorf(kalends.KindConflict, "connect: no successful check to preview with")
		}
		if r.preview.Running && tx.Now().Sub(r.CheckAt) <= checkSilence {
			return nil
		}
		r.preview.Running, r.CheckAt = true, tx.Now() // so that a second click starts no second one
		id, checkID = r.ID, r.CheckID
		return nil
	})
	if err == nil && id != "" {
		s.background(func(ctx context.Context) { s.preview(ctx, id, checkID) })
	}
	return err
}

// preview runs in the background and ends when another check began.
func (s *Service) preview(ctx context.Context, id, checkID string) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Minute)
	defer cancel()
	client, p, err := s.previewClient(ctx, id, checkID)
	if err != nil {
		s.c.Log.WarnContext(ctx, "preview could not start", "connect", id, "error", err)
		return
	}
	defer client.Close()
	run := previewer{client: client, plan: p, keep: func(ctx context.Context, preview Preview) error {
		return s.updateCheck(ctx, id, checkID, func(r *row) error {
			r.preview.Preview = preview
			return nil
		})
	}}
	if err := run.run(ctx); err != nil && ctx.Err() == nil {
		s.c.Log.InfoContext(ctx, "preview ended early", "connect", id, "error", err)
	}
}

func (s *Service) previewClient(ctx context.Context, id, checkID string) (*provider.Client, plan, error) {
	r, err := s.readRow(ctx, id)
	if err != nil {
		return nil, plan{}, err
	}
	if r.CheckID != checkID || r.result == nil {
		return nil, plan{}, kalends.Errorf(kalends.KindConflict, "connect: another check began")
	}
	client, err := s.openClient(r.Provider, r.result.Credentials, r.ID)
	return client, plan{r.emails, r.preview.Mappings, r.preview.ConfirmAliases}, err
}

// PreviewMapping says by hand which mailbox an address of the preview means; ""
// takes it back. A mailbox that cannot be reached is an error with its cause.
func (s *Service) PreviewMapping(ctx context.Context, handle, email, mailbox string) error {
	r, err := s.readConnect(ctx, handle)
	if err != nil {
		return err
	}
	email, mailbox = kalends.NormalizeEmail(email), kalends.NormalizeEmail(mailbox)
	if !validEmail(email) || mailbox != "" && !validEmail(mailbox) {
		return &InvalidError{[]FieldError{{-1, "mailbox", "errors.invalid", "not an e-mail address"}}}
	}
	client, p, err := s.previewClient(ctx, r.ID, r.CheckID)
	if err != nil {
		return err
	}
	defer client.Close()
	look, cancel := context.WithTimeout(provider.Interactive(ctx), s.previewTime)
	defer cancel()
	result := find(look, []way{{finder: client}}, wish{email, mailbox, p.confirm})
	if mailbox != "" && !result.found() {
		return &kalends.Error{Kind: kalends.KindNotFound, Op: "connect.PreviewMapping", Cause: result.item(email).Cause}
	}
	return s.updateCheck(ctx, r.ID, r.CheckID, func(r *row) error { return r.preview.mapByHand(email, mailbox, result.item(email)) })
}

// SetConfirmAliases decides whether addresses that are not primary want a yes.
func (s *Service) SetConfirmAliases(ctx context.Context, handle string, confirm bool) error {
	return s.update(ctx, handle, func(r *row) error {
		r.preview.ConfirmAliases = confirm
		for i, item := range r.preview.Items {
			r.preview.Items[i] = item.confirmed(confirm)
		}
		return nil
	})
}

// confirmed gives the item under the other policy.
func (p PreviewItem) confirmed(confirm bool) PreviewItem {
	asked := p.Cause != nil && p.Cause.Key == kalends.CauseAddressIsAlias
	switch {
	case asked && !confirm:
		p.Status, p.Cause, p.Candidates = kalends.AccountConnected, nil, nil
	case confirm && p.Status == kalends.AccountConnected && p.Group() == GroupAlias:
		p.Status, p.Candidates = kalends.AccountError, []string{p.MatchedEmail}
		p.Cause = kalends.NewCause(kalends.CauseAddressIsAlias, "email", p.Email, "mailbox", p.MatchedEmail)
	}
	return p
}

// stored is a preview with what the administrator decided on it.
type stored struct {
	Preview
	Mappings       map[string]string `json:",omitempty"`
	ConfirmAliases bool
}

func (p *stored) mapByHand(email, mailbox string, item PreviewItem) error {
	for i := range p.Items {
		if p.Items[i].Email != email {
			continue
		}
		if p.Mappings == nil {
			p.Mappings = map[string]string{}
		}
		if p.Mappings[email] = mailbox; mailbox == "" {
			delete(p.Mappings, email)
		}
		p.Items[i] = item
		return nil
	}
	return kalends.Errorf(kalends.KindNotFound, "connect: the address is not in the preview")
}

package sandbox

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// control is the API under /_sandbox: acting as users, staff changes, faults
// and counts.
func (s *Server) control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, map[string]string{"status": "ok"}) })
	mux.HandleFunc("GET /_sandbox/world", s.showWorld)
	mux.HandleFunc("GET /_sandbox/mailboxes/{email}/events", s.withMailbox(s.listEvents))
	mux.HandleFunc("POST /_sandbox/mailboxes/{email}/events", s.withMailbox(s.createEvent))
	mux.HandleFunc("PATCH /_sandbox/mailboxes/{email}/events/{id}", s.withMailbox(s.updateEvent))
	mux.HandleFunc("DELETE /_sandbox/mailboxes/{email}/events/{id}", s.withMailbox(s.deleteEvent))
	mux.HandleFunc("POST /_sandbox/mailboxes", s.hire)
	mux.HandleFunc("PATCH /_sandbox/mailboxes/{email}", s.changeMailbox)
	mux.HandleFunc("DELETE /_sandbox/mailboxes/{email}", s.removeMailbox)
	mux.HandleFunc("GET /_sandbox/faults", func(w http.ResponseWriter, _ *http.Request) { answer(w, s.desk.Faults()) })
	mux.HandleFunc("POST /_sandbox/faults", s.addFault)
	mux.HandleFunc("DELETE /_sandbox/faults", s.clearFaults)
	mux.HandleFunc("GET /_sandbox/systems/{provider}", s.showSettings)
	mux.HandleFunc("PATCH /_sandbox/systems/{provider}", s.changeSettings)
	mux.HandleFunc("GET /_sandbox/requests", s.listRequests)
	mux.HandleFunc("GET /_sandbox/stats", func(w http.ResponseWriter, _ *http.Request) { answer(w, s.desk.Stats()) })
	mux.HandleFunc("GET /_sandbox/mail", func(w http.ResponseWriter, _ *http.Request) { answer(w, s.world.Mail()) })
	mux.HandleFunc("PATCH /_sandbox/mail", s.changeMail)
	mux.HandleFunc("POST /_sandbox/deliver", func(w http.ResponseWriter, _ *http.Request) { s.world.Deliver(); answer(w, s.world.Mail()) })
	mux.HandleFunc("POST /_sandbox/settle", func(w http.ResponseWriter, _ *http.Request) { s.world.Settle(); answer(w, "settled") })
	mux.HandleFunc("POST /_sandbox/reset", func(w http.ResponseWriter, _ *http.Request) {
		s.reset()
		answer(w, "reset")
	})
	return mux
}

func answer(w http.ResponseWriter, value any) { write(w, http.StatusOK, value) }

func write(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

func refuse(w http.ResponseWriter, err error) {
	status := http.StatusBadRequest
	switch {
	case errors.Is(err, ErrNoItem), errors.Is(err, ErrNoRecipient):
		status = http.StatusNotFound
	case errors.Is(err, ErrTaken):
		status = http.StatusConflict
	}
	write(w, status, map[string]string{"error": err.Error()})
}

func parse(r *http.Request, into any) error {
	decoder := json.NewDecoder(http.MaxBytesReader(nil, r.Body, 1<<20))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

func (s *Server) showWorld(w http.ResponseWriter, _ *http.Request) {
	of := func(kinds ...Kind) []*Recipient {
		found := s.world.Recipients(func(r *Recipient) bool {
			for _, kind := range kinds {
				if r.Kind == kind && !r.Planted {
					return true
				}
			}
			return false
		})
		return append([]*Recipient{}, found...)
	}
	answer(w, map[string]any{
		"company": s.world.start.Name, "domain": s.world.Domain(), "zone": s.world.Zone(), "seed": s.config.Seed,
		"people": of(Person), "rooms": of(Room), "room_lists": of(RoomList), "service_account": s.world.ServiceAccount(),
		"calendars": len(of(Person, Room)), "planted": s.world.Planted(),
	})
}

func (s *Server) withMailbox(act func(http.ResponseWriter, *http.Request, *Recipient)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		recipient, _ := s.world.Recipient(r.PathValue("email"))
		if recipient == nil || !recipient.HasMailbox() {
			refuse(w, ErrNoRecipient)
			return
		}
		act(w, r, recipient)
	}
}

// listEvents gives the occurrences of a span (default: the whole window), or
// the singles and series themselves with ?series=true.
func (s *Server) listEvents(w http.ResponseWriter, r *http.Request, box *Recipient) {
	if r.FormValue("series") == "true" {
		answer(w, map[string]any{"events": append([]*Item{}, s.world.Items(box)...)})
		return
	}
	from, to := s.world.Now().AddDate(0, 0, -7*weeksBefore-7), s.world.Now().AddDate(0, 0, 7*weeksAfter+7)
	if t, err := time.Parse(time.RFC3339, r.FormValue("from")); err == nil {
		from = t
	}
	if t, err := time.Parse(time.RFC3339, r.FormValue("to")); err == nil {
		to = t
	}
	events := []*Item{}
	for _, o := range s.world.View(box, from, to) {
		events = append(events, o.Item)
	}
	answer(w, map[string]any{"events": events})
}

func (s *Server) createEvent(w http.ResponseWriter, r *http.Request, box *Recipient) {
	var item Item
	err := parse(r, &item)
	if err == nil && !item.End.After(item.Start) {
		err = errors.New("the event ends before it starts")
	}
	if err != nil {
		refuse(w, err)
		return
	}
	if item.Zone == "" {
		item.Zone = s.world.Zone()
	}
	made, err := s.world.Create(box, item, true)
	if err != nil {
		refuse(w, err)
		return
	}
	write(w, http.StatusCreated, made)
}

// updateEvent overwrites the fields that the body names; "my_response" of
// somebody else's meeting answers the invitation.
func (s *Server) updateEvent(w http.ResponseWriter, r *http.Request, box *Recipient) {
	var body json.RawMessage
	var reply struct {
		Response string `json:"my_response"`
	}
	err := parse(r, &body)
	if err == nil {
		err = json.Unmarshal(body, &reply)
	}
	id := r.PathValue("id")
	if err == nil && reply.Response != "" {
		err = s.world.Respond(box, id, reply.Response)
		s.shown(w, box, id, err)
		return
	}
	if err == nil {
		_, err = s.world.Update(box, id, func(i *Item) error { return json.Unmarshal(body, i) }, true)
	}
	s.shown(w, box, id, err)
}

func (s *Server) shown(w http.ResponseWriter, box *Recipient, id string, err error) {
	if err != nil {
		refuse(w, err)
		return
	}
	item, err := s.world.Item(box, id)
	if err != nil {
		answer(w, map[string]string{"id": id})
		return
	}
	answer(w, item)
}

func (s *Server) deleteEvent(w http.ResponseWriter, r *http.Request, box *Recipient) {
	if err := s.world.Delete(box, r.PathValue("id"), true); err != nil {
		refuse(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) hire(w http.ResponseWriter, r *http.Request) {
	var recipient Recipient
	err := parse(r, &recipient)
	if err == nil && recipient.Email == "" {
		err = errors.New("email is missing")
	}
	if err == nil {
		err = s.world.Hire(recipient)
	}
	if err != nil {
		refuse(w, err)
		return
	}
	write(w, http.StatusCreated, recipient)
}

func (s *Server) changeMailbox(w http.ResponseWriter, r *http.Request) {
	var body json.RawMessage
	err := parse(r, &body)
	if err == nil {
		err = json.Unmarshal(body, &Recipient{})
	}
	if err == nil {
		err = s.world.Change(r.PathValue("email"), func(old *Recipient) { _ = json.Unmarshal(body, old) })
	}
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, "changed")
}

func (s *Server) removeMailbox(w http.ResponseWriter, r *http.Request) {
	if err := s.world.Remove(r.PathValue("email")); err != nil {
		refuse(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) addFault(w http.ResponseWriter, r *http.Request) {
	var fault Fault
	err := parse(r, &fault)
	if err == nil && fault.Kind == "" {
		err = errors.New("kind is missing")
	}
	if err != nil {
		refuse(w, err)
		return
	}
	s.desk.AddFault(fault)
	write(w, http.StatusCreated, fault)
}

func (s *Server) clearFaults(w http.ResponseWriter, r *http.Request) {
	s.desk.ClearFaultsOf(r.FormValue("target"), r.FormValue("kind"))
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) listRequests(w http.ResponseWriter, r *http.Request) {
	since, _ := time.Parse(time.RFC3339Nano, r.FormValue("since"))
	answer(w, map[string]any{"requests": s.desk.Calls(r.FormValue("provider"), since)})
}

package sandbox

import (
	"errors"
	"io"
	"net/http"
)

var errNoSettings = errors.New("no such system, or it has no settings")

// settings finds the switches of the system that a request names.
func (s *Server) settings(r *http.Request) (Settings, error) {
	for _, system := range s.config.Systems {
		if system.Provider == r.PathValue("provider") && system.Settings.Show != nil {
			return system.Settings, nil
		}
	}
	return Settings{}, errNoSettings
}

func (s *Server) showSettings(w http.ResponseWriter, r *http.Request) {
	found, err := s.settings(r)
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, found.Show())
}

func (s *Server) changeSettings(w http.ResponseWriter, r *http.Request) {
	found, err := s.settings(r)
	var body []byte
	if err == nil {
		body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	}
	if err == nil {
		err = found.Change(body)
	}
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, found.Show())
}

func (s *Server) changeMail(w http.ResponseWriter, r *http.Request) {
	mail := s.world.Mail()
	if err := parse(r, &mail); err != nil {
		refuse(w, err)
		return
	}
	s.world.SetMail(mail)
	answer(w, s.world.Mail())
}

// reset makes everything as it was at the start.
func (s *Server) reset() {
	s.world.Reset()
	s.desk.Reset()
	for _, system := range s.config.Systems {
		if system.Settings.Reset != nil {
			system.Settings.Reset()
		}
	}
}

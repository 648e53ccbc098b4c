package ui

import (
	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

// State is how something is. It chooses colour and icon; the word beside it says
// the same.
type State string

// The states.
const (
	StateOK      State = "ok"
	StateWarning State = "warning"
	StateError   State = "error"
	StateWaiting State = "waiting"
	StateRunning State = "running"
	StateOff     State = "off"
	StateInfo    State = "info"
)

// icon gives the drawing of a state.
func (s State) icon() IconName {
	switch s {
	case StateOK:
		return IconCheck
	case StateWarning:
		return IconAlert
	case StateError:
		return IconError
	case StateWaiting:
		return IconWaiting
	case StateRunning:
		return IconRunning
	case StateInfo:
		return IconInfo
	}
	return IconOff
}

// Status is an icon and a word, within tables and text.
func Status(s State, word string) g.Node {
	return h.Span(h.Class("status is-"+string(s)), Icon(s.icon()), h.Span(g.Text(word)))
}

// Badge is the state of a whole page or thing, beside its heading.
func Badge(s State, word string) g.Node {
	return h.Span(h.Class("badge is-"+string(s)), Icon(s.icon()), h.Span(g.Text(word)))
}

// Notice is a message that stays: a sentence, and what belongs to it.
func Notice(s State, sentence string, more ...g.Node) g.Node {
	role := "status"
	if s == StateError {
		role = "alert"
	}
	return h.Div(h.Class("notice is-"+string(s)), h.Role(role), Icon(s.icon()),
		h.Div(h.Class("notice-body"), h.P(g.Text(sentence)), g.Group(more)))
}

package ui

import (
	"hash/fnv"
	"strconv"
	"strings"
	"unicode"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

// Avatar is a person's initials on a quiet colour. It says nothing that the
// name beside it does not.
func Avatar(name string) g.Node {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(name)) // a hash takes every byte
	return h.Span(h.Class("avatar tone-"+strconv.Itoa(int(sum.Sum32()%6))), g.Attr("aria-hidden", "true"), g.Text(initials(name)))
}

func initials(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && r != '\'' })
	switch len(words) {
	case 0:
		return "?"
	case 1:
		return firstLetter(words[0])
	}
	return firstLetter(words[0]) + firstLetter(words[len(words)-1])
}

func firstLetter(word string) string {
	for _, r := range word {
		return string(unicode.ToUpper(r))
	}
	return ""
}

// Room is a room or a device with its address.
func Room(name, email string) g.Node {
	return h.Span(h.Class("person"), h.Span(h.Class("avatar tone-5"), Icon(IconDoor)),
		h.Span(h.Class("person-words"), h.Span(h.Class("person-name"), g.Text(orDefault(name, email))), g.If(name != "" && email != "", h.Span(h.Class("person-mail"), h.Title(email), g.Text(email)))))
}

// Person is an avatar with name and address; href leads to the person's page, or "".
func Person(name, email, href string) g.Node {
	title := h.Span(h.Class("person-name"), g.Text(orDefault(name, email)))
	if href != "" {
		title = h.A(h.Class("person-name"), h.Href(href), g.Text(orDefault(name, email)))
	}
	return h.Span(h.Class("person"), Avatar(orDefault(name, email)),
		h.Span(h.Class("person-words"), title, g.If(name != "" && email != "", h.Span(h.Class("person-mail"), h.Title(email), g.Text(email)))))
}

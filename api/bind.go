package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	kalends "kalends"
)

const (
	maxBody  = 1 << 20
	maxDepth = 16
)

// form is what a caller sent: query or body, with null taken for absent. Its
// readers collect what is wrong; err gives it in the end.
type form struct {
	values map[string]any
	wrong  fieldErrors
}

// bind reads a request: the query of a GET, the body of the others (JSON, or a
// form), both of a DELETE. A body on GET is ignored: Python always sends one.
func bind(w http.ResponseWriter, r *http.Request) (*form, error) {
	f := &form{values: map[string]any{}}
	if r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodDelete {
		f.take(r.URL.Query())
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return f, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return nil, errTooLarge
	}
	if err != nil {
		return nil, invalid("base", "errors.invalid", "the body was cut off")
	}
	if err := f.body(r.Header.Get("Content-Type"), body); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *form) body(contentType string, body []byte) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	kind, _, _ := mime.ParseMediaType(contentType)
	if kind == "application/x-www-form-urlencoded" {
		values, err := url.ParseQuery(string(body))
		if err != nil {
			return invalid("base", "errors.invalid", "the form cannot be read")
		}
		f.take(values)
		return nil
	}
	return f.json(body)
}

// json takes an object. An empty array is what PHP makes of an empty object.
func (f *form) json(body []byte) error {
	if !shallow(body) {
		return invalid("base", "errors.invalid", "the JSON is nested too deeply")
	}
	var value any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	err := decoder.Decode(&value)
	if err == nil {
		_, err = decoder.Token()
	}
	if !errors.Is(err, io.EOF) {
		return invalid("base", "errors.invalid", "the body is not JSON")
	}
	fields, ok := object(value)
	if !ok {
		return invalid("base", "errors.invalid", "the body must be a JSON object")
	}
	for name, v := range fields {
		if v != nil {
			f.values[name] = v
		}
	}
	return nil
}

func object(value any) (map[string]any, bool) {
	if value == nil {
		return nil, true
	}
	if list, ok := value.([]any); ok && len(list) == 0 {
		return nil, true
	}
	fields, ok := value.(map[string]any)
	return fields, ok
}

// shallow tells whether brackets nest no deeper than maxDepth, before anything is built.
func shallow(body []byte) bool {
	depth, text := 0, false
	for i := 0; i < len(body); i++ {
		switch b := body[i]; {
		case text && b == '\\':
			i++
		case b == '"':
			text = !text
		case !text && (b == '{' || b == '['):
			if depth++; depth > maxDepth {
				return false
			}
		case !text && (b == '}' || b == ']'):
			depth--
		}
	}
	return true
}

// take reads name=value pairs; name[]=value is a list.
func (f *form) take(values url.Values) {
	for name, list := range values {
		if short, ok := strings.CutSuffix(name, "[]"); ok {
			all := make([]any, len(list))
			for i, v := range list {
				all[i] = v
			}
			f.values[short] = all
		} else {
			f.values[name] = list[0]
		}
	}
}

func (f *form) has(name string) bool { _, ok := f.values[name]; return ok }

// text reads a string, "" if it is absent.
func (f *form) text(name string) string {
	value, ok := f.values[name]
	if !ok {
		return ""
	}
	text, ok := value.(string)
	if !ok || !kalends.Storable(text) {
		f.wrong.add(name, "errors.invalid", "must be a string")
		return ""
	}
	return text
}

// required reads a string that must be there.
func (f *form) required(name string) string {
	text := f.text(name)
	if text == "" && len(f.wrong.Errors[name]) == 0 {
		f.wrong.add(name, "errors.required", "required")
	}
	return text
}

// scope reads scopes joined with spaces, or an array of them.
func (f *form) scope(name string) string {
	if _, ok := f.values[name].([]any); ok {
		return strings.Join(f.texts(name), " ")
	}
	return f.text(name)
}

// texts reads a list of strings.
func (f *form) texts(name string) []string {
	if !f.has(name) {
		return nil
	}
	list, ok := f.values[name].([]any)
	if !ok {
		f.wrong.add(name, "errors.invalid", "must be a list")
	}
	texts := make([]string, 0, len(list))
	for _, value := range list {
		text, ok := value.(string)
		if !ok || !kalends.Storable(text) {
			f.wrong.add(name, "errors.invalid", "must be a list of strings")
			return nil
		}
		texts = append(texts, text)
	}
	return texts
}

// flag reads a boolean in the spellings that clients use: true, True, 1.
func (f *form) flag(name string) bool {
	switch value := f.values[name].(type) {
	case nil:
		return false
	case bool:
		return value
	case json.Number:
		return f.spelled(name, value.String())
	case string:
		return f.spelled(name, value)
	}
	return f.spelled(name, "?")
}

func (f *form) spelled(name, text string) bool {
	switch strings.ToLower(text) {
	case "true", "1":
		return true
	case "false", "0", "":
		return false
	}
	f.wrong.add(name, "errors.must_be_boolean", "must be true or false")
	return false
}

// number reads a whole number, 0 if it is absent.
func (f *form) number(name string) int64 {
	var n json.Number
	switch value := f.values[name].(type) {
	case nil:
		return 0
	case json.Number:
		n = value
	case string:
		n = json.Number(value)
	}
	number, err := n.Int64()
	if err != nil {
		f.wrong.add(name, "errors.invalid", "must be a whole number")
	}
	return number
}

// moment reads a time or a date, which begins in the zone.
func (f *form) moment(name string, zone *time.Location) time.Time {
	text := f.text(name)
	if text == "" {
		return time.Time{}
	}
	at, err := parseMoment(text, zone)
	if err != nil {
		f.wrong.add(name, "errors.must_be_date", "must be a date or a time")
	}
	return at
}

// parseMoment reads ISO 8601 as clients send it: C# puts a space for the T, and
// a plus that was not escaped in a query arrives as one.
func parseMoment(text string, zone *time.Location) (time.Time, error) {
	if at, err := time.ParseInLocation(time.DateOnly, text, zone); err == nil {
		return at, nil
	}
	if len(text) > 10 && text[10] == ' ' {
		text = text[:10] + "T" + text[11:]
	}
	at, err := time.Parse(time.RFC3339, strings.Replace(text, " ", "+", 1))
	if err == nil && at.Nanosecond() != 0 {
		err = errors.New("fractions of a second are not supported")
	}
	return at, err
}

func (f *form) err() error {
	if len(f.wrong.Errors) == 0 {
		return nil
	}
	return &f.wrong
}

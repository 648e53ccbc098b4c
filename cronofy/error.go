package cronofy

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Error is an answer of the API that says no.
type Error struct {
	Status      int
	Errors      map[string][]FieldError // per field, with status 422
	Key         string                  // "errors.…": of the first field, or the OAuth error_key
	Code        string                  // OAuth 2.0 error: "invalid_grant"
	Description string
	RetryAfter  time.Duration // with status 429 and 503, 0 if not said
	RequestID   string        // for the operator: names the call in the hub's log
}

// FieldError is one thing that is wrong with a field.
type FieldError struct {
	Key         string `json:"key"`
	Description string `json:"description"`
}

// Error implements error.
func (e *Error) Error() string {
	text := fmt.Sprintf("cronofy: status %d", e.Status)
	for _, part := range []string{e.Code, e.Description, e.fields()} {
		if part != "" {
			text += ": " + part
		}
	}
	return text
}

func (e *Error) fields() string {
	names := make([]string, 0, len(e.Errors))
	for name := range e.Errors {
		names = append(names, name)
	}
	sort.Strings(names)
	for i, name := range names {
		if list := e.Errors[name]; len(list) > 0 {
			names[i] = name + " " + list[0].Description
		}
	}
	return strings.Join(names, "; ")
}

// StatusOf gives the HTTP status of an answer that said no, 0 for other errors.
func StatusOf(err error) int {
	var e *Error
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}

// IsRevoked tells whether the error means that the grant has ended: the token
// is refused (401), or the refresh token or code is (invalid_grant). A wrong
// client secret also answers 401 but is no end of a grant.
func IsRevoked(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	return e.Code == "invalid_grant" || e.Status == http.StatusUnauthorized && e.Code != "invalid_client"
}

// IsTemporary tells whether the same call may succeed later unchanged: too many
// calls, a server error, or no answer at all.
func IsTemporary(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return err != nil
	}
	return e.Status == http.StatusTooManyRequests || e.Status >= 500
}

func errorOf(response *http.Response, body []byte) *Error {
	e := &Error{
		Status:     response.StatusCode,
		RetryAfter: retryAfter(response.Header.Get("Retry-After")),
		RequestID:  response.Header.Get("X-Request-Id"),
	}
	var wire struct {
		Errors      map[string][]FieldError `json:"errors"`
		Code        string                  `json:"error"`
		Key         string                  `json:"error_key"`
		Description string                  `json:"error_description"`
	}
	if json.Unmarshal(body, &wire) != nil { // many errors have no body
		return e
	}
	e.Errors, e.Code, e.Key, e.Description = wire.Errors, wire.Code, wire.Key, wire.Description
	if e.Key == "" {
		e.Key = firstKey(wire.Errors)
	}
	return e
}

func firstKey(fields map[string][]FieldError) string {
	first := ""
	for name, list := range fields {
		if len(list) > 0 && (first == "" || name < first) {
			first = name
		}
	}
	if first == "" {
		return ""
	}
	return fields[first][0].Key
}

// retryAfter reads seconds or an HTTP date (RFC 9110, 10.2.3).
func retryAfter(header string) time.Duration {
	if seconds, err := strconv.Atoi(header); err == nil && seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(header); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}

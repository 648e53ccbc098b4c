package api

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"

	"golang.org/x/text/language"

	kalends "kalends"
	"kalends/explain"
	"kalends/hub/connect"
	"kalends/oauth"
)

// oauthError is the body of RFC 6749, 5.2, with Cronofy's error_key.
type oauthError struct {
	Code        string `json:"error"`
	Key         string `json:"error_key,omitempty"`
	Description string `json:"error_description,omitempty"`
	status      int
}

func (e *oauthError) Error() string { return e.Code }

// refusal answers what the rules of OAuth refuse.
func refusal(r *oauth.Refusal, status int) *oauthError {
	return &oauthError{Code: string(r.Code), Key: r.Key, Description: r.Description, status: status}
}

var errTooLarge = errors.New("body is too large")

// fieldErrors is the body of status 422.
type fieldErrors struct {
	Errors map[string][]fieldError `json:"errors"`
	Cause  *causeWire              `json:"cause,omitempty"`
}

type fieldError struct {
	Key         string `json:"key"`
	Description string `json:"description"`
}

func (e *fieldErrors) Error() string { return fmt.Sprintf("%d fields are wrong", len(e.Errors)) }

func (e *fieldErrors) add(field, key, description string) {
	if e.Errors == nil {
		e.Errors = map[string][]fieldError{}
	}
	e.Errors[field] = append(e.Errors[field], fieldError{key, description})
}

func invalid(field, key, description string) *fieldErrors {
	e := &fieldErrors{}
	e.add(field, key, description)
	return e
}

// causeWire is why something does not work, in the caller's language.
type causeWire struct {
	Key   string            `json:"key"`
	Facts map[string]string `json:"facts"`
	Text  string            `json:"text"`
	Fix   string            `json:"fix"`
}

func (c *call) cause(cause *kalends.Cause) *causeWire {
	if cause == nil {
		return nil
	}
	text := explain.Cause(c.language(), string(cause.Key), cause.Facts)
	facts := cause.Facts
	if facts == nil {
		facts = map[string]string{}
	}
	return &causeWire{string(cause.Key), facts, text.What, text.Fix}
}

// language chooses from Accept-Language (RFC 9110, 12.5.4); English without.
func (c *call) language() string {
	header := clipped(c.r.Header.Get("Accept-Language"), 200)
	offered := []language.Tag{language.English, language.German}
	wanted, _, err := language.ParseAcceptLanguage(header)
	if err != nil || len(wanted) == 0 {
		return "en"
	}
	_, at, _ := language.NewMatcher(offered).Match(wanted...)
	return [...]string{"en", "de"}[at]
}

// statuses says which answer a kind of error gets; the others are 500.
var statuses = map[kalends.Kind]int{
	kalends.KindUnauthorized: http.StatusUnauthorized,
	kalends.KindDenied:       http.StatusForbidden,
	kalends.KindNotFound:     http.StatusNotFound,
	kalends.KindConflict:     http.StatusConflict,
	kalends.KindGone:         http.StatusGone,
	kalends.KindInvalid:      http.StatusUnprocessableEntity,
	kalends.KindUnsupported:  http.StatusUnprocessableEntity,
	kalends.KindThrottled:    http.StatusTooManyRequests,
	kalends.KindUnavailable:  http.StatusServiceUnavailable,
}

// fail answers an error. What is our own mistake goes to the log.
func (s *server) fail(c *call, t route, err error) {
	if c.w.status != 0 || errors.Is(err, context.Canceled) && c.r.Context().Err() != nil {
		return
	}
	if answer := s.failure(c, t, err); answer != nil {
		s.c.Log.Error("api call failed", "request", c.id, "route", t.path, "error", answer)
	}
}

func (s *server) failure(c *call, t route, err error) error {
	var wrong *fieldErrors
	var refused *oauthError
	switch {
	case errors.Is(err, errTooLarge):
		return c.empty(http.StatusRequestEntityTooLarge)
	case errors.As(err, &refused):
		return c.json(refused.status, refused)
	case isOAuth(t) && (errors.As(err, &wrong) || kalends.KindOf(err) == kalends.KindInvalid):
		return c.json(http.StatusBadRequest, &oauthError{Code: "invalid_request", Description: "the request cannot be read"})
	case errors.As(err, &wrong):
		return c.json(http.StatusUnprocessableEntity, wrong)
	}
	return s.byKind(c, err)
}

func isOAuth(t route) bool { return t.path == tokenPath || t.path == revokePath }

func (s *server) byKind(c *call, err error) error {
	var fields *connect.InvalidError
	if errors.As(err, &fields) {
		return c.json(http.StatusUnprocessableEntity, wireFields(fields))
	}
	kind := kalends.KindOf(err)
	status, known := statuses[kind]
	if !known {
		_ = c.empty(http.StatusInternalServerError)
		return err
	}
	if kind == kalends.KindUnauthorized {
		c.w.Header().Set("WWW-Authenticate", `Bearer realm="kalends", error="invalid_token"`)
	}
	if after := kalends.RetryAfter(err); after > 0 {
		c.w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(after.Seconds()))))
	}
	return c.refuse(status, kalends.CauseOf(err))
}

func (c *call) refuse(status int, cause *kalends.Cause) error {
	if status == http.StatusUnprocessableEntity {
		body := invalid("base", "errors.invalid", "this cannot be done")
		body.Cause = c.cause(cause)
		return c.json(status, body)
	}
	if cause == nil {
		return c.empty(status)
	}
	return c.json(status, map[string]*causeWire{"cause": c.cause(cause)})
}

// wireFields names the fields of a list as the API does: name[3].email.
func wireFields(e *connect.InvalidError) *fieldErrors {
	body := &fieldErrors{}
	for _, f := range e.Fields {
		body.add(f.Field, f.Key, f.Description)
	}
	return body
}

package ews

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	kalends "kalends"
)

// answer is what a request brought back.
type answer struct {
	root   *node // the operation's response element
	server serverVersion
}

type request struct {
	address string
	version version
	mailbox string // acted for
	body    string
}

func (d *driver) callVersion(ctx context.Context, op string, r request) (answer, error) {
	status, text, err := d.post(ctx, op, r)
	if err != nil {
		return answer{}, err
	}
	envelope, err := parse(text)
	if err != nil || envelope.name != "Envelope" {
		return answer{}, d.unreadable(op, r.address, status, text, err)
	}
	a := readEnvelope(envelope)
	if a.root == nil {
		return answer{}, d.unreadable(op, r.address, status, text, errors.New("empty SOAP body"))
	}
	d.learn(r.address, a.server)
	if fault := faultOf(a.root); fault != nil {
		return a, d.failed(op, r.mailbox, fault)
	}
	if status.StatusCode != http.StatusOK {
		return a, d.statusError(op, r.address, status)
	}
	return a, nil
}

// post sends the envelope and reads the whole body. Statuses that carry SOAP
// (200 and 500) come back; others are errors.
func (d *driver) post(ctx context.Context, op string, r request) (*http.Response, string, error) {
	httpRequest, err := http.NewRequestWithContext(ctx, http.MethodPost, r.address, strings.NewReader(envelope(r.version, r.mailbox, r.body)))
	if err != nil {
		return nil, "", d.transportError(op, r.address, err)
	}
	httpRequest.Header.Set("Content-Type", "text/xml; charset=utf-8")
	httpRequest.Header.Set("Accept", "text/xml")
	if r.mailbox != "" {
		httpRequest.Header.Set("X-AnchorMailbox", clean(r.mailbox))
	}
	response, err := d.client.Do(httpRequest)
	if err != nil {
		return nil, "", d.transportError(op, r.address, err)
	}
	defer func() { _ = response.Body.Close() }()
	switch response.StatusCode {
	case http.StatusOK, http.StatusInternalServerError:
		text, err := readAll(response)
		if err != nil {
			return nil, "", d.transportError(op, r.address, err)
		}
		return response, text, nil
	}
	drain(response)
	if err := d.mailboxError(op, r, response); err != nil {
		return nil, "", err
	}
	return nil, "", d.statusError(op, r.address, response)
}

func readAll(response *http.Response) (string, error) {
	var b strings.Builder
	if response.ContentLength > 0 && response.ContentLength <= maxAnswer {
		b.Grow(int(response.ContentLength))
	}
	_, err := io.Copy(&b, response.Body)
	return b.String(), err
}

// drain reads what keeps the connection usable of an answer whose body does not
// matter; more of it is cut off.
func drain(response *http.Response) {
	_, _ = io.CopyN(io.Discard, response.Body, 64<<10)
}

// unreadable: HTML with status 200 is some other server; a broken body is a
// passing fault of this one.
func (d *driver) unreadable(op, address string, response *http.Response, text string, err error) error {
	cause, kind := kalends.CauseAnswerUnreadable, kalends.KindUnavailable
	switch {
	case response.StatusCode != http.StatusOK && tooNewIn(text) != "":
		return d.failed(op, "", &responseError{code: tooNewIn(text)})
	case response.StatusCode != http.StatusOK && strings.Contains(text[:min(len(text), 4000)], "in '/EWS' Application"): // section 4.10
		return &kalends.Error{
			Kind: kalends.KindThrottled, Op: "exchange." + op, After: defaultBackOff, Err: fmt.Errorf("HTTP status %d", response.StatusCode),
			Cause: kalends.NewCause(kalends.CauseThrottled, "host", hostOf(address)),
		}
	case response.StatusCode != http.StatusOK && errors.Is(err, errNotXML), response.StatusCode != http.StatusOK && looksLikeHTML(text):
		return d.statusError(op, address, response)
	case looksLikeHTML(text):
		cause, kind = kalends.CauseNotExchange, kalends.KindInvalid
	case errors.Is(err, errDoctype), errors.Is(err, errTooComplex):
		kind = kalends.KindInvalid
	}
	if err == nil {
		err = errNotXML
	}
	return &kalends.Error{Kind: kind, Op: "exchange." + op, Cause: kalends.NewCause(cause, "host", hostOf(address)), Err: err}
}

// tooNewIn finds the code that some servers hide in a page.
func tooNewIn(text string) string {
	for _, code := range tooNewCodes {
		if strings.Contains(text, code) {
			return code
		}
	}
	return ""
}

func looksLikeHTML(text string) bool {
	start := strings.ToLower(strings.TrimSpace(text[:min(len(text), 1000)]))
	return strings.HasPrefix(start, "<!doctype html") || strings.HasPrefix(start, "<html") || strings.Contains(start, "<html")
}

func readEnvelope(envelope *node) answer {
	var a answer
	if info := envelope.child("Header", "ServerVersionInfo"); info != nil {
		a.server = serverVersion{number(info, "MajorVersion"), number(info, "MinorVersion"), number(info, "MajorBuildNumber")}
	}
	if parts := envelope.child("Body").all(); len(parts) > 0 {
		a.root = parts[0]
	}
	return a
}

func number(n *node, name string) int {
	value, err := strconv.Atoi(n.attr(name))
	if err != nil {
		return 0
	}
	return value
}

// learn raises the version to what the server showed: an answer may come from an
// older one behind it, which says nothing about the other mailboxes.
func (d *driver) learn(address string, server serverVersion) {
	if server.Major == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	v := server.request()
	switch {
	case d.url != "" && address != d.url:
		d.places.learn(address, v)
	case !d.learned || d.version.before(v):
		d.learned, d.version = true, v
	}
}

// hasLearned tells whether the version is known and not merely the oldest.
func (d *driver) hasLearned() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.learned
}

// faultOf gives the error of a SOAP fault, of a response without messages, or of
// a response whose messages are all errors; nil if there is none.
func faultOf(root *node) *responseError {
	if root.name == "Fault" {
		return faultError(root)
	}
	if messages := root.child("ResponseMessages").all(); len(messages) > 0 && !slices.ContainsFunc(messages, func(n *node) bool { return n.attr("ResponseClass") != "Error" }) {
		return messageError(messages[0])
	}
	if root.attr("ResponseClass") != "" {
		return messageError(root)
	}
	return nil
}

// faultError: recorded shape in section 4.1, with the code in the detail, or in
// the faultcode of other servers.
func faultError(fault *node) *responseError {
	e := &responseError{code: fault.value("detail", "ResponseCode"), text: fault.value("detail", "Message"), values: messageValues(fault.child("detail"))}
	if e.code == "" {
		_, e.code = cutPrefix(fault.value("faultcode"))
	}
	if e.text == "" {
		e.text = fault.value("faultstring")
	}
	return e
}

// messageError gives the error of one response message, or nil.
func messageError(message *node) *responseError {
	if message.attr("ResponseClass") != "Error" {
		return nil
	}
	return &responseError{code: message.value("ResponseCode"), text: message.value("MessageText"), values: messageValues(message)}
}

// messageValues reads MessageXml: named values, or elements of their own.
func messageValues(parent *node) map[string]string {
	values := map[string]string{}
	for _, n := range parent.child("MessageXml").all() {
		name := n.attr("Name")
		if name == "" {
			name = n.name
		}
		values[name] = strings.TrimSpace(n.text)
	}
	return values
}

package cronofy

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// SignatureHeader holds the signatures of a callback: base64 of the HMAC-SHA256
// of the body, one per secret of the application, separated by commas.
const SignatureHeader = "Cronofy-HMAC-SHA256"

// maxCallback is how much of a callback is read.
const maxCallback = 1 << 20

// Errors of ReadCallback.
var (
	ErrSignature = errors.New("cronofy: callback is not signed with our secret")
	ErrCallback  = errors.New("cronofy: callback cannot be read")
)

// VerifyHMAC tells whether one of the signatures in the header is that of the
// body with the client secret.
func VerifyHMAC(body []byte, header, secret string) bool {
	if secret == "" {
		return false
	}
	want := []byte(SignBody(body, secret))
	ok := false
	for value := range strings.SplitSeq(header, ",") {
		if hmac.Equal([]byte(strings.TrimSpace(value)), want) {
			ok = true
		}
	}
	return ok
}

// SignBody gives the signature of a callback's body.
func SignBody(body []byte, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Callback is what the hub posts to an application: exactly one of the fields
// is set, or none for a kind that this package does not know.
type Callback struct {
	Authorization     *Authorization
	ConnectionChanged *ConnectionChanged
	Push              *Push
}

// Authorization answers AuthorizeAccounts for one address: a code or an error.
type Authorization struct {
	Code             string `json:"code,omitempty"`
	State            string `json:"state,omitempty"`
	Error            string `json:"error,omitempty"`
	ErrorKey         string `json:"error_key,omitempty"` // "errors." + the key of a cause
	ErrorDescription string `json:"error_description,omitempty"`
}

// CauseKey gives the key of the cause of an error, or "".
func (a Authorization) CauseKey() string {
	key, _ := strings.CutPrefix(a.ErrorKey, "errors.")
	return key
}

// TypeConnectionChanged is the type of the notification behind ConnectionChanged.
const TypeConnectionChanged = "connection_changed"

// ConnectionChanged says that a connection ended or broke, on the hub's page or
// at the provider. Not at Cronofy.
type ConnectionChanged struct {
	Type         string    `json:"type"`         // connection_changed
	Organisation string    `json:"organisation"` // ser_…
	ConnectionID string    `json:"connection_id"`
	Provider     string    `json:"provider"`
	Domain       string    `json:"domain"`
	Status       string    `json:"status"` // connected, degraded, disconnected
	By           string    `json:"by"`     // who did it: "service account …", "operator", "provider"
	At           time.Time `json:"at"`
	Cause        *Cause    `json:"cause"`
}

// Push is a push notification of a channel: that something changed, not what.
type Push struct {
	Type         string    `json:"type"` // verification, change, profile_disconnected, …
	ChangesSince time.Time `json:"changes_since"`
	ChannelID    string    `json:"-"`
}

// ReadCallback reads, verifies and decodes a callback. ErrSignature means that
// it does not come from the hub (answer 401), ErrCallback that it is no JSON or
// too large (answer 400).
func ReadCallback(r *http.Request, secret string) (Callback, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxCallback+1))
	if err != nil {
		return Callback{}, fmt.Errorf("cronofy: read callback: %w", err)
	}
	if len(body) > maxCallback {
		return Callback{}, fmt.Errorf("%w: more than %d bytes", ErrCallback, maxCallback)
	}
	if !VerifyHMAC(body, strings.Join(r.Header.Values(SignatureHeader), ","), secret) {
		return Callback{}, ErrSignature
	}
	return ParseCallback(body)
}

// ParseCallback decodes the body of a callback that was verified before.
func ParseCallback(body []byte) (Callback, error) {
	var wire struct {
		Authorization *Authorization  `json:"authorization"`
		Notification  json.RawMessage `json:"notification"`
		Channel       struct {
			ID string `json:"channel_id"`
		} `json:"channel"`
	}
	if err := json.Unmarshal(body, &wire); err != nil {
		return Callback{}, fmt.Errorf("%w: %w", ErrCallback, err)
	}
	if wire.Authorization != nil {
		return Callback{Authorization: wire.Authorization}, nil
	}
	if len(wire.Notification) == 0 {
		return Callback{}, nil
	}
	return notification(wire.Notification, wire.Channel.ID)
}

func notification(raw json.RawMessage, channel string) (Callback, error) {
	var kind struct {
		Type string `json:"type"`
	}
	err := json.Unmarshal(raw, &kind)
	var callback Callback
	switch {
	case err != nil:
	case kind.Type == TypeConnectionChanged:
		callback.ConnectionChanged = &ConnectionChanged{}
		err = json.Unmarshal(raw, callback.ConnectionChanged)
	default:
		callback.Push = &Push{ChannelID: channel}
		err = json.Unmarshal(raw, callback.Push)
	}
	if err != nil {
		return Callback{}, fmt.Errorf("%w: %w", ErrCallback, err)
	}
	return callback, nil
}

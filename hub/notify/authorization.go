package notify

import (
	"context"
	"encoding/json"
	"fmt"

	kalends "kalends"
	"kalends/db"
	"kalends/explain"
	"kalends/jobs"
	"kalends/oauth"
	"kalends/store"
)

// The body of the answer to an authorization request: a code or an error.
// Source: Cronofy API, "Service account authorizations", callback.
type authorizationBody struct {
	Authorization authorizationWire `json:"authorization"`
}

type authorizationWire struct {
	Code             string `json:"code,omitempty"`
	Error            string `json:"error,omitempty"`
	ErrorKey         string `json:"error_key,omitempty"`
	ErrorDescription string `json:"error_description,omitempty"`
	State            string `json:"state,omitempty"`
}

// answer posts the answer to one authorization request.
func (s *Service) answer(ctx context.Context, job jobs.AuthorizationCallback) error {
	var callback store.Callback
	var secrets []string
	var body *authorizationWire
	err := s.c.DB.Write(ctx, func(tx *db.Tx) (err error) {
		if callback, err = s.c.Store.CallbackOf(ctx, tx, job.RequestID); err != nil {
			return err
		}
		if body, err = s.prepare(ctx, tx, callback); err != nil || body == nil {
			return err
		}
		secrets, err = s.secrets(ctx, tx, callback.ApplicationID)
		return err
	})
	if kalends.KindOf(err) == kalends.KindNotFound || err == nil && body == nil {
		return nil // withdrawn meanwhile
	}
	if err != nil {
		return fmt.Errorf("notify: prepare answer: %w", err)
	}
	if err := s.deliver(ctx, callback.Request.CallbackURL, callback.Hosts, authorizationBody{*body}, secrets); err != nil {
		return err
	}
	return s.accepted(ctx, job.RequestID, callback.AccountStatus)
}

// accepted notes that the application took the answer. If the account changed
// since the answer was made, the request stays open for the job of that change.
func (s *Service) accepted(ctx context.Context, requestID string, told kalends.AccountStatus) error {
	return s.c.DB.Write(ctx, func(tx *db.Tx) error {
		now, err := s.c.Store.CallbackOf(ctx, tx, requestID)
		if err != nil || now.AccountStatus != told {
			return err
		}
		_, err = s.c.Store.AnswerRequest(ctx, tx, requestID)
		return err
	})
}

// prepare makes the answer; nil if there is none to give. A code is minted here,
// in the transaction that read the account's state.
func (s *Service) prepare(ctx context.Context, tx *db.Tx, c store.Callback) (*authorizationWire, error) {
	wire := &authorizationWire{State: c.Request.State}
	if c.Unwanted {
		return nil, nil // no answer is owed
	}
	switch c.AccountStatus {
	case kalends.AccountError, kalends.AccountWaiting:
		wire.refuse(c.Request)
		return wire, nil
	case kalends.AccountConnected:
		if c.GrantID == "" {
			return nil, nil // revoked meanwhile
		}
	default:
		return nil, nil // pending: it is answered once it is matched
	}
	server := oauth.Server{Storage: s.c.Store.Grants(tx), Now: tx.Now()}
	var err error
	wire.Code, err = server.IssueCode(ctx, oauth.NewCode{
		GrantID: c.GrantID, ClientID: c.ClientID, RedirectURI: c.Request.CallbackURL, Scope: c.Request.Scope,
	})
	return wire, err
}

// refuse fills in why there is no code.
func (w *authorizationWire) refuse(r kalends.AuthorizationRequest) {
	cause := r.Cause
	if cause == nil {
		cause = kalends.NewCause(kalends.CauseInternal)
	}
	text := explain.Cause("en", string(cause.Key), cause.Facts)
	w.Error = oauthError(cause.Key)
	w.ErrorKey = "errors." + string(cause.Key)
	w.ErrorDescription = text.What
	if text.What == "" {
		w.ErrorDescription = text.Title
	}
}

// oauthError gives the error code of RFC 6749 that a cause falls under.
func oauthError(key kalends.CauseKey) string {
	switch key {
	case kalends.CauseCredentialsExpired:
		return "invalid_grant"
	case kalends.CauseThrottled, kalends.CauseServerUnavailable:
		return "temporarily_unavailable"
	}
	return "access_denied"
}

// answerLost notes that an answer was given up.
func (s *Service) answerLost(ctx context.Context, job jobs.AuthorizationCallback, failure error) error {
	return s.c.DB.Write(ctx, func(tx *db.Tx) error {
		c, err := s.c.Store.CallbackOf(ctx, tx, job.RequestID)
		if kalends.KindOf(err) == kalends.KindNotFound {
			return nil
		}
		if err != nil {
			return err
		}
		return s.lost(ctx, tx, kalends.Audit{
			ApplicationID: c.ApplicationID, OrganisationID: c.Request.OrganisationID,
			Facts: map[string]string{"request": job.RequestID, "account": c.Request.AccountID},
		}, failure)
	})
}

// lost writes the audit entry for something that an application never took.
func (s *Service) lost(ctx context.Context, tx *db.Tx, entry kalends.Audit, failure error) error {
	s.c.Log.WarnContext(ctx, "callback given up", "organisation", entry.OrganisationID, "error", failure)
	entry.ID, entry.At = kalends.NewID("aud_"), tx.Now()
	entry.Actor, entry.Action = "hub", "callback.lost"
	entry.Facts["reason"] = failure.Error()
	return s.c.Store.InsertAudit(ctx, tx, entry)
}

func (s *Service) secrets(ctx context.Context, tx *db.Tx, applicationID string) ([]string, error) {
	listed, err := s.c.Store.ClientSecrets(ctx, tx, applicationID)
	var values []string
	for _, one := range listed {
		values = append(values, one.Secret)
	}
	return values, err
}

// deliver posts a body to a URL on one of the hosts.
func (s *Service) deliver(ctx context.Context, url string, hosts []string, body any, secrets []string) error {
	to, err := parseTarget(url, hosts)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("notify: body: %w", err)
	}
	return s.poster.post(ctx, to, raw, secrets)
}

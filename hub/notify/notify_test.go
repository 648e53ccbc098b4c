package notify_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riverqueue/river"

	kalends "kalends"
	"kalends/cronofy"
	"kalends/db"
	"kalends/db/dbtest"
	"kalends/internal/tools/await"
	"kalends/jobs"
	"kalends/secret"
)

func TestConnectedAccountGetsACode(t *testing.T) {
	t.Parallel()
	for name, database := range map[string]func(testing.TB, db.Options) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			connectedAccountGetsACode(t, newHouse(t, world{networks: loopback(), database: database}))
		})
	}
}

func connectedAccountGetsACode(t *testing.T, h *house) {
	t.Helper()
	address := h.base + "/callback?user=42&x=%20"
	h.ask(t, "a", kalends.AccountConnected, nil, address)
	got := h.taker.wait(t, 1)[0]
	if got.path != "/callback?user=42&x=%20" || got.contentType != "application/json; charset=utf-8" {
		t.Errorf("posted to %s as %s", got.path, got.contentType)
	}
	for _, value := range []string{"first secret", "second secret"} {
		if !cronofy.VerifyHMAC(got.body, got.signature, value) {
			t.Errorf("not signed with the %s", value)
		}
	}
	if strings.Contains(got.signature, " ") || strings.Count(got.signature, ",") != 1 {
		t.Errorf("signatures = %q, want two without spaces", got.signature)
	}
	a := authorization(t, got)
	if len(a.Code) != 32 || a.State != "state-a" || a.Error != "" {
		t.Errorf("authorization = %+v", a)
	}
	h.until(t, `SELECT count(*) FROM authorization_requests WHERE answered_at IS NOT NULL`, "1")
	row := h.text(t, `SELECT grant_id || ' ' || client_id || ' ' || redirect_uri || ' ' || scope FROM codes WHERE hash = '`+secret.SHA256(a.Code)+`'`)
	if row != "gra_a client "+address+" read_write" {
		t.Errorf("code row = %s", row)
	}
}

func TestErrAccountWithACauseIsTold(t *testing.T) {
	t.Parallel()
	h := newHouse(t, world{networks: loopback()})
	for id, c := range map[string]struct {
		status     kalends.AccountStatus
		cause      kalends.CauseKey
		wantsError string
	}{
		"missing":  {kalends.AccountError, kalends.CauseAccountNotFound, "access_denied"},
		"newcomer": {kalends.AccountWaiting, kalends.CauseNoMailbox, "access_denied"},
		"expired":  {kalends.AccountError, kalends.CauseCredentialsExpired, "invalid_grant"},
		"busy":     {kalends.AccountError, kalends.CauseThrottled, "temporarily_unavailable"},
	} {
		seen := len(h.taker.all())
		h.ask(t, id, c.status, kalends.NewCause(c.cause, "email", id+"@musterwerk.example"), h.base+"/callback")
		a := authorization(t, h.taker.wait(t, seen+1)[seen])
		if a.Code != "" || a.Error != c.wantsError || a.CauseKey() != string(c.cause) || a.ErrorDescription == "" || a.State != "state-"+id {
			t.Errorf("%s: authorization = %+v", id, a)
		}
	}
}

func TestNothingIsToldWhatNobodyWaitsFor(t *testing.T) {
	t.Parallel()
	h := newHouse(t, world{networks: loopback()})
	h.ask(t, "pending", kalends.AccountPending, nil, h.base+"/pending")
	h.write(t, func(ctx context.Context, tx *db.Tx) error {
		return h.jobs.Insert(ctx, tx, jobs.AuthorizationCallback{RequestID: "req_unknown"}, nil)
	})
	h.until(t, `SELECT count(*) FROM river_job WHERE state = 'completed'`, "2")
	h.write(t, func(ctx context.Context, tx *db.Tx) error {
		_, err := h.store.RevokeOrganisation(ctx, tx, "ser_1")
		return err
	})
	h.ask(t, "late", kalends.AccountConnected, nil, h.base+"/late")
	h.until(t, `SELECT count(*) FROM river_job WHERE state = 'completed'`, "3")
	if got := h.taker.all(); len(got) != 0 {
		t.Errorf("delivered %+v", got)
	}
}

// again lets the time until a failed job's next attempt pass.
func (h *house) again(t *testing.T) {
	t.Helper()
	h.until(t, `SELECT CAST(state AS TEXT) FROM river_job`, "retryable")
	h.write(t, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE river_job SET state = 'available', scheduled_at = '2020-01-01 00:00:00'`)
		return err
	})
}

func TestErrReceiverFailsThenTakesAFreshCode(t *testing.T) {
	t.Parallel()
	h := newHouse(t, world{networks: loopback(), answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }})
	h.ask(t, "a", kalends.AccountConnected, nil, h.base+"/callback")
	h.taker.wait(t, 1)
	h.until(t, `SELECT CAST(state AS TEXT) FROM river_job`, "retryable")
	wait := h.text(t, `SELECT CAST(round((julianday(scheduled_at) - julianday(attempted_at)) * 86400) AS INTEGER) FROM river_job`)
	if wait != "15" && wait != "16" {
		t.Errorf("the next attempt is after %s s, want 15", wait)
	}
	if n := h.text(t, `SELECT count(*) FROM authorization_requests WHERE answered_at IS NOT NULL`); n != "0" {
		t.Error("a refused answer counts as taken")
	}
	h.taker.setAnswer(nil)
	h.again(t)
	got := h.taker.wait(t, 2)
	first, second := authorization(t, got[0]), authorization(t, got[1])
	if first.Code == second.Code || second.Code == "" {
		t.Errorf("codes %q and %q, want a fresh one", first.Code, second.Code)
	}
	h.until(t, `SELECT count(*) FROM authorization_requests WHERE answered_at IS NOT NULL`, "1")
}

func TestErrGivenUpAfterADay(t *testing.T) {
	t.Parallel()
	h := newHouse(t, world{networks: loopback(), answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }})
	h.ask(t, "a", kalends.AccountConnected, nil, h.base+"/callback")
	for range 9 {
		h.again(t)
	}
	h.until(t, `SELECT CAST(state AS TEXT) FROM river_job`, "cancelled")
	if n := len(h.taker.all()); n != 10 {
		t.Errorf("%d attempts, want 10", n)
	}
	if facts := h.text(t, `SELECT facts FROM audits WHERE action = 'callback.lost' AND organisation_id = 'ser_1'`); !strings.Contains(facts, "503") || !strings.Contains(facts, "req_a") {
		t.Errorf("audit facts = %s", facts)
	}
}

func TestErrForeignHostIsNeverAsked(t *testing.T) {
	t.Parallel()
	h := newHouse(t, world{networks: loopback(), hosts: []string{"app.musterwerk.example"}})
	for id, address := range map[string]string{
		"foreign": h.base + "/callback", "scheme": "ftp://app.musterwerk.example/x",
		"user": "http://app.musterwerk.example@" + strings.TrimPrefix(h.base, "http://") + "/x", "port": "https://app.musterwerk.example:22/x",
	} {
		h.ask(t, id, kalends.AccountConnected, nil, address)
	}
	h.until(t, `SELECT count(*) FROM audits WHERE action = 'callback.lost'`, "4")
	if got := h.taker.all(); len(got) != 0 {
		t.Errorf("delivered %+v", got)
	}
}

func TestErrPrivateNetworkIsNotReached(t *testing.T) {
	t.Parallel()
	h := newHouse(t, world{})
	h.ask(t, "a", kalends.AccountConnected, nil, h.base+"/callback")
	h.until(t, `SELECT CAST(state AS TEXT) FROM river_job`, "retryable")
	if got := h.taker.all(); len(got) != 0 {
		t.Errorf("delivered %+v", got)
	}
}

func TestErrRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	h := newHouse(t, world{networks: loopback(), answer: func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}})
	h.ask(t, "a", kalends.AccountConnected, nil, h.base+"/callback")
	h.until(t, `SELECT CAST(state AS TEXT) FROM river_job`, "retryable")
	if got := h.taker.all(); len(got) != 1 {
		t.Errorf("%d requests, want one", len(got))
	}
}

func TestErrEndlessAnswerIsCutOff(t *testing.T) {
	t.Parallel()
	h := newHouse(t, world{networks: loopback(), answer: func(w http.ResponseWriter, r *http.Request) {
		chunk := make([]byte, 32<<10)
		for r.Context().Err() == nil {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}})
	h.ask(t, "a", kalends.AccountConnected, nil, h.base+"/callback")
	h.until(t, `SELECT count(*) FROM authorization_requests WHERE answered_at IS NOT NULL`, "1") // it was a 200
	h.until(t, `SELECT CAST(state AS TEXT) FROM river_job`, "completed")
}

// While a receiver keeps all it may have in flight, others get theirs.
func TestErrHangingReceiverStopsNobodyElse(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	var came atomic.Int64
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		came.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(slow.Close)
	h := newHouse(t, world{networks: loopback(), timeout: time.Hour})
	t.Cleanup(func() { close(hang) })
	h.write(t, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE applications SET callback_hosts = $1`,
			fmt.Sprintf(`[%q,%q]`, h.hosts[0], strings.TrimPrefix(slow.URL, "http://")))
		return err
	})
	for i := range 120 {
		h.ask(t, fmt.Sprintf("hang%d", i), kalends.AccountConnected, nil, slow.URL+"/callback")
	}
	await.True(t, "the slow receiver has all it may", func() bool { return came.Load() == 8 })
	h.ask(t, "healthy", kalends.AccountConnected, nil, h.base+"/callback")
	h.taker.wait(t, 1)
	if n := came.Load(); n != 8 {
		t.Errorf("%d requests hang, want 8", n)
	}
}

func TestErrHangingRequestIsGivenUpAndComesAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t, world{networks: loopback(), timeout: 50 * time.Millisecond, answer: func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
	}})
	h.ask(t, "a", kalends.AccountConnected, nil, h.base+"/callback")
	h.until(t, `SELECT CAST(state AS TEXT) || ' ' || attempt FROM river_job`, "retryable 1")
}

func TestConnectionChangedIsTold(t *testing.T) {
	t.Parallel()
	h := newHouse(t, world{networks: loopback(), hosts: []string{}})
	h.write(t, func(ctx context.Context, tx *db.Tx) error {
		entry := kalends.Audit{ID: "aud_1", At: tx.Now(), OrganisationID: "ser_1", ConnectionID: "con_1", Actor: "provider", Action: "connection.degraded"}
		if err := h.store.InsertAudit(ctx, tx, entry); err != nil {
			return err
		}
		return h.jobs.Insert(ctx, tx, jobs.ConnectionChanged{ConnectionID: "con_1", AuditID: "aud_1"}, nil)
	})
	got := h.taker.wait(t, 1)[0]
	if got.path != "/notify" || !cronofy.VerifyHMAC(got.body, got.signature, "first secret") {
		t.Errorf("posted to %s, signed %q", got.path, got.signature)
	}
	callback, err := cronofy.ParseCallback(got.body)
	if err != nil || callback.ConnectionChanged == nil {
		t.Fatalf("body %s: %v", got.body, err)
	}
	c := *callback.ConnectionChanged
	if c.Organisation != "ser_1" || c.ConnectionID != "con_1" || c.Status != "degraded" || c.By != "provider" || c.Provider != "exchange" || c.At.IsZero() {
		t.Errorf("change = %+v", c)
	}
	if c.Cause == nil || c.Cause.Key != "credentials_expired" || c.Cause.Text == "" || c.Cause.Facts["account"] != "svc" {
		t.Errorf("cause = %+v", c.Cause)
	}
}

func TestManyCallbacksToOneReceiver(t *testing.T) {
	t.Parallel()
	h := newHouse(t, world{networks: loopback(), answer: func(http.ResponseWriter, *http.Request) {
		timer := time.NewTimer(10 * time.Millisecond)
		<-timer.C
	}})
	h.write(t, func(ctx context.Context, tx *db.Tx) error {
		var many []river.InsertManyParams
		for i := range 200 {
			id := fmt.Sprint(i)
			if err := h.account(ctx, tx, id, kalends.AccountConnected, nil); err != nil {
				return err
			}
			request := kalends.AuthorizationRequest{ID: "req_" + id, OrganisationID: "ser_1", AccountID: "acc_" + id, CallbackURL: h.base + "/callback", State: id}
			if err := h.store.InsertRequest(ctx, tx, request); err != nil {
				return err
			}
			many = append(many, river.InsertManyParams{Args: jobs.AuthorizationCallback{RequestID: "req_" + id}})
		}
		return h.jobs.InsertMany(ctx, tx, many)
	})
	h.until(t, `SELECT count(*) FROM authorization_requests WHERE answered_at IS NULL`, "0")
	if most := h.taker.most.Load(); most > 8 {
		t.Errorf("%d requests at once, want at most 8", most)
	}
	codes := map[string]bool{}
	for _, got := range h.taker.all() {
		codes[authorization(t, got).Code] = true
	}
	if len(codes) != 200 {
		t.Errorf("%d different codes, want 200", len(codes))
	}
	h.wantHistogram(t, 200)
}

func (h *house) wantHistogram(t *testing.T, want uint64) {
	t.Helper()
	families, err := h.metric.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == "kalends_callback_seconds" {
			if got := family.GetMetric()[0].GetHistogram().GetSampleCount(); got != want {
				t.Errorf("%d callbacks measured, want %d", got, want)
			}
			return
		}
	}
	t.Error("kalends_callback_seconds is not registered")
}

func TestTheBodyIsWhatTheDocumentationSays(t *testing.T) {
	t.Parallel()
	h := newHouse(t, world{networks: loopback()})
	h.ask(t, "a", kalends.AccountConnected, nil, h.base+"/callback")
	var body map[string]map[string]string
	if err := json.Unmarshal(h.taker.wait(t, 1)[0].body, &body); err != nil {
		t.Fatal(err)
	}
	if len(body) != 1 || len(body["authorization"]) != 2 || body["authorization"]["code"] == "" || body["authorization"]["state"] == "" {
		t.Errorf("body = %v", body)
	}
}

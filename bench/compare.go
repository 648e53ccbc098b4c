package main

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"time"

	"kalends/cronofy"
)

// sampled is about how many people's busy times are held against the provider's truth.
const sampled = 50

// compare reads the busy times of some people through the API and from the
// sandbox, and lists those for whom they differ.
func (r *connectRun) compare(ctx context.Context, state receiverState) ([]string, error) {
	client, err := cronofy.New(cronofy.Config{BaseURL: r.hubURL, ClientID: r.clientID, ClientSecret: r.clientSecret})
	if err != nil {
		return nil, err
	}
	var wrong []string
	step := max(1, len(r.emails)/sampled)
	pace := time.NewTicker(100 * time.Millisecond) // below the limit of calls
	defer pace.Stop()
	for i := 0; i < len(r.emails); i += step {
		<-pace.C
		email := r.emails[i]
		token := state.Tokens[email]
		if token == "" {
			continue // counted as lost
		}
		ours, err := busyOf(ctx, client.Bearer(cronofy.StaticToken(token)))
		if err != nil {
			return nil, fmt.Errorf("read the busy times of %s: %w", email, err)
		}
		truth, err := r.truth(ctx, email)
		if err != nil {
			return nil, err
		}
		if len(ours) == 0 || !equal(ours, truth) {
			wrong = append(wrong, fmt.Sprintf("%s: %d busy times instead of %d", email, len(ours), len(truth)))
		}
	}
	return wrong, nil
}

// span is how busy times are compared: starts and ends, in seconds.
type span struct{ start, end int64 }

func window() (time.Time, time.Time) {
	from := time.Now().UTC().Truncate(24 * time.Hour)
	return from, from.AddDate(0, 0, 28)
}

func busyOf(ctx context.Context, bearer *cronofy.Bearer) (map[span]int, error) {
	from, to := window()
	found := map[span]int{}
	for busy, err := range bearer.FreeBusy(ctx, cronofy.FreeBusyQuery{TZID: "Etc/UTC", From: from, To: to}) {
		if err != nil {
			return nil, err
		}
		if start, end := busy.Start.Time, busy.End.Time; start.Before(to) && end.After(from) && !busy.Start.Date {
			found[span{start.Unix(), end.Unix()}]++
		}
	}
	return found, nil
}

// truth is what the provider's user sees: occurrences that block, all-day ones aside.
func (r *connectRun) truth(ctx context.Context, email string) (map[span]int, error) {
	from, to := window()
	var answer struct {
		Events []struct {
			Start      time.Time `json:"start"`
			End        time.Time `json:"end"`
			AllDay     bool      `json:"all_day"`
			Status     string    `json:"status"`
			MyResponse string    `json:"my_response"`
			Cancelled  bool      `json:"cancelled"`
		} `json:"events"`
	}
	query := url.Values{"from": {from.Format(time.RFC3339)}, "to": {to.Format(time.RFC3339)}}
	if err := getJSON(ctx, r.box.SandboxURL+"/_sandbox/mailboxes/"+url.PathEscape(email)+"/events?"+query.Encode(), &answer); err != nil {
		return nil, err
	}
	found := map[span]int{}
	for _, e := range answer.Events {
		free := e.Status == "Free" || e.Status == "WorkingElsewhere" || e.MyResponse == "Decline" || e.Cancelled
		if free || e.AllDay || !e.Start.Before(to) || !e.End.After(from) {
			continue
		}
		found[span{e.Start.Unix(), e.End.Unix()}]++
	}
	return found, nil
}

func equal(a, b map[span]int) bool {
	if len(a) != len(b) {
		return false
	}
	for s, n := range a {
		if b[s] != n {
			return false
		}
	}
	return true
}

// freePort finds a port of this machine that is free now.
func freePort(ctx context.Context) (string, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

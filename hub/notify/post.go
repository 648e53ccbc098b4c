package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	kalends "kalends"
	"kalends/outbound"
)

const (
	timeout    = 5 * time.Second
	mostAnswer = 64 << 10 // bytes of an answer, which is ignored: enough to use the socket again
	perHost    = 8        // posts in flight to one receiver
)

// signatureHeader holds the signatures of a callback, one for each secret of the
// application, separated by commas without spaces.
const signatureHeader = "Cronofy-HMAC-SHA256"

// Nothing was sent, because a receiver has enough to do, or fails and gets one
// request at a time.
var (
	errBusy   = errors.New("notify: the receiver has as many callbacks in flight as it may")
	errAiling = errors.New("notify: the receiver fails and is tried by another callback")
)

// poster posts signed bodies.
type poster struct {
	clients   map[string]*http.Client // by host, for hosts with a way of their own
	common    *http.Client
	receivers *receivers
	seconds   func(outcome string, took time.Duration)
}

func newPoster(c Config) *poster {
	options := outbound.Options{Timeout: c.Timeout, MaxBody: mostAnswer, MaxConns: perHost}
	p := &poster{common: c.Way.Client(options), clients: map[string]*http.Client{}, receivers: newReceivers()}
	for host, own := range c.Local {
		p.clients[strings.ToLower(host)] = own.Client(options)
	}
	return p
}

func (p *poster) close() {
	p.common.CloseIdleConnections()
	for _, client := range p.clients {
		client.CloseIdleConnections()
	}
}

// target is where a callback goes: a URL on one of the application's hosts.
type target struct {
	url  *url.URL
	host string
}

// parseTarget refuses with KindDenied what is not on a registered host.
func parseTarget(address string, hosts []string) (target, error) {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Host == "" || parsed.User != nil || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return target{}, kalends.Errorf(kalends.KindInvalid, "notify: the callback URL is none")
	}
	registered := slices.ContainsFunc(hosts, func(host string) bool {
		return strings.EqualFold(host, parsed.Host) || strings.EqualFold(host, parsed.Hostname()) && parsed.Port() == ""
	})
	if !registered {
		return target{}, kalends.Errorf(kalends.KindDenied, "notify: %s is not a callback host of the application", parsed.Host)
	}
	return target{url: parsed, host: strings.ToLower(parsed.Host)}, nil
}

// post sends one body. Only a 2xx within the time is success; errBusy and
// errAiling mean that nothing was sent.
func (p *poster) post(ctx context.Context, to target, body []byte, secrets []string) error {
	leave, err := p.receivers.enter(ctx, to.host)
	if err != nil {
		return err
	}
	started := time.Now()
	err = p.send(ctx, to, body, secrets)
	leave(err)
	p.seconds(outcome(err), time.Since(started))
	return err
}

func (p *poster) send(ctx context.Context, to target, body []byte, secrets []string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to.url.String(), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("notify: request: %w", err)
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set(signatureHeader, signatures(body, secrets))
	response, err := p.client(to.host).Do(request)
	if err != nil {
		return withoutQuery(err)
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.Copy(io.Discard, response.Body) // ignored, and no longer than outbound's limit
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return kalends.Errorf(kalends.KindUnavailable, "notify: %s answered %d", to.host, response.StatusCode)
	}
	return nil
}

func (p *poster) client(host string) *http.Client {
	if own := p.clients[host]; own != nil {
		return own
	}
	return p.common
}

// withoutQuery takes the URL out of an HTTP client's error: it may carry ids
// that are nobody else's business.
func withoutQuery(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return &kalends.Error{Kind: kalends.KindUnavailable, Op: "notify.post", Err: err}
}

func signatures(body []byte, secrets []string) string {
	values := make([]string, len(secrets))
	for i, secret := range secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		values[i] = base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(values, ",")
}

func outcome(err error) string {
	if err == nil {
		return "ok"
	}
	return "failed"
}

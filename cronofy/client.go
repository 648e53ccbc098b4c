package cronofy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxAnswer is how much of an answer is read; more is an error.
const maxAnswer = 32 << 20

const userAgent = "Kalends Go 1"

// Config says which hub to speak to, and as which application.
type Config struct {
	BaseURL      string // of the API: "https://hub.musterwerk.example" or "https://api.cronofy.com"
	AppURL       string // of the browser pages where they differ ("https://app.cronofy.com"); "" = BaseURL
	ClientID     string
	ClientSecret string
	HTTP         *http.Client // nil = a client with a time limit of 30 s
}

// Client speaks for one application. It may be used by many goroutines at once.
type Client struct {
	base, app *url.URL
	id        string
	secret    string
	http      *http.Client
}

// New makes a client; it sends nothing. A URL that is not absolute http(s) is
// an error.
func New(config Config) (*Client, error) {
	base, err := parseBase(config.BaseURL)
	if err != nil {
		return nil, err
	}
	app := base
	if config.AppURL != "" {
		if app, err = parseBase(config.AppURL); err != nil {
			return nil, err
		}
	}
	hc := config.HTTP
	if hc == nil {
		hc = &http.Client{Timeout: 30 * time.Second, CheckRedirect: stay}
	}
	return &Client{base: base, app: app, id: config.ClientID, secret: config.ClientSecret, http: hc}, nil
}

// stay: the API never redirects, and what leads elsewhere must not get a token.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func parseBase(text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(text, "/"))
	if err != nil {
		return nil, fmt.Errorf("cronofy: base url: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("cronofy: base url %q is not an absolute http(s) url", text)
	}
	return u, nil
}

// call is one request to the API.
type call struct {
	method   string
	path     string // escaped, from the slash on
	query    url.Values
	body     any // sent as JSON; nil = none
	bearer   string
	language string
	into     any // receives the JSON answer; nil = it is dropped
}

func (c *Client) do(ctx context.Context, k call) error {
	request, err := c.request(ctx, k)
	if err != nil {
		return err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return fmt.Errorf("cronofy: %s %s: %w", k.method, k.path, bare(err))
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return fmt.Errorf("cronofy: %s %s: read answer: %w", k.method, k.path, err)
	}
	if len(body) > maxAnswer {
		return fmt.Errorf("cronofy: %s %s: answer is larger than %d bytes", k.method, k.path, maxAnswer)
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return errorOf(response, body)
	}
	return decode(k, body)
}

func (c *Client) request(ctx context.Context, k call) (*http.Request, error) {
	var body io.Reader
	if k.body != nil {
		text, err := json.Marshal(k.body)
		if err != nil {
			return nil, fmt.Errorf("cronofy: %s %s: %w", k.method, k.path, err)
		}
		body = bytes.NewReader(text)
	}
	target := c.base.String() + k.path
	if len(k.query) > 0 {
		target += "?" + k.query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, k.method, target, body)
	if err != nil {
		return nil, fmt.Errorf("cronofy: %s %s: %w", k.method, k.path, err)
	}
	setHeaders(request.Header, k)
	return request, nil
}

func setHeaders(h http.Header, k call) {
	h.Set("User-Agent", userAgent)
	h.Set("Accept", "application/json")
	if k.body != nil {
		h.Set("Content-Type", "application/json; charset=utf-8")
	}
	if k.bearer != "" {
		h.Set("Authorization", "Bearer "+k.bearer)
	}
	if k.language != "" {
		h.Set("Accept-Language", k.language)
	}
}

func decode(k call, body []byte) error {
	if k.into == nil || len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, k.into); err != nil {
		return fmt.Errorf("cronofy: %s %s: read answer: %w", k.method, k.path, err)
	}
	return nil
}

// bare takes the url, which may hold addresses, out of the error of net/http.
func bare(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// pagePath gives the path of a next page below our own base URL: the token goes
// to the hub that we were configured with, whatever host an answer names.
func pagePath(next string) (string, error) {
	u, err := url.Parse(next)
	if err != nil {
		return "", errors.New("cronofy: next_page is not a url")
	}
	at := strings.Index(u.EscapedPath(), "/v1/")
	if at < 0 {
		return "", errors.New("cronofy: next_page is not a url of the api")
	}
	path := u.EscapedPath()[at:]
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	return path, nil
}

package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestTheBrowsersAddressBehindProxies(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		trusted   []string
		peer      string
		forwarded []string
		want      string
	}{
		"nobody is trusted":      {nil, "10.0.0.1:99", []string{"192.0.2.7"}, "10.0.0.1:99"},
		"a stranger claims":      {[]string{"10.0.0.0/8"}, "198.51.100.1:99", []string{"192.0.2.7"}, "198.51.100.1:99"},
		"one proxy":              {[]string{"10.0.0.1"}, "10.0.0.1:99", []string{"192.0.2.7"}, "192.0.2.7:0"},
		"a browser lies":         {[]string{"10.0.0.1"}, "10.0.0.1:99", []string{"203.0.113.9, 192.0.2.7"}, "192.0.2.7:0"},
		"two proxies, two lines": {[]string{"10.0.0.0/8"}, "10.0.0.1:99", []string{"192.0.2.7", "10.0.0.2"}, "192.0.2.7:0"},
		"nonsense":               {[]string{"10.0.0.0/8"}, "10.0.0.1:99", []string{"192.0.2.7, what"}, "10.0.0.1:0"},
		"no header":              {[]string{"10.0.0.0/8"}, "10.0.0.1:99", nil, "10.0.0.1:0"},
		"IPv6":                   {[]string{"fd00::/8"}, "[fd00::1]:99", []string{"2001:db8::7"}, "[2001:db8::7]:0"},
		"mapped IPv4":            {[]string{"10.0.0.0/8"}, "[::ffff:10.0.0.1]:99", []string{"::ffff:192.0.2.7"}, "192.0.2.7:0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trusted, err := (&settings{TrustedProxies: c.trusted}).proxies()
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			handler := behind(trusted, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr }))
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
			r.RemoteAddr = c.peer
			for _, value := range c.forwarded {
				r.Header.Add("X-Forwarded-For", value)
			}
			handler.ServeHTTP(httptest.NewRecorder(), r)
			if got != c.want {
				t.Errorf("saw %q, want %q", got, c.want)
			}
		})
	}
}

func TestErrTrustedProxies(t *testing.T) {
	t.Parallel()
	if _, err := (&settings{TrustedProxies: []string{"proxy.example"}}).proxies(); err == nil {
		t.Error("a name was taken")
	}
}

func TestErrAppURLWithoutHTTPS(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]bool{
		"http://app.musterwerk.example": false, "http://10.0.0.5:8800": false, "https://app.musterwerk.example": true,
		"http://127.0.0.1:8800": true, "http://localhost:8800": true,
	} {
		s := settings{Listen: "127.0.0.1:8800", Data: "data", AppURL: url, PublicURL: "https://hub.musterwerk.example"}
		if err := s.complete(); (err == nil) != want {
			t.Errorf("%s: %v", url, err)
		}
	}
	for _, listen := range []string{"0.0.0.0:8800", "[::]:8800", ":8800"} {
		s := settings{Listen: listen, Data: "data"}
		if err := s.complete(); err != nil || s.AppURL != "http://127.0.0.1:8800" {
			t.Errorf("%s: %s %v", listen, s.AppURL, err)
		}
	}
}

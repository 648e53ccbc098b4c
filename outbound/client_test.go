package outbound_test

import (
	"compress/gzip"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"kalends/outbound"
)

func TestErrTooLarge(t *testing.T) {
	t.Parallel()
	const most = 1000
	for _, c := range []struct {
		name string
		size int
		err  error
	}{{"one byte less", most - 1, nil}, {"exactly", most, nil}, {"one byte more", most + 1, outbound.ErrTooLarge}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			body, err := read(t, outbound.Options{MaxBody: most}, answering(t, strings.Repeat("x", c.size)).URL)
			if !errors.Is(err, c.err) || len(body) != min(c.size, most) {
				t.Errorf("%d bytes, %v; want %v", len(body), err, c.err)
			}
		})
	}
}

func TestErrEndlessBody(t *testing.T) {
	t.Parallel()
	server := serving(t, func(w http.ResponseWriter, _ *http.Request) {
		line := []byte(strings.Repeat("<a>", 4000))
		for {
			if _, err := w.Write(line); err != nil {
				return
			}
		}
	})
	if body, err := read(t, outbound.Options{MaxBody: 1 << 20}, server.URL); !errors.Is(err, outbound.ErrTooLarge) || len(body) != 1<<20 {
		t.Errorf("%d bytes, %v; want ErrTooLarge", len(body), err)
	}
}

func TestErrCompressedBomb(t *testing.T) {
	t.Parallel()
	server := serving(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		zeros := make([]byte, 1<<20)
		for range 64 {
			_, _ = z.Write(zeros)
		}
		_ = z.Close()
	})
	if _, err := read(t, outbound.Options{MaxBody: 1 << 20}, server.URL); !errors.Is(err, outbound.ErrTooLarge) {
		t.Errorf("%v; want ErrTooLarge", err)
	}
}

func TestErrSlow(t *testing.T) {
	t.Parallel()
	silent := listener(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	dripping := listener(t, func(conn net.Conn) {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nX-Endless: ")
		_, _ = io.Copy(io.Discard, conn)
	})
	stalling := listener(t, func(conn net.Conn) {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
		_, _ = io.Copy(io.Discard, conn)
	})
	for name, c := range map[string]struct {
		url     string
		options outbound.Options
	}{
		"no header":        {silent, outbound.Options{HeaderTimeout: 50 * time.Millisecond}},
		"header never end": {dripping, outbound.Options{HeaderTimeout: 50 * time.Millisecond}},
		"body stalls":      {stalling, outbound.Options{Timeout: 200 * time.Millisecond}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := read(t, c.options, c.url)
			var slow net.Error
			if !errors.As(err, &slow) || !slow.Timeout() {
				t.Errorf("%v; want a time-out", err)
			}
		})
	}
}

func TestErrHeaderTooLarge(t *testing.T) {
	t.Parallel()
	endless := listener(t, func(conn net.Conn) {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
		for {
			if _, err := io.WriteString(conn, "X-A: "+strings.Repeat("a", 1000)+"\r\n"); err != nil {
				return
			}
		}
	})
	if _, err := read(t, outbound.Options{}, endless); err == nil {
		t.Error("an endless header was read")
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	end := answering(t, "end")
	middle := httptest.NewServer(http.RedirectHandler(end.URL, http.StatusFound))
	start := httptest.NewServer(http.RedirectHandler(middle.URL, http.StatusFound))
	t.Cleanup(middle.Close)
	t.Cleanup(start.Close)
	if body, err := read(t, outbound.Options{FollowRedirects: 2}, start.URL); err != nil || body != "end" {
		t.Errorf("two allowed: %q, %v", body, err)
	}
	if _, err := read(t, outbound.Options{FollowRedirects: 1}, start.URL); err == nil {
		t.Error("a second redirect was followed, one allowed")
	}
	if body, err := read(t, outbound.Options{}, start.URL); err != nil || body == "end" {
		t.Errorf("none allowed: %q, %v", body, err)
	}
}

func TestErrRedirectFromTLSToPlain(t *testing.T) {
	t.Parallel()
	plain := answering(t, "overheard")
	safe := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusFound))
	t.Cleanup(safe.Close)
	if _, err := read(t, outbound.Options{FollowRedirects: 3, Roots: certificate(safe)}, safe.URL); err == nil {
		t.Error("https led to http")
	}
}

func TestRootsPerClient(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	way := way(t, "127.0.0.1/32")
	if err := get(t, way.Client(outbound.Options{Roots: certificate(server)}), server.URL); err != nil {
		t.Errorf("with its root: %v", err)
	}
	if err := get(t, way.Client(outbound.Options{}), server.URL); err == nil {
		t.Error("another client of the same way trusts it too")
	}
	whole := outbound.New(outbound.Config{Roots: certificate(server), PrivateNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	if err := get(t, whole.Client(outbound.Options{}), server.URL); err != nil {
		t.Errorf("root of the way: %v", err)
	}
	if err := outbound.CheckRoots([]byte("no PEM")); !errors.Is(err, outbound.ErrBadRoots) {
		t.Errorf("no PEM: %v", err)
	}
	if err := outbound.CheckRoots(certificate(server)); err != nil {
		t.Error(err)
	}
}

func TestProtocolAndName(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Proto+" "+r.UserAgent())
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	way := outbound.New(outbound.Config{
		Roots: certificate(server), UserAgent: "Kalends/1",
		PrivateNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
	})
	for want, options := range map[string]outbound.Options{"HTTP/2.0 Kalends/1": {}, "HTTP/1.1 Kalends/1": {HTTP1: true}} {
		response, err := way.Client(options).Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if string(body) != want {
			t.Errorf("%q, want %q", body, want)
		}
	}
}

func certificate(server *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
}

func serving(t *testing.T, handle http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return server
}

func read(t *testing.T, options outbound.Options, address string) (string, error) {
	t.Helper()
	client := way(t, "127.0.0.1/32").Client(options)
	t.Cleanup(client.CloseIdleConnections)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}

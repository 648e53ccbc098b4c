package outbound_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"kalends/outbound"
)

func TestErrPrivateNetwork(t *testing.T) {
	t.Parallel()
	way := outbound.New(outbound.Config{})
	for _, host := range []string{
		"127.0.0.1", "127.1.2.3", "10.0.0.1", "172.16.5.5", "192.168.1.1", "169.254.1.1", "169.254.169.254",
		"100.64.0.1", "100.100.100.200", "168.63.129.16", "0.0.0.0", "224.0.0.1", "255.255.255.255", "198.18.0.1",
		"[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[fe80::1]", "[fd00::1]", "[ff02::1]",
		"[64:ff9b::7f00:1]", "[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]", "[::127.0.0.1]", "[fd00:ec2::254]", "localhost",
	} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			if err := get(t, way.Client(outbound.Options{}), "http://"+host+":9/"); !errors.Is(err, outbound.ErrPrivateNetwork) {
				t.Errorf("GET %s: %v, want ErrPrivateNetwork", host, err)
			}
		})
	}
}

func TestPublicAddressesAreTried(t *testing.T) {
	t.Parallel()
	way := outbound.New(outbound.Config{})
	ended, end := context.WithCancel(t.Context())
	end() // nothing leaves this machine: the check comes before the connection
	for _, host := range []string{"8.8.8.8", "[2606:4700::1111]", "[64:ff9b::808:808]", "172.32.0.1", "100.63.0.1"} {
		request, _ := http.NewRequestWithContext(ended, http.MethodGet, "http://"+host+"/", nil)
		response, err := way.Client(outbound.Options{}).Do(request)
		if err == nil {
			_ = response.Body.Close()
		}
		if errors.Is(err, outbound.ErrPrivateNetwork) {
			t.Errorf("%s is public, but refused", host)
		}
	}
}

func TestMetadataIsReachedOnlyIfNamedAlone(t *testing.T) {
	t.Parallel()
	wide := way(t, "0.0.0.0/0")
	if err := get(t, wide.Client(outbound.Options{}), "http://169.254.169.254/"); !errors.Is(err, outbound.ErrPrivateNetwork) {
		t.Errorf("named by a wide network: %v, want ErrPrivateNetwork", err)
	}
}

func TestPrivateNetworkIsReachedIfNamed(t *testing.T) {
	t.Parallel()
	server := answering(t, "here")
	if err := get(t, way(t, "127.0.0.0/8").Client(outbound.Options{}), server.URL); err != nil {
		t.Error(err)
	}
	if err := get(t, way(t, "10.0.0.0/8").Client(outbound.Options{}), server.URL); !errors.Is(err, outbound.ErrPrivateNetwork) {
		t.Errorf("another network named: %v", err)
	}
}

func TestErrRedirectToPrivateAddress(t *testing.T) {
	t.Parallel()
	inside := answering(t, "secret")
	door := httptest.NewServer(http.RedirectHandler(strings.Replace(inside.URL, "127.0.0.1", "127.0.0.2", 1), http.StatusFound))
	t.Cleanup(door.Close)
	client := way(t, "127.0.0.1/32").Client(outbound.Options{FollowRedirects: 3})
	if err := get(t, client, door.URL); !errors.Is(err, outbound.ErrPrivateNetwork) {
		t.Errorf("redirect: %v, want ErrPrivateNetwork", err)
	}
}

func TestOverrideIsCheckedToo(t *testing.T) {
	t.Parallel()
	server := answering(t, "here")
	target := server.Listener.Addr().String()
	for _, name := range []string{"mail.musterwerk.example", "mail.musterwerk.example:80", "MAIL.musterwerk.example."} {
		resolve := map[string]string{name: target}
		trusted := outbound.New(outbound.Config{Resolve: resolve, PrivateNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
		if err := get(t, trusted.Client(outbound.Options{}), "http://mail.musterwerk.example/"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		untrusted := outbound.New(outbound.Config{Resolve: resolve})
		if err := get(t, untrusted.Client(outbound.Options{}), "http://mail.musterwerk.example/"); !errors.Is(err, outbound.ErrPrivateNetwork) {
			t.Errorf("%s, not trusted: %v", name, err)
		}
	}
}

func TestOverrideOfOnePortLeavesOthers(t *testing.T) {
	t.Parallel()
	server := answering(t, "here")
	way := outbound.New(outbound.Config{
		PrivateNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
		Resolve:         map[string]string{"127.0.0.9:443": server.Listener.Addr().String()},
	})
	if err := get(t, way.Client(outbound.Options{}), "http://127.0.0.9:80/"); !errors.Is(err, outbound.ErrPrivateNetwork) {
		t.Errorf("port 80 went the way of port 443: %v", err)
	}
}

func TestProxyDoesNotOpenPrivateNetworks(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 4)
	proxy := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.URL.Host }))
	t.Cleanup(proxy.Close)
	at, _ := url.Parse(proxy.URL)
	client := outbound.New(outbound.Config{Proxy: at}).Client(outbound.Options{})
	if err := get(t, client, "http://10.0.0.1/"); !errors.Is(err, outbound.ErrPrivateNetwork) {
		t.Errorf("through the proxy: %v, want ErrPrivateNetwork", err)
	}
	if err := get(t, client, proxy.URL); !errors.Is(err, outbound.ErrPrivateNetwork) {
		t.Errorf("the proxy itself: %v, want ErrPrivateNetwork", err)
	}
	if err := get(t, client, "http://8.8.8.8/"); err != nil || <-asked != "8.8.8.8" {
		t.Errorf("public through the proxy: %v", err)
	}
}

func TestEnvironmentProxyIsIgnored(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	server := answering(t, "direct")
	if err := get(t, way(t, "127.0.0.1/32").Client(outbound.Options{}), server.URL); err != nil {
		t.Error(err)
	}
}

func TestLookupOverrides(t *testing.T) {
	t.Parallel()
	way := outbound.New(outbound.Config{Resolve: map[string]string{
		"_autodiscover._tcp.musterwerk.example": "mail.musterwerk.example:443",
		"_mx.musterwerk.example":                "mx.musterwerk.example.",
	}})
	records, err := way.LookupSRV(t.Context(), "autodiscover", "tcp", "Musterwerk.example")
	if err != nil || len(records) != 1 || records[0].Target != "mail.musterwerk.example" || records[0].Port != 443 {
		t.Errorf("SRV: %v, %v", records, err)
	}
	names, err := way.LookupMX(t.Context(), "musterwerk.example")
	if err != nil || len(names) != 1 || names[0] != "mx.musterwerk.example" {
		t.Errorf("MX: %v, %v", names, err)
	}
}

func way(t *testing.T, networks ...string) *outbound.Way {
	t.Helper()
	var config outbound.Config
	for _, network := range networks {
		config.PrivateNetworks = append(config.PrivateNetworks, netip.MustParsePrefix(network))
	}
	return outbound.New(config)
}

func answering(t *testing.T, text string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) }))
	t.Cleanup(server.Close)
	return server
}

func get(t *testing.T, client *http.Client, address string) error {
	t.Helper()
	t.Cleanup(client.CloseIdleConnections)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

// listener accepts connections and hands them over, without speaking.
func listener(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				// Who answers before the request is there confuses the client.
				if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					serve(conn)
				}
			}()
		}
	}()
	return "http://" + l.Addr().String() + "/"
}

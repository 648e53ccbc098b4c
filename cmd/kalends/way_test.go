package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"kalends/outbound"
)

// What we tell ourselves goes straight: the outgoing proxy knows nothing of this
// machine, and must not see our own secrets.
func TestTheWayToOurselvesKnowsNoProxy(t *testing.T) {
	t.Parallel()
	ourselves := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer ourselves.Close()
	s := &settings{Listen: "127.0.0.1:0", Data: t.TempDir(), Proxy: "http://127.0.0.1:1"}
	h, err := openHouse(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer h.close()
	p := &program{house: h}
	way, err := p.ownWay()
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, ourselves.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := way.Client(outbound.Options{}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer, err := h.way.Client(outbound.Options{}).Do(request); err == nil {
		_ = answer.Body.Close()
		t.Error("everything else goes around the proxy")
	}
}

package ewsfake

import (
	"context"
	"net"
	"net/http"

	"kalends/sandbox"
)

// Options choose how the simulated server behaves.
type Options struct {
	Version      string   // "Exchange2007_SP1" "Exchange2010_SP2" "Exchange2013_SP1" (default) "Exchange2016"
	Authenticate []string // WWW-Authenticate values; nil = Negotiate, NTLM, Basic realm="mail.…"
	Concurrency  int      // requests of one account at once before ErrorServerBusy; 0 = 27
}

// System is Exchange for sandbox.Config.Systems.
func System(options Options) sandbox.System {
	return sandbox.System{
		Provider: provider,
		Hosts:    func(domain string) []string { return []string{"mail." + domain, "autodiscover." + domain} },
		Open: func(w *sandbox.World, d *sandbox.Desk) (http.Handler, http.Handler) {
			s := newServer(w, d, options)
			return s, http.HandlerFunc(s.redirect)
		},
		Block: block,
	}
}

// Start makes and starts a sandbox with Exchange in it: the short way for tests.
func Start(ctx context.Context, config sandbox.Config) (*sandbox.Server, error) {
	config.Systems = append(config.Systems, System(Options{}))
	server, err := sandbox.New(config)
	if err != nil {
		return nil, err
	}
	return server, server.Start(ctx)
}

// Block is the provider block of the ready line.
type Block struct {
	EWSURL         string `json:"ews_url"`
	ServiceAccount string `json:"service_account"`
	Password       string `json:"password"`
	TestEmail      string `json:"test_email"`
}

func block(w *sandbox.World, address string) any {
	_, port, _ := net.SplitHostPort(address)
	b := Block{EWSURL: "https://mail." + w.Domain() + ":" + port + "/EWS/Exchange.asmx", ServiceAccount: w.ServiceAccount()}
	b.Password = w.Password(b.ServiceAccount)
	people := w.Recipients(func(r *sandbox.Recipient) bool { return r.Kind == sandbox.Person && !r.OutOfScope })
	if len(people) > 0 {
		b.TestEmail = people[min(2, len(people)-1)].Email
	}
	return b
}

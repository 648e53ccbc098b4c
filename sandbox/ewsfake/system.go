package ewsfake

import (
	"context"
	"net"
	"net/http"

	"kalends/sandbox"
)

// System is Exchange for sandbox.Config.Systems.
func System(options Options) sandbox.System {
	set, subscribed, made := newSettings(options), &subscriptions{}, &shelf{}
	return sandbox.System{
		Provider: provider,
		Settings: set.control(subscribed, made),
		Hosts:    options.hosts,
		Names:    options.names,
		Open: func(w *sandbox.World, d *sandbox.Desk) (http.Handler, http.Handler) {
			s := &server{world: w, desk: d, set: set, subscribed: subscribed, shelf: made}
			return s, http.HandlerFunc(s.redirect)
		},
		Block: func(w *sandbox.World, address string) any { return block(w, options.home(w.Domain()), address) },
	}
}

// Start makes and starts a sandbox with Exchange in it: the short way for tests.
func Start(ctx context.Context, config sandbox.Config) (*sandbox.Server, error) {
	return StartWith(ctx, config, Options{})
}

// StartWith is Start with an Exchange of one's choice.
func StartWith(ctx context.Context, config sandbox.Config, options Options) (*sandbox.Server, error) {
	config.Systems = append(config.Systems, System(options))
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

func block(w *sandbox.World, home, address string) any {
	_, port, _ := net.SplitHostPort(address)
	b := Block{EWSURL: "https://" + home + ":" + port + "/EWS/Exchange.asmx", ServiceAccount: w.ServiceAccount()}
	b.Password = w.Password(b.ServiceAccount)
	people := w.Recipients(func(r *sandbox.Recipient) bool { return r.Kind == sandbox.Person && !r.OutOfScope })
	if len(people) > 0 {
		b.TestEmail = people[min(2, len(people)-1)].Email
	}
	return b
}

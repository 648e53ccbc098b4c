package ews_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	kalends "kalends"
	"kalends/outbound"
	"kalends/provider"
	"kalends/sandbox"
	"kalends/sandbox/ewsfake"
)

// searchable is the simulated company on an Exchange of one's choice. What
// absent names cannot be reached, and no DNS server is asked.
func searchable(t *testing.T, options ewsfake.Options, absent ...string) company {
	t.Helper()
	server, err := ewsfake.StartWith(t.Context(), sandbox.Config{People: 5}, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	resolve := server.Resolve()
	for _, name := range append(absent, domain+":443") {
		resolve[name] = closedPort(t)
	}
	for _, record := range []string{"_mx." + domain, "_autodiscover._tcp." + domain} {
		if resolve[record] == "" {
			resolve[record] = "" // no such entry
		}
	}
	return company{server: server, block: server.Ready().Exchange.(ewsfake.Block), way: outbound.New(outbound.Config{
		Resolve: resolve, Roots: server.CAPEM(), PrivateNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	})}
}

// Every form that a version has finds its server, and nobody signs in more often
// than needed.
func TestAutodiscoverInTheSandbox(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options ewsfake.Options
		told    string
	}{
		"2007":                 {ewsfake.Options{Version: "Exchange2007_SP1"}, "pox no_answer, pox found 200"},
		"2010 by SOAP":         {ewsfake.Options{Version: "Exchange2010_SP2", Forms: []string{"soap"}}, "pox no_answer, pox status 404, soap found 200"},
		"2016 by version 2":    {ewsfake.Options{Version: "Exchange2016", Forms: []string{"json"}}, "pox no_answer, pox status 404, soap status 404, json found 200"},
		"Basic only":           {ewsfake.Options{Version: "Exchange2013_SP1", Authenticate: []string{"Basic"}}, "pox no_answer, pox found 200"},
		"a server that has it": {ewsfake.Options{Version: "ExchangeSE"}, "pox no_answer, pox found 200"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := searchable(t, c.options)
			steps, err := check(t, m.open(t, "url", ""))
			if found := steps[kalends.StepAutodiscover]; err != nil || found.Facts["url"] != ewsURL || told(found) != c.told {
				t.Errorf("%v, %s, %+v", err, told(found), found)
			}
		})
	}
}

// A provider's server under the company's own mail domain: the redirect over http
// and the DNS entry lead there, and it is asked once it is confirmed.
func TestAProvidersServerInTheSandbox(t *testing.T) {
	t.Parallel()
	const outside = "mail.hoster.example"
	for name, c := range map[string]struct {
		options ewsfake.Options
		told    string
	}{
		"by DNS entry": {
			ewsfake.Options{Version: "Exchange2016", Outside: outside, Forms: []string{"pox"}},
			"pox no_answer, pox no_answer, redirect not_autodiscover 404, srv redirect, pox found 200",
		},
		"by redirect, in SOAP": {
			ewsfake.Options{Version: "Exchange2013_SP1", Outside: outside, Forms: []string{"soap", "redirect"}},
			"pox no_answer, pox no_answer, redirect redirect 302, pox status 404, soap found 200",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := searchable(t, c.options, "autodiscover."+domain+":443")
			steps, err := check(t, m.open(t, "url", ""))
			wantFailed(t, steps, err, kalends.StepAutodiscover, kalends.CauseServerNotConfirmed)
			if calls := m.server.Desk().Calls("exchange", time.Time{}); len(calls) != 0 || kalends.CauseOf(err).Facts["host"] != outside {
				t.Fatalf("%d requests before a word, %v", len(calls), err)
			}
			steps, err = check(t, m.open(t, "url", "", "trusted_hosts", outside))
			found := steps[kalends.StepAutodiscover]
			if err != nil || found.Facts["url"] != "https://"+outside+"/EWS/Exchange.asmx" || told(found) != c.told {
				t.Errorf("%v, %s, %+v", err, told(found), found.Facts)
			}
		})
	}
}

// What breaks one form leaves the next.
func TestAutodiscoverPastFaults(t *testing.T) {
	t.Parallel()
	for kind, result := range map[string]string{
		"status_500": "pox status 500", "html": "pox not_autodiscover 200", "huge": "pox answer_too_large", "cut": "pox no_answer", "truncated": "pox no_answer",
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			m := searchable(t, ewsfake.Options{Version: "Exchange2016"})
			m.server.Desk().AddFault(sandbox.Fault{Provider: "exchange", Target: "Autodiscover/pox", Kind: kind})
			steps, err := check(t, m.open(t, "url", ""))
			if got := told(steps[kalends.StepAutodiscover]); err != nil || got != "pox no_answer, "+result+", soap found 200" {
				t.Errorf("%v, %s", err, got)
			}
		})
	}
}

// Two sites of Exchange 2010, each with its own server: one service account, one
// connection, every mailbox where it lives.
func TestTwoSitesInTheSandbox(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"Exchange2007_SP1", "Exchange2010_SP2"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			m := searchable(t, ewsfake.Options{Version: version})
			people := m.healthyPeople()
			distant := people[len(people)-1].Email
			if err := m.server.World().Change(distant, func(r *sandbox.Recipient) { r.Site = "mail2" }); err != nil {
				t.Fatal(err)
			}
			d := m.open(t)
			for _, person := range people {
				mailbox, err := d.Find(t.Context(), person.Email)
				if err != nil || strings.HasPrefix(mailbox.Server, "https://"+mail2+"/") != (person.Email == distant) {
					t.Fatalf("%s: %+v, %v", person.Email, mailbox, err)
				}
				page, err := d.Changes(t.Context(), provider.ChangesRequest{
					Mailbox: mailbox.Email, Calendar: mailbox.Calendar.ID, Window: kalends.Window{Start: time.Now(), End: time.Now().AddDate(0, 1, 0)},
				})
				if err != nil || !page.Full {
					t.Errorf("%s: %v", person.Email, err)
				}
			}
			draft := kalends.Draft{ID: "evt_1", Summary: "Gespräch", Start: time.Now().AddDate(0, 2, 0), End: time.Now().AddDate(0, 2, 0).Add(time.Hour), Zone: "Europe/Berlin"}
			mailbox, err := d.Find(t.Context(), distant)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := d.Put(t.Context(), distant, mailbox.Calendar.ID, draft); err != nil {
				t.Error(err)
			}
			searches := slices.DeleteFunc(m.server.Desk().Calls("exchange", time.Time{}), func(c sandbox.Call) bool { return c.Operation != "Autodiscover" || c.Status != 200 })
			if len(searches) != 1 {
				t.Errorf("%d searches for one mailbox", len(searches))
			}
		})
	}
}

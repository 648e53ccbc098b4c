package connect_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	kalends "kalends"
	"kalends/hub/connect"
	"kalends/outbound"
	"kalends/provider/ews"
	"kalends/sandbox"
	"kalends/sandbox/ewsfake"
)

// exchange replaces the house's calendar system by the real driver and a
// simulated server; its values pass the check.
func (h *house) exchange() (*sandbox.Server, kalends.Credentials) {
	h.t.Helper()
	server, err := ewsfake.Start(h.t.Context(), sandbox.Config{People: 20})
	h.must(err)
	h.t.Cleanup(func() { _ = server.Close() })
	h.system, h.way = ews.System(), outbound.New(outbound.Config{
		Resolve: server.Resolve(), Roots: server.CAPEM(), PrivateNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	})
	h.open()
	block := server.Ready().Exchange.(ewsfake.Block)
	return server, kalends.Credentials{"username": block.ServiceAccount, "password": block.Password, "test_email": block.TestEmail, "url": block.EWSURL}
}

// What cannot work is shown at its field, and nothing is sent.
func TestErrExchangeFormNamesTheField(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	server, values := h.exchange()
	for field, value := range map[string]string{"ca": "no certificate", "url": "https://mail.musterwerk.example:25/", "test_email": "nobody"} {
		wrong := values.Clone()
		wrong[field] = value
		err := h.StartCheck(t.Context(), h.authorize(), wrong, browser)
		var invalid *connect.InvalidError
		if !errors.As(err, &invalid) || len(invalid.Fields) != 1 || invalid.Fields[0].Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	if calls := server.Desk().Calls("exchange", h.clock.Now().AddDate(-10, 0, 0)); len(calls) != 0 {
		t.Errorf("%d requests", len(calls))
	}
}

func TestExchangeWithKerberosAloneTellsWhatIsOffered(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	server, values := h.exchange()
	server.Desk().AddFault(sandbox.Fault{Provider: "exchange", Kind: "kerberos_only"})
	handle := h.authorize()
	view := h.check(handle, values)
	if view.Cause == nil || view.Cause.Key != kalends.CauseAuthenticationMethod || view.Cause.Facts["offered"] != "Negotiate" {
		t.Fatalf("cause %+v", view.Cause)
	}
	server.Desk().ClearFaults("")
	values["password"] = "" // the one entered before counts
	if view := h.check(handle, values); view.Check != connect.CheckOK {
		t.Fatalf("after NTLM was switched on: %+v", view.Cause)
	}
}

// The right to act for mailboxes is withdrawn while connected: nobody gets an
// error of their own, the connection says it, and goes on once it is given back.
func TestImpersonationWithdrawnWhileConnected(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	server, values := h.exchange()
	handle := h.authorize()
	if view := h.check(handle, values); view.Check != connect.CheckOK {
		t.Fatalf("check: %+v", view.Cause)
	}
	back, err := h.Finish(t.Context(), handle)
	h.must(err)
	organisationID := h.organisationOf(back)
	people := server.World().Recipients(func(r *sandbox.Recipient) bool { return r.Kind == sandbox.Person && !r.OutOfScope && !r.Planted })
	known, late := people[0].Email, people[1].Email
	h.ask(organisationID, known)
	h.tick()
	h.status(organisationID, known, kalends.AccountConnected, "")

	server.Desk().AddFault(sandbox.Fault{Provider: "exchange", Kind: "no_impersonation"})
	h.ask(organisationID, known, late, "nobody.at.all@musterwerk.example")
	h.tick()
	h.status(organisationID, known, kalends.AccountConnected, "")
	list, err := h.Connections(t.Context(), organisationID)
	h.must(err)
	if list[0].Status != kalends.ConnectionDegraded || list[0].Cause.Key != kalends.CauseImpersonationMissing || list[0].Counts.Error != 0 {
		t.Fatalf("%+v", list[0])
	}
	if told := h.inserted("connection_changed"); told != 1 {
		t.Errorf("the application was told %d times", told)
	}
	server.Desk().ClearFaults("")
	h.clock.pass(time.Hour)
	h.tick()
	h.status(organisationID, late, kalends.AccountConnected, "")
	h.status(organisationID, "nobody.at.all@musterwerk.example", kalends.AccountError, kalends.CauseAccountNotFound)
	if list, err = h.Connections(t.Context(), organisationID); err != nil || list[0].Status != kalends.ConnectionConnected {
		t.Fatalf("%+v, %v", list, err)
	}
}

package console_test

import (
	"fmt"
	"time"

	kalends "kalends"
	"kalends/hub/connect"
)

// The states that the pages are shown in.

func running(c *connect.Connect) {
	c.Check = connect.CheckRunning
	c.Steps = []kalends.Step{
		{Key: kalends.StepAutodiscover, Status: kalends.StepOK, Milliseconds: 412, Facts: map[string]string{"url": "https://mail.musterwerk.example/EWS/Exchange.asmx"}},
		{Key: kalends.StepReach, Status: kalends.StepOK, Milliseconds: 38, Facts: map[string]string{"host": "mail.musterwerk.example"}},
		{Key: kalends.StepTLS, Status: kalends.StepOK, Milliseconds: 21, Facts: map[string]string{"version": "TLS 1.2", "issuer": "Musterwerk Root CA"}},
		{Key: kalends.StepSignIn, Status: kalends.StepRunning},
	}
}

func notPermitted(c *connect.Connect) {
	running(c)
	c.Check = connect.CheckFailed
	c.Cause = kalends.NewCause(kalends.CauseImpersonationMissing, "account", "svc-kalender@musterwerk.example", "email", "anna.beispiel@musterwerk.example")
	c.Steps[3] = kalends.Step{Key: kalends.StepSignIn, Status: kalends.StepOK, Milliseconds: 96, Facts: map[string]string{"account": "svc-kalender@musterwerk.example", "method": "Basic"}}
	c.Steps = append(c.Steps,
		kalends.Step{Key: kalends.StepVersion, Status: kalends.StepOK, Milliseconds: 12, Facts: map[string]string{"version": "Exchange 2013 SP1"}},
		kalends.Step{Key: kalends.StepImpersonation, Status: kalends.StepFailed, Milliseconds: 88, Cause: c.Cause, Detail: "ErrorImpersonateUserDenied: The account does not have permission to impersonate the requested user."})
}

func notFound(c *connect.Connect) {
	c.Check = connect.CheckFailed
	c.Cause = kalends.NewCause(kalends.CauseServerNotFound, "domain", "musterwerk.example")
	c.Steps = []kalends.Step{{Key: kalends.StepAutodiscover, Status: kalends.StepFailed, Milliseconds: 3120, Cause: c.Cause, Attempts: []kalends.Attempt{
		{What: "https://musterwerk.example/autodiscover/autodiscover.xml", Result: "404 Not Found"},
		{What: "https://autodiscover.musterwerk.example/autodiscover/autodiscover.xml", Result: "no such host"},
		{What: "http://autodiscover.musterwerk.example/autodiscover/autodiscover.xml", Result: "no such host"},
	}}}
}

func distrusted(c *connect.Connect) {
	c.Check = connect.CheckFailed
	c.Cause = kalends.NewCause(kalends.CauseTLS, "host", "mail.musterwerk.example", "reason", "unknown_authority")
	c.Steps = []kalends.Step{{Key: kalends.StepAutodiscover, Status: kalends.StepFailed, Cause: c.Cause}}
}

func unnamed(c *connect.Connect) {
	distrusted(c)
	c.Cause = kalends.NewCause(kalends.CauseTLS, "host", "mail.musterwerk.example", "reason", "name", "fingerprint", fingerprint)
	c.Steps = []kalends.Step{{Key: kalends.StepTLS, Status: kalends.StepFailed, Cause: c.Cause}}
}

func outdated(c *connect.Connect) {
	distrusted(c)
	c.Cause = kalends.NewCause(kalends.CauseTLS, "host", "mail.musterwerk.example", "reason", "legacy")
	c.Steps = []kalends.Step{{Key: kalends.StepTLS, Status: kalends.StepFailed, Cause: c.Cause}}
}

const fingerprint = "0A:1B:2C:3D:4E:5F:60:71:82:93:A4:B5:C6:D7:E8:F9:0A:1B:2C:3D:4E:5F:60:71:82:93:A4:B5:C6:D7:E8:F9"

func refused(c *connect.Connect) {
	c.Check = connect.CheckFailed
	c.Cause = kalends.NewCause(kalends.CauseCredentialsExpired, "host", "autodiscover.musterwerk.example", "account", "MUSTERWERK\\svc-kalender")
	c.Steps = []kalends.Step{{Key: kalends.StepAutodiscover, Status: kalends.StepFailed, Cause: c.Cause}}
}

func tooMany(c *connect.Connect) {
	c.Check, c.Steps = connect.CheckFailed, nil
	c.Cause = kalends.NewCause(kalends.CauseTooManyTries, "until", now.Add(15*time.Minute).Format(time.RFC3339))
}

func passed(c *connect.Connect) {
	running(c)
	c.Check, c.Cause = connect.CheckOK, nil
	c.Steps[3] = kalends.Step{Key: kalends.StepSignIn, Status: kalends.StepOK, Milliseconds: 96, Facts: map[string]string{"account": "svc-kalender@musterwerk.example", "method": "Basic"}}
	c.Steps = append(c.Steps,
		kalends.Step{Key: kalends.StepVersion, Status: kalends.StepOK, Milliseconds: 12, Facts: map[string]string{"version": "Exchange 2013 SP1"}},
		kalends.Step{Key: kalends.StepDirectory, Status: kalends.StepSkipped},
		kalends.Step{Key: kalends.StepImpersonation, Status: kalends.StepOK, Milliseconds: 88, Facts: map[string]string{"email": "anna.beispiel@musterwerk.example"}},
		kalends.Step{Key: kalends.StepFreeBusy, Status: kalends.StepOK, Milliseconds: 64},
		kalends.Step{Key: kalends.StepRooms, Status: kalends.StepWarning, Milliseconds: 70, Cause: kalends.NewCause(kalends.CauseRoomsUnavailable, "account", "svc-kalender@musterwerk.example")},
		kalends.Step{Key: kalends.StepWrite, Status: kalends.StepSkipped})
	c.Found = connect.Found{Account: "svc-kalender@musterwerk.example", Domain: "musterwerk.example", Rooms: -1}
	c.Preview = preview()
}

func ofAnother(c *connect.Connect) {
	passed(c)
	c.Company, c.Domains = "Fremdwerk", []string{"fremdwerk.example", "alt.example"}
}

func forNobody(c *connect.Connect) { c.Company, c.Domains, c.Emails = "", nil, 0 }

func preview() connect.Preview {
	p := connect.Preview{Total: 41, Done: 41, Rooms: -1}
	for i := range 35 {
		p.Items = append(p.Items, connect.PreviewItem{Email: fmt.Sprintf("person%02d@musterwerk.example", i), Status: kalends.AccountConnected, MatchedBy: kalends.MatchedPrimary, Name: fmt.Sprintf("Person %d", i)})
	}
	for _, alias := range []string{"a.neumann", "c.weber", "m.schulz"} {
		p.Items = append(p.Items, connect.PreviewItem{Email: alias + "@alt.example", Status: kalends.AccountConnected, MatchedBy: kalends.MatchedAlias, MatchedEmail: alias[2:] + "@musterwerk.example"})
	}
	return connect.Preview{Total: p.Total, Done: p.Done, Rooms: p.Rooms, Items: append(p.Items,
		connect.PreviewItem{Email: "neu@musterwerk.example", Status: kalends.AccountWaiting, Cause: kalends.NewCause(kalends.CauseNoMailbox, "email", "neu@musterwerk.example")},
		connect.PreviewItem{Email: "vertrieb@musterwerk.example", Status: kalends.AccountError, Cause: kalends.NewCause(kalends.CauseNotAPerson, "email", "vertrieb@musterwerk.example")},
		connect.PreviewItem{Email: "unbekannt@alt.example", Status: kalends.AccountError, Cause: kalends.NewCause(kalends.CauseAccountNotFound, "email", "unbekannt@alt.example"), Candidates: []string{"unbekannt@musterwerk.example"}},
	)}
}

func connections() []connect.ConnectionInfo {
	info := func(id, app string, status kalends.ConnectionStatus) connect.ConnectionInfo {
		return connect.ConnectionInfo{
			Connection: kalends.Connection{
				ID: id, Provider: kalends.Exchange, Domain: "musterwerk.example", Level: kalends.LevelFull, Status: status,
				ConnectedAt: now.AddDate(0, -2, 0), ConnectedBy: "svc-kalender@musterwerk.example",
			},
			Application: kalends.Application{Name: app}, Scope: "service_account/accounts/manage service_account/resources/manage", DelegatedScope: "free_busy create_event delete_event",
			Counts: connect.Counts{Connected: 424, Waiting: 1, Error: 6}, Resources: 12, LastSyncAt: now.Add(-2 * time.Minute), LastUsedAt: now.Add(-5 * time.Minute), AgeMedian: 2 * time.Minute,
		}
	}
	broken := info("con_2", "Besucherempfang", kalends.ConnectionDegraded)
	broken.LastUsedAt = time.Time{}
	broken.Cause = kalends.NewCause(kalends.CauseCredentialsExpired, "account", "svc-kalender@musterwerk.example", "host", "mail.musterwerk.example")
	return []connect.ConnectionInfo{info("con_1", "Smart Calendar", kalends.ConnectionConnected), broken}
}

func audits() []kalends.Audit {
	return []kalends.Audit{
		{At: now.Add(-2 * time.Hour), ConnectionID: "con_2", Actor: "provider", Action: "connection.degraded"},
		{At: now.AddDate(0, -2, 0), ConnectionID: "con_1", Actor: "service account svc-kalender@musterwerk.example", Action: "connection.connected"},
		{At: now.AddDate(0, -2, 0).Add(-time.Hour), Actor: "application Smart Calendar", Action: "intent.created"},
	}
}

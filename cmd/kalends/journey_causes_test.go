package main

import (
	"fmt"
	"testing"

	"kalends/sandbox"
)

// sentences are what is said about a cause: the heading of its group, what
// happened to whom, what to do, and the command that helps or, without one, the
// title of the help page.
type sentences struct{ cause, heading, what, fix, command string }

// saidOfPeople is what is said about a cause of a single person.
func saidOfPeople(lang string) []sentences {
	if lang == "en" {
		return []sentences{
			{"account_not_found", "Address not in the organisation", "klaus.altmann@musterwerk.example is not known in the connected calendar system.", "Correct the address, or choose the mailbox by hand.", "Get-Recipient -Filter"},
			{"address_is_alias", "Address is an alias", "max.hofer@musterwerk.example is a second address of maximilian.hofer@musterwerk.example.", "Accept the proposal if it is the same person.", "Accept"},
			{"not_a_person", "Group or contact instead of a mailbox", "team-vertrieb@musterwerk.example belongs to a group or a contact", "Enter the person's own address.", "Get-Recipient 'team-vertrieb@musterwerk.example'"},
			{"mailbox_elsewhere", "Mailbox lives in another system", "The mailbox of oskar.wolkenstein@musterwerk.example is not on this Exchange", "Connect Microsoft 365 as well, or move the mailbox back.", "ExternalEmailAddress,ServerName"},
			{"not_permitted", "Service account has no access", "may not act for vera.vorstand@musterwerk.example.", "Include the mailbox in the scope of the role ApplicationImpersonation.", "Add-DistributionGroupMember"},
			{"address_not_unique", "Two people share one address", "empfang@musterwerk.example is also used by ", "Give each person an address of their own", "Try again"},
			{"no_mailbox", "Mailbox not there yet", "lena.frischmuth@musterwerk.example is in the directory, but has no mailbox.", "Since", "Try again"},
		}
	}
	return []sentences{
		{"account_not_found", "Adresse nicht in der Organisation", "klaus.altmann@musterwerk.example ist im verbundenen Kalendersystem nicht bekannt.", "Berichtigen Sie die Adresse, oder wählen Sie das Postfach von Hand.", "Get-Recipient -Filter"},
		{"address_is_alias", "Adresse ist ein Alias", "max.hofer@musterwerk.example ist eine zweite Adresse von maximilian.hofer@musterwerk.example.", "Übernehmen Sie den Vorschlag, wenn es dieselbe Person ist.", "Übernehmen"},
		{"not_a_person", "Gruppe oder Kontakt statt eines Postfachs", "team-vertrieb@musterwerk.example gehört zu einer Gruppe oder einem Kontakt", "Tragen Sie die eigene Adresse der Person ein.", "Get-Recipient 'team-vertrieb@musterwerk.example'"},
		{"mailbox_elsewhere", "Postfach liegt in einem anderen System", "Das Postfach von oskar.wolkenstein@musterwerk.example liegt nicht auf diesem Exchange", "Verbinden Sie zusätzlich Microsoft 365, oder verschieben Sie das Postfach zurück.", "ExternalEmailAddress,ServerName"},
		{"not_permitted", "Service-Konto darf nicht zugreifen", "darf nicht für vera.vorstand@musterwerk.example handeln.", "Nehmen Sie das Postfach in den Geltungsbereich der Rolle ApplicationImpersonation auf.", "Add-DistributionGroupMember"},
		{"address_not_unique", "Zwei Personen teilen sich eine Adresse", "empfang@musterwerk.example wird auch von ", "Geben Sie jeder Person eine eigene Adresse", "Erneut versuchen"},
		{"no_mailbox", "Postfach noch nicht vorhanden", "lena.frischmuth@musterwerk.example steht im Verzeichnis, hat aber kein Postfach.", "Seit", "Erneut versuchen"},
	}
}

// saidOfConnections is what is said about a cause of the whole connection.
func saidOfConnections(lang string) []sentences {
	if lang == "en" {
		return []sentences{
			{"impersonation_missing", "", "can sign in, but may not act for", "Give the service account the role ApplicationImpersonation and check again", "New-ManagementRoleAssignment -Name 'Kalends' -Role ApplicationImpersonation"},
			{"credentials_expired", "", "does not accept the user name and password", "Check user name and password.", "Get-ADUser"},
			{"authentication_method", "", "Basic over TLS is needed.", "Switch on Windows authentication (NTLM) or Basic authentication for Exchange Web Services.", "-BasicAuthentication $true"},
			{"server_not_found", "", "to an Exchange server for musterwerk.example.", "Enter the address of Exchange Web Services", "Format-List InternalUrl,ExternalUrl"},
			{"throttled", "", "The calendar system is limiting our requests", "Nothing to do: we go on by ourselves.", "Throttling"},
			{"tls", "", "cannot be verified: it has expired", "or renew it.", "openssl s_client -connect"},
		}
	}
	return []sentences{
		{"impersonation_missing", "", "kann sich anmelden, darf aber nicht für", "Geben Sie dem Service-Konto die Rolle ApplicationImpersonation und prüfen Sie erneut", "New-ManagementRoleAssignment -Name 'Kalends' -Role ApplicationImpersonation"},
		{"credentials_expired", "", "nimmt Benutzername und Passwort", "Prüfen Sie Benutzername und Passwort.", "Get-ADUser"},
		{"authentication_method", "", "Basic über TLS.", "Schalten Sie die Windows-Authentifizierung (NTLM) oder die Standardauthentifizierung (Basic) für die Exchange-Webdienste ein.", "-BasicAuthentication $true"},
		{"server_not_found", "", "für musterwerk.example zu keinem Exchange-Server.", "Geben Sie die Adresse der Exchange-Webdienste an", "Format-List InternalUrl,ExternalUrl"},
		{"throttled", "", "Das Kalendersystem begrenzt unsere Anfragen", "Es ist nichts zu tun: Wir machen von selbst weiter.", "Begrenzte Anfragen"},
		{"tls", "", "lässt sich nicht prüfen: Es ist abgelaufen", "oder erneuern es.", "openssl s_client -connect"},
	}
}

// saidOfOne is what is said about causes that are planted by a fault: the
// heading names it.
func saidOfOne(lang string) []sentences {
	if lang == "en" {
		return []sentences{
			{"unknown_authority", "", "cannot be verified: it comes from an authority that is not known here.", "upload that authority's certificate (PEM).", "openssl s_client -connect autodiscover.musterwerk.example"},
			{"wrong_name", "", "cannot be verified: it is for another host name.", "Otherwise use the host name that the certificate names", "openssl s_client -connect"},
			{"api_disabled", "status_403", "Exchange Web Services are switched off", "Switch Exchange Web Services on, or put this program on the allow list.", "Get-OrganizationConfig | Format-List Ews*"},
			{"ews_disabled", "status_403", "Exchange Web Services are switched off for maximilian.hofer@musterwerk.example.", "Switch them on for this mailbox.", "Set-CASMailbox 'maximilian.hofer@musterwerk.example' -EwsEnabled $true"},
			{"moving", "ErrorMailboxMoveInProgress", "is not on this Exchange: it is being moved right now.", "Nothing to do: we try again when the move is over.", "ExternalEmailAddress,ServerName"},
		}
	}
	return []sentences{
		{"unknown_authority", "", "lässt sich nicht prüfen: Es stammt von einer hier unbekannten Zertifizierungsstelle.", "laden Sie deren Zertifikat hoch (PEM).", "openssl s_client -connect autodiscover.musterwerk.example"},
		{"wrong_name", "", "lässt sich nicht prüfen: Es gilt für einen anderen Servernamen.", "Andernfalls verwenden Sie den Servernamen, den das Zertifikat nennt", "openssl s_client -connect"},
		{"api_disabled", "status_403", "abgeschaltet.", "Schalten Sie die Exchange-Webdienste ein, oder nehmen Sie dieses Programm in die Liste der erlaubten auf.", "Get-OrganizationConfig | Format-List Ews*"},
		{"ews_disabled", "status_403", "Für maximilian.hofer@musterwerk.example sind die Exchange-Webdienste abgeschaltet.", "Schalten Sie sie für dieses Postfach ein.", "Set-CASMailbox 'maximilian.hofer@musterwerk.example' -EwsEnabled $true"},
		{"moving", "ErrorMailboxMoveInProgress", "liegt nicht auf diesem Exchange: Es wird gerade verschoben.", "Es ist nichts zu tun: Nach dem Verschieben versuchen wir es erneut.", "ExternalEmailAddress,ServerName"},
	}
}

func said(t *testing.T, list []sentences, cause string) sentences {
	t.Helper()
	for _, s := range list {
		if s.cause == cause {
			return s
		}
	}
	t.Fatalf("nothing is known about %s", cause)
	return sentences{}
}

// faultOf gives the fault that plants a cause.
func (d *demonstration) faultOf(t *testing.T, cause string) sandbox.Fault {
	t.Helper()
	for _, p := range d.planted {
		if p.Cause == cause && p.Fault != nil {
			return *p.Fault
		}
	}
	t.Fatalf("%s is not planted", cause)
	return sandbox.Fault{}
}

// breaksInTheCheck has every fault of a connection strike a check, after the
// company's own certificate authority was refused and uploaded.
func breaksInTheCheck(t *testing.T, d *demonstration) {
	p, w := d.signIn(t, d.lang, d.Admin), words(d.lang)
	p.Go(d.AppURL + "/settings/calendar")
	p.Click("button", w.start)
	p.Click("button", "Microsoft Exchange")
	d.enter(p, w, d.exchange.Password)
	d.explained(t, p, w, said(t, saidOfOne(d.lang), "unknown_authority"))
	d.choose(p, w) // right where it was refused
	p.Click("button", w.again)
	p.See(w.found)
	for _, planted := range d.planted {
		if planted.Scope == "connection" {
			d.breaks(t, p, w, *planted.Fault, said(t, saidOfConnections(d.lang), planted.Cause))
		}
	}
	blocked := said(t, saidOfOne(d.lang), "api_disabled")
	d.breaks(t, p, w, sandbox.Fault{Provider: "exchange", Target: "GetFolder", Kind: blocked.heading}, blocked)
	p.Click("button", w.again)
	p.See(w.found)
	p.Click("button", w.cancel)
	p.See(w.declined)
}

// breaks checks once more while something is broken. The certificate of the
// authority is kept from the check before.
func (d *demonstration) breaks(t *testing.T, p page, w vocabulary, fault sandbox.Fault, s sentences) {
	t.Helper()
	p.Go(d.HubURL + "/enterprise_connect/connect/form")
	d.broken(t, fault, func() {
		d.enter(p, w, d.exchange.Password)
		d.explained(t, p, w, s)
	})
}

// explained waits for a failed check with what there is to be said.
func (d *demonstration) explained(t *testing.T, p page, w vocabulary, s sentences) {
	t.Helper()
	p.See(w.notPassed)
	for _, text := range []string{s.what, s.fix, s.command} {
		p.See(text)
	}
	usable(t, p, "check "+s.cause)
}

// breaksWhileConnected has faults strike the connected company, and mends them.
func breaksWhileConnected(t *testing.T, d *demonstration) {
	p, w := d.signIn(t, d.lang, d.Admin), words(d.lang)
	for _, s := range saidOfConnections(d.lang) {
		switch s.cause {
		case "throttled":
			continue // nothing to be shown as broken: it goes on by itself
		case "server_not_found": // its address is known by now, and answers 404
			s.what = "/EWS/Exchange.asmx"
		}
		d.broken(t, d.faultOf(t, s.cause), func() {
			p.Go(d.AppURL + "/settings/calendar")
			p.Click("button", w.resync)
			p.See(w.degraded)
			p.See(s.what)
			p.See(s.fix)
			p.Wait(fmt.Sprintf(`document.body.textContent.includes(%q)`, s.command))
			usable(t, p, "degraded by "+s.cause)
		})
		p.Click("button", w.renew)
		p.Click("button", "Microsoft Exchange")
		d.upload(p, w)
		d.enter(p, w, d.exchange.Password)
		p.See(w.found)
		p.Click("button", w.connect)
		p.See(w.back)
		d.seeConnected(p, w)
	}
}

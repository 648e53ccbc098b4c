package main

import (
	"slices"
	"strings"
	"testing"

	"kalends/sandbox/ewsfake"
)

// of2007 is what Exchange 2007 needs instead: it has no role ApplicationImpersonation.
var of2007 = map[string]map[string]sentences{
	"en": {
		"not_permitted":         {fix: "Give the service account the right ms-Exch-EPI-May-Impersonate on the database of the mailbox.", command: "Get-MailboxDatabase (Get-Mailbox 'vera.vorstand@musterwerk.example').Database"},
		"impersonation_missing": {fix: "Give the service account the right ms-Exch-EPI-", command: "Add-ADPermission"},
	},
	"de": {
		"not_permitted":         {fix: "Geben Sie dem Service-Konto das Recht ms-Exch-EPI-May-Impersonate auf der Datenbank des Postfachs.", command: "Get-MailboxDatabase (Get-Mailbox 'vera.vorstand@musterwerk.example').Database"},
		"impersonation_missing": {fix: "Geben Sie dem Service-Konto das Recht ms-Exch-EPI-", command: "Add-ADPermission"},
	},
}

// Whatever version stands there, each cause that Exchange can have is told with
// what happened, what to do and the command that fits the version.
func TestEveryVersionExplainsEachCause(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"Exchange2007_SP1", "Exchange2010_SP2", "Exchange2013_SP1", "ExchangeSE"} {
		for _, lang := range []string{"de", "en"} {
			t.Run(version+" "+lang, func(t *testing.T) {
				t.Parallel()
				x := newExchangeWith(t, ewsfake.Options{Version: version})
				x.explainsPeople(t, version, lang)
				x.explainsConnections(t, version, lang)
			})
		}
	}
}

func (x exchange) explainsPeople(t *testing.T, version, lang string) {
	t.Helper()
	for _, planted := range x.server.World().Planted() {
		if planted.Scope != "person" || planted.Cause == "address_is_alias" { // whether an alias will do is the hub's matter
			continue
		}
		out, err := command(t, x.env, append(slices.Clone(x.args), "--lang", lang, "--person", planted.Email)...)
		if err == nil {
			t.Errorf("%s passed", planted.Email)
		}
		x.tells(t, out, version, lang, said(t, saidOfPeople(lang), planted.Cause))
	}
}

func (x exchange) explainsConnections(t *testing.T, version, lang string) {
	t.Helper()
	at := slices.Index(x.args, "--url")
	args := slices.Delete(slices.Clone(x.args), at, at+2) // found by Autodiscover
	for _, planted := range x.server.World().Planted() {
		if planted.Fault == nil {
			continue
		}
		x.server.Desk().AddFault(*planted.Fault)
		out, err := command(t, x.env, append(slices.Clone(args), "--lang", lang)...)
		x.server.Desk().ClearFaults("")
		if err == nil {
			t.Errorf("%s passed", planted.Cause)
		}
		x.tells(t, out, version, lang, said(t, saidOfConnections(lang), planted.Cause))
	}
}

func (x exchange) tells(t *testing.T, out, version, lang string, want sentences) {
	t.Helper()
	if version == "Exchange2007_SP1" {
		if own, ok := of2007[lang][want.cause]; ok {
			want.fix, want.command = own.fix, own.command
		}
	}
	if want.cause == "no_mailbox" { // the page says since when instead
		want.fix = ""
	}
	words := []string{want.what, want.fix}
	if strings.ContainsAny(want.command, "-'") { // not the title of a help page or a button
		words = append(words, want.command)
	}
	for _, text := range words {
		if !strings.Contains(out, text) {
			t.Errorf("%s lacks %q:\n%s", want.cause, text, out)
		}
	}
}

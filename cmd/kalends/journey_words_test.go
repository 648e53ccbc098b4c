package main

import (
	"reflect"
	"testing"
)

// vocabulary is what people read on the pages of the story. It is written out
// here, so that a wrong text of the product is not taken for the right one.
type vocabulary struct {
	// signing in, and the settings before anything is connected
	email, password, signIn, none, start, itLink, declined string
	// the hub's pages on the way to a connection
	asks, mayConnect, mayNotRead, form, cancel, cancelled string
	service, servicePassword, testEmail, server           string
	check, again, change, authority, authorityFile        string
	notPassed, refused, notFoundByItself                  string
	found, rooms, exact, byAlias, aliasPolicy, askFirst   string
	connectAlias, connect                                 string
	// the settings while all are connected, and after
	back, leave, progress, connected, degraded, users string
	resync, more, renew, disconnect                   string
	errors, waiting, accept, accepted                 string
	tryAgain, tryGroup, tryAll, trying                string
	csvHead, csvKlaus                                 string
	// people
	byHand, alias, primary, busy, checkNow, opens, ok, failed string
	name, invite, invited, outbox, hello, choose, newPassword string
	begin, mine, notYet, admins                               string
	// history
	everybody, resyncStarted, retried, proposalTaken, calendarConnected, companyConnected string
	// the end
	confirm, lose, loseRooms, mismatch, separated, close, gone string
	ended, manage, connections, isConnected, ask, confirmHub   string
	endedHub, noConnections, endedInHistory, endedByCompany    string
}

func words(lang string) vocabulary {
	if lang == "en" {
		return english()
	}
	return german()
}

func german() vocabulary {
	return vocabulary{
		email: "E-Mail-Adresse", password: "Passwort", signIn: "Anmelden", none: "nicht verbunden",
		start: "Authentifizierung starten", itLink: "Link für die IT", declined: "Das Verbinden wurde abgebrochen. Es wurde nichts geändert.",

		asks: "Smart Calendar möchte Ihren Unternehmenskalender verbinden", mayConnect: "alle Mitarbeiter verbinden, deren Adressen die Anwendung kennt",
		mayNotRead: "E-Mails, Kontakte oder Dateien lesen", form: "Microsoft Exchange verbinden",
		cancel: "Abbrechen und zurück zu Smart Calendar", cancelled: "Sie haben abgebrochen",
		service: "Service-Konto", servicePassword: "Passwort des Service-Kontos", testEmail: "E-Mail-Adresse einer Person", server: "Adresse des Exchange-Servers",
		check: "Verbindung prüfen", again: "Erneut prüfen", change: "Angaben ändern",
		authority: "Räume, Zertifikat und TLS", authorityFile: "Zertifikat der Zertifizierungsstelle",
		notPassed: "nicht bestanden", refused: "nimmt Benutzername und Passwort", notFoundByItself: "Autodiscover führt für musterwerk.example zu keinem Exchange-Server.",
		found: "Wer wird verbunden?", rooms: "6 Räume", exact: "Genaue Übereinstimmung", byAlias: "Über eine andere Adresse derselben Person",
		aliasPolicy: "Wenn eine Adresse nicht die Hauptadresse eines Postfachs ist", askFirst: "Erst bestätigen lassen",
		connectAlias: "Verbinden, wenn sie eindeutig ist", connect: "Jetzt verbinden",

		back:     "Verbunden. Jetzt werden alle Mitarbeiter und Räume verbunden; Sie müssen nichts weiter tun.",
		leave:    "Sie können diese Seite verlassen; es geht von selbst weiter.",
		progress: `(\d+) von (\d+) bearbeitet`, connected: "verbunden · Exchange · musterwerk.example", degraded: "gestört · Exchange · musterwerk.example",
		users: "Verbundene Benutzer", resync: "Erneut synchronisieren", more: "Weitere Aktionen", renew: "Verbindung erneuern", disconnect: "Verbindung trennen",
		errors: "Synchronisierungsfehler (%d)", waiting: "Wartet auf das Postfach (1)", accept: "maximilian.hofer@musterwerk.example übernehmen",
		accepted: "Übernommen. Die Person wird verbunden.", tryAgain: "Erneut versuchen", tryGroup: "Diese Gruppe erneut versuchen", tryAll: "Alle erneut versuchen",
		trying: "Wir versuchen es erneut.", csvHead: "Name;E-Mail-Adresse;Status;Ursache;Was ist passiert;Was ist zu tun;Vorschlag;Seit",
		csvKlaus: "Klaus Altmann;klaus.altmann@musterwerk.example;Fehler;account_not_found;",

		byHand: "maximilian.hofer@musterwerk.example (von Hand gewählt)", alias: "paula.paschke@musterwerk.example (Alias)", primary: "Hauptkalender", busy: "belegte Zeiten als Liste",
		checkNow: "Jetzt prüfen", opens: "Kalender öffnen", ok: "in Ordnung", failed: "fehlgeschlagen",
		name: "Name", invite: "Einladung senden", invited: "Die Einladung an %s ist unterwegs.", outbox: "Postausgang der Vorführung",
		hello: "Guten Tag %s", choose: "wählen Sie ein Passwort", newPassword: "Neues Passwort", begin: "Loslegen", mine: "Ihr Kalender ist verbunden.",
		notYet: "Ihr Postfach ist noch nicht da. Sobald es da ist, wird es von selbst verbunden.", admins: "Nur für Administratoren",

		everybody: "Alle werden verbunden", resyncStarted: "Erneute Synchronisierung gestartet", retried: "Erneuter Versuch gestartet",
		proposalTaken: "Vorschlag übernommen", calendarConnected: "Kalender verbunden", companyConnected: "Unternehmenskalender verbunden",

		confirm: "Geben Sie zur Bestätigung „Musterwerk“ ein", lose: "%d Personen werden getrennt.", loseRooms: "6 Räume sind nicht mehr buchbar.",
		mismatch: "Das stimmt nicht überein. Geben Sie „Musterwerk“ ein.", separated: "Die Verbindung ist getrennt.",
		close: "Sie können dieses Fenster schließen.", gone: "Dieser Link gilt nicht mehr", ended: "Die Verbindung wurde am",
		manage: "Verbindungen verwalten", connections: "Diese Anwendungen nutzen den Kalender Ihres Unternehmens.", isConnected: "verbunden", ask: "Verbindung trennen …",
		confirmHub: "Geben Sie zur Bestätigung „musterwerk.example“ ein", endedHub: "Die Verbindung mit Smart Calendar ist getrennt.",
		noConnections: "Keine Verbindungen", endedInHistory: "Verbindung getrennt", endedByCompany: "Verbindung beendet",
	}
}

func english() vocabulary {
	return vocabulary{
		email: "E-mail address", password: "Password", signIn: "Sign in", none: "not connected",
		start: "Start authentication", itLink: "Link for IT", declined: "Connecting was cancelled. Nothing was changed.",

		asks: "Smart Calendar would like to connect your company calendar", mayConnect: "connect all employees whose addresses the application knows",
		mayNotRead: "reading e-mail, contacts or files", form: "Connect Microsoft Exchange",
		cancel: "Cancel and go back to Smart Calendar", cancelled: "You cancelled",
		service: "Service account", servicePassword: "Password of the service account", testEmail: "One person’s e-mail address", server: "Address of the Exchange server",
		check: "Check connection", again: "Check again", change: "Change entries",
		authority: "Rooms, certificate and TLS", authorityFile: "Certificate of the certificate authority",
		notPassed: "not passed", refused: "does not accept the user name and password", notFoundByItself: "Autodiscover does not lead to an Exchange server for musterwerk.example.",
		found: "Who will be connected?", rooms: "6 rooms", exact: "Exact match", byAlias: "By another address of the same person",
		aliasPolicy: "If an address is not the main address of a mailbox", askFirst: "Have it confirmed first",
		connectAlias: "Connect if it is unambiguous", connect: "Connect now",

		back:     "Connected. All employees and rooms are being connected now; you need not do anything else.",
		leave:    "You may leave this page; it goes on by itself.",
		progress: `(\d+) of (\d+) done`, connected: "connected · Exchange · musterwerk.example", degraded: "interrupted · Exchange · musterwerk.example",
		users: "Connected users", resync: "Resync", more: "More actions", renew: "Renew the connection", disconnect: "Disconnect",
		errors: "Sync errors (%d)", waiting: "Waiting for a mailbox (1)", accept: "Accept maximilian.hofer@musterwerk.example",
		accepted: "Accepted. The person is being connected.", tryAgain: "Try again", tryGroup: "Try this group again", tryAll: "Try all again",
		trying: "We are trying again.", csvHead: "Name,E-mail address,Status,Cause,What happened,What to do,Proposal,Since",
		csvKlaus: "Klaus Altmann,klaus.altmann@musterwerk.example,error,account_not_found,",

		byHand: "maximilian.hofer@musterwerk.example (chosen by hand)", alias: "paula.paschke@musterwerk.example (alias)", primary: "primary", busy: "busy times as a list",
		checkNow: "Check now", opens: "Open the calendar", ok: "ok", failed: "failed",
		name: "Name", invite: "Send the invitation", invited: "The invitation to %s is on its way.", outbox: "Outbox of the demo",
		hello: "Hello %s", choose: "choose a password and you are in", newPassword: "New password", begin: "Start", mine: "Your calendar is connected.",
		notYet: "Your mailbox is not there yet. As soon as it is, it is connected by itself.", admins: "For administrators only",

		everybody: "Everybody is being connected", resyncStarted: "Resync started", retried: "Retry started",
		proposalTaken: "Proposal accepted", calendarConnected: "Calendar connected", companyConnected: "Company calendar connected",

		confirm: "Type “Musterwerk” to confirm", lose: "%d people are disconnected.", loseRooms: "6 rooms can no longer be booked.",
		mismatch: `That does not match. Type "Musterwerk".`, separated: "The connection is ended.",
		close: "You can close this window.", gone: "This link is no longer valid", ended: "The connection was ended on",
		manage: "Manage connections", connections: "These applications use your company’s calendar.", isConnected: "connected", ask: "Disconnect …",
		confirmHub: "Type “musterwerk.example” to confirm", endedHub: "Smart Calendar is disconnected.",
		noConnections: "No connections", endedInHistory: "Disconnected", endedByCompany: "Connection ended",
	}
}

// What is empty would be seen on every page.
func TestTheStoryHasAllItsWords(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"de", "en"} {
		known := reflect.ValueOf(words(lang))
		for i := range known.NumField() {
			if known.Field(i).String() == "" {
				t.Errorf("%s: %s is missing", lang, known.Type().Field(i).Name)
			}
		}
		for _, s := range append(saidOfPeople(lang), append(saidOfConnections(lang), saidOfOne(lang)...)...) {
			if s.what == "" || s.fix == "" || s.command == "" {
				t.Errorf("%s: not all is known about %s", lang, s.cause)
			}
		}
	}
}

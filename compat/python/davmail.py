"""DavMail (Debian davmail-server) as a CalDAV front of the sandbox; see sandbox.py for the environment.

DavMail signs in as the service account with that account's own calendar, and turns items into iCalendar and back.
Prints one line a case: ok|FAIL davmail VERSION/CASE.
"""
import base64
import datetime
import http.client
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from xml.etree import ElementTree

import sandbox
from sandbox import control, email, env, events, make

JAR = "/usr/share/davmail/davmail.jar"
case = sandbox.runner("davmail")
me = env["EWS_USER"]
home = "/users/" + me


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def configure(folder, port):
    """Write what DavMail and its Java need: settings, whom to trust, and a name that is not in DNS."""
    settings = {"server": "true", "mode": "EWS", "url": env["EWS_URL"], "caldavPort": port, "imapPort": "", "ldapPort": "", "popPort": "",
                "smtpPort": "", "allowRemote": "false", "bindAddress": "127.0.0.1", "disableUpdateCheck": "true", "enableProxy": "false",
                "useSystemProxies": "false", "caldavPastDelay": "0", "logFilePath": folder + "/davmail.log"}
    with open(folder + "/davmail.properties", "w") as f:
        f.writelines("davmail.%s=%s\n" % pair for pair in settings.items())
    with open(folder + "/hosts", "w") as f:
        f.write("127.0.0.1 localhost mail.musterwerk.example\n")
    subprocess.run(["keytool", "-importcert", "-noprompt", "-alias", "sandbox", "-file", env["CA_FILE"], "-keystore", folder + "/trust.p12",
                    "-storetype", "PKCS12", "-storepass", "changeit"], check=True, capture_output=True)


def start(folder, port):
    log = open(folder + "/out.log", "w")
    process = subprocess.Popen(
        ["java", "-XX:TieredStopAtLevel=1", "-Djdk.net.hosts.file=" + folder + "/hosts", "-Djavax.net.ssl.trustStore=" + folder + "/trust.p12",
         "-Djavax.net.ssl.trustStorePassword=changeit", "-jar", JAR, "-server", folder + "/davmail.properties"],
        stdout=log, stderr=log, cwd=folder)
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return process
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.1)
    process.kill()
    sys.exit("DavMail did not get ready: " + open(folder + "/out.log").read()[-2000:])


def ask(method, path, body, password=env["EWS_PASSWORD"], **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    token = base64.b64encode(("%s:%s" % (me, password)).encode()).decode()
    connection.request(method, path, body.encode(), {"Authorization": "Basic " + token, **headers})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def propfind(path, *names):
    props = "".join("<%s/>" % name for name in names)
    status, text = ask("PROPFIND", path, '<?xml version="1.0"?><D:propfind xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" '
                       'xmlns:S="http://calendarserver.org/ns/"><D:prop>%s</D:prop></D:propfind>' % props, Depth="0")
    assert status == 207, (status, text)
    return text


def report(start, end):
    """The events of a time, as iCalendar by their paths."""
    status, text = ask("REPORT", home + "/calendar/", '<?xml version="1.0" encoding="utf-8"?><C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">'
                       '<D:prop><D:getetag/><C:calendar-data/></D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">'
                       '<C:time-range start="%s" end="%s"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>' % (start, end), Depth="1")
    assert status == 207, (status, text)
    dav, cal = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}"
    found = ElementTree.fromstring(text).iter(dav + "response")
    return {r.findtext(dav + "href"): r.findtext(".//" + cal + "calendar-data").replace("\r\n ", "").replace("\n ", "") for r in found}


def path(name):
    return home + "/calendar/" + name + ".ics"


def event(name, subject, start, end, *more):
    zone = ["BEGIN:VTIMEZONE", "TZID:Europe/Berlin", "BEGIN:DAYLIGHT", "TZOFFSETFROM:+0100", "TZOFFSETTO:+0200", "DTSTART:19700329T020000",
            "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3", "END:DAYLIGHT", "BEGIN:STANDARD", "TZOFFSETFROM:+0200", "TZOFFSETTO:+0100", "DTSTART:19701025T030000",
            "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10", "END:STANDARD", "END:VTIMEZONE"]
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//musterwerk.example//compat//DE", *zone, "BEGIN:VEVENT", "UID:%s@kunde.example" % name,
                        "DTSTAMP:20270101T000000Z", "SUMMARY:" + subject, "DTSTART;TZID=Europe/Berlin:" + start, "DTEND;TZID=Europe/Berlin:" + end, *more,
                        "END:VEVENT", "END:VCALENDAR", ""])


def listed(uid, start="20270120T000000Z", end="20270121T000000Z"):
    """The path and the text of an event, as DavMail lists it."""
    found = [(href, text) for href, text in report(start, end).items() if "UID:" + uid in text]
    assert len(found) == 1, found
    return found[0]


def cases():
    @case("home")
    def _():
        text = propfind("/principals/users/%s/" % me, "C:calendar-home-set")
        assert "<D:href>%s/calendar/</D:href>" % home in text, text

    @case("calendar")
    def _():
        text = propfind(home + "/calendar/", "D:resourcetype", "D:displayname")
        assert "<C:calendar/>" in text and "Kalender" in text, text

    @case("change_shows")
    def _():
        before = propfind(home + "/calendar/", "S:getctag")
        assert propfind(home + "/calendar/", "S:getctag") == before
        made = make(me, subject="Neu", start="2027-01-15T09:00:00Z", end="2027-01-15T10:00:00Z")
        assert propfind(home + "/calendar/", "S:getctag") != before
        control("DELETE", "mailboxes/%s/events/%s" % (me, made["id"]))

    @case("free_busy")
    def _():
        day = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=420)).strftime("%Y%m%d")
        made = make(email, subject="Belegt", start="%s-%s-%sT09:00:00Z" % (day[:4], day[4:6], day[6:]), end="%s-%s-%sT10:30:00Z" % (day[:4], day[4:6], day[6:]))
        status, text = ask("POST", home + "/outbox/", "\r\n".join([
            "BEGIN:VCALENDAR", "VERSION:2.0", "METHOD:REQUEST", "PRODID:-//musterwerk.example//compat//DE", "BEGIN:VFREEBUSY", "UID:frei-1",
            "DTSTAMP:%sT000000Z" % day, "DTSTART:%sT000000Z" % day, "DTEND:%sT235900Z" % day, "ORGANIZER:mailto:" + me, "ATTENDEE:mailto:" + email,
            "END:VFREEBUSY", "END:VCALENDAR", ""]), **{"Content-Type": "text/calendar"})
        assert status == 200 and "2.0;Success" in text and "%sT090000Z/%sT103000Z" % (day, day) in text, (status, text)
        control("DELETE", "mailboxes/%s/events/%s" % (email, made["id"]))

    @case("report")
    def _():
        made = make(me, subject="Runde groß", start="2027-01-18T09:00:00Z", end="2027-01-18T10:00:00Z", zone="Europe/Berlin", location="Haus 3")
        texts = [t for t in report("20270118T000000Z", "20270119T000000Z").values() if "UID:" + made["uid"] in t]
        control("DELETE", "mailboxes/%s/events/%s" % (me, made["id"]))
        assert len(texts) == 1, texts
        assert "SUMMARY:Runde groß" in texts[0] and "LOCATION:Haus 3" in texts[0] and re.search("DTSTART;TZID=[^:]*:20270118T100000", texts[0]), texts[0]
        assert made["uid"] not in str(report("20270118T000000Z", "20270119T000000Z"))

    @case("create")
    def _():
        status, text = ask("PUT", path("neu"), event("neu", "Neu von DavMail", "20270120T090000", "20270120T103000", "LOCATION:Haus 4", "X-MICROSOFT-CDO-BUSYSTATUS:BUSY"), **{"Content-Type": "text/calendar"})
        assert status == 201, (status, text)
        found = events(me, "Neu von DavMail")
        assert len(found) == 1, found
        e = found[0]
        assert (e["uid"], e["start"], e["end"], e["location"], e["status"]) == ("neu@kunde.example", "2027-01-20T08:00:00Z", "2027-01-20T09:30:00Z", "Haus 4", "Busy"), e

    @case("update")
    def _():
        href, text = listed("neu@kunde.example")
        status, answer = ask("PUT", href, event("neu", "Verschoben von DavMail", "20270120T130000", "20270120T140000", "LOCATION:Haus 5", "X-MICROSOFT-CDO-BUSYSTATUS:BUSY"), **{"Content-Type": "text/calendar"})
        assert status == 200, (status, answer)
        assert not events(me, "Neu von DavMail")
        e = events(me, "Verschoben von DavMail")[0]
        assert (e["uid"], e["start"], e["end"], e["location"]) == ("neu@kunde.example", "2027-01-20T12:00:00Z", "2027-01-20T13:00:00Z", "Haus 5"), e

    @case("series")
    def _():
        status, text = ask("PUT", path("reihe"), event("reihe", "Reihe von DavMail", "20270201T090000", "20270201T100000", "RRULE:FREQ=WEEKLY;COUNT=5;BYDAY=MO"), **{"Content-Type": "text/calendar"})
        assert status == 201, (status, text)
        rule = events(me, "Reihe von DavMail")[0]["rule"]
        assert (rule["freq"], rule["count"], rule["days"]) == ("weekly", 5, [1]), rule
        href, text = listed("reihe@kunde.example", "20270201T000000Z", "20270202T000000Z")
        assert re.search("RRULE:FREQ=WEEKLY;.*BYDAY=MO", text), text
        assert ask("DELETE", href, "")[0] in (200, 204)

    @case("exceptions")
    def _():
        # of a series that changes, DavMail finds deleted days by their UTC only
        weekly = ["RRULE:FREQ=WEEKLY;COUNT=5;BYDAY=MO"]
        ask("PUT", path("luecken"), event("luecken", "Lücken", "20270301T090000", "20270301T100000", *weekly), **{"Content-Type": "text/calendar"})
        href, text = listed("luecken@kunde.example", "20270301T000000Z", "20270302T000000Z")
        status, answer = ask("PUT", href, event("luecken", "Lücken", "20270301T090000", "20270301T100000", *weekly, "EXDATE:20270308T080000Z"), **{"Content-Type": "text/calendar"})
        assert status == 200, (status, answer)
        gone = [datetime.datetime.fromisoformat(e["original"]).timestamp() for e in events(me, "Lücken")[0]["exceptions"] if e.get("deleted")]
        assert gone == [datetime.datetime(2027, 3, 8, 8, tzinfo=datetime.timezone.utc).timestamp()], gone
        href, text = listed("luecken@kunde.example", "20270301T000000Z", "20270302T000000Z")
        assert re.search("EXDATE;TZID=[^:]*:20270308T090000", text), text
        ask("DELETE", href, "")

    @case("meeting")
    def _():
        people = ["ORGANIZER;CN=Dienst:mailto:" + me, "ATTENDEE;CN=Gast;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:" + email]
        status, answer = ask("PUT", path("treffen"), event("treffen", "Treffen mit DavMail", "20270310T090000", "20270310T100000", *people), **{"Content-Type": "text/calendar"})
        assert status == 201, (status, answer)
        control("POST", "settle")
        invited = events(email, "Treffen mit DavMail")
        assert len(invited) == 1 and invited[0]["organizer"]["email"] == me, invited
        href, text = listed("treffen@kunde.example", "20270310T000000Z", "20270311T000000Z")
        assert re.search("ATTENDEE[^:]*PARTSTAT=[^:]*:(?i:mailto):" + email, text), text
        status, answer = ask("DELETE", href, "")
        control("POST", "settle")
        assert all(e.get("cancelled") for e in events(email, "Treffen mit DavMail")), (status, events(email, "Treffen mit DavMail"))

    @case("delete")
    def _():
        href, text = listed("neu@kunde.example")
        status, answer = ask("DELETE", href, "")
        assert status in (200, 204), (status, answer)
        assert not events(me, "Verschoben von DavMail") and not events(me, "Reihe von DavMail")

    @case("wrong_password")
    def _():
        status, text = ask("PROPFIND", home + "/calendar/", "", password="falsch", Depth="0")
        assert status == 401, (status, text)


with tempfile.TemporaryDirectory(prefix="kalends-davmail-") as folder:
    port = free_port()
    configure(folder, port)
    process = start(folder, port)
    try:
        cases()
    finally:
        process.terminate()
        process.wait(20)
sys.exit(1 if sandbox.outcome["failed"] else 0)

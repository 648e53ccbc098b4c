"""DavMail (Debian davmail-server) as a CalDAV front of the sandbox; see sandbox.py for the environment.

DavMail signs in as the service account with that account's own calendar. It is asked what it finds without
reading or writing iCalendar, which the sandbox does not turn into items.
Prints one line a case: ok|FAIL davmail VERSION/CASE.
"""
import base64
import datetime
import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time

import sandbox
from sandbox import control, email, env, make

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

"""exchangelib (Debian python3-exchangelib) against the sandbox; see sandbox.py for the environment.

Prints one line a case: ok|FAIL exchangelib VERSION/CASE.
"""
import datetime
import logging
import os
import socket
import sys

os.environ["OPENSSL_CONF"] = os.path.join(os.path.dirname(os.path.abspath(__file__)), "openssl.cnf")  # before anybody asks OpenSSL
import sandbox
from sandbox import control, denied, email, env, events, make, room, version

socket.getaddrinfo = sandbox.resolve
# Exchange answers free/busy times without a zone, and exchangelib says so each time.
logging.getLogger("exchangelib").setLevel(logging.CRITICAL)

import dns.resolver
import requests
import requests.adapters
from exchangelib import (BASIC, IMPERSONATION, NTLM, Account, CalendarItem, Configuration, Credentials, EWSDateTime, EWSTimeZone)
from exchangelib.autodiscover.cache import autodiscover_cache
from exchangelib.autodiscover.discovery import pox, soap
from exchangelib.autodiscover.properties import Autodiscover
from exchangelib.autodiscover.protocol import AutodiscoverProtocol
from exchangelib.errors import (ErrorImpersonateUserDenied, ErrorNonExistentMailbox, ErrorSchemaValidation,
                                ErrorServerBusy, TransportError, UnauthorizedError)
from exchangelib.items import SEND_ONLY_TO_ALL, SEND_TO_NONE
from exchangelib.protocol import BaseProtocol, Protocol
from exchangelib.recurrence import DailyPattern, Recurrence


class Adapter(requests.adapters.HTTPAdapter):
    def cert_verify(self, conn, url, verify, cert):
        super().cert_verify(conn=conn, url=url, verify=env["CA_FILE"], cert=cert)


def look_up(resolver, name, kind, **kw):
    if kind != "A" or not name.startswith(("autodiscover.", "mail.")):
        raise dns.resolver.NXDOMAIN


BaseProtocol.HTTP_ADAPTER_CLS = Adapter
dns.resolver.Resolver.resolve = look_up
case = sandbox.runner("exchangelib")
old = "Exchange2007_SP1"
# exchangelib writes <t:MeetingTimeZone Id=…>; the schema of 2007 has TimeZoneName there.
WRONG_ZONE = {old: (ErrorSchemaValidation, "The 'Id' attribute is not declared")}
# Zones, which its free/busy needs, and rooms came with 2010, and it knows.
SINCE_2010 = {old: (NotImplementedError, "only supports server versions from 14")}
build = {"Exchange2007_SP1": (8, 1), "Exchange2010_SP1": (14, 1), "Exchange2010_SP2": (14, 2), "Exchange2013_SP1": (15, 0),
         "Exchange2016": (15, 1), "Exchange2019": (15, 2), "ExchangeSE": (15, 2)}[version]


def configuration(user=env["EWS_USER"], password=env["EWS_PASSWORD"], auth_type=BASIC, **more):
    return Configuration(service_endpoint=env["EWS_URL"], credentials=Credentials(user, password), auth_type=auth_type,
                         max_connections=4, **more)


def account(address, config=None):
    return Account(primary_smtp_address=address, config=config or shared, autodiscover=False, access_type=IMPERSONATION,
                   default_timezone=tz)


tz = EWSTimeZone("Europe/Berlin")
day = EWSDateTime.now(tz).replace(hour=0, minute=0, second=0, microsecond=0) + datetime.timedelta(days=400)
hour = datetime.timedelta(hours=1)
shared = configuration()
me = account(email)
colleague = next(p["email"] for p in control("GET", "world")["people"] if p["email"] != email)
published = "https://mail.musterwerk.example/EWS/Exchange.asmx"
state = {}


def event():
    """The item of case create; where exchangelib cannot write one, the sandbox makes it."""
    if "id" not in state:
        make(email, subject="Interview", start=(day + 9 * hour).isoformat(), end=(day + 10 * hour).isoformat(),
             attendees=[{"email": room, "kind": "resource"}])
        state["id"] = me.calendar.filter(subject="Interview").only("subject")[0].id
    return me.calendar.get(id=state["id"])


@case("impersonation")
def _():
    got = me.version.build
    assert (got.major_version, got.minor_version) == build, got


@case("folder")
def _():
    assert me.calendar.folder_class == "IPF.Appointment"


@case("calendar_view")
def _():
    start = EWSDateTime.now(tz)
    items = list(me.calendar.view(start=start, end=start + datetime.timedelta(days=14)))
    assert len(items) > 10, len(items)
    assert any(i.type == "Occurrence" for i in items)
    assert all(i.start <= i.end for i in items if not i.is_all_day)


@case("create", lacks=WRONG_ZONE)
def _():
    item = CalendarItem(account=me, folder=me.calendar, subject="Interview", body="Hallo & <Welt>", location="Raum Isar",
                        start=day + 9 * hour, end=day + 10 * hour, resources=[room])
    item.save(send_meeting_invitations=SEND_ONLY_TO_ALL)
    assert item.id and item.changekey
    state["id"] = item.id
    assert events(email, "Interview")[0]["body"] == "Hallo & <Welt>"


@case("get")
def _():
    item = event()
    assert item.subject == "Interview" and item.start == day + 9 * hour, (item.subject, item.start)
    assert item.resources[0].mailbox.email_address.lower() == room.lower()


@case("room_answers")
def _():
    control("POST", "settle")
    assert event().resources[0].response_type == "Accept", event().resources


@case("update")
def _():
    item = event()
    item.location = "Raum Donau"
    item.save(update_fields=["location"], send_meeting_invitations=SEND_TO_NONE)
    assert events(email, "Interview")[0]["location"] == "Raum Donau"


@case("move", lacks=WRONG_ZONE)
def _():
    item = event()
    item.start += hour
    item.end += hour
    item.save(update_fields=["start", "end"], send_meeting_invitations=SEND_TO_NONE)
    assert event().start == day + 10 * hour


@case("filter")
def _():
    found = list(me.calendar.filter(subject="Interview"))
    assert len(found) == 1, len(found)


@case("sync")
def _():
    first = list(me.calendar.sync_items())
    assert first and all(kind == "create" for kind, _ in first)
    event().delete(send_meeting_cancellations=SEND_ONLY_TO_ALL)
    again = list(me.calendar.sync_items())
    assert [kind for kind, _ in again] == ["delete"], again


@case("delete")
def _():
    assert not list(me.calendar.filter(subject="Interview")) and not events(email, "Interview")


@case("series", lacks=WRONG_ZONE)
def _():
    pattern = Recurrence(pattern=DailyPattern(interval=2), start=day.date(), number=5)
    item = CalendarItem(account=me, folder=me.calendar, subject="Serie", start=day, end=day + hour, recurrence=pattern)
    item.save(send_meeting_invitations=SEND_TO_NONE)
    seen = [i for i in me.calendar.view(start=day, end=day + datetime.timedelta(days=20)) if i.subject == "Serie"]
    assert [i.start for i in seen] == [day + datetime.timedelta(days=n) for n in (0, 2, 4, 6, 8)], seen
    assert me.calendar.get(id=item.id).recurrence.boundary.number == 5
    state["series"] = item.id, seen


@case("occurrence", lacks={old: (KeyError, "series")})
def _():
    master, seen = state["series"]
    second = me.calendar.get(id=seen[1].id)
    second.subject = "Serie, verlegt"
    second.save(update_fields=["subject"], send_meeting_invitations=SEND_TO_NONE)
    me.calendar.get(id=seen[2].id).delete(send_meeting_cancellations=SEND_TO_NONE)
    item = me.calendar.get(id=master)
    assert [o.start for o in item.modified_occurrences] == [seen[1].start], item.modified_occurrences
    assert [o.start for o in item.deleted_occurrences] == [seen[2].start], item.deleted_occurrences
    item.delete(send_meeting_cancellations=SEND_TO_NONE)
    assert not events(email, "Serie")


@case("answer")
def _():
    make(email, subject="Einladung", start=day.isoformat(), end=(day + hour).isoformat(), attendees=[{"email": colleague, "kind": "required"}])
    control("POST", "settle")
    account(colleague).calendar.filter(subject="Einladung")[0].accept()
    control("POST", "settle")
    item = me.calendar.get(subject="Einladung")
    assert item.required_attendees[0].response_type == "Accept", item.required_attendees
    item.delete(send_meeting_cancellations=SEND_ONLY_TO_ALL)


@case("free_busy", lacks=SINCE_2010)
def _():
    start = EWSDateTime.now(tz).replace(minute=0, second=0, microsecond=0)
    end = start + datetime.timedelta(days=7)
    answer = list(me.protocol.get_free_busy_info(accounts=[(me, "Required", False)], start=start, end=end))
    view = {(i.start, i.end) for i in me.calendar.view(start=start, end=end) if not i.is_all_day and i.legacy_free_busy_status != "Free"}
    busy = {(e.start.replace(tzinfo=tz), e.end.replace(tzinfo=tz)) for e in answer[0].calendar_events}
    assert view and view <= busy, sorted(view - busy)[:2]


@case("room_lists", lacks=SINCE_2010)
def _():
    lists = list(me.protocol.get_roomlists())
    rooms = [r.email_address for each in lists for r in me.protocol.get_rooms(each.email_address)]
    assert len(lists) == 2 and room in rooms, rooms


@case("resolve_names")
def _():
    found = list(me.protocol.resolve_names(["smtp:" + email], return_full_contact_data=True))
    assert found[0][0].email_address == email, found


@case("time_zones", lacks=SINCE_2010)
def _():
    names = [z.id for z in me.protocol.get_timezones(timezones=[tz], return_full_timezone_data=True)]
    assert names == ["W. Europe Standard Time"], names


@case("pull", lacks={old: (ErrorSchemaValidation, "'FreeBusyChangedEvent' is invalid")})  # an event of 2010, which it always asks for
def _():
    subscription, watermark = me.calendar.subscribe_to_pull()
    made = make(email, subject="Abruf", start=day.isoformat(), end=(day + hour).isoformat())
    kinds = [e.ELEMENT_NAME for n in me.calendar.get_events(subscription, watermark) for e in n.events]
    assert "CreatedEvent" in kinds, kinds
    me.calendar.unsubscribe(subscription)
    me.calendar.get(subject="Abruf").delete(send_meeting_cancellations=SEND_TO_NONE)
    assert made["id"] not in [e["id"] for e in events(email, "Abruf")]


@case("streaming", lacks={old: (ErrorSchemaValidation, "invalid child element 'StreamingSubscriptionRequest'")})
def _():
    subscription = me.calendar.subscribe_to_streaming()
    made = make(email, subject="Strom", start=day.isoformat(), end=(day + hour).isoformat())
    seen = []
    for notification in me.calendar.get_streaming_events(subscription, connection_timeout=1):
        seen += [e.ELEMENT_NAME for e in notification.events]
        if "CreatedEvent" not in seen:
            continue
        if events(email, "Strom"):  # and while the stream is open:
            control("DELETE", "mailboxes/%s/events/%s" % (email, made["id"]))
        elif {"DeletedEvent", "MovedEvent"} & set(seen):
            break
    assert {"DeletedEvent", "MovedEvent"} & set(seen), seen
    me.calendar.unsubscribe(subscription)


@case("autodiscover_pox", lacks={old: (ValueError, "No EWS URL found")})  # 2007 gives it as ASUrl, which exchangelib does not read
def _():
    answer, protocol = pox.discover(email, credentials=shared.credentials)
    assert protocol.service_endpoint == published, protocol.service_endpoint
    assert answer.autodiscover_smtp_address == email and protocol.version.build.major_version == build[0], answer


@case("autodiscover_soap", lacks={old: (UnauthorizedError, "No compatible auth type")})  # it is not there, and exchangelib looks no further
def _():
    autodiscover_cache.clear()
    answer, protocol = soap.discover(email, credentials=shared.credentials)
    assert protocol.service_endpoint == published, protocol.service_endpoint
    assert answer.autodiscover_smtp_address == email, answer


# Exchange's answers for who moved to the cloud and for nobody, as exchangelib reads them.
moved, nobody = "oskar.wolkenstein@musterwerk.example", "niemand@musterwerk.example"
search = "https://autodiscover.musterwerk.example/autodiscover/autodiscover"


@case("autodiscover_pox_elsewhere")
def _():
    def ask(address):
        answer = requests.post(search + ".xml", data=Autodiscover.payload(email=address), auth=(env["EWS_USER"], env["EWS_PASSWORD"]),
                               verify=env["CA_FILE"], headers={"Content-Type": "text/xml; charset=utf-8"})
        return Autodiscover.from_bytes(answer.content)
    assert ask(moved).response.redirect_address.endswith(".mail.onmicrosoft.com")
    assert ask(nobody).error_response.error.code == "500"


@case("autodiscover_soap_elsewhere", lacks={old: (TransportError, "")})
def _():
    protocol = AutodiscoverProtocol(config=Configuration(service_endpoint=search + ".svc", credentials=shared.credentials, auth_type=BASIC))
    assert protocol.get_user_settings(moved).redirect_address.endswith(".mail.onmicrosoft.com")
    assert protocol.get_user_settings(nobody).error_code == "InvalidUser"


@case("impersonation_denied", lacks={version: (ErrorImpersonateUserDenied, "")})
def _():
    account(denied).calendar.folder_class


@case("no_such_mailbox", lacks={version: (ErrorNonExistentMailbox, "")})
def _():
    account("niemand@musterwerk.example").calendar.folder_class


@case("wrong_password", lacks={version: (UnauthorizedError, "")})
def _():
    account(email, configuration(password="falsch")).calendar.folder_class


# exchangelib keeps what it knows of a server by address and credentials: another form of the name is a fresh start.
other = "MUSTERWERK\\" + env["EWS_USER"].split("@")[0]


@case("server_busy", lacks={version: (ErrorServerBusy, "")})
def _():
    control("POST", "faults", {"provider": "exchange", "kind": "server_busy", "target": "GetFolder", "count": 1})
    account(email, configuration(other)).calendar.folder_class


# requests-ntlm signs in with NTLMv2 and channel bindings of its own.
Protocol.clear_cache()
control("PATCH", "systems/exchange", {"authenticate": ["NTLM"], "extended_protection": "require"})


@case("ntlm")
def _():
    assert account(email, configuration(other, auth_type=NTLM)).calendar.folder_class == "IPF.Appointment"


@case("ntlm_wrong_password", lacks={version: (UnauthorizedError, "")})
def _():
    account(email, configuration(other, "falsch", auth_type=NTLM)).calendar.folder_class


control("PATCH", "systems/exchange", {"authenticate": None, "extended_protection": ""})
sys.exit(1 if sandbox.outcome["failed"] else 0)

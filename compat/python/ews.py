"""exchangelib (Debian python3-exchangelib) against the sandbox.

Usage: ews.py EWS_URL SERVICE_ACCOUNT PASSWORD TEST_EMAIL DENIED_EMAIL ROOM CA_FILE IP:PORT [MAJOR_VERSION]
Prints one line a case: ok|FAIL|skip exchangelib CASE.
"""
import datetime
import logging
import socket
import sys
from zoneinfo import ZoneInfo

url, user, password, email, denied, room, ca, address = sys.argv[1:9]
major = int(sys.argv[9]) if len(sys.argv) > 9 else 15
real = socket.getaddrinfo


def resolve(host, port, *args, **kw):
    if isinstance(host, str) and host.endswith(".example"):
        host, port = address.rsplit(":", 1)
    return real(host, int(port), *args, **kw)


socket.getaddrinfo = resolve
# Exchange answers free/busy times without a zone, and exchangelib says so each time.
logging.getLogger("exchangelib").setLevel(logging.ERROR)

import requests.adapters
from exchangelib import (BASIC, IMPERSONATION, Account, CalendarItem, Configuration, Credentials, EWSDateTime, EWSTimeZone)
from exchangelib.errors import ErrorImpersonateUserDenied, ErrorNonExistentMailbox
from exchangelib.items import SEND_ONLY_TO_ALL, SEND_TO_NONE
from exchangelib.properties import Room
from exchangelib.protocol import BaseProtocol


class Adapter(requests.adapters.HTTPAdapter):
    def cert_verify(self, conn, url, verify, cert):
        super().cert_verify(conn=conn, url=url, verify=ca, cert=cert)


BaseProtocol.HTTP_ADAPTER_CLS = Adapter
failed = False


def case(name):
    def run(act):
        global failed
        try:
            act()
            print("ok exchangelib", name)
        except Exception as e:  # every failure is a line
            failed = True
            print("FAIL exchangelib", name, "%s: %s" % (type(e).__name__, str(e)[:300]))
    return run


config = Configuration(service_endpoint=url, credentials=Credentials(user, password), auth_type=BASIC, max_connections=4)


def account(address):
    return Account(primary_smtp_address=address, config=config, autodiscover=False, access_type=IMPERSONATION,
                   default_timezone=EWSTimeZone("Europe/Berlin"))


tz = EWSTimeZone("Europe/Berlin")
day = EWSDateTime.now(tz).replace(hour=0, minute=0, second=0, microsecond=0) + datetime.timedelta(days=400)
me = account(email)
state = {}


@case("impersonation")
def _():
    assert me.version.build.major_version == major, me.version


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


@case("create")
def _():
    item = CalendarItem(account=me, folder=me.calendar, subject="Interview", body="Hallo & <Welt>", location="Raum Isar",
                        start=day + datetime.timedelta(hours=9), end=day + datetime.timedelta(hours=10), resources=[room])
    item.save(send_meeting_invitations=SEND_ONLY_TO_ALL)
    assert item.id and item.changekey
    state["item"] = item


@case("get")
def _():
    item = me.calendar.get(id=state["item"].id)
    assert item.subject == "Interview" and item.start == day + datetime.timedelta(hours=9), (item.subject, item.start)
    assert item.resources[0].mailbox.email_address.lower() == room.lower()


@case("update")
def _():
    item = state["item"]
    item.start += datetime.timedelta(hours=1)
    item.end += datetime.timedelta(hours=1)
    item.save(update_fields=["start", "end"], send_meeting_invitations=SEND_TO_NONE)
    assert me.calendar.get(id=item.id).start == day + datetime.timedelta(hours=10)


@case("filter")
def _():
    found = list(me.calendar.filter(subject="Interview"))
    assert len(found) == 1, len(found)


@case("sync")
def _():
    first = list(me.calendar.sync_items())
    assert first and all(kind == "create" for kind, _ in first)
    state["item"].delete(send_meeting_cancellations=SEND_ONLY_TO_ALL)
    again = list(me.calendar.sync_items())
    assert [kind for kind, _ in again] == ["delete"], again


@case("delete")
def _():
    assert not list(me.calendar.filter(subject="Interview"))


@case("recurrence")
def _():
    from exchangelib.recurrence import DailyPattern, Recurrence
    item = CalendarItem(account=me, folder=me.calendar, subject="Serie", start=day, end=day + datetime.timedelta(hours=1),
                        recurrence=Recurrence(pattern=DailyPattern(interval=2), start=day.date(), number=5))
    item.save(send_meeting_invitations=SEND_TO_NONE)
    seen = [i for i in me.calendar.view(start=day, end=day + datetime.timedelta(days=20)) if i.subject == "Serie"]
    assert len(seen) == 5, len(seen)
    assert seen[1].start == day + datetime.timedelta(days=2)
    master = me.calendar.get(id=item.id)
    assert master.recurrence.boundary.number == 5
    master.delete(send_meeting_cancellations=SEND_TO_NONE)


@case("free_busy")
def _():
    start = EWSDateTime.now(tz).replace(minute=0, second=0, microsecond=0)
    answer = list(me.protocol.get_free_busy_info(accounts=[(me, "Required", False)], start=start, end=start + datetime.timedelta(days=7)))
    assert answer[0].calendar_events, answer
    view = {(i.start, i.end) for i in me.calendar.view(start=start, end=start + datetime.timedelta(days=7))  if not i.is_all_day}
    busy = {(e.start.replace(tzinfo=tz), e.end.replace(tzinfo=tz)) for e in answer[0].calendar_events}
    assert view <= busy, sorted(view - busy)[:2]


@case("room_lists")
def _():
    lists = list(me.protocol.get_roomlists())
    rooms = [r.email_address for each in lists for r in me.protocol.get_rooms(each.email_address)]
    assert len(lists) == 2 and room in rooms, rooms


@case("resolve_names")
def _():
    found = list(me.protocol.resolve_names(["smtp:" + email], return_full_contact_data=True))
    assert found[0][0].email_address == email, found


@case("time_zones")
def _():
    names = [z.id for z in me.protocol.get_timezones(timezones=[tz], return_full_timezone_data=True)]
    assert names == ["W. Europe Standard Time"], names


@case("pull")
def _():
    subscription, watermark = me.calendar.subscribe_to_pull()
    item = CalendarItem(account=me, folder=me.calendar, subject="Abruf", start=day, end=day + datetime.timedelta(hours=1))
    item.save(send_meeting_invitations=SEND_TO_NONE)
    kinds = [e.ELEMENT_NAME for n in me.calendar.get_events(subscription, watermark) for e in n.events]
    assert "CreatedEvent" in kinds, kinds
    me.calendar.unsubscribe(subscription)
    item.delete(send_meeting_cancellations=SEND_TO_NONE)


@case("streaming")
def _():
    import threading
    subscription = me.calendar.subscribe_to_streaming()
    item = CalendarItem(account=me, folder=me.calendar, subject="Strom", start=day, end=day + datetime.timedelta(hours=1))
    timer = threading.Timer(0.2, lambda: item.save(send_meeting_invitations=SEND_TO_NONE))
    timer.start()
    kinds = []
    for notification in me.calendar.get_streaming_events(subscription, connection_timeout=1):
        kinds += [e.ELEMENT_NAME for e in notification.events]
        if "CreatedEvent" in kinds:
            break
    timer.join()
    assert "CreatedEvent" in kinds, kinds
    me.calendar.unsubscribe(subscription)
    item.delete(send_meeting_cancellations=SEND_TO_NONE)


@case("impersonation_denied")
def _():
    try:
        account(denied).calendar.folder_class
    except ErrorImpersonateUserDenied:
        return
    raise AssertionError("was allowed")


@case("no_such_mailbox")
def _():
    try:
        account("niemand@musterwerk.example").calendar.folder_class
    except ErrorNonExistentMailbox:
        return
    raise AssertionError("was found")


sys.exit(1 if failed else 0)

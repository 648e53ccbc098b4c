"""exchangelib (Debian python3-exchangelib) searches a server of the sandbox by Autodiscover.

discover.py HOST USER PASSWORD EMAIL UNKNOWN ELSEWHERE CA_FILE ADDR:PORT EWS_URL
Prints one line a case: ok|FAIL exchangelib autodiscover CASE.
"""
import logging
import socket
import sys

host, user, password, email, unknown, elsewhere, ca, address, ews_url = sys.argv[1:]
real = socket.getaddrinfo


def resolve(name, port, *args, **kw):
    if name in (host, host.encode()):
        name, port = address.rsplit(":", 1)
    return real(name, int(port), *args, **kw)


socket.getaddrinfo = resolve
logging.getLogger("exchangelib").setLevel(logging.CRITICAL)

import requests
import requests.adapters
from exchangelib import BASIC, Configuration, Credentials
from exchangelib.autodiscover.properties import Autodiscover
from exchangelib.autodiscover.protocol import AutodiscoverProtocol
from exchangelib.protocol import BaseProtocol


class Adapter(requests.adapters.HTTPAdapter):
    def cert_verify(self, conn, url, verify, cert):
        super().cert_verify(conn=conn, url=url, verify=ca, cert=cert)


BaseProtocol.HTTP_ADAPTER_CLS = Adapter
failed = False
base = "https://%s/autodiscover/autodiscover" % host


def case(name):
    def run(act):
        global failed
        try:
            act()
            print("ok exchangelib autodiscover", name)
        except Exception as e:  # every failure is a line
            failed = True
            print("FAIL exchangelib autodiscover", name, "%s: %s" % (type(e).__name__, str(e)[:300]))
    return run


def by_soap(address):
    config = Configuration(service_endpoint=base + ".svc", credentials=Credentials(user, password), auth_type=BASIC)
    return AutodiscoverProtocol(config=config).get_user_settings(address)


def by_pox(address):
    answer = requests.post(base + ".xml", data=Autodiscover.payload(email=address), auth=(user, password), verify=ca,
                           headers={"Content-Type": "text/xml; charset=utf-8"})
    return Autodiscover.from_bytes(answer.content)


@case("soap: settings")
def _():
    found = by_soap(email)
    assert found.ews_url == ews_url, found
    assert found.autodiscover_smtp_address == email, found


@case("soap: nobody")
def _():
    assert by_soap(unknown).error_code == "InvalidUser"


@case("soap: another address")
def _():
    assert by_soap(elsewhere).redirect_address.endswith(".mail.onmicrosoft.com")


@case("xml: settings")
def _():
    assert by_pox(email).response.protocol.ews_url == ews_url


@case("xml: another address")
def _():
    assert by_pox(elsewhere).response.redirect_address.endswith(".mail.onmicrosoft.com")


@case("xml: nobody")
def _():
    assert by_pox(unknown).error_response.error.code == "500"


sys.exit(1 if failed else 0)

"""What the Python cases share: the environment, the sandbox's control API, and the lines they print.

Environment: SANDBOX_URL, VERSION (of the simulated Exchange), EWS_URL, EWS_ADDRESS (IP:PORT where its hosts
really listen), EWS_USER, EWS_PASSWORD, EMAIL, DENIED, ROOM, CA_FILE.
"""
import json
import os
import socket
import urllib.parse
import urllib.request

env = os.environ
version = env.get("VERSION", "Exchange2013_SP1")
email, denied, room = env["EMAIL"], env["DENIED"], env["ROOM"]
real = socket.getaddrinfo
outcome = {"failed": False}


def resolve(host, port, *args, **kw):
    """The simulated company's names are not in DNS."""
    if isinstance(host, str) and host.endswith(".example"):
        host, port = env["EWS_ADDRESS"].rsplit(":", 1)
    return real(host, port, *args, **kw)


def control(method, path, body=None):
    """Call the sandbox's control API: the truth behind what a client sees."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(env["SANDBOX_URL"] + "/_sandbox/" + path, data=data, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read() or b"null")


def events(who, subject):
    """The singles and series of a mailbox that have a subject."""
    found = control("GET", "mailboxes/%s/events?series=true" % urllib.parse.quote(who))["events"]
    return [e for e in found if e["subject"] == subject]


def make(who, **fields):
    return control("POST", "mailboxes/%s/events" % urllib.parse.quote(who), fields)


def runner(client):
    """A decorator that runs a case at once. lacks says in which versions it must fail, with which error and text."""
    def case(name, lacks=None):
        def run(act):
            want = (lacks or {}).get(version)
            problem = attempt(act, want)
            outcome["failed"] = outcome["failed"] or bool(problem)
            print("FAIL" if problem else "ok", client, version + "/" + name + (": " + problem if problem else ""), flush=True)
        return run
    return case


def attempt(act, want):
    try:
        act()
    except Exception as e:  # every failure is a line
        text = " ".join(("%s: %s" % (type(e).__name__, e)).split())[:300]
        if want and isinstance(e, want[0]) and want[1] in str(e):
            return ""
        return text
    return "must fail with %s: %s" % (want[0].__name__, want[1]) if want else ""

"""An HTTPS server that takes NTLM by gss-ntlmssp and passes requests on.

Arguments: PORT CERTIFICATE KEY BOUND, the last being the certificate that the
channel binding has to name. Environment: NTLM_USER_FILE for gss-ntlmssp;
EWS_ADDRESS, EWS_URL, EWS_USER, EWS_PASSWORD for the server behind.
"""
import base64
import hashlib
import http.client
import os
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import gssapi
from gssapi.raw import ChannelBindings, acquire_cred

NTLMSSP = gssapi.OID.from_int_seq("1.3.6.1.4.1.311.2.2.10")


def binding(certificate):
    with open(certificate) as f:
        raw = ssl.PEM_cert_to_DER_cert(f.read())
    return ChannelBindings(application_data=b"tls-server-end-point:" + hashlib.sha256(raw).digest())


class Acceptor(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    bound = None

    def setup(self):
        super().setup()
        self.context, self.known = None, False

    def log_message(self, *args):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if scheme == "NTLM" and token:
            return self.step(base64.b64decode(token), body)
        if self.known:
            return self.forward(body)
        self.answer(401, "NTLM")

    def step(self, token, body):
        if self.context is None or token[8] == 1:
            credentials = acquire_cred(None, mechs=[NTLMSSP], usage="accept").creds
            self.context = gssapi.SecurityContext(
                creds=gssapi.Credentials(base=credentials), usage="accept", channel_bindings=self.bound)
            self.known = False
        try:
            reply = self.context.step(token)
        except gssapi.exceptions.GSSError as error:
            print(error, file=sys.stderr, flush=True)
            self.context = None
            return self.answer(401, "NTLM")
        if not self.context.complete:
            return self.answer(401, "NTLM " + base64.b64encode(reply).decode())
        self.context, self.known = None, True
        self.forward(body)

    def forward(self, body):
        behind = http.client.HTTPSConnection(os.environ["EWS_ADDRESS"], context=ssl._create_unverified_context())
        credentials = base64.b64encode(f"{os.environ['EWS_USER']}:{os.environ['EWS_PASSWORD']}".encode()).decode()
        headers = {"Content-Type": "text/xml; charset=utf-8", "Authorization": "Basic " + credentials,
                   "Host": urlsplit(os.environ["EWS_URL"]).netloc}
        behind.request("POST", self.path, body, headers)
        answer = behind.getresponse()
        text = answer.read()
        behind.close()
        self.answer(answer.status, None, text)

    def answer(self, status, authenticate, body=b""):
        self.send_response(status)
        if authenticate:
            self.send_header("WWW-Authenticate", authenticate)
        self.send_header("Content-Type", "text/xml; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main():
    port, certificate, key, bound = sys.argv[1:]
    Acceptor.bound = binding(bound)
    server = ThreadingHTTPServer(("127.0.0.1", int(port)), Acceptor)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.daemon_threads = True
    server.serve_forever()


if __name__ == "__main__":
    main()

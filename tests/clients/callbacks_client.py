"""The package `standardwebhooks` of PyPI verifies what the server really sends: one callback, a list, and during a rotation."""

import base64
import json
import os
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook

URL, KEY, KEEPER = (os.environ[name] for name in ("BELL_URL", "BELL_KEY", "BELL_KEEPER"))
TOLD = []


class Receiver(BaseHTTPRequestHandler):
    """Keeps what it is told, and takes it."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        TOLD.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments):
        pass


def call(method, path, key, body=None):
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
    with urllib.request.urlopen(urllib.request.Request(URL + path, data, headers, method=method)) as answer:
        return json.load(answer)["data"]


def event(name, **more):
    call("POST", "/v1/events", KEY, {"id": name, "kind": "order.new", "target": {"riders": ["nobody"]}, **more})


def about(name):
    for _ in range(300):
        for headers, body in TOLD:
            if f'"event_id":"{name}"'.encode() in body:
                return headers, body
        time.sleep(0.05)
    raise TimeoutError(f"never came: {name}")


def rotated():
    return call("POST", "/v1/secrets/callback/rotate", KEEPER, {"grace_s": 600})["secret"]


def verifies(secret, headers, body):
    try:
        return Webhook(secret).verify(body, headers) == json.loads(body)
    except Exception as error:
        return type(error).__name__


def check(what, found, expected):
    print(f"ok      pypi: {what}" if found == expected else f"FAILED  pypi: {what}: {found} is not {expected}")


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/"
    first = rotated()
    event("py-told-1", callback_url=url, ext={"店": "七"})
    headers, body = about("py-told-1")
    check("a callback verifies", verifies(first, headers, body), True)
    changed = body.replace(b"alert", b"Alert", 1)
    check("a changed one does not", verifies(first, headers, changed), "WebhookVerificationError")
    stranger = "whsec_" + base64.b64encode(bytes(32)).decode()
    check("nor one of somebody else", verifies(stranger, headers, body), "WebhookVerificationError")
    target = call("POST", "/v1/callbacks/targets", KEEPER, {"url": url, "batch_max": 10})["target_id"]
    event("py-told-2")
    headers, body = about("py-told-2")
    check("a list is a list", isinstance(json.loads(body), list), True)
    check("a list verifies", verifies(first, headers, body), True)
    second = rotated()
    event("py-told-3")
    headers, body = about("py-told-3")
    check("the old secret verifies through its grace", verifies(first, headers, body), True)
    check("and so does the new one", verifies(second, headers, body), True)
    call("DELETE", f"/v1/callbacks/targets/{target}", KEEPER)
    server.shutdown()


main()

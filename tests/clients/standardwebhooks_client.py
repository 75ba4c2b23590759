"""The package `standardwebhooks` of PyPI signs, and the server believes it, or not where it should not."""

import base64
import json
import os
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone

from standardwebhooks import Webhook

URL = os.environ["BELL_URL"] + "/v1/events"
NOW = datetime.now(timezone.utc)


def event(name):
    return json.dumps({"id": name, "kind": "order.new", "target": {"riders": ["骑手-1"]}}, ensure_ascii=False)


def post(body, signature, at=NOW, name="msg_py_1"):
    headers = {
        "Content-Type": "application/json",
        "Orderbell-Key-Id": os.environ["BELL_KEY_ID"],
        "webhook-id": name,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }
    request = urllib.request.Request(URL, body.encode(), headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)["data"]["duplicate"]
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)["error"]


def check(what, found, expected):
    print(f"ok      pypi: {what}" if found == expected else f"FAILED  pypi: {what}: {found} is not {expected}")


def main():
    fresh, old = Webhook(os.environ["BELL_SECRET"]), Webhook(os.environ["BELL_OLD_SECRET"])
    body = event("py-1")
    signed = fresh.sign(msg_id="msg_py_1", timestamp=NOW, data=body)
    check("a signed event is taken", post(body, signed), (200, False))
    later = NOW + timedelta(seconds=2)
    check("a retry, signed anew, is the same event",
          post(body, fresh.sign(msg_id="msg_py_1", timestamp=later, data=body), later), (200, True))
    before = old.sign(msg_id="msg_py_1", timestamp=NOW, data=body)
    check("the old secret works through its grace", post(body, before), (200, True))
    check("two signatures in one header", post(body, f"{before} {signed}"), (200, True))
    stranger = Webhook("whsec_" + base64.b64encode(bytes(32)).decode())
    check("another secret is refused",
          post(body, stranger.sign(msg_id="msg_py_1", timestamp=NOW, data=body)), (401, "bad_signature"))
    check("another body is refused", post(event("py-2"), signed), (401, "bad_signature"))
    past = NOW - timedelta(seconds=310)
    check("an old request is refused",
          post(body, fresh.sign(msg_id="msg_py_1", timestamp=past, data=body), past), (401, "signature_expired"))


main()

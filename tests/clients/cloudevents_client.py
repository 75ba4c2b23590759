"""The package `cloudevents` of PyPI writes events in every mode, and the server takes them for what they are."""

import json
import os
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timezone

from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from cloudevents.v1 import conversion
from cloudevents.v1.http import CloudEvent as FirstCloudEvent
from standardwebhooks import Webhook

URL = os.environ["BELL_URL"]
BEARER = {"Authorization": "Bearer " + os.environ["BELL_KEY"]}
SOURCE = "/shops/42/pypi"
TIME = datetime(2026, 3, 1, 4, 55, tzinfo=timezone.utc)


def attributes(name, source=SOURCE, kind="com.example.order.urged"):
    return {
        "id": name,
        "source": source,
        "type": kind,
        "specversion": "1.0",
        "subject": "order-" + name,
        "time": TIME,
        "datacontenttype": "application/json",
        "shop": "测试面馆 42",
    }


def data():
    return {"rider_id": "骑手-1", "times": 2}


def urged(name, **more):
    return CloudEvent(attributes(name, **more), data())


def call(path, headers, body=None):
    request = urllib.request.Request(URL + path, body, headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)["data"]
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def send(message, path="/v1/events"):
    return call(path, BEARER | message.headers, message.body)


def kind(name):
    return call("/v1/events/" + urllib.parse.quote(name, safe=""), BEARER)[1].get("kind")


def check(what, found, expected):
    print(f"ok      pypi: {what}" if found == expected else f"FAILED  pypi: {what}: {found} is not {expected}")


def taken(told):
    return told[0], told[1].get("event_id"), told[1].get("duplicate")


def mode(name, write):
    check(f"a {name} event is taken", taken(send(write(urged(name)))), (200, f"{SOURCE}#{name}", False))
    check(f"a {name} event has its kind", kind(f"{SOURCE}#{name}"), "order.urged")
    check(f"a {name} event sent again is the same", taken(send(write(urged(name))))[2], True)
    other = SOURCE + "/other"
    check(f"a {name} event of another source is another",
          taken(send(write(urged(name, source=other)))), (200, f"{other}#{name}", False))


def first_api_mode(name, write):
    # It writes headers as they are, so that they must be ASCII.
    own = {"time": TIME.isoformat(), "shop": "noodles 42"}
    headers, body = write(FirstCloudEvent(attributes(name) | own, data()))
    for again in (False, True):
        told = call("/v1/events", BEARER | dict(headers), body)
        check(f"an event of the first API, {name}, again {again}", taken(told), (200, f"{SOURCE}#{name}", again))


def batch():
    events = [urged("batch-1"), urged("batch-2"), urged("batch-1"), urged("batch-3", kind="com.example.nothing")]
    body = b"[" + b",".join(JSONFormat().write(event) for event in events) + b"]"
    headers = BEARER | {"Content-Type": "application/cloudevents-batch+json"}
    for path, accepted in (("/v1/events/batch", 2), ("/v1/events", 0)):
        status, told = call(path, headers, body)
        found = [status] + [told.get(count) for count in ("accepted", "duplicates", "failed")]
        check(f"a batch at {path}", found, [200, accepted, 3 - accepted, 1])
    check("an event of a batch has its kind", kind(f"{SOURCE}#batch-2"), "order.urged")


def signed():
    message, now = to_structured_event(urged("signed")), datetime.now(timezone.utc)
    signature = Webhook(os.environ["BELL_SECRET"]).sign(msg_id="msg_py_cloud", timestamp=now, data=message.body.decode())
    headers = message.headers | {
        "Orderbell-Key-Id": os.environ["BELL_KEY_ID"],
        "webhook-id": "msg_py_cloud",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }
    check("a signed event has its own id", taken(call("/v1/events", headers, message.body)), (200, f"{SOURCE}#signed", False))
    status, told = call("/v1/events", headers, message.body.replace(b"order-signed", b"order-other"))
    check("a changed one is refused", (status, told.get("error")), (401, "bad_signature"))


def main():
    mode("structured", to_structured_event)
    mode("binary", to_binary_event)
    check("an event in the other mode is the same", taken(send(to_binary_event(urged("structured"))))[2], True)
    first_api_mode("first-structured", conversion.to_structured)
    first_api_mode("first-binary", conversion.to_binary)
    batch()
    signed()


main()

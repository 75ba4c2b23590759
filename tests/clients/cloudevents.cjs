// The package `cloudevents` of npm writes events in every mode, and the server takes them for what they are.
const { CloudEvent, HTTP, Mode, emitterFor } = require("cloudevents");
const { Webhook } = require("standardwebhooks");
const { bearer, check, kind, post } = require("./server.cjs");

const { BELL_KEY_ID, BELL_SECRET } = process.env;
const SOURCE = "/shops/42/npm";

function urged(id, more = {}) {
  return new CloudEvent({
    id,
    source: SOURCE,
    type: "com.example.order.urged",
    subject: `order-${id}`,
    time: "2026-03-01T04:55:00Z",
    datacontenttype: "application/json",
    data: { rider_id: "骑手-1", times: 2 },
    ...more,
  });
}

function send(message) {
  return post("/v1/events", { ...bearer, ...message.headers }, message.body);
}

async function mode(name, id, emit) {
  const first = await emit(urged(id));
  const told = [first.status, first.data?.event_id, first.data?.duplicate];
  check(`npm: a ${name} event is taken`, told, [200, `${SOURCE}#${id}`, false]);
  check(`npm: a ${name} event has its kind`, await kind(`${SOURCE}#${id}`), "order.urged");
  const again = await emit(urged(id));
  check(`npm: a ${name} event sent again is the same`, [again.status, again.data?.duplicate], [200, true]);
  const other = await emit(urged(id, { source: `${SOURCE}/other` }));
  check(`npm: a ${name} event of another source is another`, [other.status, other.data?.duplicate], [200, false]);
}

async function batch() {
  const events = [urged("batch-1"), urged("batch-2"), urged("batch-1"), urged("batch-3", { type: "com.example.nothing" })];
  const headers = { ...bearer, "content-type": "application/cloudevents-batch+json; charset=utf-8" };
  for (const [path, accepted] of [["/v1/events/batch", 2], ["/v1/events", 0]]) {
    const told = await post(path, headers, JSON.stringify(events));
    const { accepted: taken, duplicates, failed } = told.data ?? {};
    check(`npm: a batch at ${path}`, [told.status, taken, duplicates, failed], [200, accepted, 3 - accepted, 1]);
  }
  check("npm: an event of a batch has its kind", await kind(`${SOURCE}#batch-2`), "order.urged");
}

async function signed() {
  const { headers, body } = HTTP.structured(urged("signed"));
  const now = new Date();
  const claim = {
    ...headers,
    "orderbell-key-id": BELL_KEY_ID,
    "webhook-id": "msg_npm_cloud",
    "webhook-timestamp": String(Math.floor(now.getTime() / 1000)),
    "webhook-signature": new Webhook(BELL_SECRET).sign("msg_npm_cloud", now, body),
  };
  const told = await post("/v1/events", claim, body);
  check("npm: a signed event has its own id", [told.status, told.data?.event_id], [200, `${SOURCE}#signed`]);
  const changed = await post("/v1/events", claim, body.replace("order-signed", "order-other"));
  check("npm: a changed one is refused", [changed.status, changed.error], [401, "bad_signature"]);
}

async function main() {
  await mode("structured", "structured", emitterFor(send, { mode: Mode.STRUCTURED }));
  await mode("binary", "binary", emitterFor(send, { mode: Mode.BINARY }));
  const crossed = await send(HTTP.binary(urged("structured")));
  check("npm: an event in the other mode is the same", [crossed.status, crossed.data?.duplicate], [200, true]);
  const old = await send(HTTP.structured(urged("old", { specversion: "0.3" })));
  check("npm: an event of CloudEvents 0.3 is refused", [old.status, old.error], [400, "bad_cloudevent"]);
  await batch();
  await signed();
}

main();

// Two messages byte for byte as their senders write them: one of Standard Webhooks, signed now, and one CloudEvent.
const { readFileSync } = require("node:fs");
const { join } = require("node:path");
const { Webhook } = require("standardwebhooks");
const { bearer, check, kind, post } = require("./server.cjs");

const { BELL_KEY_ID, BELL_SECRET } = process.env;

function raw(name) {
  return readFileSync(join(__dirname, "../api/payloads", name), "utf8");
}

async function webhook() {
  const [id, body] = ["msg_2KWPBgDEMO", raw("webhook.json")];
  for (const [again, at] of [[false, new Date()], [true, new Date(Date.now() + 5000)]]) {
    const headers = {
      "content-type": "application/json",
      "orderbell-key-id": BELL_KEY_ID,
      "webhook-id": id,
      "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
      "webhook-signature": new Webhook(BELL_SECRET).sign(id, at, body),
    };
    const told = await post("/v1/events", headers, body);
    const found = [told.status, told.data?.event_id, told.data?.duplicate];
    check(`payload: a webhook message${again ? " again" : ""}`, found, [200, id, again]);
  }
  check("payload: its kind", await kind(id), "order.offered");
}

async function cloudEvent() {
  const [id, body] = ["/shops/42/orders#A234-0017", raw("cloudevent.json")];
  const headers = { ...bearer, "content-type": "application/cloudevents+json; charset=UTF-8" };
  for (const again of [false, true]) {
    const told = await post("/v1/events", headers, body);
    const found = [told.status, told.data?.event_id, told.data?.duplicate];
    check(`payload: a CloudEvent${again ? " again" : ""}`, found, [200, id, again]);
  }
  check("payload: its kind", await kind(id), "order.urged");
}

webhook().then(cloudEvent);

// The package `standardwebhooks` of npm signs, and the server believes it, or not where it should not.
const { Webhook } = require("standardwebhooks");

const { BELL_URL, BELL_KEY_ID, BELL_SECRET, BELL_OLD_SECRET } = process.env;
const now = new Date();

function event(id) {
  return JSON.stringify({ id, kind: "order.new", target: { riders: ["骑手-1"] } });
}

async function post(id, body, signature, at = now) {
  const response = await fetch(`${BELL_URL}/v1/events`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "orderbell-key-id": BELL_KEY_ID,
      "webhook-id": id,
      "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
      "webhook-signature": signature,
    },
    body,
  });
  return { status: response.status, ...(await response.json()) };
}

function check(what, found, expected) {
  const [left, right] = [JSON.stringify(found), JSON.stringify(expected)];
  console.log(left === right ? `ok      npm: ${what}` : `FAILED  npm: ${what}: ${left} is not ${right}`);
}

async function main() {
  const [fresh, old] = [new Webhook(BELL_SECRET), new Webhook(BELL_OLD_SECRET)];
  const body = event("npm-1");
  const signed = fresh.sign("msg_npm_1", now, body);
  const first = await post("msg_npm_1", body, signed);
  check("a signed event is taken", [first.status, first.data.duplicate], [200, false]);
  const later = new Date(now.getTime() + 2000);
  const again = await post("msg_npm_1", body, fresh.sign("msg_npm_1", later, body), later);
  check("a retry, signed anew, is the same event", [again.status, again.data.duplicate], [200, true]);
  const before = await post("msg_npm_1", body, old.sign("msg_npm_1", now, body));
  check("the old secret works through its grace", [before.status, before.data.duplicate], [200, true]);
  const both = await post("msg_npm_1", body, `${old.sign("msg_npm_1", now, body)} ${signed}`);
  check("two signatures in one header", both.status, 200);
  const stranger = new Webhook(`whsec_${Buffer.alloc(32, 7).toString("base64")}`);
  const forged = await post("msg_npm_1", body, stranger.sign("msg_npm_1", now, body));
  check("another secret is refused", [forged.status, forged.error], [401, "bad_signature"]);
  const changed = await post("msg_npm_1", event("npm-2"), signed);
  check("another body is refused", [changed.status, changed.error], [401, "bad_signature"]);
  const past = new Date(now.getTime() - 310_000);
  const stale = await post("msg_npm_1", body, fresh.sign("msg_npm_1", past, body), past);
  check("an old request is refused", [stale.status, stale.error], [401, "signature_expired"]);
}

main();

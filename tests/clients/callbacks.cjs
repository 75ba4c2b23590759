// The package `standardwebhooks` of npm verifies what the server really sends: one callback, a list, and during a rotation.
const { createServer } = require("node:http");
const { Webhook } = require("standardwebhooks");
const { check, post } = require("./server.cjs");

const { BELL_URL, BELL_KEY, BELL_KEEPER } = process.env;
const json = (key) => ({ authorization: `Bearer ${key}`, "content-type": "application/json" });

// Keeps what it is told, and takes it.
const told = [];
const receiver = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  told.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
  response.writeHead(204).end();
});

async function until(what, find) {
  for (let tries = 0; tries < 300; tries += 1) {
    const found = find();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`never came: ${what}`);
}

const about = (id) => () => told.find(({ body }) => body.includes(`"event_id":"${id}"`));

async function event(id, more) {
  const body = JSON.stringify({ id, kind: "order.new", target: { riders: ["nobody"] }, ...more });
  const answer = await post("/v1/events", json(BELL_KEY), body);
  if (answer.status !== 200) throw new Error(JSON.stringify(answer));
}

async function rotated() {
  const answer = await post("/v1/secrets/callback/rotate", json(BELL_KEEPER), JSON.stringify({ grace_s: 600 }));
  return answer.data.secret;
}

function verifies(secret, { headers, body }) {
  try {
    return JSON.stringify(new Webhook(secret).verify(body, headers)) === JSON.stringify(JSON.parse(body));
  } catch (error) {
    return error.constructor.name;
  }
}

async function main() {
  await new Promise((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${receiver.address().port}/`;
  const first = await rotated();
  await event("npm-told-1", { callback_url: url, ext: { 店: "七" } });
  const one = await until("a callback", about("npm-told-1"));
  check("npm: a callback verifies", verifies(first, one), true);
  const changed = { ...one, body: one.body.replace("alert", "Alert") };
  check("npm: a changed one does not", verifies(first, changed), "WebhookVerificationError");
  const stranger = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
  check("npm: nor one of somebody else", verifies(stranger, one), "WebhookVerificationError");
  const target = await post("/v1/callbacks/targets", json(BELL_KEEPER), JSON.stringify({ url, batch_max: 10 }));
  check("npm: a target is made", target.status, 200);
  await event("npm-told-2", {});
  const list = await until("a list", about("npm-told-2"));
  check("npm: a list is a list", Array.isArray(JSON.parse(list.body)), true);
  check("npm: a list verifies", verifies(first, list), true);
  const second = await rotated();
  await event("npm-told-3", {});
  const during = await until("one during a rotation", about("npm-told-3"));
  check("npm: the old secret verifies through its grace", verifies(first, during), true);
  check("npm: and so does the new one", verifies(second, during), true);
  const path = `${BELL_URL}/v1/callbacks/targets/${target.data.target_id}`;
  await fetch(path, { method: "DELETE", headers: json(BELL_KEEPER) });
  receiver.closeAllConnections();
  receiver.close();
}

main();

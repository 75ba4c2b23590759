// The server under a path of another host: socket, requests, sentences and silence are found there.
'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const { Stage } = require('./stage.js');
const { Gateway } = require('./proxy.js');

/** A server behind a gateway that gives it a path of its host. */
async function behind(prefix, run) {
  const gateway = await Gateway.open({ prefix });
  const stage = await Stage.set({ settings: { ORDERBELL_SERVER__PUBLIC_URL: gateway.url } });
  stage.keep(gateway).leadTo(stage.bell.origin);
  try {
    await run(stage, gateway);
  } finally {
    await stage.close();
  }
}

const heard = async (stage, rider) => {
  const { id } = await stage.post(rider.name);
  await rider.told(id, 'played');
  return (await stage.bell.alert(id)).audio;
};

test('under a path of another host everything is found', () => behind('/bell', async (stage, gateway) => {
  const rider = stage.rider('r_path', { origin: gateway.url });
  rider.client.connect();
  await rider.connection('ready');
  await rider.start();
  const audio = await heard(stage, rider);
  assert.ok(audio.url.startsWith(`${gateway.url}/audio/`), audio.url);
  assert.deepEqual(gateway.astray, []);
  assert.ok(gateway.seen.includes('/v1/rider/socket') && gateway.seen.some((path) => path.startsWith('/audio/silence/')), String(gateway.seen));
}));

test('started before the first welcome: the silence is found beside the path of the socket', () => behind('/bell', async (stage, gateway) => {
  const rider = await stage.rider('r_early', { origin: gateway.url }).start();
  await heard(stage, rider);
  assert.deepEqual(rider.device.player.faults, []);
  assert.deepEqual(gateway.astray, []);
}));

// Who is let in: bad, expired and revoked tokens, and a second device.
'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const { Stage } = require('./stage.js');
const { until } = require('./bell.js');

const stage = Stage.of(test);

const fatal = (rider) => until(`${rider.name} is told that it is over`, () => rider.client.state().fatal);
const revoke = (name) => stage.bell.call('PUT', `/v1/riders/${name}`, { revoke_tokens: true });
const heard = async (rider) => {
  const { id } = await stage.post(rider.name);
  assert.equal((await stage.delivery(id, rider.name, (d) => d.reason)).reason, 'played');
};

test('a token that is none: asked for once more, then the rider must sign in', async () => {
  const rider = stage.rider('r_bad', { getToken: (why, n) => `not.a.token${n}` });
  rider.client.start();
  assert.deepEqual(await fatal(rider), { code: 4000, reason: 'bad_token' });
  assert.deepEqual(rider.asked.map((a) => a.refresh), [false, true]);
  assert.equal(rider.client.state().connection, 'fatal');
  assert.equal(rider.device.player.sounding, null, 'silent');
});

test('an expired token at the door: a fresh one opens it', async () => {
  const old = await stage.bell.token('r_old', { ttl_s: 1 });
  const ends = JSON.parse(Buffer.from(old.split('.')[1], 'base64url')).exp * 1000;
  await until('it has expired', () => Date.now() > ends + 1000);
  const rider = stage.rider('r_old', { getToken: ({ refresh }) => (refresh ? stage.bell.token('r_old') : old) });
  await rider.start();
  assert.deepEqual(rider.asked.map((a) => a.refresh), [false, true]);
  await heard(rider);
});

test('a token that expires during the shift is renewed, and the rider hears on', async () => {
  const rider = stage.rider('r_shift', { getToken: ({ refresh }) => stage.bell.token('r_shift', { ttl_s: refresh ? 600 : 3 }) });
  await rider.start();
  await until('a fresh token is asked for', () => rider.asked.some((a) => a.refresh));
  await until('a second welcome', () => rider.device.said('welcome', false).length === 2);
  await heard(rider);
  assert.equal(rider.client.state().fatal, null);
});

test('revoked: the session ends at once, and a token of the same kind does not bring it back', async () => {
  const token = await stage.bell.token('r_out');
  const rider = await stage.rider('r_out', { getToken: () => token }).start();
  await revoke('r_out');
  assert.deepEqual(await fatal(rider), { code: 4000, reason: 'bad_token' });
  assert.equal(rider.device.player.sounding, null, 'silent');
  await until('no socket is left', () => rider.device.sockets.size === 0);
});

test('a second device takes over: the first is told, is silent, and stays away', async () => {
  const first = await stage.rider('r_two', { storage: 'r_two_first' }).start();
  const second = await stage.rider('r_two', { storage: 'r_two_second' }).start();
  assert.deepEqual(await fatal(first), { code: 4001, reason: 'replaced' });
  assert.equal(first.device.player.sounding, null, 'silent');
  const { id } = await stage.post('r_two');
  await second.told(id, 'played');
  assert.deepEqual(first.alerts.filter((a) => a.id === id), []);
  assert.equal(first.device.opened, 1, 'it has not come back');
});

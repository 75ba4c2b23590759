// The server is asked to end, or stands still for ten seconds.
'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const { Stage, QUICK } = require('./stage.js');
const { until, pause } = require('./bell.js');

const STOPPED_MS = 10000;

const stage = Stage.of(test, { settings: QUICK });

test('asked to end: riders are told, finish their sentence, and come back', async () => {
  const rider = await stage.rider('r_drain', { speed: 2 }).start();
  const { id } = await stage.post('r_drain');
  await rider.told(id, 'sounding');
  const since = Date.now();
  assert.equal(await stage.bell.down('SIGTERM'), 0);
  assert.deepEqual(rider.device.said('bye', false).map((frame) => frame.code), [4100]);
  await rider.connection('draining', since);
  await rider.told(id, 'played');
  await stage.bell.up();
  await rider.ready();
  const next = await stage.post('r_drain', 'order.new', { timed: false });
  await rider.told(next.id, 'played');
  assert.equal(rider.device.player.spoken().length, 2);
});

test('standing still for ten seconds: noticed, and made up for', async () => {
  const rider = await stage.rider('r_still').start();
  await stage.post('r_still', 'order.new', { timed: false });
  const since = Date.now();
  stage.bell.signal('SIGSTOP');
  const waiting = stage.post('r_still', 'order.new', { timed: false });
  const { at: noticed } = await until('the silence is noticed', () => rider.event('closed').find((e) => e.at > since), STOPPED_MS);
  await pause(since + STOPPED_MS - Date.now());
  stage.bell.signal('SIGCONT');
  await rider.told((await waiting).id, 'played');
  assert.ok(noticed - since <= 6500, `noticed after ${noticed - since} ms: two and a half heartbeats are 5000`);
});

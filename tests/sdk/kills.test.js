// The server is killed while riders ride: what they heard and said meanwhile is told when it is back.
'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const { Stage, QUICK } = require('./stage.js');
const { until, pause } = require('./bell.js');
const { ANSWERED } = require('./oracle.js');

const stage = Stage.of(test, { settings: QUICK });

const at = (delivery, step) => Date.parse(delivery.timeline.find((one) => one.step === step).at);

test('killed while a sentence sounds: it is heard to its end, and told when the server is back', async () => {
  const rider = await stage.rider('r_kill', { speed: 2 }).start();
  const first = await stage.post('r_kill');
  await stage.delivery(first.id, 'r_kill', (d) => d.timeline.some((one) => one.step === 'playing'));
  await stage.bell.down('SIGKILL');
  const died = Date.now();
  const late = stage.post('r_kill', 'order.new', { timed: false }); // a backend goes on until it is heard
  await rider.told(first.id, 'played');
  assert.equal(rider.client.state().unsent > 0, true, 'nobody has taken its receipts');
  await pause(500);
  await stage.bell.up();
  const restarted = Date.now();
  const delivery = await stage.delivery(first.id, 'r_kill', (d) => d.reason);
  assert.equal(delivery.reason, 'played');
  assert.ok(at(delivery, 'played') >= died && at(delivery, 'played') <= restarted, 'it was heard while nobody was there to be told');
  await rider.told((await late).id, 'played');
  await until('everything is confirmed', () => rider.client.state().unsent === 0);
  await rider.ready();
});

test('killed while riders wait in their pockets: they stay audible, and hear what comes after', async () => {
  const rider = await stage.rider('r_pocket', { speed: 1 }).start();
  rider.device.hide();
  await stage.bell.down('SIGKILL');
  await pause(1500);
  await stage.bell.up();
  const { id } = await stage.post('r_pocket', 'order.new', { timed: false });
  await rider.told(id, 'played');
  assert.equal(rider.device.player.denied, 0);
  rider.device.show();
});

test('killed while a sentence sounds in a pocket: its tail holds the player until there is something to fetch again', async () => {
  const rider = await stage.rider('r_tail', { speed: 1 }).start();
  rider.device.hide();
  const first = await stage.post('r_tail', 'order.new', { timed: false });
  await rider.told(first.id, 'sounding');
  await stage.bell.down('SIGKILL');
  await rider.told(first.id, 'played');
  await pause(1000);
  await stage.bell.up();
  const second = await stage.post('r_tail', 'order.new', { timed: false });
  await rider.told(second.id, 'played');
  assert.equal(rider.device.player.denied, 0);
  rider.device.show();
});

test('an answer given while nobody is there is recorded afterwards, once', async () => {
  const rider = await stage.rider('r_answer').start();
  const { id } = await stage.post('r_answer', 'order.offered', { expect: ANSWERED, offer: { mode: 'assign', arbiter: 'service', timeout_s: 120 } });
  await rider.told(id, 'sounding');
  await stage.bell.down('SIGKILL');
  assert.equal(rider.client.answer(id, 'accept'), true);
  await stage.bell.up();
  await until('recorded', () => rider.alerts.some((a) => a.id === id && a.outcome === 'recorded'));
  assert.equal((await stage.delivery(id, 'r_answer', (d) => d.reason)).answer, 'accept');
});

// Offers: an accept is recorded and told to the backend, one of two riders has the order, and a backend may decide late.
'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const { Stage } = require('./stage.js');
const { until } = require('./bell.js');
const { Backend } = require('./backend.js');
const { ANSWERED, SILENCED } = require('./oracle.js');

const stage = Stage.of(test);

const outcome = (rider, id, wanted) => until(`${rider.name}: ${wanted}`, () => rider.alerts.find((a) => a.id === id && a.outcome === wanted));

test('accepted: recorded, and the backend is told once', async () => {
  const backend = stage.keep(await Backend.open());
  const rider = await stage.rider('r_yes').start();
  const { id } = await stage.post('r_yes', 'order.offered', { expect: ANSWERED, callback_url: backend.url, offer: { mode: 'assign', arbiter: 'service' } });
  await rider.told(id, 'sounding');
  assert.equal(rider.client.answer(id, 'accept'), true);
  await outcome(rider, id, 'recorded');
  assert.equal((await stage.delivery(id, 'r_yes', (d) => d.reason)).answer, 'accept');
  const [told] = await until('the callback', () => backend.about(id, 'offer.accepted').length && backend.about(id, 'offer.accepted'));
  assert.equal(told.data.rider, 'r_yes');
  assert.equal(backend.about(id, 'offer.accepted').length, 1);
});

test('two riders grab: one has it, the other is told', async () => {
  const riders = [await stage.rider('r_left').start(), await stage.rider('r_right').start()];
  const { id } = await stage.post(['r_left', 'r_right'], 'order.available', { expect: ANSWERED, offer: { mode: 'grab' } });
  await Promise.all(riders.map((rider) => rider.told(id, 'sounding')));
  riders.forEach((rider) => rider.client.answer(id, 'accept')); // in the same moment
  const outcomes = await Promise.all(riders.map((rider) => until(`${rider.name} knows`, () => {
    const told = rider.alerts.find((a) => a.id === id && ['won', 'lost'].includes(a.outcome));
    return told && told.outcome;
  })));
  assert.deepEqual(outcomes.slice().sort(), ['lost', 'won']);
  const winner = riders[outcomes.indexOf('won')].name;
  assert.equal((await stage.bell.alert(id)).winner, winner);
});

test('a rider who has not answered hears that the order is gone', async () => {
  const [quick, slow] = [await stage.rider('r_quick').start(), await stage.rider('r_slow').start()];
  const { id } = await stage.post(['r_quick', 'r_slow'], 'order.available', { expect: SILENCED, offer: { mode: 'grab' } });
  await Promise.all([quick.told(id, 'sounding'), slow.told(id, 'sounding')]);
  quick.client.answer(id, 'accept');
  await outcome(quick, id, 'won');
  await slow.told(id, 'stopped');
  assert.equal(slow.alerts.find((a) => a.id === id && a.state === 'stopped').reason, 'taken');
  await until('the chime', () => slow.alerts.find((a) => a.id !== id && a.state === 'played'));
});

test('the backend decides: pending first, and then for good', async () => {
  let decide;
  const verdict = new Promise((resolve) => { decide = resolve; });
  const backend = stage.keep(await Backend.open(() => verdict));
  const rider = await stage.rider('r_patient').start();
  const { id } = await stage.post('r_patient', 'order.available', { expect: ANSWERED, callback_url: backend.url, offer: { mode: 'grab', arbiter: 'backend' } });
  await rider.told(id, 'sounding');
  rider.client.answer(id, 'accept');
  await outcome(rider, id, 'pending');
  decide('won');
  await outcome(rider, id, 'won');
  assert.equal(backend.questions.length, 1);
});

test('an accept without a socket is kept, and counts when there is one again, in another life of the app', async () => {
  const rider = await stage.rider('r_tunnel').start();
  const { id } = await stage.post('r_tunnel', 'order.offered', { expect: ANSWERED, offer: { mode: 'assign', arbiter: 'service', timeout_s: 60 } });
  await rider.told(id, 'sounding');
  rider.device.tunnel = true;
  rider.device.sockets.forEach((socket) => socket.terminate());
  rider.client.answer(id, 'accept');
  await rider.told(id, 'answering');
  rider.reopen();
  rider.device.tunnel = false;
  rider.client.start();
  await outcome(rider, id, 'recorded');
  assert.equal((await stage.delivery(id, 'r_tunnel', (d) => d.reason)).answer, 'accept');
});

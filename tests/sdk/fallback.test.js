// A proxy that lets no socket through: alerts are asked for and receipts are brought by plain requests, until there is one.
'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const { Stage } = require('./stage.js');
const { until } = require('./bell.js');
const { Gateway } = require('./proxy.js');
const { ANSWERED } = require('./oracle.js');

const LIMIT_MS = 30000; // the client asks about every ten seconds

const stage = Stage.of(test);

test('no socket gets through: alerts are heard all the same, and receipts and answers arrive', async () => {
  const gateway = stage.keep(await Gateway.open({ upgrades: false })).leadTo(stage.bell.origin);
  const rider = stage.rider('r_proxy', { origin: gateway.origin });
  const order = await stage.post('r_proxy', 'order.new', { timed: false });
  const offer = await stage.post('r_proxy', 'order.offered', {
    timed: false, expect: ANSWERED, offer: { mode: 'assign', arbiter: 'service', timeout_s: 120 },
  });
  rider.client.start();
  await until('two refusals', () => gateway.refused >= 2);
  await rider.told(offer.id, 'sounding', LIMIT_MS);
  assert.equal(rider.client.state().via, 'http');
  assert.equal(rider.client.answer(offer.id, 'accept'), true);
  await until('recorded', () => rider.alerts.some((a) => a.id === offer.id && a.outcome === 'recorded'), LIMIT_MS);
  await rider.told(order.id, 'played', LIMIT_MS);
  const delivery = await stage.delivery(order.id, 'r_proxy', (d) => d.reason, LIMIT_MS);
  assert.deepEqual([delivery.reason, delivery.plays], ['played', 1]);
  assert.equal((await stage.delivery(offer.id, 'r_proxy', (d) => d.reason)).answer, 'accept');
  const posts = rider.device.requests.filter((r) => r.method === 'POST');
  assert.ok(posts.length > 0 && posts.every((r) => r.path === '/v1/rider/receipts' && r.status === 200), JSON.stringify(posts));
  assert.equal(rider.device.opened, 0);

  gateway.upgrades = true;
  rider.device.fire('NetworkStatusChange', { isConnected: true, networkType: 'wifi' });
  await until('the socket is taken as soon as there is one', () => rider.client.state().via === 'socket', LIMIT_MS);
  const next = await stage.post('r_proxy');
  await rider.told(next.id, 'played');
});

test('with `http: false` nothing is asked for', async () => {
  const gateway = stage.keep(await Gateway.open({ upgrades: false })).leadTo(stage.bell.origin);
  const rider = stage.rider('r_sockets', { origin: gateway.origin, options: { http: false } });
  rider.client.start();
  await until('three refusals', () => gateway.refused >= 3);
  assert.deepEqual(rider.device.requests, []);
  assert.equal(rider.client.state().via, null);
});

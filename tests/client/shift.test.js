'use strict';
// Days with one thing wrong: each fault alone for two hours, and the long ones told step by step.

const test = require('node:test');
const assert = require('node:assert/strict');
const { shift, stage } = require('./model/day.js');
const { FAULTS } = require('./model/faults.js');

const SEC = 1000;
const MIN = 60000;
const HOUR = 3600000;
const once = { count: 1, remaining: 1, gap_ms: 0 };
const plain = { need: 'none', urgency: 2, ttl_ms: 2 * MIN, repeat: once, kind: 'order.assigned' };

/** Nothing is wrong, says who looked on. */
function well(s) {
  assert.deepEqual(s.oracle.violations.map((v) => `${v.kind}: ${v.text}`), [], s.oracle.trace.slice(-40).join('\n'));
}

const heard = (s, frame) => s.oracle.rings.get(`${frame.id}/${frame.ring || 1}`).whole;

Object.keys(FAULTS).forEach((name) => {
  test(`two hours of nothing but ${name}`, async () => {
    for (const [seed, rules] of [[11, {}], [12, { preset: 'android' }], [13, { preset: 'ios' }], [14, { timers: 'dead', loseEnded: 1 }]]) {
      const s = await shift({ seed, hours: 2, http: true, rules, faults: [name], every: 4 * MIN });
      assert.ok(s.faults[name] > 10, 'it happened');
      assert.deepEqual(s.violations.map((v) => `${v.kind}: ${v.text}`), [], `seed ${seed} ${JSON.stringify(rules)}`);
    }
  });
});

test('eight hours in the background without an order: no gap, no refusal, one socket', async () => {
  for (const timers of ['ok', 'held', 'batched', 'dead']) {
    const s = await stage({ timers, loseEnded: 1 });
    await s.r.advance(8 * HOUR);
    const order = s.order(plain);
    await s.r.advance(MIN);
    assert.equal(heard(s, order), 1, `timers ${timers}`);
    assert.deepEqual([s.r.phone.denials, s.r.phone.suspensions, s.r.server.links], [0, 0, 1]);
    well(s);
  }
});

test('eight busy hours: an order each half minute', async () => {
  const s = await shift({ seed: 21, hours: 8, http: true, orderMin: 0.5, faults: [], rules: {} });
  assert.ok(s.heard > 800, `${s.heard} heard`);
  assert.deepEqual(s.violations, []);
  assert.equal(s.denials, 0);
});

test('ten minutes of tunnel: the silence holds, or is back with the app; an order that waited is said', async () => {
  for (const left of [10, 150, 290]) {
    const s = await stage({});
    await s.r.advance(left * SEC);
    s.r.phone.network(false);
    await s.r.advance(5 * MIN);
    const waits = s.order(Object.assign({}, plain, { ttl_ms: 15 * MIN }));
    await s.r.advance(5 * MIN);
    s.r.phone.network(true);
    if (s.r.phone.suspended) s.r.phone.show();
    await s.r.advance(MIN);
    assert.equal(heard(s, waits), 1);
    well(s);
  }
});

test('a call of three minutes: what came meanwhile is said after it, what ran out is not', async () => {
  const s = await stage({});
  const cut = s.order(Object.assign({}, plain, { sentence: 5000, ttl_ms: 5 * MIN }));
  await s.r.advance(2 * SEC);
  s.r.phone.call();
  const stale = s.order(Object.assign({}, plain, { ttl_ms: MIN }));
  const fresh = s.order(Object.assign({}, plain, { ttl_ms: 5 * MIN }));
  await s.r.advance(3 * MIN);
  s.r.server.stop(stale.id, 'expired');
  s.oracle.endAll(stale.id);
  s.r.phone.hangUp();
  s.r.phone.show();
  await s.r.advance(30 * SEC);
  assert.deepEqual([cut, stale, fresh].map((o) => heard(s, o)), [1, 0, 1]);
  well(s);
});

test('an order after a navigation voice is said once, uncut; a voice every thirty seconds is lived with', async () => {
  const s = await stage({ voiceResumes: true });
  for (let i = 0; i < 120; i += 1) {
    s.r.phone.voice(2500);
    await s.r.advance(10 * SEC);
    const order = i % 4 === 0 ? s.order(plain) : null;
    await s.r.advance(20 * SEC);
    if (order) assert.equal(heard(s, order), 1, `order ${i}`);
  }
  assert.equal(s.r.phone.suspensions, 0);
  well(s);
});

test('a voice after which the player does not go on: deaf until shown, and told so at once', async () => {
  const s = await stage({ voiceResumes: false });
  s.r.phone.voice(2500);
  await s.r.advance(2 * SEC);
  assert.equal(s.r.server.of('state').pop().audio, 'interrupted');
  await s.r.advance(30 * SEC);
  const order = s.order(plain);
  await s.r.advance(20 * SEC);
  assert.equal(heard(s, order), 0, 'no phone could');
  s.r.phone.show();
  await s.r.advance(10 * SEC);
  assert.equal(heard(s, order), 1);
  well(s);
});

test('the player is stolen by music: told within a second, taken back on show', async () => {
  const s = await stage({});
  s.oracle.take('stolen');
  s.r.phone.halt('Stop');
  await s.r.advance(SEC);
  assert.equal(s.r.server.of('state').pop().audio, 'stolen');
  await s.r.advance(10 * MIN);
  const order = s.order(plain);
  s.r.phone.show();
  await s.r.advance(10 * SEC);
  assert.equal(heard(s, order), 1);
  well(s);
});

test('the app is killed and starts anew: what was said is not said again, what was not is', async () => {
  const s = await stage({});
  const said = s.order(plain);
  await s.r.advance(10 * SEC);
  const twice = s.order(Object.assign({}, plain, { need: 'confirm', ttl_ms: 10 * MIN, repeat: { count: 2, remaining: 2, gap_ms: 8000 } }));
  await s.r.advance(9 * SEC);
  s.r.phone.destroy();
  await s.r.advance(MIN);
  const missed = s.order(Object.assign({}, plain, { ttl_ms: 10 * MIN }));
  assert.equal(missed, undefined, 'off duty until the tap');
  s.r.phone.show();
  await s.r.advance(30 * SEC);
  assert.deepEqual([said, twice].map((o) => heard(s, o)), [1, 2]);
  well(s);
});

test('suspended for half an hour the app is destroyed, on iOS after ten minutes', async () => {
  for (const [rules, min] of [[{}, 30], [{ preset: 'ios' }, 10]]) {
    const s = await stage(rules);
    s.r.phone.halt('Stop');
    await s.r.advance(min * MIN - SEC);
    assert.equal(s.r.phone.alive, true);
    await s.r.advance(7 * SEC);
    assert.equal(s.r.phone.alive, false);
    s.r.phone.show();
    await s.r.advance(10 * SEC);
    const order = s.order(plain);
    await s.r.advance(10 * SEC);
    assert.equal(heard(s, order), 1);
    well(s);
  }
});

test('the token ends at noon: a fresh one, and no order lost', async () => {
  const s = await stage({});
  await s.r.advance(4 * HOUR);
  FAULTS.token_expiry(s);
  const order = s.order(plain);
  await s.r.advance(40 * SEC);
  assert.equal(heard(s, order), 1);
  assert.equal(s.r.rider.state().connection, 'ready');
  assert.equal(s.r.asked.includes(true), true);
  well(s);
});

test('a server drains, restarts and is restored from yesterday: each order is said once', async () => {
  const s = await stage({});
  const orders = [];
  for (const name of ['server_drain', 'server_restart', 'restore', 'server_drain', 'restore']) {
    orders.push(s.order(Object.assign({}, plain, { ttl_ms: 5 * MIN, repeat: { count: 2, remaining: 2, gap_ms: 5000 } })));
    await s.r.advance(3 * SEC);
    FAULTS[name](s);
    await s.r.advance(2 * MIN);
  }
  assert.deepEqual(orders.map((o) => heard(s, o)), [2, 2, 2, 2, 2]);
  well(s);
});

test('a proxy that refuses sockets: orders come by request, and so do their receipts back', async () => {
  const s = await stage({});
  s.r.server.blocked = true;
  s.r.phone.openSockets().forEach((x) => x.kill({ told: true }));
  s.oracle.on_link({ what: 'blocked' });
  await s.r.advance(MIN);
  const order = s.order(plain);
  await s.r.advance(MIN);
  assert.equal(heard(s, order), 1);
  assert.deepEqual(s.r.server.reports(order.id).slice(-2), ['playing:1', 'played:1']);
  assert.ok(s.r.server.asked.length < 40, `${s.r.server.asked.length} requests in two minutes`);
  s.r.server.blocked = false;
  await s.r.advance(MIN);
  const asked = s.r.server.asked.length;
  assert.equal(s.r.rider.state().connection, 'ready');
  await s.r.advance(MIN);
  assert.equal(s.r.server.asked.length, asked, 'none while the socket lives');
  well(s);
});

test('a burst of five orders: the most urgent first, each said once, nothing cut', async () => {
  const s = await stage({});
  const orders = [0, 1, 3, 2, 3].map((urgency) => s.order(Object.assign({}, plain, { urgency })));
  await s.r.advance(MIN);
  assert.deepEqual(orders.map((o) => heard(s, o)), [1, 1, 1, 1, 1]);
  const spoken = s.r.phone.spoken().map((path) => Number(/alr_(\d+)/.exec(path)[1]));
  assert.deepEqual(spoken, [1, 3, 5, 4, 2], 'the first was under way when the others came');
  well(s);
});

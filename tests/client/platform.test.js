'use strict';
// The phone's tricks, one by one: events that lie, get lost or come late, and what is made of them.

const test = require('node:test');
const assert = require('node:assert/strict');
const { stage } = require('./model/day.js');
const { ABSURD } = require('./model/faults.js');

const SEC = 1000;
const MIN = 60000;
const HOUR = 3600000;
const plain = () => ({ need: 'none', urgency: 2, ttl_ms: 2 * MIN, sentence: 3000, repeat: { count: 1, remaining: 1, gap_ms: 0 }, kind: 'order.assigned' });

function well(s) {
  assert.deepEqual(s.oracle.violations.map((v) => `${v.kind}: ${v.text}`), [], s.oracle.trace.slice(-30).join('\n'));
}

const heard = (s, frame) => s.oracle.rings.get(`${frame.id}/${frame.ring || 1}`).whole;
const played = (s, frame) => s.r.server.reports(frame.id).filter((x) => /played/.test(x));

test('an onPlay that never comes in the background: the order is said once, and reported once', async () => {
  for (const timers of ['ok', 'dead']) {
    const s = await stage({ timers });
    s.r.phone.rules.losePlay = 1;
    const order = s.order(plain());
    await s.r.advance(40 * SEC);
    assert.equal(heard(s, order), 1, `timers ${timers}`);
    await s.r.advance(2 * MIN);
    assert.equal(heard(s, order), 1, 'nor later');
    assert.equal(new Set(s.r.server.of('report').filter((x) => x.status === 'played').map((x) => x.n)).size, 1);
    assert.equal(s.r.phone.suspensions, 0);
    well(s);
  }
});

test('a sentence that was over before its stop came is reported played, timers or not', async () => {
  const s = await stage({ timers: 'dead' });
  const order = s.order(plain());
  await s.r.advance(9 * SEC);
  s.oracle.endAll(order.id);
  s.r.server.stop(order.id, 'cancelled');
  await s.r.advance(5 * SEC);
  assert.deepEqual(played(s, order), ['played:1']);
  const answered = s.order(Object.assign(plain(), { need: 'accept' }));
  await s.r.advance(9 * SEC);
  s.oracle.answered(answered.id);
  s.r.rider.answer(answered.id, 'accept');
  await s.r.advance(5 * SEC);
  assert.deepEqual(played(s, answered), ['played:1']);
  well(s);
});

test('a sentence that was over before music took the player is not said again', async () => {
  for (const event of ['Stop', 'Pause']) {
    const s = await stage({ timers: 'dead' });
    const order = s.order(Object.assign(plain(), { ttl_ms: 10 * MIN, repeat: { count: 2, remaining: 2, gap_ms: 30 * SEC } }));
    await s.r.advance(6 * SEC);
    s.oracle.take('paused');
    s.r.phone.halt(event);
    await s.r.advance(MIN);
    s.r.phone.show();
    s.tap();
    await s.r.advance(2 * MIN);
    assert.equal(heard(s, order), 2, event);
    assert.deepEqual(played(s, order), ['played:1', 'played:2']);
    well(s);
  }
});

test('a spurious interruption while a clip loads in the background changes nothing', async () => {
  const s = await stage({ loadMs: [900, 900] });
  const order = s.order(plain());
  await s.r.advance(400);
  s.r.phone.flicker();
  s.r.phone.fire('AudioInterruptionBegin');
  await s.r.advance(100);
  s.r.phone.fire('AudioInterruptionEnd');
  await s.r.advance(2 * MIN);
  assert.equal(heard(s, order), 1);
  assert.equal(s.r.phone.suspensions, 0);
  well(s);
});

test('an interruption that stops nothing loses no order and cuts none', async () => {
  for (const apart of [0, 50, 3000]) {
    const s = await stage({ pausedLies: true });
    const order = s.order(plain());
    await s.r.advance(1500);
    s.r.phone.fire('AudioInterruptionBegin');
    await s.r.advance(apart);
    s.r.phone.fire('AudioInterruptionEnd');
    await s.r.advance(MIN);
    assert.equal(heard(s, order), 1, `${apart} ms`);
    assert.equal(s.r.rider.state().audio, 'playing');
    well(s);
  }
});

test('a player lost without a word is taken back on show', async () => {
  const s = await stage({});
  s.r.phone.halt(null);
  await s.r.advance(MIN);
  const order = s.order(plain());
  s.r.phone.show();
  await s.r.advance(15 * SEC);
  assert.equal(heard(s, order), 1);
  well(s);
});

test('a pause announced by each new src is not the rider\'s', async () => {
  const s = await stage({ pauseOnSet: 1, pausedLies: true });
  const order = s.order(Object.assign(plain(), { repeat: { count: 3, remaining: 3, gap_ms: 5000 } }));
  await s.r.advance(20 * MIN);
  assert.equal(heard(s, order), 3);
  assert.equal(s.r.rider.state().audio, 'playing');
  well(s);
});

test('lost onEnded, on every clip, for eight hours', async () => {
  const s = await stage({ loseEnded: 1, timers: 'batched' });
  await s.r.advance(8 * HOUR);
  assert.equal(s.r.phone.suspensions, 0);
  well(s);
});

test('a clip that loads slower than five seconds in the background is survived at the next show', async () => {
  const s = await stage({});
  s.r.phone.weak(0.0005, 1);
  const order = s.order(plain());
  await s.r.advance(20 * SEC);
  assert.equal(s.r.phone.suspended, true, 'the platform has frozen it');
  s.r.phone.weak(1, 1);
  s.r.phone.show();
  await s.r.advance(20 * SEC);
  assert.equal(heard(s, order), 1);
  well(s);
});

test('a stall is not speech: a sentence that was waiting for bytes is played when it was heard', async () => {
  for (const front of [true, false]) {
    const s = await stage({ stallErrorMs: 60000, stallPlays: true, bytesPerMs: 3 });
    if (front) s.r.phone.show();
    await s.r.advance(SEC);
    const order = s.order(Object.assign(plain(), { sentence: 12000 }));
    await s.r.advance(2 * SEC);
    s.r.phone.weak(0.25, 1); // half of what the clip needs
    for (let i = 0; i < 20 && !s.r.phone.player.stalled; i += 1) await s.r.advance(SEC);
    assert.equal(s.r.phone.player.stalled, true);
    assert.ok(s.r.phone.player.position() < 11000);
    await s.r.advance(3 * SEC);
    assert.deepEqual(played(s, order), [], 'it is not over yet');
    s.r.phone.weak(1, 1);
    await s.r.advance(30 * SEC);
    assert.ok(played(s, order).length <= 1);
    s.oracle.close();
    well(s);
  }
});

test('a clock set back or forward by hours, in the background: what is open is said, what is void is not', async () => {
  for (const jump of [-3 * HOUR, -MIN, MIN, 3 * HOUR]) {
    const s = await stage({});
    const busy = s.order(Object.assign(plain(), { sentence: 9000 }));
    await s.r.advance(2 * SEC);
    const waits = s.order(plain());
    await s.r.advance(SEC);
    s.r.phone.clockError += jump;
    s.oracle.jumped();
    await s.r.advance(3 * SEC);
    const comes = s.order(plain());
    await s.r.advance(45 * SEC);
    const later = s.order(plain());
    await s.r.advance(15 * SEC);
    assert.deepEqual([waits, comes, later].map((o) => heard(s, o)), [1, 1, 1], `jump of ${jump / MIN} min`);
    assert.ok(heard(s, busy) <= 1);
    assert.equal(s.r.rider.state().connection, 'ready');
    await s.r.advance(2 * HOUR);
    assert.equal(s.r.phone.suspensions, 0, 'and the silence rolls on');
    well(s);
  }
});

test('a night with a clock jump while frozen: nothing of yesterday is said', async () => {
  for (const jump of [-2 * HOUR, 2 * HOUR]) {
    const s = await stage({ destroyMs: 24 * HOUR });
    const old = s.order(Object.assign(plain(), { ttl_ms: 40 * SEC, sentence: 5000 }));
    await s.r.advance(SEC);
    s.oracle.take('stolen');
    s.r.phone.halt('Stop');
    await s.r.advance(2 * MIN);
    s.r.phone.clockError += jump;
    s.oracle.jumped();
    await s.r.advance(10 * HOUR);
    s.r.server.open.clear();
    s.r.phone.show();
    await s.r.advance(20 * SEC);
    assert.equal(s.r.phone.spoken().filter((path) => path.includes(`${old.id}.`)).length, 1, 'only before the music');
    const order = s.order(plain());
    await s.r.advance(15 * SEC);
    assert.equal(heard(s, order), 1, `jump of ${jump}`);
    well(s);
  }
});

test('batched timers and a dead socket: it is missed all the same', async () => {
  for (const timers of ['held', 'batched']) {
    const s = await stage({ timers, timerHoldMs: 30000 });
    s.r.phone.openSockets().forEach((x) => { x.hollow = true; });
    s.oracle.on_link({ what: 'half open' });
    await s.r.advance(4 * MIN);
    assert.equal(s.r.server.links > 1, true, timers);
    const order = s.order(plain());
    await s.r.advance(40 * SEC);
    assert.equal(heard(s, order), 1);
    well(s);
  }
});

test('onClose that never comes: sockets are closed all the same, and five are never reached', async () => {
  const s = await stage({ loseClose: 1 });
  for (let i = 0; i < 20; i += 1) {
    s.r.phone.openSockets().forEach((x) => x.kill({ told: false }));
    await s.r.advance(90 * SEC);
  }
  assert.ok(s.r.phone.socketsMost <= 2, `${s.r.phone.socketsMost} at once`);
  assert.equal(s.r.phone.refusedSockets, 0);
  assert.equal(s.r.rider.state().connection, 'ready');
  well(s);
});

test('five sockets held by others: told as an error of the platform, retried, and in the end let in', async () => {
  const s = await stage({});
  const others = Array.from({ length: 4 }, () => s.r.phone.wx.connectSocket({ url: 'wss://other.test/', protocols: [], fail() {} }));
  s.r.phone.openSockets()[0].kill({ told: true });
  s.r.phone.wx.connectSocket({ url: 'wss://other.test/', protocols: [], fail() {} });
  await s.r.advance(20 * SEC);
  assert.ok(s.r.phone.refusedSockets > 0);
  others.forEach((task) => task.close({ code: 1000 }));
  await s.r.advance(30 * SEC);
  assert.equal(s.r.rider.state().connection, 'ready');
  assert.deepEqual(s.r.phone.thrown, []);
});

test('just after a freeze sockets are refused: tried again within a second or two', async () => {
  const s = await stage({ resumeDeafMs: 500 });
  s.r.phone.halt('Stop');
  await s.r.advance(MIN);
  s.r.phone.show();
  await s.r.advance(4 * SEC);
  assert.equal(s.r.rider.state().connection, 'ready');
});

test('malformed and absurd frames: none throws, none ends the sound, the next order is said', async () => {
  for (const rules of [{}, { errorMay: false, preset: 'android' }]) {
    const s = await stage(rules);
    for (const text of ABSURD) {
      s.r.server.push(text);
      await s.r.advance(SEC);
    }
    await s.r.advance(3 * MIN);
    s.r.phone.show(); // where no src may be set in onError, a clip that is missing ends the background
    await s.r.advance(10 * SEC);
    const order = s.order(plain());
    await s.r.advance(30 * SEC);
    assert.equal(heard(s, order), 1);
    assert.deepEqual(s.r.phone.thrown, []);
    s.r.rider.close();
  }
});

test('absurd durations do not let the clip run out', async () => {
  for (const audio of [
    { duration_ms: 1e300, tail_ms: 45000 }, { duration_ms: -5, tail_ms: -5 }, { duration_ms: 'long', tail_ms: null }, { duration_ms: 1e300, tail_ms: 1e301 },
    { duration_ms: 48000, tail_ms: 1e9 }, { duration_ms: 1, tail_ms: 0 }, {}, { duration_ms: null }, { duration_ms: 3600000, tail_ms: 45000 },
  ]) {
    const s = await stage({ timers: 'dead' });
    s.r.server.push(Object.assign({ op: 'alert', seq: 900, id: 'odd', expires_at: s.r.world.now + MIN, urgency: 1 }, { audio: Object.assign({ url: '/audio/c/odd.mp3' }, audio) }));
    await s.r.advance(2 * MIN);
    assert.equal(s.r.phone.suspensions, 0, JSON.stringify(audio));
    const order = s.order(plain());
    await s.r.advance(40 * SEC);
    assert.equal(heard(s, order), 1, JSON.stringify(audio));
    well(s);
  }
});

test('a missing sentence is said by the canned clip; a missing silence by the other one; both missing are told', async () => {
  const s = await stage({});
  s.next.push('missing');
  const order = s.order(plain());
  await s.r.advance(20 * SEC);
  assert.equal(heard(s, order), 1);
  s.r.phone.files.delete('/audio/silence/600.m4a');
  await s.r.advance(15 * MIN);
  assert.equal(s.r.phone.suspensions, 0);
  assert.equal(s.r.phone.player.path, '/audio/silence/600.mp3');
  well(s);
  s.r.phone.files.delete('/audio/silence/600.mp3');
  await s.r.advance(15 * MIN);
  s.r.phone.show();
  await s.r.advance(30 * SEC);
  assert.equal(s.r.rider.state().audio, 'blocked', 'nothing to play: said so');
  s.r.phone.files.set('/audio/silence/600.mp3', 600000);
  await s.r.advance(30 * SEC);
  assert.equal(s.r.rider.state().audio, 'playing', 'and it comes back by itself');
});

test('a storage that is full or gone stops nothing; it is told once', async () => {
  for (const storage of ['full', 'gone']) {
    const s = await stage({});
    s.r.phone.storage = storage;
    const orders = [];
    for (let i = 0; i < 5; i += 1) {
      orders.push(s.order(plain()));
      await s.r.advance(20 * SEC);
    }
    assert.deepEqual(orders.map((o) => heard(s, o)), [1, 1, 1, 1, 1]);
    assert.equal(s.r.events('storage').length, 1, storage);
    well(s);
  }
});

test('the location anchor keeps the app awake where sound has gone, if the app asks for it', async () => {
  const s = await stage({});
  assert.equal(s.r.phone.located, false, 'off by default');
});

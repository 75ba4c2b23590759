'use strict';
// Half an hour of everything at once, for many seeds. A failing seed is printed; give it as SEED to repeat it.

const test = require('node:test');
const assert = require('node:assert/strict');
const { rig, TAIL_MS } = require('./model/rig.js');

const SEEDS = 60;

function dice(seed) {
  let state = seed * 2654435761 + 1;
  return (sides) => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 3266489917) | 0;
    return Math.floor((((state >>> 0) % 65536) / 65536) * sides);
  };
}

async function halfAnHour(seed) {
  const roll = dice(seed);
  const r = rig({ phone: { endedMay: roll(2) === 0, loseEnded: roll(2), denial: roll(2) === 0 ? 'silent' : 'error' } });
  r.phone.env.random = () => roll(1000) / 1000;
  r.phone.clockError = (roll(3) - 1) * 3000000;
  const stops = new Map();
  const answered = new Map(); // id -> when the rider answered
  let most = 0;
  r.rider.start();
  await r.advance(3000);
  let n = 0;
  const sent = new Map(); // path of a clip -> the last frame that named it
  const things = [
    () => { n += 1; r.phone.files.set(`/audio/c/alr_${n}.mp3`, 1000 + roll(6000) + TAIL_MS); },
    () => r.phone.hide(),
    () => { if (!r.phone.interrupted) r.phone.show(); },
    () => r.server.sessions.forEach((s) => s.shut([1006, 4101, 4102, 4104, 1000][roll(5)])),
    () => r.server.sessions.forEach((s) => s.kill({ told: roll(2) === 0 })),
    () => r.phone.network(roll(2) === 0),
    () => { r.server.up = roll(3) > 0; },
    () => { r.server.keepsReceipts = roll(2) === 0; },
    () => { r.phone.call(); },
    () => { if (r.phone.interrupted) r.phone.hangUp(); },
    () => { if (r.phone.player.playing) r.phone.halt('Stop'); },
    () => r.server.push({ op: 'bye', code: 4100, retry_after_ms: roll(3000) }),
    () => {
      const ids = Array.from(r.server.open.keys());
      if (!ids.length) return;
      const id = ids[roll(ids.length)];
      stops.set(id, r.world.now);
      r.server.stop(id, 'cancelled');
    },
    () => {
      const asking = Array.from(r.server.open.values()).filter((a) => a.need !== 'none');
      if (!asking.length) return;
      const { id, need } = asking[roll(asking.length)];
      if (r.rider.answer(id, need)) answered.set(id, r.world.now);
    },
    () => { r.server.answers = ['recorded', 'pending', 'pending', 'won'][roll(4)]; },
    () => {
      const ids = Array.from(r.server.claims.keys());
      if (ids.length) r.server.decide(ids[roll(ids.length)], ['won', 'lost'][roll(2)]);
    },
    () => {
      const ids = Array.from(r.server.open.keys());
      if (!ids.length) return;
      const frame = r.server.ring(ids[roll(ids.length)]);
      sent.set(frame.audio.url, frame);
    },
    () => { r.server.listsClaims = roll(2) === 0; },
    () => { const [a] = r.server.open.values(); if (a) r.server.push(Object.assign({}, a, { attempt: 2 })); },
  ];
  for (let step = 0; step < 120; step += 1) {
    const what = roll(things.length * 2);
    if (what < things.length) things[what]();
    else if (roll(2) === 0 && n < 60) {
      things[0]();
      const count = 1 + roll(3);
      const ttl = 5000 + roll(120000);
      const need = ['none', 'confirm', 'accept'][roll(3)];
      const alert = r.server.alert({
        id: 'alr_' + n, urgency: roll(4), ttl_ms: ttl, need, kind: roll(5) === 0 ? 'order.taken' : 'order.offered',
        answer_by: need === 'accept' ? r.world.now + roll(ttl) : undefined,
        audio: { url: `/audio/c/alr_${n}.mp3`, duration_ms: r.phone.files.get(`/audio/c/alr_${n}.mp3`), tail_ms: TAIL_MS },
        repeat: { count, remaining: count, gap_ms: roll(15000) },
      });
      sent.set(`/audio/c/${alert.id}.mp3`, alert);
    }
    await r.advance(roll(30000));
    // The server never lists what is void.
    r.server.open.forEach((a) => { if (a.expires_at <= r.world.now && !r.server.claims.has(a.id)) r.server.open.delete(a.id); });
    most = Math.max(most, r.phone.openSockets().length);
  }
  // Peace: whatever is still open must be heard now, and every receipt must arrive.
  Object.assign(r.server, { up: true, keepsReceipts: true });
  if (r.phone.interrupted) r.phone.hangUp();
  r.phone.network(true);
  r.phone.show();
  const last = r.server.alert({ id: 'alr_0', ttl_ms: 200000 });
  sent.set('/audio/c/alr_0.mp3', last);
  await r.advance(60000);
  r.server.answers = 'recorded';
  Array.from(r.server.claims.keys()).forEach((id) => r.server.decide(id, ['won', 'lost'][roll(2)]));
  await r.advance(120000);
  return { r, sent, stops, answered, most };
}

test('whatever happens: nothing stale, nothing twice, nothing lost', async () => {
  const seeds = process.env.SEED ? [Number(process.env.SEED)] : Array.from({ length: SEEDS }, (_, i) => i + 1);
  for (const seed of seeds) {
    const { r, sent, stops, answered, most } = await halfAnHour(seed);
    const say = (text) => `seed ${seed}: ${text}`;
    r.phone.sets.forEach((s) => {
      const alert = sent.get(s.path);
      if (!alert) return;
      const end = Math.min(alert.expires_at, alert.answer_by || Infinity);
      assert.ok(s.at < end + 500, say(`${alert.id} started ${s.at - end} ms after its end`));
      assert.ok(!(s.at > answered.get(alert.id)), say(`${alert.id} rang after its answer`));
    });
    const plays = new Map();
    r.server.of('report').filter((x) => x.status === 'played').forEach((x) => {
      const key = `${x.id}/${x.ring}:${x.play}`;
      const before = plays.get(key);
      assert.ok(before === undefined || before === x.n, say(`${key} was played twice`));
      plays.set(key, x.n);
      const alert = sent.get(`/audio/c/${x.id}.mp3`);
      assert.ok(x.play >= 1 && x.play <= alert.repeat.count, say(`${key} is beyond its count`));
    });
    assert.equal(r.rider.state().unsent, 0, say('receipts are left'));
    assert.equal(r.rider.state().connection, 'ready', say('not connected'));
    assert.equal(r.rider.state().audio, 'playing', say('not audible'));
    assert.ok(r.phone.spoken().includes('/audio/c/alr_0.mp3'), say('the last order was not heard'));
    assert.ok(most <= 2, say(`${most} sockets`));
    answered.forEach((at, id) => {
      const told = r.events('answered').filter((e) => e.id === id).map((e) => e.outcome);
      assert.equal(told[told.length - 1], r.server.decided.get(id), say(`${id}: ${told}`));
      assert.ok(told.slice(0, -1).every((outcome) => outcome === 'pending'), say(`${id}: ${told}`));
    });
    r.told.alerts.filter((a) => a.state === 'sounding' && stops.has(a.id)).forEach((a) => {
      const gone = r.told.alerts.findIndex((b) => b.id === a.id && b.state === 'stopped');
      assert.ok(gone < 0 || r.told.alerts.lastIndexOf(a) < gone || a.ring > 1, say(`${a.id} sounded after its stop`));
    });
    r.rider.close();
  }
});

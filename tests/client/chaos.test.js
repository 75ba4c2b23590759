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
  const r = rig({ phone: { permissionInEnded: roll(2) === 0, loseEnded: roll(2) === 0, silentDenials: roll(2) === 0 } });
  r.phone.env.random = () => roll(1000) / 1000;
  r.phone.clockError = (roll(3) - 1) * 3000000;
  const stops = new Map();
  let most = 0;
  r.rider.start();
  await r.advance(3000);
  let n = 0;
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
      const ids = Array.from(r.server.open.values()).filter((a) => a.need !== 'none');
      if (ids.length) r.rider.answer(ids[roll(ids.length)].id, 'confirm');
    },
    () => { const [a] = r.server.open.values(); if (a) r.server.push(Object.assign({}, a, { attempt: 2 })); },
  ];
  const sent = new Map();
  for (let step = 0; step < 120; step += 1) {
    const what = roll(things.length * 2);
    if (what < things.length) things[what]();
    else if (roll(2) === 0 && n < 60) {
      things[0]();
      const count = 1 + roll(3);
      const alert = r.server.alert({
        id: 'alr_' + n, urgency: roll(4), ttl_ms: 5000 + roll(120000), need: ['none', 'confirm'][roll(2)],
        audio: { url: `/audio/c/alr_${n}.mp3`, duration_ms: r.phone.files.get(`/audio/c/alr_${n}.mp3`), tail_ms: TAIL_MS },
        repeat: { count, remaining: count, gap_ms: roll(15000) },
      });
      sent.set(`/audio/c/${alert.id}.mp3`, alert);
    }
    await r.advance(roll(30000));
    // The server never lists what is void.
    r.server.open.forEach((a) => { if (a.expires_at <= r.world.now) r.server.open.delete(a.id); });
    most = Math.max(most, r.phone.openSockets().length);
  }
  // Peace: whatever is still open must be heard now, and every receipt must arrive.
  Object.assign(r.server, { up: true, keepsReceipts: true });
  if (r.phone.interrupted) r.phone.hangUp();
  r.phone.network(true);
  r.phone.show();
  const last = r.server.alert({ id: 'alr_0', ttl_ms: 200000 });
  sent.set('/audio/c/alr_0.mp3', last);
  await r.advance(180000);
  return { r, sent, stops, most };
}

test('whatever happens: nothing stale, nothing twice, nothing lost', async () => {
  const seeds = process.env.SEED ? [Number(process.env.SEED)] : Array.from({ length: SEEDS }, (_, i) => i + 1);
  for (const seed of seeds) {
    const { r, sent, stops, most } = await halfAnHour(seed);
    const say = (text) => `seed ${seed}: ${text}`;
    r.phone.sets.forEach((s) => {
      const alert = sent.get(s.path);
      if (!alert) return;
      assert.ok(s.at < alert.expires_at + 500, say(`${alert.id} started ${s.at - alert.expires_at} ms after its end`));
    });
    const plays = new Map();
    r.server.of('report').filter((x) => x.status === 'played').forEach((x) => {
      const key = x.id + ':' + x.play;
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
    r.told.alerts.filter((a) => a.state === 'sounding' && stops.has(a.id)).forEach((a) => {
      const gone = r.told.alerts.findIndex((b) => b.id === a.id && b.state === 'stopped');
      assert.ok(gone < 0 || r.told.alerts.lastIndexOf(a) < gone || a.ring > 1, say(`${a.id} sounded after its stop`));
    });
    r.rider.close();
  }
});

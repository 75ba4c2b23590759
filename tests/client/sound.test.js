'use strict';
// What reaches the ear: sentences, silence between them, and nothing that is over.

const test = require('node:test');
const assert = require('node:assert/strict');
const { rig, onTheRoad, SENTENCE_MS } = require('./model/rig.js');

const clip = (n) => `/audio/c/alr_${n}.mp3`;

/** Every piece of sound begins when the one before it stops, but for the time a clip takes to load. */
function assertNoGap(phone) {
  phone.heard.forEach((h, i) => {
    const before = phone.heard[i - 1];
    if (before) assert.ok(h.from - (before.from + before.ms) <= 200, `gap before ${h.src}`);
  });
  assert.equal(phone.denials, 0);
  assert.equal(phone.suspensions, 0);
}

test('an order in the pocket is acked, played, reported and followed by silence without a gap', async () => {
  const r = await onTheRoad();
  const alert = r.server.alert({ text: '新订单已派给您', title: '新订单' });
  await r.advance(100);
  assert.deepEqual(r.server.of('ack'), [{ op: 'ack', seqs: [alert.seq] }]);
  await r.advance(20000);
  assert.deepEqual(r.phone.spoken(), [clip(1)]);
  assert.deepEqual(r.server.reports('alr_1'), ['playing:1', 'played:1']);
  assert.deepEqual(r.states('alr_1'), ['queued', 'sounding', 'played']);
  const [heard] = r.phone.heard.filter((h) => h.path === clip(1));
  assert.equal(heard.title, '新订单', 'the lock screen shows the alert');
  assert.ok(heard.ms >= SENTENCE_MS && heard.ms < SENTENCE_MS + 1000, 'back to silence at the sentence, not at the file');
  const played = r.server.of('report').find((x) => x.status === 'played');
  assert.ok(Math.abs(played.at - (heard.from + SENTENCE_MS)) < 600, '`at` is when the sentence ended, in server time');
  assert.equal(r.phone.player.playing, true);
  assertNoGap(r.phone);
});

test('eight hours in the background pass on the silent loop, and the next order is heard', async () => {
  const r = await onTheRoad();
  await r.advance(8 * 3600 * 1000);
  assertNoGap(r.phone);
  assert.ok(r.phone.heard.every((h) => h.ms <= 330000), 'each clip is left at its half, not at its end');
  r.server.alert({});
  await r.advance(10000);
  assert.deepEqual(r.phone.spoken(), [clip(1)]);
  assert.equal(r.server.links, 1);
});

test('without permission inside ended the loop still lives, because it never gets there', async () => {
  const r = await onTheRoad({ phone: { loseEnded: 1 } });
  r.server.alert({ repeat: { count: 3, remaining: 3, gap_ms: 8000 } });
  await r.advance(2 * 3600 * 1000);
  assert.deepEqual(r.phone.spoken(), [clip(1), clip(1), clip(1)]);
  assertNoGap(r.phone);
});

test('each src differs from the one before it', async () => {
  const r = await onTheRoad();
  r.server.alert({ repeat: { count: 4, remaining: 4, gap_ms: 0 } });
  await r.advance(3600 * 1000);
  r.phone.sets.forEach((s, i) => assert.notEqual(s.src, i ? r.phone.sets[i - 1].src : ''));
  assert.equal(r.phone.spoken().length, 4);
});

test('a repeat is counted within the alert and waits its gap', async () => {
  const r = await onTheRoad();
  r.server.alert({ repeat: { count: 3, remaining: 2, gap_ms: 8000 } });
  await r.advance(40000);
  assert.deepEqual(r.server.reports('alr_1'), ['playing:2', 'played:2', 'playing:3', 'played:3']);
  const [first, second] = r.phone.heard.filter((h) => h.path === clip(1));
  const pause = second.from - (first.from + SENTENCE_MS);
  assert.ok(pause >= 8000 && pause < 9000, `gap was ${pause}`);
  assert.equal(second.from - (first.from + first.ms) <= 200, true, 'the gap is the tail of the clip');
});

test('the most urgent sounds first, an urgent one waits for one sentence and cuts only gaps', async () => {
  const r = await onTheRoad();
  r.server.alert({ urgency: 1, repeat: { count: 2, remaining: 2, gap_ms: 8000 } }); // alr_1
  await r.advance(1000);
  r.server.alert({ urgency: 0 }); // alr_2
  r.server.alert({ urgency: 1 }); // alr_3
  r.server.alert({ urgency: 3 }); // alr_4
  await r.advance(60000);
  assert.deepEqual(r.phone.spoken(), [1, 4, 3, 2, 1].map(clip));
  r.phone.heard.filter((h) => /alr/.test(h.path)).forEach((h) => assert.ok(h.ms >= SENTENCE_MS, 'cut mid-word'));
  assert.deepEqual(r.server.reports('alr_4'), ['queued', 'playing:1', 'played:1']);
  r.server.alert({ urgency: 1, repeat: { count: 2, remaining: 2, gap_ms: 15000 } }); // alr_5, in its gap:
  await r.advance(6000);
  r.server.alert({ urgency: 3 }); // alr_6
  await r.advance(500);
  assert.equal(r.rider.state().sounding, 'alr_6');
});

test('expiry is looked at before each repeat, by the time of the server', async () => {
  const r = await onTheRoad();
  r.phone.clockError = 0;
  r.server.alert({ ttl_ms: 15000, repeat: { count: 5, remaining: 5, gap_ms: 8000 } });
  await r.advance(60000);
  assert.deepEqual(r.server.reports('alr_1'), ['playing:1', 'played:1', 'playing:2', 'played:2', 'skipped:3']);
  assert.equal(r.server.of('report').pop().reason, 'expired');
});

test('an alert that expires behind a longer one is never started', async () => {
  const r = await onTheRoad();
  r.phone.files.set(clip(1), 75000);
  r.server.alert({ urgency: 2, audio: { url: clip(1), duration_ms: 75000, tail_ms: 45000 } });
  await r.advance(500);
  r.server.alert({ urgency: 3, ttl_ms: 10000 });
  await r.advance(60000);
  assert.deepEqual(r.phone.spoken(), [clip(1)]);
  assert.deepEqual(r.server.reports('alr_2'), ['queued', 'skipped:1']);
  assert.deepEqual(r.states('alr_2'), ['queued', 'expired']);
});

test('a stale alert is never spoken, whatever the clock of the phone says', async () => {
  for (const error of [-3600000, 3600000]) {
    const r = rig();
    r.phone.clockError = error;
    r.rider.start();
    await r.advance(3000);
    r.server.alert({ expires_at: r.world.now - 1, ttl_ms: 1 });
    r.server.alert({ ttl_ms: 30000 });
    await r.advance(20000);
    assert.deepEqual(r.phone.spoken(), [clip(2)], `clock off by ${error}`);
    assert.deepEqual(r.server.reports('alr_1'), ['skipped:1']);
    assert.ok(Math.abs(r.rider.state().server_now - r.world.now) < 100);
  }
});

test('a frame that was held back does not turn the clock back', async () => {
  const r = await onTheRoad();
  r.server.push({ op: 'ping', now: r.world.now - 600000 });
  r.server.alert({ expires_at: r.world.now - 5000, ttl_ms: 1 });
  await r.advance(5000);
  assert.deepEqual(r.phone.spoken(), []);
});

test('what expires before anybody starts the sound is expired, then and there', async () => {
  const r = rig();
  r.rider.connect();
  await r.advance(2000);
  r.server.alert({ expires_at: r.world.now - 1, ttl_ms: 1 });
  r.server.alert({ ttl_ms: 5000 });
  await r.advance(6000);
  assert.deepEqual(r.server.reports('alr_1'), ['skipped:1']);
  assert.deepEqual(r.server.reports('alr_2'), ['queued', 'skipped:1']);
  assert.deepEqual(r.states('alr_2'), ['queued', 'expired']);
});

test('a clock set by hand during the shift is found out', async () => {
  const r = await onTheRoad();
  for (const jump of [-7200000, 7200000]) {
    r.phone.clockError += jump;
    await r.advance(25000);
    assert.ok(Math.abs(r.rider.state().server_now - r.world.now) < 1000, `after ${jump}`);
  }
  r.server.alert({});
  await r.advance(10000);
  assert.equal(r.phone.spoken().length, 1);
});

test('stop by id cuts the one that sounds and leaves the others', async () => {
  const r = await onTheRoad();
  r.server.alert({ repeat: { count: 3, remaining: 3, gap_ms: 1000 } });
  r.server.alert({});
  await r.advance(1500);
  r.server.stop('alr_1', 'cancelled');
  await r.advance(30000);
  const cut = r.phone.heard.find((h) => h.path === clip(1));
  assert.ok(cut.ms < SENTENCE_MS, 'silenced at once');
  assert.deepEqual(r.phone.spoken(), [clip(1), clip(2)]);
  assert.deepEqual(r.server.reports('alr_1'), ['playing:1'], 'a sentence that was cut was not played');
  const last = r.told.alerts.filter((a) => a.id === 'alr_1').pop();
  assert.equal(last.state, 'stopped');
  assert.equal(last.reason, 'cancelled');
  assertNoGap(r.phone);
});

test('a stop that comes while the clip loads leaves no sound and no report', async () => {
  const r = await onTheRoad();
  r.server.alert({});
  await r.advance(60);
  assert.equal(r.phone.sets[r.phone.sets.length - 1].path, clip(1), 'loading');
  r.server.stop('alr_1', 'taken');
  await r.advance(10000);
  assert.deepEqual(r.server.reports('alr_1'), []);
  assert.deepEqual(r.states('alr_1'), ['queued', 'stopped']);
  assert.ok(r.phone.heard.filter((h) => h.path === clip(1)).every((h) => h.ms === 0));
});

test('an answer silences its alert at once and nothing else', async () => {
  const r = await onTheRoad();
  r.server.answers = 'won';
  r.server.alert({ need: 'accept', urgency: 3, repeat: { count: 3, remaining: 3, gap_ms: 1000 } });
  r.server.alert({});
  await r.advance(1000);
  assert.equal(r.rider.answer('alr_1', 'accept'), true);
  assert.equal(r.rider.answer('alr_1', 'accept'), false, 'one answer');
  assert.equal(r.told.alerts.filter((a) => a.id === 'alr_1').pop().state, 'answering', 'no success before the commit');
  await r.advance(20000);
  assert.deepEqual(r.phone.spoken(), [clip(1), clip(2)]);
  const last = r.told.alerts.filter((a) => a.id === 'alr_1').pop();
  assert.deepEqual([last.state, last.outcome], ['answered', 'won']);
  assert.throws(() => r.rider.answer('alr_2', 'maybe'), TypeError);
});

test('an answer that has not arrived yet silences all the same', async () => {
  const r = await onTheRoad();
  r.server.keepsReceipts = false;
  r.server.alert({ need: 'confirm', repeat: { count: 5, remaining: 5, gap_ms: 1000 } });
  await r.advance(1000);
  r.rider.answer('alr_1', 'confirm');
  await r.advance(30000);
  assert.deepEqual(r.phone.spoken(), [clip(1)]);
  assert.ok(r.phone.heard.find((h) => h.path === clip(1)).ms < SENTENCE_MS);
});

test('pending is not won until the server says so', async () => {
  const r = await onTheRoad();
  r.server.answers = 'pending';
  r.server.alert({ need: 'accept' });
  await r.advance(1000);
  r.rider.answer('alr_1', 'accept');
  await r.advance(1000);
  assert.equal(r.told.alerts[r.told.alerts.length - 1].state, 'answering');
  r.server.push({ op: 'answered', n: 99, id: 'alr_1', outcome: 'lost' });
  await r.advance(1000);
  assert.equal(r.told.alerts[r.told.alerts.length - 1].outcome, 'lost');
});

test('update swaps the clip for later soundings and leaves the present one alone', async () => {
  const r = await onTheRoad();
  r.phone.files.set('/audio/c/better.mp3', 49000);
  r.server.alert({ repeat: { count: 2, remaining: 2, gap_ms: 3000 } });
  await r.advance(1000);
  r.server.push({ op: 'update', id: 'alr_1', audio: { url: '/audio/c/better.mp3', duration_ms: 49000, tail_ms: 45000 } });
  await r.advance(30000);
  assert.deepEqual(r.phone.spoken(), [clip(1), '/audio/c/better.mp3']);
  assert.ok(r.phone.heard.find((h) => h.path === clip(1)).ms >= SENTENCE_MS);
});

test('a missing clip falls back once, by the length of the fallback', async () => {
  const r = await onTheRoad();
  r.phone.files.delete(clip(1));
  r.server.alert({});
  await r.advance(20000);
  assert.deepEqual(r.phone.spoken(), ['/audio/canned/order.mp3']);
  assert.deepEqual(r.server.reports('alr_1'), ['playing:1', 'played:1']);
  const canned = r.phone.heard.find((h) => /canned/.test(h.path));
  assert.ok(canned.ms >= 2000 && canned.ms < 3000, `left after its own sentence, not after ${canned.ms}`);
});

test('a missing clip without a fallback is reported failed, and the silence goes on', async () => {
  const r = await onTheRoad();
  r.phone.files.delete(clip(1));
  r.phone.files.delete('/audio/canned/order.mp3');
  r.server.alert({});
  await r.advance(20000);
  assert.deepEqual(r.phone.spoken(), []);
  assert.deepEqual(r.server.reports('alr_1'), ['failed:1']);
  assert.equal(r.server.of('report').pop().reason, 'audio_10003');
  assert.equal(r.phone.player.playing, true);
  r.phone.files.set('/audio/c/late.mp3', 48000);
  r.server.push({ op: 'update', id: 'alr_1', audio: { url: '/audio/c/late.mp3', duration_ms: 48000, tail_ms: 45000 } });
  await r.advance(10000);
  assert.deepEqual(r.phone.spoken(), ['/audio/c/late.mp3'], 'a clip that comes late is still said');
});

test('a silent clip that will not play is replaced by the other one at once', async () => {
  const r = rig();
  r.phone.files.delete('/audio/silence/600.m4a');
  r.rider.start();
  await r.advance(1000);
  assert.equal(r.phone.player.path, '/audio/silence/600.mp3');
  assert.equal(r.rider.state().audio, 'playing');
});

test('a call is told as an interruption, and the sentence it cut is said again', async () => {
  const r = await onTheRoad();
  r.server.alert({ urgency: 3 });
  await r.advance(1000);
  r.phone.call();
  await r.advance(1000);
  assert.equal(r.server.of('state').pop().audio, 'interrupted');
  assert.deepEqual(r.server.reports('alr_1'), ['playing:1']);
  r.phone.front = true; // the call is the app in front; ours is hidden but not yet frozen
  r.phone.hangUp();
  await r.advance(10000);
  assert.equal(r.server.of('state').pop().audio, 'playing');
  assert.deepEqual(r.server.reports('alr_1'), ['playing:1', 'playing:1', 'played:1']);
  assert.equal(r.phone.heard.filter((h) => h.path === clip(1)).pop().ms >= SENTENCE_MS, true);
});

test('a long call freezes the app; on return it reconnects, sounds again and says so', async () => {
  const r = await onTheRoad();
  r.phone.call();
  await r.advance(60000);
  assert.equal(r.phone.suspensions, 1);
  r.server.alert({ ttl_ms: 20000 });
  r.server.alert({ ttl_ms: 300000 });
  await r.advance(60000);
  r.phone.interrupted = false;
  r.server.open.delete('alr_1'); // void by now
  r.phone.show();
  await r.advance(20000);
  assert.deepEqual(r.phone.spoken(), [clip(2)]);
  assert.equal(r.rider.state().audio, 'playing');
  assert.ok(r.events('suspend').length >= 1);
});

test('a spurious interruption, as Android tells on hide, changes nothing for long', async () => {
  const r = await onTheRoad();
  r.phone.fire('AudioInterruptionBegin');
  r.phone.fire('AudioInterruptionEnd');
  await r.advance(1000);
  assert.equal(r.rider.state().audio, 'playing');
  assert.equal(r.phone.sets.length, 1);
});

test('the rider pauses on the lock screen: told at once, not fought, resumed by the rider', async () => {
  const r = rig();
  r.rider.start();
  await r.advance(2000);
  r.phone.halt('Pause');
  await r.advance(500);
  assert.equal(r.server.of('state').pop().audio, 'paused');
  const sets = r.phone.sets.length;
  r.server.alert({});
  await r.advance(30000);
  assert.equal(r.phone.sets.length, sets, 'a pause is respected');
  assert.deepEqual(r.server.reports('alr_1'), ['queued']);
  assert.equal(r.server.of('report')[0].reason, 'paused');
  r.rider.start();
  await r.advance(10000);
  assert.deepEqual(r.phone.spoken(), [clip(1)]);
});

test('music takes the player: told as stolen, and taken back on return', async () => {
  const r = await onTheRoad();
  r.phone.halt('Stop');
  await r.advance(500);
  assert.equal(r.server.of('state').pop().audio, 'stolen');
  await r.advance(600000);
  r.phone.show();
  await r.advance(5000);
  assert.equal(r.rider.state().audio, 'playing');
});

test('a refused src is noticed, told as blocked, and tried again in front', async () => {
  const r = await onTheRoad();
  r.phone.halt(null); // the phone says nothing, and refuses from here on
  r.server.alert({});
  await r.advance(10000);
  assert.equal(r.phone.denials > 0, true);
  assert.equal(r.server.of('state').pop().audio, 'blocked');
  assert.equal(r.events('denied').length > 0, true);
  r.phone.show();
  await r.advance(10000);
  assert.deepEqual(r.phone.spoken(), [clip(1)], 'refused is not played: it is said when it can be');
});

test('a clip that hangs in the network is passed over, and does not hold up the others', async () => {
  const r = rig();
  r.phone.hanging.add(clip(1)).add('/audio/canned/order.mp3');
  r.rider.start();
  await r.advance(2000);
  r.server.alert({ urgency: 3 });
  r.server.alert({ urgency: 1 });
  await r.advance(60000);
  assert.deepEqual(r.phone.spoken(), [clip(2)]);
  assert.deepEqual(r.server.reports('alr_1'), ['failed:1', 'failed:1'], 'tried again after a while, and no oftener');
  assert.equal(r.server.of('report').find((x) => x.status === 'failed').reason, 'no_play');
  assert.equal(r.rider.state().audio, 'playing');
});

test('a sentence that hung on a weak network is tried again while its alert is open', async () => {
  const r = rig();
  r.phone.hanging.add(clip(1)).add('/audio/canned/order.mp3');
  r.rider.start();
  await r.advance(2000);
  r.server.alert({ ttl_ms: 60000 });
  await r.advance(15000);
  assert.deepEqual([r.phone.spoken(), r.server.reports('alr_1')], [[], ['failed:1']]);
  r.phone.hanging.clear();
  await r.advance(25000);
  assert.deepEqual(r.phone.spoken(), [clip(1)]);
  assert.deepEqual(r.server.reports('alr_1'), ['failed:1', 'playing:1', 'played:1']);
});

test('the timers of a quiet hour are few, whatever the player is doing', async () => {
  for (const halt of ['', 'Pause', 'Stop']) {
    const r = rig({ phone: { tickMs: 0 } });
    let timers = 0;
    const { setTimer } = r.phone.env;
    r.phone.env.setTimer = (run, ms) => { timers += 1; return setTimer(run, ms); };
    const rider = r.open();
    rider.start();
    await r.advance(2000);
    r.server.alert({ ttl_ms: 600000, repeat: { count: 3, remaining: 3, gap_ms: 8000 } });
    if (halt) r.phone.halt(halt);
    await r.advance(3600000);
    assert.ok(timers < 2000, `${timers} timers after ${halt || 'nothing'}`);
  }
});

test('connect makes no sound; a tap speaks what waited', async () => {
  const r = rig();
  r.rider.connect();
  await r.advance(2000);
  assert.deepEqual(r.server.of('hello')[0].state, { foreground: true });
  r.server.alert({});
  await r.advance(5000);
  assert.equal(r.phone.sets.length, 0);
  assert.deepEqual(r.server.reports('alr_1'), ['queued']);
  r.rider.start();
  await r.advance(6000);
  assert.deepEqual(r.server.of('state')[0], { op: 'state', on_duty: true });
  assert.deepEqual(r.phone.spoken(), [clip(1)]);
});

test('going off duty silences at once; what the server still holds is said after the next start', async () => {
  const r = rig();
  r.rider.start();
  await r.advance(2000);
  r.server.alert({ repeat: { count: 2, remaining: 2, gap_ms: 1000 } });
  await r.advance(1000);
  r.rider.stop();
  await r.advance(60000);
  assert.equal(r.phone.player.playing, false);
  assert.ok(r.phone.heard.pop().ms < SENTENCE_MS);
  const states = r.server.of('state').slice(-2);
  assert.deepEqual(states, [{ op: 'state', audio: 'silent' }, { op: 'state', on_duty: false }]);
  r.rider.start();
  r.server.last().shut(1006);
  await r.advance(10000);
  assert.deepEqual(r.phone.spoken().slice(-2), [clip(1), clip(1)]);
});

test('a network gone for five minutes does not roll the silence into nothing', async () => {
  const r = await onTheRoad();
  await r.advance(200000);
  r.phone.network(false);
  await r.advance(280000);
  assert.equal(r.phone.suspensions, 0);
  r.phone.network(true);
  await r.advance(10000);
  r.server.alert({});
  await r.advance(10000);
  assert.deepEqual(r.phone.spoken(), [clip(1)]);
});

test('while the server is away the silence is held as long as it lasts, and still not left to run out', async () => {
  const r = await onTheRoad({ phone: { loseEnded: 1 } });
  r.server.up = false;
  r.server.last().kill({ told: true });
  await r.advance(3600000);
  assertNoGap(r.phone);
  assert.ok(r.phone.heard.every((h) => h.ms > 590000), 'not rolled early while it might not load');
  assert.equal(r.rider.state().audio, 'playing');
});

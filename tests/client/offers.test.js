'use strict';
// Offers: what a rider answers, what is made of it, and what must not ring in between.

const test = require('node:test');
const assert = require('node:assert/strict');
const { rig, onTheRoad, SENTENCE_MS } = require('./model/rig.js');

const clip = (n) => `/audio/c/alr_${n}.mp3`;
const thrice = () => ({ count: 3, remaining: 3, gap_ms: 2000 });

function offer(r, fields) {
  const ttl = 30000;
  return r.server.alert(Object.assign({
    kind: 'order.offered', need: 'accept', mode: 'assign', urgency: 3, ttl_ms: ttl, answer_by: r.world.now + ttl, repeat: thrice(),
  }, fields));
}

const last = (r, id) => r.told.alerts.filter((a) => a.id === id).pop();
const answers = (r) => r.server.of('answer').map((a) => [a.n, a.id, a.answer]);
const outcomes = (r) => r.events('answered').map((e) => [e.id, e.outcome]);

test('the app is told the mode and until when to answer, in server time', async () => {
  const r = await onTheRoad();
  const sent = offer(r, { mode: 'grab', expires_at: r.world.now + 60000 });
  await r.advance(1000);
  const told = last(r, 'alr_1');
  assert.deepEqual([told.mode, told.answer_by, told.expires_at], ['grab', sent.answer_by, sent.answer_by]);
  offer(r, { mode: undefined });
  r.server.alert({ need: 'confirm' });
  r.server.alert({});
  await r.advance(100);
  const old = ['alr_2', 'alr_3', 'alr_4'].map((id) => last(r, id));
  assert.deepEqual(old.map((a) => a.mode), ['assign', 'ack', 'notify'], 'of a server that does not say');
  assert.deepEqual(old.slice(1).map((a) => a.answer_by), [null, null]);
});

test('each final outcome ends the alert, is told once, and nothing rings after it, not even another ring', async () => {
  for (const [answer, outcome] of [['accept', 'won'], ['accept', 'lost'], ['accept', 'gone'], ['accept', 'recorded'], ['decline', 'recorded']]) {
    const r = await onTheRoad();
    r.server.answers = outcome;
    const sent = offer(r, {});
    await r.advance(1000);
    assert.equal(r.rider.answer('alr_1', answer), true);
    await r.advance(1000);
    assert.deepEqual(r.states('alr_1'), ['queued', 'sounding', 'answering', 'answered']);
    assert.deepEqual([last(r, 'alr_1').answer, last(r, 'alr_1').outcome], [answer, outcome]);
    assert.deepEqual(outcomes(r), [['alr_1', outcome]]);
    const sets = r.phone.sets.length;
    r.server.push({ ...sent, seq: 2, ring: 2 });
    await r.advance(10000);
    assert.equal(r.phone.sets.length, sets, `${outcome}: rings on`);
    assert.equal(r.server.of('ack').pop().seqs[0], 2, 'received all the same');
    assert.equal(r.rider.answer('alr_1', 'accept'), false);
    r.rider.close();
    r.phone.show();
    r.server.open.set('alr_1', { ...sent, seq: 3, ring: 3 });
    r.open().start();
    await r.advance(10000);
    assert.equal(r.phone.spoken().length, 1, `${outcome}: rings in the next life of the page`);
  }
});

test('after pending comes the decision, and both are told', async () => {
  for (const decision of ['won', 'lost', 'gone']) {
    const r = await onTheRoad();
    r.server.answers = 'pending';
    offer(r, { mode: 'grab' });
    await r.advance(1000);
    r.rider.answer('alr_1', 'accept');
    await r.advance(4000);
    assert.deepEqual([last(r, 'alr_1').state, last(r, 'alr_1').outcome], ['answering', 'pending'], 'not a success yet');
    assert.equal(r.rider.answer('alr_1', 'accept'), false);
    r.server.decide('alr_1', decision);
    await r.advance(1000);
    assert.deepEqual([last(r, 'alr_1').state, last(r, 'alr_1').outcome], ['answered', decision]);
    assert.deepEqual(outcomes(r), [['alr_1', 'pending'], ['alr_1', decision]]);
    assert.equal(answers(r).length, 1);
    assert.equal(r.rider.state().unsent, 0);
  }
});

test('an outcome does not change: a pending that comes late, or another word, is not believed', async () => {
  const r = await onTheRoad();
  r.server.answers = 'won';
  offer(r, {});
  await r.advance(1000);
  r.rider.answer('alr_1', 'accept');
  await r.advance(1000);
  r.server.push({ op: 'answered', n: 0, id: 'alr_1', outcome: 'pending' });
  r.server.push({ op: 'answered', n: 0, id: 'alr_1', outcome: 'lost' });
  r.server.push({ op: 'stop', ids: ['alr_1'], reason: 'taken' });
  await r.advance(1000);
  assert.deepEqual([last(r, 'alr_1').state, last(r, 'alr_1').outcome], ['answered', 'won']);
  assert.deepEqual(outcomes(r), [['alr_1', 'won']]);
});

test('pending over a reconnect: asked again with a new number until it is decided, and then no more', async () => {
  for (const listed of [true, false]) {
    const r = await onTheRoad();
    r.server.answers = 'pending';
    r.server.listsClaims = listed;
    offer(r, { ttl_ms: 600000, answer_by: r.world.now + 600000 });
    await r.advance(1000);
    r.rider.answer('alr_1', 'accept');
    await r.advance(1000);
    const [[first]] = answers(r);
    for (let i = 0; i < 2; i += 1) {
      r.server.last().shut(1006);
      await r.advance(5000);
    }
    const asked = answers(r);
    assert.deepEqual(asked.map((a) => a.slice(1)), Array(3).fill(['alr_1', 'accept']), `listed ${listed}`);
    assert.ok(first < asked[1][0] && asked[1][0] < asked[2][0], 'a number is used once');
    assert.equal(last(r, 'alr_1').state, 'answering');
    r.server.decide('alr_1', 'lost');
    await r.advance(1000);
    assert.deepEqual([last(r, 'alr_1').state, last(r, 'alr_1').outcome], ['answered', 'lost']);
    r.server.last().shut(1006);
    await r.advance(5000);
    assert.equal(answers(r).length, 3);
    r.server.push({ op: 'answered', n: 0, id: 'alr_1', outcome: 'lost' });
    await r.advance(1000);
    assert.equal(outcomes(r).filter((o) => o[1] === 'lost').length, 1, 'old news is not told again, card or no card');
    assert.equal(r.phone.spoken().length, 1, 'it did not ring again');
  }
});

test('decided while the line was down: the present outcome is asked for and told', async () => {
  const r = await onTheRoad();
  r.server.answers = 'pending';
  offer(r, {});
  await r.advance(1000);
  r.rider.answer('alr_1', 'accept');
  await r.advance(1000);
  r.server.last().shut(1006);
  await r.advance(35);
  r.server.decide('alr_1', 'won'); // to nobody
  await r.advance(5000);
  assert.deepEqual([last(r, 'alr_1').state, last(r, 'alr_1').outcome], ['answered', 'won']);
  assert.deepEqual(outcomes(r), [['alr_1', 'pending'], ['alr_1', 'won']]);
});

test('an answer outlives the page: the next one shows it waiting, is silent, and is told the outcome', async () => {
  for (const [arrived, listed] of [[true, true], [true, false], [false, true]]) {
    const r = await onTheRoad();
    r.server.answers = 'pending';
    r.server.keepsReceipts = arrived;
    r.server.listsClaims = listed;
    const sent = offer(r, { ttl_ms: 60000, answer_by: r.world.now + 60000 });
    await r.advance(1000);
    r.rider.answer('alr_1', 'accept');
    await r.advance(1000);
    r.rider.close();
    r.server.keepsReceipts = true;
    r.phone.show();
    const seen = r.told.alerts.length;
    r.open().start();
    await r.advance(3000);
    if (listed) r.server.ring('alr_1');
    await r.advance(10000);
    assert.ok(r.told.alerts.length > seen, `arrived ${arrived}, listed ${listed}: it has no card`);
    assert.deepEqual([last(r, 'alr_1').state, last(r, 'alr_1').answer, last(r, 'alr_1').outcome], ['answering', 'accept', 'pending']);
    assert.equal(last(r, 'alr_1').text, sent.text);
    assert.equal(r.told.alerts.slice(seen).every((a) => a.state === 'answering'), true);
    assert.equal(r.phone.spoken().length, 1);
    assert.deepEqual(answers(r).map((a) => a.slice(1)), [['alr_1', 'accept'], ['alr_1', 'accept']]);
    r.server.decide('alr_1', 'won');
    await r.advance(1000);
    assert.equal(last(r, 'alr_1').outcome, 'won');
    r.rider.close();
    r.phone.show();
    const over = r.told.alerts.length;
    r.open();
    await r.advance(3000);
    assert.equal(r.told.alerts.length, over, 'what is decided is not shown for ever');
  }
});

test('while an answer travels or is judged, a new ring of its alert is received and not sounded', async () => {
  for (const arrives of [true, false]) {
    const r = await onTheRoad();
    r.server.answers = 'pending';
    r.server.keepsReceipts = arrives;
    offer(r, { ttl_ms: 60000, answer_by: r.world.now + 60000 });
    await r.advance(1000);
    r.rider.answer('alr_1', 'accept');
    await r.advance(1000);
    const sets = r.phone.sets.length;
    r.server.ring('alr_1');
    r.server.ring('alr_1');
    await r.advance(20000);
    assert.equal(r.phone.sets.length, sets);
    assert.deepEqual([last(r, 'alr_1').state, last(r, 'alr_1').outcome], ['answering', arrives ? 'pending' : undefined]);
    r.server.last().shut(1006);
    await r.advance(20000);
    assert.equal(r.phone.sets.length, sets, 'nor after a reconnect');
    assert.equal(r.server.of('ack').filter((a) => a.seqs[0] === 3).length >= 2, true);
    r.server.last().shut(1006);
    await r.advance(3000);
    assert.equal(r.server.of('hello').pop().cursor, 3, 'a ring that was dropped is counted as seen');
  }
});

test('answering one offer leaves the other ringing', async () => {
  const r = await onTheRoad();
  r.server.answers = 'pending';
  offer(r, {});
  offer(r, {});
  await r.advance(1000);
  r.rider.answer('alr_1', 'accept');
  await r.advance(25000);
  assert.deepEqual(r.phone.spoken(), [clip(1), clip(2), clip(2), clip(2)]);
});

test('the next ring sounds from the first repeat, keeps the card, and is not sounded twice', async () => {
  const r = await onTheRoad();
  offer(r, { repeat: { count: 2, remaining: 2, gap_ms: 1000 }, ttl_ms: 120000, answer_by: r.world.now + 120000 });
  await r.advance(15000);
  const again = r.server.ring('alr_1');
  await r.advance(200);
  r.server.push({ ...again, attempt: 2 });
  await r.advance(15000);
  assert.deepEqual(r.phone.spoken(), [clip(1), clip(1), clip(1), clip(1)]);
  const played = r.server.of('report').filter((x) => x.status === 'played').map((x) => [x.ring, x.play]);
  assert.deepEqual(played, [[1, 1], [1, 2], [2, 1], [2, 2]]);
  assert.deepEqual(r.states('alr_1'), ['queued', 'sounding', 'waiting', 'sounding', 'played', 'queued', 'sounding', 'waiting', 'sounding', 'played']);
  assert.deepEqual(r.server.of('ack').map((a) => a.seqs[0]), [1, 2, 2]);
  assert.equal(r.rider.answer('alr_1', 'accept'), true, 'and is answered as before');
});

test('a ring that comes into the sentence of the one before lets it end, and takes its repeats', async () => {
  const r = await onTheRoad();
  offer(r, { repeat: { count: 5, remaining: 5, gap_ms: 1000 }, ttl_ms: 120000, answer_by: r.world.now + 120000 });
  await r.advance(1000);
  r.server.ring('alr_1', { repeat: { count: 2, remaining: 2, gap_ms: 1000 } });
  await r.advance(60000);
  const played = r.server.of('report').filter((x) => x.status === 'played').map((x) => [x.ring, x.play]);
  assert.deepEqual(played, [[1, 1], [2, 1], [2, 2]]);
  r.phone.heard.filter((h) => h.path === clip(1)).forEach((h) => assert.ok(h.ms >= SENTENCE_MS, 'cut mid-word'));
  assert.equal(last(r, 'alr_1').state, 'played');
});

test('a ring that was interrupted by a call does not come back beside its successor', async () => {
  const r = rig();
  r.rider.start();
  await r.advance(2000);
  offer(r, { repeat: { count: 1, remaining: 1, gap_ms: 0 }, ttl_ms: 120000, answer_by: r.world.now + 120000 });
  await r.advance(1000);
  r.server.ring('alr_1');
  await r.advance(500);
  r.phone.call();
  await r.advance(2000);
  r.phone.hangUp();
  await r.advance(20000);
  assert.deepEqual(r.server.of('report').filter((x) => x.status === 'played').map((x) => x.ring), [2]);
});

test('an answer after answer_by, by the time of the server, is refused here and called gone', async () => {
  for (const error of [-3600000, 0, 3600000]) {
    const r = rig();
    r.phone.clockError = error;
    r.rider.start();
    await r.advance(3000);
    offer(r, { expires_at: r.world.now + 300000, repeat: { count: 1, remaining: 1, gap_ms: 0 } });
    offer(r, { expires_at: r.world.now + 300000, repeat: { count: 1, remaining: 1, gap_ms: 0 } });
    await r.advance(29000);
    assert.equal(r.rider.answer('alr_1', 'accept'), true, `a second before, clock off by ${error}`);
    await r.advance(1100);
    assert.equal(r.rider.answer('alr_2', 'accept'), false, `after, clock off by ${error}`);
    await r.advance(1000);
    assert.deepEqual(answers(r).map((a) => a[1]), ['alr_1'], 'the server is not asked');
    const told = last(r, 'alr_2');
    assert.deepEqual([told.state, told.outcome, told.answer], ['expired', 'gone', undefined]);
    assert.deepEqual(outcomes(r), [['alr_1', 'recorded']]);
  }
});

test('an answer too late silences the sentence that still runs', async () => {
  const r = await onTheRoad();
  offer(r, { ttl_ms: 2000, answer_by: r.world.now + 2000 });
  await r.advance(2200);
  assert.equal(r.rider.state().sounding, 'alr_1');
  assert.equal(r.rider.answer('alr_1', 'accept'), false);
  await r.advance(10000);
  assert.ok(r.phone.heard.find((h) => h.path === clip(1)).ms < SENTENCE_MS);
  assert.equal(last(r, 'alr_1').state, 'expired');
});

test('an offer that nobody answers ends at answer_by, to the second, heard or not', async () => {
  for (const ttl of [23000, 27000, 31000, 47000]) {
    for (const audio of [undefined, { url: '/audio/c/missing.mp3' }]) {
      const r = await onTheRoad();
      offer(r, { ttl_ms: ttl, answer_by: r.world.now + ttl, repeat: { count: 1, remaining: 1, gap_ms: 0 }, ...(audio && { audio }) });
      await r.advance(ttl - 500);
      assert.equal(last(r, 'alr_1').state, audio ? 'failed' : 'played');
      await r.advance(1000);
      assert.deepEqual([last(r, 'alr_1').state, last(r, 'alr_1').reason], ['expired', 'expired'], `after ${ttl}`);
    }
  }
});

test('every reason to stop silences its alert and is told', async () => {
  for (const reason of ['cancelled', 'taken', 'superseded', 'merged', 'expired', 'answered_elsewhere', 'off_duty', 'logout']) {
    const r = await onTheRoad();
    offer(r, {});
    await r.advance(1000);
    r.server.stop('alr_1', reason);
    await r.advance(20000);
    assert.ok(r.phone.heard.find((h) => h.path === clip(1)).ms < SENTENCE_MS, reason);
    assert.deepEqual(r.phone.spoken(), [clip(1)]);
    assert.deepEqual([last(r, 'alr_1').state, last(r, 'alr_1').reason], ['stopped', reason]);
    assert.equal(r.rider.answer('alr_1', 'accept'), false);
    assert.deepEqual(answers(r), []);
  }
});

test('a grab that is lost while it is judged: taken, then lost, and never asked again', async () => {
  for (const stopFirst of [true, false]) {
    const r = await onTheRoad();
    r.server.answers = 'pending';
    offer(r, { mode: 'grab' });
    await r.advance(1000);
    r.rider.answer('alr_1', 'accept');
    await r.advance(1000);
    const stop = () => r.server.push({ op: 'stop', ids: ['alr_1'], reason: 'taken' });
    if (stopFirst) stop();
    r.server.decide('alr_1', 'lost');
    if (!stopFirst) stop();
    await r.advance(1000);
    assert.deepEqual([last(r, 'alr_1').state, last(r, 'alr_1').outcome], ['answered', 'lost']);
    r.server.last().shut(1006);
    await r.advance(5000);
    assert.equal(answers(r).length, 1);
  }
});

test('merged: the covered ones stop, and the one for all is said', async () => {
  const r = await onTheRoad();
  r.server.alert({ urgency: 2, repeat: thrice() });
  r.server.alert({ urgency: 2 });
  await r.advance(1000);
  ['alr_1', 'alr_2'].forEach((id) => r.server.open.delete(id));
  r.server.alert({ kind: 'merge', urgency: 2 });
  r.server.push({ op: 'stop', ids: ['alr_1', 'alr_2'], reason: 'merged' });
  await r.advance(20000);
  assert.deepEqual(r.phone.spoken(), [clip(1), clip(3)]);
});

test('the chime of a lost grab sounds after the ring it ends, and nothing urgent waits for it', async () => {
  const r = await onTheRoad();
  const chime = (n) => ({ kind: 'order.taken', urgency: 0, ttl_ms: 10000, audio: { url: clip(n), duration_ms: 48000, tail_ms: 45000 } });
  offer(r, { mode: 'grab' });
  await r.advance(1000);
  r.server.stop('alr_1', 'taken');
  r.server.alert(chime(2));
  await r.advance(8000);
  assert.deepEqual(r.phone.spoken(), [clip(1), clip(2)]);
  assert.deepEqual(r.server.reports('alr_2'), ['playing:1', 'played:1']);
  r.server.alert(chime(3));
  await r.advance(1000);
  assert.equal(r.rider.state().sounding, 'alr_3');
  offer(r, {});
  await r.advance(300);
  assert.equal(r.rider.state().sounding, 'alr_4', 'it does not wait for the chime');
  assert.deepEqual(r.server.reports('alr_3'), ['playing:1', 'skipped:1'], 'and the chime is not called played');
  await r.advance(30000);
  assert.equal(r.phone.denials, 0);
  assert.equal(r.phone.suspensions, 0);
});

test('a chime is left for what is more urgent only, and never while it loads in the background', async () => {
  const r = await onTheRoad();
  r.server.alert({ kind: 'order.taken', urgency: 0, ttl_ms: 10000 });
  await r.advance(1000);
  r.server.alert({ kind: 'income.received', urgency: 0 });
  await r.advance(8000);
  assert.deepEqual(r.server.reports('alr_1'), ['playing:1', 'played:1']);
  r.server.alert({ kind: 'order.taken', urgency: 0, ttl_ms: 10000 });
  await r.advance(40);
  offer(r, {});
  await r.advance(500);
  const [loading, urgent] = r.phone.sets.slice(-2);
  assert.deepEqual([loading.path, urgent.path], [clip(3), clip(4)]);
  assert.ok(urgent.at - loading.at >= 120, 'a src in flight is no sound that would allow another');
});

test('a chime that hangs in the network holds up nothing in front', async () => {
  const r = rig();
  r.phone.hanging.add(clip(1));
  r.rider.start();
  await r.advance(2000);
  r.server.alert({ kind: 'order.taken', urgency: 0, ttl_ms: 10000 });
  await r.advance(1000);
  offer(r, {});
  await r.advance(500);
  assert.equal(r.rider.state().sounding, 'alr_2');
});

test('an alert that is answered while its clip hangs does not sound by its fallback', async () => {
  const r = rig();
  r.phone.hanging.add(clip(1));
  r.rider.start();
  await r.advance(2000);
  offer(r, {});
  await r.advance(1000);
  r.rider.answer('alr_1', 'accept');
  await r.advance(20000);
  assert.deepEqual(r.phone.spoken(), []);
  assert.equal(r.rider.state().audio, 'playing');
});

test('the clip of a large announcement is fetched a random time later, while the silence runs', async () => {
  const r = await onTheRoad();
  const audio = (n, more) => ({ url: clip(n), duration_ms: 48000, tail_ms: 45000, fetch_jitter_ms: 20000, ...more });
  const began = r.world.now;
  r.server.alert({ kind: 'announcement', need: 'confirm', urgency: 0, audio: audio(1), repeat: { count: 2, remaining: 2, gap_ms: 1000 } });
  await r.advance(40000);
  const times = r.phone.sets.filter((s) => s.path === clip(1)).map((s) => s.at - began);
  assert.equal(times.length, 2);
  assert.ok(times[0] >= 10000 && times[0] < 10500, `half of the jitter, for a random of one half: ${times[0]}`);
  assert.ok(times[1] - times[0] < 6000, 'only the first time');
  r.server.ring('alr_1');
  await r.advance(1000);
  assert.equal(r.rider.state().sounding, 'alr_1', 'the next ring has the clip already');
  await r.advance(30000);
  r.server.alert({ urgency: 2, audio: audio(3) });
  await r.advance(500);
  assert.equal(r.rider.state().sounding, 'alr_3', 'what is urgent does not wait');
  assert.equal(r.phone.denials + r.phone.suspensions, 0);
  r.phone.heard.slice(1).forEach((h, i) => assert.ok(h.from - (r.phone.heard[i].from + r.phone.heard[i].ms) <= 200, 'a gap'));
});

test('the wait of a large announcement never takes it past its expiry', async () => {
  const r = rig();
  r.phone.env.random = () => 0.999;
  r.open().start();
  await r.advance(2000);
  [[1, 20000], [2, 40000]].forEach(([n, ttl]) => r.server.alert({
    kind: 'announcement', urgency: 1, ttl_ms: ttl, audio: { url: clip(n), duration_ms: 48000, tail_ms: 45000, fetch_jitter_ms: 600000 },
  }));
  const began = r.world.now;
  await r.advance(60000);
  assert.deepEqual(r.phone.spoken(), [clip(1), clip(2)]);
  const at = (n) => r.phone.sets.find((s) => s.path === clip(n)).at - began;
  assert.ok(at(1) < 500 && at(2) > 15000 && at(2) < 20000, `and a heartbeat's time before it, if timers are held: ${at(1)}, ${at(2)}`);
});

test('a better clip of a large announcement waits as well, if the first one has not been fetched', async () => {
  const r = await onTheRoad();
  r.phone.files.set('/audio/c/better.mp3', 48000);
  const began = r.world.now;
  const audio = { duration_ms: 48000, tail_ms: 45000 };
  r.server.alert({ kind: 'announcement', urgency: 0, audio: { ...audio, url: clip(1), fetch_jitter_ms: 4000 } });
  await r.advance(1000);
  r.server.push({ op: 'update', id: 'alr_1', audio: { ...audio, url: '/audio/c/better.mp3', fetch_jitter_ms: 20000 } });
  await r.advance(20000);
  const [set] = r.phone.sets.filter((s) => /better/.test(s.path));
  assert.ok(set.at - began >= 11000, `fetched after ${set.at - began} ms`);
  assert.deepEqual(r.phone.spoken(), ['/audio/c/better.mp3']);
});

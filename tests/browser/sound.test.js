// What the ear gets, proved in a real browser: the sentence is spoken to its end, and silence holds the player between.
// One page, one server; every claim is read from the audio element's own events or from the server's timeline.
'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const { Stage, until, during, isSilence, gaps, pathOf } = require('./stage.js');

const GAP_MS_MAX = 300;
const SENTENCE_LIMIT_MS = 40000;
const ORDER = { short_no: '17', merchant: { name: '测试面馆' }, dropoff: { area: '阳光花园' }, distance_m: 1200, fee_cents: 580 };

let stage;
// The sentence itself is what is judged here: on a busy machine it takes longer than a rider would wait for it.
test.before(async () => { stage = await Stage.set({ ORDERBELL_SPEECH__BUDGET: '5s' }); });
test.after(async () => { await stage.strike(); });

const once = { repeat: { count: 1 } };

test('an order is spoken to its end, between two stretches of silence, without a gap', async () => {
  const page = await stage.page('r_sound');
  await page.start();
  const id = await stage.server.post('r_sound', 'order.new', { order: ORDER, alert: once });
  await page.card(id, '[data-state="sounding"]');
  await page.shoot('sounding');
  const alert = await stage.server.ended(id, SENTENCE_LIMIT_MS);
  const { audio } = alert;
  assert.equal(audio.canned, false, 'the sentence itself, not its stand-in');
  const log = await until('silence again', async () => {
    const events = await page.log();
    const spoken = events.findIndex((event) => event.src && pathOf(event.src) === audio.path);
    return spoken >= 0 && events.slice(spoken).some((event) => event.type === 'timeupdate' && isSilence(event) && event.time > 0.5) && events;
  });

  const spoken = during(log, audio.path);
  assert.ok(spoken.some((event) => event.type === 'playing'), 'it began');
  const heard = Math.max(...spoken.map((event) => event.time));
  const sentence = (audio.duration_ms - audio.tail_ms) / 1000;
  assert.ok(heard > sentence, `${heard} s of a sentence of ${sentence} s`);
  assert.ok(heard < sentence + 3, `and not its tail of ${audio.tail_ms} ms`);

  const first = log.findIndex((event) => event.type === 'playing');
  const holes = gaps(log.slice(first + 1));
  assert.ok(holes.length >= 2, 'into the sentence, and out of it');
  holes.forEach((hole) => assert.ok(hole.ms <= GAP_MS_MAX, `${Math.round(hole.ms)} ms before ${hole.before}`));
  console.log(`figures: sentence ${sentence} s, heard ${heard.toFixed(2)} s, gaps ${holes.map((hole) => Math.round(hole.ms)).join(', ')} ms`);

  const [delivery] = alert.deliveries;
  assert.deepEqual([delivery.reason, delivery.plays, delivery.attempts, delivery.trouble], ['played', 1, 1, null]);
  const steps = delivery.timeline.map((step) => step.step);
  assert.deepEqual(steps, ['created', 'stored', 'rendered', 'sent', 'received', 'playing', 'played', 'ended']);
  const times = delivery.timeline.map((step) => Date.parse(step.at));
  const back = times.findIndex((at, i) => i > 0 && at < times[i - 1] - 50);
  assert.equal(back, -1, `time goes back at ${steps[back]}: ${JSON.stringify(delivery.timeline)}`);
  await page.card(id, '[data-state="played"][data-over="true"]');
  assert.deepEqual(await page.close(), []);
});

test('before the tap nothing sounds, and an order waits in sight', async () => {
  const page = await stage.page('r_untouched');
  const id = await stage.server.post('r_untouched', 'order.new', { order: ORDER, alert: once, target: { riders: ['r_untouched'], on_duty: false } });
  await page.card(id, '[data-state="queued"]');
  const { untouched } = await until('the browser has judged', async () => {
    const watched = await page.watched();
    return watched.untouched && watched;
  });
  assert.equal(untouched, 'NotAllowedError', 'this browser lets no page sound before a tap');
  // The card is there before the acknowledgement is kept.
  const steps = await until('received', async () => {
    const { deliveries: [delivery] } = await stage.server.alert(id);
    const names = delivery.timeline.map((step) => step.step);
    return names.includes('received') && names;
  });
  assert.ok(!steps.includes('playing'), steps.join());
  assert.deepEqual((await page.log()).filter((event) => event.type === 'playing'), []);
  await page.start();
  assert.equal((await stage.server.ended(id, SENTENCE_LIMIT_MS)).deliveries[0].reason, 'played');
  assert.deepEqual(await page.close(), []);
});

test('cancelled while it sounds, it is silent at once, and the card says so', async () => {
  const page = await stage.page('r_cancel');
  await page.start();
  const id = await stage.server.post('r_cancel', 'order.new', { order: ORDER });
  await page.card(id, '[data-state="sounding"]');
  const { audio } = await stage.server.alert(id);
  await stage.server.call('POST', `/v1/alerts/${id}/cancel`);
  const card = await page.card(id, '[data-state="stopped"]');
  assert.match(await card.innerText(), /已取消/);
  const log = await page.silence();
  const heard = Math.max(...during(log, audio.path).map((event) => event.time));
  assert.ok(heard < (audio.duration_ms - audio.tail_ms) / 1000, `${heard} s were heard`);
  gaps(log.slice(log.findIndex((event) => event.type === 'playing') + 1)).forEach((hole) => assert.ok(hole.ms <= GAP_MS_MAX, JSON.stringify(hole)));
  const [delivery] = (await stage.server.alert(id)).deliveries;
  assert.deepEqual([delivery.reason, delivery.plays], ['cancelled_by_alert', 0]);
  assert.deepEqual(await page.close(), []);
});

test('a repeat is not begun after the alert is void', async () => {
  const page = await stage.page('r_repeat');
  await page.start();
  const alert = { text: '测试', ttl_s: 6, repeat: { count: 5, gap_ms: 1500 } };
  const id = await stage.server.post('r_repeat', 'order.new', { order: ORDER, alert });
  const ended = await stage.server.ended(id, SENTENCE_LIMIT_MS);
  await until('the page has let go of it', async () => (await page.tab.$(`.card[data-id="${id}"][data-over="true"]`)));
  const begun = (log) => during(log, ended.audio.path).filter((event) => event.type === 'playing');
  const log = await page.log();
  const count = begun(log).length;
  assert.ok(count >= 2 && count < 5, `${count} soundings in 6 s`);
  const began = Date.parse(ended.created_at);
  const span = begun(log)[count - 1].at - begun(log)[0].at;
  assert.ok(span < Date.parse(ended.expires_at) - began, `the last began ${span} ms after the first`);
  // Two more gaps pass, and nothing new is begun.
  const silentUntil = log[log.length - 1].at + 4000;
  const later = await until('four seconds of silence', async () => {
    const events = await page.log();
    return events[events.length - 1].at > silentUntil && events;
  });
  assert.equal(begun(later).length, count);
  assert.deepEqual(await page.close(), []);
});

// What a shift is made of: alerts are heard and told, repeated, taken back, the urgent ones first; in front and in a pocket.
'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const { Stage } = require('./stage.js');
const { until } = require('./bell.js');
const { SILENCED } = require('./oracle.js');

const SLOW = 1; // as in life; in a pocket nothing tells the client how far the player is

const MEASURED = ['device', 'platform', 'started_at', 'ended_at', 'denials', 'gaps', 'gap_ms_max', 'suspends', 'suspend_ms_max', 'hidden_ms',
  'reconnects', 'closes', 'rtt_ms_p50', 'rtt_ms_p95', 'load_ms_p50', 'load_ms_p95', 'timer_late_ms_max', 'ended_seen', 'ended_lost',
  'ended_sets', 'ended_denied', 'notes'];

const stage = Stage.of(test);

const steps = (delivery) => delivery.timeline.map((step) => step.step);
const states = (rider, id) => rider.alerts.filter((a) => a.id === id).map((a) => a.state);
const sounded = (rider) => rider.alerts.filter((a) => a.state === 'sounding').map((a) => a.id);

test('an order is acknowledged, sounds, is heard, and the server can prove it', async () => {
  const rider = await stage.rider('r_one').start();
  const { id } = await stage.post('r_one');
  const delivery = await stage.delivery(id, 'r_one', (d) => d.reason);
  assert.deepEqual(steps(delivery), ['created', 'stored', 'rendered', 'sent', 'received', 'playing', 'played', 'ended']);
  assert.deepEqual([delivery.reason, delivery.plays], ['played', 1]);
  assert.deepEqual(states(rider, id), ['queued', 'sounding', 'played']);
  assert.equal(rider.device.said('ack').flatMap((frame) => frame.seqs).length, 1);
  await until('everything is confirmed', () => rider.client.state().unsent === 0);
});

test('repeats are the client\'s: three times the sentence, each with a src of its own', async () => {
  const rider = await stage.rider('r_thrice').start();
  const { id } = await stage.post('r_thrice', 'order.new', { alert: { repeat: { count: 3, gap_ms: 100 } } });
  await rider.told(id, 'played');
  assert.equal(rider.device.player.spoken().length, 3);
  assert.deepEqual(rider.device.said('report').filter((r) => r.status === 'played').map((r) => r.play), [1, 2, 3]);
});

test('of what waits the urgent one sounds first, and nobody is cut', async () => {
  const rider = await stage.rider('r_urgent', { speed: SLOW }).start();
  const first = await stage.post('r_urgent', 'order.new', { alert: { urgency: 1 } });
  await rider.told(first.id, 'sounding');
  const normal = await stage.post('r_urgent', 'order.new', { timed: false, alert: { urgency: 1 } });
  const urgent = await stage.post('r_urgent', 'order.new', { timed: false, alert: { urgency: 3 } });
  await rider.told(urgent.id, 'queued');
  assert.equal(states(rider, first.id).at(-1), 'sounding', 'the first one is still being said');
  await rider.told(normal.id, 'played');
  assert.deepEqual(sounded(rider), [first.id, urgent.id, normal.id]);
});

test('taken back while it sounds: cut there, and only that one', async () => {
  const rider = await stage.rider('r_back', { speed: 2 }).start();
  const cut = await stage.post('r_back', 'order.new', { expect: SILENCED });
  await rider.told(cut.id, 'sounding');
  const other = await stage.post('r_back', 'order.new', { timed: false });
  await stage.bell.call('POST', `/v1/alerts/${cut.id}/cancel`, {});
  await rider.told(cut.id, 'stopped');
  await rider.told(other.id, 'played');
  const { audio } = await stage.bell.alert(cut.id);
  const clip = rider.device.player.spoken().find((one) => one.path === audio.path);
  assert.ok(clip.ms < audio.duration_ms - audio.tail_ms, `${clip.ms} ms were heard of ${audio.duration_ms - audio.tail_ms}`);
  assert.equal((await stage.delivery(cut.id, 'r_back', (d) => d.reason)).reason, 'cancelled_by_alert');
});

test('in a pocket: silence holds the player, so that an order may sound', async () => {
  const rider = await stage.rider('r_pocket', { speed: SLOW }).start();
  rider.device.hide();
  const { id } = await stage.post('r_pocket');
  assert.equal((await stage.delivery(id, 'r_pocket', (d) => d.reason)).reason, 'played');
  await until('silence runs again', () => rider.device.player.sounding && rider.device.player.sounding.path.includes('/silence/'));
  assert.equal(rider.device.player.denied, 0);
  assert.deepEqual(rider.device.said('state').at(-1).foreground, false);
});

test('clips are what players need: a length, a type, ranges, and as long as they are told to be', async () => {
  const rider = await stage.rider('r_clip').start();
  const text = '这句话提前说好了';
  await stage.bell.call('POST', '/v1/speech', { text });
  const { id } = await stage.post('r_clip', 'order.new', { alert: { text } });
  await rider.told(id, 'played');
  const { audio } = await stage.bell.alert(id);
  const clip = rider.device.player.spoken().find((one) => one.path === audio.path);
  assert.ok(clip, 'the sentence itself was heard');
  assert.ok(Math.abs(clip.length - audio.duration_ms) < 60, `${clip.length} ms, and ${audio.duration_ms} were told`);
  const load = rider.device.player.loads.find((one) => one.path === audio.path);
  assert.deepEqual([load.status, load.bytes], [206, audio.bytes]);
  const url = stage.bell.origin + audio.path;
  const whole = Buffer.from(await (await fetch(url)).arrayBuffer());
  const part = await fetch(url, { headers: { Range: 'bytes=1000-1999' } });
  assert.deepEqual([part.status, part.headers.get('content-range')], [206, `bytes 1000-1999/${whole.length}`]);
  assert.ok(Buffer.from(await part.arrayBuffer()).equals(whole.subarray(1000, 2000)));
  const beyond = await fetch(url, { headers: { Range: `bytes=${whole.length}-` } });
  assert.equal(beyond.status, 416);
});

test('the result of a self-check is taken', async () => {
  const rider = await stage.rider('r_check').start();
  const check = rider.client.selfTest();
  await until('a round trip', () => rider.event('rtt').length > 0);
  check.cancel();
  const result = await check.done;
  const { status, json } = await stage.bell.ask('POST', '/v1/rider/checks', result, await stage.bell.token('r_check'));
  assert.equal(status, 200, JSON.stringify(json));
  const { checks } = await stage.bell.call('GET', '/v1/riders/r_check/checks');
  assert.deepEqual(checks[0].result, result);
  assert.ok(MEASURED.every((name) => name in result), MEASURED.filter((name) => !(name in result)).join());
  assert.equal(typeof result.rtt_ms_p50, 'number');
});

'use strict';
// The way to the server: what is kept, what comes back, what never does.

const test = require('node:test');
const assert = require('node:assert/strict');
const { rig, onTheRoad } = require('./model/rig.js');

test('hello carries the token, the address does not', async () => {
  const r = rig();
  r.rider.connect();
  await r.advance(1000);
  assert.equal(r.phone.sockets[0].url, 'wss://ob.test/v1/rider/socket');
  assert.deepEqual(r.phone.sockets[0].protocols, ['orderbell.v1']);
  const [hello] = r.server.of('hello');
  assert.equal(hello.token, 'tok-1');
  assert.deepEqual(hello.caps.formats, ['mp3', 'm4a', 'wav']);
  assert.equal(typeof hello.device, 'string');
});

test('a ping is answered, and a server that falls silent is left after two and a half heartbeats', async () => {
  const r = await onTheRoad();
  await r.advance(60000);
  assert.equal(r.server.of('pong').length, 3);
  const [first] = r.phone.openSockets();
  first.hollow = true; // half open: nothing arrives, nobody is told
  await r.advance(45000);
  assert.equal(first.closed, false);
  await r.advance(6000);
  assert.equal(first.closed, true, 'the old socket is closed: a phone has five');
  assert.equal(r.server.links, 2);
  assert.equal(r.rider.state().connection, 'ready');
});

test('a socket that dies without onClose is missed and replaced', async () => {
  const r = await onTheRoad();
  r.server.last().kill({ told: false });
  await r.advance(60000);
  assert.equal(r.rider.state().connection, 'ready');
  assert.equal(r.server.links, 2);
});

test('coming back to the front finds a dead socket within seconds', async () => {
  const r = await onTheRoad();
  r.phone.openSockets()[0].hollow = true;
  r.phone.show();
  await r.advance(6000);
  assert.equal(r.server.links, 2);
});

test('late words of a socket that was given up are not heard', async () => {
  const r = await onTheRoad();
  const [old] = r.phone.sockets;
  old.hollow = true;
  await r.advance(60000);
  const before = r.told.alerts.length;
  old.on.message({ data: JSON.stringify({ op: 'alert', seq: 50, id: 'alr_ghost', ring: 1 }) });
  old.on.close({ code: 4002 });
  await r.advance(1000);
  assert.equal(r.told.alerts.length, before);
  assert.equal(r.rider.state().connection, 'ready');
});

test('receipts are numbered, kept until got, and sent again in order after a reconnect', async () => {
  const r = await onTheRoad();
  r.server.keepsReceipts = false;
  r.server.alert({ need: 'confirm' });
  await r.advance(6000);
  r.rider.answer('alr_1', 'confirm');
  await r.advance(1000);
  const sent = r.server.frames.filter((f) => f.frame.n).map((f) => f.frame.n);
  assert.deepEqual(sent, [1, 2, 3]);
  assert.equal(r.rider.state().unsent, 3);
  r.server.keepsReceipts = true;
  r.server.last().shut(1006);
  await r.advance(5000);
  const again = r.server.frames.filter((f) => f.frame.n).map((f) => f.frame.n);
  assert.deepEqual(again, [1, 2, 3, 1, 2, 3]);
  assert.equal(r.rider.state().unsent, 0);
  r.server.last().shut(1006);
  await r.advance(5000);
  assert.equal(r.server.frames.filter((f) => f.frame.n).length, 6, 'what the server has is forgotten');
});

test('receipts outlive the page, and their numbers go on', async () => {
  const r = await onTheRoad();
  r.server.keepsReceipts = false;
  r.server.alert({});
  await r.advance(6000);
  r.rider.close();
  r.server.keepsReceipts = true;
  r.phone.show();
  const second = r.open();
  second.start();
  await r.advance(5000);
  assert.deepEqual(r.server.of('report').map((x) => x.n), [1, 2, 1, 2]);
  r.server.alert({});
  await r.advance(6000);
  assert.equal(r.server.of('report').pop().n, 4);
  assert.equal(new Set(r.server.of('hello').map((h) => h.device)).size, 1);
});

test('a repeated (id, ring) is acked and not said again, not even by the next life of the page', async () => {
  const r = await onTheRoad();
  const alert = r.server.alert({});
  await r.advance(6000);
  r.server.push(Object.assign({}, alert, { attempt: 2 }));
  await r.advance(6000);
  assert.deepEqual(r.server.of('ack').map((a) => a.seqs[0]), [1, 1]);
  assert.equal(r.phone.spoken().length, 1);
  r.rider.close();
  r.phone.show();
  r.server.open.set(alert.id, alert); // the receipt was lost on the server's side
  const told = r.told.alerts.length;
  const second = r.open();
  second.start();
  await r.advance(10000);
  assert.equal(r.told.alerts.length, told, 'not even a card');
  assert.equal(r.phone.spoken().length, 1);
  assert.equal(r.server.of('ack').length, 3);
  r.server.push(Object.assign({}, alert, { seq: 9, ring: 2, repeat: { count: 1, remaining: 1, gap_ms: 0 } }));
  await r.advance(10000);
  assert.equal(r.phone.spoken().length, 2, 'a new ring rings');
  second.close();
});

test('an alert that arrived but was never heard is said by the next life of the page', async () => {
  const r = rig();
  r.rider.connect();
  await r.advance(1000);
  r.server.alert({});
  await r.advance(1000);
  r.rider.close();
  r.open().start();
  await r.advance(8000);
  assert.equal(r.phone.spoken().length, 1);
});

test('an offer already heard comes back as a card, without a sound', async () => {
  const r = await onTheRoad();
  r.server.alert({ need: 'accept' });
  await r.advance(8000);
  r.rider.close();
  r.phone.show();
  const seen = r.told.alerts.length;
  r.open().start();
  await r.advance(8000);
  assert.equal(r.phone.spoken().length, 1);
  assert.deepEqual(r.told.alerts.slice(seen).map((a) => a.state), ['played']);
});

test('a resumed session says only what is left of the repeats', async () => {
  const r = await onTheRoad();
  r.server.alert({ repeat: { count: 3, remaining: 3, gap_ms: 8000 } });
  await r.advance(5000);
  r.rider.close();
  r.phone.show();
  r.open().start();
  await r.advance(60000);
  assert.equal(r.phone.spoken().length, 3);
  assert.deepEqual(r.server.reports('alr_1').filter((x) => /played/.test(x)), ['played:1', 'played:2', 'played:3']);
});

test('a welcome without an id silences and forgets it', async () => {
  const r = await onTheRoad();
  r.server.alert({ repeat: { count: 9, remaining: 9, gap_ms: 2000 } });
  r.server.alert({});
  await r.advance(1000);
  r.server.open.delete('alr_1'); // cancelled while we were away
  r.server.last().shut(1006);
  await r.advance(20000);
  assert.equal(r.phone.spoken().filter((p) => /alr_1/.test(p)).length, 1);
  assert.deepEqual(r.told.alerts.filter((a) => a.id === 'alr_1').pop().reason, 'not_open');
  assert.equal(r.phone.spoken().filter((p) => /alr_2/.test(p)).length, 1);
});

test('bye: the new socket is open before the old one closes, and the old one still rings', async () => {
  const r = await onTheRoad();
  const old = r.server.last();
  old.down({ op: 'bye', code: 4100, retry_after_ms: 5000 });
  await r.advance(1000);
  assert.equal(r.rider.state().connection, 'draining');
  assert.equal(r.server.links, 1, 'retry_after_ms is honoured');
  r.server.alert({});
  await r.advance(3000);
  assert.equal(r.phone.spoken().length + (r.rider.state().sounding ? 1 : 0), 1);
  await r.advance(3000);
  assert.equal(r.server.links, 2);
  assert.equal(r.rider.state().connection, 'ready');
  const welcome = r.server.frames.find((f) => f.session === 'ses_2' && f.frame.op === 'hello').at;
  assert.ok(old.closedAt > welcome, 'made before broken');
  assert.equal(r.phone.openSockets().length, 1);
  await r.advance(10000);
  assert.deepEqual(r.server.reports('alr_1'), ['playing:1', 'played:1']);
});

test('bye: the old socket may be called replaced while the new one is built', async () => {
  const r = await onTheRoad();
  const old = r.server.last();
  old.down({ op: 'bye', code: 4100, retry_after_ms: 0 });
  await r.advance(150);
  assert.equal(r.phone.openSockets().length, 2);
  old.shut(4001, 'replaced'); // arrives before the new one's welcome
  await r.advance(40);
  assert.equal(r.rider.state().connection, 'connecting');
  await r.advance(5000);
  assert.equal(r.rider.state().connection, 'ready');
});

test('final close codes do not come back', async () => {
  for (const [code, reason] of [[4001, 'replaced'], [4002, 'banned'], [4050, 'refused']]) {
    const r = await onTheRoad();
    r.server.alert({ repeat: { count: 9, remaining: 9, gap_ms: 1000 } });
    r.server.last().shut(code);
    await r.advance(3600000);
    assert.equal(r.server.links, 1, `after ${code}`);
    assert.equal(r.phone.player.playing, false, 'another device rings now');
    assert.equal(r.told.alerts.pop().state, 'stopped');
    assert.deepEqual(r.rider.state().fatal, { code, reason });
    assert.equal(r.told.states.pop().connection, 'fatal');
  }
});

test('the other codes of the contract come back', async () => {
  for (const code of [4100, 4101, 4102, 4103, 4104, 1000, 1006, 0]) {
    const r = await onTheRoad();
    r.server.last().shut(code);
    await r.advance(30000);
    assert.equal(r.rider.state().connection, 'ready', `after ${code}`);
    assert.equal(r.asked.length, 1, 'the token is still good');
  }
});

test('a bad token is renewed once, then it is final', async () => {
  const r = rig({ token: (refresh) => (refresh ? 'tok-1' : 'old') });
  r.rider.connect();
  await r.advance(2000);
  assert.equal(r.rider.state().connection, 'ready');
  assert.deepEqual(r.asked, [false, true]);
  const never = rig({ token: (refresh, times) => 'wrong' + times });
  never.rider.connect();
  await never.advance(600000);
  assert.equal(never.server.links, 2);
  assert.deepEqual(never.rider.state().fatal, { code: 4000, reason: 'bad_token' });
});

test('an expired token is renewed before coming back, and one from the server is used', async () => {
  const r = await onTheRoad({ token: (refresh, times) => (refresh ? 'tok-2' : 'tok-1') });
  r.server.tokens.add('tok-2').add('tok-3');
  r.server.last().shut(4105);
  await r.advance(5000);
  assert.deepEqual(r.server.of('hello').map((h) => h.token), ['tok-1', 'tok-2']);
  r.server.push({ op: 'token', token: 'tok-3' });
  await r.advance(1000);
  r.server.last().shut(1006);
  await r.advance(5000);
  assert.equal(r.server.of('hello').pop().token, 'tok-3');
  assert.ok(!JSON.stringify(r.told.events).includes('tok-'), 'events carry no token');
});

test('a page that has no other token to give is told so, instead of knocking for ever', async () => {
  const r = await onTheRoad();
  r.server.last().shut(4105);
  await r.advance(600000);
  assert.deepEqual(r.rider.state().fatal, { code: 4105, reason: 'token_expired' });
  assert.equal(r.server.links, 1);
});

test('a login that fails or hangs is tried again', async () => {
  let calls = 0;
  const r = rig({
    token: () => {
      calls += 1;
      if (calls === 1) throw new Error('login down');
      return calls === 2 ? new Promise(() => {}) : 'tok-1';
    },
  });
  r.rider.connect();
  await r.advance(30000);
  assert.equal(r.rider.state().connection, 'ready');
  assert.equal(r.events('error')[0].where, 'getToken');
});

test('back-off grows to twenty seconds, and a stable connection resets it', async () => {
  const r = rig();
  r.server.up = false;
  const tries = [];
  const connect = r.phone.wx.connectSocket;
  r.phone.wx.connectSocket = (o) => { tries.push(r.world.now); return connect(o); };
  r.rider.connect();
  await r.advance(120000);
  const gaps = tries.slice(1).map((t, i) => t - tries[i]);
  assert.ok(gaps[0] <= 1100 && gaps[gaps.length - 1] > 9000, gaps.join());
  assert.ok(gaps.every((g) => g >= 500 && g <= 20100), gaps.join());
  r.server.up = true;
  await r.advance(60000);
  r.server.last().shut(1006);
  await r.advance(1500);
  assert.equal(r.rider.state().connection, 'ready');
});

test('without network there are no attempts but a slow probe; its return is used at once', async () => {
  const r = await onTheRoad();
  r.phone.network(false);
  await r.advance(55000);
  const before = r.phone.sockets.length;
  await r.advance(120000);
  const probes = r.phone.sockets.length - before;
  assert.ok(probes >= 2 && probes <= 4, `${probes} probes`);
  assert.ok(r.phone.openSockets().length <= 1);
  r.phone.network(true);
  await r.advance(2000);
  assert.equal(r.rider.state().connection, 'ready');
});

test('an attempt that hangs on the old network does not delay the new one', async () => {
  const r = await onTheRoad();
  r.phone.network(false);
  await r.advance(85000); // a probe is under way, into nothing
  assert.equal(r.rider.state().connection, 'connecting');
  r.phone.network(true);
  await r.advance(2000);
  assert.equal(r.rider.state().connection, 'ready');
});

test('the cursor is the highest seq without a gap, and a restored store starts it anew', async () => {
  const r = await onTheRoad();
  r.server.alert({});
  r.server.alert({});
  await r.advance(200);
  r.server.seq += 1; // one that was void before it was sent
  r.server.alert({});
  await r.advance(30000);
  r.server.last().shut(1006);
  await r.advance(5000);
  assert.equal(r.server.of('hello').pop().cursor, 2);
  r.server.last().shut(1006);
  await r.advance(5000);
  assert.equal(r.server.of('hello').pop().cursor, 4, 'the welcome has settled the gap');
  r.server.epoch = 'e2';
  r.server.seq = 1;
  r.server.last().shut(1006);
  await r.advance(5000);
  r.server.last().shut(1006);
  await r.advance(5000);
  const hello = r.server.of('hello').pop();
  assert.deepEqual([hello.epoch, hello.cursor], ['e2', 1]);
});

test('bad JSON, unknown ops and odd frames are survived', async () => {
  const r = await onTheRoad();
  const odd = ['{', 'null', '[]', '7', '{"op":3}', '{"op":"alert"}', '{"op":"alert","id":7,"seq":1}', '{"op":"stop"}',
    '{"op":"stop","ids":"alr_1"}', '{"op":"update","id":"x"}', '{"op":"got"}', '{"op":"answered"}', '{"op":"hologram","x":1}',
    '{"op":"ping"}', '{"op":"pong","now":"soon"}', '{"op":"bye","code":4104}', '{"op":"alert","id":"alr_30","seq":7,"audio":null}'];
  odd.slice(0, -2).forEach((text) => r.server.last().down(text));
  await r.advance(2000);
  r.server.last().down(odd[odd.length - 1]);
  await r.advance(2000);
  assert.deepEqual(r.server.reports('alr_30'), ['failed:1']);
  r.server.alert({ id: 'alr_5' });
  await r.advance(6000);
  assert.equal(r.phone.spoken().length, 1);
  assert.ok(r.events('error').length >= 5);
});

test('an app that throws in a callback is told, and the alert sounds all the same', async () => {
  const r = await onTheRoad({ onAlert: () => { throw new Error('setData of undefined'); } });
  r.server.alert({});
  await r.advance(8000);
  assert.equal(r.phone.spoken().length, 1);
  assert.equal(r.events('error')[0].where, 'onAlert');
});

test('a full storage does not stop an alert', async () => {
  const r = rig();
  r.phone.wx.setStorageSync = () => { throw new Error('exceed storage max size'); };
  r.rider.start();
  await r.advance(2000);
  r.server.alert({});
  await r.advance(8000);
  assert.equal(r.phone.spoken().length, 1);
});

test('two riders on one phone do not send each other\'s receipts', async () => {
  const claims = (sub) => 'h.' + Buffer.from(JSON.stringify({ sub, app: 'default' })).toString('base64url') + '.s';
  let rider = 'r1';
  const r = rig({ token: () => claims(rider) });
  r.server.tokens.add(claims('r1')).add(claims('r2'));
  r.server.keepsReceipts = false;
  r.rider.start();
  await r.advance(2000);
  r.server.alert({});
  await r.advance(8000);
  r.rider.close();
  r.server.open.clear();
  rider = 'r2';
  r.server.frames = [];
  const second = r.open();
  second.connect();
  await r.advance(3000);
  assert.deepEqual(r.server.of('report'), []);
  second.close();
  rider = 'r1';
  r.open().connect();
  await r.advance(3000);
  assert.equal(r.server.of('report').length, 2);
});

test('close ends everything: no socket, no sound, no timer', async () => {
  const r = await onTheRoad();
  r.rider.close();
  await r.advance(3600000);
  assert.equal(r.phone.openSockets().length, 0);
  assert.equal(r.phone.player.playing, false);
  assert.equal(r.phone.timers.size, 0);
});

test('the self-check counts what the phone did', async () => {
  const r = await onTheRoad();
  const check = r.rider.selfTest({ duration_ms: 600000 });
  await r.advance(100000);
  r.server.last().shut(1006);
  await r.advance(100000);
  r.phone.halt('Stop');
  await r.advance(60000);
  r.phone.show();
  await r.advance(400000);
  const result = await check.done;
  assert.equal(result.reconnects >= 1, true);
  assert.equal(result.gaps, 1);
  assert.ok(result.gap_ms_max >= 60000);
  assert.equal(result.suspends, 1);
  assert.equal(result.rtt_ms_p50, 60);
  assert.equal(result.platform, 'wechat');
  assert.ok(result.ended_at - result.started_at >= 600000);
});

test('an answer within the millisecond is measured as such', async () => {
  const r = rig({ phone: { wireMs: 0 } });
  r.rider.start();
  await r.advance(2000);
  const check = r.rider.selfTest({ duration_ms: 60000 });
  await r.advance(61000);
  const result = await check.done;
  assert.deepEqual([result.rtt_ms_p50, result.rtt_ms_p95], [0, 0]);
});

'use strict';
// The phone itself: that the model keeps the rules it was given. What is proved on it is worth no more than this.

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { World } = require('./model/world.js');
const { Server } = require('./model/server.js');
const { Phone } = require('./model/phone.js');
const { rules, rulesOf, STRICT, PRESETS } = require('./model/rules.js');
const { dice } = require('./model/dice.js');

const SEC = 1000;
const MIN = 60000;
const A = 'https://ob.test/audio/c/a.mp3';
const B = 'https://ob.test/audio/c/b.mp3';

function phone(wish) {
  const world = new World();
  const server = new Server(world);
  const p = new Phone(world, server, wish);
  p.files.set('/audio/c/a.mp3', 60000);
  p.files.set('/audio/c/b.mp3', 60000);
  const manager = p.wx.getBackgroundAudioManager();
  const told = [];
  ['Play', 'Pause', 'Stop', 'Ended', 'Error', 'Waiting', 'TimeUpdate'].forEach((name) => {
    manager['on' + name]((detail) => { if (name !== 'TimeUpdate') told.push(detail && detail.errCode ? `${name} ${detail.errCode}` : name); });
  });
  manager.title = '接单中';
  return { world, server, p, manager, told, advance: (ms) => world.advance(ms) };
}

test('time: in order, the same moment in the order it was asked for, and what was cancelled never', async () => {
  const world = new World(0);
  const seen = [];
  const random = dice(7);
  for (let i = 0; i < 500; i += 1) {
    const ms = Math.floor(random() * 100);
    world.at(ms, () => seen.push([world.now, i]));
  }
  const gone = world.at(50, () => seen.push('gone'));
  world.cancel(gone);
  await world.advance(100);
  assert.equal(seen.length, 500);
  seen.slice(1).forEach((s, i) => assert.ok(seen[i][0] < s[0] || (seen[i][0] === s[0] && seen[i][1] < s[1])));
});

test('a new src plays by itself, without a title it throws, and other than http it throws', async () => {
  const t = phone();
  t.manager.src = A;
  await t.advance(200);
  assert.deepEqual(t.told, ['Play']);
  t.manager.title = '';
  assert.throws(() => { t.manager.src = B; }, /title is nil/);
  t.manager.title = 'x';
  assert.throws(() => { t.manager.src = 'wxfile://usr/x.mp3'; }, /not http or https/);
  t.manager.src = A; // the same: nothing
  await t.advance(200);
  assert.deepEqual(t.told, ['Play']);
});

test('in the background a src may be set while sound comes, not while one loads, not in onEnded, not after', async () => {
  const t = phone();
  t.manager.src = A;
  await t.advance(SEC);
  t.p.hide();
  t.manager.src = B;
  t.manager.src = A;
  assert.equal(t.p.denials, 1, 'the second came while the first was loading');
  await t.advance(SEC);
  assert.equal(t.p.player.path, '/audio/c/b.mp3');
  let inEnded = 0;
  t.manager.onEnded(() => { inEnded += 1; t.manager.src = A; });
  await t.advance(61 * SEC);
  assert.deepEqual([inEnded, t.p.denials], [1, 2]);
  t.manager.src = A;
  assert.equal(t.p.denials, 3);
});

test('the lenient phone takes it while loading and in onEnded; each refusal has its form', async () => {
  const t = phone('lenient');
  t.manager.src = A;
  await t.advance(SEC);
  t.p.hide();
  t.manager.src = B;
  t.manager.src = A;
  await t.advance(SEC);
  t.manager.onEnded(() => { t.manager.src = B; });
  await t.advance(61 * SEC);
  assert.equal(t.p.denials, 0);
  assert.equal(t.p.player.path, '/audio/c/b.mp3');
  for (const [denial, seen] of [['silent', []], ['error', ['Error -1']], ['throw', ['thrown']]]) {
    const d = phone({ denial });
    d.p.hide();
    try {
      d.manager.src = A;
    } catch (e) {
      assert.match(e.message, /jsapi has no permission/);
      d.told.push('thrown');
    }
    assert.deepEqual(d.told, seen);
  }
});

test('five seconds without sound in the background freeze the app: nothing runs, all is delivered on the return', async () => {
  const t = phone();
  const ran = [];
  t.p.hide();
  t.p.setTimer(() => ran.push('early'), 4900);
  t.p.setTimer(() => ran.push('late'), 6000);
  t.p.wx.onNetworkStatusChange(() => ran.push('network'));
  await t.advance(MIN);
  t.p.network(false);
  assert.deepEqual([ran, t.p.suspended], [['early'], true]);
  t.p.show();
  assert.deepEqual(ran, ['early', 'late', 'network']);
});

test('while sound comes it lives for hours; loading longer than five seconds it does not', async () => {
  const t = phone();
  t.p.files.set('/audio/c/long.mp3', 8 * 3600 * SEC);
  t.manager.src = 'https://ob.test/audio/c/long.mp3';
  await t.advance(SEC);
  t.p.hide();
  await t.advance(7 * 3600 * SEC);
  assert.equal(t.p.suspensions, 0);
  t.p.hanging.add('/audio/c/b.mp3');
  t.manager.src = B;
  await t.advance(5100);
  assert.equal(t.p.suspended, true);
});

test('frozen for half an hour the app is destroyed, its storage is not; the next show starts it anew', async () => {
  const t = phone();
  let launches = 0;
  t.p.launchApp = () => { launches += 1; };
  t.p.wx.setStorageSync('k', { n: 1 });
  t.p.hide();
  await t.advance(31 * MIN);
  assert.deepEqual([t.p.alive, t.p.destructions, t.p.timers.size], [false, 1, 0]);
  t.p.show();
  assert.deepEqual([launches, t.p.alive, t.p.wx.getStorageSync('k')], [1, true, { n: 1 }]);
});

test('timers in the background: held, flushed together, or dead; in front they are on time', async () => {
  const late = async (timers) => {
    const t = phone({ timers, timerHoldMs: 10000, suspendMs: 1e9 });
    const at = [];
    const began = t.world.now;
    t.p.hide();
    t.p.setTimer(() => at.push(t.world.now - began), 1000);
    t.p.setTimer(() => at.push(t.world.now - began), 2000);
    await t.advance(MIN);
    t.p.show();
    return at;
  };
  assert.deepEqual(await late('ok'), [1000, 2000]);
  const [one, two] = await late('batched');
  assert.equal(one, two);
  assert.ok((await late('held')).every((ms) => ms > 2000 && ms <= 12000));
  assert.deepEqual(await late('dead'), [60000, 60000]);
});

test('a clip is heard as far as it was fetched: dry it waits, and then it fails, or says nothing more', async () => {
  const t = phone({ bytesPerMs: 6 }); // four times as fast as it plays
  t.manager.src = A;
  await t.advance(3 * SEC);
  t.p.network(false);
  await t.advance(20 * SEC);
  assert.deepEqual(t.told, ['Play', 'Waiting']);
  const [piece] = t.p.heard;
  assert.ok(piece.ms > 9000 && piece.ms < 13000, `${piece.ms}`);
  await t.advance(10 * SEC);
  assert.deepEqual(t.told, ['Play', 'Waiting', 'Error 10002']);
  const u = phone({ bytesPerMs: 6, stallErrorMs: 0 });
  u.manager.src = A;
  await u.advance(3 * SEC);
  u.p.network(false);
  await u.advance(MIN);
  u.p.network(true);
  await u.advance(5 * SEC);
  assert.deepEqual(u.told, ['Play', 'Waiting', 'Play'], 'the network is back: it goes on where it was');
  assert.ok(u.p.player.sounding.mark > 9000);
});

test('a call takes the player until it ends; a voice gives it back; music keeps it', async () => {
  const t = phone();
  t.manager.src = A;
  await t.advance(SEC);
  t.p.call();
  t.manager.src = B;
  assert.equal(t.p.denials, 1, 'not even in front');
  t.p.hangUp();
  t.manager.src = B;
  await t.advance(SEC);
  t.p.voice(2000);
  assert.equal(t.p.player.playing, false);
  await t.advance(2100);
  assert.equal(t.p.player.playing, true);
  assert.deepEqual(t.told, ['Play', 'Pause', 'Play', 'Pause', 'Play']);
});

test('five sockets and no more; one that was lost without a word counts until it is closed', async () => {
  const t = phone();
  const open = () => {
    let failed = '';
    const task = t.p.wx.connectSocket({ url: 'wss://x/', protocols: [], fail: (e) => { failed = e.errMsg; } });
    return { task, failed: () => failed };
  };
  const tasks = Array.from({ length: 5 }, open);
  await t.advance(SEC);
  assert.match(open().failed(), /exceed max concurrent count/);
  t.p.openSockets()[0].kill({ told: false });
  assert.match(open().failed(), /exceed max/);
  tasks[0].task.close({ code: 1000 });
  assert.equal(open().failed(), '');
});

test('just after a freeze a socket is refused, a moment later it is not; a request is interrupted by the freeze', async () => {
  const t = phone();
  const said = [];
  t.p.hide();
  await t.advance(4990);
  t.p.wx.request({ url: 'https://ob.test/v1/rider/alerts', fail: (e) => said.push(e.errMsg), success: () => said.push('answer') });
  await t.advance(MIN);
  t.p.show();
  const connect = () => t.p.wx.connectSocket({ url: 'wss://x/', protocols: [], fail: (e) => said.push(e.errMsg) });
  connect();
  await t.advance(300);
  connect();
  await t.advance(SEC);
  assert.equal(said.length, 2);
  assert.match(said[0], /interrupted/);
  assert.match(said[1], /runningState=suspend/);
});

test('a socket without traffic is closed by the client after five minutes', async () => {
  const t = phone();
  const closes = [];
  const task = t.p.wx.connectSocket({ url: 'wss://x/', protocols: [] });
  task.onClose((e) => closes.push(e.code));
  await t.advance(4 * MIN);
  assert.deepEqual(closes, []);
  await t.advance(2 * MIN);
  assert.equal(closes.length, 1);
});

test('rules: presets differ from the strict ones by known names, an unknown one is refused', () => {
  Object.keys(PRESETS).forEach((name) => assert.equal(rules(name).name, name));
  assert.throws(() => rules({ permissionInEnded: true }), /no rule/);
  assert.throws(() => rules('windows'), /no preset/);
  assert.equal(STRICT.endedMay || STRICT.loadingPlays || STRICT.stallPlays, false, 'strict is the default');
});

test('rules of a phone: what its self-check measured, and strict where it did not', () => {
  const read = (name) => JSON.parse(fs.readFileSync(path.join(__dirname, 'model/phones', name), 'utf8'));
  const android = rulesOf(read('example-android.json'));
  assert.deepEqual([android.timers, android.endedMay, android.loseEnded, android.wireMs], ['held', false, 0.1, 42]);
  assert.deepEqual(android.loadMs, [105, 1350]);
  assert.deepEqual(android.closeCodes, [1000, 1006]);
  const ios = rulesOf(read('example-ios.json'));
  assert.deepEqual([ios.timers, ios.endedMay, ios.loseEnded], ['ok', true, 0]);
  const none = rulesOf({ load_ms_p50: null, load_ms_p95: null, ended_seen: null, closes: null });
  assert.deepEqual(Object.assign({}, none, { name: 'strict' }), rules('strict'));
});

test('the same seed gives the same day', async () => {
  const { shift } = require('./model/day.js');
  const one = await shift({ seed: 3, hours: 1, http: true });
  const two = await shift({ seed: 3, hours: 1, http: true });
  assert.deepEqual(one.trace, two.trace);
  assert.notDeepEqual((await shift({ seed: 4, hours: 1, http: true })).trace, one.trace);
});

// Answering with the headset, and the screen that stays lit. A test cannot press the button itself: it calls the handler that
// the page gave to the browser for it. The socket is the test's, so that offers come and end at a moment of its choice.
'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const { Stage, until } = require('./stage.js');

const once = { repeat: { count: 1, remaining: 1, gap_ms: 1000 }, audio: { url: '/audio/silence/2.mp3', mime: 'audio/mpeg', duration_ms: 2000, tail_ms: 1500 } };

let stage;
test.before(async () => { stage = await Stage.set(); });
test.after(async () => { await stage.strike(); });

/** Counts the tones, which a rider hears instead of looking, and gives the page a clock that the test moves. Runs in the page. */
function listen() {
  let now = 1000000;
  performance.now = () => now;
  window.pass = (ms) => { now += ms; };
  window.tones = [];
  const { start } = OscillatorNode.prototype;
  OscillatorNode.prototype.start = function begin(at) {
    window.tones.push(Math.round(this.frequency.value));
    start.call(this, at);
  };
}

async function started(rider, options) {
  const page = await stage.page(rider, { scripted: true, script: listen, ...options });
  await page.start();
  return page;
}

const said = (page, text) => page.tab.waitForSelector(`#headset-said:has-text("${text}")`);
const tones = (page) => page.tab.evaluate(() => window.tones.splice(0));
const answers = (page) => page.socket.answers.map(({ id, answer }) => `${id} ${answer}`);

/** Time for a rider to have heard what begins, and for a headset to have settled. */
function pass(page, ms) {
  return page.tab.evaluate((more) => window.pass(more), ms);
}

async function sounding(page, id) {
  await page.card(id, '[data-state="sounding"]');
  await pass(page, 2000);
}

test('next accepts the offer that sounds, and what was accepted is said in words and in tones', async () => {
  const page = await started('r_next');
  page.socket.outcome = null;
  page.socket.offer('alr_17');
  await sounding(page, 'alr_17');
  const shown = await page.tab.evaluate(() => ({ title: navigator.mediaSession.metadata.title, artwork: navigator.mediaSession.metadata.artwork[0].src }));
  assert.deepEqual(shown, { title: '新派单', artwork: `${page.line.origin}/rider/icon-192.png` }, 'on the lock screen');
  await tones(page);
  await page.press('nexttrack');
  await said(page, '正在接单 #17 测试面馆 → 阳光花园');
  await page.card('alr_17', '[data-state="answering"]');
  page.socket.tell('alr_17', 'recorded', page.socket.answers[0].n);
  await said(page, '已接单 #17 测试面馆 → 阳光花园');
  await page.shoot('headset');
  assert.deepEqual(answers(page), ['alr_17 accept']);
  assert.deepEqual(await tones(page), [880, 784, 1175], 'heard, and done');
  assert.deepEqual(await page.close(), []);
});

test('a grab is grabbed, and one that another rider has is told as lost', async () => {
  const page = await started('r_grab');
  page.socket.offer('alr_21', { mode: 'grab' });
  page.socket.outcome = 'won';
  await sounding(page, 'alr_21');
  await page.press('nexttrack');
  await said(page, '抢单成功 #21');
  page.socket.offer('alr_22', { mode: 'grab' });
  page.socket.outcome = 'lost';
  await sounding(page, 'alr_22');
  await tones(page);
  await page.press('nexttrack');
  await said(page, '已被抢 #22');
  assert.deepEqual(await tones(page), [880, 330, 247]);
  assert.deepEqual(answers(page), ['alr_21 accept', 'alr_22 accept']);
  assert.deepEqual(await page.close(), []);
});

test('nothing is accepted that is not open, was not heard, or was pressed twice by one press', async () => {
  const page = await started('r_guard');
  await page.press('nexttrack');
  await said(page, '没有可接的单');
  await pass(page, 2000);

  page.socket.offer('alr_31');
  await sounding(page, 'alr_31');
  page.socket.stop('alr_31', 'cancelled');
  await page.card('alr_31', '[data-state="stopped"]');
  await page.press('nexttrack');
  await said(page, '没有可接的单');
  assert.deepEqual(answers(page), [], 'cancelled');
  await pass(page, 2000);

  page.socket.offer('alr_32', once);
  await page.card('alr_32', '[data-state="sounding"]');
  await page.press('nexttrack');
  await said(page, '没有可接的单');
  assert.deepEqual(answers(page), [], 'this press was on its way before the first tone could be heard');
  await pass(page, 2000);

  page.socket.offer('alr_33', once);
  await sounding(page, 'alr_33'); // after the first
  await page.press('nexttrack');
  await page.press('nexttrack'); // one press, told twice: it must not take the other order
  await page.card('alr_33', '[data-state="answered"]');
  assert.deepEqual(answers(page), ['alr_33 accept']);
  await pass(page, 2000);
  await page.press('previoustrack');
  await page.press('nexttrack');
  await page.card('alr_32', '[data-state="answered"]');
  assert.deepEqual(answers(page), ['alr_33 accept', 'alr_32 accept'], 'and the other button answers nothing');
  assert.deepEqual(await page.close(), []);
});

test('after its sentence an open offer can be accepted, and a message that wants a word is confirmed', async () => {
  const page = await started('r_open');
  page.socket.offer('alr_41', once);
  await page.card('alr_41', '[data-state="played"]');
  await pass(page, 2000);
  await page.press('nexttrack');
  await said(page, '已接单 #41');
  page.socket.offer('alr_42', { ...once, kind: 'order.assigned', mode: 'ack', need: 'confirm', title: '派单', answer_by: undefined, audio: { ...once.audio, url: '/audio/silence/4.mp3', duration_ms: 4000 } });
  await sounding(page, 'alr_42');
  await page.press('nexttrack');
  await said(page, '已确认 #42');
  assert.deepEqual(answers(page), ['alr_41 accept', 'alr_42 confirm']);
  assert.deepEqual(await page.close(), []);
});

test('it can be turned off, and stays off; where the browser has no such button, the page promises none', async () => {
  const page = await started('r_off');
  assert.ok(await page.tab.isVisible('#headset-hint'));
  await page.tab.tap('#settings summary');
  await page.tab.tap('#headset-row');
  assert.ok(await page.tab.isHidden('#headset-hint'));
  page.socket.offer('alr_51');
  await sounding(page, 'alr_51');
  await page.press('nexttrack');
  assert.ok(await page.tab.isHidden('#headset-said'));
  await page.tab.reload();
  await page.is('#connection', 'ready');
  assert.equal(await page.tab.isChecked('#headset-on'), false);
  assert.deepEqual(answers(page), []);
  assert.deepEqual(await page.close(), []);

  const script = () => { delete Navigator.prototype.mediaSession; };
  const bare = await stage.visit(`#token=${stage.server.token('r_bare')}`, { script: `delete window.pressed; (${script})()` });
  bare.rider = 'r_bare';
  await bare.is('#connection', 'ready');
  await bare.start();
  assert.ok(await bare.tab.isHidden('#headset-hint'));
  await bare.tab.tap('#settings summary');
  assert.match(await bare.tab.innerText('#settings'), /不给耳机按键/);
  assert.ok(await bare.tab.isHidden('#headset-row'));
  assert.deepEqual(await bare.close(), []);
});

/** A phone whose screen can be kept lit, or will not be; and that can be put away. Runs in the page. */
function lamp(refuses) {
  window.lamps = { asked: 0, lock: null };
  navigator.wakeLock.request = (kind) => {
    window.lamps.asked += 1;
    if (refuses || kind !== 'screen') return Promise.reject(new DOMException('battery', 'NotAllowedError'));
    window.lamps.lock = Object.assign(new EventTarget(), { release: () => { window.lamps.lock = null; return Promise.resolve(); } });
    return Promise.resolve(window.lamps.lock);
  };
  window.turn = (state) => {
    Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
    if (state === 'hidden' && window.lamps.lock) window.lamps.lock.dispatchEvent(new Event('release'));
  };
}

test('the screen stays lit on duty, also after the page was away, and a phone that refuses is told of', async () => {
  const page = await stage.page('r_lit', { scripted: true, script: `(${lamp})(false)` });
  const asked = () => page.tab.evaluate(() => window.lamps.asked);
  assert.equal(await asked(), 0);
  await page.start();
  await page.is('#lamp-hint', 'lit');
  await page.tab.evaluate(() => window.turn('hidden'));
  page.socket.offer('alr_61');
  await until('the title tells of it', async () => /1 条新通知/.test(await page.tab.title()));
  await page.tab.evaluate(() => window.turn('visible'));
  await until('asked again', async () => (await asked()) === 2);
  await until('the title is plain', async () => (await page.tab.title()) === '骑手接单 · Orderbell');
  await page.tab.tap('#stop');
  await until('let go', () => page.tab.evaluate(() => window.lamps.lock === null));
  assert.deepEqual(await page.close(), []);

  const dark = await stage.page('r_dark', { scripted: true, script: `(${lamp})(true)` });
  await dark.start();
  await dark.is('#lamp-hint', 'refused');
  assert.match(await dark.tab.innerText('#lamp-hint'), /自动锁屏/);
  assert.deepEqual(await dark.close(), []);
});

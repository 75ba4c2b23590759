// Offers on the rider's page: with the real server for what it can say, and with a socket of the test's own (`scripted`)
// for outcomes and losses that must come at a moment of the test's choice.
'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const { Stage, until } = require('./stage.js');

const LEAVES_LIMIT_MS = 10000;

let stage;
test.before(async () => { stage = await Stage.set(); });
test.after(async () => { await stage.strike(); });

const order = (no, merchant, area) => ({ id: `o${no}`, short_no: no, merchant: { name: merchant }, dropoff: { area }, distance_m: 1200, fee_cents: 580 });

async function scripted(rider) {
  const page = await stage.page(rider, { scripted: true });
  await page.start();
  return page;
}

const buttons = (page, id) => page.tab.$$eval(`.card[data-id="${id}"] .actions button`, (all) => all
  .filter((b) => !b.hidden).map((b) => ({ action: b.dataset.action, text: b.textContent, disabled: b.disabled })));
const words = async (page, id) => (await buttons(page, id)).map((b) => b.text);
const state = (page, id) => page.tab.innerText(`.card[data-id="${id}"] .state-text`);
const tap = (page, id, action) => page.tab.tap(`.card[data-id="${id}"] button[data-action="${action}"]`);
const inView = async (page, id) => {
  const box = await (await page.card(id)).boundingBox();
  return box.y >= 0 && box.y + box.height <= page.tab.viewportSize().height;
};

// ---- the real server ---------------------------------------------------------------------------

test('accepted and declined at the real server: one tap each, and the page says which', async () => {
  const page = await stage.page('r_offers');
  await page.start();
  for (const [no, action, said] of [['51', 'accept', '已接单'], ['52', 'decline', '已拒绝']]) {
    const id = await stage.server.post('r_offers', 'order.offered', { order: order(no, '测试面馆', '阳光花园') });
    await page.card(id);
    assert.deepEqual(await words(page, id), ['接单', '拒绝']);
    await tap(page, id, action);
    await page.card(id, '[data-state="answered"]');
    assert.equal(await state(page, id), said);
    const [delivery] = (await stage.server.ended(id)).deliveries;
    assert.equal(delivery.answer, action);
  }
  assert.deepEqual(await page.close(), []);
});

test('an offer that runs out at the real server is void on the page, without a button', async () => {
  const page = await stage.page('r_void');
  await page.start();
  const id = await stage.server.post('r_void', 'order.offered', { order: order('53', '测试面馆', '阳光花园'), alert: { ttl_s: 3 } });
  await page.card(id, '[data-over="false"]');
  await page.card(id, '[data-over="true"]');
  assert.equal(await state(page, id), '已失效');
  assert.deepEqual(await words(page, id), []);
  assert.deepEqual(await page.close(), []);
});

test('two open offers at the real server are both in sight, the most urgent first, whichever came first', async () => {
  const page = await stage.page('r_both');
  await page.start();
  const grab = await stage.server.post('r_both', 'order.available', { order: order('54', '兰州拉面', '科技园'), alert: { ttl_s: 60 } });
  await page.card(grab);
  const offered = await stage.server.post('r_both', 'order.offered', { order: order('55', '测试面馆', '阳光花园'), alert: { ttl_s: 60 } });
  await page.card(offered);
  const shown = await page.tab.$$eval('.card', (cards) => cards.map((card) => card.dataset.id));
  assert.deepEqual(shown, [offered, grab]);
  assert.equal(await inView(page, offered) && await inView(page, grab), true);
  await page.shoot('two-offers');
  await page.tab.emulateMedia({ colorScheme: 'dark' });
  await page.shoot('two-offers-dark');
  assert.deepEqual(await page.close(), []);
});

// ---- a scripted socket -------------------------------------------------------------------------

test('scripted: each mode has its buttons', async () => {
  const page = await scripted('r_modes');
  page.socket.offer('alr_61', { mode: 'assign' });
  page.socket.offer('alr_62', { mode: 'grab', kind: 'order.available', urgency: 2 });
  page.socket.offer('alr_63', { mode: 'ack', need: 'confirm', kind: 'order.assigned', urgency: 1, answer_by: undefined });
  page.socket.offer('alr_64', { mode: 'notify', need: 'none', kind: 'order.ready', urgency: 0, answer_by: undefined });
  await page.card('alr_64');
  assert.deepEqual(await words(page, 'alr_61'), ['接单', '拒绝']);
  assert.deepEqual(await words(page, 'alr_62'), ['抢单']);
  assert.deepEqual(await words(page, 'alr_63'), ['确认']);
  assert.deepEqual(await words(page, 'alr_64'), []);
  assert.deepEqual(await page.close(), []);
});

test('scripted: the buttons lock while the answer travels, pending is no success, won is', async () => {
  const page = await scripted('r_grab');
  page.socket.outcome = null;
  page.socket.offer('alr_71', { mode: 'grab', kind: 'order.available', title: '抢单' });
  await page.card('alr_71');
  await page.shoot('grab');
  await tap(page, 'alr_71', 'accept');
  await page.card('alr_71', '[data-state="answering"]');
  assert.deepEqual(await buttons(page, 'alr_71'), [{ action: 'accept', text: '正在提交', disabled: true }]);
  const { answers: [answer] } = await until('the answer', () => page.socket.answers.length && page.socket);
  page.socket.tell('alr_71', 'pending', answer.n);
  await until('the word', async () => (await words(page, 'alr_71'))[0] === '处理中');
  assert.equal(await state(page, 'alr_71'), '处理中，请稍等');
  assert.doesNotMatch(await page.tab.innerText('.card[data-id="alr_71"]'), /成功|已接单/);
  await page.shoot('pending');
  page.socket.cut();
  await until('it is asked again', () => page.socket.answers.length === 2);
  assert.ok(page.socket.answers[1].n > answer.n);
  assert.equal(page.socket.answers[1].answer, 'accept');
  page.socket.tell('alr_71', 'won');
  await page.card('alr_71', '[data-result="done"]');
  assert.equal(await state(page, 'alr_71'), '抢单成功');
  await page.shoot('won');
  assert.deepEqual(await page.close(), []);
});

test('scripted: lost, taken and gone are told apart, and only a loss leaves the screen by itself', async () => {
  const page = await scripted('r_lost');
  page.socket.offer('alr_81', { mode: 'grab', kind: 'order.available' });
  page.socket.offer('alr_82', { mode: 'grab', kind: 'order.available' });
  page.socket.offer('alr_83', { mode: 'assign' });
  await page.card('alr_83');
  page.socket.outcome = 'gone'; // first: if it left as a loss does, it would have left before the others
  await tap(page, 'alr_83', 'accept');
  await page.card('alr_83', '[data-result="gone"]');
  page.socket.outcome = 'lost';
  await tap(page, 'alr_81', 'accept');
  await page.card('alr_81', '[data-result="lost"]');
  page.socket.stop('alr_81', 'taken'); // follows a loss, and changes nothing
  page.socket.stop('alr_82', 'taken');
  page.socket.offer('alr_84', { kind: 'order.taken', mode: 'notify', need: 'none', urgency: 0, in_ms: 10000, answer_by: undefined });
  await page.card('alr_82', '[data-result="lost"]');
  assert.deepEqual([await state(page, 'alr_81'), await state(page, 'alr_82'), await state(page, 'alr_83')], ['已被抢', '已被抢', '已失效']);
  assert.equal(await page.tab.$('.card[data-id="alr_84"]'), null, 'its chime is heard, its card would say the same again');
  await page.shoot('lost');
  await page.tab.waitForSelector('.card[data-result="lost"]', { state: 'detached', timeout: LEAVES_LIMIT_MS });
  assert.equal(await state(page, 'alr_83'), '已失效', 'stays');
  assert.deepEqual(await page.close(), []);
});

test('scripted: the countdown runs to answer_by by the clock of the server, and then no answer is sent', async () => {
  const page = await stage.page('r_clock', { scripted: true });
  page.socket.ahead = 3600000; // the phone is an hour behind
  page.socket.cut(); // and learns it with the next welcome
  await until('the new session', () => page.socket.links === 2);
  await page.is('#connection', 'ready');
  await page.start();
  const began = Date.now();
  page.socket.offer('alr_91', { in_ms: 5000, expires_at: page.socket.now() + 60000 });
  await page.card('alr_91');
  const left = await page.tab.innerText('.card[data-id="alr_91"] .left');
  assert.match(left, /^[345] 秒$/);
  await page.tab.waitForSelector('.card[data-id="alr_91"] .left[data-soon="true"]');
  await page.card('alr_91', '[data-over="true"]');
  const took = Date.now() - began;
  assert.ok(took >= 4500 && took < 7000, `void after ${took} ms`);
  assert.equal(await state(page, 'alr_91'), '已失效');
  assert.deepEqual(await words(page, 'alr_91'), []);
  assert.equal(await page.tab.evaluate(() => window.orderbell.answer('alr_91', 'accept')), false);
  assert.deepEqual(page.socket.answers, []);
  assert.deepEqual(await page.close(), []);
});

test('scripted: a more urgent offer takes the top, and for a moment no tap counts', async () => {
  const page = await scripted('r_thumb');
  page.socket.offer('alr_65', { urgency: 2 });
  await page.card('alr_65');
  assert.equal((await buttons(page, 'alr_65'))[0].disabled, false, 'a first offer is answered at once');
  await page.tab.evaluate(() => {
    window.locked = [];
    new MutationObserver(() => window.locked.push(Array.from(document.querySelectorAll('.card .actions button'), (b) => b.disabled)))
      .observe(document.querySelector('#cards'), { childList: true, subtree: true, attributes: true });
  });
  page.socket.offer('alr_66', { urgency: 3 });
  await page.card('alr_66');
  await tap(page, 'alr_66', 'accept'); // waits until it may
  await page.card('alr_66', '[data-state="answered"]');
  const locked = await page.tab.evaluate(() => window.locked);
  assert.ok(locked.some((all) => all.length === 4 && all.every((one) => one)), 'both were locked while they moved');
  assert.deepEqual(page.socket.answers.map((a) => a.id), ['alr_66']);
  assert.deepEqual(await page.close(), []);
});

test('scripted: an offer that rings again keeps its card and its place', async () => {
  const page = await scripted('r_again');
  const first = page.socket.offer('alr_67', { in_ms: 60000 });
  const card = await page.card('alr_67', '[data-state="waiting"]');
  await card.evaluate((node) => { node.marked = true; });
  page.socket.push({ ...first, seq: 9, ring: 2 });
  await page.card('alr_67', '[data-state="sounding"]');
  assert.equal(await (await page.card('alr_67')).evaluate((node) => node.marked), true);
  assert.match(await page.tab.innerText('.card[data-id="alr_67"] .plays'), /第 1 \/ 3 遍/);
  assert.equal(await page.tab.$$eval('.card', (cards) => cards.length), 1);
  assert.deepEqual(await page.close(), []);
});

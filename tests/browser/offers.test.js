// Offers on the rider's page, with the real server: accepted, declined, void, won, lost, decided by a backend. One test has
// a socket of its own (`scripted`), for an outcome that the server gives only to who asks in the very moment.
'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const { Stage, until, order } = require('./stage.js');

const CHIME = '/audio/canned/any-chime';
const HOUR_MS = 3600000;
const LEAVES_LIMIT_MS = 10000;
const brief = { text: '测试', repeat: { count: 1 } };

let stage;
test.before(async () => { stage = await Stage.set(); });
test.after(async () => { await stage.strike(); });

const buttons = (page, id) => page.tab.$$eval(`.card[data-id="${id}"] .actions button`, (all) => all
  .filter((b) => !b.hidden).map((b) => ({ action: b.dataset.action, text: b.textContent, disabled: b.disabled })));
const words = async (page, id) => (await buttons(page, id)).map((b) => b.text);
const state = (page, id) => page.tab.innerText(`.card[data-id="${id}"] .state-text`);
const tap = (page, id, action) => page.tab.tap(`.card[data-id="${id}"] button[data-action="${action}"]`);
const inView = async (page, id) => {
  const box = await (await page.card(id)).boundingBox();
  return box.y >= 0 && box.y + box.height <= page.tab.viewportSize().height;
};

async function started(rider, options) {
  const page = await stage.page(rider, options);
  await page.start();
  return page;
}

test('each mode has its buttons', async () => {
  const page = await started('r_modes');
  for (const [mode, expected] of [['assign', ['接单', '拒绝']], ['grab', ['抢单']], ['ack', ['确认']], ['notify', []]]) {
    const id = await stage.server.post('r_modes', 'order.ready', { offer: { mode }, alert: brief });
    await page.card(id);
    assert.deepEqual(await words(page, id), expected, mode);
  }
  assert.deepEqual(await page.close(), []);
});

test('accepted and declined: one tap each, and the page says which', async () => {
  const page = await started('r_offers');
  for (const [no, action, said] of [['51', 'accept', '已接单'], ['52', 'decline', '已拒绝']]) {
    const id = await stage.server.post('r_offers', 'order.offered', { order: order(no, '测试面馆', '阳光花园') });
    await page.card(id);
    await tap(page, id, action);
    await page.card(id, '[data-state="answered"]');
    assert.equal(await state(page, id), said);
    const [delivery] = (await stage.server.ended(id)).deliveries;
    assert.equal(delivery.answer, action);
  }
  assert.deepEqual(await page.close(), []);
});

test('the countdown runs to answer_by by the clock of the server, and then nothing can be answered', async () => {
  const page = await started('r_void', { behind: HOUR_MS });
  const id = await stage.server.post('r_void', 'order.offered', { order: order('53', '测试面馆', '阳光花园'), offer: { mode: 'assign', timeout_s: 6 }, alert: brief });
  await page.card(id, '[data-over="false"]');
  assert.match(await page.tab.innerText(`.card[data-id="${id}"] .left`), /^[3456] 秒$/);
  await page.tab.waitForSelector(`.card[data-id="${id}"] .left[data-soon="true"]`);
  await page.card(id, '[data-over="true"]');
  const seen = Date.now();
  assert.equal(await state(page, id), '已失效');
  assert.deepEqual(await words(page, id), []);
  assert.equal(await page.tab.evaluate((one) => window.orderbell.answer(one, 'accept'), id), false);
  const { deliveries: [delivery] } = await stage.server.ended(id);
  assert.deepEqual([delivery.reason, delivery.answer, delivery.late_answer], ['not_answered', null, null]);
  const late = seen - Date.parse(delivery.answer_by);
  assert.ok(Math.abs(late) < 1000, `void on the page ${late} ms after answer_by`);
  assert.equal(await state(page, id), '已失效', 'nor does the end at the server say anything else');
  assert.deepEqual(await page.close(), []);
});

test('offers are in sight, the most urgent first, above whatever else waits for a tap', async () => {
  const page = await started('r_both');
  const cancelled = await stage.server.post('r_both', 'order.cancelled', { order: order('56', '沙县小吃', '幸福里') });
  await page.card(cancelled);
  const grab = await stage.server.post('r_both', 'order.available', { order: order('54', '兰州拉面', '科技园') });
  await page.card(grab);
  const offered = await stage.server.post('r_both', 'order.offered', { order: order('55', '测试面馆', '阳光花园') });
  await page.card(offered);
  const shown = await page.tab.$$eval('.card', (cards) => cards.map((card) => card.dataset.id));
  assert.deepEqual(shown, [offered, grab, cancelled]);
  assert.equal(await inView(page, offered) && await inView(page, grab), true);
  await page.shoot('two-offers');
  await page.tab.emulateMedia({ colorScheme: 'dark' });
  await page.shoot('two-offers-dark');
  assert.deepEqual(await page.close(), []);
});

test('a more urgent offer takes the top, and for a moment no tap counts', async () => {
  const page = await started('r_thumb');
  const first = await stage.server.post('r_thumb', 'order.offered', { order: order('57', '兰州拉面', '科技园'), alert: { urgency: 2 } });
  await page.card(first);
  assert.equal((await buttons(page, first))[0].disabled, false, 'a first offer is answered at once');
  await page.tab.evaluate(() => {
    window.locked = [];
    new MutationObserver(() => window.locked.push(Array.from(document.querySelectorAll('.card .actions button'), (b) => b.disabled)))
      .observe(document.querySelector('#cards'), { childList: true, subtree: true, attributes: true });
  });
  const second = await stage.server.post('r_thumb', 'order.offered', { order: order('58', '测试面馆', '阳光花园') });
  await page.card(second);
  await tap(page, second, 'accept'); // waits until it may
  await page.card(second, '[data-state="answered"]');
  const locked = await page.tab.evaluate(() => window.locked);
  assert.ok(locked.some((all) => all.length === 4 && all.every((one) => one)), 'both were locked while they moved');
  assert.equal((await stage.server.ended(second)).deliveries[0].answer, 'accept');
  assert.equal((await stage.server.alert(first)).deliveries[0].answer, null);
  assert.deepEqual(await page.close(), []);
});

test('the first tap has the order, the other rider is told and hears the chime', async () => {
  const [quick, slow] = [await started('r_quick'), await started('r_slow')];
  const id = await stage.server.post(['r_quick', 'r_slow'], 'order.available', { order: order('61', '兰州拉面', '科技园') });
  await quick.card(id, '[data-state="sounding"]');
  await slow.card(id, '[data-state="sounding"]');
  await quick.shoot('grab');
  await tap(quick, id, 'accept');
  await quick.card(id, '[data-result="done"]');
  assert.equal(await state(quick, id), '抢单成功');
  await slow.card(id, '[data-result="lost"]');
  assert.equal(await state(slow, id), '已被抢');
  assert.deepEqual(await words(slow, id), []);
  await slow.shoot('lost');
  await until('the chime', () => slow.begun(CHIME));
  await slow.silence();
  const alert = await stage.server.alert(id);
  const ends = alert.deliveries.map(({ rider, state: end, reason }) => `${rider} ${end} ${reason}`).sort();
  assert.deepEqual([alert.winner, ...ends], ['r_quick', 'r_quick accepted answered', 'r_slow lost taken']);
  assert.deepEqual([await quick.begun(CHIME), await slow.begun(CHIME)], [0, 1]);
  assert.deepEqual([await slow.begun(alert.audio.path), await slow.tab.$$eval('.card', (cards) => cards.length)], [1, 1], 'one card, no second sounding');
  assert.deepEqual([await quick.close(), await slow.close()], [[], []]);
});

test('a backend takes its time to decide: 正在提交, 处理中, and a success only when it has said so', async () => {
  let decide;
  const backend = await stage.backend(() => new Promise((resolve) => { decide = resolve; }));
  const page = await started('r_decided');
  const id = await stage.server.post('r_decided', 'order.available', { order: order('71', '兰州拉面', '科技园'), callback_url: backend.url, offer: { mode: 'grab', arbiter: 'backend' } });
  await page.card(id, '[data-state="sounding"]');
  await tap(page, id, 'accept');
  await page.card(id, '[data-state="answering"]');
  assert.deepEqual(await buttons(page, id), [{ action: 'accept', text: '正在提交', disabled: true }]);
  await page.card(id, '[data-result="pending"]');
  assert.deepEqual(await buttons(page, id), [{ action: 'accept', text: '处理中', disabled: true }]);
  assert.equal(await state(page, id), '处理中，请稍等');
  assert.doesNotMatch(await (await page.card(id)).innerText(), /成功|已接单/);
  await page.shoot('pending');
  decide('won');
  await page.card(id, '[data-result="done"]');
  assert.equal(await state(page, id), '抢单成功');
  const { winner, deliveries: [delivery] } = await stage.server.ended(id);
  assert.deepEqual([winner, delivery.state], ['r_decided', 'accepted']);
  assert.deepEqual(backend.questions.map((q) => [q.type, q.alert_id, q.rider, q.key]), [['offer.accept', id, 'r_decided', delivery.delivery_id]]);
  assert.deepEqual(await page.close(), []);
});

test('cut off while the backend decides, the page asks again and learns that the order is lost', async () => {
  let decide;
  const backend = await stage.backend(() => new Promise((resolve) => { decide = resolve; }));
  const page = await started('r_undecided');
  const id = await stage.server.post('r_undecided', 'order.available', { order: order('72', '兰州拉面', '科技园'), callback_url: backend.url, offer: { mode: 'grab', arbiter: 'backend' } });
  await page.card(id, '[data-state="sounding"]');
  await tap(page, id, 'accept');
  await page.card(id, '[data-result="pending"]');
  page.line.cut();
  await page.tab.waitForSelector('#connection:not([data-state="ready"])');
  page.line.mend();
  await page.is('#connection', 'ready');
  assert.equal(await state(page, id), '处理中，请稍等');
  decide('lost');
  await page.card(id, '[data-result="lost"]');
  assert.equal(await state(page, id), '已被抢');
  const { winner, deliveries: [delivery] } = await stage.server.ended(id);
  assert.deepEqual([winner, delivery.state, delivery.answer], [null, 'lost', 'accept']);
  assert.deepEqual((await page.close()).filter((trouble) => !/ERR_|WebSocket/.test(trouble)), [], 'beside what the browser says of the cut');
});

test('opened anew while the backend decides, the page shows what waits, and the success when it comes', async () => {
  let decide;
  const backend = await stage.backend(() => new Promise((resolve) => { decide = resolve; }));
  const page = await started('r_reload');
  const id = await stage.server.post('r_reload', 'order.available', { order: order('73', '兰州拉面', '科技园'), callback_url: backend.url, offer: { mode: 'grab', arbiter: 'backend' } });
  await page.card(id, '[data-state="sounding"]');
  await tap(page, id, 'accept');
  await page.card(id, '[data-result="pending"]');
  await page.tab.reload();
  await page.card(id, '[data-result="pending"]');
  assert.match(await (await page.card(id)).innerText(), /#73[^]*兰州拉面 → 科技园/);
  decide('won');
  await page.card(id, '[data-result="done"]');
  assert.equal(await state(page, id), '抢单成功');
  assert.equal((await stage.server.ended(id)).winner, 'r_reload');
  assert.deepEqual(await page.close(), []);
});

test('scripted: gone is told apart from lost, and stays, as what was won does', async () => {
  const page = await started('r_gone', { scripted: true });
  page.socket.offer('alr_81', { mode: 'grab' });
  page.socket.offer('alr_82', { mode: 'assign' });
  page.socket.offer('alr_83', { mode: 'grab' });
  await page.card('alr_83');
  page.socket.outcome = 'won';
  await until('buttons count', () => page.tab.isEnabled('.card[data-id="alr_83"] button'));
  await tap(page, 'alr_83', 'accept');
  await page.card('alr_83', '[data-result="done"]');
  page.socket.outcome = 'gone'; // first: if it left as a loss does, it would have left before the other
  await tap(page, 'alr_82', 'accept');
  await page.card('alr_82', '[data-result="gone"]');
  page.socket.outcome = 'lost';
  await tap(page, 'alr_81', 'accept');
  await page.card('alr_81', '[data-result="lost"]');
  page.socket.stop('alr_81', 'taken'); // follows a loss, and changes nothing
  assert.deepEqual([await state(page, 'alr_81'), await state(page, 'alr_82')], ['已被抢', '已失效']);
  await page.tab.waitForSelector('.card[data-result="lost"]', { state: 'detached', timeout: LEAVES_LIMIT_MS });
  assert.deepEqual([await state(page, 'alr_82'), await state(page, 'alr_83')], ['已失效', '抢单成功'], 'both stay');
  assert.deepEqual(await page.close(), []);
});

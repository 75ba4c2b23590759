'use strict';
// The page a rider looks at all day: the switch, the banner, the cards, the badge and the reminders.

const test = require('node:test');
const assert = require('node:assert/strict');
const { Stage, settle, withClock } = require('./stage.js');

const TEMPLATES = 'GET /v1/rider/subscriptions';
const BANK = 'POST /v1/rider/subscriptions';

/** Signed in, with the page of orders on the screen. */
async function atWork(prepare) {
  const stage = new Stage();
  if (prepare) prepare(stage.wx);
  await stage.launch();
  return { stage, index: await stage.open('index'), get rider() { return stage.rider; } };
}

const offer = (mode, more) => Object.assign({ id: 'alr_1', mode, need: mode === 'ack' ? 'confirm' : 'accept', urgency: 3, answer_by: 1800000030000, expires_at: 1800000030000 }, more);

/** The third of a second in which buttons that moved are dead has passed. */
function eyeSees(index) {
  index.page.instance.movedAt = 0;
}

test('the switch starts and stops in the tap', async () => {
  const { stage, index, rider } = await atWork();
  assert.deepEqual(index.buttons(), ['开始接单']);
  await index.tap('开始接单');
  assert.deepEqual(rider.calls, ['connect', 'start']);
  assert.equal(index.word('banner'), '一切正常，有新订单会播报。');
  assert.deepEqual(index.buttons(), ['停止接单']);
  assert.match(index.text, /正在等待新订单/);
  await index.tap('停止接单');
  assert.deepEqual(rider.calls, ['connect', 'start', 'stop']);
  assert.deepEqual(index.buttons(), ['开始接单']);
  stage.end();
});
test('each trouble has a word, and a button where one helps', async () => {
  const { stage, index, rider } = await atWork();
  await index.tap('开始接单');
  for (const [change, word, tone, button] of [
    [{ audio: 'paused' }, '播报被暂停了，听不到新订单。', 'bad', '恢复播报'],
    [{ audio: 'stolen' }, '声音被别的应用占用，听不到新订单。请先关掉那边的音乐或视频。', 'bad', '恢复播报'],
    [{ audio: 'blocked' }, '手机没有放出声音，听不到新订单。', 'bad', '恢复播报'],
    [{ audio: 'interrupted' }, '正在通话或有别的声音，结束后自动恢复。', 'warn', null],
    [{ connection: 'offline' }, '手机没有网络，收不到新订单。请检查流量或 Wi-Fi。', 'bad', null], [{ online: false }, '手机没有网络，收不到新订单。请检查流量或 Wi-Fi。', 'bad', null],
    [{ connection: 'backoff', via: null }, '正在连接服务器，连上之前收不到新订单。', 'warn', null],
    [{ connection: 'backoff', via: 'http' }, '网络不好，正在用备用线路收单，会慢十几秒。', 'warn', null],
    [{ audio: 'loading' }, '正在打开声音。', 'warn', null],
    [{ fatal: { code: 4001, reason: 'replaced' }, connection: 'fatal', on_duty: false }, '您已在另一台手机上接单，这台不再播报。', 'bad', '改在这台手机接单'],
    [{ fatal: { code: 4002, reason: 'banned' }, connection: 'fatal', on_duty: false }, '账号已停用，请联系站点。', 'bad', null],
    [{ fatal: { code: 4077, reason: 'whatever' }, connection: 'fatal', on_duty: false }, '服务器拒绝了连接，请联系站点。', 'bad', null],
  ]) {
    rider.change(Object.assign({ connection: 'ready', audio: 'playing', on_duty: true, online: true, fatal: null, via: 'socket' }, change));
    assert.equal(index.word('banner'), word);
    assert.ok(index.all('banner', tone).length, `${word} is ${tone}`);
    assert.equal(index.word('resume'), button, word);
  }
  rider.change({ connection: 'ready', audio: 'paused', on_duty: true, online: true, fatal: null, via: 'socket' });
  await index.tap('恢复播报');
  assert.equal(index.word('banner'), '一切正常，有新订单会播报。');
  stage.end();
});

test('each mode of a card has its buttons, and the answer goes out in the tap', async () => {
  for (const [mode, buttons, tap, answer] of [
    ['assign', ['接单', '拒绝'], '接单', 'accept'], ['assign', ['接单', '拒绝'], '拒绝', 'decline'], ['grab', ['抢单'], '抢单', 'accept'],
    ['ack', ['确认'], '确认', 'confirm'], ['notify', [], null, null],
  ]) {
    const { stage, index, rider } = await atWork();
    rider.tell(mode === 'notify' ? { id: 'alr_1' } : offer(mode));
    assert.deepEqual(index.buttons().slice(1), buttons);
    assert.equal(index.word('title'), '新订单');
    assert.equal(index.word('left') !== '', mode !== 'notify', 'what wants no answer has no countdown');
    if (tap) {
      await index.tap(tap);
      assert.deepEqual(rider.calls.slice(1), [['answer', 'alr_1', answer]]);
      rider.tell(offer(mode, { state: 'answering', answer }));
      assert.equal(index.locked(tap), true, 'one tap, one answer');
      assert.equal(index.word('state'), '正在提交');
    }
    stage.end();
  }
});

test('a card says what became of it', async () => {
  const { stage, index, rider } = await atWork();
  for (const [change, word, look] of [
    [{ state: 'answering', answer: 'accept', outcome: 'pending' }, '处理中', null],
    [{ state: 'answered', answer: 'accept', outcome: 'recorded' }, '已接单', 'done'],
    [{ state: 'answered', answer: 'decline', outcome: 'recorded' }, '已拒绝', null],
    [{ state: 'answered', answer: 'accept', outcome: 'won', mode: 'grab' }, '抢单成功', 'done'],
    [{ state: 'answered', answer: 'accept', outcome: 'lost', mode: 'grab' }, '已被抢', 'lost'],
    [{ state: 'stopped', reason: 'cancelled' }, '订单已取消', null],
    [{ state: 'stopped', reason: 'answered_elsewhere' }, '已在另一台设备处理', null],
    [{ state: 'expired' }, '已失效', null],
    [{ state: 'failed' }, '播报失败，请看屏幕', null],
    [{ state: 'played' }, '已播报，等您回复', null],
    [{ state: 'stopped', reason: 'toString' }, '已结束', null],
  ]) {
    rider.tell(offer('assign', change));
    assert.equal(index.word('state'), word);
    if (look) assert.ok(index.all('card', look).length, word);
    assert.doesNotMatch(index.text, /\[native/);
  }
  rider.answers = false;
  rider.tell(offer('assign', { id: 'alr_2' }));
  await index.tap('接单');
  assert.equal(stage.wx.called('showToast')[0].title, '这一单已不能操作');
  stage.end();
});

test('the countdown runs by the server’s clock, and an offer whose time is up has no buttons', async () => {
  await withClock(async (second) => {
    const { stage, index, rider } = await atWork();
    rider.tell(offer('assign'));
    assert.equal(index.word('left'), '30 秒');
    rider.now += 21000;
    second();
    assert.deepEqual([index.word('left'), index.all('left', 'soon').length], ['9 秒', 1]);
    rider.now += 9000;
    second();
    assert.deepEqual([index.word('left'), index.word('state'), index.buttons()], ['', '已失效', ['开始接单']]);
    rider.tell(offer('assign', { id: 'alr_2', answer_by: rider.now + 600000, expires_at: rider.now + 600000 }));
    assert.equal(index.word('left'), '10 分钟');
    stage.end();
  });
});

test('what can be answered stands first, the urgent before the others; facts of the order are told', async () => {
  const { stage, index, rider } = await atWork();
  const ends = rider.now + 60000;
  rider.tell({ id: 'a', seq: 1, title: '已结束的', state: 'stopped', reason: 'cancelled' });
  rider.tell({ id: 'b', seq: 2, title: '普通', urgency: 1, expires_at: ends });
  rider.tell({ id: 'c', seq: 3, title: '紧急', urgency: 3, expires_at: ends });
  rider.tell({ id: 'd', seq: 4, title: '更急', urgency: 3, expires_at: ends - 1000, card: { short_no: 12, merchant: { name: '测试面馆' }, area: '东门', distance_m: 1240, fee_cents: 650, note: '少辣' } });
  assert.deepEqual(index.all('title').map((n) => n.textContent), ['更急', '紧急', '普通', '已结束的']);
  assert.match(index.text, /#12 · 测试面馆 · 送到 东门 · 1\.2 公里 · ¥6\.50 · 备注：少辣/);
  rider.tell({ id: 'e', seq: 5, kind: 'order.taken', title: '被抢了' });
  assert.doesNotMatch(index.text, /被抢了/, 'its chime is heard; it has no card');
  rider.tell({ id: 'f', seq: 6, title: '', text: '', card: null });
  assert.match(index.text, /通知/);
  stage.end();
});

test('a thumb on its way to one order does not answer another that has moved under it', async () => {
  const { stage, index, rider } = await atWork();
  rider.tell(offer('assign', { id: 'first', urgency: 2 }));
  await index.tap('接单');
  rider.tell(offer('grab', { id: 'second', urgency: 3 }));
  await index.tap('抢单');
  assert.deepEqual(rider.calls.slice(1), [['answer', 'first', 'accept']], 'the first one has moved down: no tap counts');
  eyeSees(index);
  await index.tap('抢单');
  rider.tell(offer('grab', { id: 'third', urgency: 1 }));
  await index.tap('接单');
  assert.deepEqual(rider.calls.slice(2), [['answer', 'second', 'accept'], ['answer', 'first', 'accept']], 'one more below moves nothing');
  stage.end();
});

test('a hidden page draws nothing, and is up to date when it is seen again', async () => {
  const { stage, index, rider } = await atWork();
  index.page.instance.onHide();
  rider.tell(offer('assign'));
  assert.equal(index.all('card').length, 0);
  index.page.instance.onShow();
  assert.equal(index.all('card').length, 1);
  stage.end();
});

test('a day of orders does not pile up', async () => {
  const { stage, index, rider } = await atWork();
  for (let i = 1; i <= 200; i += 1) rider.tell({ id: 'alr_' + i, seq: i, state: i === 7 ? 'sounding' : 'played' });
  assert.equal(Object.keys(stage.app.alerts).length, 60);
  assert.ok(stage.app.alerts.alr_7, 'what still sounds is kept longest');
  assert.equal(index.all('card').length, 30);
  stage.end();
});

test('the badge counts what came while the rider looked elsewhere', async () => {
  const { stage, index, rider } = await atWork();
  rider.tell(offer('assign', { id: 'seen' }));
  assert.deepEqual(stage.wx.called('setTabBarBadge'), []);
  index.page.instance.onHide();
  rider.tell(offer('assign', { id: 'one' }));
  rider.tell(offer('assign', { id: 'one', state: 'waiting' }));
  rider.tell(offer('assign', { id: 'two' }));
  rider.tell({ id: 'over', state: 'stopped', reason: 'cancelled' });
  assert.deepEqual(stage.wx.called('setTabBarBadge'), ['1', '2']);
  rider.tell(offer('assign', { id: 'two', state: 'stopped', reason: 'taken' }));
  assert.deepEqual(stage.wx.called('setTabBarBadge'), ['1', '2', '1']);
  stage.wx.tabBar = false; // a page without it
  rider.tell(offer('assign', { id: 'three' }));
  stage.wx.tabBar = true;
  rider.tell(offer('assign', { id: 'three', state: 'waiting' }));
  assert.deepEqual(stage.wx.called('setTabBarBadge'), ['1', '2', '1', '2']);
  index.page.instance.onShow();
  assert.equal(stage.wx.called('removeTabBarBadge').length, 1);
  stage.end();
});

test('reminders are asked for in the tap of the switch and of an accept, and what is left is shown', async () => {
  let banked = 0;
  const { stage, index, rider } = await atWork((wx) => {
    wx.serve(TEMPLATES, () => ({ templates: [{ template: 'tpl', banked }] }));
    wx.serve(BANK, ({ body }) => { banked += body.results.tpl === 'accept' ? 1 : 0; return { templates: [{ template: 'tpl', banked }] }; });
    wx.consent = { tpl: 'accept', errMsg: 'requestSubscribeMessage:ok' };
  });
  assert.match(index.word('reminders'), /^剩余 0 次提醒/);
  await index.tap('开始接单');
  assert.deepEqual(stage.wx.called('requestSubscribeMessage'), [['tpl']]);
  assert.deepEqual(stage.wx.asked('POST', '/v1/rider/subscriptions').map((r) => [r.token, r.body]), [['aa.bb.cc', { results: { tpl: 'accept' } }]]);
  assert.match(index.word('reminders'), /^剩余 1 次提醒/);
  rider.tell(offer('assign'));
  await index.tap('接单');
  assert.match(index.word('reminders'), /^剩余 2 次提醒/);
  rider.tell(offer('assign', { id: 'alr_2' }));
  stage.wx.consent = { tpl: 'reject', errMsg: 'requestSubscribeMessage:ok' };
  rider.tell(offer('assign', { state: 'answered', answer: 'accept', outcome: 'recorded' }));
  eyeSees(index);
  await index.tap('接单');
  assert.match(index.text, /您没有允许提醒/);
  rider.tell(offer('assign', { id: 'alr_2', state: 'answered', answer: 'accept', outcome: 'recorded' }));
  rider.tell(offer('assign', { id: 'alr_3' }));
  await index.tap('接单');
  assert.equal(stage.wx.called('requestSubscribeMessage').length, 3, 'who declined is left in peace until the next shift');
  rider.tell(offer('assign', { id: 'alr_4' }));
  await index.tap('拒绝');
  await index.tap('停止接单');
  await index.tap('开始接单');
  assert.equal(stage.wx.called('requestSubscribeMessage').length, 4);
  stage.end();
});

test('reminders that WeChat refuses, or the site does not have, say so or nothing', async () => {
  const refused = await atWork((wx) => {
    wx.serve(TEMPLATES, { templates: [{ template: 'tpl', banked: 3 }] });
    wx.consent = { errCode: 20004, errMsg: 'requestSubscribeMessage:fail:The main switch is switched off' };
  });
  await refused.index.tap('开始接单');
  assert.match(refused.index.text, /微信里的提醒关着：请点右上角“···”/);
  assert.equal(refused.stage.wx.asked('POST', '/v1/rider/subscriptions').length, 0);
  refused.stage.end();

  for (const none of [(wx) => wx.serve(TEMPLATES, { templates: [] }), (wx) => wx.refuse(TEMPLATES, 404, 'not_configured'), (wx) => wx.refuse(TEMPLATES, 0)]) {
    const { stage, index } = await atWork(none);
    await index.tap('开始接单');
    assert.deepEqual([stage.wx.called('requestSubscribeMessage'), index.word('reminders')], [[], null]);
    stage.end();
  }
  const full = await atWork((wx) => wx.serve(TEMPLATES, { templates: [{ template: 'tpl', banked: 100 }] }));
  await full.index.tap('开始接单');
  assert.deepEqual(full.stage.wx.called('requestSubscribeMessage'), [], 'the server keeps no more');
  full.stage.end();
});

test('a consent the server surely did not count is told again, another is not', async () => {
  for (const [status, error, again] of [[503, 'unavailable', 1], [503, 'outcome_unknown', 0], [0, '', 0]]) {
    const { stage, index } = await atWork((wx) => {
      wx.serve(TEMPLATES, { templates: [{ template: 'tpl', banked: 0 }] });
      wx.refuse(BANK, status, error);
      wx.consent = { tpl: 'acceptWithAudio', errMsg: 'requestSubscribeMessage:ok' };
    });
    await index.tap('开始接单');
    assert.match(index.text, again ? /提醒还没有记上，会再传/ : /提醒可能没有记上/);
    stage.wx.serve(BANK, { templates: [{ template: 'tpl', banked: 1 }] });
    await stage.app.subscriptions.load();
    assert.equal(stage.wx.asked('POST', '/v1/rider/subscriptions').length, 1 + again);
    if (again) assert.doesNotMatch(index.text, /提醒还没有记上/);
    stage.end();
  }
});

test('what the client reports beside its state is told in words', async () => {
  const { stage, index, rider } = await atWork();
  rider.options.onEvent({ type: 'rtt', ms: 12 });
  rider.options.onEvent({ type: 'storage' });
  assert.match(index.text, /手机存储满了/);
  rider.options.onEvent({ type: 'error', where: 'start', message: 'startLocationUpdateBackground:fail auth deny' });
  assert.match(index.text, /后台定位没有打开/);
  await index.tap('开始接单');
  assert.doesNotMatch(index.text, /后台定位/);
  await settle();
  stage.end();
});

test('an urgent order shakes the phone once for each ring, in front alone', async () => {
  const { stage, rider } = await atWork();
  const shaken = () => stage.wx.called('vibrateLong').length;
  rider.tell({ id: 'alr_1', state: 'queued', ring: 1 });
  rider.tell({ id: 'alr_1', state: 'sounding', ring: 1 });
  rider.tell({ id: 'alr_1', state: 'queued', ring: 1 });
  assert.equal(shaken(), 1);
  rider.tell({ id: 'alr_1', state: 'queued', ring: 2 });
  assert.equal(shaken(), 2);
  rider.tell({ id: 'alr_2', state: 'queued', ring: 1, urgency: 1 });
  rider.current.foreground = false;
  rider.tell({ id: 'alr_3', state: 'queued', ring: 1 });
  assert.equal(shaken(), 2);
  stage.end();
});

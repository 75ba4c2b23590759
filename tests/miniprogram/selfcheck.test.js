'use strict';
// The self-check: started on duty, shown while it runs, told in words, and kept until the site has it.

const test = require('node:test');
const assert = require('node:assert/strict');
const { Stage, settle, withClock } = require('./stage.js');

const SEND = 'POST /v1/rider/checks';
const GOOD = {
  device: 'dev_a', platform: 'wechat', started_at: 1800000000000, ended_at: 1800000600000, denials: 0, gaps: 0, gap_ms_max: 0, suspends: 0, suspend_ms_max: 0,
  reconnects: 1, hidden_ms: 590000, rtt_ms_p50: 40, rtt_ms_p95: 180, load_ms_p50: 300, load_ms_p95: 1200, timer_late_ms_max: 400, ended_seen: 2, ended_lost: 0,
  ended_sets: 2, ended_denied: 0, closes: { 1006: 1 }, notes: 'audio=playing',
};

async function checking(prepare, options) {
  const stage = new Stage(options);
  stage.wx.serve(SEND, { kept: true });
  if (prepare) prepare(stage.wx);
  await stage.launch();
  const page = await stage.open('selfcheck');
  return { stage, page };
}

async function begun(prepare, options) {
  const { stage, page } = await checking(prepare, options);
  stage.app.start();
  await page.tap('开始自检');
  return { stage, page, check: stage.rider.checks[0] };
}

test('it wants a rider on duty', async () => {
  const { stage, page } = await checking();
  await page.tap('开始自检');
  assert.match(page.text, /请先到“接单”页点“开始接单”/);
  assert.equal(stage.rider.checks.length, 0);
  stage.end();
  const out = await checking((wx) => wx.refuse('POST /v1/wechat/login', 0));
  await out.page.tap('开始自检');
  assert.match(out.page.text, /请先到“接单”页登录/);
  out.stage.end();
});

test('it runs ten minutes with its progress, and its result goes to the site', async () => {
  await withClock(async (second) => {
    const { stage, page, check } = await begun();
    assert.equal(check.options.duration_ms, 600000);
    assert.match(page.text, /现在请锁屏，或切到别的应用，10 分钟后再回来/);
    assert.equal(page.word('running'), '已过 0 / 10 分钟');
    stage.app.checks.beganAt -= 200000;
    second();
    assert.equal(page.word('running'), '已过 3 / 10 分钟');
    check.resolve(GOOD);
    await settle();
    assert.deepEqual([page.word('verdict'), page.word('delivery')], ['通过：这台手机在后台一直听得到。', '结果已传给站点。']);
    assert.deepEqual(stage.wx.asked('POST', '/v1/rider/checks').map((r) => [r.token, r.body]), [['aa.bb.cc', GOOD]]);
    assert.match(page.text, /声音中断0 次.*在后台10 分钟.*网络较慢时180 毫秒.*打开较慢时1\.2 秒.*断线原因1006×1/);
    assert.doesNotMatch(page.text, /现在请锁屏/);
    stage.end();
  });
});

test('what the figures mean is said in words', async () => {
  for (const [change, words, tone, guide] of [
    [{ gaps: 2, gap_ms_max: 9000 }, /没有通过：这台手机在后台会断声/, 'bad', true], [{ suspends: 1 }, /没有通过/, 'bad', true],
    [{ notes: 'cancelled; audio=playing' }, /提前结束了/, 'warn', false], [{ hidden_ms: 1000 }, /大部分时间小程序开在屏幕上/, 'warn', false],
    [{ denials: 3 }, /手机拒绝过几次播放，但没有断声/, 'good', false], [{ hidden_ms: null, rtt_ms_p50: null, closes: null }, /通过：这台手机/, 'good', false],
  ]) {
    const { stage, page, check } = await begun();
    check.resolve(Object.assign({}, GOOD, change));
    await settle();
    assert.match(page.word('verdict'), words);
    assert.ok(page.all('verdict', tone).length, tone);
    assert.equal(page.buttons().includes('去改手机设置'), guide);
    if (change.rtt_ms_p50 === null) assert.match(page.text, /网络往返没有测到/);
    stage.end();
  }
});

test('it can be ended early, and begun again', async () => {
  const { stage, page, check } = await begun();
  await page.tap('提前结束');
  assert.equal(check.cancelled, true);
  check.resolve(GOOD);
  await settle();
  assert.match(page.word('verdict'), /提前结束了/);
  assert.match(stage.wx.asked('POST', '/v1/rider/checks')[0].body.notes, /^cancelled; /);
  await page.tap('开始自检');
  assert.equal(stage.rider.checks.length, 2);
  assert.equal(page.word('verdict'), null, 'the old result is out of the way');
  stage.end();
});

test('a result that is not taken is kept, told, and sent later, the oldest first', async () => {
  const { stage, page, check } = await begun((wx) => wx.refuse(SEND, 0));
  check.resolve(GOOD);
  await settle();
  assert.match(page.word('delivery'), /还没有传到站点：网络不通.*已存在手机里/);
  await page.tap('开始自检');
  stage.rider.checks[1].resolve(Object.assign({}, GOOD, { gaps: 4 }));
  await settle();
  stage.end();

  // The next life of the app, with network.
  const next = await checking(null, { wx: { storage: stage.wx.storage } });
  await settle();
  assert.deepEqual(next.stage.wx.asked('POST', '/v1/rider/checks').map((r) => r.body.gaps), [0, 4]);
  assert.deepEqual(next.stage.app.checks.waiting(), []);
  next.stage.rider.change({ connection: 'ready' });
  await settle();
  assert.equal(next.stage.wx.asked('POST', '/v1/rider/checks').length, 2, 'once each');
  next.stage.end();
});

test('a busy server and a lost login keep the result; a server that will never take it lets it go', async () => {
  for (const [status, kept, words] of [[503, 1, /服务器正忙/], [429, 1, /太频繁了/], [401, 1, /登录失效了/], [400, 0, /站点没有收下这个结果。请截图/], [413, 0, /请截图/]]) {
    const { stage, page, check } = await begun((wx) => wx.refuse(SEND, status, 'whatever'));
    check.resolve(GOOD);
    await settle();
    assert.match(page.word('delivery'), words);
    assert.equal(stage.app.checks.waiting().length, kept, String(status));
    stage.wx.serve(SEND, { kept: true });
    assert.equal(page.buttons().includes('重新传给站点'), kept === 1);
    if (status === 503) stage.rider.change({ connection: 'ready' });
    else if (kept) await page.tap('重新传给站点');
    await settle();
    assert.equal(page.word('delivery'), kept ? '结果已传给站点。' : page.word('delivery'));
    assert.equal(stage.app.checks.waiting().length, 0);
    stage.end();
  }
});

test('an app that the phone ended in the middle tells what was measured, and that it was ended', async () => {
  const { stage, check } = await begun();
  check.options.onProgress(Object.assign({}, GOOD, { ended_at: GOOD.started_at + 240000 }));
  stage.end();
  const next = await checking(null, { wx: { storage: stage.wx.storage } });
  assert.match(next.page.word('verdict'), /上次自检时小程序被关掉了/);
  assert.deepEqual(next.stage.wx.asked('POST', '/v1/rider/checks').map((r) => r.body.notes), ['audio=playing; destroyed']);
  next.stage.end();
  const third = await checking(null, { wx: { storage: stage.wx.storage } });
  assert.equal(third.page.word('verdict'), null, 'told once');
  third.stage.end();
});

test('five results are kept, and none of them goes to another rider', async () => {
  const { stage } = await begun((wx) => wx.refuse(SEND, 0));
  for (let i = 0; i < 8; i += 1) stage.app.checks.finish(Object.assign({}, GOOD, { gaps: i }));
  assert.deepEqual(stage.app.checks.waiting().map((r) => r.gaps), [3, 4, 5, 6, 7]);
  stage.app.signOut();
  assert.deepEqual([stage.app.checks.waiting(), stage.app.checks.result], [[], null]);
  stage.end();
});

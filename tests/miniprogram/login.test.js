'use strict';
// The way in: by WeChat, by a link code, by a pasted token; and what a rider reads when it fails.

const test = require('node:test');
const assert = require('node:assert/strict');
const { Stage, BASE, LOGIN, settle, withClock } = require('./stage.js');

const UNBOUND = { status: 'unbound', link: 'K7QM-4XTP', link_expires_at: '2027-01-15T08:00:00Z' };
const BOUND = { status: 'bound', rider: 'r1', token: 'new.new.new', expires_at: '2027-01-15T20:00:00Z', subscribe: null };

async function launched(prepare, options) {
  const stage = new Stage(options);
  if (prepare) prepare(stage.wx);
  await stage.launch();
  return { stage, index: await stage.open('index') };
}

/** Shown, hidden and shown again is one look: a rider takes longer. */
async function later(stage) {
  stage.app.login.askedAt -= 4000;
  stage.app.onShow();
  await settle();
  await settle();
}

test('a known WeChat is signed in without a question', async () => {
  const { stage, index } = await launched();
  assert.deepEqual(stage.wx.asked('POST', '/v1/wechat/login').map((r) => [r.base, r.token, r.body]), [[BASE, '', { code: 'code-1', appid: 'wx00000000000000aa' }]]);
  assert.equal(stage.rider.options.url, 'wss://orders.example.com/v1/rider/socket');
  assert.equal(stage.rider.options.getToken({ refresh: false }), 'aa.bb.cc');
  assert.deepEqual(stage.rider.calls, ['connect']);
  assert.match(index.text, /还没有开始接单/);
  assert.ok(index.buttons().includes('开始接单'));
  stage.end();
});

test('an unknown WeChat shows its code, and comes in by the button when the site has linked it', async () => {
  const { stage, index } = await launched((wx) => wx.serve(LOGIN, UNBOUND));
  assert.equal(index.word('login-title'), '把绑定码告诉站点');
  assert.equal(index.word('link'), 'K7QM-4XTP');
  assert.equal(stage.riders.length, 0);
  await index.tap('复制绑定码');
  assert.equal(stage.wx.called('setClipboardData')[0].data, 'K7QM-4XTP');
  stage.wx.serve(LOGIN, Object.assign({}, UNBOUND, { link: 'AAAA-BBBB' }));
  await index.tap('站点已绑定，再试一次');
  assert.equal(index.word('link'), 'AAAA-BBBB');
  assert.match(index.text, /站点还没有绑定。绑定码换了/);
  await later(stage);
  assert.equal(stage.wx.asked('POST', '/v1/wechat/login').length, 2, 'back from the chat in which the code was sent: it must stay good');
  stage.wx.serve(LOGIN, BOUND);
  await index.tap('站点已绑定，再试一次');
  assert.equal(stage.rider.options.getToken({ refresh: false }), 'new.new.new');
  assert.ok(index.buttons().includes('开始接单'));
  stage.end();
});

test('a link code that has run out is not read out any more', async () => {
  await withClock(async (second) => {
    const { stage, index } = await launched((wx) => wx.serve(LOGIN, UNBOUND));
    stage.app.login.linkedAt -= 15 * 60000;
    second();
    assert.deepEqual([index.word('login-title'), index.word('link'), index.buttons()[0]], ['绑定码过期了', null, '换一个绑定码']);
    await index.tap('换一个绑定码');
    assert.equal(index.word('link'), 'K7QM-4XTP');
    stage.app.login.linkedAt -= 15 * 60000;
    stage.wx.serve(LOGIN, BOUND);
    await later(stage);
    assert.ok(index.buttons().includes('开始接单'), 'shown with a code that has run out, it asks by itself');
    assert.equal(new Set(stage.wx.asked('POST', '/v1/wechat/login').map((r) => r.body.code)).size, 3, 'a code is good once');
    stage.end();
  });
});

test('every refusal has a word and a way on', async () => {
  for (const [status, error, word] of [
    [0, '', '连不上站点的服务器。请检查网络，再试一次。'], [503, 'unavailable', '站点的服务器正忙。请过一会儿再试。'], [500, 'internal', '站点的服务器正忙。请过一会儿再试。'],
    [429, 'too_many_requests', '试得太频繁了。请等一分钟再试。'], [403, 'wechat_refused', '微信认为这个账号有风险，不让登录。请联系站点，用别的办法接单。'],
    [400, 'wechat_code', '微信登录没有通过。请再试一次；还不行就关掉小程序重新打开。'], [400, 'unknown_program', '服务器不接受这次登录。请联系站点。'],
    [404, undefined, '这个地址不是接单服务器。请向站点核对服务器地址。'],
  ]) {
    const { stage, index } = await launched((wx) => wx.refuse(LOGIN, status, error));
    assert.match(index.text, new RegExp('没有登录 ?' + word), `${status} ${error}`);
    assert.ok(index.buttons().includes('换服务器'));
    const { codes } = stage.wx;
    stage.app.onShow();
    await settle();
    assert.equal(stage.wx.codes, codes, 'shown, hidden and shown again is one look');
    stage.wx.serve(LOGIN, BOUND);
    await index.tap('再试一次');
    await settle();
    assert.ok(index.buttons().includes('开始接单'), `${status} ${error}`);
    stage.end();
  }
});

test('a used code is tried once more with a new one; nonsense from the server is a refusal', async () => {
  let asked = 0;
  const once = await launched((wx) => wx.answers.set(LOGIN, () => {
    asked += 1;
    return asked === 1 ? [400, { error: 'wechat_code' }] : [200, { code: 0, data: BOUND }];
  }));
  assert.deepEqual([asked, once.stage.riders.length], [2, 1]);
  once.stage.end();
  for (const body of [null, '', '<html>', { data: null }, { data: {} }, { data: { status: 'bound' } }]) {
    const { stage, index } = await launched((wx) => wx.answers.set(LOGIN, () => [200, body]));
    assert.match(index.text, /没有登录/);
    assert.equal(stage.riders.length, 0);
    stage.end();
  }
});

test('where WeChat itself gives no code, that is said', async () => {
  const stage = new Stage();
  stage.wx.api.login = ({ fail }) => fail({ errMsg: 'login:fail' });
  await stage.launch();
  const index = await stage.open('index');
  assert.match(index.text, /微信没有给出登录凭证/);
  stage.end();
});

test('without a configured program, and as a tourist, a token is pasted', async () => {
  for (const [prepare, options, words] of [
    [(wx) => wx.refuse(LOGIN, 404, 'not_configured'), {}, /站点没有开通微信登录。请向站点要一个接单码/],
    [null, { wx: { appid: 'touristappid' } }, /开发者工具的游客模式/],
  ]) {
    const { stage, index } = await launched(prepare, options);
    assert.match(index.text, words);
    await index.type('hello');
    await index.tap('登录');
    assert.match(index.text, /这不是接单码。请从站点发来的消息里整段复制/);
    await index.type(' aa.bb.\ncc ');
    await index.tap('登录');
    assert.equal(stage.rider.options.getToken({ refresh: false }), 'aa.bb.cc');
    assert.equal(stage.rider.options.getToken({ refresh: true }), 'aa.bb.cc', 'a pasted token cannot be renewed: the same one says so');
    stage.end();
  }
});

test('a pasted token that is wrong or expired is explained, and another can be pasted', async () => {
  for (const [fatal, words] of [[{ code: 4000, reason: 'bad_token' }, /接单码无效。可能没有复制完整/], [{ code: 4105, reason: 'token_expired' }, /接单码过期了。请向站点要一个新的/]]) {
    const { stage, index } = await launched(null, { wx: { appid: 'touristappid' } });
    await index.type('aa.bb.cc');
    await index.tap('登录');
    const { rider } = stage;
    rider.change({ connection: 'fatal', fatal });
    assert.deepEqual(rider.calls, ['connect', 'close']);
    assert.match(index.text, words);
    await index.type('dd.ee.ff');
    await index.tap('登录');
    assert.equal(stage.rider.options.getToken({ refresh: false }), 'dd.ee.ff');
    stage.end();
  }
});

test('a token of WeChat is renewed by a new login; a refusal for good leads to the way in', async () => {
  const { stage, index } = await launched();
  stage.wx.serve(LOGIN, BOUND);
  const [one, other] = [stage.rider.options.getToken({ refresh: true }), stage.rider.options.getToken({ refresh: true })];
  assert.deepEqual([await one, await other], ['new.new.new', 'new.new.new']);
  assert.equal(stage.wx.codes, 2, 'asked twice at a time, answered by one login');
  stage.wx.refuse(LOGIN, 0);
  await assert.rejects(stage.rider.options.getToken({ refresh: true }), /unreachable/);
  assert.ok(index.buttons().includes('开始接单'), 'no network is no reason to sign out');
  stage.rider.change({ connection: 'fatal', fatal: { code: 4000, reason: 'bad_token' } });
  assert.match(index.text, /登录失效了：可能在别处退出了/);
  stage.wx.serve(LOGIN, BOUND);
  await later(stage);
  assert.ok(index.buttons().includes('开始接单'), 'and coming back tries again');
  stage.end();
});

test('a rider whom the site has unlinked is shown a code, and the rider is gone', async () => {
  const { stage, index } = await launched();
  stage.rider.tell({ id: 'alr_1' });
  stage.wx.serve(LOGIN, UNBOUND);
  await assert.rejects(stage.rider.options.getToken({ refresh: true }));
  assert.equal(index.word('link'), 'K7QM-4XTP');
  assert.deepEqual([stage.app.rider, stage.app.alerts, index.all('card').length], [null, {}, 0]);
  assert.equal(stage.wx.storage.has('demo.token'), false, 'nor does the next life of the app come in with the old token');
  stage.end();
});

test('the next life of the app is signed in at once, also without network', async () => {
  const first = await launched();
  first.stage.end();
  const second = new Stage({ wx: { storage: first.stage.wx.storage } });
  second.wx.refuse(LOGIN, 0);
  await second.launch();
  const index = await second.open('index');
  assert.equal(second.wx.codes, 0);
  assert.ok(index.buttons().includes('开始接单'));
  second.end();
});

test('signed out stays signed out, until the rider wants in', async () => {
  const { stage } = await launched();
  const { rider } = stage;
  const settings = await stage.open('settings');
  stage.wx.confirms = false;
  await settings.tap('退出登录');
  assert.deepEqual(rider.calls, ['connect'], 'asked, and thought better of it');
  stage.wx.confirms = true;
  await settings.tap('退出登录');
  assert.deepEqual(rider.calls, ['connect', 'stop', 'close']);
  stage.end();
  const second = await launched(null, { wx: { storage: stage.wx.storage } });
  assert.match(second.index.text, /已退出登录/);
  assert.equal(second.stage.wx.codes, 0);
  assert.equal(stage.wx.storage.has('demo.token'), false);
  await second.index.tap('登录');
  assert.ok(second.index.buttons().includes('开始接单'));
  second.stage.end();
});

test('an answer that comes after signing out signs nobody in', async () => {
  const { stage, index } = await launched((wx) => wx.serve(LOGIN, UNBOUND));
  stage.wx.serve(LOGIN, BOUND);
  stage.app.login.again();
  stage.app.login.signOut();
  await settle();
  await settle();
  assert.match(index.text, /已退出登录/);
  assert.equal(stage.riders.length, 0);
  stage.end();
});

test('the first time, the address is asked for; what is no address is told', async () => {
  const { stage, index } = await launched((wx) => wx.serve(LOGIN, BOUND), { signed: false });
  assert.match(index.text, /第一次使用，请填写站点给您的服务器地址/);
  for (const wrong of ['', '   ', 'https://', 'ftp://x', 'not an address', 'https://a.b/?q=1']) {
    await index.type(wrong);
    await index.tap('保存');
    assert.match(index.text, /这不是服务器地址/, wrong);
  }
  await index.type(' orders.example.com/bell/ ');
  await index.tap('保存');
  await settle();
  assert.equal(stage.rider.options.url, 'wss://orders.example.com/bell/v1/rider/socket');
  stage.end();
});

test('a full storage keeps nobody out', async () => {
  const { stage, index } = await launched((wx) => { wx.full = true; });
  assert.ok(index.buttons().includes('开始接单'));
  assert.equal(stage.rider.options.getToken({ refresh: false }), 'aa.bb.cc');
  stage.end();
});

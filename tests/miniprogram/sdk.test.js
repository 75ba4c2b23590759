'use strict';
// The demo over the real client, on the model of a phone and a server (tests/client/model): from the login to the last word
// of an order, a token that is refused, and a self-check in the pocket.

const test = require('node:test');
const assert = require('node:assert/strict');
const path = require('node:path');
const { Stage, LOGIN, settle } = require('./stage.js');
const { DEMO } = require('./tools.js');
const { rig } = require('../client/model/rig.js');
const { createRider, wechatAdapter } = require(path.join(DEMO, 'orderbell.js'));

/** The demo's app, with the player and the socket of the model. */
async function onPhone(prepare) {
  const model = rig();
  model.rider.close(); // the rig's own: the demo makes one for itself
  const { phone, server } = model;
  const stage = new Stage({ createRider: (options) => createRider(Object.assign({ adapter: wechatAdapter(phone.wx, phone.env) }, options)) });
  stage.wx.serve(LOGIN, { status: 'bound', rider: 'r1', token: 'tok-1', expires_at: '2027-01-15T08:00:00Z', subscribe: null });
  if (prepare) prepare(stage.wx, server);
  await stage.launch();
  const index = await stage.open('index');
  const pass = async (ms) => {
    await model.advance(ms);
    await settle();
    index.page.instance.draw(); // its clock is the machine's, not the model's
  };
  await pass(2000);
  return { stage, index, phone, server, pass };
}

const offer = (server) => server.alert({ id: 'alr_1', need: 'accept', mode: 'assign', urgency: 3, answer_by: server.world.now + 30000, expires_at: server.world.now + 30000, title: '新订单', text: '测试面馆一单' });

test('a shift: signed in, on duty, an order heard, shown, accepted, and done', async () => {
  const { stage, index, phone, server, pass } = await onPhone();
  assert.match(index.text, /连接：已连接/);
  await index.tap('开始接单');
  await pass(2000);
  assert.equal(index.word('banner'), '一切正常，有新订单会播报。');
  assert.match(index.text, /播报：声音已就绪/);
  offer(server);
  await pass(1000);
  assert.deepEqual([index.word('state'), index.word('left')], ['正在播报', '29 秒']);
  await pass(3000);
  assert.ok(phone.spoken().some((clip) => clip.includes('alr_1')), 'heard');
  await index.tap('接单');
  await pass(1000);
  assert.equal(index.word('state'), '已接单');
  assert.ok(index.all('card', 'done').length);
  assert.ok(server.frames.some(({ frame }) => frame.op === 'answer' && frame.id === 'alr_1' && frame.answer === 'accept'));
  await index.tap('停止接单');
  await pass(1000);
  assert.match(index.word('banner'), /还没有开始接单/);
  stage.app.rider.close();
  stage.end();
});

test('a token the server refuses leads to the way in, with a word', async () => {
  const { stage, index, server, pass } = await onPhone((wx, model) => model.tokens.clear());
  await pass(20000);
  assert.match(index.text, /登录失效了：可能在别处退出了，或站点换了密钥。请重新登录。/);
  assert.equal(stage.app.rider, null);
  assert.ok(stage.wx.asked('POST', '/v1/wechat/login').length >= 2, 'it was renewed before it was given up');
  server.tokens.add('tok-1');
  await index.tap('再试一次');
  await pass(2000);
  assert.match(index.text, /连接：已连接/);
  stage.app.rider.close();
  stage.end();
});

test('a call on the road, and music that steals the player: the banner says so and a tap brings the voice back', async () => {
  const { stage, index, phone, pass } = await onPhone();
  await index.tap('开始接单');
  await pass(2000);
  phone.halt('Pause');
  await pass(2000);
  assert.match(index.word('banner'), /听不到新订单/);
  await index.tap('恢复播报');
  await pass(2000);
  assert.equal(index.word('banner'), '一切正常，有新订单会播报。');
  phone.network(false);
  await pass(1000);
  assert.match(index.word('banner'), /手机没有网络/);
  phone.network(true);
  await pass(5000);
  assert.equal(index.word('banner'), '一切正常，有新订单会播报。');
  stage.app.rider.close();
  stage.end();
});

test('ten minutes in the pocket: the figures are shown and sent', async () => {
  const { stage, index, phone, pass } = await onPhone((wx) => wx.serve('POST /v1/rider/checks', { kept: true }));
  await index.tap('开始接单');
  await pass(2000);
  const page = await stage.open('selfcheck');
  await page.tap('开始自检');
  phone.hide();
  for (let minute = 0; minute < 10; minute += 1) await pass(60000);
  phone.show();
  await pass(2000);
  page.page.instance.draw();
  assert.match(page.word('verdict'), /^通过/);
  const [{ body }] = stage.wx.asked('POST', '/v1/rider/checks');
  assert.deepEqual([body.platform, body.gaps, body.suspends], ['wechat', 0, 0]);
  assert.ok(JSON.stringify(body).length <= 4096);
  stage.app.rider.close();
  stage.end();
});

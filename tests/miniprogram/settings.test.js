'use strict';
// What a rider may choose, and the guidance for their phone.

const test = require('node:test');
const assert = require('node:assert/strict');
const { Stage, settle } = require('./stage.js');

const READ = 'GET /v1/rider/settings';
const WRITE = 'PUT /v1/rider/settings';

async function opened(name, prepare, options) {
  const stage = new Stage(options);
  stage.wx.serve(READ, { sound_profile: null, effective: 'plain' });
  if (prepare) prepare(stage.wx);
  await stage.launch();
  return { stage, page: await stage.open(name) };
}

test('the street voice is read from the server, and kept there', async () => {
  const { stage, page } = await opened('settings');
  assert.equal(page.property('checked', 'street'), false);
  stage.wx.serve(WRITE, ({ body }) => ({ sound_profile: body.sound_profile, effective: body.sound_profile }));
  await page.turn('street', true);
  assert.deepEqual(stage.wx.asked('PUT', '/v1/rider/settings').map((r) => [r.token, r.body]), [['aa.bb.cc', { sound_profile: 'street' }]]);
  assert.deepEqual([page.property('checked', 'street'), page.word('note')], [true, '已保存，下次连接时生效。']);
  await page.turn('street', false);
  assert.deepEqual(stage.wx.asked('PUT', '/v1/rider/settings')[1].body, { sound_profile: 'plain' });
  stage.end();
});

test('a choice that was not kept goes back, and says why', async () => {
  const { stage, page } = await opened('settings', (wx) => wx.refuse(WRITE, 0));
  await page.turn('street', true);
  assert.deepEqual([page.property('checked', 'street'), page.word('note')], [false, '没有保存：网络不通，请稍后再试。']);
  stage.end();
});

test('where the server does not have it, or does not answer, there is a word and another try', async () => {
  for (const [status, words] of [[404, '站点的服务器不支持这一项。'], [0, '网络不通，请稍后再试。'], [401, '登录失效了，请重新登录。']]) {
    const { stage, page } = await opened('settings', (wx) => wx.refuse(READ, status, 'not_found'));
    assert.deepEqual([page.all('street').length, page.word('note')], [0, words]);
    stage.wx.serve(READ, { sound_profile: 'street', effective: 'street' });
    await page.tap('再读一次声音设置');
    assert.equal(page.property('checked', 'street'), true);
    stage.end();
  }
});

test('the screen stays on from now on, and again after each return', async () => {
  const { stage, page } = await opened('settings');
  await page.turn('screen', true);
  stage.app.onShow();
  assert.deepEqual(stage.wx.called('setKeepScreenOn').map((c) => c.keepScreenOn), [false, true, true]);
  stage.end();
  const next = await opened('settings', null, { wx: { storage: stage.wx.storage } });
  assert.equal(next.page.property('checked', 'screen'), true);
  next.stage.end();
});

test('the location anchor is off, says what it needs, and begins with the next shift', async () => {
  const { stage, page } = await opened('settings');
  assert.equal(stage.rider.options.anchor, undefined);
  await page.turn('location', true);
  assert.match(page.text, /下次点“开始接单”时生效。需要允许/);
  const before = stage.rider;
  stage.app.start();
  assert.deepEqual([before.calls, stage.rider.options.anchor, stage.rider.calls], [['connect', 'close'], 'location', ['connect', 'start']]);
  await page.turn('location', false);
  stage.app.start();
  assert.equal(stage.riders.length, 2, 'a shift that runs is not cut');
  stage.app.stop();
  stage.app.start();
  assert.equal(stage.rider.options.anchor, undefined);
  stage.end();
});

test('reminders are counted here, too, and one more can be given', async () => {
  const { stage, page } = await opened('settings', (wx) => {
    wx.serve('GET /v1/rider/subscriptions', { templates: [{ template: 'a', banked: 2 }, { template: 'b', banked: 1 }] });
    wx.serve('POST /v1/rider/subscriptions', { templates: [{ template: 'a', banked: 3 }, { template: 'b', banked: 1 }] });
    wx.consent = { a: 'accept', b: 'filter', errMsg: 'requestSubscribeMessage:ok' };
  });
  assert.match(page.text, /剩余 3 次提醒/);
  await page.tap('增加一次');
  assert.deepEqual(stage.wx.asked('POST', '/v1/rider/subscriptions')[0].body, { results: { a: 'accept', b: 'filter' } });
  assert.match(page.text, /剩余 4 次提醒/);
  stage.end();
});

test('without a rider there is no switch of the server and nobody to sign out', async () => {
  const { stage, page } = await opened('settings', (wx) => wx.refuse('POST /v1/wechat/login', 0));
  assert.deepEqual(page.buttons(), ['手机设置：怎样不断声']);
  assert.match(page.text, /小程序读不到、也改不了手机的音量/);
  await page.tap('手机设置：怎样不断声');
  assert.deepEqual(stage.wx.called('navigateTo'), [{ url: '/pages/guide/guide' }]);
  stage.end();
});

test('the guidance opens at this phone’s maker, and has every other one', async () => {
  for (const [brand, name] of [
    ['HUAWEI', '华为 / 荣耀'], ['HONOR', '华为 / 荣耀'], ['Redmi', '小米 / Redmi'], ['OnePlus', 'OPPO / 一加 / realme'], ['realme', 'OPPO / 一加 / realme'],
    ['iQOO', 'vivo / iQOO'], ['samsung', '三星'], ['iPhone', 'iPhone'], ['Nokia', '其他手机'], ['', '其他手机'],
  ]) {
    const { stage, page } = await opened('guide', null, { wx: { brand } });
    assert.equal(page.word('maker', 'chosen'), name, brand);
    stage.end();
  }
  const { stage, page } = await opened('guide');
  const names = page.buttons().filter((name) => name !== '打开微信的系统权限');
  assert.equal(names.length, 7);
  for (const name of names) {
    await page.tap(name);
    assert.equal(page.word('maker', 'chosen'), name);
    const steps = page.all('what').map((node) => node.textContent).join('');
    for (const topic of ['自启动', '电池', '锁定', '通知', '音量']) assert.ok(steps.includes(topic), `${name} says nothing of ${topic}`);
  }
  assert.match(page.text, /做不到的事/);
  stage.end();
});

test('the guidance tells a permission that is missing, and opens the place', async () => {
  const { stage, page } = await opened('guide');
  assert.match(page.text, /微信的通知：没有允许/);
  await page.tap('打开微信的系统权限');
  assert.equal(stage.wx.called('openAppAuthorizeSetting').length, 1);
  stage.end();
  const old = new Stage();
  ['getAppAuthorizeSetting', 'getDeviceInfo', 'openAppAuthorizeSetting'].forEach((name) => { delete old.wx.api[name]; });
  old.wx.api.getSystemInfoSync = () => { throw new Error('getSystemInfoSync:fail'); };
  await old.launch();
  const page2 = await old.open('guide');
  assert.equal(page2.word('maker', 'chosen'), '其他手机');
  await page2.tap('打开微信的系统权限');
  assert.equal(old.wx.called('showToast').length, 1);
  await settle();
  old.end();
});

// How a rider comes in, and what the page says to who cannot: codes that are wrong, old, cut in half or pasted as a link, a
// tap that is missing, a server that restarts.
'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const { Stage, until, order } = require('./stage.js');

const SENTENCE_LIMIT_MS = 40000;
const brief = { text: '测试', repeat: { count: 1 } };
const cut = (trouble) => /ERR_|WebSocket/.test(trouble); // what the browser itself says of a line that is cut

let stage;
test.before(async () => { stage = await Stage.set(); });
test.after(async () => { await stage.strike(); });

const error = (page) => page.tab.innerText('#signin-error');

async function paste(page, text) {
  await page.tab.fill('#token', text);
  await page.tab.tap('#signin');
}

async function refused(page, text, expected) {
  await paste(page, text);
  await page.tab.waitForFunction((pattern) => new RegExp(pattern).test(document.querySelector('#signin-error').innerText), expected.source);
  assert.ok(await page.tab.isVisible('#signin-view') && await page.tab.isHidden('#duty-view'));
}

test('a code that is missing, cut, wrong or old: each is told apart, in words', async () => {
  const page = await stage.visit('');
  const good = stage.server.token('r_words');
  await refused(page, '', /请先粘贴/);
  await refused(page, good.slice(0, good.lastIndexOf('.')), /不是完整的接单码/);
  await refused(page, `${good.slice(0, good.lastIndexOf('.'))}.${'A'.repeat(43)}`, /接单码不对/);
  await page.shoot('signin-wrong');
  const { token } = await stage.server.call('POST', '/v1/riders/r_words/token', { ttl_s: 1 });
  const { exp } = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
  await until('it is old', () => Date.now() > (exp + 1) * 1000);
  await refused(page, token, /已过期[^]*新的/);
  assert.equal(await page.tab.evaluate(() => sessionStorage.length), 0, 'a refused code is not kept');
  await page.tab.click('#language-other');
  assert.match(await error(page), /has expired[^]*new one/);
  await paste(page, good);
  await page.is('#connection', 'ready');
  assert.equal(await page.tab.inputValue('#token'), '');
  assert.deepEqual(await page.close(), []);
});

test('a whole link will do, broken over lines; remembered only if the rider says so, until signing out', async () => {
  const page = await stage.visit('');
  const token = stage.server.token('r_link');
  await paste(page, `您的接单链接：\n${page.line.origin}/rider#token=${token.slice(0, 40)}\n`);
  assert.match(await error(page), /不是完整的接单码/, 'what a line break cuts off is missing');
  await paste(page, `https://example.com/bell/rider#token=${token}`);
  await page.is('#connection', 'ready');
  const kept = () => page.tab.evaluate(() => [localStorage.getItem('orderbell.token') !== null, sessionStorage.getItem('orderbell.token') !== null]);
  assert.deepEqual(await kept(), [false, true], 'it ends with the tab');
  await page.tab.tap('#signout');
  await page.tab.check('#remember');
  await paste(page, token.match(/.{1,60}/g).join('\n'));
  await page.is('#connection', 'ready');
  assert.deepEqual(await kept(), [true, false]);
  const again = await page.context.newPage();
  await again.goto(`${page.line.origin}/rider`);
  await again.waitForSelector('#connection[data-state="ready"]');
  await again.close();
  await page.tab.tap('#signout');
  assert.deepEqual(await kept(), [false, false]);
  assert.ok(!page.tab.url().includes('token'));
  assert.deepEqual(await page.close(), []);
});

test('a code that ends in the middle of a shift: told while there is time, and when it is over', async () => {
  const { token } = await stage.server.call('POST', '/v1/riders/r_ends/token', { ttl_s: 4 });
  const page = await stage.visit(`#token=${token}`);
  page.rider = 'r_ends';
  await page.is('#connection', 'ready');
  await page.start();
  await page.tab.waitForSelector('#notice:has-text("1 分钟后过期")');
  await page.tab.waitForSelector('#signin-error:has-text("已过期")');
  await until('nothing sounds', () => page.tab.evaluate(() => document.querySelector('#player').paused));
  assert.deepEqual(await page.close(), []);
});

test('before the tap the page says that something waits, and how to hear it', async () => {
  const page = await stage.page('r_tap');
  const id = await stage.server.post('r_tap', 'order.new', { order: order('61', '测试面馆', '阳光花园'), alert: brief, target: { riders: ['r_tap'], on_duty: false } });
  await page.card(id, '[data-state="queued"]');
  assert.match(await page.tab.innerText('#notice'), /点“开始接单”才能听到/);
  await page.shoot('tap-to-hear');
  await page.start();
  await page.card(id, '[data-state="played"]');
  assert.ok(await page.tab.isHidden('#notice'));
  assert.deepEqual(await page.close(), []);
});

test('the browser refuses the sound: the page says so, and a tap brings it back', async () => {
  // The tap is there, and the browser does not count it: the first play is refused as it would be without one.
  const script = () => {
    const { play } = HTMLMediaElement.prototype;
    let refusals = 1;
    HTMLMediaElement.prototype.play = function once() {
      if (this.id !== 'player' || refusals === 0) return play.call(this);
      refusals -= 1;
      return Promise.reject(new DOMException('no gesture', 'NotAllowedError'));
    };
  };
  const page = await stage.page('r_refused', { script });
  await page.tab.tap('#start');
  await page.is('#audio-state', 'blocked');
  assert.match(await page.tab.innerText('#notice'), /没有放出声音[^]*才能听到/);
  await page.shoot('blocked');
  await page.tab.tap('#resume');
  await page.is('#audio-state', 'playing');
  assert.ok(await page.tab.isHidden('#resume'));
  assert.deepEqual(await page.close(), []);
});

test('the server restarts under a rider on duty: the page says so, comes back by itself, and sounds', async () => {
  const page = await stage.page('r_restart');
  await page.start();
  await stage.server.halt();
  await page.tab.waitForSelector('#notice:has-text("正在重连")');
  await page.shoot('restart');
  await stage.server.serve();
  await page.is('#connection', 'ready');
  assert.ok(await page.tab.isHidden('#notice'));
  const id = await stage.server.post('r_restart', 'order.new', { order: order('62', '测试面馆', '阳光花园'), alert: brief });
  await page.card(id);
  assert.equal((await stage.server.ended(id, SENTENCE_LIMIT_MS)).deliveries[0].reason, 'played');
  await page.tab.tap('#stop');
  await page.is('#audio-state', 'off');
  await until('the server knows', async () => !(await stage.server.call('GET', '/v1/riders/r_restart')).on_duty);
  assert.deepEqual((await page.close()).filter((trouble) => !cut(trouble)), []);
});

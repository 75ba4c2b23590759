// The page on the home screen: what a browser asks of it before it offers to install it, and what the installed page says when
// its server cannot be reached.
'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const { barriers } = require('./axe.js');
const { measure } = require('./measure.js');
const { Stage, until } = require('./stage.js');

const SHELL = ['offline.css', 'offline.html', 'offline.js'];
const cut = (trouble) => /ERR_|WebSocket/.test(trouble);

let stage;
test.before(async () => { stage = await Stage.set(); });
test.after(async () => { await stage.strike(); });

/** Width and height, as a PNG itself tells them. */
function sizeOf(png) {
  assert.equal(png.subarray(0, 8).toString('latin1'), '\x89PNG\r\n\x1a\n');
  return [png.readUInt32BE(16), png.readUInt32BE(20)];
}

async function get(address, type) {
  const answer = await fetch(address);
  assert.equal(answer.status, 200, address);
  assert.equal(answer.headers.get('content-type'), type, address);
  assert.match(answer.headers.get('content-security-policy'), /^default-src 'none'/);
  return Buffer.from(await answer.arrayBuffer());
}

test('manifest and icons are what they say, and stay below the page', async () => {
  const page = `${stage.server.origin}/rider`;
  const address = `${page}/rider.webmanifest`;
  const manifest = JSON.parse(await get(address, 'application/manifest+json'));
  assert.deepEqual([new URL(manifest.start_url, address).href, new URL(manifest.scope, address).href], [page, page]);
  assert.equal(manifest.display, 'standalone');
  assert.ok([manifest.name, manifest.short_name, manifest.theme_color, manifest.background_color].every((text) => text.length > 0));
  assert.ok(manifest.short_name.length <= 12, 'what fits below an icon');
  const drawn = manifest.icons.filter((icon) => icon.type === 'image/png');
  assert.deepEqual(drawn.map((icon) => `${icon.sizes} ${icon.purpose}`), ['192x192 any', '512x512 any', '192x192 maskable', '512x512 maskable']);
  for (const icon of drawn) {
    assert.equal(sizeOf(await get(new URL(icon.src, address).href, 'image/png')).join('x'), icon.sizes);
  }
  assert.deepEqual(sizeOf(await get(`${page}/apple-touch-icon.png`, 'image/png')), [180, 180]);
  await get(`${page}/icon.svg`, 'image/svg+xml');
});

test('the browser finds nothing that keeps it from installing the page', async () => {
  const page = await stage.visit('');
  const devtools = await page.context.newCDPSession(page.tab);
  const { errors, url } = await devtools.send('Page.getAppManifest');
  assert.deepEqual([errors, new URL(url).pathname], [[], '/rider/rider.webmanifest']);
  const { installabilityErrors } = await devtools.send('Page.getInstallabilityErrors');
  const own = installabilityErrors.filter(({ errorId }) => errorId !== 'in-incognito'); // every context of a test is private
  assert.deepEqual(own, []);
  assert.ok(await page.tab.isHidden('#install'), 'no button where the browser offers nothing');
  // What it offers on a phone, and what a tap on the page's own button does with it.
  await page.tab.evaluate(() => {
    const offer = new Event('beforeinstallprompt', { cancelable: true });
    offer.prompt = () => { window.prompted = true; };
    window.dispatchEvent(offer);
    window.held = offer.defaultPrevented;
    document.querySelector('#install').click();
  });
  assert.deepEqual(await page.tab.evaluate(() => [window.held, window.prompted, document.querySelector('#install').hidden]), [true, true, true]);
  assert.deepEqual(await page.close(), []);
});

test('without its server the page says so in plain words, and comes back by itself; nothing else of it is kept', async () => {
  const page = await stage.page('r_offline');
  const kept = () => page.tab.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    const names = await caches.keys();
    const files = await Promise.all(names.map(async (name) => (await (await caches.open(name)).keys()).map((request) => request.url.split('/').pop())));
    return { scope: new URL(registration.scope).pathname, files: files.flat().sort() };
  });
  assert.deepEqual(await kept(), { scope: '/rider', files: SHELL });
  page.line.cut();
  await page.tab.reload();
  await page.tab.waitForSelector('h1:has-text("连不上服务器")');
  assert.match(await page.tab.innerText('main'), /The server cannot be reached/);
  await page.shoot('unreachable');
  for (const colorScheme of ['light', 'dark']) {
    await page.tab.emulateMedia({ colorScheme });
    assert.deepEqual((await barriers(page.tab)).bad, [], colorScheme);
  }
  await page.tab.setViewportSize({ width: 320, height: 568 });
  assert.deepEqual(await page.tab.evaluate(measure), { targets: 1, wrong: [] });
  page.line.mend();
  await page.tab.evaluate(() => window.dispatchEvent(new Event('online'))); // or five seconds later, without it
  await page.is('#connection', 'ready');
  await page.start();
  assert.deepEqual((await kept()).files, SHELL);
  assert.deepEqual((await page.close()).filter((trouble) => !cut(trouble)), []);
});

test('an iPhone is told the truth before anything else', async () => {
  const userAgent = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1';
  const page = await stage.visit('', { userAgent });
  assert.match(await page.tab.innerText('#signin-view .ios'), /锁屏[^]*听不到[^]*小程序/);
  await page.shoot('ios');
  await page.tab.fill('#token', stage.server.token('r_ios'));
  await page.tab.tap('#signin');
  assert.ok(await page.tab.isVisible('#ios-notice'), 'until the shift begins');
  await page.tab.tap('#settings summary');
  assert.match(await page.tab.innerText('#install-ios'), /添加到主屏幕[^]*听不到/);
  assert.deepEqual(await page.close(), []);
  const other = await stage.visit('');
  assert.ok(await other.tab.isHidden('#signin-view .ios'));
  assert.deepEqual(await other.close(), []);
});

test('the sound of the voice: shown where the server lets riders choose it, and kept there', async () => {
  const page = await stage.visit('');
  let mine = null;
  let status = 404;
  const asked = [];
  await page.tab.route('**/v1/rider/settings', async (route) => {
    const request = route.request();
    asked.push(request.method());
    if (request.method() === 'PUT' && status === 200) mine = request.postDataJSON().sound_profile;
    await route.fulfill({ status, json: { code: 0, msg: 'ok', data: { sound_profile: mine, effective: mine || 'plain' } } });
  });
  const signIn = async () => {
    await page.tab.fill('#token', stage.server.token('r_voice'));
    await page.tab.tap('#signin');
    await page.is('#connection', 'ready');
  };
  await signIn();
  await until('asked', () => asked.length === 1);
  await page.tab.tap('#settings summary');
  assert.ok(await page.tab.isHidden('#sound-row'), 'a server without it');
  await page.tab.tap('#signout');
  status = 200;
  await signIn();
  await page.tab.waitForSelector('#sound-row:not([hidden])');
  await page.tab.selectOption('#sound', 'street');
  await page.tab.waitForSelector('#sound-told:has-text("下次连接起生效")');
  assert.equal(mine, 'street');
  await page.shoot('settings');
  status = 503;
  await page.tab.selectOption('#sound', 'plain');
  await page.tab.waitForSelector('#sound-told:has-text("没有保存")');
  assert.deepEqual([mine, await page.tab.inputValue('#sound')], ['street', 'street']);
  await page.tab.tap('#signout');
  status = 200;
  await signIn();
  await until('as kept', async () => (await page.tab.inputValue('#sound')) === 'street');
  assert.deepEqual(await page.close(), []);
});

// How the page looks and reads: in two languages, light and dark, from 320 px to a desk, held upright or on its side. Measured
// by the browser and by axe; the pictures (SHOTS names their folder) are for people to judge.
'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const { Stage, until } = require('./stage.js');
const { barriers } = require('./axe.js');
const { measure } = require('./measure.js');

const SIZES = { phone: [390, 844], small: [320, 568], side: [844, 390], 'small side': [568, 320], desk: [1280, 800] };
const LANGUAGES = { zh: 'zh-CN', en: 'en' };
const IPHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1';
const HAN = /[\u4e00-\u9fff]/;

let stage;
test.before(async () => { stage = await Stage.set(); });
test.after(async () => { await stage.strike(); });

/** Runs `look(name)` in each language and each theme. */
async function everyWay(page, what, look) {
  for (const lang of Object.keys(LANGUAGES)) {
    await page.tab.evaluate((to) => window.RiderWords.use(to), lang);
    assert.equal(await page.tab.getAttribute('html', 'lang'), LANGUAGES[lang]);
    for (const colorScheme of ['light', 'dark']) {
      await page.tab.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await look(`${what}, ${lang}, ${colorScheme}`, lang);
    }
  }
}

/** Axe in all languages and themes, and the measures in all sizes. */
async function judge(page, what, figures) {
  await everyWay(page, what, async (name, lang) => {
    const { passes, bad } = await barriers(page.tab);
    assert.deepEqual(bad, [], name);
    assert.ok(passes > 10, `axe has looked: ${passes}`);
    figures.axe += 1;
    if (!name.endsWith('light')) return;
    for (const [size, [width, height]] of Object.entries(SIZES)) {
      await page.tab.setViewportSize({ width, height });
      await page.tab.evaluate(() => window.scrollTo(0, 0));
      const { targets, wrong } = await page.tab.evaluate(measure);
      assert.deepEqual(wrong, [], `${name}, ${size}`);
      assert.ok(targets > 1, `${name}, ${size}`);
      figures.targets += targets;
      if (process.env.SHOTS) await page.shoot(`${what}-${lang}-${size}`.replace(/ /g, '-'));
    }
    await page.tab.setViewportSize({ width: SIZES.phone[0], height: SIZES.phone[1] });
  });
}

test('every state, in every way to look at it: no barrier, nothing cut, nothing on top of another, room for a glove', async () => {
  const figures = { axe: 0, targets: 0 };
  const page = await stage.visit('', { scripted: true, userAgent: IPHONE }); // it has the most to be told
  page.rider = 'r_look';
  await page.tab.tap('#signin');
  await judge(page, 'signin', figures);
  await page.tab.evaluate(() => window.RiderWords.use('zh'));
  await page.tab.fill('#token', stage.server.token('r_look'));
  await page.tab.tap('#signin');
  await page.is('#connection', 'ready');
  await judge(page, 'off', figures);
  await page.start();
  await page.tab.evaluate(() => window.scrollTo(0, 0));
  await judge(page, 'duty', figures);

  const hour = { in_ms: 3600000 };
  page.socket.offer('alr_70', { ...hour, card: { short_no: '70', merchant: '老王烧烤', area: '滨江一号' } });
  await page.card('alr_70', '[data-state="sounding"]');
  await page.tab.tap('.card[data-id="alr_70"] button[data-action="accept"]');
  await page.card('alr_70', '[data-result="done"]');
  page.socket.offer('alr_71', { ...hour, in_ms: 95000 });
  page.socket.offer('alr_72', { ...hour, mode: 'grab', urgency: 2, title: '抢单', card: { short_no: '10072', merchant: '兰州拉面（科技园南区旗舰店）', area: 'SouthernScienceParkBuildingTwelveB 1203 室', distance_m: 12100, fee_cents: 1720 } });
  page.socket.offer('alr_73', { ...hour, kind: 'order.assigned', mode: 'ack', need: 'confirm', title: '派单', urgency: 1, answer_by: undefined, card: { short_no: '73', merchant: '沙县小吃', area: '幸福里', distance_m: 800, note: '不要辣，放前台，到了不要按门铃，谢谢' } });
  await page.card('alr_71', '[data-state="sounding"]');
  await until('no button waits', () => page.tab.evaluate(() => !document.querySelector('.card[data-over="false"] button:disabled')));
  await judge(page, 'cards', figures);

  await page.press('nexttrack');
  await page.tab.waitForSelector('#headset-said:not([hidden])');
  await page.tab.evaluate(() => document.querySelector('#player').pause());
  await page.is('#audio-state', 'paused');
  await judge(page, 'trouble', figures);
  await page.tab.tap('#resume');
  await page.is('#audio-state', 'playing');

  await page.tab.evaluate(() => document.querySelectorAll('details').forEach((node) => { node.open = true; }));
  await page.tab.tap('#check-start');
  await page.tab.tap('#check-start');
  await page.tab.waitForSelector('#check-result:not([hidden])');
  await judge(page, 'settings', figures);
  console.log(`figures: axe ${figures.axe} states without serious findings, ${figures.targets} touch targets measured`);
  assert.deepEqual((await page.close()).filter((trouble) => !/40[01]/.test(trouble)), [], 'beside the check of a session that the server has not seen');
});

test('a shift and its offers, for the eye', async () => {
  const page = await stage.page('r_shift', { scripted: true, viewport: { width: 390, height: 896 } });
  await page.start();
  const card = (no, merchant, area, metres, cents) => ({ short_no: no, merchant, area, distance_m: metres, fee_cents: cents });
  const told = { kind: 'order.ready', mode: 'notify', need: 'none', title: '已出餐', urgency: 1, answer_by: undefined, in_ms: 600000, repeat: { count: 1, remaining: 1, gap_ms: 1000 } };
  page.socket.offer('alr_11', { ...told, audio: { url: '/audio/silence/2.mp3', mime: 'audio/mpeg', duration_ms: 2000, tail_ms: 1500 }, card: card('11', '老王烧烤（万达店）', '滨江一号', 2300, 650) });
  await page.card('alr_11', '[data-state="played"]');
  page.socket.offer('alr_17', { in_ms: 58000 });
  page.socket.offer('alr_12', { ...told, kind: 'order.new', title: '新订单', urgency: 2, text: '您有新的订单，兰州拉面，请及时接单', card: { ...card('12', '兰州拉面', '科技园 B 座', 700, 420), note: '不要辣，放前台' } });
  await page.card('alr_17', '[data-state="sounding"]');
  await page.card('alr_12');
  await page.shoot('shift');
  page.socket.stop('alr_12', 'cancelled');
  page.socket.offer('alr_22', { mode: 'grab', title: '抢单', urgency: 2, in_ms: 55000, card: card('22', '沙县小吃', '幸福里', 900, 450) });
  page.socket.offer('alr_23', { mode: 'grab', title: '抢单', urgency: 2, in_ms: 55000, card: card('23', '兰州拉面', '科技园', 2100, 720) });
  page.socket.outcome = 'lost';
  await until('buttons count', () => page.tab.isEnabled('.card[data-id="alr_22"] button'));
  await page.tab.tap('.card[data-id="alr_22"] button[data-action="accept"]');
  await page.card('alr_22', '[data-result="lost"]');
  await page.shoot('offers');
  await page.tab.emulateMedia({ colorScheme: 'dark' });
  await page.shoot('offers-dark');
  assert.deepEqual(await page.close(), []);
});

test('both languages say everything, and each only its own words; the choice is kept', async () => {
  const page = await stage.visit('', { locale: 'en-GB' });
  assert.equal(await page.tab.getAttribute('html', 'lang'), 'en');
  const english = await page.tab.innerText('body');
  assert.ok(!HAN.test(english.replace('中文', '')), english);
  assert.equal(await page.tab.title(), 'Rider · Orderbell');
  await page.tab.tap('#language-other');
  assert.equal(await page.tab.getAttribute('html', 'lang'), 'zh-CN');
  assert.match(await page.tab.innerText('#signin'), /登录/);
  await page.tab.reload();
  assert.match(await page.tab.innerText('#signin'), /登录/, 'kept');
  // Every word that stands in the code or in the page is there in both, with the same places to fill.
  const words = await page.tab.evaluate(() => window.RiderWords.tables());
  assert.deepEqual(Object.keys(words.en).sort(), Object.keys(words.zh).sort());
  Object.keys(words.zh).forEach((key) => {
    const places = (text) => (text.match(/\{\w+\}/g) || []).sort().join();
    assert.equal(places(words.en[key]), places(words.zh[key]), key);
    assert.ok(words.en[key] && (key === 'app.other' || !HAN.test(words.en[key])), key);
  });
  const used = await page.tab.evaluate(() => Array.from(document.querySelectorAll('[data-word], [data-label]'), (node) => node.dataset.word || node.dataset.label));
  assert.deepEqual(used.filter((key) => !(key in words.zh)), []);
  assert.deepEqual(await page.close(), []);
});

test('a phone that wants no motion gets none, and a countdown is readable at any moment', async () => {
  const page = await stage.page('r_still', { scripted: true, reducedMotion: 'reduce' });
  await page.start();
  page.socket.offer('alr_81', { in_ms: 9500 });
  await page.tab.waitForSelector('.card .left[data-soon="true"]');
  const moving = () => page.tab.evaluate(() => document.getAnimations().length);
  assert.equal(await moving(), 0);
  await page.tab.emulateMedia({ reducedMotion: 'no-preference' });
  assert.ok(await moving() > 0);
  const { bad } = await barriers(page.tab);
  assert.deepEqual(bad, []);
  await page.shoot('soon');
  assert.deepEqual(await page.close(), []);
});

// What the rider sees and does: buttons, loss of the network, another device, hostile texts, the self-check.
// The pictures it takes (SHOTS names their folder) are for people to judge.
'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const { Stage, until, order } = require('./stage.js');

const SENTENCE_LIMIT_MS = 40000;

let stage;
test.before(async () => { stage = await Stage.set(); });
test.after(async () => { await stage.strike(); });

test('the button confirms, and the server has it', async () => {
  const page = await stage.page('r_confirm');
  await page.start();
  const id = await stage.server.post('r_confirm', 'order.assigned', { order: order('21', '沙县小吃', '幸福里', 900, 450) });
  await page.card(id, '[data-state="sounding"]');
  await page.tab.click(`.card[data-id="${id}"] button[data-action="confirm"]`);
  const card = await page.card(id, '[data-state="answered"]');
  assert.match(await card.innerText(), /已确认/);
  const [delivery] = (await stage.server.ended(id)).deliveries;
  assert.deepEqual([delivery.reason, delivery.answer], ['answered', 'confirm']);
  assert.deepEqual(await page.close(), []);
});

test('a name that is markup is shown as what it is, a name', async () => {
  const page = await stage.page('r_hostile');
  await page.start();
  const hostile = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>';
  const id = await stage.server.post('r_hostile', 'order.new', { order: order('22', hostile, '<b>here</b>', 1, 1), alert: { repeat: { count: 1 } } });
  const card = await page.card(id);
  const text = await card.innerText();
  assert.ok(text.includes(hostile) && text.includes('<b>here</b>'), text);
  assert.equal(await card.$('img, script, b'), null);
  assert.equal(await page.tab.evaluate(() => window.hacked), undefined);
  await page.shoot('hostile');
  assert.deepEqual(await page.close(), []);
});

test('cut off and back again, the rider has everything', async () => {
  const page = await stage.page('r_cut');
  await page.start();
  page.line.cut();
  await page.tab.waitForSelector('#connection:not([data-state="ready"])');
  await page.shoot('offline');
  const once = { repeat: { count: 1 }, text: '测试' };
  const posted = [];
  for (const no of ['31', '32']) {
    posted.push(await stage.server.post('r_cut', 'order.new', { order: order(no, '测试面馆', '阳光花园', 800, 500), alert: once }));
  }
  page.line.mend();
  await page.is('#connection', 'ready');
  for (const id of posted) {
    await page.card(id);
    assert.equal((await stage.server.ended(id, SENTENCE_LIMIT_MS)).deliveries[0].reason, 'played');
  }
  const troubles = await page.close();
  assert.deepEqual(troubles.filter((trouble) => !/ERR_|WebSocket/.test(trouble)), [], 'beside what the browser says of the cut');
});

test('another device takes over, and the first one says so', async () => {
  const first = await stage.page('r_two');
  await first.start();
  const second = await stage.page('r_two');
  await first.is('#connection', 'fatal');
  assert.match(await first.tab.innerText('#notice'), /另一台设备/);
  await first.shoot('replaced');
  await second.start();
  const id = await stage.server.post('r_two', 'order.new', { order: order('41', '测试面馆', '阳光花园', 800, 500), alert: { repeat: { count: 1 }, text: '测试' } });
  await second.card(id);
  assert.equal((await stage.server.ended(id, SENTENCE_LIMIT_MS)).deliveries[0].reason, 'played');
  assert.equal(await first.tab.$(`.card[data-id="${id}"]`), null);
  assert.deepEqual([await first.close(), await second.close()], [[], []]);
});

test('a self-check, ended early, is kept by the server', async () => {
  const page = await stage.page('r_check');
  await page.start();
  await page.tab.click('#selfcheck summary');
  await page.tab.selectOption('#check-minutes', '1');
  await page.tab.click('#check-start');
  await page.tab.waitForSelector('#check-start:has-text("提前结束")');
  await page.tab.click('#check-start');
  await page.tab.waitForSelector('#check-result:not([hidden])');
  const { checks: [check] } = await until('the result', async () => {
    const found = await stage.server.call('GET', '/v1/riders/r_check/checks');
    return found.checks.length && found;
  });
  assert.deepEqual([check.result.platform, check.result.denials, check.result.gaps], ['browser', 0, 0]);
  assert.match(check.result.notes, /cancelled/);
  const shown = await page.tab.$$eval('#check-result dt', (rows) => rows.map((row) => row.textContent));
  ['声音中断', '在后台的时间', '声音加载', '计时最多迟到', '播完后换声被拒'].forEach((row) => assert.ok(shown.includes(row), `${row} of ${shown}`));
  assert.doesNotMatch(await page.tab.innerText('#check-result'), /null|undefined|NaN|check\./);
  await page.tab.evaluate(() => document.querySelector('#selfcheck').scrollIntoView());
  await page.shoot('selfcheck');
  assert.deepEqual(await page.close(), []);
});

test('whatever keeps orders from the ear is said, the worst first', async () => {
  const page = await stage.visit('');
  const told = (state, facts) => page.tab.evaluate(([client, more]) => {
    const notice = window.riderNotice({ connection: 'ready', audio: 'playing', on_duty: true, server_now: 0, ...client }, { unheard: false, expires_at: null, ...more });
    return notice && window.RiderWords.say(notice.word, notice.values) + (notice.resume ? ' [resume]' : '');
  }, [state, facts]);
  assert.equal(await told({}), null);
  assert.match(await told({ audio: 'stolen', connection: 'backoff' }), /占用[^]*听不到[^]*resume/);
  assert.match(await told({ audio: 'paused' }), /暂停[^]*resume/);
  assert.doesNotMatch(await told({ audio: 'interrupted' }), /resume/, 'a call ends by itself');
  assert.match(await told({ connection: 'offline' }), /收不到新订单/);
  assert.match(await told({ connection: 'backoff', via: 'http' }), /备用线路[^]*晚/);
  assert.match(await told({ fatal: { code: 4002, reason: 'banned' }, audio: 'paused' }), /停用/);
  assert.match(await told({ fatal: { code: 4099, reason: 'of_tomorrow' } }), /拒绝了连接/);
  assert.match(await told({ on_duty: undefined, audio: 'off' }, { unheard: true }), /才能听到/);
  assert.match(await told({}, { expires_at: 300001 }), /6 分钟后过期/);
  assert.equal(await told({}, { expires_at: 900000 }), null);
  assert.deepEqual(await page.close(), []);
});

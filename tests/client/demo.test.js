'use strict';
// The demo's page on the model of a phone: what its cards say of an offer, from ring to end.

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { createRequire } = require('node:module');
const vm = require('node:vm');
const { rig } = require('./model/rig.js');

const DEMO = path.join(__dirname, '../../assets/miniprogram/demo');

/** The page's own code, with the platform's two globals; its app holds the rider of a rig. */
async function shown() {
  const app = {
    alerts: {}, notice: '', subscriptions: { words: () => '', trouble: '' },
    watch: () => () => {}, answer: (id, answer) => app.rider.answer(id, answer),
  };
  const r = rig({ onAlert: (a) => { app.alerts[a.id] = Object.assign(a, { told_at: r.rider.state().server_now }); } });
  app.rider = r.rider;
  let page = null;
  const file = path.join(DEMO, 'pages/index/index.js');
  vm.runInNewContext(fs.readFileSync(file, 'utf8'), { getApp: () => app, Page: (made) => { page = made; }, require: createRequire(file) });
  page.setData = (data) => Object.assign(page.data, data);
  r.rider.start();
  await r.advance(2000);
  const card = (id) => {
    page.draw();
    const found = page.data.cards.find((c) => c.id === id);
    return found && { word: found.state, left: found.left, buttons: found.actions.map((a) => a.text).join(' '), busy: found.busy, result: found.result };
  };
  const tap = (id, answer) => page.answer({ currentTarget: { dataset: { id, answer } } });
  const offer = (mode, more) => r.server.alert({
    need: 'accept', mode, urgency: 3, ttl_ms: 30000, answer_by: r.world.now + 30000, repeat: { count: 1, remaining: 1, gap_ms: 0 }, ...more,
  }).id;
  return { r, card, tap, offer };
}

test('an offer waits with its countdown and its buttons, and says what became of it', async () => {
  for (const [mode, answer, outcome, word, result] of [
    ['assign', 'accept', 'recorded', '已接单', 'done'], ['assign', 'decline', 'recorded', '已拒绝', ''], ['grab', 'accept', 'won', '抢单成功', 'done'],
    ['grab', 'accept', 'lost', '已被抢', 'lost'], ['grab', 'accept', 'gone', '已失效', ''], ['ack', 'confirm', 'recorded', '已确认', 'done'],
  ]) {
    const { r, card, tap, offer } = await shown();
    const id = offer(mode, mode === 'ack' ? { need: 'confirm', answer_by: undefined } : {});
    await r.advance(1000);
    const buttons = { assign: '接单 拒绝', grab: '抢单', ack: '确认' }[mode];
    assert.deepEqual(card(id), { word: '正在播报', left: '29 秒', buttons, busy: false, result: '' });
    r.server.answers = 'pending';
    tap(id, answer);
    assert.deepEqual(card(id), { word: '正在提交', left: '', buttons, busy: true, result: '' });
    await r.advance(1000);
    assert.deepEqual([card(id).word, card(id).busy], ['处理中', true]);
    r.server.decide(id, outcome);
    await r.advance(1000);
    assert.deepEqual(card(id), { word, left: '', buttons: '', busy: false, result }, outcome);
  }
});

test('taken leaves after a while, run out stays, and the chime of a loss has no card', async () => {
  const { r, card, offer } = await shown();
  const taken = offer('grab');
  const void_ = offer('assign');
  const chime = offer('notify', { kind: 'order.taken', need: 'none', answer_by: undefined, urgency: 0 });
  await r.advance(1000);
  assert.equal(card(chime), undefined);
  r.server.stop(taken, 'taken');
  await r.advance(1000);
  assert.deepEqual([card(taken).word, card(taken).result], ['已被抢', 'lost']);
  await r.advance(6000);
  assert.equal(card(taken), undefined);
  await r.advance(23000);
  assert.deepEqual(card(void_), { word: '已失效', left: '', buttons: '', busy: false, result: '' });
});

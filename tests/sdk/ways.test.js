// What may lie between a rider and the server: lines that break, and lines that go hollow.
'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const { Stage, QUICK } = require('./stage.js');
const { until } = require('./bell.js');
const { Line } = require('./proxy.js');

const stage = Stage.of(test, { settings: QUICK });

test('a line that is cut while a sentence sounds: back within a second or two, and heard once', async () => {
  const line = stage.keep(await Line.lay(stage.bell.origin));
  const rider = await stage.rider('r_cut', { origin: line.origin, speed: 2 }).start();
  const { id } = await stage.post('r_cut');
  await rider.told(id, 'sounding');
  line.cut();
  const second = await stage.post('r_cut', 'order.new', { timed: false });
  await rider.told(second.id, 'played');
  await until('two sessions', () => rider.device.opened === 2);
  assert.equal(rider.device.player.spoken().length, 2);
});

test('a line that goes hollow: no close comes, silence says it', async () => {
  const line = stage.keep(await Line.lay(stage.bell.origin));
  const rider = await stage.rider('r_hollow', { origin: line.origin }).start();
  const since = Date.now();
  line.hollowOut();
  const { id } = await stage.post('r_hollow', 'order.new', { timed: false });
  const lost = await until('the silence is noticed', () => rider.event('closed').find((e) => e.at > since));
  assert.equal(lost.code, 4102);
  line.mend();
  await rider.told(id, 'played');
  assert.ok(rider.device.most <= 2, `${rider.device.most} sockets at once`);
});

test('brought to the front on a hollow line: looked at, at once', async () => {
  const line = stage.keep(await Line.lay(stage.bell.origin));
  const rider = await stage.rider('r_shown', { origin: line.origin, speed: 1 }).start();
  rider.device.hide();
  line.hollowOut();
  rider.device.show();
  const since = Date.now();
  const lost = await until('the probe fails', () => rider.event('closed').find((e) => e.at >= since));
  assert.ok(lost.at - since < 4500, `noticed after ${lost.at - since} ms`);
  line.mend();
  const { id } = await stage.post('r_shown', 'order.new', { timed: false });
  await rider.told(id, 'played');
});

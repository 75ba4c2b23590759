// Fifty riders in one process, each behind a line of their own: first a calm noon, then twenty seconds in which lines are cut
// and go hollow, apps die, and the server is killed once and stands still once. SEED=7 throws the same dice again.
'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const { Stage, QUICK } = require('./stage.js');
const { pause } = require('./bell.js');
const { Line } = require('./proxy.js');
const { Dice } = require('./dice.js');
const { HEARD, ANSWERED } = require('./oracle.js');

const RIDERS = 50;
const CALM_MS = 5000;
const WILD_MS = 20000;
const POST_EVERY_MS = 150;
const FAULT_EVERY_MS = 250;
const SETTINGS = { ...QUICK, ORDERBELL_RIDER__CONNECTS_PER_MINUTE: '0' };

/** Faults by name; each ends by itself. */
const FAULTS = {
  cut: (rider) => rider.line.cut(),
  hollow: async (rider, dice) => {
    rider.line.hollowOut();
    await pause(dice.between(500, 7000)); // some are noticed, some are not
    rider.line.mend();
  },
  refused: async (rider, dice) => {
    rider.line.refuse();
    await pause(dice.between(300, 2500));
    rider.line.mend();
  },
  tunnel: async (rider, dice) => {
    rider.device.tunnel = true;
    rider.device.fire('NetworkStatusChange', { isConnected: false, networkType: 'none' });
    rider.line.hollowOut();
    await pause(dice.between(500, 3000));
    rider.line.mend();
    rider.device.tunnel = false;
    rider.device.fire('NetworkStatusChange', { isConnected: true, networkType: '4g' });
  },
  'app killed': (rider) => {
    rider.reopen();
    rider.client.start();
  },
};

/** Those who are asked confirm as soon as they hear. */
function confirming(stage, name, line) {
  const rider = stage.rider(name, {
    origin: line.origin,
    onAlert: ({ id, mode, state }) => { if (mode === 'ack' && state === 'sounding') rider.client.answer(id, 'confirm'); },
  });
  rider.line = line;
  return rider;
}

/** Posts until `end`, to one to three riders at a time. */
async function noon(stage, riders, dice, end, timed) {
  const posts = [];
  while (Date.now() < end) {
    const names = new Set(Array.from({ length: dice.between(1, 4) }, () => dice.one(riders).name));
    const ask = dice.roll() < 0.3;
    posts.push(stage.post([...names], ask ? 'order.assigned' : 'order.new', {
      timed, expect: ask ? ANSWERED : HEARD, alert: { ttl_s: 300 }, ...(ask && { offer: { mode: 'ack', timeout_s: 300 } }),
    }));
    await pause(POST_EVERY_MS);
  }
  await Promise.all(posts);
}

async function storm(riders, dice, end, struck) {
  const under = new Set();
  const running = [];
  while (Date.now() < end) {
    const rider = dice.one(riders);
    const name = dice.one(Object.keys(FAULTS));
    if (!under.has(rider)) {
      under.add(rider);
      struck[name] = (struck[name] || 0) + 1;
      running.push(Promise.resolve(FAULTS[name](rider, dice)).then(() => under.delete(rider)));
    }
    await pause(FAULT_EVERY_MS);
  }
  await Promise.all(running);
}

async function server(bell, began, struck) {
  await pause(began + 6000 - Date.now());
  await bell.down('SIGKILL');
  await pause(500);
  await bell.up();
  struck['server killed'] = 1;
  await pause(began + 13000 - Date.now());
  bell.signal('SIGSTOP');
  await pause(2000);
  bell.signal('SIGCONT');
  struck['server stopped'] = 1;
}

test('fifty riders: calm, then faults; nothing is lost, nothing is heard twice', async () => {
  const seed = Number(process.env.SEED || 1);
  const dice = new Dice(seed);
  const stage = await Stage.set({ settings: SETTINGS });
  try {
    const riders = [];
    for (let n = 0; n < RIDERS; n += 1) riders.push(confirming(stage, `r_${n}`, stage.keep(await Line.lay(stage.bell.origin))));
    await Promise.all(riders.map((rider) => rider.start()));
    await noon(stage, riders, dice, Date.now() + CALM_MS, true);
    await stage.settled();
    const began = Date.now();
    const struck = {};
    await Promise.all([
      noon(stage, riders, dice, began + WILD_MS, false), storm(riders, dice, began + WILD_MS, struck), server(stage.bell, began, struck),
    ]);
    await Promise.all(riders.map((rider) => rider.ready(30000)));
    console.log(`figures: crowd: seed ${seed}, ${Object.entries(struck).map(([name, times]) => `${name} ${times}`).join(', ')}`);
    assert.ok(riders.every((rider) => rider.device.most <= 5), 'five sockets at most');
  } finally {
    await stage.close(30000);
  }
});

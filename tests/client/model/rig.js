'use strict';
// One rider, one phone, one server, one clock.

const sdk = require('../../../assets/miniprogram/orderbell.js');
const { World } = require('./world.js');
const { Phone } = require('./phone.js');
const { Server } = require('./server.js');

const SENTENCE_MS = 3000;
const TAIL_MS = 45000;

function rig(options) {
  const given = options || {};
  const { createRider, wechatAdapter } = given.sdk || sdk;
  const world = new World();
  const server = new Server(world);
  const phone = new Phone(world, server, given.phone, given.random);
  phone.files.set('/audio/silence/600.m4a', 600000);
  phone.files.set('/audio/silence/600.mp3', 600000);
  phone.files.set('/audio/canned/order.mp3', 2000 + TAIL_MS);
  for (let i = 0; i < 40; i += 1) phone.files.set(`/audio/c/alr_${i}.mp3`, SENTENCE_MS + TAIL_MS);
  const told = { alerts: [], states: [], events: [] };
  const asked = [];
  const open = () => createRider({
    url: 'wss://ob.test/v1/rider/socket',
    getToken: ({ refresh }) => {
      asked.push(refresh);
      return given.token ? given.token(refresh, asked.length) : 'tok-1';
    },
    adapter: wechatAdapter(phone.wx, phone.env),
    onAlert: (a) => { told.alerts.push(a); if (given.onAlert) given.onAlert(a); },
    onState: (s) => told.states.push(s),
    onEvent: (e) => told.events.push(e),
  });
  return {
    world, server, phone, told, asked, open,
    rider: open(),
    /** Nothing the client throws may reach the platform. */
    async advance(ms) {
      await world.advance(ms);
      if (phone.thrown.length) throw phone.thrown[0];
    },
    /** The states an alert went through, repeats of one state left out. */
    states: (id) => told.alerts.filter((a) => a.id === id).map((a) => a.state).filter((s, i, all) => s !== all[i - 1]),
    events: (type) => told.events.filter((e) => e.type === type),
  };
}

/** Started, welcomed and silent in the background: where a rider spends the day. */
async function onTheRoad(options) {
  const r = rig(options);
  r.rider.start();
  await r.advance(2000);
  r.phone.hide();
  await r.advance(1000);
  return r;
}

module.exports = { rig, onTheRoad, SENTENCE_MS, TAIL_MS };

'use strict';
// The browser as a device: one audio element, unlocked by the tap, and honest about a refusal.

const test = require('node:test');
const assert = require('node:assert/strict');
const { createRider, browserAdapter } = require('../../assets/miniprogram/orderbell.browser.js');
const { World } = require('./model/world.js');

class Element {
  constructor(world) {
    this.world = world;
    this.allowed = false;
    this.paused = true;
    this.ended = false;
    this.source = '';
    this.listeners = {};
    this.sources = [];
    this.begunAt = 0;
    this.duration = NaN;
  }

  addEventListener(name, listen) { (this.listeners[name] = this.listeners[name] || []).push(listen); }
  fire(name) { (this.listeners[name] || []).forEach((listen) => listen({})); }
  get src() { return this.source; }
  set src(src) { this.source = src; this.sources.push(src); this.paused = true; }
  get currentTime() { return this.paused ? 0 : (this.world.now - this.begunAt) / 1000; }

  play() {
    if (!this.allowed) return Promise.reject(Object.assign(new Error('tap first'), { name: 'NotAllowedError' }));
    this.paused = false;
    const { source } = this;
    this.world.at(50, () => {
      if (source !== this.source) return;
      this.begunAt = this.world.now;
      this.fire('playing');
      const tick = () => {
        if (source !== this.source || this.paused) return;
        this.fire('timeupdate');
        this.world.at(250, tick);
      };
      tick();
    });
    return Promise.resolve();
  }

  pause() { this.paused = true; this.fire('pause'); }
}

function tab() {
  const world = new World();
  const element = new Element(world);
  const sockets = [];
  const bus = () => {
    const listeners = {};
    return {
      addEventListener: (name, listen) => { (listeners[name] = listeners[name] || []).push(listen); },
      removeEventListener: (name, listen) => { listeners[name] = listeners[name].filter((l) => l !== listen); },
      fire: (name) => (listeners[name] || []).forEach((listen) => listen({})),
    };
  };
  const stored = new Map();
  const win = Object.assign(bus(), {
    document: Object.assign(bus(), { visibilityState: 'visible', createElement: () => { throw new Error('one element is enough'); } }),
    navigator: {},
    localStorage: { getItem: (k) => (stored.has(k) ? stored.get(k) : null), setItem: (k, v) => stored.set(k, v) },
    setTimeout: (run, ms) => world.at(ms, run),
    clearTimeout: (event) => world.cancel(event),
    WebSocket: class {
      constructor(url, protocol) {
        Object.assign(this, { url, protocol, sent: [] });
        sockets.push(this);
        world.at(10, () => this.onopen());
      }
      send(text) { this.sent.push(JSON.parse(text)); }
      close() { this.closed = true; }
      say(frame) { this.onmessage({ data: JSON.stringify(frame) }); }
    },
  });
  const adapter = browserAdapter(win, element);
  adapter.now = () => world.now;
  const rider = createRider({ url: 'wss://ob.test/v1/rider/socket', getToken: () => 'tok', adapter });
  return { world, element, win, sockets, rider };
}

async function welcomed(t) {
  t.rider.connect();
  await t.world.advance(20);
  t.sockets[0].say({ op: 'welcome', session: 's', epoch: 'e', seq: 0, now: t.world.now, heartbeat_ms: 20000, open: [], keepalive: {} });
}

test('start touches the player before it returns: a tap unlocks only what it calls itself', async () => {
  const t = tab();
  t.element.allowed = true;
  t.rider.start();
  assert.equal(t.element.sources.length, 1, 'no welcome is needed, nothing is awaited');
  assert.equal(t.element.sources[0], 'https://ob.test/audio/silence/600.m4a?n=1');
  await t.world.advance(100);
  assert.equal(t.rider.state().audio, 'playing');
});

test('a browser that refuses is told as blocked; a real tap repairs it', async () => {
  const t = tab();
  await welcomed(t);
  t.rider.start();
  await t.world.advance(100);
  assert.equal(t.rider.state().audio, 'blocked');
  assert.equal(t.sockets[0].sent.filter((f) => f.op === 'state').pop().audio, 'blocked');
  t.element.allowed = true;
  t.rider.start();
  await t.world.advance(100);
  assert.equal(t.rider.state().audio, 'playing');
});

test('an alert plays on the same element; the end of its sentence is read from the element', async () => {
  const t = tab();
  t.element.allowed = true;
  await welcomed(t);
  t.rider.start();
  await t.world.advance(100);
  t.sockets[0].say({
    op: 'alert', seq: 1, id: 'alr_1', ring: 1, urgency: 2, expires_at: t.world.now + 60000, need: 'none',
    audio: { url: '/audio/c/x.mp3', duration_ms: 47000, tail_ms: 45000 }, repeat: { count: 1, remaining: 1, gap_ms: 0 },
  });
  await t.world.advance(1900);
  assert.equal(t.rider.state().audio, 'sounding');
  await t.world.advance(500);
  assert.equal(t.rider.state().audio, 'playing');
  const statuses = t.sockets[0].sent.filter((f) => f.op === 'report').map((f) => f.status);
  assert.deepEqual(statuses, ['playing', 'played']);
});

test('a pause from the headset is a pause; a new source is not', async () => {
  const t = tab();
  t.element.allowed = true;
  await welcomed(t);
  t.rider.start();
  await t.world.advance(100);
  t.element.pause();
  assert.equal(t.rider.state().audio, 'paused');
  t.rider.start();
  t.element.fire('pause'); // some browsers send it for the source that left
  await t.world.advance(100);
  assert.equal(t.rider.state().audio, 'playing');
});

test('hidden, shown, offline and online are told', async () => {
  const t = tab();
  await welcomed(t);
  t.win.document.visibilityState = 'hidden';
  t.win.document.fire('visibilitychange');
  assert.deepEqual(t.sockets[0].sent.pop(), { op: 'state', foreground: false });
  t.win.fire('offline');
  assert.equal(t.rider.state().online, false);
  t.win.fire('online');
  assert.equal(t.rider.state().online, true);
  assert.equal(t.sockets[0].protocol, 'orderbell.v1');
  assert.equal(t.sockets[0].url, 'wss://ob.test/v1/rider/socket');
});

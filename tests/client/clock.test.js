'use strict';
// The server's time, from samples that lie in known ways.

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { SEQ_MAX, sane, epochMs } = require('../../assets/miniprogram/src/values.js');

// A part of the rider, by itself: what it takes from the others, and what it gives them.
const part = fs.readFileSync(path.join(__dirname, '../../assets/miniprogram/src/rider/clock.js'), 'utf8');
const createClock = new Function('now', 'sane', 'SEQ_MAX', part + 'return { mono, server, hint, roundTrip };');

/** A device whose clock is `error` off the server's. */
function device(error) {
  const d = { server: 1773000000000, error };
  d.now = () => d.server + d.error;
  d.clock = createClock(d.now, sane, SEQ_MAX);
  d.trip = (up, down) => {
    const sent = d.clock.mono();
    d.server += up;
    const said = d.server;
    d.server += down;
    return d.clock.roundTrip(sent, said);
  };
  d.off = () => Math.abs(d.clock.server() - d.server);
  return d;
}

test('a round trip bounds the error by half of itself, and the shortest one wins', () => {
  const d = device(-5000000);
  assert.equal(d.trip(400, 100), 500);
  assert.ok(d.off() <= 250);
  d.trip(20, 20);
  assert.equal(d.off(), 0);
  d.trip(30, 900);
  assert.equal(d.off(), 0, 'a slow trip that proves nothing changes nothing');
});

test('a trip that proves the estimate wrong replaces it, however slow', () => {
  const d = device(0);
  d.trip(5, 5);
  d.error += 3600000; // set by hand
  d.clock.mono();
  d.trip(300, 300);
  assert.ok(d.off() <= 300);
});

test('a one-way frame raises the estimate, never lowers it, and asks for a trip when it looks wrong', () => {
  const d = device(0);
  assert.equal(d.clock.hint(d.server - 100), false);
  assert.equal(d.off(), 100);
  assert.equal(d.clock.hint(d.server - 20), false);
  assert.equal(d.off(), 20);
  assert.equal(d.clock.hint(d.server - 600000), true);
  assert.equal(d.off(), 20);
  assert.equal(d.clock.hint('soon'), false);
});

test('a device clock set back does not turn time back', () => {
  const d = device(0);
  d.trip(0, 0);
  const before = d.clock.mono();
  d.error -= 3600000;
  assert.equal(d.clock.mono(), before);
  assert.equal(d.off(), 0);
  d.server += 1000;
  assert.equal(d.clock.mono(), before + 1000);
});

test('times come as milliseconds or as RFC 3339', () => {
  assert.equal(epochMs(5), 5);
  assert.equal(epochMs('2026-03-01T12:30:05+08:00'), Date.UTC(2026, 2, 1, 4, 30, 5));
  assert.equal(epochMs(undefined), 0, 'never');
});

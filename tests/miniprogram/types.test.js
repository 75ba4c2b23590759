'use strict';
// Types: the client's declarations in use, the demo's scripts, and every expression of its templates. Each with a mistake
// that must be found.

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { MINIPROGRAM } = require('./tools.js');
const { check, demo, templates } = require('./types.js');

/** The demo with a mistake in one file. */
function mistaken(make, file, from, to) {
  return check((folder) => {
    make(folder);
    const name = path.join(folder, file);
    const text = fs.readFileSync(name, 'utf8');
    assert.ok(text.includes(from), `${file} has no ${from}`);
    fs.writeFileSync(name, text.replace(from, to));
  });
}

function usage(folder) {
  fs.copyFileSync(path.join(MINIPROGRAM, 'orderbell.d.ts'), path.join(folder, 'orderbell.d.ts'));
  fs.copyFileSync(path.join(__dirname, 'types/usage.ts'), path.join(folder, 'usage.ts'));
}

test('the client is used as its types say, beside WeChat’s own', () => {
  assert.equal(check(usage), '');
});

test('wrong uses of the client do not pass', () => {
  for (const [from, to] of [
    ["rider.answer(alert.id, 'accept')", "rider.answer(alert.id, 'perhaps')"], ["url: 'wss://orders.example.com/v1/rider/socket',", ''],
    ["anchor: 'location'", "anchor: 'gps'"], ['state.via', 'state.vai'],
  ]) assert.match(mistaken(usage, 'usage.ts', from, to), /usage\.ts\(\d+,\d+\): error/, `${from} -> ${to}`);
});

test('the demo’s scripts are sound', () => {
  assert.equal(check(demo), '');
});

test('a mistake in a script does not pass', () => {
  assert.match(mistaken(demo, 'lib/settings.js', 'wx.setKeepScreenOn(', 'wx.setKeepScreenOff('), /setKeepScreenOff/);
  assert.match(mistaken(demo, 'app.js', 'this.settings.light()', 'this.settings.lights()'), /lights/);
});

test('every expression of a template is about something its page has', () => {
  assert.equal(check(templates), '');
});

test('a name no page has does not pass, nor a field no card has', () => {
  const wrong = (from, to) => check((folder) => {
    templates(folder);
    const file = path.join(folder, 'pages/index/index.wxml.ts');
    const text = fs.readFileSync(file, 'utf8');
    assert.ok(text.includes(from), from);
    fs.writeFileSync(file, text.replace(from, to));
  });
  assert.match(wrong('data.onDuty', 'data.ondutty'), /ondutty/);
  assert.match(wrong('item?.title', 'item?.titel'), /titel/);
});

'use strict';
// The files that are served are the files that are read.

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const vm = require('node:vm');
const { build } = require('../../assets/miniprogram/build.js');

const ASSETS = path.join(__dirname, '../../assets');
const read = (name) => fs.readFileSync(path.join(ASSETS, name), 'utf8');

test('the built client is up to date, and the demo has the same bytes', () => {
  build().forEach((text, name) => assert.equal(read('miniprogram/' + name), text, `${name}: run build.js`));
});

test('the client keeps to the syntax old WeChat clients parse', () => {
  const code = read('miniprogram/orderbell.js')
    .replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '').replace(/'(?:[^'\\\n]|\\.)*'/g, "''");
  [/\?\./, /\?\?/, /catch \{/, /(^|\s)#\w/m, /\bglobalThis\b/, /\basync\b/, /\.flat(Map)?\(/, /\brequire\(/].forEach((late) => {
    assert.doesNotMatch(code, late);
  });
});

test('loaded by a plain script it is window.Orderbell, and needs nothing else', () => {
  const page = {};
  page.self = page;
  vm.runInNewContext(read('miniprogram/orderbell.browser.js'), page);
  assert.equal(typeof page.Orderbell.createRider, 'function');
  assert.equal(page.createRider, undefined, 'nothing else leaks');
  assert.throws(() => page.Orderbell.createRider({ url: 'wss://x/y' }), /getToken/);
  assert.throws(() => page.Orderbell.createRider({ url: 'wss://x/y', getToken: () => 't' }), /no platform/);
});

test('pages write text, never markup, and ask nobody else for anything', () => {
  ['rider/rider.js', 'rider/cards.js', 'rider/index.html', 'rider/rider.css', 'miniprogram/orderbell.browser.js', 'miniprogram/demo/pages/index/index.js'].forEach((name) => {
    const text = read(name);
    assert.doesNotMatch(text, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(/, name);
    assert.doesNotMatch(text, /(src|href)="https?:|url\(\s*['"]?https?:|@import/, name);
  });
  assert.doesNotMatch(read('rider/index.html'), /<script>|<style|\son\w+=|\sstyle=/, 'no inline script or style: the CSP forbids it');
});

test('the demo is whole: pages listed exist, background audio is declared', () => {
  const app = JSON.parse(read('miniprogram/demo/app.json'));
  assert.deepEqual(app.requiredBackgroundModes, ['audio']);
  app.pages.forEach((page) => ['.js', '.json', '.wxml', '.wxss'].forEach((end) => {
    assert.ok(fs.existsSync(path.join(ASSETS, 'miniprogram/demo', page + end)), page + end);
  }));
  assert.equal(JSON.parse(read('miniprogram/demo/project.config.json')).appid, 'touristappid');
});

test('a mini-program carries no browser; a page and a module have it too, and the types name each export', async () => {
  const script = require('../../assets/miniprogram/orderbell.js');
  assert.deepEqual(Object.keys(script).sort(), ['createRider', 'uniAdapter', 'wechatAdapter']);
  assert.doesNotMatch(read('miniprogram/orderbell.js'), /mediaSession|localStorage|WebSocket\(/);
  const module = await import('../../assets/miniprogram/orderbell.mjs');
  const names = Object.keys(script).concat('browserAdapter').sort();
  assert.deepEqual(Object.keys(module).sort(), names);
  assert.deepEqual(Object.keys(require('../../assets/miniprogram/orderbell.browser.js')).sort(), names);
  const named = (types, name) => assert.match(types, new RegExp(`export (declare )?function ${name}\\(`), name);
  const types = read('miniprogram/orderbell.d.ts');
  Object.keys(script).forEach((name) => named(types, name));
  named(read('miniprogram/orderbell.d.mts'), 'browserAdapter');
  ['connect', 'start', 'stop', 'answer', 'close', 'state', 'selfTest'].forEach((name) => assert.match(types, new RegExp(`\\b${name}\\(`), name));
});

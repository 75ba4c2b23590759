'use strict';
// The demo as its files are: templates, configuration, colours. And the lint itself: it must see what it is there for.

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { lint, lintApp, lintWays, compile, names, scripts } = require('./wxml.js');
const { DEMO } = require('./tools.js');

const read = (name) => fs.readFileSync(path.join(DEMO, name), 'utf8');
const app = () => JSON.parse(read('app.json'));
const all = (end) => fs.readdirSync(DEMO, { recursive: true }).filter((file) => file.endsWith(end));

test('the demo is sound: every page whole, every handler there, every key known', () => {
  assert.deepEqual(lint(DEMO), []);
});

test('nothing lies about that no page uses', () => {
  const used = app().pages.concat(['components/login/login']);
  assert.deepEqual(all('.wxml').map((file) => file.replace(/\.wxml$/, '')).sort(), used.sort());
});

test('the lint sees a template that is broken', () => {
  for (const [wxml, word] of [
    ['<view>', /missing end tag/], ['<view></text></view>', /invalid end tag/], ['<view a="{{b"></view>', /missing expression end/],
    ['<view wx:if="{{a +}}"></view>', /unexpected character/], ['<view wx:elif="{{a}}"></view>', /invalid attribute/],
    ['<button bindtap=x></button>', /should be quoted/], ['<view wx:iff="{{b}}"></view>', /invalid attribute prefix/],
  ]) assert.match(compile('broken.wxml', wxml).join('\n'), word, wxml);
  assert.deepEqual(compile('sound.wxml', '<view wx:if="{{a}}">{{b}}</view>'), []);
});

test('the lint sees a handler that is not there, and an element nobody knows', () => {
  const page = { tap() {}, data: { name: '' } };
  assert.deepEqual(names('a.wxml', '<button bindtap="tap" catch:longpress="tip">x</button><div/>', page, []), ['a.wxml: no handler tip', 'a.wxml: no element div']);
  assert.deepEqual(names('a.wxml', '<view bind:tap="name"/>', page, []), ['a.wxml: no handler name'], 'data is no handler');
  assert.deepEqual(names('a.wxml', '<login capture-bind:tap="tap"/>', page, ['login']), []);
});

test('the lint sees configuration that WeChat does not know', () => {
  for (const [change, word] of [
    [{ requiredBackgroundMode: ['audio'] }, /no member requiredBackgroundMode/], [{ requiredBackgroundModes: ['gps'] }, /no background mode gps/], [{ pages: [] }, /no pages/],
    [{ window: { title: '' } }, /no member title/], [{ tabBar: { list: [{ pagePath: 'pages/index/index', text: '' }] } }, /2 to 5 tabs/],
    [{ tabBar: { list: [{ pagePath: 'pages/gone', text: 'x' }, { pagePath: 'pages/index/index', text: 'y' }] } }, /tab pages\/gone/],
    [{ permission: { 'scope.camera': { desc: 'x' } } }, /permission scope.camera/],
  ]) assert.match(lintApp(Object.assign(app(), change)).join('\n'), word);
  assert.deepEqual(lintWays(app(), 'a.js', "wx.navigateTo({ url: '/pages/settings/settings' }); wx.switchTab({ url: '/pages/guide/guide' }); wx.navigateTo({ url: '/pages/nowhere' })").length, 3);
});

test('audio in the background is declared, location is not', () => {
  assert.deepEqual(app().requiredBackgroundModes, ['audio']);
  assert.equal(app().requiredPrivateInfos, undefined);
  const project = JSON.parse(read('project.config.json'));
  assert.deepEqual([project.appid, project.compileType], ['touristappid', 'miniprogram']);
  assert.deepEqual(JSON.parse(read('sitemap.json')).rules, [{ action: 'disallow', page: '*' }]);
});

test('the demo keeps to the syntax old phones parse, and holds no secret and no address', () => {
  for (const file of scripts(DEMO)) {
    const text = read(file);
    const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '').replace(/'(?:[^'\\\n]|\\.)*'/g, "''");
    for (const late of [/\?\.[a-z[(]/i, /\?\?/, /catch \{/, /\basync\b/, /\bawait\b/, /\.flat(Map)?\(/, /\{ ?\.\.\./, /\bgenerator\b/, /\.finally\(/]) assert.doesNotMatch(code, late, file);
    assert.doesNotMatch(text, /eyJ[\w-]{10}|secret['"]?\s*[:=]\s*['"]|obk_|wx[0-9a-f]{16}/i, file);
    for (const [address] of text.matchAll(/https?:\/\/[\w.-]+\.[a-z]+/g)) assert.match(address, /example\.com$/, file);
  }
});

/** `#abc` or `#aabbcc` as relative luminance, WCAG 2. */
function luminance(colour) {
  const hex = colour.length === 4 ? colour.replace(/[0-9a-f]/gi, '$&$&') : colour;
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a, b) {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

test('every word can be read in sunlight: WCAG AA', () => {
  assert.ok(contrast('#777777', '#ffffff') < 4.5 && contrast('#000', '#fff') === 21, 'the measure itself');
  let measured = 0;
  for (const file of all('.wxss')) {
    for (const [, selector, body] of read(file).matchAll(/([^{}]+)\{([^}]*)\}/g)) {
      const [, ink] = /(?:^|[\s;])color: (#[0-9a-f]+)/i.exec(body) || [];
      const [, paper] = /background: (#[0-9a-f]+)/i.exec(body) || [];
      if (!ink) continue;
      // What has no ground of its own stands on the page or on a panel.
      for (const ground of paper ? [paper] : ['#fff7ec', '#ffffff']) {
        measured += 1;
        assert.ok(contrast(ink, ground) >= 4.5, `${file} ${selector.trim()}: ${ink} on ${ground} is ${contrast(ink, ground).toFixed(2)}`);
      }
    }
  }
  assert.ok(measured > 20);
});

test('what a thumb must hit is large', () => {
  for (const file of all('.wxss')) {
    for (const [, selector, body] of read(file).matchAll(/([^{}]+)\{([^}]*)\}/g)) {
      const height = /min-height: (\d+)rpx/.exec(body);
      if (/^\s*button\.(big|small|action|maker)\s*$/.test(selector)) assert.ok(height && Number(height[1]) >= 88, `${file} ${selector}`); // 88 rpx: 44 points
    }
  }
});

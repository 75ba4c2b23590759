'use strict';
// What WeChat's devtools would say of the demo's files, without the devtools: templates are compiled by WeChat's own compiler,
// their expressions are typed against the data of their page, their handlers must exist, and the configuration must be known.

const fs = require('node:fs');
const path = require('node:path');
const vm = require('node:vm');
const { createRequire } = require('node:module');
const { tool } = require('./tools.js');

const TAGS = ['view', 'text', 'button', 'input', 'switch', 'progress', 'block', 'image', 'scroll-view', 'navigator', 'template', 'slot'];
const APP = ['pages', 'requiredBackgroundModes', 'permission', 'window', 'tabBar', 'networkTimeout', 'sitemapLocation', 'style', 'lazyCodeLoading', 'requiredPrivateInfos'];
const WINDOW = ['navigationBarTitleText', 'navigationBarBackgroundColor', 'navigationBarTextStyle', 'backgroundColor', 'backgroundTextStyle'];
const PAGE = WINDOW.concat(['usingComponents', 'component', 'styleIsolation']);
const TAB_BAR = ['color', 'selectedColor', 'backgroundColor', 'borderStyle', 'list'];
const COMPONENT_TAGS = 'usingComponents';

/** @returns {string[]} what WeChat's compiler says of one template; its warnings count */
function compile(file, wxml) {
  const group = new (tool('glass-easel-template-compiler').TmplGroup)();
  const said = group.addTmpl(file, wxml).map((e) => `${file}:${e.startLine + 1}:${e.startColumn + 1}: ${e.message}`);
  group.free();
  return said;
}

/** The template's expressions as TypeScript: `data` is what the page's is, loops have the type of their list. */
function expressions(file, wxml, environment) {
  const group = new (tool('glass-easel-template-compiler').TmplGroup)();
  group.addTmpl(file, wxml);
  const code = group.getTmplConvertedExpr(file, environment).code();
  group.free();
  return code;
}

/** What a page or component was made of. */
function definition(file) {
  let made = null;
  const app = new Proxy({}, { get: () => () => {} });
  const note = (what) => { made = what; };
  vm.runInNewContext(fs.readFileSync(file, 'utf8'), { getApp: () => app, Page: note, Component: note, require: createRequire(file), wx: {} });
  return made;
}

function handlers(wxml) {
  return Array.from(wxml.matchAll(/\s(?:capture-)?(?:mut-)?(?:bind|catch):?[a-z]+="([^"]*)"/g), (m) => m[1]);
}

/** @returns {string[]} handlers no page has, elements nobody knows */
function names(file, wxml, made, components) {
  const methods = made.methods || made;
  const missing = handlers(wxml).filter((name) => typeof methods[name] !== 'function').map((name) => `${file}: no handler ${name}`);
  const tags = Array.from(wxml.matchAll(/<([a-z][\w-]*)/g), (m) => m[1]);
  return missing.concat(tags.filter((tag) => !TAGS.includes(tag) && !components.includes(tag)).map((tag) => `${file}: no element ${tag}`));
}

/** A page or component with its four files. @param {string} root of the mini-program @param {string} name without an end */
function lintPage(root, name) {
  const lost = ['.js', '.json', '.wxml', '.wxss'].filter((end) => !fs.existsSync(path.join(root, name + end))).map((end) => `${name}${end} is missing`);
  if (lost.length) return lost;
  const read = (end) => fs.readFileSync(path.join(root, name + end), 'utf8');
  const json = JSON.parse(read('.json'));
  const components = Object.keys(json[COMPONENT_TAGS] || {});
  const wxml = read('.wxml');
  return compile(name + '.wxml', wxml)
    .concat(names(name + '.wxml', wxml, definition(path.join(root, name + '.js')), components))
    .concat(unknown(name + '.json', json, PAGE));
}

const unknown = (file, json, known) => Object.keys(json).filter((key) => !known.includes(key)).map((key) => `${file}: no member ${key}`);

/** @param {object} app its app.json @returns {string[]} */
function lintApp(app) {
  const said = unknown('app.json', app, APP).concat(unknown('app.json window', app.window || {}, WINDOW), unknown('app.json tabBar', app.tabBar || {}, TAB_BAR));
  const say = (wrong, what) => { if (wrong) said.push('app.json: ' + what); };
  const tabs = app.tabBar ? app.tabBar.list : [];
  say(!app.pages || !app.pages.length, 'no pages');
  say(new Set(app.pages).size !== app.pages.length, 'a page twice');
  say(app.tabBar && (tabs.length < 2 || tabs.length > 5), 'a tab bar has 2 to 5 tabs');
  tabs.forEach((tab) => say(!app.pages.includes(tab.pagePath) || !tab.text, `tab ${tab.pagePath}`));
  (app.requiredBackgroundModes || []).forEach((mode) => say(!['audio', 'location'].includes(mode), `no background mode ${mode}`));
  Object.keys(app.permission || {}).forEach((scope) => {
    const { desc } = app.permission[scope];
    say(!/^scope\.userLocation(Background)?$/.test(scope) || !desc || desc.length > 30, `permission ${scope}`);
  });
  return said;
}

/** Ways the code sends a rider: a tab is switched to, another page is gone to, and it must be there. */
function lintWays(app, file, code) {
  const tabs = app.tabBar.list.map((tab) => '/' + tab.pagePath);
  return Array.from(code.matchAll(/wx\.(navigateTo|redirectTo|switchTab)\(\{ url: '([^'?]*)/g)).flatMap(([, way, url]) => {
    const there = app.pages.includes(url.slice(1)) && tabs.includes(url) === (way === 'switchTab');
    return there ? [] : [`${file}: ${way} ${url}`];
  });
}

/** @param {string} root of a mini-program @returns {string[]} nothing, when it is sound */
function lint(root) {
  const app = JSON.parse(fs.readFileSync(path.join(root, 'app.json'), 'utf8'));
  const listed = app.pages.flatMap((page) => lintPage(root, page));
  const codes = scripts(root).flatMap((file) => lintWays(app, file, fs.readFileSync(path.join(root, file), 'utf8')));
  return lintApp(app).concat(listed, components(root).flatMap((name) => lintPage(root, name)), codes);
}

/** Components that pages use. */
function components(root) {
  const app = JSON.parse(fs.readFileSync(path.join(root, 'app.json'), 'utf8'));
  return app.pages.flatMap((page) => {
    const used = JSON.parse(fs.readFileSync(path.join(root, page + '.json'), 'utf8'))[COMPONENT_TAGS] || {};
    return Object.values(used).map((there) => path.join(path.dirname(page), there));
  });
}

/** The demo's own scripts; the client in it is made, and has tests of its own. */
function scripts(root) {
  return fs.readdirSync(root, { recursive: true }).filter((file) => file.endsWith('.js') && file !== 'orderbell.js');
}

module.exports = { lint, lintApp, lintWays, compile, names, expressions, components, scripts };

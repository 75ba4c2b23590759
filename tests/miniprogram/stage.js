'use strict';
// The demo on a stage: its app launched, its pages rendered by miniprogram-simulate in jsdom, its buttons tapped.

const path = require('node:path');
const assert = require('node:assert/strict');
const { DEMO, tool } = require('./tools.js');
const { Wx } = require('./wx.js');
const { RiderDouble } = require('./rider.js');

const BASE = 'https://orders.example.com';
const LOGIN = 'POST /v1/wechat/login';

const { window } = new (tool('jsdom').JSDOM)('<!doctype html><body></body>', { pretendToBeVisual: true });
const BROWSER = ['document', 'Event', 'CustomEvent', 'Node', 'Element', 'HTMLElement', 'DocumentFragment', 'Text', 'MutationObserver'];
['window'].concat(BROWSER).forEach((name) => {
  Object.defineProperty(global, name, { value: name === 'window' ? window : window[name], configurable: true, writable: true });
});
const simulate = tool('miniprogram-simulate');
const exparser = tool('miniprogram-exparser');
const { register } = tool('j-component');

// The simulator's own elements have no properties; these are what the tests look at.
[['button', { disabled: Boolean }], ['switch', { checked: Boolean }], ['input', { value: String, maxlength: Number }], ['progress', { percent: Number }]]
  .forEach(([id, properties]) => register({ id, tagName: 'wx-' + id, template: '<slot/>', properties }));

/** The clock of a page that a failed test left behind must not keep the process alive. */
const { setInterval } = global;
global.setInterval = (tick, ms) => setInterval(tick, ms).unref();

/** A page is to the simulator a component whose functions are methods; its other fields belong to the instance. */
global.Page = (page) => {
  const methods = {};
  const fields = {};
  Object.keys(page).filter((name) => name !== 'data').forEach((name) => {
    if (typeof page[name] === 'function') methods[name] = page[name];
    else fields[name] = page[name];
  });
  global.Component({ data: page.data, methods, lifetimes: { created() { Object.assign(this, fields); } } });
};

class Stage {
  /** @param {{wx?: object, createRider?: function, quiet?: boolean}} [options] of the platform; `createRider` instead of the double */
  constructor(options) {
    const given = options || {};
    this.wx = new Wx(given.wx);
    this.createRider = given.createRider;
    this.riders = [];
    this.views = [];
    global.wx = this.wx.api;
    if (given.signed !== false) {
      this.wx.storage.set('demo.base', JSON.stringify(BASE));
      this.wx.serve(LOGIN, { status: 'bound', rider: 'r1', token: 'aa.bb.cc', expires_at: '2027-01-15T08:00:00Z', subscribe: null });
    }
  }

  /** A life of the app: launched and shown. */
  async launch() {
    global.wx = this.wx.api;
    global.App = (app) => { this.app = app; };
    global.getApp = () => this.app;
    const file = path.join(DEMO, 'app.js');
    delete require.cache[file];
    require(file);
    this.app.createRider = this.createRider || ((options) => {
      const rider = new RiderDouble(options);
      this.riders.push(rider);
      return rider;
    });
    this.app.onLaunch();
    this.app.onShow();
    await settle();
    return this;
  }

  get rider() {
    return this.riders[this.riders.length - 1];
  }

  /** @param {string} name of a page: index, selfcheck, settings, guide */
  async open(name) {
    const id = simulate.load(path.join(DEMO, 'pages', name, name), 'page', { compiler: 'simulate', rootPath: DEMO });
    const view = new View(simulate.render(id), this.wx);
    this.views.push(view);
    view.page.attach(document.body);
    ['onLoad', 'onShow'].forEach((step) => { if (view.page.instance[step]) view.page.instance[step]({}); });
    await settle();
    return view;
  }

  /** What a test leaves behind must not run into the next one. */
  end() {
    this.views.forEach((view) => {
      if (view.page.instance.onUnload) view.page.instance.onUnload();
      view.page.detach();
    });
  }
}

class View {
  constructor(page, wx) {
    this.page = page;
    this.wx = wx;
  }

  /** All that is drawn, as one line of text. A value nobody had must not be drawn. */
  get text() {
    const text = this.page.dom.textContent.replace(/\s+/g, ' ').trim();
    assert.doesNotMatch(text + this.page.dom.innerHTML, /undefined|NaN|\bnull\b|\[object/, 'a value that was not there');
    return text;
  }

  /** @returns {string | null} what stands in the first node that has these classes; null when there is none */
  word(...classes) {
    const [node] = this.all(...classes);
    return node ? node.textContent.replace(/\s+/g, ' ').trim() : null;
  }

  /** Classes carry the name of the component they are scoped to. */
  all(...classes) {
    const has = (node, name) => node.classList.contains('page--' + name) || node.classList.contains('login--' + name);
    return Array.from(this.page.dom.querySelectorAll('*')).filter((node) => classes.every((name) => has(node, name)));
  }

  /** A property of the first node with this class. */
  property(name, of) {
    return property(this.all(of)[0], name);
  }

  locked(text) {
    return property(this.button(text), 'disabled');
  }

  button(text) {
    const node = Array.from(this.page.dom.querySelectorAll('wx-button')).find((one) => one.textContent === text);
    assert.ok(node, `no button ${text} among ${this.buttons()}`);
    return node;
  }

  buttons() {
    return Array.from(this.page.dom.querySelectorAll('wx-button')).map((node) => node.textContent);
  }

  /** A thumb on the first button with this text. */
  async tap(text) {
    const node = this.button(text);
    assert.equal(property(node, 'disabled'), false, `${text} is locked`);
    this.wx.inTap = true; // WeChat lets a question follow a tap, and nothing that waits in between
    fire(node, 'tap', {});
    this.wx.inTap = false;
    await settle();
  }

  async type(value) {
    fire(this.page.dom.querySelector('wx-input'), 'input', { value });
    await settle();
  }

  async turn(name, value) {
    fire(this.all(name)[0], 'change', { value });
    await settle();
  }
}

function property(node, name) {
  return exparser.Element.getMethodCaller(node.__wxElement).data[name];
}

function fire(node, name, detail) {
  assert.ok(node && node.__wxElement, `nothing to ${name}`);
  exparser.Event.dispatchEvent(node.__wxElement, exparser.Event.create(name, detail, { bubbles: true, composed: true, capturePhase: true }));
}

/** Promises of requests that are answered at once have run. */
function settle() {
  return new Promise((resolve) => { setImmediate(resolve); });
}

/** The clocks of pages stand still, but for the seconds a test lets pass. @param {function(function()): Promise} run */
async function withClock(run) {
  const { setInterval, clearInterval } = global;
  const running = new Set();
  global.setInterval = (tick) => { running.add(tick); return tick; };
  global.clearInterval = (tick) => running.delete(tick);
  try {
    await run(() => running.forEach((tick) => tick()));
    assert.equal(running.size, 0, 'a page leaves no clock behind');
  } finally {
    Object.assign(global, { setInterval, clearInterval });
  }
}

module.exports = { Stage, BASE, LOGIN, settle, withClock };

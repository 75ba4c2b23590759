// A rider's page in a browser, on a device of its own, whose audio element is watched.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { Line } = require('./line.js');
const { Socket } = require('./socket.js');
const { until, WAIT_MS } = require('./until.js');
const { isSilence, pathOf } = require('./log.js');

const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true, locale: 'zh-CN' };
const SETTINGS = /\/v1\/rider\/settings$/;

/** Watches the page's one audio element from before its scripts run. Runs in the page. */
function watch() {
  const log = [];
  const began = performance.now();
  window.watched = { log, violations: [], untouched: null };
  const note = (type, audio) => log.push({
    type, at: performance.now() - began, src: audio.currentSrc || audio.src, time: audio.currentTime, paused: audio.paused, ended: audio.ended,
  });
  const seen = ['emptied', 'play', 'playing', 'pause', 'ended', 'waiting', 'stalled', 'error', 'timeupdate'];
  seen.forEach((type) => document.addEventListener(type, (event) => note(type, event.target), true));
  // The place it had reached when the next clip was set: `timeupdate` comes only four times a second.
  const property = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, 'src');
  const set = function set(src) {
    if (this.currentSrc) note('left', this);
    property.set.call(this, src);
  };
  Object.defineProperty(HTMLMediaElement.prototype, 'src', { ...property, set });
  document.addEventListener('securitypolicyviolation', (event) => window.watched.violations.push(event.violatedDirective + ' ' + event.blockedURI));
  // Proof that the browser is strict: nobody has touched this page, so it may not sound.
  // A headset's buttons come to a page through these; no test can press the button itself.
  window.pressed = {};
  const session = Object.getPrototypeOf(navigator.mediaSession);
  const { setActionHandler } = session;
  session.setActionHandler = function keep(action, handler) {
    window.pressed[action] = handler;
    setActionHandler.call(this, action, handler);
  };
  const probe = new Audio('/audio/silence/1.wav');
  probe.play().then(() => { window.watched.untouched = 'played'; }, (error) => { window.watched.untouched = error.name; });
}

/** Sets the clock of a phone back. Runs in the page. */
function setBack(ms) {
  const now = Date.now;
  Date.now = () => now() - ms;
}

/**
 * A rider's page on a device of its own. With `scripted`, its socket is the test's: `page.socket`. `behind`: how many ms
 * its clock is slow. `script`: runs in the page before its own.
 */
class Page {
  static async open(stage, rider, options) {
    const page = await Page.visit(stage, `#token=${stage.server.token(rider)}`, options);
    page.rider = rider;
    await page.is('#connection', 'ready');
    return page;
  }

  /** The page as somebody comes to it, with or without a token behind the address. */
  static async visit(stage, hash, { scripted = false, behind = 0, script = null, ...options } = {}) {
    const page = new Page();
    page.stage = stage;
    page.troubles = [];
    page.context = await stage.browser.newContext({ ...PHONE, ...options });
    if (scripted) page.socket = await Socket.between(page.context);
    page.tab = await page.context.newPage();
    page.tab.setDefaultTimeout(WAIT_MS);
    page.tab.on('console', (message) => {
      if (SETTINGS.test(message.location().url)) return; // it asks, and may hear that there is nothing to set
      if (message.type() === 'error' || message.type() === 'warning') page.troubles.push(message.text());
    });
    page.tab.on('pageerror', (error) => page.troubles.push(String(error)));
    await page.tab.addInitScript(watch);
    await page.tab.addInitScript(setBack, behind);
    if (script) await page.tab.addInitScript(script);
    page.line = await Line.lay(stage.server.origin);
    stage.lines.push(page.line);
    await page.tab.goto(`${page.line.origin}/rider${hash}`);
    return page;
  }

  /** The tap that begins a shift, and the wait for silence to run. */
  async start() {
    await this.tab.click('#start');
    await this.is('#audio-state', 'playing');
    if (this.socket) return; // the server has not met this page
    const view = `/v1/riders/${this.rider}`;
    await until('the server knows', async () => (await this.stage.server.call('GET', view)).audible);
  }

  /** What the page does when a headset's button, or the lock screen's, is pressed. */
  press(action) {
    return this.tab.evaluate((name) => window.pressed[name]({ action: name }), action);
  }

  is(selector, state, limitMs = WAIT_MS) {
    return this.tab.waitForSelector(`${selector}[data-state="${state}"]`, { timeout: limitMs });
  }

  card(id, more = '') {
    return this.tab.waitForSelector(`.card[data-id="${id}"]${more}`);
  }

  watched() {
    return this.tab.evaluate(() => window.watched);
  }

  async log() {
    return (await this.watched()).log;
  }

  /** How often the clip of this path, or whose path begins so, has begun to sound. */
  async begun(audioPath) {
    return (await this.log()).filter((event) => event.type === 'playing' && pathOf(event.src).startsWith(audioPath)).length;
  }

  /** Waits until nothing but silence runs; the log up to then. */
  silence() {
    return until('silence', async () => {
      const log = await this.log();
      const last = log[log.length - 1];
      return last.type === 'timeupdate' && isSilence(last) && last.time > 0.3 && log;
    });
  }

  async shoot(name) {
    fs.mkdirSync(this.stage.shots, { recursive: true });
    await this.tab.screenshot({ path: path.join(this.stage.shots, `${name}.png`) });
  }

  /** Closes; gives what went wrong in the page. */
  async close() {
    const { violations } = await this.watched();
    await this.context.close();
    this.line.remove();
    return [...this.troubles, ...violations];
  }
}

module.exports = { Page };

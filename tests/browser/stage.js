// The stage of the browser tests: the real server on a free port, a real Chromium with its strict autoplay policy, and
// riders' pages whose audio element is watched. Nothing sleeps: everything waits for a condition, and not for ever.
'use strict';

const { execFileSync, spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { chromium } = require('playwright-core');
const { Backend } = require('./backend.js');
const { Line } = require('./line.js');
const { Socket } = require('./socket.js');

const BIN = process.env.BIN || path.resolve(__dirname, '../../target/debug/orderbell');
const CHROMIUM = process.env.CHROMIUM || '/usr/bin/chromium';
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true, locale: 'zh-CN' };
const WAIT_MS = 20000;
const POLL_MS = 25;
const LIFE_MS = 180000; // of one file's tests, four times what the longest takes: what hangs is ended

function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Polls `probe` until it gives something true; what it gave. */
async function until(what, probe, limitMs = WAIT_MS) {
  const end = Date.now() + limitMs;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (Date.now() > end) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, POLL_MS); });
  }
}

class Server {
  /** With `settings`, as environment variables. */
  static async start(settings = {}) {
    const server = new Server();
    server.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'orderbell-browser-'));
    server.origin = `http://127.0.0.1:${await freePort()}`;
    const env = {
      ...process.env, ORDERBELL_ADMIN__LISTEN: '127.0.0.1:0', ORDERBELL_LOG__FILTER: 'warn', ORDERBELL_CALLBACKS__ALLOW_PRIVATE: 'true',
      ORDERBELL_SPEECH__PREWARM__ENABLED: 'false', ...settings,
    };
    const args = ['serve', '--data', server.folder, '--listen', server.origin.slice('http://'.length)];
    server.child = spawn(BIN, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    setTimeout(() => {
      console.error(`not done within ${LIFE_MS} ms`);
      server.child.kill('SIGKILL');
      process.exit(1); // the browser goes with it
    }, LIFE_MS).unref();
    await new Promise((resolve, reject) => {
      server.child.stdout.once('data', resolve);
      server.child.once('error', reject);
      server.child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
    });
    server.key = server.command('keys', 'create', '--name', 'browser', '--scopes', 'admin');
    return server;
  }

  command(...args) {
    return execFileSync(BIN, [...args, '--data', this.folder], { encoding: 'utf8' }).trim();
  }

  token(rider) {
    return this.command('token', '--rider', rider);
  }

  async call(method, address, body) {
    const headers = { Authorization: `Bearer ${this.key}`, 'Content-Type': 'application/json' };
    const answer = await fetch(this.origin + address, { method, headers, body: body && JSON.stringify(body) });
    const json = await answer.json();
    if (answer.status !== 200) throw new Error(`${method} ${address}: ${answer.status} ${JSON.stringify(json)}`);
    return json.data;
  }

  /** Posts an event for one rider, or for several; the id of its alert. */
  async post(rider, kind, more = {}) {
    const data = await this.call('POST', '/v1/events', { kind, target: { riders: [rider].flat() }, ...more });
    if (data.outcome !== 'alerted') throw new Error(JSON.stringify(data));
    return data.alert_id;
  }

  alert(id) {
    return this.call('GET', `/v1/alerts/${id}`);
  }

  /** Waits until the alert's one delivery has ended, and gives the alert. */
  ended(id, limitMs) {
    return until(`the end of ${id}`, async () => {
      const alert = await this.alert(id);
      return alert.deliveries[0].reason && alert;
    }, limitMs);
  }

  async stop() {
    const gone = new Promise((resolve) => { this.child.removeAllListeners('exit').once('exit', resolve); });
    this.child.kill('SIGTERM');
    await gone;
    fs.rmSync(this.folder, { recursive: true });
  }
}

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
 * its clock is slow.
 */
class Page {
  static async open(stage, rider, { scripted = false, behind = 0, ...options } = {}) {
    const page = new Page();
    page.stage = stage;
    page.rider = rider;
    page.troubles = [];
    page.context = await stage.browser.newContext({ ...PHONE, ...options });
    if (scripted) page.socket = await Socket.between(page.context);
    page.tab = await page.context.newPage();
    page.tab.setDefaultTimeout(WAIT_MS);
    page.tab.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') page.troubles.push(message.text());
    });
    page.tab.on('pageerror', (error) => page.troubles.push(String(error)));
    await page.tab.addInitScript(watch);
    await page.tab.addInitScript(setBack, behind);
    page.line = await Line.lay(stage.server.origin);
    stage.lines.push(page.line);
    await page.tab.goto(`${page.line.origin}/rider#token=${stage.server.token(rider)}`);
    await page.is('#connection', 'ready');
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

class Stage {
  static async set(settings) {
    const stage = new Stage();
    stage.lines = [];
    stage.backends = [];
    stage.server = await Server.start(settings);
    stage.shots = process.env.SHOTS || fs.mkdtempSync(path.join(os.tmpdir(), 'orderbell-shots-'));
    // Playwright launches with a fresh profile, and removes it.
    stage.browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
    return stage;
  }

  page(rider, options) {
    return Page.open(this, rider, options);
  }

  async backend(verdict) {
    const backend = await Backend.open(verdict);
    this.backends.push(backend);
    return backend;
  }

  /** Also what tests have left: a line or a backend that stands would keep the whole run from ending. */
  async strike() {
    await this.browser.close();
    this.lines.forEach((line) => line.remove());
    this.backends.forEach((backend) => backend.close());
    await this.server.stop();
  }
}

const isSilence = (event) => pathOf(event.src).startsWith('/audio/silence/');

/** The events of the time in which the element held this path. */
function during(log, audioPath) {
  return log.filter((event) => event.src && pathOf(event.src) === audioPath);
}

/** The path of a src without the parameter that makes it unique. */
function pathOf(src) {
  return new URL(src).pathname;
}

/** The times in which nothing ran, ms, between the first and the last time that something did. */
function gaps(log) {
  const found = [];
  let since = null;
  log.forEach((event) => {
    if (['emptied', 'pause', 'ended', 'waiting', 'error'].includes(event.type)) since = since === null ? event.at : since;
    if (event.type === 'playing' && since !== null) {
      found.push({ ms: event.at - since, before: event.src });
      since = null;
    }
  });
  return found;
}

/** An order as the tests post it. */
function order(no, merchant, area, metres = 1200, cents = 580) {
  return { id: `o${no}`, short_no: no, merchant: { name: merchant }, dropoff: { area }, distance_m: metres, fee_cents: cents };
}

module.exports = { Stage, until, during, isSilence, gaps, order, pathOf };

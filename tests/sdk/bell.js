// The real server: started, killed, stopped and started again on its data and its port, and asked over HTTP.
'use strict';

const { execFileSync, spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');

const BIN = process.env.BIN || path.resolve(__dirname, '../../target/debug/orderbell');
const WAIT_MS = 30000;
const POLL_MS = 20;
const PATIENCE_MS = 30000; // how long a backend goes on with one event, as senders do

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
    await pause(POLL_MS);
  }
}

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

class Bell {
  /** `settings`: environment variables. `config`: text of a configuration file. */
  static async start({ folder, settings = {}, config = '' }) {
    const bell = new Bell();
    bell.folder = path.join(folder, 'data');
    bell.config = path.join(folder, 'bell.toml');
    bell.log = path.join(folder, 'server.log');
    fs.writeFileSync(bell.config, config);
    bell.origin = `http://127.0.0.1:${await freePort()}`;
    bell.settings = {
      ORDERBELL_ADMIN__LISTEN: '127.0.0.1:0', ORDERBELL_LOG__FILTER: 'info', ORDERBELL_CALLBACKS__ALLOW_PRIVATE: 'true',
      ORDERBELL_SPEECH__PREWARM__ENABLED: 'false', ORDERBELL_RIDER__ALERTS_PER_MINUTE: '0', ...settings,
    };
    await bell.up();
    bell.key = bell.command('keys', 'create', '--name', 'sdk', '--scopes', 'admin');
    return bell;
  }

  async up() {
    const args = ['serve', '--config', this.config, '--data', this.folder, '--listen', this.origin.slice('http://'.length)];
    const log = fs.openSync(this.log, 'a');
    this.child = spawn(BIN, args, { env: { ...process.env, ...this.settings }, stdio: ['ignore', 'pipe', log] });
    fs.closeSync(log);
    this.gone = new Promise((resolve) => { this.child.once('exit', (code, signal) => resolve(code === null ? signal : code)); });
    await new Promise((resolve, reject) => {
      this.child.stdout.once('data', resolve);
      this.child.once('error', reject);
      this.gone.then((code) => reject(new Error(`the server ended with ${code}: ${fs.readFileSync(this.log, 'utf8').slice(-500)}`)));
    });
  }

  signal(name) {
    this.child.kill(name);
  }

  /** Ends it by this signal and waits; how it ended. */
  async down(name) {
    this.signal(name);
    return this.gone;
  }

  command(...args) {
    return execFileSync(BIN, [...args, '--config', this.config, '--data', this.folder], { encoding: 'utf8' }).trim();
  }

  async ask(method, address, body, key = this.key) {
    const headers = { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' };
    const answer = await fetch(this.origin + address, { method, headers, body: body && JSON.stringify(body) });
    return { status: answer.status, json: await answer.json() };
  }

  async call(method, address, body) {
    const { status, json } = await this.ask(method, address, body);
    if (status !== 200) throw new Error(`${method} ${address}: ${status} ${JSON.stringify(json)}`);
    return json.data;
  }

  async token(rider, more = {}) {
    return (await this.call('POST', `/v1/riders/${rider}/token`, more)).token;
  }

  /** Posts an event as backends do: with its id, again and again until it is answered. The answer's data. */
  async post(event) {
    const end = Date.now() + PATIENCE_MS;
    for (;;) {
      try {
        const { status, json } = await this.ask('POST', '/v1/events', event);
        if (status === 200) return json.data;
        if (status < 500) throw Object.assign(new Error(`${status} ${JSON.stringify(json)}`), { final: true });
      } catch (error) {
        if (error.final || Date.now() > end) throw error;
      }
      await pause(50);
    }
  }

  alert(id) {
    return this.call('GET', `/v1/alerts/${id}`);
  }

  rider(id) {
    return this.call('GET', `/v1/riders/${id}`);
  }
}

module.exports = { Bell, until, pause };

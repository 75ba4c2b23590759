// The real server, on a free port with a data folder of its own, and the calls that tests make as its backend.
'use strict';

const { execFileSync, spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { until } = require('./until.js');

const BIN = process.env.BIN || path.resolve(__dirname, '../../target/debug/orderbell');
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
    server.env = env;
    const serving = server.serve();
    setTimeout(() => {
      console.error(`not done within ${LIFE_MS} ms`);
      server.child.kill('SIGKILL');
      process.exit(1); // the browser goes with it
    }, LIFE_MS).unref();
    await serving;
    server.key = server.command('keys', 'create', '--name', 'browser', '--scopes', 'admin');
    return server;
  }

  /** Starts, and waits until it listens. */
  serve() {
    const args = ['serve', '--data', this.folder, '--listen', this.origin.slice('http://'.length)];
    this.child = spawn(BIN, args, { env: this.env, stdio: ['ignore', 'pipe', 'inherit'] });
    return new Promise((resolve, reject) => {
      this.child.stdout.once('data', resolve);
      this.child.once('error', reject);
      this.child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
    });
  }

  /** Ends as an operator ends it. */
  async halt() {
    const gone = new Promise((resolve) => { this.child.removeAllListeners('exit').once('exit', resolve); });
    this.child.kill('SIGTERM');
    await gone;
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
    await this.halt();
    fs.rmSync(this.folder, { recursive: true });
  }
}

module.exports = { Server };

// One server, riders with real devices and the client as it is shipped, and a backend that posts orders. What was posted is
// judged at the end, by one oracle.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const assert = require('node:assert/strict');
const { Bell, until } = require('./bell.js');
const { Device } = require('./device.js');
const { judge, HEARD } = require('./oracle.js');
const { createRider, wechatAdapter } = require('../../assets/miniprogram/orderbell.js');

const LIFE_MS = 120000; // of one file's tests: what hangs is ended
const SOCKET = '/v1/rider/socket';
/** In life heartbeats are twenty seconds apart, and a dead line is noticed after fifty. */
const QUICK = { ORDERBELL_RIDER__HEARTBEAT: '2s', ORDERBELL_RIDER__SILENCE_MAX: '5s' };

/** A rider: a device, and the client on it. */
class Rider {
  /**
   * @param {{origin?: string, getToken?: function, onAlert?: function, speed?: number, options?: object, storage?: string}} given
   *   `origin`: the way there, if not straight
   */
  constructor(stage, name, given = {}) {
    this.stage = stage;
    this.name = name;
    this.device = new Device({ folder: stage.folder, name: given.storage || name, speed: given.speed });
    this.states = []; // {at, connection, audio, fatal, via}
    this.alerts = []; // {at, id, state, reason, outcome, plays}
    this.events = [];
    this.asked = []; // {at, refresh}
    this.given = given;
    this.open();
  }

  /** A life of the app; a second one finds what the first has left in the storage. */
  open() {
    const { stage, given } = this;
    const getToken = given.getToken || (() => stage.bell.token(this.name));
    this.client = createRider({
      url: `${(given.origin || stage.bell.origin).replace(/^http/, 'ws')}${SOCKET}`,
      adapter: wechatAdapter(this.device.wx),
      getToken: (why) => {
        this.asked.push({ at: Date.now(), refresh: why.refresh });
        return getToken(why, this.asked.length);
      },
      onAlert: (alert) => {
        const { id, state, reason, outcome, plays, ring } = alert;
        const at = Date.now();
        this.alerts.push({ at, id, state, reason, outcome, plays, ring });
        if (given.onAlert) given.onAlert(alert);
      },
      onState: ({ connection, audio, fatal, via }) => this.states.push({ at: Date.now(), connection, audio, fatal, via }),
      onEvent: (event) => this.events.push({ at: Date.now(), ...event }),
      ...given.options,
    });
    stage.clients.add(this.client);
  }

  /** The app is ended by the phone, and opened once more. */
  reopen() {
    this.stage.clients.delete(this.client);
    this.device.kill();
    this.client.close();
    this.open();
  }

  /** On duty and audible, also by the server's word. */
  async start() {
    this.client.start();
    await this.ready();
    await until(`${this.name} is audible`, async () => (await this.stage.bell.rider(this.name)).audible);
    return this;
  }

  ready(limitMs) {
    return until(`${this.name} is ready`, () => {
      const { connection, audio } = this.client.state();
      return connection === 'ready' && (audio === 'playing' || audio === 'sounding');
    }, limitMs);
  }

  /** Waits until the app was told this state of the alert; when that was. */
  async told(id, state, limitMs) {
    return (await until(`${this.name}: ${id} ${state}`, () => this.alerts.find((a) => a.id === id && a.state === state), limitMs)).at;
  }

  /** Waits until the app was told that this state of the connection was reached, at `since` or later. */
  connection(state, since = 0, limitMs = undefined) {
    return until(`${this.name} is ${state}`, () => this.states.find((s) => s.connection === state && s.at >= since), limitMs);
  }

  /** All that is known of this rider, in the order of time; of alerts and frames, what is about one. */
  story(id) {
    const about = ({ id: its, op, ids = [] }) => !id || its === id || ids.includes(id) || op === 'got' || op === 'welcome';
    const lines = [ // without tokens
      ...this.alerts.filter(about).map((a) => [a.at, 'app', a]), ...this.device.frames.filter(about).map(({ token, ...f }) => [f.at, f.up ? 'up' : 'down', f]),
      ...this.device.player.spoken().map((c) => [c.at, 'ear', c]), ...this.device.closes.map((c) => [c.at, 'close', c]),
      ...this.states.map((s) => [s.at, 'state', s]),
    ];
    return lines.sort((a, b) => a[0] - b[0]).map(([at, where, what]) => `${new Date(at).toISOString()} ${where} ${JSON.stringify(what)}`);
  }

  event(type) {
    return this.events.filter((event) => event.type === type);
  }
}

class Stage {
  constructor(given = {}) {
    this.given = given;
    this.posted = [];
    this.riders = [];
    this.clients = new Set();
    this.things = []; // lines, gateways, backends
    this.count = 0;
  }

  static async set(given) {
    const stage = new Stage(given);
    await stage.raise();
    return stage;
  }

  /** The stage of a whole file of tests; after the last one the oracle judges what all of them have posted. */
  static of(test, given) {
    const stage = new Stage(given);
    test.before(() => stage.raise());
    test.after(() => stage.close());
    return stage;
  }

  async raise() {
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'orderbell-sdk-'));
    this.bell = await Bell.start({ folder: this.folder, ...this.given });
    setTimeout(() => {
      console.error(`not done within ${LIFE_MS} ms`);
      this.bell.signal('SIGKILL');
      process.exit(1);
    }, LIFE_MS).unref();
  }

  /** Judges, says what was shown, and ends. */
  async close(limitMs) {
    try {
      const verdict = await this.verdict(limitMs);
      console.log(this.figures(verdict));
      assert.deepEqual(verdict, { lost: [], double: [], faults: [] });
    } finally {
      await this.strike();
    }
  }

  rider(name, given) {
    const rider = new Rider(this, name, given);
    this.riders.push(rider);
    return rider;
  }

  /** Keeps what must be removed in the end. */
  keep(thing) {
    this.things.push(thing);
    return thing;
  }

  /**
   * An order for riders, with a sentence of its own. `expect` of each is HEARD unless said otherwise; one that has to wait
   * for another, or for the server, is not `timed`. The alert's id, and the time at which it was posted.
   */
  async post(riders, kind = 'order.new', { expect = HEARD, alert = {}, timed = true, ...more } = {}) {
    this.count += 1;
    const count = (alert.repeat && alert.repeat.count) || 1;
    const no = String(this.count);
    const event = {
      id: `event-${no}`, kind, target: { riders: [riders].flat() }, order: { id: `order-${no}`, short_no: no, merchant: { name: `测试面馆${no}` } },
      alert: { text: `美团${no}号，测试面馆，请取餐`, repeat: { count, gap_ms: 100 }, ...alert }, ...more,
    };
    const at = Date.now();
    const { outcome, alert_id: id } = await this.bell.post(event);
    if (outcome !== 'alerted') throw new Error(`${event.id}: ${outcome}`);
    event.target.riders.forEach((rider) => this.posted.push({ id, rider, count, expect, at, timed }));
    return { id, at };
  }

  /** Waits until every delivery that was posted has ended; gives the records. */
  async settled(limitMs) {
    const records = new Map();
    for (const id of new Set(this.posted.map((post) => post.id))) {
      records.set(id, await until(`the end of ${id}`, async () => {
        const alert = await this.bell.alert(id);
        return alert.deliveries.every((delivery) => delivery.reason) && alert;
      }, limitMs));
    }
    return records;
  }

  /** The delivery of an alert to one rider, once `probe` likes it. */
  delivery(id, rider, probe, limitMs) {
    return until(`${id} at ${rider}`, async () => {
      const found = (await this.bell.alert(id)).deliveries.find((d) => d.rider === rider);
      return found && probe(found) && found;
    }, limitMs);
  }

  /** Everything posted is over: what was lost, what came twice, what phones would not have played. */
  async verdict(limitMs) {
    const records = await this.settled(limitMs);
    const ears = new Map();
    this.riders.forEach(({ name, device }) => ears.set(name, (ears.get(name) || []).concat(device.player.spoken())));
    const faults = this.riders.flatMap((rider) => rider.device.player.faults);
    const found = judge(this.posted, records, ears);
    found.lost.concat(found.double).forEach((what) => this.explain(what, records));
    return { ...found, faults };
  }

  /** For people: what happened where the oracle says that something is wrong. */
  explain(what, records) {
    console.error(`\n${what}`);
    const id = (/alr_\w+/.exec(what) || [])[0];
    this.riders.filter(({ name }) => what.split(/[ :]/).includes(name)).forEach((rider) => rider.story(id).forEach((line) => console.error(line)));
    const record = records.get(id);
    if (record) console.error(JSON.stringify({ path: record.audio.path, deliveries: record.deliveries }));
  }

  /** Milliseconds from each post to the first sound of it, sorted. */
  latencies() {
    const found = this.posted.filter((post) => post.timed).map(({ id, rider, at }) => {
      const sounds = this.riders.filter((r) => r.name === rider).flatMap((r) => r.alerts.filter((a) => a.id === id && a.state === 'sounding'));
      return sounds.length ? Math.min(...sounds.map((sound) => sound.at)) - at : null;
    });
    return found.filter((ms) => ms !== null).sort((a, b) => a - b);
  }

  /** One line of what was shown here. */
  figures({ lost, double }) {
    const all = this.latencies();
    const at = (share) => all[Math.min(all.length - 1, Math.floor(share * all.length))];
    const reconnects = this.riders.reduce((sum, { device }) => sum + Math.max(device.opened - 1, 0), 0);
    const file = path.basename(process.argv[1], '.test.js');
    return `figures: ${file}: clients ${this.riders.length}, alerts ${this.posted.length}, `
      + `POST to playing p50 ${at(0.5)} ms p95 ${at(0.95)} ms, reconnects ${reconnects}, lost ${lost.length}, double ${double.length}`;
  }

  async strike() {
    this.clients.forEach((client) => client.close());
    this.things.forEach((thing) => thing.remove());
    this.bell.signal('SIGCONT');
    await this.bell.down('SIGTERM');
    fs.rmSync(this.folder, { recursive: true });
  }
}

module.exports = { Stage, QUICK };

// Orderbell rider client. Made from assets/miniprogram/src by build.js: edit there, then build.
// CommonJS: const { createRider } = require('./orderbell.js').  Plain script: window.Orderbell.createRider.
(function () {
'use strict';

// ==== clock =====================================================================================

// Time: a count of milliseconds that never runs backwards (for deadlines), and the server's time
// (for everything that expires). The device's own clock is not trusted for either: riders set it by
// hand, and phones correct it by minutes.

/** A slow one-way frame and a device clock that jumped look alike; from here on only a round trip can tell. */
const SUSPICIOUS_MS = 2000;
/** Crystals drift about 50 ppm: after ten minutes an old perfect sample is no better than a fair new one. */
const SAMPLE_LIFE_MS = 600000;

class Clock {
  /** @param {{now: function(): number}} adapter gives the device's wall clock in epoch ms */
  constructor(adapter) {
    this.adapter = adapter;
    this.wall = adapter.now();
    this.ticks = 0;
    this.offset = 0;
    this.synced = false;
    this.bestRtt = Infinity;
    this.bestAt = 0;
  }

  /** Milliseconds since construction. Never goes back; a clock set back by hand costs one step. */
  mono() {
    const wall = this.adapter.now();
    const step = wall - this.wall;
    this.wall = wall;
    if (step >= 0) this.ticks += step;
    else this.offset -= step; // the device went back, the server did not
    return this.ticks;
  }

  /** The server's time now, epoch ms. */
  server() {
    this.mono();
    return Math.round(this.adapter.now() + this.offset);
  }

  /**
   * A `now` the server sent some unknown time ago. Server time is at least that: a lower bound, so
   * it can raise the estimate and never lower it (frames queued during a suspend are minutes old).
   * @returns {boolean} true when the estimate should be checked by a round trip
   */
  hint(serverNow) {
    if (typeof serverNow !== 'number' || !isFinite(serverNow)) return false;
    this.mono();
    const floor = serverNow - this.adapter.now();
    if (!this.synced || floor > this.offset) {
      this.offset = floor;
      this.synced = true;
      return false;
    }
    return this.offset - floor > SUSPICIOUS_MS;
  }

  /**
   * A `now` that answers a frame we sent at `sentAt` (mono): the truth lies between the two ends of
   * the trip. Inside them the shortest trip wins; outside them the estimate is wrong and is replaced.
   * @returns {number} the round trip in ms, or -1 when the sample is unusable
   */
  roundTrip(sentAt, serverNow) {
    const at = this.mono();
    const rtt = at - sentAt;
    if (typeof serverNow !== 'number' || !isFinite(serverNow) || rtt < 0) return -1;
    const floor = serverNow - this.adapter.now();
    const outside = this.offset < floor || this.offset > floor + rtt;
    const aged = at - this.bestAt > SAMPLE_LIFE_MS;
    if (!this.synced || outside || aged || rtt <= this.bestRtt) {
      this.offset = floor + rtt / 2;
      this.synced = true;
      this.bestRtt = rtt;
      this.bestAt = at;
    }
    return rtt;
  }
}

/** Epoch ms from what the server may send: a number, or an RFC 3339 string. NaN when it is neither. */
function epochMs(value) {
  if (typeof value === 'number') return value;
  return typeof value === 'string' ? Date.parse(value) : NaN;
}

// ==== memory ====================================================================================

// What must survive the death of the page: who this device is, how far it has counted, which
// receipts the server has not confirmed, and what has been heard already.

/** A shift's worth of (id, ring); more would only slow the synchronous storage write. */
const HEARD_MAX = 500;
/** A receipt is about 120 bytes: 200 of them fit any storage and cover hours without network. */
const OUTBOX_MAX = 200;
/**
 * Answers without a final outcome; a rider has one or two, a backend that never decides must not fill the storage: a frame
 * has 16 KiB at most, WeChat gives 1 MiB to a key.
 */
const AWAITED_MAX = 20;
/** Marks a ring that must not sound again whatever its count says. */
const CLOSED = -1;

class Memory {
  /**
   * @param {{get: function(string): *, set: function(string, *)}} storage JSON-able values; may throw
   * @param {string} [device] the app's own id for this device; must live as long as the storage does,
   *   because the receipt counter is kept there
   * @param {function(): number} random 0 to 1
   */
  constructor(storage, device, random) {
    this.storage = storage;
    const saved = this.read('orderbell.device') || {};
    const known = typeof saved.id === 'string' && (!device || device === saved.id);
    this.device = known ? saved.id : device || freshId(random);
    this.n = known && saved.n > 0 ? saved.n : 0;
    this.scope = null;
    this.forget();
    this.saveDevice();
  }

  forget() {
    this.epoch = undefined;
    this.cursor = 0;
    this.outbox = [];
    this.awaited = new Map();
    this.heard = new Map();
  }

  /** Two riders may share a phone: everything but the counter belongs to the rider in the token. */
  use(token) {
    const scope = 'orderbell.rider.' + subject(token);
    if (scope === this.scope) return;
    this.scope = scope;
    this.forget();
    const saved = this.read(scope);
    if (!saved || typeof saved !== 'object') return;
    this.epoch = saved.epoch;
    this.cursor = saved.cursor > 0 ? saved.cursor : 0;
    if (Array.isArray(saved.outbox)) this.outbox = saved.outbox.filter((r) => r && r.n > 0);
    if (Array.isArray(saved.awaited)) this.awaited = new Map(saved.awaited.filter((kept) => Array.isArray(kept) && kept[1] && kept[1].frame));
    if (Array.isArray(saved.heard)) this.heard = new Map(saved.heard.filter(Array.isArray));
  }

  /** Numbers a receipt and keeps it until the server has it. @returns the frame to send */
  keep(receipt) {
    this.n += 1;
    const numbered = Object.assign({ op: receipt.op, n: this.n }, receipt);
    this.outbox.push(numbered);
    if (this.outbox.length > OUTBOX_MAX) {
      // A report is worth less than a rider's answer, an old one less than a new one.
      const report = this.outbox.findIndex((r) => r.op === 'report');
      this.outbox.splice(Math.max(report, 0), 1);
    }
    this.saveDevice(); // before it is sent: a number is never used twice
    this.save();
    return numbered;
  }

  /** `got{n}`: reports up to n are kept. An answer waits for its own `answered`, which has the outcome. */
  got(n) {
    this.outbox = this.outbox.filter((r) => r.op === 'answer' || r.n > n);
    this.save();
  }

  answered(n) {
    this.outbox = this.outbox.filter((r) => r.n !== n);
    this.save();
  }

  /** An answer was given: kept, beside its receipt, until its outcome is final, and with it what its card shows. */
  expect(id, answer, frame) {
    this.awaited.set(id, { answer, frame });
    if (this.awaited.size > AWAITED_MAX) this.awaited.delete(this.awaited.keys().next().value);
    this.save();
  }

  settle(id) {
    this.awaited.delete(id);
    this.save();
  }

  /** How many times this ring has sounded here; CLOSED when it must stay silent, by itself or because ring 0, all rings, must. */
  plays(id, ring) {
    return this.heard.get(id + '/0') || this.heard.get(id + '/' + ring) || 0;
  }

  hear(id, ring, plays) {
    const key = id + '/' + ring;
    this.heard.delete(key); // re-inserting keeps the map in order of use
    this.heard.set(key, plays);
    while (this.heard.size > HEARD_MAX) this.heard.delete(this.heard.keys().next().value);
    this.save();
  }

  resume(epoch, cursor) {
    if (epoch === this.epoch && cursor === this.cursor) return;
    this.epoch = epoch;
    this.cursor = cursor;
    this.save();
  }

  saveDevice() {
    this.write('orderbell.device', { id: this.device, n: this.n });
  }

  save() {
    if (!this.scope) return;
    const { epoch, cursor, outbox } = this;
    this.write(this.scope, { epoch, cursor, outbox, awaited: Array.from(this.awaited), heard: Array.from(this.heard) });
  }

  read(key) {
    try {
      return this.storage.get(key);
    } catch (e) {
      return undefined;
    }
  }

  /** A full or forbidden storage must not stop an alert: the session goes on from memory. */
  write(key, value) {
    try {
      this.storage.set(key, value);
    } catch (e) {
      this.failed = e;
    }
  }
}

function freshId(random) {
  let id = 'dev_';
  for (let i = 0; i < 20; i += 1) id += Math.floor(random() * 36).toString(36);
  return id;
}

/** The rider a token speaks for, to keep two riders' receipts apart. Not a check of the token. */
function subject(token) {
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const part = String(token).split('.')[1] || '';
  let text = '';
  let bits = 0;
  let held = 0;
  for (let i = 0; i < part.length; i += 1) {
    const digit = digits.indexOf(part[i]);
    if (digit < 0) continue;
    held = ((held << 6) | digit) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      text += String.fromCharCode((held >> bits) & 255);
    }
  }
  try {
    const claims = JSON.parse(text);
    return (claims.app || '') + '/' + claims.sub;
  } catch (e) {
    return 'unknown';
  }
}

// ==== connection ================================================================================

// The way to the server: opens the socket, says hello, keeps it honest and brings it back.
// It holds deadlines, not timers: `run()` does what is due, and is called by every frame, every
// device event and a timer, because a phone in a pocket may hold back any one of them.

const PROTOCOL = 'orderbell.v1';
const HANDSHAKE_MS = 10000; // the server gives hello ten seconds as well
const TOKEN_MS = 15000; // a login round trip on a bad network, and no longer
const PROBE_MS = 3000; // after coming back: a live server answers well within this
const BYE_MS = 5000; // how long a server that said bye may take to close
const STABLE_MS = 30000; // a connection this old has earned a fresh back-off
const BACKOFF_MIN_MS = 500;
const BACKOFF_MAX_MS = 20000;
const OFFLINE_PROBE_MS = 30000; // "no network" is sometimes wrong; look, but seldom
const DEBOUNCE_MS = 300; // straight after a return the platform still refuses sockets
const MEASURE_MS = 300000; // clocks drift slowly; a round trip each five minutes is plenty
const DEFAULT_HEARTBEAT_MS = 20000;

const BAD_TOKEN = 4000;
const DRAINING = 4100;
const TOKEN_EXPIRED = 4105;
const CLOSE_REASONS = {
  4000: 'bad_token', 4001: 'replaced', 4002: 'banned', 4100: 'draining', 4101: 'slow',
  4102: 'heartbeat_lost', 4103: 'too_many', 4104: 'protocol', 4105: 'token_expired',
};

const isFinal = (code) => code >= 4000 && code <= 4099;

class Connection {
  /**
   * @param {object} parts adapter, clock, url, getToken, and what to call:
   *   hello(token) -> frame, onWelcome(frame), onFrame(frame, reply), onChange(), onFatal({code, reason}),
   *   note(event), touch()
   */
  constructor(parts) {
    this.parts = parts;
    this.adapter = parts.adapter;
    this.clock = parts.clock;
    this.token = null;
    this.live = null; // the socket that carries frames
    this.next = null; // the one being built; both exist only while a server drains
    this.failures = 0;
    this.attemptAt = null;
    this.notBefore = 0; // a server that asks for patience gets it
    this.wakeAt = null;
    this.refresh = false;
    this.refreshed = false;
    this.offline = false;
    this.running = false;
    this.fatal = null;
    this.heartbeat = DEFAULT_HEARTBEAT_MS;
    this.reconnects = 0;
    this.rtt = null;
  }

  connect() {
    if (this.running) return;
    this.running = true;
    this.fatal = null;
    this.refreshed = false;
    this.failures = 0;
    this.notBefore = 0;
    this.attempt();
  }

  close() {
    this.running = false;
    this.attemptAt = null;
    this.wakeAt = null;
    this.drop(this.next);
    this.drop(this.live);
    this.next = null;
    this.live = null;
    this.parts.onChange();
  }

  /** What a rider is shown: idle, connecting, ready, draining, backoff, offline, fatal. */
  phase() {
    if (this.fatal) return 'fatal';
    if (!this.running) return 'idle';
    if (this.live) return this.live.draining ? 'draining' : 'ready';
    if (this.next) return 'connecting';
    return this.offline ? 'offline' : 'backoff';
  }

  /** True while frames really arrive, not merely while nobody has told us otherwise. */
  fresh() {
    return !!this.live && this.clock.mono() - this.live.heardAt < 1.5 * this.heartbeat;
  }

  /** @returns {boolean} false when there is no socket; receipts wait in memory, state goes with hello */
  send(frame) {
    return !!this.live && this.write(this.live, frame);
  }

  write(link, frame) {
    try {
      link.task.send(JSON.stringify(frame));
      return true;
    } catch (e) {
      this.lost(link, 1006, 'send failed: ' + e.message);
      return false;
    }
  }

  // ---- opening -------------------------------------------------------------------------------

  attempt() {
    this.attemptAt = null;
    if (!this.running || (this.live && !this.live.draining)) return;
    this.drop(this.next); // a phone allows five sockets, and an unclosed one counts
    const now = this.clock.mono();
    const link = { over: false, welcomed: false, startedAt: now, limit: now + TOKEN_MS };
    this.next = link;
    this.parts.onChange();
    if (this.token && !this.refresh) {
      this.dial(link);
      return;
    }
    const refresh = this.refresh;
    Promise.resolve()
      .then(() => this.parts.getToken({ refresh }))
      .then((token) => {
        if (link.over) return;
        if (typeof token !== 'string' || !token) throw new Error('getToken gave no token');
        if (refresh && token === this.token) {
          // Asked for another and given the same: only the rider can help now, by signing in.
          this.end(this.refusedBy);
          return;
        }
        this.refresh = false;
        this.token = token;
        this.dial(link);
        this.parts.touch();
      })
      .catch((error) => {
        if (link.over) return;
        this.parts.note({ type: 'error', where: 'getToken', message: String(error && error.message) });
        this.lost(link, 1006, 'no token');
        this.parts.touch();
      });
  }

  dial(link) {
    link.limit = this.clock.mono() + HANDSHAKE_MS;
    // `over` is the generation guard: a socket we gave up may still speak, and is not listened to.
    const guard = (handle) => (a, b) => {
      if (link.over) return;
      handle(a, b);
      this.parts.touch();
    };
    try {
      link.task = this.adapter.openSocket(this.parts.url, PROTOCOL, {
        open: guard(() => this.opened(link)),
        message: guard((text) => this.heard(link, text)),
        error: guard((message) => this.lost(link, 1006, message)),
        close: guard((code, reason) => this.lost(link, code, reason)),
      });
    } catch (e) {
      this.lost(link, 1006, e.message);
    }
  }

  opened(link) {
    link.sentAt = this.clock.mono();
    this.write(link, this.parts.hello(this.token));
  }

  // ---- hearing -------------------------------------------------------------------------------

  heard(link, text) {
    link.heardAt = this.clock.mono();
    link.probeLimit = null;
    let frame = null;
    try {
      frame = JSON.parse(text);
    } catch (e) {
      frame = null;
    }
    if (!frame || typeof frame !== 'object' || typeof frame.op !== 'string') {
      this.parts.note({ type: 'error', where: 'frame', message: 'not a frame' });
      return;
    }
    if (frame.op === 'welcome') this.welcomed(link, frame);
    else if (frame.op === 'ping') this.pinged(link, frame);
    else if (frame.op === 'pong') this.ponged(link, frame);
    else if (frame.op === 'bye') this.bye(link, frame);
    else this.parts.onFrame(frame, (answer) => !link.over && this.write(link, answer));
  }

  welcomed(link, frame) {
    if (link.welcomed) return;
    link.welcomed = true;
    link.readyAt = link.heardAt;
    link.measureAt = link.heardAt + 1000;
    this.clock.roundTrip(link.sentAt, frame.now);
    if (frame.heartbeat_ms > 0) this.heartbeat = frame.heartbeat_ms;
    if (this.live && this.live !== link) this.drop(this.live); // made; now break
    this.live = link;
    this.next = null;
    this.refreshed = false;
    this.notBefore = 0;
    this.attemptAt = null;
    this.parts.onWelcome(frame);
    this.parts.onChange();
  }

  pinged(link, frame) {
    this.write(link, { op: 'pong', now: frame.now });
    if (this.clock.hint(frame.now)) link.measureAt = link.heardAt;
  }

  ponged(link, frame) {
    if (link.pingAt === null || link.pingAt === undefined) return;
    const rtt = this.clock.roundTrip(link.pingAt, frame.now);
    link.pingAt = null;
    if (rtt < 0) return;
    this.rtt = rtt;
    this.parts.note({ type: 'rtt', ms: rtt });
  }

  bye(link, frame) {
    const wait = frame.retry_after_ms > 0 ? frame.retry_after_ms : 0;
    if (isFinal(frame.code)) {
      this.lost(link, frame.code, 'bye');
      return;
    }
    const now = this.clock.mono();
    this.notBefore = now + wait;
    if (frame.code !== DRAINING && frame.code !== TOKEN_EXPIRED) {
      link.byeLimit = now + BYE_MS;
      return;
    }
    if (frame.code === TOKEN_EXPIRED) this.renew(frame.code);
    // The old socket still rings while the new one is built: no alert falls between the two.
    link.draining = true;
    this.attemptAt = this.notBefore + Math.floor(this.adapter.random() * 200);
    this.parts.onChange();
  }

  /** Asks for a sign of life now; also measures the clock. */
  ping(limitMs) {
    const link = this.live;
    if (!link) return;
    const now = this.clock.mono();
    if (limitMs && !link.probeLimit) link.probeLimit = now + limitMs;
    link.measureAt = now + MEASURE_MS;
    link.pingAt = now;
    this.write(link, { op: 'ping' });
  }

  // ---- losing --------------------------------------------------------------------------------

  drop(link) {
    if (!link || link.over) return;
    link.over = true;
    try {
      if (link.task) link.task.close(1000, '');
    } catch (e) {
      // Closing what the platform has already closed is not an error worth a word.
    }
  }

  lost(link, code, reason) {
    if (link.over) return;
    this.drop(link);
    const wasLive = link === this.live;
    if (wasLive) {
      this.live = null;
      this.reconnects += 1;
      if (this.clock.mono() - link.readyAt >= STABLE_MS) this.failures = 0;
      this.parts.note({ type: 'closed', code, reason: CLOSE_REASONS[code] || String(reason || '') });
    } else if (link === this.next) {
      this.next = null;
    }
    // The last words of a socket whose successor is being built decide nothing: the server may
    // well call the old one "replaced" when the new one says hello.
    if (!wasLive || !this.next) this.judge(code);
    this.parts.onChange();
  }

  judge(code) {
    if (!this.running) return;
    if (code === BAD_TOKEN && !this.refreshed) {
      this.refreshed = true; // once: a second refusal means the rider, not the token
      this.renew(code);
      this.attemptAt = this.clock.mono();
      return;
    }
    if (isFinal(code)) {
      this.end(code);
      return;
    }
    if (code === TOKEN_EXPIRED) this.renew(code);
    this.backOff();
  }

  renew(code) {
    this.refresh = true;
    this.refusedBy = code;
  }

  end(code) {
    this.fatal = { code, reason: CLOSE_REASONS[code] || 'refused' };
    this.parts.onFatal(this.fatal);
    this.close();
  }

  backOff() {
    const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * Math.pow(2, Math.min(this.failures, 10)));
    this.failures += 1;
    const wait = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS + Math.floor(this.adapter.random() * ceiling));
    const now = this.clock.mono();
    this.attemptAt = Math.max(now + (this.offline ? OFFLINE_PROBE_MS : wait), this.notBefore);
  }

  // ---- what the device tells -----------------------------------------------------------------

  /** The app is in front again, or the network is back: look at once, but not all phones together. */
  wake(spreadMs) {
    if (!this.running) return;
    this.wakeAt = this.clock.mono() + DEBOUNCE_MS + Math.floor(this.adapter.random() * spreadMs);
  }

  network(online) {
    this.offline = !online;
    if (online) {
      this.failures = 0;
      this.wake(1000);
    } else if (this.attemptAt !== null) {
      this.attemptAt = this.clock.mono() + OFFLINE_PROBE_MS;
    }
    this.parts.onChange();
  }

  woken(now) {
    this.wakeAt = null;
    if (this.live) this.ping(PROBE_MS);
    if (this.next && now - this.next.startedAt >= PROBE_MS) {
      // Begun on the network that was: it will not be answered on this one.
      this.drop(this.next);
      this.next = null;
      this.attemptAt = now;
    }
    if (this.attemptAt !== null) this.attemptAt = Math.max(now, this.notBefore);
  }

  // ---- what is due ---------------------------------------------------------------------------

  run() {
    const now = this.clock.mono();
    const due = (at) => at !== null && at !== undefined && now >= at;
    if (this.next && due(this.next.limit)) this.lost(this.next, 1006, 'no answer to hello');
    if (this.live) {
      if (now - this.live.heardAt >= 2.5 * this.heartbeat) this.lost(this.live, 4102, 'silent');
      else if (due(this.live.probeLimit)) this.lost(this.live, 1006, 'probe');
      else if (due(this.live.byeLimit)) this.lost(this.live, 1006, 'bye');
    }
    if (due(this.wakeAt)) this.woken(now);
    if (due(this.attemptAt)) this.attempt();
    if (this.live && due(this.live.measureAt)) this.ping(0);
  }

  /** When `run` should be called at the latest, mono ms; Infinity when nothing is pending. */
  dueAt() {
    const times = [this.attemptAt, this.wakeAt];
    if (this.next) times.push(this.next.limit);
    if (this.live) {
      times.push(this.live.heardAt + 2.5 * this.heartbeat, this.live.probeLimit,
        this.live.byeLimit, this.live.measureAt);
    }
    return times.reduce((least, at) => (at === null || at === undefined ? least : Math.min(least, at)), Infinity);
  }
}

// ==== speaker ===================================================================================

// What the ear gets. One player, never silent in the player's sense: a long clip of silence holds it
// between alerts, because in the background a phone lets an app set a new `src` only while audio plays.
// So nothing here stops, pauses or seeks; each step is a new src, set while the last one still runs.
// Sentence and tail: a clip speaks for `duration_ms - tail_ms`, then is silent. The tail is the time in
// which the next src is chosen.

const LOAD_MS = 6000; // src set, and no sign of play: the phone refused, or the network is gone
const END_GUARD_MS = 4000; // past its end by this much: `ended` was lost
const SETTLE_MS = 300; // the last syllable; players report play a little early
const LAST_CALL_MS = 1500; // offline, the silence is held as long as it lasts, minus this
const RETRY_MS = 20000; // refused: try again at about the pace of heartbeats
const RETRY_FRONT_MS = 3000; // in front a refusal may be the first moment of coming back
const TRIES = 3; // silent clips that hang, one after the other, before the player is called blocked
const WAKE_MARGIN_MS = 22000; // timers may be held in the background; a heartbeat comes within this
const DEFAULT_TAIL_MS = 45000;
const DEFAULT_SILENCE_MS = 600000;
const UNKNOWN_MS = 60000; // no length known: no sentence is longer, and `ended` will come before

class Speaker {
  /**
   * @param {object} parts adapter (with its player), clock, labels, resolve(url), fresh() -> boolean,
   *   plus what to call: report(alert, status, extra), changed(alert), told(audio), note(event)
   */
  constructor(parts) {
    this.parts = parts;
    this.player = parts.adapter.player;
    this.clock = parts.clock;
    this.clips = [];
    this.silenceMs = DEFAULT_SILENCE_MS;
    this.clip = 0;
    this.turn = 0;
    this.sets = 0;
    this.queue = [];
    this.now = null; // what the player holds: {alert|null, setAt, playAt, …}
    this.wanted = false;
    this.status = 'off';
    this.interrupted = false;
    this.failures = 0;
    this.retryAt = null;
    this.quietSince = null;
    this.player.listen({
      play: () => this.played(),
      timeupdate: () => this.moved(),
      waiting: () => this.stalled(),
      ended: () => this.ended(),
      error: (code, message) => this.failed(code, message),
      pause: () => this.halted('paused'),
      stop: () => this.halted('stolen'),
    });
  }

  // ---- commands ------------------------------------------------------------------------------

  /** From a tap. Starts the silence, or resumes what a pause, a call or a refusal has stopped. */
  start() {
    this.interrupted = false;
    this.failures = 0;
    if (this.wanted && this.status === 'playing') return;
    this.wanted = true;
    this.step();
  }

  stop() {
    this.wanted = false;
    this.now = null;
    this.retryAt = null;
    this.quietSince = null;
    this.queue = [];
    this.become('off');
    this.player.stop();
  }

  /** `alert` carries: id, ring, seq, urgency, expiresAt, audio, count, plays, gap. */
  add(alert) {
    alert.dueAt = this.clock.mono() + this.spread(alert);
    alert.state = 'queued';
    this.queue.push(alert);
    if (!this.audible()) this.parts.report(alert, 'queued', { reason: this.status });
    else if (this.speaking()) this.parts.report(alert, 'queued', { reason: 'busy' });
    this.parts.changed(alert);
  }

  /** Stops this alert and no other: out of the queue, and cut short if it is the one that sounds. */
  remove(alert) {
    this.queue = this.queue.filter((a) => a !== alert);
    if (this.now && this.now.alert === alert) this.now.cut = true;
  }

  /** A newer ring takes this one's place: it may end its sentence, and does not come back. */
  retire(alert, newer) {
    this.queue = this.queue.filter((a) => a !== alert);
    alert.retired = true;
    newer.fetched = alert.fetched;
  }

  /** A better clip, for the next sounding; the one in the ear is not disturbed. */
  swap(alert, audio) {
    alert.audio = audio;
    if (this.queue.indexOf(alert) >= 0) alert.dueAt = Math.max(alert.dueAt, this.clock.mono() + this.spread(alert));
  }

  /**
   * How long a clip that a whole city is sent waits before it is first fetched, so that not all fetch it in the same
   * second. The silence runs meanwhile. An urgent one does not wait, and none so long that it could expire.
   */
  spread(alert) {
    if (!alert.audio || alert.urgency >= 2 || alert.fetched === alert.audio.url) return 0;
    const left = alert.expiresAt - this.clock.server() - WAKE_MARGIN_MS;
    const most = Math.min(alert.audio.fetch_jitter_ms, left);
    return most > 0 ? Math.floor(this.parts.adapter.random() * most) : 0;
  }

  keepAlive(clips, durationMs) {
    if (Array.isArray(clips) && clips.length && clips.join() !== this.clips.join()) {
      this.clips = clips.slice();
      this.clip = 0;
    }
    if (durationMs > 0) this.silenceMs = durationMs;
  }

  audible() {
    return this.status === 'playing';
  }

  speaking() {
    return !!this.now && !!this.now.alert && !this.now.done && !this.now.cut;
  }

  // ---- choosing the next src -------------------------------------------------------------------

  /** The alert to sound now: the most urgent of those due, the oldest of those equal. */
  pick() {
    const now = this.clock.mono();
    let best = null;
    this.queue.forEach((a) => {
      if (a.dueAt > now) return;
      if (!best || a.urgency > best.urgency || (a.urgency === best.urgency && a.seq < best.seq)) best = a;
    });
    return best;
  }

  /** Sets the next src, whatever it is. In `ended` and `error` this must happen before they return. */
  step() {
    this.expire();
    const alert = this.pick();
    if (alert) this.sound(alert, alert.audio.url, false);
    else this.silence();
  }

  sound(alert, url, fallback) {
    this.queue = this.queue.filter((a) => a !== alert);
    this.sets += 1;
    if (!fallback) alert.fetched = url;
    this.set(unique(this.parts.resolve(url), this.sets), alert.title, {
      alert, fallback, total: UNKNOWN_MS, sentence: UNKNOWN_MS,
    });
  }

  silence() {
    this.turn = 1 - this.turn; // two names per clip: each src is new, and both stay in the cache
    const clip = this.clips[this.clip % this.clips.length];
    this.set(unique(this.parts.resolve(clip), this.turn), this.parts.labels.title, { alert: null, total: this.silenceMs });
  }

  set(src, title, what) {
    this.now = Object.assign(what, { setAt: this.clock.mono(), playAt: null, done: false, cut: false });
    this.retryAt = null;
    if (!this.audible()) this.become('loading');
    try {
      this.player.set(src, title, this.parts.labels);
    } catch (e) {
      this.refused(e.message);
    }
  }

  // ---- what the player tells -------------------------------------------------------------------

  played() {
    if (!this.wanted || !this.now) return;
    const now = this.clock.mono();
    const first = this.now.playAt === null;
    this.now.playAt = first ? now : now - this.position();
    this.now.waiting = false;
    this.failures = 0;
    this.become('playing');
    // Stopped while it loaded: `run` leaves it at once, and nothing has sounded.
    if (first && this.now.alert && !this.now.cut) {
      const alert = this.now.alert;
      alert.state = 'sounding';
      this.parts.report(alert, 'playing', { play: alert.plays + 1, load_ms: now - this.now.setAt });
      this.parts.changed(alert);
    }
    this.run();
  }

  moved() {
    if (!this.wanted || !this.now) return;
    if (this.now.playAt === null && this.position() > 0) this.played(); // its `play` was lost
    if (this.now) this.now.waiting = false;
    this.run();
  }

  stalled() {
    if (this.now) this.now.waiting = true;
  }

  ended() {
    // While a src is in flight, `ended` speaks of the one before it.
    if (!this.wanted || !this.now || this.now.playAt === null) return;
    if (this.speaking()) this.complete();
    this.step();
  }

  failed(code, message) {
    if (!this.wanted || !this.now) return;
    if (/permission/.test(String(message))) {
      this.refused(message);
      return;
    }
    const { alert, done, cut, fallback } = this.now;
    this.parts.note({ type: 'audio_error', code, id: alert ? alert.id : null, fallback: !!fallback });
    if (alert && !done && !cut) {
      if (!fallback && alert.audio.fallback_url) {
        this.sound(alert, alert.audio.fallback_url, true);
        return;
      }
      this.fail(alert, 'audio_' + code);
    } else if (!alert) {
      this.clip += 1; // another format, or another host
      this.failures += 1;
      if (this.failures > 2 * this.clips.length) {
        this.giveUp();
        return;
      }
    }
    this.step();
  }

  /** Paused on the lock screen, taken by other music, or interrupted by a call. Not fought: told. */
  halted(as) {
    if (!this.wanted || !this.now || this.now.playAt === null) return; // the old src making room
    this.requeue();
    this.become(this.interrupted ? 'interrupted' : as);
  }

  /** A sentence cut by the world, not by us, has not been heard: it will be said again from its start. */
  requeue() {
    if (!this.speaking()) return;
    const alert = this.now.alert;
    this.now.cut = true;
    if (alert.retired) return;
    alert.state = 'queued';
    alert.dueAt = this.clock.mono();
    this.queue.push(alert);
    this.parts.changed(alert);
  }

  /** Set, and not played: by a word about permission, or by no word at all within the load guard. */
  refused(message) {
    this.parts.note({ type: 'denied', message: String(message || 'no play') });
    if (this.quietSince === null && this.now.playAt === null) this.quietSince = this.now.setAt;
    const { alert, fallback } = this.now;
    const definite = !!message || !this.parts.adapter.foreground();
    if (definite) {
      this.giveUp(); // more tries change nothing: a tap, or coming to the front, does
    } else if (alert && !this.now.cut) {
      this.passOver(alert, fallback);
    } else if (alert) {
      this.step(); // it was stopped or answered while it hung
    } else {
      this.clip += 1;
      this.failures += 1;
      if (this.failures < TRIES) this.step();
      else this.giveUp();
    }
  }

  /** In front, a clip that neither plays nor fails hangs in the network: it must not hold up the others. */
  passOver(alert, fallback) {
    if (!fallback && alert.audio.fallback_url) {
      this.sound(alert, alert.audio.fallback_url, true);
      return;
    }
    alert.hangs = (alert.hangs || 0) + 1;
    if (alert.hangs < 2) {
      this.requeue();
      alert.dueAt += RETRY_FRONT_MS;
    } else {
      this.fail(alert, 'no_play');
    }
    this.step();
  }

  giveUp() {
    this.requeue();
    this.retryAt = this.clock.mono() + (this.parts.adapter.foreground() ? RETRY_FRONT_MS : RETRY_MS);
    this.become('blocked');
  }

  // ---- what the device tells -------------------------------------------------------------------

  interruption(begins) {
    this.interrupted = begins;
    if (!this.wanted) return;
    if (begins) {
      if (!this.player.running()) this.requeue();
      this.become('interrupted');
    } else if (this.status === 'interrupted') {
      // Android tells of interruptions that stop nothing when an app is hidden or shown.
      if (this.player.running() && this.now && this.now.playAt !== null) this.become('playing');
      else this.step();
    }
  }

  /** In front again, anything may be set. A pause is the rider's own wish and stays. */
  shown() {
    this.interrupted = false;
    this.failures = 0;
    if (!this.wanted || this.status === 'paused' || this.status === 'playing') return;
    if (this.status === 'loading') return;
    this.step();
  }

  // ---- what is due -----------------------------------------------------------------------------

  run() {
    this.expire(); // off or on: a card must not wait for a sound that may not come any more
    if (!this.wanted || !this.now) return;
    const now = this.clock.mono();
    if (this.status === 'blocked' && this.retryAt !== null && now >= this.retryAt) this.step();
    if (this.status !== 'playing' && this.status !== 'loading') return;
    if (this.overtaken()) {
      this.giveWay();
      return;
    }
    if (this.now.playAt === null) {
      if (now - this.now.setAt >= LOAD_MS) this.refused('');
      return;
    }
    const elapsed = now - this.now.playAt;
    if (this.now.alert) this.runAlert(elapsed);
    else this.runSilence(elapsed);
  }

  runAlert(elapsed) {
    const held = this.now;
    this.measure();
    if (!held.done && !held.cut) {
      if (this.progress(elapsed) >= held.sentence) this.complete();
      else if (elapsed < held.total + END_GUARD_MS) return; // never cut mid-word
      else this.fail(held.alert, 'stalled');
    }
    const next = this.queue.reduce((least, a) => Math.min(least, a.dueAt), Infinity);
    const left = held.total - elapsed;
    const waits = !held.cut && next - this.clock.mono() > 0 && next - this.clock.mono() < left - WAKE_MARGIN_MS;
    if (!waits) this.step(); // else the repeat comes soon, and the tail is silence already in hand
  }

  /** A chime is not a sentence: it may be left for something more urgent, wherever a new src may be set. */
  overtaken() {
    const { alert, playAt } = this.now;
    if (!this.speaking() || !alert.brief || (playAt === null && !this.parts.adapter.foreground())) return false;
    const next = this.pick();
    return !!next && next.urgency > alert.urgency;
  }

  giveWay() {
    const { alert } = this.now;
    this.now.done = true;
    alert.state = 'stopped';
    alert.reason = 'overtaken';
    this.parts.report(alert, 'skipped', { play: alert.plays + 1, reason: 'overtaken' });
    this.parts.changed(alert);
    this.step();
  }

  runSilence(elapsed) {
    const over = elapsed >= this.now.total - LAST_CALL_MS;
    const half = elapsed >= this.now.total / 2;
    // Rolled early, so that `ended` never has to be relied on and half a clip is always left as a
    // buffer; only while online, because a src that cannot load is the end of the background.
    if (this.pick() || over || (half && this.parts.fresh())) this.step();
  }

  /** How long the clip in hand speaks. A canned clip has its own length, which only the player knows. */
  measure() {
    const { alert, fallback } = this.now;
    const told = fallback ? 0 : alert.audio.duration_ms;
    const total = told > 0 ? told : this.player.duration() * 1000;
    if (!(total > 0)) return;
    const tail = alert.audio.tail_ms >= 0 ? alert.audio.tail_ms : DEFAULT_TAIL_MS;
    this.now.total = total;
    this.now.sentence = total > tail ? total - tail : total;
  }

  /** Played so far, ms. A stall must not count as speech; a position that never moves must not stop it. */
  progress(elapsed) {
    const position = this.position();
    if (this.player.exact || this.now.waiting) return position;
    return Math.max(position, elapsed - SETTLE_MS);
  }

  position() {
    const seconds = this.player.position();
    return seconds > 0 ? seconds * 1000 : 0;
  }

  complete() {
    const alert = this.now.alert;
    this.now.done = true;
    alert.plays += 1;
    this.parts.report(alert, 'played', { play: alert.plays });
    if (alert.retired || alert.plays >= alert.count) {
      alert.state = 'played';
    } else {
      alert.state = 'waiting';
      alert.dueAt = this.clock.mono() + alert.gap;
      this.queue.push(alert);
    }
    this.parts.changed(alert);
  }

  fail(alert, reason) {
    this.now.done = true;
    alert.state = 'failed';
    alert.reason = reason;
    this.parts.report(alert, 'failed', { play: alert.plays + 1, reason });
    this.parts.changed(alert);
  }

  expire() {
    const server = this.clock.server();
    const stale = this.queue.filter((a) => a.expiresAt <= server);
    if (!stale.length) return;
    this.queue = this.queue.filter((a) => a.expiresAt > server);
    stale.forEach((alert) => {
      alert.state = alert.plays > 0 && !alert.need ? 'played' : 'expired';
      alert.reason = 'expired';
      this.parts.report(alert, 'skipped', { play: alert.plays + 1, reason: 'expired' });
      this.parts.changed(alert);
    });
  }

  /** When `run` should be called at the latest, mono ms. A hint: every frame and event calls it too. */
  dueAt() {
    const server = this.clock.server();
    const now = this.clock.mono();
    const times = this.queue.map((a) => (a.dueAt > now ? a.dueAt : now + Math.max(a.expiresAt - server, 0)));
    const held = this.now;
    if (!this.wanted || !held) times.push(Infinity);
    else if (this.status === 'blocked') times.push(this.retryAt);
    else if (this.status !== 'playing' && this.status !== 'loading') times.push(Infinity);
    else if (held.playAt === null) times.push(held.setAt + LOAD_MS);
    else if (held.alert && !held.done) {
      const settle = this.player.exact ? 20 : SETTLE_MS;
      const left = Math.max(held.sentence - this.progress(now - held.playAt), 0);
      times.push(Math.min(now + left + settle, Math.max(held.playAt + held.total + END_GUARD_MS, now)));
    } else {
      const half = held.playAt + held.total / 2;
      times.push(now < half ? half : held.playAt + held.total - LAST_CALL_MS);
    }
    return times.reduce((least, at) => Math.min(least, at === null ? Infinity : at), Infinity);
  }

  // ---- telling -----------------------------------------------------------------------------------

  become(status) {
    if (status === this.status) return;
    this.status = status;
    if (status === 'playing') this.loud();
    else if (status !== 'off' && status !== 'loading') this.quiet(); // the first start is not a gap
    this.parts.told(status);
  }

  quiet() {
    if (this.quietSince === null) this.quietSince = this.clock.mono();
  }

  loud() {
    if (this.quietSince === null) return;
    const ms = this.clock.mono() - this.quietSince;
    this.quietSince = null;
    if (ms > 1000) this.parts.note({ type: 'gap', ms });
  }
}

/** The same src twice in a row is not defined to play; servers ignore the parameter. */
function unique(url, n) {
  return url + (url.indexOf('?') < 0 ? '?' : '&') + 'n=' + n;
}

// ==== selftest ==================================================================================

// The self-check: what this phone really allows. It only listens and pings; the rider hides the app
// meanwhile, and the figures tell whether alerts would have been heard.

const PING_MS = 10000;
const DURATION_MS = 600000; // ten minutes: past every limit a platform is known to have

class SelfTest {
  /** @param options {duration_ms?: 10 s to 1 h, onProgress?: function(partial result)} */
  constructor(rider, options) {
    const wish = options.duration_ms > 0 ? options.duration_ms : DURATION_MS;
    this.rider = rider;
    this.onProgress = options.onProgress;
    this.startedAt = rider.clock.server();
    this.endAt = rider.clock.mono() + Math.min(Math.max(wish, 10000), 3600000);
    this.pingAt = rider.clock.mono();
    this.tally = { denials: 0, gaps: 0, gap_ms_max: 0, suspends: 0, reconnects: 0 };
    this.suspendMax = 0;
    this.rtts = [];
    this.done = new Promise((resolve) => { this.resolve = resolve; });
  }

  handle() {
    return { done: this.done, cancel: () => this.finish('cancelled') };
  }

  note(event) {
    const { tally } = this;
    if (event.type === 'denied') tally.denials += 1;
    if (event.type === 'closed') tally.reconnects += 1;
    if (event.type === 'rtt') this.rtts.push(event.ms);
    if (event.type === 'gap') this.gap(event.ms);
    if (event.type === 'suspend') {
      tally.suspends += 1;
      this.suspendMax = Math.max(this.suspendMax, event.ms);
    }
  }

  gap(ms) {
    this.tally.gaps += 1;
    this.tally.gap_ms_max = Math.max(this.tally.gap_ms_max, Math.round(ms));
  }

  run() {
    const now = this.rider.clock.mono();
    if (now >= this.endAt) {
      this.finish('');
    } else if (now >= this.pingAt) {
      this.pingAt = now + PING_MS;
      this.rider.connection.ping(0);
      if (typeof this.onProgress === 'function') this.onProgress(this.result(''));
    }
  }

  dueAt() {
    return Math.min(this.pingAt, this.endAt);
  }

  finish(why) {
    if (this.rider.test !== this) return;
    this.rider.test = null;
    const { speaker, clock } = this.rider;
    if (speaker.quietSince !== null) this.gap(clock.mono() - speaker.quietSince); // still silent
    this.resolve(this.result(why));
  }

  result(why) {
    const { rider } = this;
    const sorted = this.rtts.slice().sort((a, b) => a - b);
    const at = (share) => (sorted.length ? Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]) : null);
    const notes = [why, this.suspendMax ? 'suspend_ms_max=' + Math.round(this.suspendMax) : '', 'audio=' + rider.speaker.status];
    return Object.assign({
      device: rider.memory.device, platform: rider.adapter.platform,
      started_at: this.startedAt, ended_at: rider.clock.server(),
    }, this.tally, { rtt_ms_p50: at(0.5), rtt_ms_p95: at(0.95), notes: notes.filter(Boolean).join('; ') });
  }
}

// ==== alert =====================================================================================

// One ring of one alert, as this device holds it: what the frame says, made safe to count with.


const ENDED = ['played', 'failed', 'expired', 'stopped', 'answered'];
const MODES = { accept: 'assign', confirm: 'ack' }; // of a server that says only what it needs

/**
 * @param {object} frame the server's `alert`
 * @param {{plays: function(string, number): number}} memory what was heard in an earlier life of this page
 * @param {string} title for the lock screen, if the alert has none
 */
function makeAlert(frame, memory, title) {
  const ring = frame.ring > 0 ? frame.ring : 1;
  const repeat = frame.repeat || {};
  const count = repeat.count > 0 ? repeat.count : 1;
  const left = repeat.remaining >= 0 ? repeat.remaining : count;
  const need = frame.need && frame.need !== 'none' ? frame.need : null;
  const answerBy = epochMs(frame.answer_by);
  const ends = [epochMs(frame.expires_at), answerBy].filter((at) => at > 0);
  return {
    frame, ring, count, need,
    id: frame.id,
    seq: typeof frame.seq === 'number' ? frame.seq : 0,
    urgency: frame.urgency >= 0 ? frame.urgency : 1,
    mode: frame.mode || MODES[need] || 'notify',
    brief: frame.kind === 'order.taken', // a chime: it waits for others and never makes them wait
    title: frame.title || frame.text || title,
    audio: frame.audio,
    gap: repeat.gap_ms >= 0 ? repeat.gap_ms : 0,
    // Ours may be ahead of the server's count, when the last receipts were lost with the page.
    plays: Math.max(count - left, memory.plays(frame.id, ring), 0),
    answerBy: answerBy > 0 ? answerBy : Infinity,
    expiresAt: ends.length ? Math.min.apply(null, ends) : Infinity,
    state: 'queued',
  };
}

/** What the app is shown: the frame, and over it what has become of it here. */
function tellAlert(alert) {
  const finite = (at) => (at === Infinity ? null : at);
  return Object.assign({}, alert.frame, {
    ring: alert.ring, urgency: alert.urgency, need: alert.need || 'none', mode: alert.mode, state: alert.state,
    plays: alert.plays, count: alert.count, reason: alert.reason, answer: alert.answer, outcome: alert.outcome,
    expires_at: finite(alert.expiresAt), answer_by: finite(alert.answerBy),
  });
}

/** An alert the server sends again although we had put it down: it is open, so it has a right to sound. */
function revivable(alert) {
  return alert.state === 'failed' || (alert.state === 'stopped' && !alert.closed);
}

// ==== answers ===================================================================================

// What the rider has answered, and what became of it. An answer is over with a final outcome and with nothing
// else: until then every new session is asked again, and its alert does not ring on this device any more.


const ANSWERS = ['accept', 'decline', 'confirm'];
const ANY_RING = 0; // rings count from one: this stands for all of them

class Answers {
  /** @param {object} parts memory, clock, speaker, alerts (Map), plus send(receipt), end(alert, state, reason), emit(alert), note(event) */
  constructor(parts) {
    this.parts = parts;
  }

  /** @returns {boolean} false when this alert cannot be answered any more */
  give(id, answer) {
    if (ANSWERS.indexOf(answer) < 0) throw new TypeError('answer must be accept, decline or confirm');
    const { memory, speaker, clock, alerts } = this.parts;
    const alert = alerts.get(id);
    if (!alert || ['answering', 'answered', 'stopped'].indexOf(alert.state) >= 0) return false;
    speaker.remove(alert); // it must not ring on while the answer travels
    if (clock.server() >= alert.answerBy) {
      alert.outcome = 'gone'; // nobody was asked, because there is only one thing to be told
      this.parts.end(alert, 'expired', 'expired');
      return false;
    }
    memory.hear(id, ANY_RING, CLOSED);
    memory.expect(id, answer, alert.frame);
    this.parts.send({ op: 'answer', id, answer });
    this.wait(alert, answer);
    return true;
  }

  /** An alert comes that is answered already, in an earlier life of the page: a card, and no sound. */
  resume(alert) {
    const awaited = this.parts.memory.awaited.get(alert.id);
    if (awaited) this.wait(alert, awaited.answer);
    return !!awaited;
  }

  /** Those that do not come any more, because the server waits for nothing but a verdict. */
  restore(make) {
    const { memory, alerts } = this.parts;
    memory.awaited.forEach(({ answer, frame }, id) => {
      if (alerts.has(id)) return;
      const alert = make(frame);
      alerts.set(id, alert);
      this.wait(alert, answer);
    });
  }

  wait(alert, answer) {
    alert.answer = answer;
    alert.state = 'answering';
    this.parts.emit(alert);
  }

  /** `answered{n,id,outcome}`. After `pending` another one follows, with the same n or with none that we know. */
  heard(frame) {
    const { memory, speaker, alerts, note, emit } = this.parts;
    const pending = frame.outcome === 'pending';
    const alert = alerts.get(frame.id);
    const news = alert ? alert.state !== 'answered' : memory.awaited.has(frame.id);
    memory.answered(frame.n);
    if (!pending) memory.settle(frame.id);
    if (!news) return; // said twice, or the words of before: an outcome does not change
    if (alert) {
      speaker.remove(alert);
      alert.outcome = frame.outcome;
      alert.state = pending ? 'answering' : 'answered';
      emit(alert);
    }
    note({ type: 'answered', id: frame.id, n: frame.n, outcome: frame.outcome });
  }

  /** After a welcome: what was `pending` is asked again. What was never confirmed is in the outbox, and is sent from there. */
  again() {
    const { memory, send } = this.parts;
    memory.awaited.forEach(({ answer }, id) => {
      if (!memory.outbox.some((r) => r.op === 'answer' && r.id === id)) send({ op: 'answer', id, answer });
    });
  }
}

// ==== wechat ====================================================================================

// A WeChat mini-program as a device. The rules behind the odd lines: the background audio manager is one
// global object without `off*` and the last listener wins, so it is ours alone; `title` is mandatory;
// a new `src` plays by itself; onTimeUpdate comes in the foreground only.

/**
 * @param {object} wx the platform's global
 * @param {object} [env] now(), random(), setTimer(fn, ms), clearTimer(handle); for tests
 */
function wechatAdapter(wx, env) {
  const manager = wx.getBackgroundAudioManager();
  let inFront = true;
  let wake = () => {};
  const player = {
    exact: false, // currentTime is not promised to move in the background
    listen(on) {
      const bind = (event, handle) => {
        if (typeof manager[event] !== 'function') return;
        manager[event]((detail) => {
          handle(detail || {});
          wake();
        });
      };
      bind('onPlay', on.play);
      bind('onTimeUpdate', on.timeupdate);
      bind('onWaiting', on.waiting);
      bind('onEnded', on.ended);
      bind('onPause', on.pause);
      bind('onStop', on.stop);
      bind('onError', (detail) => on.error(detail.errCode, detail.errMsg));
      // The panel's skip buttons have nothing to skip; unbound they end the player on some phones.
      bind('onPrev', () => {});
      bind('onNext', () => {});
    },
    set(src, title, labels) {
      manager.title = title;
      manager.epname = labels.epname;
      manager.singer = labels.singer;
      if (labels.coverImgUrl) manager.coverImgUrl = labels.coverImgUrl;
      manager.src = src;
    },
    stop() {
      manager.stop();
    },
    running: () => manager.paused === false,
    position: () => manager.currentTime || 0,
    duration: () => manager.duration || 0,
  };
  return Object.assign({
    platform: 'wechat',
    formats: ['mp3', 'm4a', 'wav'],
    now: () => Date.now(),
    random: () => Math.random(),
    setTimer: (fn, ms) => setTimeout(fn, ms),
    clearTimer: (handle) => clearTimeout(handle),
    player,
    storage: { get: (key) => wx.getStorageSync(key), set: (key, value) => wx.setStorageSync(key, value) },
    foreground: () => inFront,
    vibrate: () => wx.vibrateLong && wx.vibrateLong({ fail() {} }),
    openSocket(url, protocol, on) {
      const task = wx.connectSocket({
        url, protocols: [protocol], tcpNoDelay: true, timeout: 10000,
        fail: (error) => on.error(error.errMsg),
      });
      task.onOpen(() => on.open());
      task.onMessage((message) => on.message(message.data));
      task.onError((error) => on.error(error && error.errMsg));
      task.onClose((event) => on.close((event && event.code) || 1006, event && event.reason));
      return {
        send: (text) => task.send({ data: text, fail: (error) => on.error(error && error.errMsg) }),
        close: (code, reason) => task.close({ code, reason, fail() {} }),
      };
    },
    watch(on) {
      wake = on.player;
      const show = () => { inFront = true; on.show(); };
      const hide = () => { inFront = false; on.hide(); };
      const network = (status) => on.network(status.isConnected !== false);
      const begin = () => on.interruption(true);
      const end = () => on.interruption(false);
      const listeners = [['AppShow', show], ['AppHide', hide], ['NetworkStatusChange', network],
        ['AudioInterruptionBegin', begin], ['AudioInterruptionEnd', end]];
      listeners.forEach((l) => { if (wx['on' + l[0]]) wx['on' + l[0]](l[1]); });
      return () => listeners.forEach((l) => { if (wx['off' + l[0]]) wx['off' + l[0]](l[1]); });
    },
  }, env);
}

// ==== browser ===================================================================================

// A browser tab as a device. One audio element for everything: the element a tap has unlocked may take
// new sources for ever, a second one would be refused.

/**
 * @param {Window} win
 * @param {HTMLAudioElement} [element] shown by the page, or made here
 */
function browserAdapter(win, element) {
  const doc = win.document;
  const audio = element || doc.createElement('audio');
  let on = {};
  let wake = () => {};
  let loading = false;
  const bind = (event, handle) => audio.addEventListener(event, () => { handle(); wake(); });
  const player = {
    exact: true,
    listen(handlers) {
      on = handlers;
      bind('playing', () => { loading = false; on.play(); });
      bind('timeupdate', () => { if (!loading) on.timeupdate(); });
      bind('waiting', () => { if (!loading) on.waiting(); });
      bind('ended', () => on.ended());
      // A pause also precedes `ended` and follows a new source; neither is the rider's.
      bind('pause', () => { if (!loading && !audio.ended) on.pause(); });
      bind('error', () => on.error(audio.error ? audio.error.code : 0, audio.error ? audio.error.message : ''));
    },
    set(src, title, labels) {
      loading = true;
      audio.src = src;
      label(win, title, labels);
      const promise = audio.play();
      if (!promise || !promise.catch) return;
      promise.catch((error) => {
        if (audio.src.indexOf(src) < 0 && src.indexOf(audio.src) < 0) return; // another source since
        if (error.name === 'NotAllowedError') { on.error(0, 'no permission to play without a tap'); wake(); }
      });
    },
    stop() {
      loading = true;
      audio.pause();
    },
    running: () => !audio.paused && !audio.ended,
    position: () => (loading ? 0 : audio.currentTime || 0),
    duration: () => (audio.duration > 0 && audio.duration < Infinity ? audio.duration : 0),
  };
  return {
    platform: 'browser',
    formats: ['mp3', 'm4a', 'wav'],
    now: () => Date.now(),
    random: () => Math.random(),
    setTimer: (fn, ms) => win.setTimeout(fn, ms),
    clearTimer: (handle) => win.clearTimeout(handle),
    player,
    storage: {
      get: (key) => JSON.parse(win.localStorage.getItem(key) || 'null'),
      set: (key, value) => win.localStorage.setItem(key, JSON.stringify(value)),
    },
    foreground: () => doc.visibilityState !== 'hidden',
    vibrate: () => win.navigator.vibrate && win.navigator.vibrate([400, 200, 400]),
    openSocket(url, protocol, handlers) {
      const socket = new win.WebSocket(url, protocol);
      socket.onopen = () => handlers.open();
      socket.onmessage = (event) => handlers.message(event.data);
      socket.onerror = () => {}; // says nothing, and `close` follows with what is known
      socket.onclose = (event) => handlers.close(event.code, event.reason);
      return {
        send: (text) => socket.send(text),
        close: (code, reason) => socket.close(code, reason),
      };
    },
    watch(handlers) {
      wake = handlers.player;
      const seen = () => (doc.visibilityState === 'hidden' ? handlers.hide() : handlers.show());
      const listeners = [[doc, 'visibilitychange', seen], [win, 'pageshow', (event) => event.persisted && handlers.show()],
        [win, 'online', () => handlers.network(true)], [win, 'offline', () => handlers.network(false)]];
      listeners.forEach((l) => l[0].addEventListener(l[1], l[2]));
      return () => listeners.forEach((l) => l[0].removeEventListener(l[1], l[2]));
    },
  };
}

/** What the lock screen and the headset show. */
function label(win, title, labels) {
  if (!win.navigator.mediaSession || !win.MediaMetadata) return;
  const artwork = labels.coverImgUrl ? [{ src: labels.coverImgUrl }] : [];
  win.navigator.mediaSession.metadata = new win.MediaMetadata({ title, artist: labels.singer, album: labels.epname, artwork });
}

// ==== rider =====================================================================================

// The rider's end of Orderbell: what a page or a mini-program talks to. It joins the connection, the
// speaker and the memory, and keeps the alerts in hand.


const SDK = 'orderbell-js/1.0.0';
const ALERTS_MAX = 200; // cards of a shift; the oldest finished ones go first
const AHEAD_MAX = 1000; // seqs seen past a gap; the next welcome settles them
const SUSPEND_MS = 5000; // a timer this late means the app was asleep
const RESEND_MS = 30000; // a store that was busy for a moment; a dead socket is noticed otherwise
const TIMER_MAX_MS = 60000; // look at least once a minute, whatever the deadlines say

class Rider {
  constructor(options) {
    const adapter = options.adapter;
    this.options = options;
    this.adapter = adapter;
    this.clock = new Clock(adapter);
    this.memory = new Memory(options.storage || adapter.storage, options.device, adapter.random);
    this.alerts = new Map();
    this.onDuty = undefined; // unknown until the rider says so; the backend may have set it
    this.audioTold = undefined;
    this.ahead = new Set();
    this.catchUp = null;
    this.session = null;
    this.resendAt = null;
    this.timer = null;
    this.dueAt = Infinity;
    this.sweepAt = Infinity;
    this.busy = false;
    this.origin = httpOrigin(options.url);
    const note = (event) => this.note(event);
    const touch = () => this.touch();
    this.connection = new Connection({
      adapter, note, touch, clock: this.clock, url: options.url, getToken: options.getToken,
      hello: (token) => this.hello(token),
      onWelcome: (frame) => this.welcome(frame),
      onFrame: (frame, reply) => this.frame(frame, reply),
      onChange: () => this.changed(),
      onFatal: (fatal) => this.dismissed(fatal),
    });
    this.speaker = new Speaker({
      adapter, note, clock: this.clock, labels: options.audio,
      resolve: (url) => (/^https?:/.test(url) ? url : this.origin + url),
      fresh: () => this.connection.fresh(),
      report: (alert, status, extra) => this.report(alert, status, extra),
      changed: (alert) => this.emit(alert),
      told: (status) => this.told(status),
    });
    this.answers = new Answers({
      note, memory: this.memory, clock: this.clock, speaker: this.speaker, alerts: this.alerts,
      send: (receipt) => this.send(receipt),
      end: (alert, state, reason) => this.end(alert, state, reason),
      emit: (alert) => this.emit(alert),
    });
    // Known before any welcome, so that a tap can unlock the player without a network round trip.
    this.speaker.keepAlive(['/audio/silence/600.m4a', '/audio/silence/600.mp3'], 600000);
    this.unwatch = adapter.watch({
      show: () => this.shown(),
      hide: () => this.hidden(),
      network: (online) => { this.connection.network(online); this.touch(); },
      interruption: (begins) => { this.speaker.interruption(begins); this.touch(); },
      player: touch, // every player event is a chance to do what is due
    });
  }

  // ---- commands --------------------------------------------------------------------------------

  connect() {
    this.connection.connect();
    this.touch();
  }

  start() {
    this.onDuty = true;
    this.speaker.start(); // first: the tap must still be on the stack when the player is touched
    this.connection.connect();
    this.connection.send({ op: 'state', on_duty: true });
    this.changed();
    this.touch();
  }

  stop() {
    this.onDuty = false;
    this.speaker.stop();
    this.connection.send({ op: 'state', on_duty: false });
    this.putDown('off_duty');
    this.changed();
    this.touch();
  }

  answer(id, answer) {
    const given = this.answers.give(id, answer);
    this.touch();
    return given;
  }

  close() {
    this.speaker.stop();
    this.connection.close();
    if (this.test) this.test.finish('closed');
    if (this.unwatch) this.unwatch();
    if (this.timer !== null) this.adapter.clearTimer(this.timer);
    this.timer = null;
    this.over = true;
  }

  state() {
    const { connection, speaker } = this;
    const speaking = speaker.speaking() && speaker.audible();
    return {
      connection: connection.phase(),
      fatal: connection.fatal,
      audio: speaker.audible() && speaking ? 'sounding' : speaker.status,
      sounding: speaking ? speaker.now.alert.id : null,
      on_duty: this.onDuty,
      foreground: this.adapter.foreground(),
      online: !connection.offline,
      session: this.session,
      device: this.memory.device,
      server_now: this.clock.server(),
      rtt_ms: connection.rtt,
      unsent: this.memory.outbox.length,
    };
  }

  selfTest(options) {
    if (this.test) this.test.finish('restarted');
    this.test = new SelfTest(this, options || {});
    this.touch();
    return this.test.handle();
  }

  /** The server will not have this device: another one rings now, so this one must not. */
  dismissed(fatal) {
    this.onDuty = undefined;
    this.speaker.stop();
    this.putDown(fatal.reason);
  }

  putDown(reason) {
    this.alerts.forEach((alert) => {
      if (ENDED.indexOf(alert.state) < 0 && alert.state !== 'answering') this.silence(alert, reason);
    });
  }

  // ---- frames ----------------------------------------------------------------------------------

  hello(token) {
    this.memory.use(token);
    const state = this.facts();
    this.helloSaid = JSON.stringify(state);
    return {
      op: 'hello', token, device: this.memory.device, epoch: this.memory.epoch, cursor: this.memory.cursor,
      caps: { formats: this.adapter.formats, sdk: SDK, platform: this.adapter.platform }, state,
    };
  }

  /** Only what is known: a page that never started cannot say whether its rider is on duty. */
  facts() {
    const facts = { foreground: this.adapter.foreground() };
    if (this.onDuty !== undefined) facts.on_duty = this.onDuty;
    if (this.audioTold !== undefined) facts.audio = this.audioTold;
    return facts;
  }

  welcome(frame) {
    const open = Array.isArray(frame.open) ? frame.open.filter((o) => o && o.id) : [];
    const listed = new Set(open.map((o) => o.id));
    this.session = frame.session;
    const keep = frame.keepalive || {};
    this.speaker.keepAlive(keep.clips, keep.duration_ms);
    this.alerts.forEach((alert, id) => {
      if (listed.has(id)) return;
      if (alert.state === 'answering') return; // its answer is about to be sent, and will be told
      if (ENDED.indexOf(alert.state) < 0 || (alert.state === 'played' && alert.need)) this.silence(alert, 'not_open');
      this.alerts.delete(id);
    });
    const restored = this.memory.epoch !== frame.epoch;
    if (restored) this.ahead.clear();
    this.memory.resume(frame.epoch, restored ? 0 : this.memory.cursor);
    this.answers.restore((kept) => makeAlert(kept, this.memory, this.options.audio.title));
    this.catchUp = { open, seq: frame.seq };
    this.settle();
    // What hello said may be old by now, if the welcome was slow.
    const facts = this.facts();
    if (JSON.stringify(facts) !== this.helloSaid) this.connection.send(Object.assign({ op: 'state' }, facts));
    this.resend();
    this.answers.again(); // after it: numbers rise
  }

  frame(frame, reply) {
    try {
      this.read(frame, reply);
    } catch (e) {
      this.note({ type: 'error', where: 'frame', op: frame.op, message: e.message });
    }
  }

  read(frame, reply) {
    switch (frame.op) {
      case 'alert': this.alert(frame, reply); break;
      case 'update': this.update(frame); break;
      case 'stop': this.stopped(frame); break;
      case 'answered': this.answers.heard(frame); break;
      case 'got': this.memory.got(frame.n); break;
      case 'token':
        if (typeof frame.token === 'string') this.connection.token = frame.token;
        this.note({ type: 'token' }); // not its value: events end up in logs
        break;
      case 'event':
        this.note({ type: 'event', name: frame.name, channel: frame.channel, data: frame.data });
        break;
      case 'chat': this.note({ type: 'chat', message: frame }); break;
      case 'error': this.note({ type: 'error', where: 'server', code: frame.code, message: frame.message }); break;
      default: // a newer server may say more; what we do not know we do not need
    }
  }

  alert(frame, reply) {
    if (typeof frame.id !== 'string') throw new Error('alert without id');
    if (typeof frame.seq === 'number') {
      reply({ op: 'ack', seqs: [frame.seq] }); // received is not played: acked before anything else
      this.saw(frame.seq);
    }
    const known = this.alerts.get(frame.id);
    const alert = makeAlert(frame, this.memory, this.options.audio.title);
    const { ring } = alert;
    if (known && (known.ring > ring || (known.ring === ring && !revivable(known)))) return;
    if (known && (known.state === 'answering' || known.state === 'answered')) return; // the rider has spoken
    const heard = this.memory.plays(alert.id, ring);
    const silent = heard === CLOSED || alert.plays >= alert.count;
    if (silent && !alert.need) return; // heard in an earlier life of this page
    if (known) this.speaker.retire(known, alert);
    this.alerts.set(alert.id, alert);
    this.settle();
    this.prune();
    if (this.answers.resume(alert)) return;
    if (alert.expiresAt <= this.clock.server()) {
      this.end(alert, 'expired', 'expired');
      this.report(alert, 'skipped', { play: alert.plays + 1, reason: 'expired' });
    } else if (silent) {
      this.end(alert, 'played');
    } else if (!alert.audio || typeof alert.audio.url !== 'string') {
      this.end(alert, 'failed', 'no_audio');
      this.report(alert, 'failed', { play: alert.plays + 1, reason: 'no_audio' });
    } else {
      this.speaker.add(alert);
      if (alert.urgency >= 2 && this.adapter.foreground()) this.adapter.vibrate();
    }
  }

  update(frame) {
    const alert = this.alerts.get(frame.id);
    if (!alert || !frame.audio || typeof frame.audio.url !== 'string') return;
    this.speaker.swap(alert, frame.audio);
    if (alert.state === 'failed' && alert.plays < alert.count) this.speaker.add(alert);
  }

  stopped(frame) {
    (Array.isArray(frame.ids) ? frame.ids : []).forEach((id) => {
      const alert = this.alerts.get(id);
      if (!alert || alert.state === 'answered') return;
      this.memory.hear(id, alert.ring, CLOSED);
      alert.closed = true;
      this.silence(alert, frame.reason || 'stopped');
    });
  }

  silence(alert, reason) {
    this.speaker.remove(alert);
    this.end(alert, 'stopped', reason);
  }

  end(alert, state, reason) {
    alert.state = state;
    alert.reason = reason;
    this.emit(alert);
  }

  // ---- the cursor ------------------------------------------------------------------------------

  saw(seq) {
    if (seq <= this.memory.cursor) return;
    if (this.ahead.size < AHEAD_MAX) this.ahead.add(seq);
    this.advance(this.memory.cursor);
  }

  advance(from) {
    let cursor = from;
    this.ahead.forEach((seq) => { if (seq <= cursor) this.ahead.delete(seq); });
    while (this.ahead.delete(cursor + 1)) cursor += 1;
    this.memory.resume(this.memory.epoch, cursor);
  }

  /** Everything the welcome listed is here: seqs up to the welcome's are seen, or were closed unseen. */
  settle() {
    const { catchUp } = this;
    if (!catchUp) return;
    const missing = catchUp.open.some((o) => {
      const alert = this.alerts.get(o.id);
      return !(alert && !(alert.ring < o.ring)) && !this.memory.plays(o.id, o.ring);
    });
    if (missing) return;
    this.catchUp = null;
    if (catchUp.seq >= 0) this.advance(Math.max(this.memory.cursor, catchUp.seq));
  }

  // ---- telling the server ----------------------------------------------------------------------

  send(receipt) {
    if (this.resendAt === null) this.resendAt = this.clock.mono() + RESEND_MS;
    this.connection.send(this.memory.keep(receipt));
  }

  /** Everything the server has not confirmed, in order: after a welcome, and when it has been slow to. */
  resend() {
    this.memory.outbox.slice().forEach((receipt) => this.connection.send(receipt));
    this.resendAt = this.memory.outbox.length ? this.clock.mono() + RESEND_MS : null;
  }

  report(alert, status, extra) {
    const at = this.clock.server();
    if (status === 'played') this.memory.hear(alert.id, alert.ring, alert.plays);
    const receipt = Object.assign({ op: 'report', id: alert.id, ring: alert.ring, status, at }, extra);
    this.send(receipt);
  }

  told(status) {
    // `playing` is a player that runs, sentence or silence: the server asks whether a rider can hear.
    let audio = status;
    if (status === 'off') audio = 'silent';
    if (status === 'loading') audio = this.audioTold; // neither good nor bad news yet
    if (audio && audio !== this.audioTold) {
      this.audioTold = audio;
      this.connection.send({ op: 'state', audio });
    }
    this.changed();
  }

  shown() {
    this.connection.send({ op: 'state', foreground: true });
    this.speaker.shown();
    this.connection.wake(200);
    this.changed();
    this.touch();
  }

  hidden() {
    this.connection.send({ op: 'state', foreground: false });
    this.changed();
    this.touch();
  }

  // ---- telling the app -------------------------------------------------------------------------

  emit(alert) {
    if (this.alerts.get(alert.id) !== alert) return; // an older ring of an alert that rings again
    this.call('onAlert', tellAlert(alert));
    this.changed();
  }

  /** Says only what is new: a state that equals the last one told is not told again. */
  changed() {
    const state = this.state();
    const told = [state.connection, state.audio, state.sounding, state.on_duty, state.foreground, state.online].join();
    if (told === this.lastTold) return;
    this.lastTold = told;
    this.call('onState', state);
  }

  note(event) {
    if (this.test) this.test.note(event);
    this.call('onEvent', event);
  }

  /** The app's mistakes are the app's: told once, and never in the way of an alert. */
  call(name, value) {
    const callback = this.options[name];
    if (typeof callback !== 'function') return;
    try {
      callback(value);
    } catch (e) {
      if (name === 'onEvent') return;
      this.note({ type: 'error', where: name, message: String(e && e.message) });
    }
  }

  // ---- what is due -----------------------------------------------------------------------------

  /** Does all work that is due. Called by every frame, device event and timer; cheap when nothing is. */
  touch() {
    if (this.busy || this.over) return;
    this.busy = true;
    const late = this.clock.mono() - this.dueAt;
    if (late > SUSPEND_MS) this.note({ type: 'suspend', ms: late });
    try {
      this.connection.run();
      this.speaker.run();
      if (this.test) this.test.run();
      if (this.resendAt !== null && this.clock.mono() >= this.resendAt) this.resend();
      this.sweep();
    } catch (e) {
      // One bad step must not be the last: without the next timer the app would fall silent for ever.
      this.note({ type: 'error', where: 'run', message: e.message });
    }
    this.busy = false;
    this.schedule();
  }

  /** A card that waits for an answer ends when the answer would come too late, and not a minute after. */
  sweep() {
    const server = this.clock.server();
    this.sweepAt = Infinity;
    this.alerts.forEach((alert) => {
      if (!alert.need || (alert.state !== 'played' && alert.state !== 'failed')) return;
      if (alert.expiresAt <= server) this.end(alert, 'expired', 'expired');
      else this.sweepAt = Math.min(this.sweepAt, this.clock.mono() + alert.expiresAt - server);
    });
  }

  schedule() {
    const now = this.clock.mono();
    let at = Math.min(this.connection.dueAt(), this.speaker.dueAt(), this.sweepAt, now + TIMER_MAX_MS);
    if (this.test) at = Math.min(at, this.test.dueAt());
    if (this.resendAt !== null) at = Math.min(at, this.resendAt);
    this.dueAt = Math.max(at, now + 10);
    if (this.timer !== null) this.adapter.clearTimer(this.timer);
    this.timer = this.adapter.setTimer(() => {
      this.timer = null;
      this.touch();
    }, Math.ceil(this.dueAt - now));
  }

  prune() {
    if (this.alerts.size <= ALERTS_MAX) return;
    const done = Array.from(this.alerts.values()).find((a) => ENDED.indexOf(a.state) >= 0);
    if (done) this.alerts.delete(done.id);
  }
}

function httpOrigin(url) {
  const parts = /^(ws|http)(s?):\/\/([^/?#]+)/.exec(url);
  if (!parts) throw new TypeError('url must be an absolute ws:, wss:, http: or https: address');
  return 'http' + parts[2] + '://' + parts[3];
}

// ==== create ====================================================================================

// The public face: what an app calls, and the platform it runs on.


/**
 * Makes a rider: one connection, one player, one queue of alerts.
 *
 * @param {object} options
 * @param {string} options.url the socket, `wss://host/v1/rider/socket`; the token never goes into it
 * @param {function({refresh: boolean}): (string|Promise<string>)} options.getToken gives the rider's
 *   token; `refresh` is true when the server has refused the last one. Given up after 15 s, and retried.
 * @param {function(object)} [options.onAlert] an alert is new or has changed. The frame of the protocol,
 *   plus `state` (queued, sounding, waiting, played, failed, expired, stopped, answering, answered),
 *   `plays` of `count`, `mode`, `reason`, `answer`, `outcome`; `expires_at` and `answer_by` are epoch ms of the
 *   server, or null
 * @param {function(object)} [options.onState] `state()`, whenever something in it that a rider sees changes
 * @param {function(object)} [options.onEvent] everything else, by `type`: event, chat, answered, token, error,
 *   closed, denied, gap, suspend, rtt, audio_error
 * @param {{title?: string, epname?: string, singer?: string, coverImgUrl?: string}} [options.audio] what the
 *   lock screen shows while nothing is said; `title` must not be empty (the phone refuses to play)
 * @param {object} [options.adapter] the device; by default the platform this runs on (docs/client.md)
 * @param {HTMLAudioElement} [options.player] in a browser, the page's one audio element
 * @param {string} [options.device] this device's id, if the app has one; it must be as lasting as `storage`
 * @param {{get: function(string): *, set: function(string, *)}} [options.storage] instead of the platform's
 * @returns {{connect: function(), start: function(), stop: function(), answer: function(string, string): boolean,
 *   close: function(), state: function(): object, selfTest: function(object=): {done: Promise<object>, cancel: function()}}}
 *   connect: opens the socket, no tap and no sound. start: from a tap; on duty, audible. stop: off duty, silent.
 *   answer: accept, decline or confirm; false when the alert cannot be answered any more (void, answered, or past
 *   its answer_by); the outcome comes with onAlert, after `pending` a second one. close: for good.
 * @throws {TypeError} when url or getToken is missing or malformed, or no platform is recognised
 */
function createRider(options) {
  if (!options || typeof options.url !== 'string') throw new TypeError('url is required');
  if (typeof options.getToken !== 'function') throw new TypeError('getToken is required');
  const audio = Object.assign({ title: '接单中', epname: '订单语音播报', singer: 'Orderbell', coverImgUrl: '' }, options.audio);
  const rider = new Rider(Object.assign({}, options, { audio, adapter: options.adapter || platform(options) }));
  const api = {};
  ['connect', 'start', 'stop', 'answer', 'close', 'state', 'selfTest'].forEach((name) => {
    api[name] = rider[name].bind(rider);
  });
  return api;
}

function platform(options) {
  if (typeof wx !== 'undefined' && wx.getBackgroundAudioManager) return wechatAdapter(wx);
  if (typeof window !== 'undefined' && window.WebSocket) return browserAdapter(window, options.player);
  throw new TypeError('no platform recognised: give an adapter');
}

const api = { createRider, wechatAdapter, browserAdapter };
if (typeof module === 'object' && module && module.exports) module.exports = api;
else (typeof self !== 'undefined' ? self : this).Orderbell = api;
}());

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

module.exports = { Connection, CLOSE_REASONS };

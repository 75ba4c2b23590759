'use strict';
// A server that speaks protocol v1 from memory: enough of one to judge a client.

const HEARTBEAT_MS = 20000;
const CLIPS = ['https://ob.test/audio/silence/600.m4a', 'https://ob.test/audio/silence/600.mp3'];

class Server {
  constructor(world) {
    this.world = world;
    this.epoch = 'e1';
    this.seq = 0;
    this.up = true;
    this.audioUp = true; // clips are served
    this.httpUp = true;
    this.blocked = false; // a proxy on the way refuses sockets, and lets requests through
    this.latest = true; // one device at a time: a newer session ends the older ones
    this.watcher = null;
    this.asked = []; // requests, as `METHOD path`
    this.tokens = new Set(['tok-1']);
    this.open = new Map(); // id -> the frame as it would be sent now
    this.sessions = new Set();
    this.received = this.received.bind(this);
    this.frames = []; // {at, session, frame} as they came
    this.keepsReceipts = true;
    this.answers = 'recorded'; // what an answer is told; after `pending`, `decide` tells more
    this.decided = new Map(); // id -> outcome
    this.claims = new Map(); // id -> {n, socket} of the answer that a backend judges
    this.listsClaims = true;
    this.links = 0;
    this.handed = 0;
  }

  accepts() {
    return this.up && !this.blocked;
  }

  answersHttp() {
    return this.up && this.httpUp;
  }

  notice(kind, detail) {
    if (this.watcher) this.watcher(kind, detail);
  }

  opened(socket) {
    this.links += 1;
    socket.session = 'ses_' + this.links;
    socket.unacked = new Map();
  }

  gone(socket) {
    this.sessions.delete(socket);
  }

  received(socket, frame) {
    socket.heardAt = this.world.now;
    this.frames.push({ at: this.world.now, session: socket.session, socket, frame });
    this.notice('frame', frame);
    const handle = this['on_' + frame.op];
    if (handle) handle.call(this, socket, frame);
  }

  on_hello(socket, frame) {
    if (!this.tokens.has(frame.token)) {
      socket.shut(4000, 'bad token');
      return;
    }
    // Older is whose socket arrived earlier; a session that comes over an older socket is the older one.
    const number = (s) => Number(s.session.slice(4));
    if (this.latest) this.sessions.forEach((other) => { if (number(other) < number(socket)) other.shut(4001, 'replaced'); });
    this.sessions.add(socket);
    socket.welcomedAt = this.world.now;
    socket.down({
      op: 'welcome', session: socket.session, epoch: this.epoch, seq: this.seq, resumed: frame.epoch === this.epoch,
      now: this.world.now, heartbeat_ms: HEARTBEAT_MS, keepalive: { clips: CLIPS, duration_ms: 600000 }, limits: {},
      open: this.listed().map((a) => ({ id: a.id, ring: a.ring })),
    });
    this.listed().sort((a, b) => b.urgency - a.urgency).forEach((a) => {
      a.attempt += 1;
      this.send(socket, a);
    });
    this.beat(socket);
  }

  /** An alert is sent until it is acked, if the socket shows life; a socket that does not is asked, and closed. */
  send(socket, frame) {
    socket.unacked.set(frame.seq, { frame, tries: 1 });
    socket.down(frame);
    this.urge(socket, frame.seq, 3000);
  }

  urge(socket, seq, ms) {
    const sentAt = this.world.now;
    this.world.at(ms, () => {
      const waits = socket.unacked.get(seq);
      if (!waits || !this.sessions.has(socket) || !this.open.has(waits.frame.id)) return;
      if (socket.heardAt > sentAt) {
        waits.tries += 1;
        this.notice('unacked', { seq, tries: waits.tries, socket });
        socket.down(Object.assign({}, waits.frame, { attempt: waits.tries }));
        this.urge(socket, seq, Math.min(ms + 3000, 30000));
      } else {
        socket.down({ op: 'ping', now: this.world.now });
        this.world.at(3000, () => { if (socket.heardAt <= sentAt && this.sessions.has(socket)) this.drop(socket, 4102); });
      }
    });
  }

  /** The server gives a socket up; what it says last may not arrive. */
  drop(socket, code) {
    this.sessions.delete(socket);
    socket.shut(code, '');
  }

  on_ack(socket, frame) {
    frame.seqs.forEach((seq) => socket.unacked && socket.unacked.delete(seq));
  }

  beat(socket) {
    this.world.at(HEARTBEAT_MS, () => {
      if (!this.sessions.has(socket)) return;
      if (this.world.now - socket.heardAt >= 50000) {
        this.drop(socket, 4102);
        return;
      }
      if (!this.mute) socket.down({ op: 'ping', now: this.world.now });
      this.beat(socket);
    });
  }

  on_ping(socket) {
    socket.down({ op: 'pong', now: this.world.now });
  }

  on_report(socket, frame) {
    if (!this.keepsReceipts) return;
    const alert = this.open.get(frame.id);
    if (alert && alert.ring === frame.ring && frame.status === 'played') {
      alert.repeat.remaining = Math.min(alert.repeat.remaining, alert.repeat.count - frame.play);
      if (alert.repeat.remaining <= 0 && alert.need === 'none') this.open.delete(frame.id);
    }
    socket.down({ op: 'got', n: frame.n });
  }

  on_answer(socket, frame) {
    if (!this.keepsReceipts) return;
    const outcome = this.decided.get(frame.id) || this.answers;
    if (outcome === 'pending') this.claims.set(frame.id, { n: frame.n, socket });
    else this.settle(frame.id, outcome);
    socket.down({ op: 'answered', n: frame.n, id: frame.id, outcome });
  }

  /** What a new session is told is open: nothing that is void. A claimed alert may or may not be among it. */
  listed() {
    const claimed = (a) => this.claims.has(a.id);
    return Array.from(this.open.values()).filter((a) => (claimed(a) ? this.listsClaims : a.expires_at > this.world.now));
  }

  /** The two endpoints of a client without a socket. */
  http(method, path, header, body) {
    this.asked.push(`${method} ${path}`);
    const bearer = header.Authorization || header.authorization || '';
    if (!this.tokens.has(bearer.replace(/^Bearer /, ''))) return { status: 401, data: { code: 401, error: 'unauthorized' } };
    const ok = (data) => ({ status: 200, data: { code: 0, msg: 'ok', data } });
    if (method === 'GET' && path === '/v1/rider/alerts') {
      return ok({ epoch: this.epoch, now: this.world.now, alerts: this.listed().filter((a) => !this.claims.has(a.id)) });
    }
    if (method === 'POST' && path === '/v1/rider/receipts') {
      const frames = [];
      const ear = { session: 'http', down: (frame) => frames.push(frame), unacked: null };
      body.receipts.forEach((receipt) => this.received(ear, receipt));
      return ok({ frames });
    }
    return { status: 404, data: { code: 404, error: 'not_found' } };
  }

  settle(id, outcome) {
    this.open.delete(id);
    this.claims.delete(id);
    this.decided.set(id, outcome);
  }

  /** The backend has judged: told with the n of the answer on its own session, with 0 on a newer one. */
  decide(id, outcome) {
    const claim = this.claims.get(id);
    this.settle(id, outcome);
    this.sessions.forEach((socket) => socket.down({ op: 'answered', n: socket === claim.socket ? claim.n : 0, id, outcome }));
  }

  // ---- what a test does ------------------------------------------------------------------------

  push(frame) {
    this.sessions.forEach((socket) => socket.down(frame));
  }

  alert(fields) {
    const given = fields || {};
    this.seq += 1;
    const ttl = given.ttl_ms || 120000;
    const id = given.id || 'alr_' + this.seq;
    const frame = Object.assign({
      op: 'alert', seq: this.seq, id, ring: 1, attempt: 1, event_id: 'evt_' + this.seq, kind: 'order.assigned', urgency: 2,
      created_at: this.world.now, expires_at: this.world.now + ttl, ttl_ms: ttl, text: '新订单', title: '新订单', need: 'none',
      audio: { url: `/audio/c/${id}.mp3`, fallback_url: '/audio/canned/order.mp3', mime: 'audio/mpeg', duration_ms: 48000, tail_ms: 45000 },
      repeat: { count: 1, remaining: 1, gap_ms: 8000 },
    }, given);
    frame.repeat = Object.assign({}, frame.repeat); // it counts down here
    this.open.set(id, frame);
    this.sessions.forEach((socket) => this.send(socket, frame));
    return frame;
  }

  /** The same alert once more: a new seq, and the next ring. */
  ring(id, fields) {
    const before = this.open.get(id);
    this.seq += 1;
    const repeat = Object.assign({}, before.repeat, { remaining: before.repeat.count });
    const frame = Object.assign({}, before, { seq: this.seq, ring: before.ring + 1, attempt: 1, repeat }, fields);
    this.open.set(id, frame);
    this.sessions.forEach((socket) => this.send(socket, frame));
    return frame;
  }

  stop(id, reason) {
    this.open.delete(id);
    this.push({ op: 'stop', ids: [id], reason });
  }

  of(op) {
    return this.frames.filter((f) => f.frame.op === op).map((f) => f.frame);
  }

  /** `status:play` of each report of an alert, in the order they came. */
  reports(id) {
    return this.of('report').filter((r) => r.id === id).map((r) => r.status + (r.play ? ':' + r.play : ''));
  }

  last() {
    return Array.from(this.sessions).pop();
  }
}

module.exports = { Server };

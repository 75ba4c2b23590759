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
    return this.up;
  }

  opened(socket) {
    this.links += 1;
    socket.session = 'ses_' + this.links;
  }

  gone(socket) {
    this.sessions.delete(socket);
  }

  received(socket, frame) {
    this.frames.push({ at: this.world.now, session: socket.session, socket, frame });
    const handle = this['on_' + frame.op];
    if (handle) handle.call(this, socket, frame);
  }

  on_hello(socket, frame) {
    if (!this.tokens.has(frame.token)) {
      socket.shut(4000, 'bad token');
      return;
    }
    this.sessions.add(socket);
    socket.down({
      op: 'welcome', session: socket.session, epoch: this.epoch, seq: this.seq, resumed: frame.epoch === this.epoch,
      now: this.world.now, heartbeat_ms: HEARTBEAT_MS, keepalive: { clips: CLIPS, duration_ms: 600000 }, limits: {},
      open: this.listed().map((a) => ({ id: a.id, ring: a.ring })),
    });
    this.listed().sort((a, b) => b.urgency - a.urgency).forEach((a) => {
      a.attempt += 1;
      socket.down(a);
    });
    this.beat(socket);
  }

  beat(socket) {
    this.world.at(HEARTBEAT_MS, () => {
      if (!this.sessions.has(socket)) return;
      socket.down({ op: 'ping', now: this.world.now });
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

  /** What a new session is told is open. A claimed alert may or may not be among it. */
  listed() {
    return Array.from(this.open.values()).filter((a) => this.listsClaims || !this.claims.has(a.id));
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
    this.open.set(id, frame);
    this.push(frame);
    return frame;
  }

  /** The same alert once more: a new seq, and the next ring. */
  ring(id, fields) {
    const before = this.open.get(id);
    this.seq += 1;
    const repeat = Object.assign({}, before.repeat, { remaining: before.repeat.count });
    const frame = Object.assign({}, before, { seq: this.seq, ring: before.ring + 1, attempt: 1, repeat }, fields);
    this.open.set(id, frame);
    this.push(frame);
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

// A stand-in for the rider socket, for what a test must be able to say at a moment of its choice: outcomes, stops, rings.
// Page, files, policy and clips are the real server's; only the frames are the test's own. Not a judge of the protocol.
'use strict';

const ADDRESS = /\/v1\/rider\/socket/;
const HEARTBEAT_MS = 20000;

class Socket {
  /** Every connection of this browser context ends here instead of at the server. */
  static async between(context) {
    const socket = new Socket();
    socket.lines = new Set();
    socket.open = new Map(); // id -> the frame as it would be sent now
    socket.answers = []; // as they came
    socket.outcome = 'recorded'; // what an answer is told, or null: nothing
    socket.ahead = 0; // ms by which this server's clock is before the page's
    socket.seq = 0;
    socket.links = 0;
    await context.routeWebSocket(ADDRESS, (line) => socket.meet(line));
    return socket;
  }

  now() {
    return Date.now() + this.ahead;
  }

  meet(line) {
    this.links += 1;
    line.onMessage((text) => this.hear(line, JSON.parse(text)));
    line.onClose(() => this.lines.delete(line));
  }

  hear(line, frame) {
    const down = (answer) => line.send(JSON.stringify(answer));
    if (frame.op === 'hello') {
      this.lines.add(line);
      down({
        op: 'welcome', session: `ses_${this.links}`, epoch: 'e1', seq: this.seq, resumed: false, now: this.now(),
        heartbeat_ms: HEARTBEAT_MS, open: Array.from(this.open.values(), ({ id, ring }) => ({ id, ring })),
        keepalive: { clips: ['/audio/silence/600.m4a', '/audio/silence/600.mp3'], duration_ms: 600000 },
      });
      this.open.forEach(down);
    } else if (frame.op === 'ping') {
      down({ op: 'pong', now: this.now() });
    } else if (frame.op === 'report') {
      down({ op: 'got', n: frame.n });
    } else if (frame.op === 'answer') {
      this.answers.push(frame);
      if (this.outcome) this.tell(frame.id, this.outcome, frame.n);
    }
  }

  push(frame) {
    this.lines.forEach((line) => line.send(JSON.stringify(frame)));
  }

  /** An offer whose sentence is two seconds long. `more.in_ms`: how long it may be answered. */
  offer(id, more = {}) {
    const { in_ms: inMs = 30000, ...fields } = more;
    const now = this.now();
    this.seq += 1;
    const frame = {
      op: 'alert', seq: this.seq, id, ring: 1, attempt: 1, event_id: id, kind: 'order.offered', mode: 'assign', need: 'accept', urgency: 3,
      created_at: now, expires_at: now + inMs, answer_by: now + inMs, ttl_ms: inMs, text: '您有新的派单', title: '新派单',
      audio: { url: '/audio/silence/4.mp3', mime: 'audio/mpeg', duration_ms: 4000, tail_ms: 2000 },
      repeat: { count: 3, remaining: 3, gap_ms: 8000 },
      card: { short_no: id.slice(-2), merchant: '测试面馆', area: '阳光花园', distance_m: 1200, fee_cents: 580 }, ext: {}, ...fields,
    };
    this.open.set(id, frame);
    this.push(frame);
    return frame;
  }

  tell(id, outcome, n = 0) {
    if (outcome !== 'pending') this.open.delete(id);
    this.push({ op: 'answered', n, id, outcome });
  }

  stop(id, reason) {
    this.open.delete(id);
    this.push({ op: 'stop', ids: [id], reason });
  }

  /** The connection breaks; the page comes back by itself. */
  cut() {
    this.lines.forEach((line) => line.close({ code: 4101 }));
    this.lines.clear();
  }
}

module.exports = { Socket };

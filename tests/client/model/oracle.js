'use strict';
// Judges a shift by what the ear of the model phone got and what the model server was told, and by nothing the client says
// of itself. It knows when the network and the platform allowed a sound, because the models do.

const STALE_MS = 2000; // an estimate of the server's time is half a round trip off at most
const STALE_JUMP_MS = 25000; // and a step of a clock is known after the next heartbeat
const RECOVER_MS = 80000; // two and a half heartbeats to miss a dead socket, a full back-off, a handshake
const HTTP_MS = 60000; // the way around a proxy that refuses sockets
const IDLE_MS = 10000; // of an ear that is free: load, fall back, load again
const IDLE_HELD_MS = 27000; // where timers are held, a heartbeat brings the next step,
const REPEAT_HELD_MS = 47000; // and before a repeat two: the first says that the sentence is over
const FRONT_MS = 4000; // after coming back to the front
const SILENT_MS = 20000;
const KNOWN_MS = 35000; // no frame for so long: the client knows that the network may be gone
const CLOSED_MS = 5000; // or the socket was closed so long ago,
const ASKED_MS = 15000; // and no request was answered
const LAST_CALL_MS = 5000; // of a clip: something must be set, whatever the network

class Oracle {
  constructor(r, options) {
    const { world, phone, server } = r;
    Object.assign(this, { world, phone, server, http: !!(options && options.http), entries: new Map(), open: new Set(), violations: [], trace: [] });
    this.rings = new Map(); // id/ring -> entry
    this.began = world.now;
    this.started = false; // the rider has tapped, and has not stopped
    this.taken = null; // paused or stolen, by the world
    this.frontSince = world.now;
    this.goodSince = world.now;
    this.frameAt = world.now;
    this.jumpAt = -Infinity;
    this.closedAt = Infinity; // the last socket, told
    this.askedAt = -Infinity; // the last answer to a request
    this.excuse = 'start'; // why the background may be silent
    this.silentFor = 0;
    this.lossy = false;
    this.figures = { heard: 0, gapMax: 0, falls: {} };
    phone.watcher = (kind, detail) => { if (this['on_' + kind]) this['on_' + kind](detail); };
    server.watcher = (kind, detail) => { if (this['told_' + kind]) this['told_' + kind](detail); };
    this.tick();
  }

  say(text) {
    this.trace.push(`${((this.world.now - this.began) / 1000).toFixed(1).padStart(8)} s  ${text}`);
  }

  wrong(kind, text) {
    this.violations.push({ kind, at: this.world.now, text });
    this.say(`!!! ${kind}: ${text}`);
  }

  // ---- what was ordered ------------------------------------------------------------------------

  /** An alert, or a ring of it, that the server has sent. @param {number} sentence ms of speech in its clip */
  order(frame, sentence) {
    const count = frame.repeat.count;
    const endsAt = Math.min(frame.expires_at, frame.answer_by || Infinity);
    const entry = {
      id: frame.id, ring: frame.ring, frame, sentence, count, endsAt, over: false, told: null, answered: null, whole: 0, spared: 0,
      idle: 0, patched: 0, untold: 0, lastEnd: 0, played: new Map(), brief: frame.kind === 'order.taken', excused: false, seen: 0,
    };
    const older = this.rings.get(`${frame.id}/${frame.ring - 1}`);
    if (older) this.end(older);
    this.rings.set(`${frame.id}/${frame.ring}`, entry);
    this.clip(entry, frame.audio.url, sentence);
    this.clip(entry, frame.audio.fallback_url, 2000);
    this.open.add(entry);
    return entry;
  }

  clip(entry, path, sentence) {
    if (!path) return;
    this.entries.set(path, entry);
    this.phone.sentences.set(path, sentence);
  }

  end(entry) {
    entry.over = true;
    this.open.delete(entry);
  }

  /** Over by the server's decision: told to the phone by a frame, or by the next welcome. */
  endAll(id) {
    this.rings.forEach((entry) => { if (entry.id === id) this.end(entry); });
  }

  /** The rider answers: from here on it may be cut, and must not be set. */
  answered(id) {
    this.say(`answered ${id}`);
    this.rings.forEach((entry) => { if (entry.id === id) entry.answered = this.world.now; });
    this.endAll(id);
  }

  // ---- what the rider and the world do ---------------------------------------------------------

  duty(on) {
    this.started = on;
    this.frontSince = this.world.now;
    this.offAt = on ? null : this.world.now;
    if (on) this.taken = null;
    else this.open.forEach((entry) => this.end(entry));
  }

  /** The sound ends and nobody is told: what the client believes of this sentence is not its fault. */
  unheard() {
    const { sounding } = this.phone.player;
    const entry = sounding && this.entries.get(sounding.path);
    if (!entry) return;
    this.whole(sounding);
    if (sounding.counted) entry.untold += 1;
    else entry.patched += 1;
  }

  take(how) {
    this.taken = how;
  }

  jumped() {
    this.jumpAt = this.world.now;
    this.jumps = (this.jumps || 0) + 1;
  }

  // ---- what the phone shows --------------------------------------------------------------------

  on_frame({ frame, http }) {
    if (this.world.now - this.frameAt > 22000) this.gapAt = this.world.now; // longer than a heartbeat
    this.frameAt = this.world.now;
    if (http) this.askedAt = this.world.now;
    const { now } = this.world;
    const open = http ? frame && frame.data && frame.data.alerts : frame && frame.op === 'welcome' && frame.open;
    if (Array.isArray(open)) this.listed(new Set(open.map((o) => o.id)), http);
    if (http || !frame) return;
    if (frame.op === 'alert') {
      const entry = this.rings.get(`${frame.id}/${frame.ring}`);
      if (entry) { entry.seen = entry.seen || now; entry.told = null; }
    } else if (frame.op === 'stop' && Array.isArray(frame.ids)) {
      this.rings.forEach((entry) => { if (entry.seen && frame.ids.includes(entry.id)) entry.told = now; });
    }
  }

  /** What is open, all of it: the rest is over. */
  listed(ids, http) {
    this.rings.forEach((entry) => {
      if (ids.has(entry.id) || (!entry.seen && !entry.begun)) return;
      if (!entry.told && !http) entry.told = this.world.now;
      // Where timers are held, a client that was not woken cannot tell a sentence that is over from a leap of the clock.
      if (this.phone.rules.timers !== 'ok') entry.untold = Math.max(entry.untold, entry.whole - entry.played.size);
    });
  }

  on_set({ path, may, left }) {
    const { now } = this.world;
    const { phone } = this;
    this.cutting = may ? phone.speaking() : null;
    const open = phone.sockets.some((s) => !s.closed && s.session);
    const unheard = now - this.frameAt > KNOWN_MS || (!open && now - this.closedAt > CLOSED_MS && now - this.askedAt > ASKED_MS);
    const leapt = now - this.jumpAt < 60000; // the client may take it for a long sleep, and the clip for over
    if (left > 0) this.gamble = !phone.front && may && unheard && !leapt && left > LAST_CALL_MS;
    const entry = this.entries.get(path);
    this.say(`set ${path}${may ? '' : ' refused'}`);
    if (!entry || !may) return;
    if (path.indexOf('/audio/canned/') === 0) { // its second try
      entry.begun = true;
      return;
    }
    const late = now - entry.endsAt;
    const limit = now - this.jumpAt < 45000 ? STALE_JUMP_MS : STALE_MS;
    if (late > limit) this.wrong('stale', `${path} set ${late} ms after its end`);
    if (entry.told && now > entry.told) this.wrong('stopped', `${path} set ${now - entry.told} ms after its stop`);
    if (entry.answered && now > entry.answered) this.wrong('answered', `${path} set after its answer`);
    if (!this.started) this.wrong('off duty', `${path} set`);
    this.open.forEach((other) => {
      const waits = other.seen && now - other.seen > 1000 && !other.begun && !other.silent && now < other.endsAt - 1000;
      if (waits && other.frame.urgency > entry.frame.urgency) this.wrong('order', `${path} before ${other.id}, which is more urgent`);
    });
    entry.begun = true;
  }

  on_begin(piece) {
    const { now } = this.world;
    const gap = now - this.quietAt;
    if (!this.excuse && this.quietHidden && !this.phone.front && this.flows(gap)) this.figures.gapMax = Math.max(this.figures.gapMax, gap);
    this.excuse = null;
    piece.jumps = this.jumps || 0;
    this.begunJumps = piece.jumps;
    this.begunAt = now;
    piece.suspended = this.phone.suspended;
    if (this.entries.has(piece.path)) this.say(`ear ${piece.path}${piece.mark ? ` from ${piece.mark}` : ''}`);
  }

  /** A sentence is heard when its last word is, though its tail goes on. */
  whole(piece) {
    const entry = this.entries.get(piece.path);
    if (!entry || piece.counted || this.world.now - piece.from + piece.mark < this.phone.sentences.get(piece.path)) return;
    if (piece.mark > 0) { // the rest of one that a voice had held: the client may call it played, or say it again
      piece.counted = true;
      entry.patched += 1;
      return;
    }
    if (this.world.now - piece.from < this.phone.sentences.get(piece.path)) return;
    piece.counted = true;
    entry.whole += 1;
    if (piece.untold) entry.untold += 1;
    entry.lastEnd = piece.from + this.phone.sentences.get(piece.path);
    this.figures.heard += 1;
    if (entry.whole - entry.spared > entry.count && !entry.excused) this.wrong('twice', `${piece.path} heard ${entry.whole} times of ${entry.count}`);
    if (!this.started && this.phone.alive && this.world.now - (this.offAt || 0) > 2000) this.wrong('off duty', `${piece.path} heard`);
  }

  on_heard(piece) {
    const { now } = this.world;
    this.quietAt = now;
    this.quietHidden = !this.phone.front;
    const entry = this.entries.get(piece.path);
    if (!entry) return;
    const sentence = this.phone.sentences.get(piece.path);
    const odd = piece.suspended || this.phone.suspended || piece.jumps !== (this.jumps || 0) || piece.mark > 0 || !this.phone.alive;
    entry.lastEnd = Math.min(now, piece.from + sentence);
    this.whole(piece);
    if (piece.counted) {
      // Cut off within a breath of its end, by death or freeze or a call: the client could not know that it was heard.
      if (odd || now - (piece.from + sentence) < 1000) entry.spared += 1;
    } else if (this.shaken()) {
      // The phone itself did not know whether it played.
    } else if (this.cutting === piece.path && !odd && !entry.over && !entry.told && !entry.brief && this.started && entry.endsAt > now && piece.ms > 100) {
      this.wrong('cut', `${piece.path} after ${piece.ms} ms`);
    }
    this.cutting = null;
    this.soundedOn(piece, entry.told, 'stop', sentence);
    this.soundedOn(piece, entry.answered, 'answer', sentence);
  }

  /** Words that went on after their end was known. */
  soundedOn(piece, known, why, sentence) {
    if (!known || this.phone.interrupted || this.phone.suspended || piece.suspended || piece.untold) return; // who is frozen, or was not told, cannot leave it
    const words = Math.min(this.world.now, piece.from + sentence - piece.mark) - Math.max(known, piece.from);
    if (words > 1000) this.wrong('sounded on', `${piece.path} for ${Math.round(words)} ms after its ${why}`);
  }

  on_fall({ why, errCode }) {
    const { phone, world } = this;
    if (phone.front || !phone.alive || phone.suspended) return;
    const known = this.figures.falls;
    known[why] = (known[why] || 0) + 1;
    this.say(`fell silent: ${why}`);
    if (!this.started) this.excuse = 'off duty';
    else if (this.excuse) return;
    else if (why === 'stop') this.wrong('stopped player', 'the client itself stopped the player, on duty and in the background');
    else if (why === 'ended') {
      // Timers held and no heartbeat: whether it slept or the clock leapt, nobody there can tell.
      const unwoken = phone.rules.timers !== 'ok' && (world.now - this.frameAt > 25000 || this.gapAt > this.begunAt);
      const leapt = this.begunJumps !== (this.jumps || 0); // it cannot know how old the clip is
      if (!unwoken && !leapt && world.now - this.hiddenAt > 3000) this.wrong('ran out', `a clip ran out, ${world.now - this.frameAt} ms after the last frame`);
      this.excuse = 'ended';
    } else if (why === 'error') {
      if (this.gamble && errCode === 10002) this.wrong('gambled', 'a clip was left for one that could not load, though no frame had come for long');
      this.excuse = 'error';
    } else this.excuse = why;
  }

  on_hide() {
    this.hiddenAt = this.world.now;
    if (!this.phone.player.playing) this.excuse = 'hidden while silent';
    this.say('hide');
  }

  on_show() {
    this.frontSince = this.world.now;
    this.silentFor = 0;
    if (this.taken === 'stolen') this.taken = null;
    this.say('show');
  }

  on_freeze() {
    const { phone } = this;
    this.say(`frozen (${this.excuse || 'no excuse'})`);
    if (!this.started || this.excuse || phone.interrupted || phone.hanging.has(phone.player.path) || !this.flows(10000)) return;
    this.wrong('frozen', 'in the background, without a cause in the world');
  }

  on_destroy() {
    this.say('destroyed');
    this.offAt = null;
    this.started = false;
    this.taken = null;
    if (this.lossy) this.rings.forEach((entry) => { if (entry.seen) entry.excused = true; });
    this.lossy = false;
    this.excuse = 'destroyed';
  }

  on_link({ what, told }) {
    this.goodSince = this.world.now;
    if (told) this.closedAt = this.world.now;
    this.say(`link ${what}`);
  }

  on_thrown(error) {
    this.wrong('threw', error.stack || String(error));
  }

  /** The storage refuses: what this life of the app forgets, nobody can hold against it. */
  forgets() {
    this.lossy = true;
  }

  // ---- what the server is told -----------------------------------------------------------------

  told_frame(frame) {
    if (frame.op !== 'report' || frame.status !== 'played') return;
    const entry = this.rings.get(`${frame.id}/${frame.ring}`);
    if (!entry) return;
    const before = entry.played.get(frame.play);
    if (before !== undefined && before !== frame.n && !entry.excused) this.wrong('reported twice', `${frame.id}/${frame.ring}:${frame.play} as ${before} and ${frame.n}`);
    entry.played.set(frame.play, frame.n);
    if (!(frame.play >= 1 && frame.play <= entry.count)) this.wrong('reported twice', `${frame.id}/${frame.ring}:${frame.play} of ${entry.count}`);
  }

  told_unacked({ seq, tries, socket }) {
    if (tries >= 3 && !this.phone.suspended && this.phone.quality === 1 && !socket.hollow) this.wrong('unacked', `seq ${seq} sent ${tries} times`);
  }

  // ---- every second ----------------------------------------------------------------------------

  tick() {
    this.world.look(1000, () => {
      this.look();
      this.tick();
    });
  }

  shaken() {
    return this.phone.rules.pausedLies && this.world.now - this.phone.shakenAt < 1000;
  }

  flows(ms) {
    const { phone, server } = this;
    return phone.connected && phone.quality === 1 && server.up && server.audioUp && this.world.now - this.goodSince >= ms;
  }

  /** Could frames come? Either they do, or everything has been well for so long that the client must be back. */
  linked() {
    const { phone, server } = this;
    if (!phone.alive || phone.suspended || !phone.connected || phone.quality !== 1) return false;
    const { now } = this.world;
    const live = (s) => !s.hollow && !s.closed && now - s.welcomedAt > 2000;
    if (server.up && Array.from(server.sessions).some(live)) return true;
    const { timers, timerHoldMs } = phone.rules;
    if (!phone.front && timers === 'dead') return false;
    const slack = phone.front || timers === 'ok' ? 0 : 4 * timerHoldMs;
    if (server.blocked) return this.http && server.answersHttp() && this.flows(HTTP_MS + slack) && (phone.front || phone.player.playing);
    return this.flows(RECOVER_MS + slack) && now - this.frontSince > (phone.front ? FRONT_MS : 0);
  }

  audible() {
    const { phone } = this;
    if (!phone.alive || phone.suspended || !this.started || this.taken || phone.interrupted) return false;
    return phone.front ? this.world.now - this.frontSince > FRONT_MS && phone.fetches() && phone.quality === 1 : phone.player.playing;
  }

  look() {
    const { phone } = this;
    const { now } = this.world;
    const speaking = phone.speaking();
    if (phone.player.sounding) this.whole(phone.player.sounding);
    const audible = this.audible();
    const linked = audible && this.open.size > 0 && this.linked();
    const loads = phone.player.loading && now - phone.player.setAt < 7000;
    const prompt = phone.front || (phone.rules.timers === 'ok' && !phone.rules.losePlay); // a lost onPlay costs a watchdog's time
    const held = (entry) => (entry.lastEnd || phone.rules.losePlay ? REPEAT_HELD_MS : IDLE_HELD_MS);
    this.open.forEach((entry) => {
      if (now >= entry.endsAt || entry.whole + entry.patched >= entry.count) {
        this.open.delete(entry);
        return;
      }
      const mine = speaking && this.entries.get(speaking) === entry;
      if (!linked || mine || (speaking && this.entries.has(speaking))) entry.idle = 0;
      else if (!speaking && !loads && now > entry.lastEnd + entry.frame.repeat.gap_ms + 1000 && now - this.jumpAt > 45000) entry.idle += 1000;
      if (entry.idle > (prompt ? IDLE_MS : held(entry)) && !entry.brief && !entry.silent) {
        this.wrong('missed', `${entry.id}/${entry.ring} heard ${entry.whole} of ${entry.count}, the ear was free for ${entry.idle} ms (${phone.front ? 'front' : 'background'}, timers ${phone.rules.timers})`);
        this.open.delete(entry);
      }
    });
    if (this.offAt && phone.alive && phone.player.playing && now - this.offAt > 2000) {
      this.wrong('off duty', `${phone.player.path} goes on`);
      this.offAt = null;
    }
    const silent = phone.front && audible && !phone.player.playing && this.flows(SILENT_MS);
    this.silentFor = silent ? this.silentFor + 1000 : 0;
    if (this.silentFor === SILENT_MS) this.wrong('silent', 'in front, allowed to play, with a network');
    if (phone.socketsMost > 5 || phone.refusedSockets > (this.refused || 0)) {
      this.refused = phone.refusedSockets;
      this.wrong('sockets', `${phone.socketsMost} held at once`);
    }
  }

  /** At the end of a shift, when everything had time to arrive. */
  close() {
    this.rings.forEach((entry) => {
      if (entry.excused) return;
      const name = `${entry.id}/${entry.ring}`;
      if (entry.played.size < entry.whole - entry.spared - entry.untold) this.wrong('unreported', `${name}: heard ${entry.whole}, reported ${entry.played.size}`);
      if (entry.played.size > entry.whole + entry.patched && !this.jumps) this.wrong('lied', `${name}: heard ${entry.whole}, reported ${entry.played.size}`);
    });
  }
}

module.exports = { Oracle };

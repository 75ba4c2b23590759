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

module.exports = { Speaker };

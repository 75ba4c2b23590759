// The rider's end of Orderbell: what a page or a mini-program talks to. It joins the connection, the
// speaker and the memory, and keeps the alerts in hand.

const { Clock } = require('./clock');
const { Memory, CLOSED } = require('./memory');
const { Connection } = require('./connection');
const { Speaker } = require('./speaker');
const { makeAlert, tellAlert, revivable, ENDED } = require('./alert');
const { Answers } = require('./answers');
const { SelfTest } = require('./selftest');

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

module.exports = { Rider };

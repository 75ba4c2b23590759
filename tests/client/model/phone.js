'use strict';
// A phone with WeChat on it, as far as an alert client can tell: the rules of mini-programs that decide
// whether a rider hears anything. The model is stricter than the documents where reports disagree (rules.js).

const { rules } = require('./rules.js');
const { Player } = require('./player.js');
const { connectSocket, request } = require('./link.js');

class Phone {
  /** @param {object|string} [wish] rules that differ from the strict ones; `random` is the phone's own dice */
  constructor(world, server, wish, random) {
    this.world = world;
    this.server = server;
    this.rules = rules(wish);
    this.random = random || (() => 0.5);
    this.files = new Map(); // path -> length in ms; anything else is a 404
    this.sentences = new Map(); // path -> how much of it is speech
    this.hanging = new Set();
    this.store = new Map();
    this.storage = 'ok'; // full: no more writes; gone: nothing at all
    this.connected = true;
    this.quality = 1; // share of the rules' bandwidth
    this.lag = 1; // how many times slower the wire is
    this.clockError = 0;
    this.sockets = [];
    this.socketsMost = 0;
    this.refusedSockets = 0;
    this.denials = 0;
    this.heard = []; // {path, src, title, from, ms, whole}
    this.sets = [];
    this.suspensions = 0;
    this.destructions = 0;
    this.vibrations = 0;
    this.thrown = [];
    this.watcher = null;
    this.launchApp = null; // how the app starts anew, after it was destroyed
    this.life = 0;
    this.interrupted = false;
    this.shakenAt = -Infinity; // the last onPause
    this.born();
    this.player = new Player(this);
    this.wx = this.makeWx();
    this.env = {
      now: () => this.world.now + this.clockError,
      random: () => 0.5,
      setTimer: (run, ms) => this.setTimer(run, ms),
      clearTimer: (timer) => { this.timers.delete(timer); this.world.cancel(timer.event); },
    };
  }

  born() {
    this.life += 1;
    this.alive = true;
    this.front = true;
    this.suspended = false;
    this.deafUntil = 0;
    this.held = [];
    this.asleep = [];
    this.timers = new Set();
    this.requests = new Set();
    this.listeners = {};
    this.located = false;
    this.freezing = null;
  }

  odds(share) {
    return share === true || (share > 0 && this.random() < share);
  }

  pick(list) {
    return list[Math.min(list.length - 1, Math.floor(this.random() * list.length))];
  }

  /** Whoever judges may look; the app cannot tell. */
  notice(kind, detail) {
    if (this.watcher) this.watcher(kind, detail);
  }

  // ---- running, being suspended, being destroyed -----------------------------------------------

  /** Calls into the app; while it is suspended, the call waits. What the app throws is written down. */
  deliver(run, life) {
    if (!this.alive || (life && life !== this.life)) return;
    if (this.suspended) {
      this.held.push(run);
      return;
    }
    try {
      run();
    } catch (e) {
      this.thrown.push(e);
      this.notice('thrown', e);
    }
  }

  setTimer(run, ms) {
    const timer = { life: this.life };
    const fire = () => this.deliver(() => { if (this.timers.delete(timer)) run(); }, timer.life);
    timer.event = this.world.at(ms, () => this.due(timer, fire));
    this.timers.add(timer);
    return timer;
  }

  /** A timer's time has come; in the background some phones make it wait. */
  due(timer, fire) {
    const { timers, timerHoldMs } = this.rules;
    if (this.front || timers === 'ok') fire();
    else if (timers === 'dead') this.asleep.push(fire);
    else {
      const wait = timers === 'held' ? this.random() * timerHoldMs : timerHoldMs - (this.world.now % timerHoldMs);
      timer.event = this.world.at(wait, fire);
    }
  }

  hide() {
    if (!this.alive || !this.front) return;
    this.front = false;
    this.notice('hide');
    this.flicker();
    this.fire('AppHide');
    this.watchSilence();
  }

  show() {
    if (!this.alive) {
      this.born();
      if (this.launchApp) this.launchApp();
      this.notice('show');
      return;
    }
    const frozen = this.suspended;
    this.front = true;
    this.world.cancel(this.freezing);
    this.freezing = null;
    if (frozen) this.deafUntil = this.world.now + this.rules.resumeDeafMs;
    this.notice('show');
    this.resume();
    this.flicker();
    this.fire('AppShow');
  }

  resume() {
    this.suspended = false;
    const waiting = this.held.concat(this.asleep);
    this.held = [];
    this.asleep = [];
    waiting.forEach((run) => this.deliver(run));
  }

  flicker() {
    if (!this.rules.spuriousInterruption) return;
    this.fire('AudioInterruptionBegin');
    this.fire('AudioInterruptionEnd');
  }

  /** In the background, five seconds without sound and the app is frozen; its sockets and requests go. */
  watchSilence() {
    if (this.front || !this.alive || this.suspended || this.player.playing || this.freezing) return;
    this.freezing = this.world.at(this.rules.suspendMs, () => {
      this.freezing = null;
      if (this.located) this.watchSilence();
      else this.freeze();
    });
  }

  sounds() {
    this.world.cancel(this.freezing);
    this.freezing = null;
  }

  freeze() {
    this.suspended = true;
    this.suspensions += 1;
    this.notice('freeze');
    this.sockets.filter((s) => !s.closed).forEach((s) => s.kill({ told: !this.odds(this.rules.loseClose), reason: 'interrupted' }));
    Array.from(this.requests).forEach((r) => r.interrupt());
    const { life } = this;
    const since = this.world.now;
    this.frozenAt = since;
    this.world.at(this.rules.destroyMs, () => { if (life === this.life && this.suspended && this.frozenAt === since) this.destroy(); });
  }

  /** The end of the app: by the system after a long freeze, or by a battery manager at any time. Its storage stays. */
  destroy() {
    if (!this.alive) return;
    this.destructions += 1;
    this.life += 1;
    this.alive = false;
    this.front = false;
    this.suspended = false;
    this.timers.forEach((timer) => this.world.cancel(timer.event));
    this.held = [];
    this.asleep = [];
    this.requests.clear();
    this.listeners = {};
    this.world.cancel(this.freezing);
    this.freezing = null;
    this.sockets.forEach((s) => { s.counted = false; s.kill({ told: false }); });
    this.notice('destroy');
    this.player.handlers = {};
    this.player.reset();
  }

  fire(event, detail) {
    this.deliver(() => (this.listeners[event] || []).forEach((listen) => listen(detail)));
  }

  // ---- the air -----------------------------------------------------------------------------------

  network(connected, quietly) {
    const changed = this.connected !== connected;
    this.connected = connected;
    if (!connected) this.sockets.forEach((s) => { s.hollow = true; });
    if (changed) this.notice('link', { what: connected ? 'back' : 'gone' });
    this.player.plan();
    if (!quietly) this.fire('NetworkStatusChange', { isConnected: connected, networkType: connected ? '4g' : 'none' });
  }

  /** A bad cell: little comes through, and late. */
  weak(quality, lag) {
    this.quality = quality;
    this.lag = lag;
    this.notice('link', { what: 'weak' });
    this.player.plan();
  }

  wire() {
    return Math.round(this.rules.wireMs * this.lag);
  }

  loadMs() {
    const [least, most] = this.rules.loadMs;
    const share = this.random();
    return Math.round(least + (most - least) * share * share * share) + 2 * (this.wire() - this.rules.wireMs);
  }

  /** Do clips come through? */
  fetches() {
    return this.connected && this.server.audioUp;
  }

  // ---- what happens to the player ----------------------------------------------------------------

  halt(event) {
    this.player.halt(event);
  }

  call() {
    this.interrupted = true;
    this.fire('AudioInterruptionBegin');
    this.halt('Pause');
  }

  hangUp() {
    this.interrupted = false;
    this.player.grace = this.rules.interruptionEndMay && !this.suspended;
    this.fire('AudioInterruptionEnd');
    this.player.grace = false;
  }

  /** A navigation voice takes the ear for a moment. */
  voice(ms) {
    if (this.interrupted) return;
    this.interrupted = true;
    this.fire('AudioInterruptionBegin');
    this.player.hold();
    const { life } = this;
    this.world.at(ms, () => {
      if (life !== this.life) { this.interrupted = false; return; }
      if (!this.rules.voiceResumes) {
        this.player.halt(null);
        this.hangUp();
        return;
      }
      this.interrupted = false;
      this.player.release();
      this.fire('AudioInterruptionEnd');
    });
  }

  /** What the rider heard, silence left out: the paths, in order. */
  spoken() {
    return this.heard.filter((h) => h.path.indexOf('/audio/silence/') !== 0).map((h) => h.path);
  }

  /** Is a sentence in the ear? */
  speaking() {
    const { player } = this;
    return player.playing && player.position() < (this.sentences.get(player.path) || 0) ? player.path : null;
  }

  openSockets() {
    return this.sockets.filter((s) => !s.closed);
  }

  // ---- the platform's face ---------------------------------------------------------------------

  makeManager() {
    const phone = this;
    const { player } = this;
    const seen = () => phone.front || phone.rules.positionHidden;
    const manager = {
      get src() { return player.src; },
      set src(src) { player.set(src); },
      get title() { return player.title; },
      set title(title) { player.title = title; },
      get paused() {
        const lies = phone.rules.pausedLies && phone.world.now - phone.shakenAt < 100;
        return lies ? player.playing : !player.playing;
      },
      get currentTime() { return player.playing && seen() ? player.position() / 1000 : 0; },
      get duration() { return player.playing ? player.length / 1000 : 0; },
      stop() { player.stop(); },
      pause() { throw new Error('the client never pauses'); },
      play() { throw new Error('the client never plays: a new src does'); },
      seek() { throw new Error('the client never seeks'); },
    };
    ['Play', 'Pause', 'Stop', 'Ended', 'Error', 'TimeUpdate', 'Waiting', 'Canplay', 'Prev', 'Next', 'Seeking', 'Seeked'].forEach((name) => {
      manager['on' + name] = (handle) => { player.handlers[name] = handle; };
    });
    return manager;
  }

  makeWx() {
    const phone = this;
    const manager = this.makeManager();
    const wx = {
      getBackgroundAudioManager: () => manager,
      getStorageSync(key) {
        if (phone.storage === 'gone') throw new Error('getStorageSync:fail');
        return phone.store.has(key) ? JSON.parse(phone.store.get(key)) : '';
      },
      setStorageSync(key, value) {
        if (phone.storage !== 'ok') throw new Error('setStorageSync:fail exceed storage max size 10Mb');
        phone.store.set(key, JSON.stringify(value));
      },
      vibrateLong: () => { phone.vibrations += 1; },
      vibrateShort() {},
      connectSocket: (options) => connectSocket(phone, options),
      request: (options) => request(phone, options),
      startLocationUpdateBackground(o) {
        phone.located = !phone.locationDenied;
        const tell = phone.located ? o && o.success : o && o.fail;
        if (tell) phone.deliver(() => tell({ errMsg: phone.located ? 'ok' : 'startLocationUpdateBackground:fail auth deny' }));
      },
      stopLocationUpdate() { phone.located = false; phone.watchSilence(); },
      onLocationChange() {},
      offLocationChange() {},
    };
    ['AppShow', 'AppHide', 'NetworkStatusChange', 'AudioInterruptionBegin', 'AudioInterruptionEnd'].forEach((event) => {
      wx['on' + event] = (listen) => { (phone.listeners[event] = phone.listeners[event] || []).push(listen); };
      wx['off' + event] = (listen) => { phone.listeners[event] = (phone.listeners[event] || []).filter((l) => l !== listen); };
    });
    return wx;
  }
}

module.exports = { Phone };

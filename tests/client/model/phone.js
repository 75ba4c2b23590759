'use strict';
// A phone with WeChat on it, as far as an alert client can tell: the rules of mini-programs that decide
// whether a rider hears anything. The model is stricter than the documents where reports disagree.

const LOAD_MS = 120;
const SUSPEND_AFTER_MS = 5000;

class Phone {
  constructor(world, server, options) {
    this.world = world;
    this.server = server;
    this.rules = Object.assign({ permissionInEnded: true, loseEnded: false, silentDenials: true }, options);
    this.files = new Map(); // path -> length in ms; anything else is a 404
    this.hanging = new Set();
    this.store = new Map();
    this.front = true;
    this.suspended = false;
    this.connected = true;
    this.clockError = 0;
    this.held = [];
    this.timers = new Set();
    this.listeners = {};
    this.sockets = [];
    this.denials = 0;
    this.heard = []; // {path, src, title, from, ms, whole}
    this.sets = [];
    this.suspensions = 0;
    this.vibrations = 0;
    this.silentSince = null;
    this.resetPlayer();
    this.wx = this.makeWx();
    this.env = {
      now: () => this.world.now + this.clockError,
      random: () => 0.5,
      setTimer: (run, ms) => this.setTimer(run, ms),
      clearTimer: (timer) => { this.timers.delete(timer); this.world.cancel(timer.event); },
    };
  }

  // ---- running and being suspended -------------------------------------------------------------

  /** Calls into the app; while it is suspended, the call waits. */
  deliver(run) {
    if (this.suspended) this.held.push(run);
    else run();
  }

  setTimer(run, ms) {
    const timer = {};
    timer.event = this.world.at(ms, () => this.deliver(() => { if (this.timers.delete(timer)) run(); }));
    this.timers.add(timer);
    return timer;
  }

  hide() {
    this.front = false;
    this.fire('AppHide');
    this.watchSilence();
  }

  show() {
    this.front = true;
    this.resume();
    this.fire('AppShow');
  }

  resume() {
    this.suspended = false;
    const held = this.held;
    this.held = [];
    held.forEach((run) => run());
  }

  /** In the background, five seconds without sound and the app is frozen; soon its sockets go. */
  watchSilence() {
    if (this.front || this.player.playing) return;
    const since = this.world.now;
    this.silentSince = since;
    this.world.at(SUSPEND_AFTER_MS, () => {
      if (this.front || this.player.playing || this.silentSince !== since || this.suspended) return;
      this.suspended = true;
      this.suspensions += 1;
      this.sockets.forEach((s) => s.kill({ told: false }));
    });
  }

  fire(event, detail) {
    this.deliver(() => (this.listeners[event] || []).forEach((listen) => listen(detail)));
  }

  network(connected) {
    this.connected = connected;
    if (!connected) this.sockets.forEach((s) => { s.hollow = true; });
    this.fire('NetworkStatusChange', { isConnected: connected, networkType: connected ? '4g' : 'none' });
  }

  // ---- the player ------------------------------------------------------------------------------

  resetPlayer() {
    this.player = { src: '', title: '', playing: false, startedAt: 0, from: 0, length: 0, handlers: {} };
    this.load = 0;
    this.inEnded = false;
    this.inError = false;
  }

  tell(event, detail) {
    this.deliver(() => {
      const handle = this.player.handlers[event]; // the last listener, and only that one
      if (handle) handle(detail);
    });
  }

  setSrc(src) {
    const p = this.player;
    if (!p.title) throw new Error('setBackgroundAudioState:fail title is nil!');
    if (!/^https?:/.test(src)) throw new Error('src is not http or https stream!');
    const mayPlay = this.front || p.playing || this.inError || (this.inEnded && this.rules.permissionInEnded);
    if (!mayPlay || this.interrupted) {
      this.denials += 1;
      if (!this.rules.silentDenials) this.tell('Error', { errCode: -1, errMsg: 'setBackgroundAudioState:fail: jsapi has no permission' });
      return;
    }
    if (src === p.src) return; // undefined by the documents: the model does nothing
    this.silence();
    p.src = src;
    this.load += 1;
    const load = this.load;
    const path = src.replace(/^https?:\/\/[^/]+/, '').replace(/[?&]n=\d+$/, '');
    this.sets.push({ at: this.world.now, src, path, title: p.title });
    p.playing = true; // the player belongs to the app while it loads
    if (this.hanging.has(path)) return; // neither plays nor fails
    this.world.at(LOAD_MS, () => {
      if (load !== this.load) return;
      if (!this.connected || !this.files.has(path)) {
        p.playing = false;
        this.deliver(() => {
          this.inError = true;
          if (p.handlers.Error) p.handlers.Error({ errCode: this.connected ? 10003 : 10002, errMsg: 'load' });
          this.inError = false;
        });
        this.watchSilence();
        return;
      }
      p.length = this.files.get(path);
      this.begin(path, load);
    });
  }

  begin(path, load) {
    const p = this.player;
    p.path = path;
    p.shown = p.title;
    p.startedAt = this.world.now;
    p.sounding = true;
    this.tell('Play');
    this.world.at(p.length, () => {
      if (load !== this.load || !p.sounding) return;
      this.silence();
      p.playing = false;
      this.watchSilence();
      if (this.rules.loseEnded) return;
      this.deliver(() => {
        this.inEnded = true;
        if (p.handlers.Ended) p.handlers.Ended();
        this.inEnded = false;
      });
    });
  }

  silence() {
    const p = this.player;
    if (!p.sounding) return;
    p.sounding = false;
    const ms = this.world.now - p.startedAt;
    this.heard.push({ path: p.path, src: p.src, title: p.shown, from: p.startedAt, ms, whole: ms >= p.length });
  }

  /** The rider's thumb on the lock screen, another app's music, a call. */
  halt(event) {
    this.silence();
    this.player.playing = false;
    this.load += 1;
    this.tell(event);
    this.watchSilence();
  }

  call() {
    this.interrupted = true;
    this.fire('AudioInterruptionBegin');
    this.halt('Pause');
  }

  hangUp() {
    this.interrupted = false;
    this.fire('AudioInterruptionEnd');
  }

  /** What the rider heard, silence left out: the paths, in order. */
  spoken() {
    return this.heard.filter((h) => h.path.indexOf('/audio/silence/') !== 0).map((h) => h.path);
  }

  // ---- the platform's face ---------------------------------------------------------------------

  makeWx() {
    const phone = this;
    const manager = {
      get src() { return phone.player.src; },
      set src(src) { phone.setSrc(src); },
      get title() { return phone.player.title; },
      set title(title) { phone.player.title = title; },
      get paused() { return !phone.player.playing; },
      get currentTime() {
        // Frozen in the background, as nothing promises otherwise.
        return phone.player.sounding && phone.front ? (phone.world.now - phone.player.startedAt) / 1000 : 0;
      },
      get duration() { return phone.player.sounding ? phone.player.length / 1000 : 0; },
      stop() { phone.silence(); phone.player.playing = false; phone.player.src = ''; phone.load += 1; phone.tell('Stop'); phone.watchSilence(); },
      pause() { throw new Error('the client never pauses'); },
      play() { throw new Error('the client never plays: a new src does'); },
    };
    ['Play', 'Pause', 'Stop', 'Ended', 'Error', 'TimeUpdate', 'Waiting', 'Canplay', 'Prev', 'Next'].forEach((name) => {
      manager['on' + name] = (handle) => { phone.player.handlers[name] = handle; };
    });
    const wx = {
      getBackgroundAudioManager: () => manager,
      getStorageSync: (key) => (phone.store.has(key) ? JSON.parse(phone.store.get(key)) : ''),
      setStorageSync: (key, value) => { phone.store.set(key, JSON.stringify(value)); },
      vibrateLong: () => { phone.vibrations += 1; },
      connectSocket: (options) => phone.connect(options),
    };
    ['AppShow', 'AppHide', 'NetworkStatusChange', 'AudioInterruptionBegin', 'AudioInterruptionEnd'].forEach((event) => {
      wx['on' + event] = (listen) => { (phone.listeners[event] = phone.listeners[event] || []).push(listen); };
      wx['off' + event] = (listen) => { phone.listeners[event] = (phone.listeners[event] || []).filter((l) => l !== listen); };
    });
    return wx;
  }

  connect(options) {
    const open = this.sockets.filter((s) => !s.closed);
    if (open.length >= 5) {
      this.deliver(() => options.fail({ errMsg: 'createSocketTask:fail exceed max concurrent count' }));
      return { onOpen() {}, onMessage() {}, onError() {}, onClose() {}, send() {}, close() {} };
    }
    const socket = new Socket(this, options);
    this.sockets.push(socket);
    return socket.task;
  }

  openSockets() {
    return this.sockets.filter((s) => !s.closed);
  }
}

const WIRE_MS = 30;

/** Both ends of a connection. `hollow`: half-open, frames vanish and nobody is told. */
class Socket {
  constructor(phone, options) {
    this.phone = phone;
    this.url = options.url;
    this.protocols = options.protocols;
    this.closed = false;
    this.hollow = !phone.connected;
    this.on = {};
    const listen = (event) => (handle) => { this.on[event] = handle; };
    this.task = {
      onOpen: listen('open'), onMessage: listen('message'), onError: listen('error'), onClose: listen('close'),
      send: ({ data }) => this.up(data),
      close: ({ code }) => this.end(code),
    };
    this.later(() => {
      if (this.closed) return;
      if (!phone.server.accepts()) { this.shut(1006, ''); return; }
      phone.server.opened(this);
      this.tell('open', {});
    });
  }

  later(run) {
    this.phone.world.at(WIRE_MS, () => { if (!this.hollow) run(); });
  }

  tell(event, detail) {
    this.phone.deliver(() => { if (this.on[event]) this.on[event](detail); });
  }

  up(text) {
    if (this.closed) throw new Error('SocketTask.send:fail task not found');
    this.later(() => this.phone.server.received(this, JSON.parse(text)));
  }

  down(frame) {
    const data = typeof frame === 'string' ? frame : JSON.stringify(frame);
    this.later(() => { if (!this.closed) this.tell('message', { data }); });
  }

  /** The server closes. */
  shut(code, reason) {
    this.later(() => {
      if (this.closed) return;
      this.closed = true;
      this.phone.server.gone(this);
      this.tell('close', { code, reason: reason || '' });
    });
  }

  /** The client closes. */
  end(code) {
    if (this.closed) return;
    this.closed = true;
    this.closedAt = this.phone.world.now;
    this.later(() => this.phone.server.gone(this));
    this.tell('close', { code: code || 1000, reason: '' });
  }

  /** The network or the system ends it; on some phones onClose never comes. */
  kill({ told }) {
    if (this.closed) return;
    this.closed = true;
    this.hollow = true;
    this.phone.server.gone(this);
    if (told) this.tell('close', { code: 1006, reason: 'abnormal closure' });
  }
}

module.exports = { Phone };

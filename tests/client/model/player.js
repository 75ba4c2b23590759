'use strict';
// The phone's one player: what BackgroundAudioManager does with a src, by the rules of the phone, and what the ear gets of it.

const START_MS = 2000; // of sound in the buffer before it begins

class Player {
  constructor(phone) {
    this.phone = phone;
    this.world = phone.world;
    this.handlers = {};
    this.load = 0;
    this.reset();
  }

  /** The app that owned it is gone, and so is the sound. */
  reset() {
    this.leave();
    this.world.cancel(this.next);
    this.world.cancel(this.dry);
    this.load += 1;
    Object.assign(this, {
      src: '', title: '', path: null, shown: '', length: 0, loading: false, stalled: false, held: false, grace: false,
      mark: 0, since: 0, buffered: 0, speed: 0, next: null, dry: null,
    });
  }

  /** What the client asks before it lets an app set a src in the background. */
  get playing() {
    return !!this.sounding;
  }

  position() {
    return this.sounding ? this.mark + this.world.now - this.since : this.mark;
  }

  may() {
    const { phone } = this;
    const { rules } = phone;
    if (phone.interrupted) return false;
    return phone.front || this.playing || this.grace || (this.loading && rules.loadingPlays) || (this.stalled && rules.stallPlays);
  }

  // ---- what the app does -----------------------------------------------------------------------

  set(src) {
    const { phone } = this;
    if (!this.title) throw new Error('setBackgroundAudioState:fail title is nil!');
    if (!/^https?:/.test(src)) throw new Error('src is not http or https stream!');
    const path = src.replace(/^https?:\/\/[^/]+/, '').replace(/[?&]n=[\d.]+$/, '');
    const may = this.may();
    phone.notice('set', { src, path, may, left: this.playing ? this.length - this.position() : 0 });
    if (!may) {
      this.deny();
      return;
    }
    if (src === this.src) return; // undefined by the documents: the model does nothing
    this.leave();
    if (phone.odds(phone.rules.pauseOnSet)) this.tell('Pause');
    this.world.cancel(this.dry);
    Object.assign(this, { src, path, loading: true, stalled: false, held: false, length: 0, mark: 0, buffered: 0, speed: 0, dry: null, setAt: this.world.now });
    this.load += 1;
    phone.sets.push({ at: this.world.now, src, path, title: this.title });
    phone.watchSilence();
    if (phone.hanging.has(path)) return; // neither plays nor fails
    const { load } = this;
    this.world.cancel(this.next);
    this.next = this.world.at(phone.loadMs(), () => { if (load === this.load) this.arrived(); });
  }

  deny() {
    const { phone } = this;
    const errMsg = 'setBackgroundAudioState:fail: jsapi has no permission, runningState=background, detail=jsapi permission required playing audio but current not playing audio in background state';
    phone.denials += 1;
    if (phone.rules.denial === 'throw') throw new Error(errMsg);
    if (phone.rules.denial === 'error') this.tell('Error', { errCode: -1, errMsg });
  }

  stop() {
    this.leave();
    this.load += 1;
    Object.assign(this, { src: '', loading: false, stalled: false, held: false });
    this.tell('Stop');
    this.phone.notice('fall', { why: 'stop' });
    this.phone.watchSilence();
  }

  // ---- loading -----------------------------------------------------------------------------------

  /** The first answer of the server, or none. */
  arrived() {
    const { phone } = this;
    if (!phone.fetches()) this.fails(10002, 'no network');
    else if (!phone.files.has(this.path)) this.fails(10003, 'file error');
    else {
      this.length = phone.files.get(this.path);
      this.filledAt = this.world.now;
      this.plan();
    }
  }

  fails(errCode, errMsg) {
    this.leave();
    this.load += 1;
    Object.assign(this, { loading: false, stalled: false, held: false });
    this.phone.watchSilence();
    this.within('Error', this.phone.rules.errorMay, { errCode, errMsg });
    if (!this.loading) this.phone.notice('fall', { why: 'error', errCode });
  }

  begin() {
    const { phone } = this;
    this.loading = false;
    this.shown = this.title;
    if (phone.interrupted) { // a voice has the ear: it begins after it
      this.held = true;
      phone.notice('fall', { why: 'held' });
      return;
    }
    this.sound();
    this.sounding.untold = phone.odds(phone.rules.losePlay);
    if (!this.sounding.untold) this.tell('Play');
    this.tick(this.load);
  }

  /** The ear gets something from here on. */
  sound() {
    this.world.cancel(this.dry);
    this.dry = null;
    this.since = this.world.now;
    this.sounding = { path: this.path, src: this.src, title: this.shown, from: this.since, mark: this.mark, length: this.length };
    this.phone.sounds();
    this.phone.notice('begin', this.sounding);
    this.plan();
  }

  /** And nothing from here on. What it got is written down. */
  leave() {
    const piece = this.sounding;
    if (!piece) return;
    this.mark = this.position();
    this.sounding = null;
    const ms = this.world.now - piece.from;
    const heard = Object.assign({ ms, whole: piece.mark === 0 && ms >= piece.length, to: this.world.now }, piece);
    this.phone.heard.push(heard);
    this.phone.notice('heard', heard);
  }

  tick(load) {
    const { tickMs } = this.phone.rules;
    if (tickMs) this.world.at(tickMs, () => {
      if (load !== this.load || !this.src) return;
      if (this.sounding && this.phone.front) this.tell('TimeUpdate');
      if (this.phone.front || this.sounding || this.held) this.tick(load);
    });
  }

  // ---- the buffer --------------------------------------------------------------------------------

  /** ms of sound that arrive in a ms. */
  pace() {
    const rate = /\/silence\/.*m4a/.test(this.path) ? 0.065 : /\/silence\//.test(this.path) ? 1 : 1.5; // bytes per ms
    return this.phone.fetches() ? (this.phone.rules.bytesPerMs * this.phone.quality) / rate : 0;
  }

  fill() {
    const gained = (this.world.now - this.filledAt) * this.speed;
    const ahead = this.position() + this.phone.rules.aheadMs;
    this.buffered = Math.max(this.buffered, Math.min(this.length, this.buffered + gained, ahead));
    this.filledAt = this.world.now;
    this.speed = this.pace();
  }

  /** What comes next if nothing changes: the beginning, the end, or a dry buffer. */
  plan() {
    if (!this.length || !this.src) return;
    this.fill();
    this.world.cancel(this.next);
    const { load } = this;
    const then = (ms, run) => { this.next = this.world.at(Math.ceil(ms), () => { if (load === this.load) run(); }); };
    if (this.loading || this.stalled) {
      const need = Math.min(this.length, this.mark + START_MS);
      if (this.buffered >= need) this.flows();
      else {
        if (this.speed > 0) then((need - this.buffered) / this.speed + 1, () => this.plan());
        this.parch(load);
      }
      return;
    }
    if (!this.sounding) return;
    const left = this.length - this.position();
    const spare = this.buffered - this.position();
    const dryIn = this.buffered >= this.length || this.speed >= 1 ? Infinity : spare / (1 - this.speed);
    if (dryIn < left) then(dryIn + 1, () => this.stall());
    else then(Math.min(left, 60000), () => (left > 60000 ? this.plan() : this.ends()));
  }

  flows() {
    if (this.loading) {
      this.begin();
      return;
    }
    this.stalled = false;
    this.sound();
    if (this.phone.rules.resumeTold) this.tell('Play');
  }

  stall() {
    this.fill();
    if (this.buffered - this.position() > 50) {
      this.plan();
      return;
    }
    this.leave();
    this.stalled = true;
    this.phone.watchSilence();
    if (!this.phone.odds(this.phone.rules.loseWaiting)) this.tell('Waiting');
    this.phone.notice('fall', { why: 'stall' });
    this.plan();
  }

  /** So long without a byte, and the player gives up, or says nothing for ever. */
  parch(load) {
    const { rules } = this.phone;
    const limit = this.loading ? rules.loadTimeoutMs : rules.stallErrorMs;
    if (this.dry || !limit) return;
    this.dry = this.world.at(limit, () => {
      this.dry = null;
      if (load === this.load && (this.loading || this.stalled)) this.fails(10002, 'network');
    });
  }

  ends() {
    const { phone } = this;
    this.leave();
    this.load += 1;
    phone.watchSilence();
    if (!phone.odds(phone.rules.loseEnded)) this.within('Ended', phone.rules.endedMay);
    if (!this.loading) phone.notice('fall', { why: 'ended' });
  }

  // ---- what the world does -----------------------------------------------------------------------

  /** The rider's thumb on the lock screen, another app's music, a call: it will not go on by itself. */
  halt(event) {
    this.leave();
    this.load += 1;
    Object.assign(this, { loading: false, stalled: false, held: false });
    if (event) this.tell(event);
    this.phone.notice('fall', { why: 'halt' });
    this.phone.watchSilence();
  }

  /** A voice that borrows the ear. */
  hold() {
    if (!this.sounding) return;
    this.leave();
    this.held = true;
    this.tell('Pause');
    this.phone.notice('fall', { why: 'held' });
    this.phone.watchSilence();
  }

  release() {
    if (!this.held) return;
    this.held = false;
    this.sound();
    this.tell('Play');
  }

  // ---- telling the app ---------------------------------------------------------------------------

  tell(event, detail) {
    if (event === 'Pause') this.phone.shakenAt = this.world.now;
    this.phone.deliver(() => {
      const handle = this.handlers[event]; // the last listener, and only that one
      if (handle) handle(detail);
    });
  }

  /** Some handlers may set a src even though nothing plays any more. */
  within(event, allowed, detail) {
    this.phone.deliver(() => {
      this.grace = allowed && !this.phone.suspended;
      try {
        if (this.handlers[event]) this.handlers[event](detail);
      } finally {
        this.grace = false;
      }
    });
  }
}

module.exports = { Player };

// A background audio manager that really plays: it fetches each clip as phones do, judges the answer, finds out how long
// the clip is, and lets that time pass. In the background a new src is taken only while something plays.
'use strict';

const http = require('node:http');
const { lengthOf, MIME } = require('./clip.js');

const TICK_MS = 250; // of the clip: how often a phone tells its position
const SYSTEM = 10001;
const NETWORK = 10002;
const FILE = 10003;
const FORMAT = 10004;
const lengths = new Map(); // URL without query -> ms: clips are immutable

class Player {
  /** @param {{front: function(): boolean, speed: number}} given how many times faster than life it plays */
  constructor({ front, speed }) {
    this.front = front;
    this.speed = speed;
    this.handlers = {};
    this.heard = []; // {path, title, at, ms (of the clip), length}
    this.loads = []; // {path, status, bytes, ms}
    this.faults = []; // answers that phones would not play, network aside
    this.denied = 0;
    this.src = '';
    this.title = '';
    this.turn = 0;
    this.sounding = null;
    this.inError = false;
    this.manager = this.face();
  }

  face() {
    const player = this;
    const manager = {
      get src() { return player.src; },
      set src(src) { player.set(src); },
      get title() { return player.title; },
      set title(title) { player.title = title; },
      get paused() { return !player.sounding; },
      get currentTime() { return player.sounding ? player.position() / 1000 : 0; },
      get duration() { return player.sounding ? player.sounding.length / 1000 : 0; },
      stop() { player.halt('Stop'); },
    };
    ['Play', 'Pause', 'Stop', 'Ended', 'Error', 'TimeUpdate', 'Waiting', 'Canplay', 'Prev', 'Next'].forEach((name) => {
      manager[`on${name}`] = (handle) => { this.handlers[name] = handle; }; // the last listener, and only that one
    });
    return manager;
  }

  tell(event, detail = {}) {
    if (this.handlers[event]) this.handlers[event](detail);
  }

  set(src) {
    if (!this.title) throw new Error('setBackgroundAudioState:fail title is nil!');
    if (!/^https?:/.test(src)) throw new Error('src is not http or https stream!');
    if (!this.front() && !this.sounding && !this.inError) {
      this.denied += 1;
      setImmediate(() => this.tell('Error', { errCode: -1, errMsg: 'setBackgroundAudioState:fail: jsapi has no permission' }));
      return;
    }
    this.leave();
    this.src = src;
    this.turn += 1;
    const { turn } = this;
    this.fetch(src, (code, length) => {
      if (turn !== this.turn) return;
      if (code) this.refuse(code);
      else this.play(src, length);
    });
  }

  refuse(errCode) {
    this.inError = true;
    this.tell('Error', { errCode, errMsg: 'load' });
    this.inError = false;
  }

  /** As a phone's player does: a range from the first byte on. Calls back with an error code, or 0 and the length. */
  fetch(src, done) {
    const began = Date.now();
    const path = new URL(src).pathname;
    let over = false;
    const end = (code, length) => {
      if (over) return;
      over = true;
      if (code) request.destroy();
      done(code, length);
    };
    const request = http.get(src, { agent: false, headers: { Range: 'bytes=0-' } }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('error', () => end(NETWORK));
      response.on('close', () => end(NETWORK)); // cut off
      response.on('end', () => {
        const bytes = Buffer.concat(parts);
        this.loads.push({ path, status: response.statusCode, bytes: bytes.length, ms: Date.now() - began });
        const fault = this.judge(path, response, bytes);
        if (fault) this.faults.push(`${path}: ${fault.what}`);
        end(fault ? fault.code : 0, lengths.get(path));
      });
    });
    request.on('error', () => end(NETWORK));
    this.loading = request;
  }

  /** What is wrong with an answer, or null. A gateway in between may be down: no fault of the clip. */
  judge(path, { statusCode, headers }, bytes) {
    const length = Number(headers['content-length']);
    const wrong = (code, what) => ({ code, what });
    if (statusCode !== 206 && statusCode !== 200) return wrong(SYSTEM, `status ${statusCode}`);
    if (statusCode !== 206) return wrong(FILE, 'a range was asked for, and 200 came');
    if (headers['content-range'] !== `bytes 0-${length - 1}/${length}`) return wrong(FILE, `content-range ${headers['content-range']}`);
    if (headers['transfer-encoding'] || headers['content-encoding']) return wrong(FILE, 'chunked or compressed');
    if (length !== bytes.length) return wrong(FILE, `${headers['content-length']} bytes promised, ${bytes.length} came`);
    if (headers['content-type'] !== MIME[path.split('.').pop()]) return wrong(FORMAT, `type ${headers['content-type']}`);
    try {
      if (!lengths.has(path)) lengths.set(path, lengthOf(bytes));
    } catch (error) {
      return wrong(FORMAT, error.message);
    }
    return null;
  }

  play(src, length) {
    this.sounding = { path: new URL(src).pathname, title: this.title, at: Date.now(), length };
    const { turn } = this;
    this.ticks = setInterval(() => { if (this.front()) this.tell('TimeUpdate'); }, Math.max(TICK_MS / this.speed, 10));
    this.end = setTimeout(() => {
      this.leave();
      if (turn === this.turn) this.tell('Ended');
    }, length / this.speed);
    this.tell('Play');
  }

  position() {
    return Math.min((Date.now() - this.sounding.at) * this.speed, this.sounding.length);
  }

  /** Ends what sounds or loads, without a word. */
  leave() {
    clearInterval(this.ticks);
    clearTimeout(this.end);
    if (this.loading) this.loading.destroy();
    this.loading = null;
    if (!this.sounding) return;
    this.heard.push({ ...this.sounding, ms: this.position() });
    this.sounding = null;
  }

  /** The rider's thumb, another app's music, or the app itself. */
  halt(event) {
    this.turn += 1;
    this.leave();
    this.tell(event);
  }

  /** The app ends: what sounded is cut, and counts neither as heard nor as not. */
  die() {
    this.turn += 1;
    this.handlers = {};
    if (this.sounding) this.sounding.died = true;
    this.leave();
  }

  /** Sentences and chimes, silence left out, those that still sound among them. */
  spoken() {
    const now = this.sounding ? [{ ...this.sounding, ms: this.position() }] : [];
    return this.heard.concat(now).filter((clip) => !clip.path.includes('/audio/silence/'));
  }
}

module.exports = { Player };

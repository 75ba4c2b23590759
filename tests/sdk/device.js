// A phone made of real things: sockets, requests, a file for its storage, and a player that plays. It has the face of `wx`,
// and WeChat's limits where they decide something: five sockets, no permission to begin a sound in the background.
'use strict';

const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const WebSocket = require('ws');
const { Player } = require('./player.js');

const SOCKETS_MAX = 5;
const EVENTS = ['AppShow', 'AppHide', 'NetworkStatusChange', 'AudioInterruptionBegin', 'AudioInterruptionEnd'];

class Device {
  /** @param {{folder: string, name: string, speed?: number}} given where its storage lies, and how fast it plays */
  constructor({ folder, name, speed = 20 }) {
    this.file = path.join(folder, `${name}.json`);
    this.front = true;
    this.tunnel = false; // nothing gets out
    this.sockets = new Set();
    this.opened = 0;
    this.most = 0;
    this.frames = []; // {at, up, …frame}, as they went over the wire
    this.closes = []; // {at, code, reason}
    this.requests = []; // {at, method, path, status}
    this.listeners = {};
    this.player = new Player({ front: () => this.front, speed });
    this.wx = this.face();
  }

  face() {
    const wx = {
      getBackgroundAudioManager: () => this.player.manager,
      getStorageSync: (key) => (key in this.read() ? this.read()[key] : ''),
      setStorageSync: (key, value) => fs.writeFileSync(this.file, JSON.stringify({ ...this.read(), [key]: value })),
      vibrateLong() {},
      connectSocket: (options) => this.connect(options),
      request: (options) => this.request(options),
    };
    EVENTS.forEach((event) => {
      this.listeners[event] = new Set();
      wx[`on${event}`] = (listen) => this.listeners[event].add(listen);
      wx[`off${event}`] = (listen) => this.listeners[event].delete(listen);
    });
    return wx;
  }

  read() {
    return fs.existsSync(this.file) ? JSON.parse(fs.readFileSync(this.file, 'utf8')) : {};
  }

  fire(event, detail = {}) {
    this.listeners[event].forEach((listen) => listen(detail));
  }

  show() {
    this.front = true;
    this.fire('AppShow');
  }

  hide() {
    this.front = false;
    this.fire('AppHide');
  }

  /** The app ends without a word: its sockets go, its storage stays. */
  kill() {
    this.sockets.forEach((socket) => socket.terminate());
    this.player.die();
    Object.values(this.listeners).forEach((all) => all.clear());
  }

  connect({ url, protocols, header, timeout, fail }) {
    if (this.sockets.size >= SOCKETS_MAX || this.tunnel) {
      const why = this.tunnel ? 'Network is unreachable' : 'exceed max concurrent count';
      setImmediate(() => fail({ errMsg: `connectSocket:fail ${why}` }));
      const none = () => {};
      return { onOpen: none, onMessage: none, onError: none, onClose: none, send: none, close: none };
    }
    const socket = new WebSocket(url, protocols, { headers: header, handshakeTimeout: timeout, perMessageDeflate: false });
    const on = {};
    this.sockets.add(socket);
    this.most = Math.max(this.most, this.sockets.size);
    socket.on('open', () => { this.opened += 1; this.call(on.open, { header: {} }); });
    socket.on('message', (data) => this.receive(String(data), on.message));
    socket.on('error', (error) => this.call(on.error, { errMsg: error.message }));
    socket.on('close', (code, reason) => {
      this.sockets.delete(socket);
      this.closes.push({ at: Date.now(), code, reason: String(reason) });
      this.call(on.close, { code, reason: String(reason) });
    });
    return {
      onOpen: (handle) => { on.open = handle; },
      onMessage: (handle) => { on.message = handle; },
      onError: (handle) => { on.error = handle; },
      onClose: (handle) => { on.close = handle; },
      send: (options) => this.send(socket, options),
      close: ({ code = 1000, reason = '' }) => socket.close(code, reason),
    };
  }

  call(handle, detail) {
    if (handle) handle(detail);
  }

  receive(data, handle) {
    this.frames.push({ at: Date.now(), up: false, ...JSON.parse(data) });
    this.call(handle, { data });
  }

  send(socket, { data, fail }) {
    if (socket.readyState !== WebSocket.OPEN) {
      if (fail) setImmediate(() => fail({ errMsg: 'sendSocketMessage:fail the socket is not open' }));
      return;
    }
    this.frames.push({ at: Date.now(), up: true, ...JSON.parse(data) });
    socket.send(data);
  }

  /** Frames of one op, to the server (`up`) or from it. */
  said(op, up = true) {
    return this.frames.filter((frame) => frame.op === op && frame.up === up);
  }

  request({ url, method = 'GET', header = {}, data, timeout = 60000, success, fail, complete }) {
    const done = (handle, answer) => {
      if (handle) handle(answer);
      if (complete) complete(answer);
    };
    if (this.tunnel) {
      setImmediate(() => done(fail, { errMsg: 'request:fail Network is unreachable' }));
      return { abort() {} };
    }
    const body = data === undefined || method === 'GET' ? null : Buffer.from(typeof data === 'string' ? data : JSON.stringify(data));
    const headers = { 'content-type': 'application/json', ...header, ...(body && { 'content-length': body.length }) };
    const note = { at: Date.now(), method, path: new URL(url).pathname, status: 0 };
    this.requests.push(note);
    const request = http.request(url, { method, headers, timeout, agent: false }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('error', (error) => done(fail, { errMsg: `request:fail ${error.message}` }));
      response.on('end', () => {
        note.status = response.statusCode;
        done(success, { statusCode: response.statusCode, header: response.headers, data: parsed(Buffer.concat(parts).toString()) });
      });
    });
    request.on('timeout', () => request.destroy(new Error('timeout')));
    request.on('error', (error) => done(fail, { errMsg: `request:fail ${error.message}` }));
    request.end(body);
    return { abort: () => request.destroy(new Error('abort')) };
  }
}

/** `dataType: json`, the default: what cannot be read stays text. */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    return text;
  }
}

module.exports = { Device };

'use strict';
// What goes through the air: sockets as wx.connectSocket makes them, and requests.

class Socket {
  /** `hollow`: half-open, frames vanish and nobody is told. `counted`: the platform still holds it, for its limit of five. */
  constructor(phone, options) {
    this.phone = phone;
    this.url = options.url;
    this.protocols = options.protocols;
    this.closed = false;
    this.counted = true;
    this.hollow = !phone.connected;
    this.life = phone.life;
    this.on = {};
    this.usedAt = phone.world.now;
    this.upAt = 0;
    this.downAt = 0;
    const listen = (event) => (handle) => { this.on[event] = handle; };
    this.task = {
      onOpen: listen('open'), onMessage: listen('message'), onError: listen('error'), onClose: listen('close'),
      send: (o) => this.up(o),
      close: (o) => this.end(o && o.code),
    };
    this.later('downAt', () => {
      if (this.closed) return;
      if (!phone.server.accepts()) { this.shut(phone.server.blocked ? 1001 : 1006, 'Stream end encountered'); return; }
      phone.server.opened(this);
      this.tell('open', {});
      this.idle();
    });
  }

  /** Frames of one direction keep their order, also when the way becomes faster. */
  later(way, run) {
    const { world } = this.phone;
    this[way] = Math.max(world.now + this.phone.wire(), this[way]);
    world.at(this[way] - world.now, () => { if (!this.hollow) run(); });
  }

  tell(event, detail) {
    this.phone.deliver(() => { if (this.on[event]) this.on[event](detail); }, this.life);
  }

  up(o) {
    if (this.closed) {
      if (this.phone.rules.sendDead === 'throw') throw new Error('SocketTask.send:fail task not found');
      const fail = () => this.phone.deliver(() => o.fail && o.fail({ errMsg: 'sendSocketMessage:fail taskID not exist' }), this.life);
      if (this.phone.rules.sendDead === 'now') fail();
      else this.phone.world.at(1, fail);
      return;
    }
    const frame = JSON.parse(o.data);
    this.later('upAt', () => {
      this.usedAt = this.phone.world.now;
      this.phone.server.received(this, frame);
    });
  }

  down(frame) {
    const data = typeof frame === 'string' ? frame : JSON.stringify(frame);
    this.later('downAt', () => {
      if (this.closed) return;
      this.usedAt = this.phone.world.now;
      this.phone.deliver(() => {
        if (this.closed) return;
        this.phone.notice('frame', { socket: this, frame });
        if (this.on.message) this.on.message({ data });
      }, this.life);
    });
  }

  /** The server closes. */
  shut(code, reason) {
    this.later('downAt', () => {
      if (this.closed) return;
      this.over(true);
      this.counted = false;
      this.tell('close', { code, reason: reason || '' });
    });
  }

  /** The client closes. */
  end(code) {
    this.counted = false;
    if (this.closed) return;
    this.closed = true;
    this.closedAt = this.phone.world.now;
    this.later('upAt', () => this.phone.server.gone(this));
    this.tell('close', { code: code || 1000, reason: '' });
  }

  /** The network or the system ends it; on some phones onClose never comes, and then it counts until it is closed. */
  kill({ told, reason }) {
    if (this.closed) return;
    this.hollow = true;
    this.over(told);
    if (!told) return;
    this.counted = false;
    const code = reason === 'interrupted' ? 1000 : this.phone.pick(this.phone.rules.closeCodes);
    this.tell('close', { code, reason: reason || 'abnormal closure' });
  }

  over(told) {
    this.closed = true;
    this.closedAt = this.phone.world.now;
    this.phone.server.gone(this);
    if (this.session) this.phone.notice('link', { what: 'lost', told });
  }

  /** Without traffic the client itself closes. */
  idle() {
    const { world, rules } = this.phone;
    const left = this.usedAt + rules.idleCloseMs - world.now;
    world.at(Math.max(left, 1), () => {
      if (this.closed || this.hollow) return;
      if (world.now - this.usedAt >= rules.idleCloseMs) this.kill({ told: true });
      else this.idle();
    });
  }
}

const nothing = { onOpen() {}, onMessage() {}, onError() {}, onClose() {}, send() {}, close() {} };

/** wx.connectSocket. */
function connectSocket(phone, options) {
  const refuse = (errMsg) => {
    phone.deliver(() => options.fail && options.fail({ errMsg }));
    return Object.assign({}, nothing);
  };
  if (phone.world.now < phone.deafUntil) {
    return refuse('connectSocket:fail:jsapi has no permission,event=createSocketTask,runningState=suspend,detail=network api interrupted in suspend state');
  }
  const held = phone.sockets.filter((s) => s.counted);
  if (held.length >= phone.rules.socketsMax) {
    phone.refusedSockets += 1;
    return refuse('createSocketTask:fail exceed max concurrent count');
  }
  const socket = new Socket(phone, options);
  phone.sockets.push(socket);
  phone.socketsMost = Math.max(phone.socketsMost, held.length + 1);
  return socket.task;
}

/** wx.request. */
function request(phone, o) {
  const { world, life } = phone;
  let over = false;
  const finish = (name, detail) => {
    if (over) return;
    over = true;
    phone.requests.delete(pending);
    phone.deliver(() => {
      if (o[name]) o[name](detail);
      if (o.complete) o.complete(detail);
    }, life);
  };
  const pending = { interrupt: () => finish('fail', { errMsg: 'request:fail interrupted' }) };
  phone.requests.add(pending);
  if (world.now < phone.deafUntil) pending.interrupt();
  const answer = () => {
    if (!phone.connected || !phone.server.answersHttp()) { world.at(1000, () => finish('fail', { errMsg: 'request:fail timeout' })); return; }
    const body = typeof o.data === 'string' && o.data ? JSON.parse(o.data) : o.data;
    const said = phone.server.http(o.method || 'GET', o.url.replace(/^https?:\/\/[^/]+/, ''), o.header || {}, body);
    world.at(phone.wire(), () => {
      phone.notice('frame', { http: true, frame: said.data });
      finish('success', { statusCode: said.status, data: JSON.parse(JSON.stringify(said.data)), header: {} });
    });
  };
  world.at(phone.wire(), answer);
  return { abort: () => finish('fail', { errMsg: 'request:fail abort' }) };
}

module.exports = { Socket, connectSocket, request };

// What lies between a phone and the server: a line that can be cut or left hollow, and a gateway that speaks HTTP alone or
// serves us under a path of its host.
'use strict';

const http = require('node:http');
const net = require('node:net');

function listen(server) {
  return new Promise((resolve) => { server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`)); });
}

class Line {
  static async lay(target) {
    const line = new Line();
    line.pairs = new Set();
    line.refusing = false;
    line.hollow = false; // whoever is connected stays so, and nothing passes
    line.server = net.createServer((near) => line.join(near, Number(new URL(target).port)));
    line.origin = await listen(line.server);
    return line;
  }

  join(near, port) {
    near.on('error', () => {});
    if (this.refusing) {
      near.destroy();
      return;
    }
    const pair = [near, net.connect(port, '127.0.0.1')];
    this.pairs.add(pair);
    pair.forEach((end, i) => {
      end.on('error', () => {});
      end.on('data', (bytes) => { if (!this.hollow && !pair[1 - i].destroyed) pair[1 - i].write(bytes); });
      end.on('end', () => { if (!this.hollow) pair[1 - i].end(); });
      end.on('close', () => {
        if (!this.hollow) pair[1 - i].destroy();
        this.pairs.delete(pair);
      });
    });
  }

  /** Everybody who is connected is reset; who comes then is served, unless `refuse` was called. */
  cut() {
    this.pairs.forEach((pair) => pair.forEach((end) => end.resetAndDestroy()));
  }

  refuse() {
    this.refusing = true;
    this.cut();
  }

  hollowOut() {
    this.hollow = true;
  }

  /** What stood hollow is gone for good; what comes now passes. */
  mend() {
    this.refusing = false;
    if (this.hollow) this.cut();
    this.hollow = false;
  }

  remove() {
    this.refuse();
    this.server.close();
  }
}

class Gateway {
  /** `prefix` is taken away from each path; without `upgrades` a socket is refused, as old company proxies do. */
  static async open({ prefix = '', upgrades = true } = {}) {
    const gateway = new Gateway();
    Object.assign(gateway, { prefix, upgrades, port: null, seen: [], astray: [], refused: 0 });
    gateway.server = http.createServer((request, response) => gateway.pass(request, response));
    gateway.server.on('upgrade', (request, socket) => gateway.upgrade(request, socket));
    gateway.origin = await listen(gateway.server);
    gateway.url = gateway.origin + prefix;
    return gateway;
  }

  leadTo(target) {
    this.port = Number(new URL(target).port);
    return this;
  }

  path({ url }) {
    if (!url.startsWith(`${this.prefix}/`)) {
      this.astray.push(url);
      return null;
    }
    this.seen.push(url.slice(this.prefix.length).split('?')[0]);
    return url.slice(this.prefix.length);
  }

  pass(request, response) {
    const path = this.path(request);
    if (path === null) {
      response.writeHead(404).end();
      return;
    }
    const { method, headers } = request;
    const onward = http.request({ host: '127.0.0.1', port: this.port, path, method, headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  }

  upgrade(request, socket) {
    socket.on('error', () => {});
    const path = this.path(request);
    if (path === null || !this.upgrades) {
      this.refused += 1;
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
      return;
    }
    const lines = [`GET ${path} HTTP/1.1`];
    for (let n = 0; n < request.rawHeaders.length; n += 2) lines.push(`${request.rawHeaders[n]}: ${request.rawHeaders[n + 1]}`);
    const onward = net.connect(this.port, '127.0.0.1', () => onward.write(`${lines.join('\r\n')}\r\n\r\n`));
    onward.on('error', () => {});
    onward.on('close', () => socket.destroy());
    socket.on('close', () => onward.destroy());
    socket.pipe(onward).pipe(socket);
  }

  remove() {
    this.server.close();
    this.server.closeAllConnections();
  }
}

module.exports = { Line, Gateway };

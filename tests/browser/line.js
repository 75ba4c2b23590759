// The way between a page and its server, which a test can cut and mend.
'use strict';

const net = require('node:net');

/** A line between page and server that can be cut: whoever was connected is reset, whoever comes is refused. */
class Line {
  static async lay(target) {
    const line = new Line();
    line.sockets = new Set();
    line.whole = true;
    line.server = net.createServer((near) => {
      if (!line.whole) {
        near.destroy();
        return;
      }
      const far = net.connect(Number(new URL(target).port), '127.0.0.1');
      [near, far].forEach((socket) => {
        line.sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => { line.sockets.delete(socket); near.destroy(); far.destroy(); });
      });
      near.pipe(far).pipe(near);
    });
    await new Promise((resolve) => { line.server.listen(0, '127.0.0.1', resolve); });
    line.origin = `http://127.0.0.1:${line.server.address().port}`;
    return line;
  }

  cut() {
    this.whole = false;
    this.sockets.forEach((socket) => socket.destroy());
  }

  mend() {
    this.whole = true;
  }

  remove() {
    this.cut();
    this.server.close();
  }
}

module.exports = { Line };

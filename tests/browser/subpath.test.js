// The page behind a proxy that serves us under a path of its host: page, socket, clips and self-check are found there.
'use strict';

const http = require('node:http');
const net = require('node:net');
const test = require('node:test');
const assert = require('node:assert/strict');
const { Stage, until } = require('./stage.js');

const PREFIX = '/bell';

/** A proxy that takes the prefix away, and knows nothing beside it. */
class Proxy {
  static async open() {
    const proxy = new Proxy();
    proxy.seen = [];
    proxy.astray = [];
    proxy.away = false; // it answers for a server that does not
    proxy.server = http.createServer((request, response) => proxy.pass(request, response));
    proxy.server.on('upgrade', (request, socket) => proxy.upgrade(request, socket));
    await new Promise((resolve) => { proxy.server.listen(0, '127.0.0.1', resolve); });
    proxy.url = `http://127.0.0.1:${proxy.server.address().port}${PREFIX}`;
    return proxy;
  }

  /** What stands behind the prefix; null, and noted, where there is none. */
  path(request) {
    if (!request.url.startsWith(`${PREFIX}/`)) {
      this.astray.push(request.url);
      return null;
    }
    const path = request.url.slice(PREFIX.length);
    this.seen.push(path.split('?')[0]);
    return path;
  }

  pass(request, response) {
    const path = this.path(request);
    if (path === null || this.away) {
      response.writeHead(path === null ? 404 : 502).end();
      return;
    }
    const { method, headers } = request;
    const onward = http.request({ ...this.target, path, method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  }

  upgrade(request, socket) {
    const path = this.path(request);
    const lines = [`GET ${path} HTTP/1.1`];
    for (let n = 0; n < request.rawHeaders.length; n += 2) lines.push(`${request.rawHeaders[n]}: ${request.rawHeaders[n + 1]}`);
    const onward = net.connect(this.target.port, this.target.host, () => onward.write(`${lines.join('\r\n')}\r\n\r\n`));
    [socket, onward].forEach((end) => end.on('error', () => {}));
    socket.pipe(onward).pipe(socket);
  }

  close() {
    this.server.close();
    this.server.closeAllConnections();
  }
}

test('under a path of its host the page finds everything', async () => {
  const proxy = await Proxy.open();
  const stage = await Stage.set({ ORDERBELL_SERVER__PUBLIC_URL: proxy.url });
  const { hostname, port } = new URL(stage.server.origin);
  proxy.target = { host: hostname, port };
  try {
    const tab = await stage.browser.newPage();
    await tab.goto(`${proxy.url}/rider#token=${stage.server.token('r_path')}`);
    await tab.waitForSelector('#connection[data-state="ready"]');
    await tab.click('#start');
    await tab.waitForSelector('#audio-state[data-state="playing"]');
    const id = await stage.server.post('r_path', 'order.new', { alert: { text: '测试', repeat: { count: 1 } } });
    const { reason } = (await stage.server.ended(id)).deliveries[0];
    const { url } = (await stage.server.alert(id)).audio;
    assert.equal(reason, 'played');
    assert.ok(url.startsWith(`${proxy.url}/audio/`), url);
    // On a busy machine the sentence is late, and what was heard is the canned clip.
    const isClip = (path) => path.startsWith('/audio/') && !path.startsWith('/audio/silence/');
    await until('what was heard came this way', () => proxy.seen.some(isClip));
    assert.ok(['/rider', '/rider/rider.css', '/rider/rider.js', '/v1/rider/socket'].every((path) => proxy.seen.includes(path)), proxy.seen);
    const scope = await tab.evaluate(async () => (await navigator.serviceWorker.ready).scope);
    assert.equal(scope, `${proxy.url}/rider`);
    const address = `${proxy.url}/rider/rider.webmanifest`;
    const manifest = await (await fetch(address)).json();
    assert.deepEqual([new URL(manifest.start_url, address).href, new URL(manifest.scope, address).href], [scope, scope]);
    proxy.away = true;
    await tab.reload();
    await tab.waitForSelector('h1:has-text("连不上服务器")');
    proxy.away = false;
    await tab.click('#again');
    await tab.waitForSelector('#connection[data-state="ready"]');
    assert.deepEqual(proxy.astray, []);
  } finally {
    await stage.strike();
    proxy.close();
  }
});

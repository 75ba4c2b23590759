// The way without a socket: where something between us and the server lets no socket through, what is open is asked for
// by plain requests, and receipts are handed in the same way. Slower by seconds, and better than silence.

const POLL_MS = 10000; // so long without a session, and so often from then on

const base = url.replace(/^ws/, 'http').replace(/socket([?#].*)?$/, '');

const ask = () => {
  if (!begun || live) return;
  askAgain();
  pollAt = later(POLL_MS);
  // In the background a request is as dead as a socket, unless sound keeps the app alive.
  if (options.http === false || !adapter.request || !token || !(front || status === PLAYING)) return;
  if (outbox.length) request('POST', 'receipts', { receipts: outbox });
  request('GET', 'alerts');
};

const request = (method, path, body) => {
  const sentAt = mono();
  const mine = token;
  const turn = pollAt; // the generation guard: an answer is too late when the next request, or a socket, has come first
  safely('request', () => adapter.request(method, base + path, token, body, (code, json) => enter('request', () => {
    if (turn !== pollAt) return;
    viaHttp = code === 200;
    if (code === 401 && mine === token) mustRenew = TOKEN_EXPIRED; // for the next link
    if (!viaHttp) return;
    const { now: at, alerts: open, frames = open } = json.data;
    if (open) {
      heardAt = mono();
      roundTrip(sentAt, at);
      keepOnly(open);
    }
    frames.forEach((frame) => safely('frame', read, frame));
  })));
};

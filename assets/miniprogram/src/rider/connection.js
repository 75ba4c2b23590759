// The way to the server: opens the socket, says hello, keeps it honest and brings it back.
// A link is one socket; `at` is when it is given up. It counts only as long as it is `live` or `next`.

const PROTOCOL = 'orderbell.v1';
const HANDSHAKE_MS = 10000; // the server gives hello ten seconds as well
const TOKEN_MS = 15000; // a login round trip on a bad network, and no longer
const PROBE_MS = 3000; // after coming back: a live server answers well within this
const BACKOFF_MIN_MS = 500;
const BACKOFF_MAX_MS = 20000;
const PATIENCE_MAX_MS = 300000; // no server may send us away for longer
const OFFLINE_PROBE_MS = 30000; // "no network" is sometimes wrong; look, but seldom
const DEBOUNCE_MS = 300; // straight after a return the platform still refuses sockets
const MEASURE_MS = 300000; // clocks drift slowly; a round trip each five minutes is plenty
const HEARTBEAT_MS = 20000;
const HEARTBEAT_MIN_MS = 1000;

const BAD_TOKEN = 4000;
const DRAINING = 4100;
const HEARTBEAT_LOST = 4102;
const TOKEN_EXPIRED = 4105;
const LOST = 1006;
const REASONS = { 4000: 'bad_token', 4001: 'replaced', 4002: 'banned', 4105: 'token_expired' };

let heartbeat = HEARTBEAT_MS;
let helloAt;
let tries = 0; // attempts since the last welcome that came to nothing
let wakeAt;

const begin = () => {
  if (begun) return;
  begun = true;
  fatal = null;
  renewed = false;
  failures = 0;
  pollAt = later(POLL_MS);
  build();
};

const hangUp = () => {
  begun = viaHttp = false;
  attemptAt = pollAt = 0;
  shut(live);
  shut(next);
  live = next = null;
};

/** Was the server heard within the last `ms`? Sockets may be dead for minutes before anybody says so. */
const heardWithin = (ms) => mono() - heardAt < ms;

/** @returns {boolean} false when there is no socket; receipts wait in memory, state goes with hello */
const send = (frame, link = live) => {
  if (!link) return false;
  try {
    link.task.send(stringify(frame));
  } catch (e) {
    lose(link, e.message);
  }
  return live === link;
};

// ---- opening -----------------------------------------------------------------------------------

const build = () => {
  attemptAt = 0;
  if (!begun || (live && !draining)) return;
  const link = { at: later(TOKEN_MS) };
  shut(next); // a phone allows five sockets, and an unclosed one counts
  next = link;
  const refused = mustRenew;
  if (token && !refused) {
    dial(link);
    return;
  }
  askToken(!!refused, (fresh) => {
    if (refused && fresh === token) {
      if (begun) giveIn(refused); // only the rider can help now, by signing in
      return;
    }
    useToken(fresh); // one that comes late is used by the next link
    if (link === next) dial(link);
  }, () => lose(link));
};

const dial = (
  link,
  // A socket we gave up may still speak, and is not listened to; some phones forget to close one that was not open yet.
  on = (run) => (event) => enter('frame', () => (link === live || link === next ? run(event || {}) : shut(link))),
  lost = on(({ code, reason, errMsg, message }) => lose(link, reason || errMsg || message, code)),
) => {
  link.at = later(HANDSHAKE_MS);
  try {
    link.task = adapter.openSocket(url, PROTOCOL, on(() => {
      helloAt = mono();
      send(hello(), link);
    }), on(({ data }) => {
      heardAt = mono();
      if (link === live) keep();
      read(parse(data), link);
    }), lost);
  } catch (e) {
    lost(e);
  }
};

/** The live link has shown life. */
const keep = () => {
  live.at = later(2.5 * heartbeat);
};

const welcome = (frame, link) => {
  if (link === live) return;
  shut(live); // made; now break
  live = link;
  next = null;
  draining = viaHttp = renewed = false;
  pingAt = attemptAt = pollAt = tries = 0;
  measureAt = later(1000);
  heartbeat = max(HEARTBEAT_MIN_MS, sane(frame.heartbeat_ms, PATIENCE_MAX_MS) || HEARTBEAT_MS);
  keep();
  roundTrip(helloAt, frame.now);
  ({ session } = frame);
  planRenewal();
  resume(frame);
};

// A server that asks for patience gets it.
const bye = ({ code, retry_after_ms: ms }, link, at = later(sane(ms, PATIENCE_MAX_MS) + random() * 200)) => {
  if (code === TOKEN_EXPIRED) mustRenew = code;
  if (code === DRAINING || code === TOKEN_EXPIRED) {
    // The old socket still rings while the new one is built: no alert falls between the two.
    draining = true;
    attemptAt = at;
  } else {
    lose(link, 'bye', code); // the server closes: no need to wait for that
    attemptAt = attemptAt && max(attemptAt, at);
  }
};

/** Asks for a sign of life, within `limit` ms if it is given; also measures the clock. */
const ping = (limit) => {
  if (!live) return;
  pingAt = mono();
  measureAt = later(MEASURE_MS);
  if (limit) live.at = min(live.at, later(limit));
  send({ op: 'ping' });
};

const pong = ({ now: at }, link, ms = pingAt ? roundTrip(pingAt, at) : -1) => {
  pingAt = 0;
  if (ms < 0) return;
  rtt = ms;
  note('rtt', { ms });
};

/** Asleep, or the clock has leapt: expired or not is for a round trip to say. */
const overslept = (ms) => {
  wakeUpAt = Infinity; // looked at once, whoever comes in meanwhile
  note('suspend', { ms });
  sure = false;
  if (live) {
    if (!pingAt) live.at = max(live.at, later(PROBE_MS)); // one second chance for the link, and no more
    ping(PROBE_MS);
  }
  if (speaking && playAt && ms > WAKE_MARGIN_MS) slept = mono() - lookedAt; // the sentence in the ear is not over for that
};

// ---- losing ------------------------------------------------------------------------------------

const shut = (link) => {
  try {
    link.task.close(1000);
  } catch (e) {
    // There is none, or the platform has closed it already: not worth a word.
  }
};

const lose = (link, reason, code = LOST, wasLive = link === live) => {
  if (wasLive) {
    live = null;
    pollAt = later(POLL_MS);
    note('closed', { code, reason: REASONS[code] || reason });
  } else if (link === next) {
    next = null;
    tries += 1;
    if (tries === 2) pollAt = 1; // two in a row: no need to wait for the time without session
  } else {
    return;
  }
  shut(link);
  // The last words of a socket whose successor is coming decide nothing: the server may
  // well call the old one "replaced" when the new one says hello.
  if (!wasLive || !(next || (draining && attemptAt))) judge(code);
};

const judge = (code) => {
  if (!begun) return;
  if ((code === BAD_TOKEN || code === TOKEN_EXPIRED) && !renewed) {
    renewed = true; // once: a second refusal means the rider, not the token
    mustRenew = code;
    attemptAt = 1;
  } else if (code === TOKEN_EXPIRED || (code >= 4000 && code < 4100)) {
    giveIn(code);
  } else {
    const wait = BACKOFF_MIN_MS + random() * min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * Math.pow(2, failures));
    failures += 1;
    attemptAt = later(online ? wait : OFFLINE_PROBE_MS);
  }
};

/** The server will not have this device: another one rings now, so this one must not. */
const giveIn = (code) => {
  fatal = { code, reason: REASONS[code] || 'refused' };
  onDuty = undefined;
  silenceAll(fatal.reason);
  hangUp();
};

// ---- what the device tells ---------------------------------------------------------------------

/** The app is in front again, or the network is back: look at once, but not all phones together. */
const wakeUp = (spreadMs) => {
  failures = 0;
  wakeAt = later(DEBOUNCE_MS + random() * spreadMs);
};

const woken = () => {
  wakeAt = 0;
  ping(PROBE_MS);
  // An attempt begun on the network that was will not be answered on this one.
  if (attemptAt || (next && next.at - mono() < HANDSHAKE_MS - PROBE_MS)) attemptAt = 1;
};

const network = ({ isConnected }) => {
  online = isConnected !== false;
  if (online) wakeUp(1000);
  else if (attemptAt) attemptAt = later(OFFLINE_PROBE_MS);
};

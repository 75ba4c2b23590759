// Orderbell rider client. Made from assets/miniprogram/src by build.js: edit there, then build.
// CommonJS: const { createRider } = require('./orderbell.js').
(function () {
'use strict';

// ==== values ====================================================================================

// What others hand us, made safe to count with: numbers of frames, moments, lists, claims of tokens.

const { min, max, floor } = Math;
const { assign, keys } = Object;
const { parse, stringify } = JSON;

const SEQ_MAX = 9e15; // beyond it a number is not exact, and +1 changes nothing

/** `value` if it is a number from 0 to `most`, else `otherwise`: no NaN, no text, nothing absurd. */
const sane = (value, most = SEQ_MAX, otherwise = 0) => (value === +value && value >= 0 && value <= most ? value : otherwise);

const listOf = (value) => (Array.isArray(value) ? value : []);

/** Epoch ms from what the server may send: a number, or an RFC 3339 string. 0 when it is neither. */
const epochMs = (value) => sane(/T/.test(value) ? Date.parse(value) : value);

/** The claims in a token, unchecked: whose it is, to keep two riders' receipts apart, and how long it lives. */
const claimsOf = (token) => {
  try {
    return parse(token.split('.')[1].replace(/[\w-]/g, (letter, at, text, c = letter.charCodeAt()) => ( // base64url, by hand: mini-programs have no atob
      (64 + (c > 96 ? c - 71 : c === 95 ? 63 : c > 64 ? c - 65 : c > 47 ? c + 4 : 62)).toString(2).slice(1)
    )).replace(/.{1,8}/g, (bits) => (bits[7] ? String.fromCharCode(parseInt(bits, 2)) : ''))) || {};
  } catch (e) {
    return {}; // a token of another make: the server is the judge
  }
};

// ==== wechat ====================================================================================

// A mini-program as a device: WeChat's, and every other one by uni-app, which gives all of them the same names.
// The rules behind the odd lines: the background audio manager is one global object without `off*` and the last
// listener wins, so it is ours alone; `title` is mandatory; a new `src` plays by itself; onTimeUpdate comes in
// the foreground only.


/**
 * @param {object} wx the platform's global
 * @param {object} [env] now(), random(), setTimer(fn, ms), clearTimer(timer); for tests
 */
const wechatAdapter = (wx, env) => {
  const player = wx.getBackgroundAudioManager();
  return assign({
    platform: 'wechat',
    player,
    play(src, title, labels) {
      assign(player, labels, { title }).src = src;
    },
    storage: { get: (key) => wx.getStorageSync(key), set: (key, value) => wx.setStorageSync(key, value) },
    openSocket(url, protocol, opened, heard, closed, task = wx.connectSocket({ url, protocols: [protocol], fail: closed })) {
      task.onOpen(opened);
      task.onMessage(heard);
      task.onError(closed);
      task.onClose(closed);
      return {
        send: (data) => task.send({ data, fail: closed }),
        close: () => task.close({}),
      };
    },
    request(method, url, token, data, done) {
      wx.request({
        method, url, data,
        header: { Authorization: 'Bearer ' + token },
        success: (answer) => done(answer.statusCode, answer.data),
        fail: done,
      });
    },
    anchor(on, fail) {
      wx[on ? 'startLocationUpdateBackground' : 'stopLocationUpdate']({ fail });
    },
    watch(names, tell) {
      names.forEach((name, i, all, on = 'on' + name, host = player[on] ? player : wx) => host[on] && host[on]((detail) => tell(name, detail)));
    },
  }, env);
};

/** The same of uni-app: for its apps, and for the mini-programs of others. */
const uniAdapter = (uni, env) => wechatAdapter(uni, assign({ platform: 'uni' }, env));

// ==== create ====================================================================================

// The public face: what an app calls, and the platform it runs on.


const platform = (element) => {
  // Whose names are not there, or not all of them, is not where we are.
  try { return wechatAdapter(wx); } catch (e) { /* not WeChat */ }
  try { return uniAdapter(uni); } catch (e) { /* nor uni-app */ }
  throw TypeError('no platform');
};

/**
 * Makes a rider: one connection, one player, one queue of alerts. All members of `options`, of what it returns and of
 * what it tells are described in orderbell.d.ts and docs/client.md.
 *
 * @param {object} options url, getToken, onAlert, onState, onEvent, audio, and more
 * @returns {{connect: function(), start: function(), stop: function(), answer: function(string, string): boolean,
 *   close: function(), state: function(): object, selfTest: function(object=): {done: Promise<object>, cancel: function()}}}
 * @throws {TypeError} when url or getToken is missing or malformed, or no platform is recognised
 */
const createRider = (options) => {
  // The parts in src/rider stand here: they share this scope.

// ==== clock =====================================================================================

// Time: a count of milliseconds that never runs backwards (for deadlines), and the server's time
// (for everything that expires). The device's own clock is not trusted for either: riders set it by
// hand, and phones correct it by minutes.

const SUSPICIOUS_MS = 2000; // a slow one-way frame and a clock that jumped look alike; from here on only a round trip can tell
const SAMPLE_LIFE_MS = 600000; // crystals drift about 50 ppm: after ten minutes an old perfect sample is no better than a fair new one
const TRIP_MAX_MS = 20000; // a trip that seems longer has a jump of the clock in it, or a sleep: it measures nothing
// ==== work ======================================================================================

// What is due. Everything that must happen later has a moment (mono ms) that is looked at on every frame, every device
// event and by one timer, because a phone in a pocket may hold back any one of these.

const SUSPEND_MS = 5000; // work this late: the app was asleep, its timers held, or the clock has leapt
const TIMER_MAX_MS = 60000; // look at least once a minute, whatever the deadlines say
// ==== speaker ===================================================================================

// What the ear gets. One player, never silent in the player's sense: a long clip of silence holds it
// between alerts, because in the background a phone lets an app set a new `src` only while audio plays.
// So nothing here stops, pauses or seeks; each step is a new src, set while the last one still runs.
// Sentence and tail: a clip speaks for `duration_ms - tail_ms`, then is silent. The tail is the time in
// which the next src is chosen.

const LOAD_MS = 6000; // src set, and no sign of play: the phone refused, or the network is gone
const LOAD_HIDDEN_MS = 4000; // in the background five seconds without sound are the end: told before
const END_GUARD_MS = 4000; // past its end by this much: `ended` was lost
const SETTLE_MS = 300; // the last syllable; players report play a little early
const TAIL_MS = 45000;
const SILENCE_MS = 600000;
const SILENCE_MIN_MS = 10000;
const CHIME = 'order.taken'; // of a lost offer: it waits for others and never makes them wait
const RETRY_FRONT_MS = 3000; // in front a refusal may be the first moment of coming back
// ==== alerts ====================================================================================

// The alerts in hand. An alert is one ring: what its frame says, made safe to count with, and over it what has become
// of it here. Its `state` is the only truth about it: the queue is what is `queued` or `waiting`.

const ALERTS_MAX = 200; // finished cards of a shift; the oldest go first
const REPEATS_MAX = 100;
// ==== selftest ==================================================================================

// The self-check: what this phone really allows. It only listens and pings; the rider hides the app
// meanwhile, and the figures tell whether alerts would have been heard.

const CHECK_PING_MS = 10000;
const CHECK_MS = 600000; // ten minutes: past every limit a platform is known to have
// ==== token =====================================================================================

// The rider's token: asked of the app, renewed before it ends, and once more when the server refuses it.

const RENEW_MS = 600000; // so long before its end a new one is asked for: several tries
const RENEW_MIN_MS = 5000; // and no more often than this
// ==== connection ================================================================================

// The way to the server: opens the socket, says hello, keeps it honest and brings it back.
// A link is one socket; `at` is when it is given up. It counts only as long as it is `live` or `next`.

const PROTOCOL = 'orderbell.v1';
const TOKEN_MS = 15000; // a login round trip on a bad network, and no longer
const BACKOFF_MAX_MS = 20000;
const DEBOUNCE_MS = 300; // straight after a return the platform still refuses sockets
const MEASURE_MS = 300000; // clocks drift slowly; a round trip each five minutes is plenty
const HEARTBEAT_MIN_MS = 1000;
const BAD_TOKEN = 4000;
const DRAINING = 4100;
const HEARTBEAT_LOST = 4102;
const LOST = 1006;
// ==== memory ====================================================================================

// What must survive the death of the page: who this device is, how far it has counted, which
// receipts the server has not confirmed, and what has been heard already.

/** A shift's worth of (id, ring); more would only slow the synchronous storage write. */
const HEARD_MAX = 500;
/** A receipt is about 120 bytes: 200 of them fit any storage and cover hours without network. */
const OUTBOX_MAX = 200;
/**
 * Answers without a final outcome; a rider has one or two, a backend that never decides must not fill the storage: a frame
 * has 16 KiB at most, WeChat gives 1 MiB to a key.
 */
const AWAITED_MAX = 20;
// ==== face ======================================================================================

// What the app and the device touch: commands in, state out.

const SDK = 'js/2.0.0';
// ==== state =====================================================================================

// What the parts share of one rider's state. Moments (`…At`) are mono ms; none is a moment that never comes.
// What a line here does not initialise is unknown, or not so, until somebody says it.

// ---- words said often -------------------------------------------------------------------------

const PLAYING = 'playing'; // of the player
const LONG_MS = 3600000; // no gap, clip or jitter is longer
let spoken; // the alert; none: silence
// ---- the line (connection, token, poll) --------------------------------------------------------

let live = null; // the link that carries frames
let playAt; // when it began to play; none: it loads
// ---- the ear: what the player holds, and does (speaker, player) --------------------------------

let status = 'off'; // off, loading, playing, paused, interrupted, stolen, blocked
let speaking; // its sentence is not over, nor was it cut
let next = null; // the one being built; both exist only while a server drains
// ---- the alerts in hand (alerts, answers) ------------------------------------------------------

const alerts = {}; // by id
let attemptAt;
// ---- the app and its rider (face, work, selftest) ----------------------------------------------

let front; // the app is on the screen
let check = null;
let token;
// ---- what is stored (memory) -------------------------------------------------------------------

let outbox; // receipts that are not confirmed
let awaited; // id: {answer, frame}, in order
let setAt; // when the present src was set; none: the player is not ours
let quietSince;
let pollAt;
// Is the server's time worth acting on? Not between a leap of the device's clock, or a sleep that looks like one, and the next trip.
let sure = false;
let offset = -Infinity; // of the server; nothing known: any hint is better
let stalledAt; // since when it stands still
let begun;
let cursor; // the highest seq without a gap; past one, the next welcome says how far we are
let ticks = 1; // never 0: a moment is always true
let pingAt;
let heardPlays; // id/ring: times, or CLOSED; in order of use
let hiddenAt;
/** Milliseconds, counted. Never goes back; a clock set back by hand costs one step. */
const mono = () => {
  const step = now() - wall;
  wall += step;
  if (step < 0) {
    offset -= step; // the device went back, the server did not
    sure = null; // nor do we know for how long it slept before, or how old the clip in hand is
  } else {
    ticks += step;
  }
  return ticks;
};
/** A moment in so many ms. */
const later = (ms, at = mono() + ms) => {
  due(at);
  return at;
};
/** Has this moment come? If not, the timer will be set to it. No moment never comes. */
const due = (at) => at && (mono() >= at || (soonest = min(soonest, at), false));
const note = (type, more = {}) => {
  seen(type, more.ms >= 0 ? more.ms : more.code);
  call('onEvent', assign({}, more, { type }));
};
/** Sets the next src, whatever it is. In `ended` and `error` this must happen before they return. */
const step = () => {
  requeue(); // a sentence that is not over has not been heard
  expire();
  const alert = pick();
  load(alert ? alert.audio : { url: clips[clip % clips.length], duration_ms: silenceMs }, alert);
};
/** Tells the app what has become of it; not of an older ring of an alert that rings again. */
const become = (alert, is, reason) => {
  alert.state = is;
  alert.reason = reason;
  if (alerts[alert.id] === alert) call('onAlert', assign({}, alert));
};
const turn = (as) => {
  if (as === status) return;
  status = as;
  if (as === PLAYING) {
    const ms = mono() - quietSince;
    if (quietSince && ms > 1000) note('gap', { ms });
    quietSince = 0;
  } else if (as !== 'off' && as !== LOADING && !quietSince) {
    quietSince = mono(); // the first start is not a gap
  }
  // `playing` is a player that runs, sentence or silence: the server asks whether a rider can hear.
  // `loading` is neither good nor bad news yet.
  if (as !== LOADING) {
    audible = as === 'off' ? 'silent' : as;
    tell({ audio: audible });
  }
};
/** Something that a check counts; `ms` where it has a size. */
const seen = (what, ms) => {
  if (check) (check[what] = check[what] || []).push(ms);
};
/** The server's time now, epoch ms; the device's own before the server has told any. */
const server = () => {
  mono();
  return Math.round(wall + (offset > -Infinity ? offset : 0));
};
/** Others' mistakes, the app's and the server's, are told, and are never in the way of an alert. */
const safely = (where, run, a, b) => {
  try {
    run(a, b);
  } catch (e) {
    if (where !== 'onEvent') trouble(where, e);
  }
};
const run = () => {
  if (next && due(next.at)) lose(next);
  if (live && due(live.at)) lose(live, 'silent', HEARTBEAT_LOST);
  if (due(wakeAt)) woken();
  if (due(attemptAt)) build();
  if (due(measureAt) || (!sure && due(pingAt + PROBE_MS))) ping();
  if (due(renewAt)) renew();
  if (due(resendAt)) sendAll();
  if (due(pollAt)) ask();
  if (due(checkAt)) checkUp();
  tick();
};
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
/** Set, and not played: by a word about permission, or by no word at all within the load guard. */
const refused = (message) => {
  note('denied', { where: setInEnded ? 'ended' : 'set', message: message || 'no play' });
  if (setInEnded) seen('ended_denied');
  if (!quietSince) quietSince = setAt;
  if (message || !front) giveUp(); // more tries change nothing: a tap, or coming to the front, does
  else flop(HANGS); // in front, it hangs in the network: it must not hold up the others
};
const state = () => assign(view(), { server_now: server(), rtt_ms: rtt, unsent: outbox.length });
const INTERRUPTED = 'interrupted';
const QUEUED = 'queued'; // of an alert
const EXPIRED = 'expired';
const STOPPED = 'stopped';
const PROBE_MS = 3000; // after coming back: a live server answers well within this
const TOKEN_EXPIRED = 4105;
const LOADING = 'loading';
const PLAYED = 'played';
const ANSWERING = 'answering';
const ANSWERED = 'answered';
const BLOCKED = 'blocked';
const FAILED = 'failed';
const WAKE_MARGIN_MS = 22000; // timers may be held in the background; a heartbeat comes within this
// ==== player ====================================================================================

// What the player and the phone tell, and what follows at once: the next src must be set before `ended` and `error` return.

const RETRY_MS = 20000; // refused: try again at about the pace of heartbeats
// ==== poll ======================================================================================

// The way without a socket: where something between us and the server lets no socket through, what is open is asked for
// by plain requests, and receipts are handed in the same way. Slower by seconds, and better than silence.

const POLL_MS = 10000; // so long without a session, and so often from then on
const CLOSED = -1; // marks a ring that must not sound again whatever its count says
const SPIN_MS = 10; // and never more often than this
const LAST_CALL_MS = 1500; // offline, a clip is held as long as it lasts, minus this
const UNKNOWN_MS = 105000; // no length known: no sentence is longer than a minute, and `ended` will come before
const FRESH_MS = 1500; // heard so lately that a clip will surely load
const HANGS = 'no_play';
const HANDSHAKE_MS = 10000; // the server gives hello ten seconds as well
const BACKOFF_MIN_MS = 500;
const PATIENCE_MAX_MS = 300000; // no server may send us away for longer
const OFFLINE_PROBE_MS = 30000; // "no network" is sometimes wrong; look, but seldom
const HEARTBEAT_MS = 20000;
const RESEND_MS = 30000; // a store that was busy for a moment; a dead socket is noticed otherwise
const DEVICE_KEY = 'orderbell.device';
const ANY_RING = 0; // rings count from one: this stands for all of them
let total; // how long the clip is, ms
let viaHttp; // the last request was answered, and there is no socket
let clips = [];
let draining; // `live` has said bye
let fatal = null;
let online = true;
let failures;
let mustRenew; // the close code that refused the last one
let epoch;
let hurry; // it was cut: leave it at once
let slept; // how much of its time may be none: a leap of the clock
let sentence; // and speaks
let heldAudio = {}; // its clip, which an update may not change any more
let retryAt;
let measureAt;
let resendAt;
let onDuty; // unknown until the rider says so; the backend may have set it
let soonest; // the next moment somebody waits for, found out while looking
let wakeUpAt; // what the timer is set to
let lookedAt; // when all was looked at last
let setInEnded = false; // and in the background: does the phone allow it?
let renewed = false; // asked for another since the last welcome
let scope; // two riders may share a phone: everything but the counter belongs to the rider in the token
let interrupted;
let heardAt = -Infinity; // when the server was last heard, by socket or request
let timer;
let busy = false;
let over = false; // closed for good: nothing that comes late is heard
let audible; // the same as the server is told it: no sooner than it is known
let inEnded = false;
let duds = 0; // silent clips that did not play, one after the other
let checkAt;
let renewAt;
let heartbeat = HEARTBEAT_MS;
let tries = 0; // attempts since the last welcome that came to nothing
let wakeAt;
// ---- what we say of ourselves ------------------------------------------------------------------

let behind = false; // what hello said is old by now
let bestRtt;
let bestAt;
let rtt = null;
let session = null;
let clip = 0;
let silenceMs;
let flip = 0; // silence has two names per clip: each src is new, and both stay in the cache
let helloAt;
let storageFailed = false;
let toldLast;
/** The way in for whatever comes from outside: first a look at the clock, then the news, then all that is due. */
const enter = (where, run, a, b) => {
  if (over) return;
  if (mono() - wakeUpAt > SUSPEND_MS) overslept(mono() - wakeUpAt);
  safely('run', hearOut); // a sentence that is over was heard, whatever comes now
  if (run) safely(where, run, a, b);
  touch();
};
/** Those that pass a test. */
const all = (test) => keys(alerts).map((id) => alerts[id]).filter(test);
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
/** Tells the server what has changed. */
const tell = (fact) => {
  // Whom the next link has said hello to does not know; it will be told with the welcome.
  if (!send(assign({ op: 'state' }, fact)) || next) behind = true;
};
const fail = (reason) => {
  speaking = false;
  pass(spoken, FAILED, reason);
};
const isRunning = () => player.paused === false && !player.ended;
const inQueue = ({ state: is }) => /q|wai/.test(is);
/** Asks for a sign of life, within `limit` ms if it is given; also measures the clock. */
const ping = (limit) => {
  if (!live) return;
  pingAt = mono();
  measureAt = later(MEASURE_MS);
  if (limit) live.at = min(live.at, later(limit));
  send({ op: 'ping' });
};
const take = (kept) => {
  epoch = kept.epoch;
  cursor = sane(kept.cursor);
  outbox = listOf(kept.outbox).filter((receipt) => receipt && receipt.n > 0);
  awaited = assign({}, kept.awaited);
  heardPlays = assign({}, kept.heard);
};
/** Does all work that is due; cheap when nothing is. */
const touch = () => {
  if (busy || over) return;
  busy = true;
  soonest = mono() + TIMER_MAX_MS;
  safely('run', run);
  tellState();
  busy = false;
  if (over) return;
  lookedAt = mono();
  const at = max(soonest, lookedAt + SPIN_MS);
  wakeUpAt = at;
  if (timer) clearTimer(timer);
  timer = setTimer(() => {
    ticks = max(mono(), at); // no timer comes early: the clock was set back meanwhile
    seen('late', ticks - at);
    enter('run');
  }, Math.ceil(at - lookedAt));
};
// ---- choosing the next src ---------------------------------------------------------------------

/** The alert to sound now: the most urgent of those due (or soon due, by `soon`), the oldest of those equal. */
const pick = (soon) => sure && all((a) => inQueue(a) && (due(a.due) || a.due < soon)).sort((a, b) => b.urgency - a.urgency || a.seq - b.seq)[0];
/** A sentence cut by the world, not by us, has not been heard: it will be said again from its start. */
const requeue = () => {
  if (!speaking) return;
  speaking = false;
  hurry = true;
  spoken.due = mono();
  become(spoken, QUEUED);
};
/** Ends one without a sound, and says why: `failed`, or `skipped`. */
const pass = (alert, is, reason) => {
  report(alert, is === FAILED ? is : 'skipped', alert.plays + 1, reason);
  become(alert, is, reason);
};
const report = ({ id, ring }, is, play, reason) => sendReceipt({ op: 'report', id, ring, status: is, at: server(), play, reason });
/** Once the server's time is known. */
const planRenewal = (left = claimsOf(token).exp * 1000 - server()) => {
  renewAt = left > 0 && later(max(RENEW_MIN_MS, left - RENEW_MS, left / 2));
};
/** A full or forbidden storage must not stop an alert: the session goes on from memory. */
const save = () => {
  try {
    storage.set(DEVICE_KEY, { id: device, n: counter });
    if (scope) storage.set(scope, { epoch, cursor, outbox, awaited, heard: heardPlays });
  } catch (e) {
    if (!storageFailed) note('storage', { message: messageOf(e) });
    storageFailed = true;
  }
};
/**
 * A `now` that answers a frame we sent at `sentAt` (mono): the truth lies between the two ends of
 * the trip. Inside them the shortest trip wins; outside them the estimate is wrong and is replaced.
 * @returns {number} the round trip in ms, or -1 when the sample is unusable
 */
const roundTrip = (sentAt, serverNow) => {
  const least = leastOf(serverNow);
  const ms = ticks - sentAt;
  if (ms > TRIP_MAX_MS) return -1;
  sure = true; // as sure as it gets, if the server does not tell the time
  if (!(least > -Infinity)) return -1;
  if (!(offset >= least && offset <= least + ms && ticks - bestAt < SAMPLE_LIFE_MS && ms > bestRtt)) {
    offset = least + ms / 2;
    bestRtt = ms;
    bestAt = ticks;
  }
  return ms;
};
const messageOf = (e) => String((e && (e.message || e.errMsg)) || e);
const call = (name, value) => {
  if (options[name]) safely(name, options[name], value);
};
/** Stops this alert and no other, if it is the one that sounds. */
const cut = ({ id }) => {
  if (spoken && spoken.id === id) {
    speaking = false;
    hurry = true;
  }
};
const played = () => {
  if (!setAt) return;
  const first = !playAt;
  if (first) {
    playAt = mono();
    seen('load', playAt - setAt);
    if (setInEnded) seen('ended_sets');
  }
  flows();
  duds = 0;
  turn(PLAYING);
  // Stopped while it loaded: `tick` leaves it at once, and nothing has sounded.
  if (first && speaking) {
    report(spoken, PLAYING, spoken.plays + 1);
    become(spoken, 'sounding');
  }
};
const isOver = ({ state: is }) => !/q|ing/.test(is); // all but queued, sounding, waiting, answering
const isCard = ({ asks, state: is }) => asks && /^(pl|fa)/.test(is); // played or failed, and still wants its answer
const hush = (alert, reason) => {
  cut(alert);
  become(alert, STOPPED, reason);
};
/** Ends what is past its end by the server's time; a card that waits for an answer ends when the answer would be too late. */
const expire = () => all((alert) => sure && (inQueue(alert) || isCard(alert))).forEach((alert) => {
  const left = alert.ends - server();
  if (left > 0) later(left);
  else if (isCard(alert)) become(alert, EXPIRED, EXPIRED);
  else pass(alert, alert.plays && !alert.asks ? PLAYED : EXPIRED, EXPIRED);
});
// ==== answers ===================================================================================

// What the rider has answered, and what became of it. An answer is over with a final outcome and with nothing
// else: until then every new session is asked again, and its alert does not ring on this device any more.

/** @returns {boolean} false when this alert cannot be answered any more */
const answer = (id, word) => {
  if (!/^(accept|decline|confirm)$/.test(word)) throw TypeError('answer?');
  const alert = alerts[id];
  if (!alert || alert.state === STOPPED || isSaid(alert)) return false;
  hearOut();
  cut(alert); // it must not ring on while the answer travels
  const late = sure && server() >= (alert.answer_by || Infinity);
  if (late) {
    alert.outcome = 'gone'; // nobody was asked, because there is only one thing to be told
    become(alert, EXPIRED, EXPIRED);
  } else {
    awaited[id] = { answer: word, frame: assign({}, alert) };
    trim(awaited, AWAITED_MAX);
    hear(alert, ANY_RING, CLOSED);
    sendReceipt({ op: 'answer', id, answer: word });
    awaitOutcome(alert, word);
  }
  touch();
  return !late;
};
const awaitOutcome = (alert, word) => {
  alert.answer = word;
  become(alert, ANSWERING);
};
const finish = () => {
  if (!check) return;
  if (quietSince) seen('gap', mono() - quietSince); // still silent
  if (hiddenAt) seen('hidden', mono() - hiddenAt);
  check.tell(result());
  check = null;
};
/** Takes it up, and what is stored of the rider it speaks for. */
const useToken = (fresh, { app, sub } = claimsOf(fresh), name = 'orderbell.rider.' + [app, sub]) => {
  token = fresh;
  mustRenew = 0;
  if (name !== scope) take(readStored(name));
  scope = name;
};
// ---- receipts ----------------------------------------------------------------------------------

/** Numbers a receipt, keeps it until the server has it, and sends it. */
const sendReceipt = (receipt, numbered = assign({ n: counter += 1 }, receipt)) => {
  outbox.push(numbered);
  if (outbox.length > OUTBOX_MAX) outbox.shift(); // an answer is not lost by that: it is asked again as long as it is awaited
  save(); // before it is sent: a number is never used twice
  resendAt = resendAt || later(RESEND_MS);
  if (!send(numbered) && viaHttp) pollAt = later(0);
};
/** How many times this ring has sounded here; CLOSED when it must stay silent, by itself or because all rings must. */
const playsOf = (id, ring) => heardPlays[id + '/' + ANY_RING] || heardPlays[id + '/' + ring] || 0;
const hear = ({ id }, ring, plays, key = id + '/' + ring) => {
  delete heardPlays[key];
  heardPlays[key] = plays;
  trim(heardPlays, HEARD_MAX);
  save();
};
/** What a rider sees. */
const view = (sounding = status === PLAYING && speaking ? spoken.id : null) => ({
  // idle, connecting, ready, draining, backoff, offline, fatal
  connection: fatal ? 'fatal' : !begun ? 'idle' : live ? (draining ? 'draining' : 'ready') : next ? 'connecting' : online ? 'backoff' : 'offline',
  fatal,
  via: live ? 'socket' : viaHttp ? 'http' : null,
  audio: sounding ? 'sounding' : status,
  sounding,
  on_duty: onDuty,
  foreground: front,
  online,
  session,
  device,
});
/** How far ahead the server is at least, by a `now` that has just come from it; NaN if that is none. */
const leastOf = (serverNow) => {
  mono();
  return sane(serverNow, SEQ_MAX, NaN) - wall;
};
const trouble = (where, e) => note('error', { where, message: messageOf(e) });
/** Puts it into the queue; an older one about the same order, or one that is void, ends here. */
const line = (alert) => {
  alert.due = later(spread(alert));
  alert.state = QUEUED;
  merge(alert);
  expire();
  if (!inQueue(alert)) return;
  become(alert, QUEUED);
  const reason = status !== PLAYING ? status : speaking && 'busy';
  if (reason) report(alert, QUEUED, undefined, reason);
};
/**
 * How long a clip that a whole city is sent waits before it is first fetched, so that not all fetch it in the same
 * second. The silence runs meanwhile. An urgent one does not wait, and none so long that it could expire.
 */
const spread = ({ audio, urgency, fetched, ends }) => {
  const most = min(sane(audio.fetch_jitter_ms, LONG_MS), ends - server() - WAKE_MARGIN_MS);
  return urgency < 2 && fetched !== audio.url && most > 0 ? random() * most : 0;
};
const keepAlive = ({ clips: list, duration_ms: ms }) => {
  if (listOf(list).length) clips = list;
  silenceMs = max(SILENCE_MIN_MS, sane(ms, LONG_MS) || SILENCE_MS);
};
const patience = () => (front ? LOAD_MS : LOAD_HIDDEN_MS);
const load = (audio, alert, src = audio.url) => {
  heldAudio = audio;
  spoken = alert;
  speaking = !!alert;
  if (alert) alert.fetched = src;
  setAt = mono();
  playAt = stalledAt = retryAt = slept = 0;
  hurry = false;
  setInEnded = inEnded && !front;
  later(patience());
  if (status !== PLAYING) turn(LOADING);
  try {
    // The same src twice in a row is not defined to play; servers ignore the parameter.
    const unique = (src.indexOf('?') < 0 ? '?n=' : '&n=') + (alert ? setAt : flip = 1 - flip);
    play((/^http/.test(src) ? src : base.match(/\w+:..[^/]+/)[0] + src) + unique, (alert || labels).title, labels);
  } catch (e) {
    failed(e);
  }
};
/** Played so far, ms. A position that never moves must not stop it. */
const progress = () => max(player.currentTime * 1000 || 0, mono() - playAt - slept - SETTLE_MS);
const complete = () => {
  speaking = false;
  spoken.plays += 1;
  spoken.due = playAt + sentence + spoken.gap;
  hear(spoken, spoken.ring, spoken.plays);
  report(spoken, PLAYED, spoken.plays);
  become(spoken, spoken.plays < spoken.count ? 'waiting' : PLAYED);
};
/** A stall must not count as speech, nor a pause. */
const flows = () => {
  if (playAt && stalledAt) playAt += mono() - stalledAt;
  stalledAt = 0;
};
const failed = (error, why = messageOf(error), code = error.errCode || error.code || -1) => {
  if (!setAt) return;
  if (/permission/.test(why)) {
    refused(why);
  } else {
    note('audio_error', { code, id: (spoken || {}).id });
    flop('audio_' + code);
  }
};
/** This clip will not play: the canned one of its kind, once; for silence another format, or another host. */
const flop = (reason, url = heldAudio.fallback_url) => {
  if (speaking && url) {
    load({ url }, spoken);
    return;
  }
  if (speaking) {
    fail(reason);
    if (reason === HANGS) {
      spoken.due = later(RETRY_MS); // a weak network may be well again before the alert is void
      become(spoken, QUEUED);
    }
  } else if (!spoken) {
    clip += 1;
  }
  if (!spoken && (duds += 1) > clips.length) giveUp();
  else step();
};
const giveUp = () => {
  requeue();
  turn(BLOCKED);
  retryAt = later(front ? RETRY_FRONT_MS : RETRY_MS);
};
/** Paused on the lock screen, taken by other music, or interrupted by a call. Not fought: told. */
const halted = (as) => {
  if (!playAt || player.ended) return; // the old src making room, or a word before `ended`
  stalledAt = mono();
  requeue();
  turn(interrupted ? INTERRUPTED : as);
};
const interruption = (begins) => {
  interrupted = begins;
  if (!setAt) return;
  if (begins) {
    if (playAt && !isRunning()) requeue(); // what loads may still begin
    turn(INTERRUPTED);
    retryAt = later(RETRY_MS); // the end of an interruption may never be told
  } else if (status === INTERRUPTED && !playAt) {
    turn(LOADING);
  } else if (status === INTERRUPTED && isRunning()) {
    turn(PLAYING); // Android tells of interruptions that stop nothing when an app is hidden or shown
  } else if (status === INTERRUPTED || status === BLOCKED) {
    step();
  }
};
const isSaid = ({ state: is }) => /ans/.test(is); // answering, answered
/** It has been put down for good: this ring does not sound here any more. */
const putAway = (alert) => hear(alert, alert.ring, CLOSED);
/** The server has told everything that is open; what it does not name is silenced and forgotten. */
const keepOnly = (open, ids = open.map((item) => item && item.id)) => all(
  (alert) => ids.indexOf(alert.id) < 0 && alert.state !== ANSWERING, // whose answer will be told
).forEach((alert) => {
  if (!isOver(alert) || isCard(alert)) hush(alert, 'not_open');
  delete alerts[alert.id];
});
/** What was `pending` is asked again. What was never confirmed is in the outbox, and is sent from there. */
const askAgain = () => keys(awaited).forEach((id) => {
  if (!outbox.some((receipt) => receipt.op === 'answer' && receipt.id === id)) sendReceipt({ op: 'answer', id, answer: awaited[id].answer });
});
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
const askToken = (refresh, then, otherwise) => {
  const fail = (e) => enter('getToken', () => {
    otherwise();
    throw e;
  });
  new Promise((done) => done(getToken({ refresh }))).then((fresh) => {
    if (fresh && typeof fresh === 'string') enter('getToken', then, fresh);
    else fail('no token');
  }, fail);
};
/** Was the server heard within the last `ms`? Sockets may be dead for minutes before anybody says so. */
const heardWithin = (ms) => mono() - heardAt < ms;
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
/** The live link has shown life. */
const keep = () => {
  live.at = later(2.5 * heartbeat);
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
const readStored = (key) => {
  try {
    return storage.get(key) || {};
  } catch (e) {
    return {};
  }
};
/** Receipts that are confirmed are forgotten. */
const forget = (confirmed) => {
  outbox = outbox.filter((receipt) => !confirmed(receipt));
  save();
};
/** Everything the server has not confirmed, in order: after a welcome, and when it has been slow to. */
const sendAll = () => {
  outbox.forEach((receipt) => send(receipt));
  resendAt = outbox.length && later(RESEND_MS);
};
// ---- what was heard ----------------------------------------------------------------------------

const trim = (map, most, names = keys(map)) => {
  if (names.length > most) delete map[names[0]];
};
/** A newer server may say more: what we do not know we do not need. */
const read = (frame, link, take = OPS[frame.op]) => {
  if (take) take(frame, link);
};
/** Only what is known: a page that never started cannot say whether its rider is on duty. JSON leaves out the rest. */
const facts = () => ({ foreground: front, on_duty: onDuty, audio: audible });
const shown = (inFront) => {
  front = inFront;
  if (hiddenAt) seen('hidden', mono() - hiddenAt);
  hiddenAt = front ? 0 : mono();
  tell({ foreground: front });
  if (front) wakeUp(200);
  if (front && setAt && status !== 'paused') goOn(); // in front anything may be set; a pause is the rider's own wish
};
const skip = (type) => () => note(type, { id: view().sounding });
/**
 * A `now` the server sent some unknown time ago. Server time is at least that: a lower bound, so
 * it can raise the estimate and never lower it (frames queued during a suspend are minutes old).
 * @returns {boolean} true when the estimate should be checked by a round trip
 */
const hint = (serverNow) => {
  const least = leastOf(serverNow);
  if (least > offset) offset = least;
  return offset - least > SUSPICIOUS_MS;
};
// ---- commands ----------------------------------------------------------------------------------

/** From a tap, or in front again. Starts the silence, or resumes what a pause, a call or a refusal has stopped. */
const goOn = () => {
  interrupted = false;
  duds = 0;
  if (!(status === PLAYING && isRunning())) step();
};
const goOff = () => {
  setAt = 0;
  speaking = false;
  playAt = 0;
  quietSince = 0;
  turn('off');
  player[player.stop ? 'stop' : 'pause']();
};
// ---- what is due -------------------------------------------------------------------------------

/** On every frame, event and timer: expires what is void and changes the src when that is due and safe. */
const tick = () => {
  expire(); // off or on: a card must not wait for a sound that may not come any more
  if (due(retryAt) && (status === BLOCKED || (status === INTERRUPTED && isRunning()))) step();
  if (!setAt || !/ing/.test(status)) return; // playing, loading
  const alert = pick();
  if (speaking && spoken.kind === CHIME && (playAt || front) && alert && alert.urgency > spoken.urgency) {
    speaking = false; // a chime is not a sentence: it may be left for something more urgent
    pass(spoken, STOPPED, 'overtaken');
    step();
    return;
  }
  // A src that cannot load is the end of the background: without a word from the server the clip in hand is kept.
  const loads = front || heardWithin(live ? 1.5 * heartbeat : FRESH_MS);
  const since = playAt ? stalledAt : setAt;
  if (since) {
    if (!due(since + patience())) return;
    if (!playAt && isRunning() && player.duration > 0) {
      played(); // we were not told
    } else {
      if (!playAt) refused('');
      else if (loads) step();
      return;
    }
  }
  hearOut();
  const ends = playAt + total;
  if (speaking) {
    if (!due(ends + slept + END_GUARD_MS)) {
      later(sentence - progress() + SPIN_MS);
      return; // never cut mid-word
    }
    fail('stalled');
  }
  if (mono() > ends + LAST_CALL_MS) seen('ended_lost');
  const wanted = pick() || (spoken
    ? sure && !pick(ends - WAKE_MARGIN_MS) // else the repeat comes soon, and the tail is silence already in hand
    // Rolled early, so that `ended` never has to be relied on and half a clip is always left as a buffer.
    : (sure === null || due(ends - total / 2)) && heardWithin(FRESH_MS));
  if (due(ends - LAST_CALL_MS) || ((hurry || wanted) && loads)) step();
};
const moved = () => {
  if (!playAt && player.currentTime > 0) played(); // its `play` was lost
  flows();
};
const ended = () => {
  // While a src is in flight, `ended` speaks of the one before it.
  if (!playAt) return;
  seen('ended_seen');
  if (speaking) complete();
  inEnded = true;
  step();
  inEnded = false;
};
const takeAlert = (frame, link, { id, seq } = frame, known = alerts[id], alert = makeAlert(frame), isClosed = playsOf(id, alert.ring) === CLOSED) => {
  id.trim(); // throws for what is no text
  if (link && seq) {
    send({ op: 'ack', seqs: [seq] }); // received is not played: acked before anything else
    if (seq === cursor + 1) cursor = seq;
  }
  // What we had put down and is sent again is open, so it has a right to sound.
  const revives = known && /fai|sto/.test(known.state) && !isClosed;
  if (known && (known.ring > alert.ring || (known.ring === alert.ring && !revives) || isSaid(known))) return;
  const silent = isClosed || alert.plays >= alert.count;
  if (silent && !alert.asks) return; // heard in an earlier life of this page
  if (known) alert.fetched = known.fetched; // the older ring may end its sentence, and does not come back
  alerts[id] = alert;
  all(isOver).slice(0, -ALERTS_MAX).forEach((done) => delete alerts[done.id]);
  if (awaited[id]) awaitOutcome(alert, awaited[id].answer); // answered already, in an earlier life of the page: a card, and no sound
  else if (silent) become(alert, PLAYED);
  else line(alert);
};
/** Of those that say the same about one order only the newest is said. */
const merge = (alert) => all((other) => (
  inQueue(other) && other !== alert && alert.order_id && ['order_id', 'kind', 'asks'].every((name) => other[name] === alert[name]) && !alert.asks
)).forEach((other) => {
  const older = (alert.version - other.version || alert.seq - other.seq) < 0 ? alert : other;
  putAway(older);
  pass(older, STOPPED, 'merged');
});
const takeUpdate = ({ id, audio }, link, alert = alerts[id]) => {
  if (!alert || !audio || !audio.url) return;
  alert.audio = audio; // for the next sounding; the one in the ear is not disturbed
  if (alert.state === FAILED && alert.plays < alert.count) line(alert);
  else if (inQueue(alert)) alert.due = max(alert.due, later(spread(alert)));
};
const takeStop = ({ ids, reason }) => ids.forEach((id) => {
  const alert = alerts[id];
  if (!alert || alert.state === ANSWERED) return;
  putAway(alert);
  hush(alert, reason || STOPPED);
});
const silenceAll = (reason) => {
  goOff();
  all((alert) => !isOver(alert) && alert.state !== ANSWERING).forEach((alert) => hush(alert, reason));
};
/** Those that do not come any more, because the server waits for nothing but a verdict. */
const restoreAnswers = () => keys(awaited).forEach((id) => {
  if (alerts[id]) return;
  alerts[id] = makeAlert(awaited[id].frame);
  awaitOutcome(alerts[id], awaited[id].answer);
});
const checkUp = () => {
  if (!check) return;
  checkAt = min(check.ends, later(CHECK_PING_MS));
  ping();
  if (check.onProgress) safely('onProgress', check.onProgress, result());
  if (due(check.ends)) finish();
};
const ask = () => {
  if (!begun || live) return;
  askAgain();
  pollAt = later(POLL_MS);
  // In the background a request is as dead as a socket, unless sound keeps the app alive.
  if (options.http === false || !adapter.request || !token || !(front || status === PLAYING)) return;
  if (outbox.length) request('POST', 'receipts', { receipts: outbox });
  request('GET', 'alerts');
};
const renew = () => {
  renewAt = 0;
  askToken(true, (fresh) => {
    if (fresh !== token) send({ op: 'refresh', token: fresh });
    useToken(fresh);
    planRenewal();
  }, planRenewal);
};
const hangUp = () => {
  begun = viaHttp = false;
  attemptAt = pollAt = 0;
  shut(live);
  shut(next);
  live = next = null;
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
/** A welcome: what is open, how far we are, and what was left to say. */
const resume = (frame, open = listOf(frame.open).filter((item) => item)) => {
  keepAlive(frame.keepalive || {});
  if (behind) tell(facts());
  keepOnly(open);
  if (epoch !== frame.epoch) {
    cursor = 0; // the data were restored: what was counted means nothing
    epoch = String(frame.epoch);
  }
  restoreAnswers();
  if (open.every(({ id, ring }) => playsOf(id, ring) || alerts[id])) cursor = max(cursor, sane(frame.seq)); // nothing of it is missing here
  save();
  sendAll();
  askAgain(); // after it: numbers rise
};
const hello = () => {
  behind = false;
  return { op: 'hello', token, device, epoch, cursor, caps: { formats: ['mp3', 'm4a', 'wav'], sdk: SDK, platform: adapter.platform }, state: facts() };
};
/** Tells the app what is new to a rider. */
const tellState = (told = stringify(view())) => {
  if (told !== toldLast) {
    toldLast = told;
    call('onState', state());
  }
};
const selfTest = ({ duration_ms: wish, onProgress } = {}) => {
  finish();
  const done = new Promise((tell) => {
    check = { tell, onProgress, from: server(), ends: later(sane(wish, LONG_MS) || CHECK_MS) };
  });
  checkAt = 1;
  if (hiddenAt) hiddenAt = mono();
  touch();
  return { done, cancel: finish };
};
const begin = () => {
  if (begun) return;
  begun = true;
  fatal = null;
  renewed = false;
  failures = 0;
  pollAt = later(POLL_MS);
  build();
};
const setDuty = (on) => {
  onDuty = on;
  tell({ on_duty: on });
  if (options.anchor === 'location') safely('start', () => adapter.anchor(on, (message) => trouble('start', message)));
  touch();
};
// ==== device ====================================================================================

// What the app has given, and the device this runs on.

const { url, getToken } = options;
if (!getToken || !/^(ws|http)s?:../.test(url)) throw TypeError('url, getToken?');
const adapter = options.adapter || platform(options.player);
const { now = Date.now, random = Math.random, setTimer = setTimeout, clearTimer = clearTimeout, player, play } = adapter;
const storage = options.storage || adapter.storage;
const labels = assign({ title: '接单中' }, options.audio);
front = !adapter.hidden;
let wall = now();
/** How long the clip in hand is, and speaks: as told, but no longer than the player says. Whose sentence is over was heard. */
const hearOut = (
  real = sane(player.duration * 1000, LONG_MS),
  told = sane(heldAudio.duration_ms, LONG_MS),
  tail = sane(heldAudio.tail_ms, LONG_MS, TAIL_MS),
) => {
  total = min(told || real || UNKNOWN_MS, real || told || UNKNOWN_MS);
  sentence = total > tail ? total - tail : total;
  if (speaking && playAt && !stalledAt && progress() >= sentence) complete();
};
const makeAlert = (
  frame,
  { need } = frame,
  repeat = frame.repeat || {},
  ring = sane(frame.ring) || 1,
  count = sane(repeat.count, REPEATS_MAX) || 1,
  answerBy = epochMs(frame.answer_by),
  ends = min(epochMs(frame.expires_at) || Infinity, answerBy || Infinity),
) => assign({}, frame, {
  ring, count, ends,
  need: need || 'none',
  asks: need && need !== 'none',
  mode: frame.mode || { accept: 'assign', confirm: 'ack' }[need] || 'notify',
  seq: sane(frame.seq),
  version: sane(frame.version),
  urgency: sane(frame.urgency, 9, 1),
  title: String(frame.title || frame.text || labels.title),
  audio: frame.audio || {},
  gap: sane(repeat.gap_ms, LONG_MS),
  // Ours may be ahead of the server's count, when the last receipts were lost with the page.
  plays: max(count - sane(repeat.remaining, count, count), playsOf(frame.id, ring), 0),
  expires_at: ends < Infinity ? ends : null,
  answer_by: answerBy || null,
  state: QUEUED,
});
/** `answered{n,id,outcome}`. After `pending` another one follows, with the same n or with none that we know. */
const takeOutcome = (
  { n, id, outcome },
  link,
  pending = outcome === 'pending',
  alert = alerts[id],
  news = alert ? alert.state !== ANSWERED : awaited[id],
) => {
  if (!pending) delete awaited[id];
  forget((receipt) => receipt.n === n);
  if (!news) return; // said twice, or the words of before: an outcome does not change
  if (alert) {
    cut(alert);
    alert.outcome = outcome;
    become(alert, pending ? ANSWERING : ANSWERED, alert.reason);
  }
  note(ANSWERED, { id, n, outcome });
};
/** At most 4,096 bytes of JSON. What nothing was measured for is null. */
const result = (
  of = (what) => (check[what] || []).sort((a, b) => a - b),
  count = (what) => of(what).length,
  at = (what, share) => (count(what) ? Math.round(of(what)[floor(share * (count(what) - 1))]) : null),
  closes = {},
) => {
  of('closed').forEach((code) => { closes[code] = (closes[code] || 0) + 1; });
  return {
    device,
    platform: adapter.platform,
    started_at: check.from,
    ended_at: server(),
    denials: count('denied'),
    gaps: count('gap'),
    gap_ms_max: at('gap', 1) || 0,
    suspends: count('suspend'),
    suspend_ms_max: at('suspend', 1),
    hidden_ms: of('hidden').reduce((sum, ms) => sum + ms, 0),
    reconnects: count('closed'),
    closes,
    rtt_ms_p50: at('rtt', 0.5),
    rtt_ms_p95: at('rtt', 0.95),
    load_ms_p50: at('load', 0.5),
    load_ms_p95: at('load', 0.95),
    timer_late_ms_max: at('late', 1),
    ended_seen: count('ended_seen'),
    ended_lost: count('ended_lost'),
    ended_sets: count('ended_sets'),
    ended_denied: count('ended_denied'),
    notes: 'audio=' + status,
  };
};
const base = url.replace(/^ws/, 'http').replace(/socket([?#].*)?$/, '');
const REASONS = { 4000: 'bad_token', 4001: 'replaced', 4002: 'banned', 4105: 'token_expired' };
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
const saved = readStored(DEVICE_KEY);
const device = String(options.device || saved.id || 'dev_' + random());
let counter = saved.id === device ? sane(saved.n) : 0;
take({});
// ==== frames ====================================================================================

// What the server says, by its op. A frame that breaks one of these is told as an error, and nothing else.

const OPS = {
  welcome,
  bye,
  pong,
  alert: takeAlert,
  update: takeUpdate,
  stop: takeStop,
  answered: takeOutcome,
  ping({ now: at }) {
    failures = 0; // a link that has lived for a heartbeat has earned a fresh back-off
    send({ op: 'pong', now: at });
    if (hint(at)) measureAt = 1;
  },
  got({ n }) {
    forget((receipt) => receipt.n <= n); // an answer is awaited on, until its outcome
  },
  token({ token: fresh }) {
    fresh.trim();
    useToken(fresh);
    planRenewal();
    note('token'); // not its value: events end up in logs
  },
  event(frame) {
    note('event', frame);
  },
  chat(message) {
    note('chat', { message });
  },
  error(frame) {
    note('error', assign({ where: 'server' }, frame));
  },
};
/** By the names WeChat has for them. */
const DEVICE = {
  Play: played,
  TimeUpdate: moved,
  Ended: ended,
  Waiting() { if (playAt && !stalledAt) stalledAt = mono(); },
  Error: (error) => failed(error),
  Pause: () => halted('paused'),
  Stop: () => halted('stolen'),
  Prev: skip('prev'),
  Next: skip('next'),
  AppShow: () => shown(true),
  AppHide: () => shown(false),
  NetworkStatusChange: network,
  AudioInterruptionBegin: () => interruption(true),
  AudioInterruptionEnd: () => interruption(false),
  LocationChange: 0, // a chance to do what is due, like every event
};
// Known before any welcome, so that a tap can unlock the player without a network round trip.
// Beside our own path: a proxy may have put something before it.
keepAlive({ clips: ['m4a', 'mp3'].map((end) => base.replace(/v1.rider.$/, 'audio/silence/600.') + end) });
adapter.watch(keys(DEVICE), (name, detail) => enter('device', DEVICE[name], detail || {}));

  return {
    /** Opens the socket: no tap, no sound. */
    connect() {
      begin();
      touch();
    },
    /** From a tap: on duty, audible. */
    start() {
      if (status !== LOADING) goOn(); // first: the tap must still be on the stack when the player is touched
      begin();
      setDuty(true);
    },
    /** Off duty, silent. */
    stop() {
      silenceAll('off_duty');
      setDuty(false);
    },
    answer,
    /** For good. */
    close() {
      goOff();
      hangUp();
      finish();
      touch();
      over = true;
      if (timer) clearTimer(timer);
    },
    state,
    selfTest,
  };
};

module.exports = { createRider, wechatAdapter, uniAdapter };
}());

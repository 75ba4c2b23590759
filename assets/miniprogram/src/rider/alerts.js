// The alerts in hand. An alert is one ring: what its frame says, made safe to count with, and over it what has become
// of it here. Its `state` is the only truth about it: the queue is what is `queued` or `waiting`.

const ALERTS_MAX = 200; // finished cards of a shift; the oldest go first
const REPEATS_MAX = 100;
const LONG_MS = 3600000; // no gap, clip or jitter is longer


const inQueue = ({ state: is }) => /q|wai/.test(is);
const isSaid = ({ state: is }) => /ans/.test(is); // answering, answered
const isOver = ({ state: is }) => !/q|ing/.test(is); // all but queued, sounding, waiting, answering
const isCard = ({ asks, state: is }) => asks && /^(pl|fa)/.test(is); // played or failed, and still wants its answer

/** Those that pass a test. */
const all = (test) => keys(alerts).map((id) => alerts[id]).filter(test);

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

/** Tells the app what has become of it; not of an older ring of an alert that rings again. */
const become = (alert, is, reason) => {
  alert.state = is;
  alert.reason = reason;
  if (alerts[alert.id] === alert) call('onAlert', assign({}, alert));
};

/** Ends one without a sound, and says why: `failed`, or `skipped`. */
const pass = (alert, is, reason) => {
  report(alert, is === FAILED ? is : 'skipped', alert.plays + 1, reason);
  become(alert, is, reason);
};

const hush = (alert, reason) => {
  cut(alert);
  become(alert, STOPPED, reason);
};

const report = ({ id, ring }, is, play, reason) => sendReceipt({ op: 'report', id, ring, status: is, at: server(), play, reason });

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

/** It has been put down for good: this ring does not sound here any more. */
const putAway = (alert) => hear(alert, alert.ring, CLOSED);

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

/** The server has told everything that is open; what it does not name is silenced and forgotten. */
const keepOnly = (open, ids = open.map((item) => item && item.id)) => all(
  (alert) => ids.indexOf(alert.id) < 0 && alert.state !== ANSWERING, // whose answer will be told
).forEach((alert) => {
  if (!isOver(alert) || isCard(alert)) hush(alert, 'not_open');
  delete alerts[alert.id];
});

const silenceAll = (reason) => {
  goOff();
  all((alert) => !isOver(alert) && alert.state !== ANSWERING).forEach((alert) => hush(alert, reason));
};

/** Ends what is past its end by the server's time; a card that waits for an answer ends when the answer would be too late. */
const expire = () => all((alert) => sure && (inQueue(alert) || isCard(alert))).forEach((alert) => {
  const left = alert.ends - server();
  if (left > 0) later(left);
  else if (isCard(alert)) become(alert, EXPIRED, EXPIRED);
  else pass(alert, alert.plays && !alert.asks ? PLAYED : EXPIRED, EXPIRED);
});

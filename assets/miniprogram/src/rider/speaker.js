// What the ear gets. One player, never silent in the player's sense: a long clip of silence holds it
// between alerts, because in the background a phone lets an app set a new `src` only while audio plays.
// So nothing here stops, pauses or seeks; each step is a new src, set while the last one still runs.
// Sentence and tail: a clip speaks for `duration_ms - tail_ms`, then is silent. The tail is the time in
// which the next src is chosen.

const LOAD_MS = 6000; // src set, and no sign of play: the phone refused, or the network is gone
const LOAD_HIDDEN_MS = 4000; // in the background five seconds without sound are the end: told before
const END_GUARD_MS = 4000; // past its end by this much: `ended` was lost
const SETTLE_MS = 300; // the last syllable; players report play a little early
const LAST_CALL_MS = 1500; // offline, a clip is held as long as it lasts, minus this
const WAKE_MARGIN_MS = 22000; // timers may be held in the background; a heartbeat comes within this
const TAIL_MS = 45000;
const SILENCE_MS = 600000;
const SILENCE_MIN_MS = 10000;
const UNKNOWN_MS = 105000; // no length known: no sentence is longer than a minute, and `ended` will come before
const FRESH_MS = 1500; // heard so lately that a clip will surely load
const CHIME = 'order.taken'; // of a lost offer: it waits for others and never makes them wait

let clips = [];
let clip = 0;
let silenceMs;
let flip = 0; // silence has two names per clip: each src is new, and both stay in the cache

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

/** Stops this alert and no other, if it is the one that sounds. */
const cut = ({ id }) => {
  if (spoken && spoken.id === id) {
    speaking = false;
    hurry = true;
  }
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

// ---- choosing the next src ---------------------------------------------------------------------

/** The alert to sound now: the most urgent of those due (or soon due, by `soon`), the oldest of those equal. */
const pick = (soon) => sure && all((a) => inQueue(a) && (due(a.due) || a.due < soon)).sort((a, b) => b.urgency - a.urgency || a.seq - b.seq)[0];

/** Sets the next src, whatever it is. In `ended` and `error` this must happen before they return. */
const step = () => {
  requeue(); // a sentence that is not over has not been heard
  expire();
  const alert = pick();
  load(alert ? alert.audio : { url: clips[clip % clips.length], duration_ms: silenceMs }, alert);
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

const fail = (reason) => {
  speaking = false;
  pass(spoken, FAILED, reason);
};

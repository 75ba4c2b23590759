// What the player and the phone tell, and what follows at once: the next src must be set before `ended` and `error` return.

const RETRY_MS = 20000; // refused: try again at about the pace of heartbeats
const HANGS = 'no_play';
const RETRY_FRONT_MS = 3000; // in front a refusal may be the first moment of coming back

let audible; // the same as the server is told it: no sooner than it is known
let inEnded = false;
let setInEnded = false; // and in the background: does the phone allow it?
let duds = 0; // silent clips that did not play, one after the other

const isRunning = () => player.paused === false && !player.ended;

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

/** A stall must not count as speech, nor a pause. */
const flows = () => {
  if (playAt && stalledAt) playAt += mono() - stalledAt;
  stalledAt = 0;
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

const failed = (error, why = messageOf(error), code = error.errCode || error.code || -1) => {
  if (!setAt) return;
  if (/permission/.test(why)) {
    refused(why);
  } else {
    note('audio_error', { code, id: (spoken || {}).id });
    flop('audio_' + code);
  }
};

/** Set, and not played: by a word about permission, or by no word at all within the load guard. */
const refused = (message) => {
  note('denied', { where: setInEnded ? 'ended' : 'set', message: message || 'no play' });
  if (setInEnded) seen('ended_denied');
  if (!quietSince) quietSince = setAt;
  if (message || !front) giveUp(); // more tries change nothing: a tap, or coming to the front, does
  else flop(HANGS); // in front, it hangs in the network: it must not hold up the others
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

/** A sentence cut by the world, not by us, has not been heard: it will be said again from its start. */
const requeue = () => {
  if (!speaking) return;
  speaking = false;
  hurry = true;
  spoken.due = mono();
  become(spoken, QUEUED);
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

// Time: a count of milliseconds that never runs backwards (for deadlines), and the server's time
// (for everything that expires). The device's own clock is not trusted for either: riders set it by
// hand, and phones correct it by minutes.

const SUSPICIOUS_MS = 2000; // a slow one-way frame and a clock that jumped look alike; from here on only a round trip can tell
const SAMPLE_LIFE_MS = 600000; // crystals drift about 50 ppm: after ten minutes an old perfect sample is no better than a fair new one
const TRIP_MAX_MS = 20000; // a trip that seems longer has a jump of the clock in it, or a sleep: it measures nothing

// Is the server's time worth acting on? Not between a leap of the device's clock, or a sleep that looks like one, and the next trip.
let sure = false;
let ticks = 1; // never 0: a moment is always true
let wall = now();
let offset = -Infinity; // of the server; nothing known: any hint is better
let bestRtt;
let bestAt;

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

/** The server's time now, epoch ms; the device's own before the server has told any. */
const server = () => {
  mono();
  return Math.round(wall + (offset > -Infinity ? offset : 0));
};

/** How far ahead the server is at least, by a `now` that has just come from it; NaN if that is none. */
const leastOf = (serverNow) => {
  mono();
  return sane(serverNow, SEQ_MAX, NaN) - wall;
};

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

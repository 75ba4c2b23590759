// Time: a count of milliseconds that never runs backwards (for deadlines), and the server's time
// (for everything that expires). The device's own clock is not trusted for either: riders set it by
// hand, and phones correct it by minutes.

/** A slow one-way frame and a device clock that jumped look alike; from here on only a round trip can tell. */
const SUSPICIOUS_MS = 2000;
/** Crystals drift about 50 ppm: after ten minutes an old perfect sample is no better than a fair new one. */
const SAMPLE_LIFE_MS = 600000;

class Clock {
  /** @param {{now: function(): number}} adapter gives the device's wall clock in epoch ms */
  constructor(adapter) {
    this.adapter = adapter;
    this.wall = adapter.now();
    this.ticks = 0;
    this.offset = 0;
    this.synced = false;
    this.bestRtt = Infinity;
    this.bestAt = 0;
  }

  /** Milliseconds since construction. Never goes back; a clock set back by hand costs one step. */
  mono() {
    const wall = this.adapter.now();
    const step = wall - this.wall;
    this.wall = wall;
    if (step >= 0) this.ticks += step;
    else this.offset -= step; // the device went back, the server did not
    return this.ticks;
  }

  /** The server's time now, epoch ms. */
  server() {
    this.mono();
    return Math.round(this.adapter.now() + this.offset);
  }

  /**
   * A `now` the server sent some unknown time ago. Server time is at least that: a lower bound, so
   * it can raise the estimate and never lower it (frames queued during a suspend are minutes old).
   * @returns {boolean} true when the estimate should be checked by a round trip
   */
  hint(serverNow) {
    if (typeof serverNow !== 'number' || !isFinite(serverNow)) return false;
    this.mono();
    const floor = serverNow - this.adapter.now();
    if (!this.synced || floor > this.offset) {
      this.offset = floor;
      this.synced = true;
      return false;
    }
    return this.offset - floor > SUSPICIOUS_MS;
  }

  /**
   * A `now` that answers a frame we sent at `sentAt` (mono): the truth lies between the two ends of
   * the trip. Inside them the shortest trip wins; outside them the estimate is wrong and is replaced.
   * @returns {number} the round trip in ms, or -1 when the sample is unusable
   */
  roundTrip(sentAt, serverNow) {
    const at = this.mono();
    const rtt = at - sentAt;
    if (typeof serverNow !== 'number' || !isFinite(serverNow) || rtt < 0) return -1;
    const floor = serverNow - this.adapter.now();
    const outside = this.offset < floor || this.offset > floor + rtt;
    const aged = at - this.bestAt > SAMPLE_LIFE_MS;
    if (!this.synced || outside || aged || rtt <= this.bestRtt) {
      this.offset = floor + rtt / 2;
      this.synced = true;
      this.bestRtt = rtt;
      this.bestAt = at;
    }
    return rtt;
  }
}

/** Epoch ms from what the server may send: a number, or an RFC 3339 string. NaN when it is neither. */
function epochMs(value) {
  if (typeof value === 'number') return value;
  return typeof value === 'string' ? Date.parse(value) : NaN;
}

module.exports = { Clock, epochMs };

// The self-check: what this phone really allows. It only listens and pings; the rider hides the app
// meanwhile, and the figures tell whether alerts would have been heard.

const PING_MS = 10000;
const DURATION_MS = 600000; // ten minutes: past every limit a platform is known to have

class SelfTest {
  /** @param options {duration_ms?: 10 s to 1 h, onProgress?: function(partial result)} */
  constructor(rider, options) {
    const wish = options.duration_ms > 0 ? options.duration_ms : DURATION_MS;
    this.rider = rider;
    this.onProgress = options.onProgress;
    this.startedAt = rider.clock.server();
    this.endAt = rider.clock.mono() + Math.min(Math.max(wish, 10000), 3600000);
    this.pingAt = rider.clock.mono();
    this.tally = { denials: 0, gaps: 0, gap_ms_max: 0, suspends: 0, reconnects: 0 };
    this.suspendMax = 0;
    this.rtts = [];
    this.done = new Promise((resolve) => { this.resolve = resolve; });
  }

  handle() {
    return { done: this.done, cancel: () => this.finish('cancelled') };
  }

  note(event) {
    const { tally } = this;
    if (event.type === 'denied') tally.denials += 1;
    if (event.type === 'closed') tally.reconnects += 1;
    if (event.type === 'rtt') this.rtts.push(event.ms);
    if (event.type === 'gap') this.gap(event.ms);
    if (event.type === 'suspend') {
      tally.suspends += 1;
      this.suspendMax = Math.max(this.suspendMax, event.ms);
    }
  }

  gap(ms) {
    this.tally.gaps += 1;
    this.tally.gap_ms_max = Math.max(this.tally.gap_ms_max, Math.round(ms));
  }

  run() {
    const now = this.rider.clock.mono();
    if (now >= this.endAt) {
      this.finish('');
    } else if (now >= this.pingAt) {
      this.pingAt = now + PING_MS;
      this.rider.connection.ping(0);
      if (typeof this.onProgress === 'function') this.onProgress(this.result(''));
    }
  }

  dueAt() {
    return Math.min(this.pingAt, this.endAt);
  }

  finish(why) {
    if (this.rider.test !== this) return;
    this.rider.test = null;
    const { speaker, clock } = this.rider;
    if (speaker.quietSince !== null) this.gap(clock.mono() - speaker.quietSince); // still silent
    this.resolve(this.result(why));
  }

  result(why) {
    const { rider } = this;
    const sorted = this.rtts.slice().sort((a, b) => a - b);
    const at = (share) => (sorted.length ? Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]) : null);
    const notes = [why, this.suspendMax ? 'suspend_ms_max=' + Math.round(this.suspendMax) : '', 'audio=' + rider.speaker.status];
    return Object.assign({
      device: rider.memory.device, platform: rider.adapter.platform,
      started_at: this.startedAt, ended_at: rider.clock.server(),
    }, this.tally, { rtt_ms_p50: at(0.5), rtt_ms_p95: at(0.95), notes: notes.filter(Boolean).join('; ') });
  }
}

module.exports = { SelfTest };

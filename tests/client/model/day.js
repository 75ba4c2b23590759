'use strict';
// A shift: eight hours of orders, a rider, a phone and a bad day, drawn from one seed, with the oracle looking on.

const { rig, TAIL_MS } = require('./rig.js');
const { Oracle } = require('./oracle.js');
const { FAULTS } = require('./faults.js');
const { chance } = require('./dice.js');

const SEC = 1000;
const MIN = 60000;
const HOUR = 3600000;
const PEACE_MS = 4 * MIN;

/** The mix of rules of one seed: strict in most, with the reported oddities here and there. */
function drawRules(c) {
  const some = (share, rules) => (c.odds(share) ? rules : {});
  return Object.assign(
    { preset: c.one(['strict', 'strict', 'strict', 'android', 'ios', 'lenient']) },
    { loadMs: c.one([[60, 200], [80, 900], [150, 2500]]) },
    { timers: c.one(['ok', 'ok', 'held', 'batched', 'dead', 'dead']), timerHoldMs: c.between(5000, 60000) },
    some(0.4, { loseEnded: c.one([0.05, 0.5, 1]) }), some(0.2, { losePlay: c.one([0.01, 0.05]) }), some(0.5, { loseClose: c.one([0.3, 1]) }),
    some(0.2, { errorMay: false }), some(0.2, { pauseOnSet: 0.3 }), some(0.2, { pausedLies: true }), some(0.3, { denial: c.one(['error', 'throw']) }),
    some(0.3, { aheadMs: 120000 }), some(0.3, { stallErrorMs: 0 }), some(0.3, { loadTimeoutMs: 0 }), some(0.2, { spuriousInterruption: true }),
    some(0.2, { voiceResumes: false }), some(0.3, { sendDead: c.one(['throw', 'now']) }), some(0.3, { closeCodes: [1006, 1000, 0, 1001] }),
    some(0.2, { stolenAs: 'Pause' }), some(0.2, { destroyMs: 600000 }), some(0.2, { positionHidden: true }),
  );
}

class Shift {
  /**
   * @param {{seed: number, hours?: number, rules?: object, faults?: string[], sdk?: object, orderMin?: number,
   *   every?: number, plain?: boolean}} wish
   *   faults: names of FAULTS, drawn if absent; every: ms between two of them; orderMin: minutes between two orders;
   *   plain: an order stays as it was sent
   */
  constructor(wish) {
    this.wish = wish;
    const c = chance(wish.seed);
    this.c = c;
    this.rules = wish.rules || drawRules(c);
    const { random } = chance(wish.seed + 100000);
    this.r = rig({ phone: this.rules, random, sdk: wish.sdk, token: () => this.token() });
    this.oracle = new Oracle(this.r, { http: wish.http });
    this.counts = {};
    this.alerts = 0;
    this.next = []; // what is wrong with the next clip
    this.names = wish.faults || Object.keys(FAULTS).filter(() => c.odds(0.6));
    const { r } = this;
    r.phone.env.random = chance(wish.seed + 200000).random;
    r.phone.clockError = c.one([0, 0, -3 * HOUR, 5 * MIN, 20 * HOUR]);
    r.phone.files.set('/audio/c/odd.mp3', 48000);
    r.phone.sentences.set('/audio/c/odd.mp3', 48000); // whatever it says, nothing else can be said meanwhile
    r.phone.launchApp = () => this.launch();
    this.later = (ms, run) => r.world.at(ms, () => { if (!this.over) run(); });
  }

  token() {
    return Array.from(this.r.server.tokens).pop();
  }

  async run() {
    const { r, wish } = this;
    await r.advance(10); // the rig has made a rider; it is this shift's first app
    r.rider.start();
    this.oracle.duty(true);
    await r.world.advance(3 * SEC);
    this.orders();
    this.visits();
    this.mischief();
    await r.world.advance((wish.hours || 8) * HOUR);
    this.over = true;
    await this.peace();
    return this.result();
  }

  // ---- the rider ---------------------------------------------------------------------------------

  /** The app starts anew, with its storage: it connects, and the rider taps. */
  launch() {
    const { r } = this;
    r.rider = r.open();
    r.rider.connect();
    this.later(this.c.between(SEC, 4 * SEC), () => this.tap());
  }

  tap() {
    const { r, oracle } = this;
    if (!r.phone.alive || !r.phone.front || r.phone.interrupted) return;
    if (oracle.started && oracle.taken !== 'paused') return;
    oracle.say('tap');
    oracle.duty(true);
    this.touch(() => r.rider.start());
  }

  /** A call into the client from the app; it must not throw. */
  touch(run) {
    this.r.phone.deliver(run);
  }

  show(ms) {
    const { r } = this;
    if (r.phone.interrupted || this.resting) return;
    if (!r.phone.front) r.phone.show();
    this.visitEnds = r.world.now + ms;
    this.later(2 * SEC, () => this.tap());
    this.later(ms, () => { if (r.world.now >= this.visitEnds) r.phone.hide(); });
  }

  visits() {
    const { c } = this;
    this.show(c.between(5 * SEC, 30 * SEC));
    const again = () => {
      if (c.odds(0.08)) this.rest();
      else this.show(c.one([c.between(3 * SEC, 20 * SEC), c.between(SEC, 5 * SEC), c.between(MIN, 4 * MIN)]));
      this.later(c.between(3 * MIN, 30 * MIN), again);
    };
    this.later(c.between(3 * MIN, 30 * MIN), again);
  }

  /** Off duty for a while: the server ends what is open. */
  rest() {
    const { r, c, oracle } = this;
    if (!r.phone.alive || !oracle.started || r.phone.interrupted) return;
    if (!r.phone.front) r.phone.show();
    this.resting = true;
    oracle.say('off duty');
    oracle.duty(false);
    r.server.open.clear();
    this.touch(() => r.rider.stop());
    this.later(c.between(MIN, 10 * MIN), () => {
      this.resting = false;
      this.show(10 * SEC);
    });
  }

  answer(id, need) {
    const { r, oracle } = this;
    if (!r.phone.alive || !r.server.open.has(id) || r.phone.interrupted || this.resting) return;
    this.show(this.c.between(5 * SEC, 40 * SEC));
    oracle.answered(id);
    this.touch(() => {
      r.rider.answer(id, need === 'confirm' ? 'confirm' : this.c.one(['accept', 'accept', 'decline']));
      r.server.settle(id, 'recorded');
    });
  }

  // ---- the backend -------------------------------------------------------------------------------

  orders() {
    const { c } = this;
    const mean = (this.wish.orderMin || 5) * MIN;
    const again = () => {
      const burst = c.odds(0.06) ? c.between(3, 7) : 1;
      for (let i = 0; i < burst; i += 1) this.later(i * c.upTo(SEC), () => this.order({}));
      this.later(-Math.log(1 - c.random()) * mean, again);
    };
    again();
  }

  order(more) {
    const { r, c, oracle } = this;
    if (!oracle.started) return;
    this.alerts += 1;
    const id = `alr_${this.alerts}`;
    const sentence = (more && more.sentence) || c.between(1500, 7000);
    const need = c.one(['none', 'none', 'confirm', 'accept']);
    const ttl = c.one([c.between(15 * SEC, MIN), c.between(MIN, 4 * MIN)]);
    const count = c.one([1, 1, 2, 3]);
    const flaw = this.next.shift();
    const frame = Object.assign({
      id, need, ttl_ms: ttl, urgency: c.one([0, 1, 1, 2, 2, 3]), order_id: `M${this.alerts}`, kind: c.odds(0.05) ? 'order.taken' : `order.k${this.alerts}`,
      audio: this.audio(id, 1, sentence, flaw), repeat: { count, remaining: count, gap_ms: c.between(2 * SEC, 12 * SEC) },
    }, more);
    if (frame.need === 'accept') frame.answer_by = r.world.now + Math.min(frame.ttl_ms, c.between(10 * SEC, ttl + SEC));
    frame.expires_at = r.world.now + frame.ttl_ms;
    this.announce(frame, sentence, flaw);
    r.server.alert(frame);
    if (!this.wish.plain) this.follow(frame, sentence);
    return frame;
  }

  announce(frame, sentence, flaw) {
    const sent = Object.assign({ ring: 1 }, frame);
    const entry = this.oracle.order(sent, sentence);
    entry.silent = flaw === 'hanging';
    this.oracle.say(`order ${sent.id}/${sent.ring} urgency ${sent.urgency} for ${Math.round((entry.endsAt - this.r.world.now) / SEC)} s, ${sent.repeat.count} times ${flaw || ''}`);
  }

  audio(id, ring, sentence, flaw) {
    const { phone } = this.r;
    const url = `/audio/c/${id}.${ring}.mp3`;
    const canned = `/audio/canned/${id}.${ring}.mp3`;
    if (flaw === 'hanging') phone.hanging.add(url);
    if (flaw !== 'missing') phone.files.set(url, sentence + TAIL_MS);
    phone.files.set(canned, 2000 + TAIL_MS);
    return { url, fallback_url: canned, mime: 'audio/mpeg', duration_ms: sentence + TAIL_MS, tail_ms: TAIL_MS };
  }

  /** What becomes of an order later: void, taken back, rung again, a better clip, an answer. */
  follow(frame, sentence) {
    const { r, c, oracle } = this;
    const { id } = frame;
    const open = () => r.server.open.has(id);
    const end = (reason) => () => {
      if (!open()) return;
      oracle.endAll(id);
      if (reason === 'expired' && c.odds(0.4)) r.server.open.delete(id); // its word came too late: the client has a clock as well
      else r.server.stop(id, reason);
    };
    this.later(Math.min(frame.expires_at, frame.answer_by || Infinity) - r.world.now + c.upTo(SEC), end('expired'));
    if (c.odds(0.15)) this.later(c.upTo(40 * SEC), end(c.one(['cancelled', 'taken', 'superseded', 'merged', 'answered_elsewhere'])));
    if (c.odds(0.2)) this.later(c.between(10 * SEC, 60 * SEC), () => { if (open()) this.ring(id, sentence); });
    if (c.odds(0.1)) this.later(c.upTo(20 * SEC), () => { if (open()) this.better(id, sentence); });
    if (frame.need !== 'none' && c.odds(0.6)) this.later(c.between(3 * SEC, 40 * SEC), () => { if (open()) this.answer(id, frame.need); });
  }

  ring(id, sentence) {
    const { r } = this;
    const before = r.server.open.get(id);
    const audio = this.audio(id, before.ring + 1, sentence);
    const count = before.repeat.count;
    this.announce(Object.assign({}, before, { ring: before.ring + 1, audio, repeat: Object.assign({}, before.repeat, { remaining: count }) }), sentence);
    r.server.ring(id, { audio });
  }

  better(id, sentence) {
    const { r, oracle } = this;
    const alert = r.server.open.get(id);
    const audio = this.audio(id, `${alert.ring}b`, sentence);
    const entry = oracle.rings.get(`${id}/${alert.ring}`);
    oracle.clip(entry, audio.url, sentence);
    oracle.clip(entry, audio.fallback_url, 2000);
    alert.audio = audio;
    r.server.push({ op: 'update', id, audio });
  }

  // ---- the world ---------------------------------------------------------------------------------

  mischief() {
    const { c, names } = this;
    if (!names.length) return;
    const mean = this.wish.every || 8 * MIN;
    const again = () => {
      this.fault(c.one(names));
      this.later(-Math.log(1 - c.random()) * mean, again);
    };
    this.later(-Math.log(1 - c.random()) * mean, again);
  }

  fault(name) {
    this.counts[name] = (this.counts[name] || 0) + 1;
    this.oracle.say(`fault ${name}`);
    FAULTS[name](this);
  }

  /** Everything is well again, and must be found so: the last order is heard, and every receipt arrives. */
  async peace() {
    const { r, oracle } = this;
    const { phone, server } = r;
    Object.assign(server, { up: true, audioUp: true, blocked: false, keepsReceipts: true });
    phone.files.set('/audio/silence/600.m4a', 600000);
    phone.storage = 'ok';
    if (phone.interrupted) await r.world.advance(5 * SEC); // a voice ends by itself
    if (phone.interrupted) phone.hangUp();
    phone.weak(1, 1);
    phone.network(true);
    this.resting = false;
    phone.hide();
    phone.show();
    await r.world.advance(5 * SEC);
    this.tap();
    await r.world.advance(MIN);
    this.next = [];
    this.order({ id: 'alr_last', need: 'none', urgency: 3, ttl_ms: 100 * SEC, kind: 'order.last', order_id: 'last', repeat: { count: 1, remaining: 1, gap_ms: 0 } });
    await r.world.advance(PEACE_MS);
    const last = oracle.rings.get('alr_last/1');
    if (!last || !last.whole) oracle.wrong('last', 'the last order was not heard');
    oracle.close();
    oracle.started = false;
    r.rider.close();
  }

  result() {
    const { oracle, r, counts } = this;
    return {
      seed: this.wish.seed, hours: this.wish.hours || 8, rules: this.rules, violations: oracle.violations, trace: oracle.trace, faults: counts,
      alerts: oracle.rings.size, heard: oracle.figures.heard, gapMax: oracle.figures.gapMax, sockets: r.phone.socketsMost,
      denials: r.phone.denials, suspensions: r.phone.suspensions, destructions: r.phone.destructions, events: r.world.done, falls: oracle.figures.falls,
    };
  }
}

/** A rider on the road, nothing going on: for a test that says what happens. @returns {Promise<Shift>} */
async function stage(rules, more) {
  const s = new Shift(Object.assign({ seed: 1, faults: [], plain: true, http: true, rules: Object.assign({ loadMs: [120, 120] }, rules) }, more));
  s.r.phone.clockError = 0;
  await s.r.advance(10);
  s.r.rider.start();
  s.oracle.duty(true);
  await s.r.advance(2 * SEC);
  s.r.phone.hide();
  await s.r.advance(SEC);
  return s;
}

/** @returns {Promise<object>} what came of one shift */
function shift(wish) {
  return new Shift(wish).run();
}

module.exports = { shift, stage, Shift, drawRules };

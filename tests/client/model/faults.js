'use strict';
// What goes wrong in a day, by name. Each takes the shift and may come back to put things right.

const MIN = 60000;

/** Frames that are none, or that nobody sane would send; some look like alerts. */
const ABSURD = [
  '{', 'null', '[]', '7', '"op"', '{"op":3}', '{"op":"alert"}', '{"op":"alert","id":7,"seq":1}', '{"op":"stop"}', '{"op":"stop","ids":"alr_1"}',
  '{"op":"stop","ids":[null,7,{}]}', '{"op":"update","id":"x"}', '{"op":"update","id":"x","audio":{"url":7}}', '{"op":"got"}', '{"op":"got","n":"all"}',
  '{"op":"answered"}', '{"op":"hologram","x":1}', '{"op":"ping"}', '{"op":"ping","now":1e300}', '{"op":"pong","now":"soon"}', '{"op":"welcome"}', '{"op":"token"}',
  '{"op":"event"}', '{"op":"chat"}', '{"op":"error"}', '{"op":"bye"}', '{"op":"__proto__"}', '{"op":"constructor"}', '{"op":"toString"}',
  '{"op":"alert","id":"odd_1","seq":-5,"ring":"two","urgency":"high","expires_at":"later","audio":null}',
  '{"op":"alert","id":"odd_2","seq":1e300,"ring":1e300,"urgency":9,"expires_at":-1,"audio":{"url":"/audio/c/odd.mp3"}}',
  '{"op":"alert","id":"odd_3","urgency":0,"audio":{"url":"ftp://x/y"},"repeat":7}',
  '{"op":"alert","id":"odd_4","urgency":0,"audio":{"url":"/audio/c/odd.mp3","duration_ms":-5,"tail_ms":"x"},"repeat":{"count":-1,"gap_ms":-1}}',
  '{"op":"alert","id":"odd_5","urgency":0,"expires_at":{},"audio":{"url":"/audio/c/odd.mp3","duration_ms":1e300,"tail_ms":1e301},"repeat":{"count":1,"gap_ms":1e300}}',
];

const every = (sockets, run) => Array.from(sockets).forEach(run);

const FAULTS = {
  kill({ r }) { every(r.phone.openSockets(), (s) => s.kill({ told: true })); },
  kill_untold({ r }) { every(r.phone.openSockets(), (s) => s.kill({ told: false })); },
  half_open({ r, oracle }) {
    every(r.phone.openSockets(), (s) => { s.hollow = true; });
    oracle.on_link({ what: 'half open' });
  },
  close_code({ r, c }) {
    const code = c.one([1000, 0, 1001, 1006, 4101, 4102, 4103, 4104]);
    every(r.server.sessions, (s) => r.server.drop(s, code));
  },
  tunnel(day) { cut(day, day.c.between(30000, 10 * MIN)); },
  blink(day) { cut(day, day.c.between(500, 6000)); },
  weak({ r, c, later }) {
    r.phone.weak(c.one([0.002, 0.02, 0.2]), c.between(5, 60));
    later(c.between(20000, 3 * MIN), () => r.phone.weak(1, 1));
  },
  server_restart(day) { down(day, day.c.between(3000, 60000)); },
  server_drain({ r, c, later }) {
    const old = Array.from(r.server.sessions);
    old.forEach((s) => s.down({ op: 'bye', code: 4100, retry_after_ms: c.upTo(5000) }));
    later(15000, () => old.forEach((s) => s.shut(4100, 'draining')));
  },
  restore(day) {
    const { r } = day;
    r.server.epoch += 'x';
    r.server.seq = Math.max(0, r.server.seq - 5);
    down(day, 4000);
  },
  token_expiry({ r }) {
    r.server.tokens.clear();
    r.server.tokens.add(`tok-${r.world.now}`);
    every(r.server.sessions, (s) => r.server.drop(s, 4105));
  },
  proxy({ r, c, oracle, later }) {
    r.server.blocked = true;
    every(r.phone.openSockets(), (s) => s.kill({ told: true }));
    oracle.on_link({ what: 'blocked' });
    later(c.between(MIN, 4 * MIN), () => { r.server.blocked = false; oracle.on_link({ what: 'free' }); });
  },
  receipts_unheard({ r, c, later }) {
    r.server.keepsReceipts = false;
    later(c.between(20000, 2 * MIN), () => { r.server.keepsReceipts = true; });
  },
  short_call(day) { call(day, day.c.between(1000, 4500)); },
  long_call(day) { call(day, day.c.between(20000, 4 * MIN)); },
  /** A short call, in front, right into a sentence. */
  cutting_call(day) {
    day.show(90000);
    day.later(5000, () => day.order({ need: 'none', urgency: 3, ttl_ms: 200000, sentence: 6000 }));
    day.later(8000, () => call(day, 3000));
  },
  voice({ r, c, later }) {
    for (let i = 0; i < 10; i += 1) later(i * 30000, () => r.phone.voice(c.between(1500, 4000)));
  },
  stolen(day) { take(day, 'stolen', day.r.phone.rules.stolenAs); },
  paused(day) { take(day, 'paused', 'Pause'); },
  spurious_interruption({ r }) {
    r.phone.fire('AudioInterruptionBegin');
    r.phone.fire('AudioInterruptionEnd');
  },
  battery_kill(day) {
    day.r.phone.destroy();
    if (day.c.odds(0.5)) day.later(day.c.between(5000, 60000), () => day.show(20000));
  },
  /** Its last receipts are in the storage and nowhere else. */
  killed_unheard(day) {
    const { r, c, later } = day;
    r.server.keepsReceipts = false;
    day.order({ ttl_ms: 200000 });
    later(c.between(5000, 15000), () => r.phone.destroy());
    later(20000, () => day.show(30000));
    later(40000, () => { r.server.keepsReceipts = true; });
  },
  /** An order ends while its socket is down: only the next welcome can say so. */
  ended_unheard(day) {
    const { r, oracle, later } = day;
    const frame = day.order({ ttl_ms: 200000, repeat: { count: 3, remaining: 3, gap_ms: 10000 } });
    if (!frame) return;
    later(5000, () => {
      every(r.phone.openSockets(), (s) => s.kill({ told: true }));
      oracle.endAll(frame.id);
      r.server.open.delete(frame.id);
    });
  },
  clock_forward(day) { jump(day, day.c.between(30000, 3 * 60 * MIN)); },
  clock_back(day) { jump(day, -day.c.between(30000, 3 * 60 * MIN)); },
  speech_missing(day) { day.next.push('missing'); },
  speech_hangs(day) { day.next.push('hanging'); },
  silence_missing({ r, c, later }) {
    r.phone.files.delete('/audio/silence/600.m4a');
    later(c.between(2 * MIN, 20 * MIN), () => r.phone.files.set('/audio/silence/600.m4a', 600000));
  },
  storage_full(day) { store(day, 'full'); },
  storage_gone(day) { store(day, 'gone'); },
  absurd_frames({ r, c }) { for (let i = 0; i < 6; i += 1) r.server.push(c.one(ABSURD)); },
  hidden_silent({ r, oracle }) {
    if (r.phone.front) return;
    oracle.unheard();
    r.phone.halt(null); // the system took the player and said nothing
  },
};

function cut({ r, c, later }, ms) {
  if (!r.phone.connected) return;
  const quiet = c.odds(0.2);
  r.phone.network(false, quiet);
  later(ms, () => r.phone.network(true, quiet));
}

function down({ r, later, oracle }, ms) {
  r.server.up = false;
  r.server.audioUp = false;
  every(r.phone.openSockets(), (s) => s.kill({ told: true }));
  oracle.on_link({ what: 'server down' });
  r.phone.player.plan();
  later(ms, () => {
    r.server.up = true;
    r.server.audioUp = true;
    oracle.on_link({ what: 'server up' });
    r.phone.player.plan();
  });
}

function call({ r, later }, ms) {
  if (!r.phone.alive || r.phone.interrupted) return;
  const { front } = r.phone;
  r.phone.call();
  r.phone.hide(); // the call is in front now
  later(ms, () => {
    r.phone.hangUp();
    if (front) later(500, () => r.phone.show());
  });
}

function take({ r, oracle }, how, event) {
  if (!r.phone.alive || !r.phone.player.playing) return;
  oracle.take(event === 'Pause' ? 'paused' : how); // who took it is not told: a pause looks like the rider's own
  r.phone.halt(event);
}

function jump({ r, oracle }, ms) {
  r.phone.clockError += ms;
  oracle.jumped();
}

function store({ r, c, oracle, later }, how) {
  r.phone.storage = how;
  oracle.forgets();
  later(c.between(MIN, 10 * MIN), () => { r.phone.storage = 'ok'; });
}

module.exports = { FAULTS, ABSURD };

'use strict';
// Shifts of eight hours, each with its own phone and its own bad day, judged by the oracle. SEEDS=n runs more of them,
// SEED=n one alone and prints what happened, PHONE=file.json gives every shift the rules of a phone that was measured.

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { shift } = require('./model/day.js');
const { rulesOf } = require('./model/rules.js');

const HOURS = 8;
const { SEED, SEEDS, PHONE } = process.env;
const seeds = SEED ? [Number(SEED)] : Array.from({ length: Number(SEEDS) || 24 }, (_, i) => i + 1);
const PHONES = path.join(__dirname, 'model/phones');

const unhandled = [];
process.on('unhandledRejection', (error) => unhandled.push(error));

function add(into, from) {
  Object.keys(from).forEach((name) => { into[name] = (into[name] || 0) + from[name]; });
}

function report(shifts, what) {
  const faults = {};
  const sum = (name) => shifts.reduce((all, s) => all + s[name], 0);
  const most = (name) => Math.round(Math.max(...shifts.map((s) => s[name])));
  shifts.forEach((s) => add(faults, s.faults));
  const kinds = Object.keys(faults).sort().map((name) => `${name} ${faults[name]}`).join(', ');
  const wrong = shifts.reduce((all, s) => all + s.violations.length, 0);
  console.log(`figures: ${what}: ${sum('hours')} h simulated, ${shifts.length} seeds, ${sum('alerts')} rings of alerts, ${sum('heard')} sentences heard, `
    + `faults: ${kinds}, suspensions ${sum('suspensions')}, ends of the app ${sum('destructions')}, src refused ${sum('denials')}, `
    + `sockets at most ${most('sockets')}, longest change of clip ${most('gapMax')} ms, violations ${wrong}`);
}

function judge(s) {
  const told = s.violations.slice(0, 5).map((v) => `${v.kind}: ${v.text}`).join('\n');
  assert.equal(s.violations.length, 0, `SEED=${s.seed} (rules ${JSON.stringify(s.rules)})\n${told}`);
  assert.ok(s.sockets <= 5, `${s.sockets} sockets`);
}

test(`shifts of ${HOURS} h from ${seeds.length} seeds: no order missed, none stale, none twice, every receipt kept`, async () => {
  const phone = PHONE && rulesOf(JSON.parse(fs.readFileSync(PHONE, 'utf8')));
  const shifts = [];
  for (const seed of seeds) {
    const s = await shift({ seed, hours: HOURS, http: true, rules: phone || undefined });
    if (SEED) console.log(s.trace.join('\n'));
    delete s.trace;
    shifts.push(s);
  }
  report(shifts, PHONE ? path.basename(PHONE) : 'shifts');
  shifts.forEach(judge);
  assert.deepEqual(unhandled, [], 'no promise is left without a handler');
});

test('a quiet shift with every timer dead in the background: the socket alone keeps it going', async () => {
  const faults = ['short_call', 'absurd_frames', 'spurious_interruption', 'speech_missing', 'receipts_unheard', 'silence_missing', 'server_drain'];
  const shifts = [];
  for (let seed = 501; seed <= 504; seed += 1) {
    shifts.push(await shift({ seed, hours: HOURS, http: true, rules: { timers: 'dead', loseEnded: 1, loadMs: [60, 900] }, faults }));
  }
  report(shifts, 'timers dead');
  shifts.forEach(judge);
});

test('the rules of phones that were measured: the files of phones/ give a shift each', async () => {
  const files = fs.readdirSync(PHONES).filter((name) => name.endsWith('.json'));
  const shifts = [];
  for (const [i, name] of files.entries()) {
    const measured = JSON.parse(fs.readFileSync(path.join(PHONES, name), 'utf8'));
    shifts.push(await shift({ seed: 700 + i, hours: HOURS, http: true, rules: rulesOf(measured) }));
  }
  assert.ok(files.length >= 2);
  report(shifts, `phones ${files.join(' ')}`);
  shifts.forEach(judge);
});

'use strict';
// The oracle can fail: a client with one thing broken is found out, by the shifts that a whole client passes.

const test = require('node:test');
const assert = require('node:assert/strict');
const { shift } = require('./model/day.js');
const { MUTANTS, harmed } = require('./model/mutants.js');

const SEEDS = 5;

process.on('unhandledRejection', () => {}); // a broken client may leave one behind; the whole one is asked in fuzz.test.js

const run = (sdk, seed, faults, rules) => shift({ seed, hours: 2, http: true, sdk, faults, rules: rules || {}, every: 240000, orderMin: 2 });

/** The first seed that gives it away. */
async function hunt(sdk, faults, rules) {
  for (let seed = 31; seed < 31 + SEEDS; seed += 1) {
    const { violations } = await run(sdk, seed, faults, rules);
    if (violations.length) return { seed, kind: violations[0].kind };
  }
  return null;
}

let caught = 0;
const kinds = {};

MUTANTS.forEach(([name, edits, faults, rules]) => {
  test(`found out: ${name}`, async () => {
    const found = await hunt(harmed(edits), faults, rules);
    assert.ok(found, `nobody noticed: ${name}`);
    assert.deepEqual((await run(undefined, found.seed, faults, rules)).violations, [], `seed ${found.seed}: the whole client passes it`);
    caught += 1;
    kinds[found.kind] = (kinds[found.kind] || 0) + 1;
  });
});

test('an anchor that is gone is an error', () => {
  assert.throws(() => harmed([['no such words in the client', '']]), /found 0 times/);
  const seen = Object.keys(kinds).sort().map((kind) => `${kind} ${kinds[kind]}`).join(', ');
  console.log(`figures: mutants ${MUTANTS.length}, found out ${caught} (first sign: ${seen})`);
});

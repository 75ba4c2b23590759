// The oracle itself: it finds what it is there to find.
'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const { judge, HEARD, ANSWERED } = require('./oracle.js');

const SENTENCE = '/audio/ab/sentence.mp3';
const steps = (...names) => names.map((step) => ({ step, at: '2026-03-01T04:30:05.123Z' }));
const ALL = steps('created', 'stored', 'rendered', 'sent', 'received', 'playing', 'played', 'ended');
const clip = (more) => ({ path: SENTENCE, at: 0, length: 48000, ms: 3100, ...more });

/** One alert for one rider, as it should be, changed by a test. */
function found({ delivery = {}, ears = [clip()], expect = HEARD, record = {} } = {}) {
  const whole = { rider: 'r', state: 'played', reason: 'played', plays: 1, answer: null, late_answer: null, timeline: ALL, ...delivery };
  const records = new Map([['alr_1', { audio: { path: SENTENCE, tail_ms: 45000, canned: false }, deliveries: [whole], ...record }]]);
  const { lost, double } = judge([{ id: 'alr_1', rider: 'r', count: 1, expect }], records, new Map([['r', ears]]));
  return [lost.length > 0, double.length > 0];
}

const LOST = [true, false];
const DOUBLE = [false, true];
const FINE = [false, false];

test('what was heard once and told is neither lost nor double', () => {
  assert.deepEqual(found(), FINE);
  assert.deepEqual(found({ ears: [clip({ ms: 1000 }), clip()] }), FINE, 'a sentence that was cut is said again');
  assert.deepEqual(found({ ears: [clip({ died: true }), clip()] }), FINE, 'and so is one that died with its app');
});

test('what never arrived, never sounded or was never told is lost', () => {
  assert.deepEqual(found({ record: { deliveries: [] }, ears: [] }), LOST);
  assert.deepEqual(found({ delivery: { timeline: steps('created', 'stored', 'sent', 'ended'), reason: 'expired', plays: 0 }, ears: [] }), LOST);
  assert.deepEqual(found({ delivery: { reason: 'expired', plays: 0 }, ears: [] }), LOST);
  assert.deepEqual(found({ ears: [] }), LOST, 'told as played, and nobody heard it');
  assert.deepEqual(found({ ears: [clip({ ms: 2000 })] }), LOST, 'only a part of it');
  assert.deepEqual(found({ expect: ANSWERED }), LOST, 'an answer that nobody has');
});

test('what was heard or told twice is double', () => {
  assert.deepEqual(found({ ears: [clip(), clip()] }), DOUBLE);
  assert.deepEqual(found({ ears: [clip(), clip({ path: '/audio/canned/any.mp3' })] }), DOUBLE, 'once canned, once as a sentence');
  assert.deepEqual(found({ delivery: { plays: 2 }, ears: [clip(), clip()] }), DOUBLE);
  assert.deepEqual(found({ delivery: { timeline: ALL.concat(steps('ended')) } }), DOUBLE);
});

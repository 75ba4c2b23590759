'use strict';
// Small harm done to the client's text, each of which the oracle must see. An anchor that is not found exactly once is an
// error: then the client has changed, and the harm must be done anew.

const fs = require('node:fs');
const path = require('node:path');

const FILE = path.join(__dirname, '../../../assets/miniprogram/orderbell.js');

/** A function of the client that does nothing any more. */
const off = (name) => [`const ${name} = `, `const ${name} = () => {}; const ${name}Was = `];
const never = (text) => [text, 'false'];

/** name, what is done (pairs of anchor and replacement), the faults of the shift that must show it, its rules */
const MUTANTS = [
  ['alerts are not acked', [["{ op: 'ack', seqs: [seq] }", "{ op: 'pong' }"]], []],
  ['expiry is not looked at', [off('expire')], ['stolen', 'voice'], { voiceResumes: false }],
  ['a stop is not heard', [off('takeStop')], []],
  ['what the welcome does not list sounds on', [off('keepOnly')], ['ended_unheard']],
  ['a repeated ring sounds again', [[/known\.ring === (alert\.)?ring && !revives/g, 'false']], ['kill', 'receipts_unheard']],
  ['soundings are not counted', [[/spoken\.plays (= plays \+ 1|\+= 1);/g, '']], []],
  ['nothing is remembered over a restart', [off('save')], ['killed_unheard']],
  ['old sockets are not closed', [off('shut')], ['kill_untold', 'half_open'], { loseClose: 1 }],
  ['a dead socket is never missed', [never('live && due(live.at)')], ['half_open', 'kill_untold']],
  ['no way back after a close', [off('judge'), off('ask')], ['kill']],
  ['no token is renewed', [['if (token && !refused)', 'if (token)']], ['token_expiry']],
  ['the silence is left to run out', [[/: [^:;]*due\(ends - total \/ 2\)[^;]*\);/g, ': false);'], never('due(ends - LAST_CALL_MS)')], []],
  ['clips are changed without a network', [[/const loads = [^;]+;/g, 'const loads = true;']], ['tunnel', 'server_restart']],
  ['the player is stopped before each clip', [['play((/^http/', 'player.stop(), play((/^http/']], []],
  ['a second src while one is in flight', [['if (since) {', 'if (false) {']], [], { loadMs: [600, 2500] }],
  ['the load guard is off', [["refused('')", '0']], ['speech_hangs']],
  ['the order of urgency is not kept', [['b.urgency - a.urgency || ', '']], []],
  ['a sentence is cut for the next', [['if (!due(ends + slept + END_GUARD_MS)) {', 'if (!pick() && !due(ends + slept + END_GUARD_MS)) {']], []],
  ['what was cut by a call is not said again', [off('requeue')], ['cutting_call']],
  ['an answer does not silence', [[/hearOut\(\);\s+cut\(alert\);/g, 'hearOut();']], ['receipts_unheard']],
  ['no canned clip', [never('speaking && url')], ['speech_missing']],
  ['one format of silence', [['clip += 1;', '']], ['silence_missing']],
  ['receipts are not sent again', [off('sendAll')], ['half_open']],
  ['played is told twice', [[/report\(spoken, PLAYED, [^)]+\);/g, (words) => words + words]], []],
  ['played is told at the start', [['report(spoken, PLAYING,', 'report(spoken, PLAYED,']], ['short_call']],
  ['the clock of the phone is believed', [[/return Math\.round\(wall \+ [^;]+;/g, 'return Math.round(wall);']], ['clock_back']],
  ['no request where no socket gets through', [off('ask')], ['proxy']],
  ['what a frame throws goes through', [["if (where !== 'onEvent') trouble(where, e);", 'throw e;']], ['absurd_frames']],
  ['show starts nothing', [["if (front && setAt && status !== 'paused') goOn();", '']], ['stolen', 'hidden_silent']],
  ['off duty sounds on', [off('goOff')], ['paused']],
];

/** @returns {object} what the client exports, after the harm */
function harmed(edits) {
  let text = fs.readFileSync(FILE, 'utf8');
  edits.forEach(([from, to]) => {
    const found = typeof from === 'string' ? text.split(from).length - 1 : (text.match(from) || []).length;
    if (found !== 1) throw new Error(`anchor found ${found} times: ${from}`);
    text = text.replace(from, typeof to === 'function' ? to : () => to);
  });
  const module = { exports: {} };
  new Function('module', 'exports', text)(module, module.exports);
  return module.exports;
}

module.exports = { MUTANTS, harmed };

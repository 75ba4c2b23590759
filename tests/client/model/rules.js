'use strict';
// What a phone allows, as parameters: each rule names who says so. [O] documents of WeChat, [C] reports of developers,
// [D] our guess where nobody says: the harder case is the default. Shares are 0 to 1, times are ms.

const STRICT = {
  name: 'strict',
  // ---- life: /framework/runtime/operating-mechanism 1.3, 1.4
  suspendMs: 5000, // [O] in the background without sound: the JS thread stops, events wait for the return
  destroyMs: 1800000, // [O] suspended this long: the app ends; iOS after about 600000 [C csdn 143148957]
  interruptMs: 5000, // [O] network.html: a request under way that long in the background fails with `interrupted`
  resumeDeafMs: 200, // [C cnblogs 12718813] sockets are refused just after the return: runningState=suspend
  // ---- timers
  timers: 'ok', // in the background: ok | held (to the next timerHoldMs) | batched (flushed in a burst) | dead [C 0002e276e78e485ed68979f095b800]
  timerHoldMs: 60000,
  // ---- the player: BackgroundAudioManager
  loadMs: [120, 120], // from src to onPlay, least and most; short ones are the rule
  loadTimeoutMs: 20000, // [D] a load that gets no bytes ends with 10002; 0: it never does
  loadingPlays: false, // [D] "required playing audio but current not playing audio": may src be set while one loads?
  stallPlays: false, // [D] the same while the buffer is dry
  endedMay: false, // [C 0000cc456180d0ff660afcb9951000] may src be set inside onEnded in the background?
  errorMay: true, // [D] the same inside onError: nobody says, and without it no 404 could be survived
  interruptionEndMay: false, // [D] and inside onAudioInterruptionEnd
  denial: 'silent', // what a refusal is: silent [C iOS] | error (onError -1) | throw
  loseEnded: 0, // [C] share of onEnded that never comes
  losePlay: 0, // [C]
  loseWaiting: 0, // [D]
  pauseOnSet: 0, // [C bug-report#251] a new src is announced by an onPause of the old one
  pausedLies: false, // [C wusb/blog#6] `paused` cannot be relied on
  tickMs: 1000, // onTimeUpdate, only in front [O]; 0: never
  positionHidden: false, // [D] does currentTime move in the background? nobody promises it
  aheadMs: Infinity, // [D] how far ahead a clip is fetched
  stallErrorMs: 15000, // [D] dry for so long: onError 10002; 0: silence and no word
  resumeTold: true, // [D] after a stall that healed: onPlay
  // ---- interruptions: wx.onAudioInterruptionBegin/End
  spuriousInterruption: false, // [C 00048284db83107a36901c49f6bc00] Android tells of one on hide and on show
  voiceResumes: true, // [D] after a navigation voice the player goes on by itself
  stolenAs: 'Stop', // [C] what other music tells: Stop | Pause; no End follows
  // ---- network
  bytesPerMs: 400, // what the player gets on a fair day
  wireMs: 30, // one way
  socketsMax: 5, // [O] wx.connectSocket; one that was never closed counts [C NIM_Web_Weapp_Demo#9]
  loseClose: 0, // [C oCJUsw44kg6JOAOUiWJN64obl0JM] share of onClose that never comes
  closeCodes: [1006], // [C 000a0cbd84c480897c1e455105b800] also 1000 and 0 "interrupted", 1001
  idleCloseMs: 300000, // [C cnblogs 11334001] a socket without traffic is closed by the client
  sendDead: 'fail', // sending on a socket that is no more: fail, a moment later | now, while it is being sent | throw
};

const PRESETS = {
  strict: {},
  android: {
    timers: 'batched', loadMs: [80, 900], spuriousInterruption: true, loseEnded: 0.02, loseClose: 0.3, denial: 'error',
    stolenAs: 'Pause', closeCodes: [1006, 1000, 0], pausedLies: true,
  },
  ios: { destroyMs: 600000, loadMs: [60, 600], denial: 'silent', voiceResumes: false, closeCodes: [1000, 1006, 1001], stolenAs: 'Pause' },
  lenient: { loadingPlays: true, stallPlays: true, endedMay: true, interruptionEndMay: true, denial: 'error', positionHidden: true },
};

/** @param {string|object} [wish] a preset's name, or rules that differ from the strict ones; `preset` in them names their base */
function rules(wish) {
  if (typeof wish === 'string') return rules({ preset: wish });
  const given = Object.assign({}, wish);
  const base = given.preset || 'strict';
  if (!PRESETS[base]) throw new Error(`no preset ${base}`);
  delete given.preset;
  Object.keys(given).forEach((name) => { if (!(name in STRICT)) throw new Error(`no rule ${name}`); });
  return Object.assign({}, STRICT, { name: base }, PRESETS[base], given);
}

/**
 * Rules from what a phone has measured: the JSON of a self-check. What it did not measure stays strict.
 * @param {object} result of `rider.selfTest()`; null members were not measured
 */
function rulesOf(result) {
  const known = (name) => typeof result[name] === 'number';
  const share = (part, other) => (result[part] + result[other] > 0 ? result[part] / (result[part] + result[other]) : 0);
  const made = { preset: 'strict', name: `phone ${result.device || '?'}` };
  if (known('load_ms_p50') && known('load_ms_p95')) made.loadMs = [Math.max(result.load_ms_p50 / 2, 20), result.load_ms_p95 * 1.5];
  if (known('ended_seen') && known('ended_lost')) made.loseEnded = share('ended_lost', 'ended_seen');
  if (known('ended_sets') && known('ended_denied')) made.endedMay = result.ended_sets > 0 && result.ended_denied === 0;
  if (known('rtt_ms_p50')) made.wireMs = Math.max(Math.round(result.rtt_ms_p50 / 2), 5);
  if (known('timer_late_ms_max')) made.timers = result.timer_late_ms_max > 2000 ? 'held' : 'ok';
  if (made.timers === 'held') made.timerHoldMs = Math.max(result.timer_late_ms_max, 5000);
  if (result.closes && Object.keys(result.closes).length) {
    made.closeCodes = Object.keys(result.closes).map(Number).filter((code) => code < 4000 && code !== 1005);
    if (!made.closeCodes.length) made.closeCodes = STRICT.closeCodes;
  }
  return rules(made);
}

module.exports = { rules, rulesOf, STRICT, PRESETS };

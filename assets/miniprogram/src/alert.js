// One ring of one alert, as this device holds it: what the frame says, made safe to count with.

const { epochMs } = require('./clock');

const ENDED = ['played', 'failed', 'expired', 'stopped', 'answered'];
const MODES = { accept: 'assign', confirm: 'ack' }; // of a server that says only what it needs

/**
 * @param {object} frame the server's `alert`
 * @param {{plays: function(string, number): number}} memory what was heard in an earlier life of this page
 * @param {string} title for the lock screen, if the alert has none
 */
function makeAlert(frame, memory, title) {
  const ring = frame.ring > 0 ? frame.ring : 1;
  const repeat = frame.repeat || {};
  const count = repeat.count > 0 ? repeat.count : 1;
  const left = repeat.remaining >= 0 ? repeat.remaining : count;
  const need = frame.need && frame.need !== 'none' ? frame.need : null;
  const answerBy = epochMs(frame.answer_by);
  const ends = [epochMs(frame.expires_at), answerBy].filter((at) => at > 0);
  return {
    frame, ring, count, need,
    id: frame.id,
    seq: typeof frame.seq === 'number' ? frame.seq : 0,
    urgency: frame.urgency >= 0 ? frame.urgency : 1,
    mode: frame.mode || MODES[need] || 'notify',
    brief: frame.kind === 'order.taken', // a chime: it waits for others and never makes them wait
    title: frame.title || frame.text || title,
    audio: frame.audio,
    gap: repeat.gap_ms >= 0 ? repeat.gap_ms : 0,
    // Ours may be ahead of the server's count, when the last receipts were lost with the page.
    plays: Math.max(count - left, memory.plays(frame.id, ring), 0),
    answerBy: answerBy > 0 ? answerBy : Infinity,
    expiresAt: ends.length ? Math.min.apply(null, ends) : Infinity,
    state: 'queued',
  };
}

/** What the app is shown: the frame, and over it what has become of it here. */
function tellAlert(alert) {
  const finite = (at) => (at === Infinity ? null : at);
  return Object.assign({}, alert.frame, {
    ring: alert.ring, urgency: alert.urgency, need: alert.need || 'none', mode: alert.mode, state: alert.state,
    plays: alert.plays, count: alert.count, reason: alert.reason, answer: alert.answer, outcome: alert.outcome,
    expires_at: finite(alert.expiresAt), answer_by: finite(alert.answerBy),
  });
}

/** An alert the server sends again although we had put it down: it is open, so it has a right to sound. */
function revivable(alert) {
  return alert.state === 'failed' || (alert.state === 'stopped' && !alert.closed);
}

module.exports = { makeAlert, tellAlert, revivable, ENDED };

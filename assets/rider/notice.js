// The one line a rider must read now, by how bad it is: what keeps orders from their ears comes first.
'use strict';

(function () {
  const SOON_MS = 600000; // time enough to ask a station for another code

  /**
   * @param {object} state as the client tells it
   * @param {object} facts unheard (something waits to be spoken), expires_at (of the token, or null)
   * @returns {{word: string, tone: string, values?: object, resume?: boolean}|null}
   */
  function notice(state, facts) {
    const { fatal } = state;
    const onDuty = state.on_duty === true;
    if (fatal) return { word: known(`fatal.${fatal.reason}`, 'fatal.refused'), tone: 'bad' };
    const trouble = onDuty ? known(`trouble.${state.audio}`, null) : null;
    if (trouble) return { word: trouble, tone: 'bad', resume: state.audio !== 'interrupted' };
    if (onDuty && state.connection !== 'ready' && state.connection !== 'draining') {
      return { word: state.via === 'http' ? 'notice.slow_line' : 'notice.line', tone: 'warn' };
    }
    if (!onDuty && facts.unheard) return { word: 'notice.tap_to_hear', tone: 'bad' };
    const left = facts.expires_at === null ? Infinity : facts.expires_at - state.server_now;
    if (left < SOON_MS) return { word: 'notice.token_soon', tone: 'warn', values: { n: Math.max(1, Math.ceil(left / 60000)) } };
    return null;
  }

  const known = (key, other) => (window.RiderWords.say(key) === key ? other : key);

  window.riderNotice = notice;
}());

// The public face: what an app calls, and the platform it runs on.

const { min, max, floor, assign, keys, parse, stringify, sane, listOf, epochMs, claimsOf, SEQ_MAX } = require('./values');
const { wechatAdapter, uniAdapter } = require('./wechat');
const { browserAdapter } = require('./browser');

const platform = (element) => {
  // Whose names are not there, or not all of them, is not where we are.
  try { return wechatAdapter(wx); } catch (e) { /* not WeChat */ }
  try { return uniAdapter(uni); } catch (e) { /* nor uni-app */ }
  try { return browserAdapter(window, element); } catch (e) { /* nor a browser */ } // <browser>
  throw TypeError('no platform');
};

/**
 * Makes a rider: one connection, one player, one queue of alerts. All members of `options`, of what it returns and of
 * what it tells are described in orderbell.d.ts and docs/client.md.
 *
 * @param {object} options url, getToken, onAlert, onState, onEvent, audio, and more
 * @returns {{connect: function(), start: function(), stop: function(), answer: function(string, string): boolean,
 *   close: function(), state: function(): object, selfTest: function(object=): {done: Promise<object>, cancel: function()}}}
 * @throws {TypeError} when url or getToken is missing or malformed, or no platform is recognised
 */
const createRider = (options) => {
  // The parts in src/rider stand here: they share this scope.
  // <parts>

  return {
    /** Opens the socket: no tap, no sound. */
    connect() {
      begin();
      touch();
    },
    /** From a tap: on duty, audible. */
    start() {
      if (status !== LOADING) goOn(); // first: the tap must still be on the stack when the player is touched
      begin();
      setDuty(true);
    },
    /** Off duty, silent. */
    stop() {
      silenceAll('off_duty');
      setDuty(false);
    },
    answer,
    /** For good. */
    close() {
      goOff();
      hangUp();
      finish();
      touch();
      over = true;
      if (timer) clearTimer(timer);
    },
    state,
    selfTest,
  };
};

module.exports = { createRider, wechatAdapter, uniAdapter, browserAdapter };

// The public face: what an app calls, and the platform it runs on.

const { Rider } = require('./rider');
const { wechatAdapter } = require('./wechat');
const { browserAdapter } = require('./browser');

/**
 * Makes a rider: one connection, one player, one queue of alerts.
 *
 * @param {object} options
 * @param {string} options.url the socket, `wss://host/v1/rider/socket`; the token never goes into it
 * @param {function({refresh: boolean}): (string|Promise<string>)} options.getToken gives the rider's
 *   token; `refresh` is true when the server has refused the last one. Given up after 15 s, and retried.
 * @param {function(object)} [options.onAlert] an alert is new or has changed. The frame of the protocol,
 *   plus `state` (queued, sounding, waiting, played, failed, expired, stopped, answering, answered),
 *   `plays` of `count`, `mode`, `reason`, `answer`, `outcome`; `expires_at` and `answer_by` are epoch ms of the
 *   server, or null
 * @param {function(object)} [options.onState] `state()`, whenever something in it that a rider sees changes
 * @param {function(object)} [options.onEvent] everything else, by `type`: event, chat, answered, token, error,
 *   closed, denied, gap, suspend, rtt, audio_error
 * @param {{title?: string, epname?: string, singer?: string, coverImgUrl?: string}} [options.audio] what the
 *   lock screen shows while nothing is said; `title` must not be empty (the phone refuses to play)
 * @param {object} [options.adapter] the device; by default the platform this runs on (docs/client.md)
 * @param {HTMLAudioElement} [options.player] in a browser, the page's one audio element
 * @param {string} [options.device] this device's id, if the app has one; it must be as lasting as `storage`
 * @param {{get: function(string): *, set: function(string, *)}} [options.storage] instead of the platform's
 * @returns {{connect: function(), start: function(), stop: function(), answer: function(string, string): boolean,
 *   close: function(), state: function(): object, selfTest: function(object=): {done: Promise<object>, cancel: function()}}}
 *   connect: opens the socket, no tap and no sound. start: from a tap; on duty, audible. stop: off duty, silent.
 *   answer: accept, decline or confirm; false when the alert cannot be answered any more (void, answered, or past
 *   its answer_by); the outcome comes with onAlert, after `pending` a second one. close: for good.
 * @throws {TypeError} when url or getToken is missing or malformed, or no platform is recognised
 */
function createRider(options) {
  if (!options || typeof options.url !== 'string') throw new TypeError('url is required');
  if (typeof options.getToken !== 'function') throw new TypeError('getToken is required');
  const audio = Object.assign({ title: '接单中', epname: '订单语音播报', singer: 'Orderbell', coverImgUrl: '' }, options.audio);
  const rider = new Rider(Object.assign({}, options, { audio, adapter: options.adapter || platform(options) }));
  const api = {};
  ['connect', 'start', 'stop', 'answer', 'close', 'state', 'selfTest'].forEach((name) => {
    api[name] = rider[name].bind(rider);
  });
  return api;
}

function platform(options) {
  if (typeof wx !== 'undefined' && wx.getBackgroundAudioManager) return wechatAdapter(wx);
  if (typeof window !== 'undefined' && window.WebSocket) return browserAdapter(window, options.player);
  throw new TypeError('no platform recognised: give an adapter');
}

module.exports = { createRider, wechatAdapter, browserAdapter };

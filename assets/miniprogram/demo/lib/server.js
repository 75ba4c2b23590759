// Requests to the server. A promise from here never fails: what went wrong is in the answer, for words.js to say.

const TIMEOUT_MS = 10000; // a rider looks at the screen no longer

/**
 * @typedef {object} Answer
 * @property {number} status 0: nobody answered
 * @property {any} data of a success
 * @property {string} error the server's slug for a refusal; '' when it gave none
 */

/**
 * @param {string} base
 * @param {string} method
 * @param {string} path
 * @param {{token?: string | null, body?: object}} [more]
 * @returns {Promise<Answer>}
 */
function ask(base, method, path, more) {
  const given = more || {};
  /** @type {{[name: string]: string}} */
  const header = { 'Content-Type': 'application/json' };
  if (given.token) header.Authorization = 'Bearer ' + given.token;
  return new Promise((resolve) => {
    wx.request({
      url: base + path,
      method: /** @type {any} */ (method), // PUT and the like; the typings want a literal
      header,
      data: given.body,
      timeout: TIMEOUT_MS,
      success: (response) => resolve(answer(response.statusCode, response.data)),
      fail: () => resolve({ status: 0, data: null, error: '' }),
    });
  });
}

/** @param {number} status @param {any} body @returns {Answer} */
function answer(status, body) {
  const whole = body && typeof body === 'object' ? body : {};
  return { status, data: whole.data === undefined ? null : whole.data, error: typeof whole.error === 'string' ? whole.error : '' };
}

const isDone = (/** @type {Answer} */ a) => a.status >= 200 && a.status < 300 && a.data !== null;

/** @param {string} text as typed @returns {string} '' when it is no address */
function baseOf(text) {
  const typed = text.trim().replace(/\/+$/, '');
  const whole = /^https?:\/\//i.test(typed) ? typed : 'https://' + typed;
  return /^https?:\/\/(\[[\da-f:]+\]|[\w.-]+)(:\d+)?(\/[^\s?#]*)?$/i.test(whole) ? whole : '';
}

const socketOf = (/** @type {string} */ base) => base.replace(/^http/i, 'ws') + '/v1/rider/socket';

module.exports = { ask, isDone, baseOf, socketOf };

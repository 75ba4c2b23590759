// Consents to one-time messages. WeChat gives one message for one consent, and asks only in a tap; the server counts them and
// spends one when an order cannot be told to this rider in any other way. Where the server has none, nothing is shown.
const { isDone } = require('./server.js');
const { failure } = require('./words.js');

const ENOUGH = 100; // the server banks no more
const AT_ONCE = 3; // so many templates fit into one question
const AGREED = ['accept', 'acceptWithAudio'];
const ANSWERS = AGREED.concat(['reject', 'ban', 'filter']);

/** @typedef {(method: string, path: string, body?: object) => Promise<import('./server.js').Answer>} Ask with the rider's token */

class Subscriptions {
  /** @param {Ask} ask @param {() => void} changed */
  constructor(ask, changed) {
    this.ask = ask;
    this.changed = changed;
    this.clear();
  }

  /** Another rider, or none: nothing is left of this one. */
  clear() {
    /** @type {{template: string, banked: number}[]} */
    this.templates = [];
    /** @type {any} what was answered and surely not counted yet */
    this.untold = null;
    this.declined = false;
    this.asking = false;
    this.trouble = '';
  }

  /** The templates must be known before the tap: a request in between would lose it. */
  load() {
    const results = this.untold;
    this.untold = null;
    if (results) this.trouble = '';
    return results ? this.tell(results) : this.ask('GET', '/v1/rider/subscriptions').then((answer) => this.take(answer));
  }

  /** Straight in a tap. @param {boolean} asked the tap began a shift: who declined may be asked again */
  bank(asked) {
    if (asked) this.declined = false;
    const ids = this.templates.filter((t) => t.banked < ENOUGH).map((t) => t.template).slice(0, AT_ONCE);
    if (!ids.length || this.declined || this.asking || !wx.requestSubscribeMessage) return;
    this.asking = true;
    wx.requestSubscribeMessage({
      tmplIds: ids,
      success: (given) => this.given(ids, given),
      fail: (error) => this.refused(error),
      complete: () => { this.asking = false; },
    });
  }

  /** @param {string[]} ids @param {any} given */
  given(ids, given) {
    /** @type {{[template: string]: string}} */
    const results = {};
    ids.filter((id) => ANSWERS.indexOf(given[id]) >= 0).forEach((id) => { results[id] = given[id]; });
    const all = Object.keys(results).map((id) => results[id]);
    this.declined = all.every((answer) => AGREED.indexOf(answer) < 0);
    this.trouble = this.declined ? '您没有允许提醒。下次开始接单时可以再选。' : '';
    if (all.length) this.tell(results);
    this.changed();
  }

  /** @param {any} error */
  refused(error) {
    const off = error && (error.errCode === 20004 || error.errCode === 20005);
    this.declined = true;
    this.trouble = off ? '微信里的提醒关着：请点右上角“···”，在设置、通知管理里打开。' : '这次没有问到提醒。下次开始接单时再问。';
    this.changed();
  }

  /**
   * Told once more only where the server surely did not count: one reminder too few is better than a count that is wrong.
   * @param {any} results
   */
  tell(results) {
    return this.ask('POST', '/v1/rider/subscriptions', { results }).then((answer) => {
      const uncounted = answer.status === 429 || (answer.status === 503 && answer.error !== 'outcome_unknown');
      if (uncounted) this.untold = results;
      if (!isDone(answer)) this.trouble = uncounted ? '提醒还没有记上，会再传。' : '提醒可能没有记上：' + failure(answer);
      this.take(answer);
    });
  }

  /** @param {import('./server.js').Answer} answer */
  take(answer) {
    if (isDone(answer) && Array.isArray(answer.data.templates)) {
      this.templates = answer.data.templates.filter((/** @type {any} */ t) => t && typeof t.template === 'string');
    }
    this.changed();
  }

  /** @returns {string} '' where there are no reminders */
  words() {
    if (!this.templates.length) return '';
    const banked = this.templates.reduce((sum, t) => sum + (t.banked > 0 ? t.banked : 0), 0);
    return '剩余 ' + banked + ' 次提醒';
  }
}

module.exports = { Subscriptions };

// Who the rider is: wx.login gives a code, the server makes a token of it, or a link code where the site does not know this
// WeChat yet. Where the server has no mini-program configured, and in the devtools' tourist mode, a token is pasted instead.
const { isDone } = require('./server.js');

const LINK_MS = 14 * 60000; // a link code lives 15 minutes; the last one is not worth reading out
const SHOWN_MS = 3000; // shown, hidden and shown again is one look

/**
 * @typedef {'server' | 'asking' | 'unbound' | 'paste' | 'signed' | 'out' | 'failed'} Status
 *   server: no address yet · paste: a token must be pasted · out: the rider signed out · failed: see `why`
 */

class Login {
  /**
   * @param {InstanceType<typeof import('./store.js').Store>} store
   * @param {(method: string, path: string, more?: {body?: object}) => Promise<import('./server.js').Answer>} ask without a token
   * @param {() => void} changed
   */
  constructor(store, ask, changed) {
    this.store = store;
    this.ask = ask;
    this.changed = changed;
    /** @type {Status} */
    this.status = 'server';
    this.why = '';
    this.link = '';
    this.relinked = false;
    this.linkedAt = 0;
    this.askedAt = 0;
    /** @type {Promise<string> | null} */
    this.pending = null;
    /** Counts what the rider decided: an answer to an older question is not listened to. */
    this.turn = 0;
  }

  get token() { return this.store.read('token') || ''; }
  get base() { return this.store.read('base') || ''; }

  /** At launch, and after the address is known. */
  begin() {
    if (!this.base) this.become('server');
    else if (this.store.read('out')) this.become('out');
    else if (this.token) this.become('signed');
    else this.again();
  }

  /** The button of every state that waits for somebody. */
  again() {
    this.store.keep('out', null);
    if (isTourist()) this.become('paste', 'tourist');
    else this.renew().catch(() => {}); // the state says why
  }

  /**
   * The app came to the front: the network may be back. A link code in its time is left alone: asking anew makes a new one, and
   * kills the one the rider has just sent to the site from another app; there the button asks.
   */
  shown() {
    const waits = this.status === 'failed' || (this.status === 'unbound' && this.linkIsOld());
    if (waits && !this.pending && Date.now() - this.askedAt > SHOWN_MS) this.again();
  }

  linkIsOld() {
    return Date.now() - this.linkedAt > LINK_MS;
  }

  /**
   * For the client's getToken. Pasted tokens cannot be renewed: the same one again tells the client so.
   * @param {boolean} refresh @returns {string | Promise<string>}
   */
  tokenFor(refresh) {
    return !refresh || this.store.read('pasted') ? this.token : this.renew();
  }

  /** @returns {Promise<string>} fails when there is no token to be had now */
  renew() {
    if (this.pending) return this.pending;
    const { turn } = this;
    this.askedAt = Date.now();
    if (this.status !== 'signed') this.become('asking');
    const asked = this.exchange(true).then((answer) => {
      this.pending = null;
      if (turn !== this.turn) throw new Error('signed out meanwhile');
      return this.take(answer);
    });
    this.pending = asked;
    return asked;
  }

  /**
   * @param {boolean} anew a code is good once, for five minutes: another one is worth one try
   * @returns {Promise<import('./server.js').Answer>}
   */
  exchange(anew) {
    return codeOf().then((code) => {
      if (!code) return { status: 0, data: null, error: 'wechat_login' };
      return this.ask('POST', '/v1/wechat/login', { body: { code, appid: appId() } })
        .then((answer) => (anew && answer.error === 'wechat_code' ? this.exchange(false) : answer));
    });
  }

  /** @param {import('./server.js').Answer} answer @returns {string} */
  take(answer) {
    if (isDone(answer) && answer.data.status === 'bound' && answer.data.token) {
      this.store.keep('token', answer.data.token);
      this.store.keep('pasted', null);
      this.link = '';
      this.become('signed');
      return answer.data.token;
    }
    if (isDone(answer) && answer.data.status === 'unbound') {
      this.store.keep('token', null);
      this.relinked = this.link !== '';
      this.link = String(answer.data.link || '');
      this.linkedAt = Date.now();
      this.become('unbound');
    } else if (answer.error === 'not_configured') {
      this.become('paste', 'not_configured');
    } else if (this.status !== 'signed' || answer.error === 'wechat_refused') {
      this.become('failed', reasonOf(answer));
    } // else: the token in hand is all there is until the next try
    throw new Error('no token: ' + reasonOf(answer));
  }

  /** The server refused the token for good. @param {string} reason bad_token, token_expired */
  refused(reason) {
    const pasted = this.store.read('pasted');
    this.forget();
    this.become(pasted ? 'paste' : 'failed', reason);
  }

  /** @param {string} token as pasted @returns {boolean} false: this is no token */
  paste(token) {
    const whole = token.replace(/\s+/g, '');
    if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(whole)) return false;
    this.store.keep('token', whole);
    this.store.keep('pasted', true);
    this.become('signed');
    return true;
  }

  /** @param {string} base an address that was looked at */
  server(base) {
    this.forget();
    this.store.keep('base', base);
    this.begin();
  }

  signOut() {
    this.forget();
    this.store.keep('out', true);
    this.become('out');
  }

  forget() {
    this.turn += 1;
    this.pending = null;
    ['token', 'pasted', 'out'].forEach((key) => this.store.keep(key, null));
  }

  /** @param {Status} status @param {string} [why] */
  become(status, why) {
    this.status = status;
    this.why = why || '';
    this.changed();
  }
}

/** @param {import('./server.js').Answer} answer */
function reasonOf(answer) {
  if (answer.error === 'wechat_code' || answer.error === 'wechat_refused' || answer.error === 'wechat_login') return answer.error;
  if (answer.status === 0) return 'unreachable';
  if (answer.status === 429) return 'too_many';
  if (answer.status >= 500) return 'busy';
  return answer.error ? 'refused' : 'not_orderbell';
}

/** @returns {Promise<string>} '' when WeChat gave none */
function codeOf() {
  return new Promise((resolve) => {
    wx.login({ success: (given) => resolve(given.code || ''), fail: () => resolve('') });
  });
}

function appId() {
  try {
    return wx.getAccountInfoSync().miniProgram.appId;
  } catch (e) {
    return undefined; // before 2.2.2; where one program is configured the server needs none
  }
}

/** The devtools without an appid of one's own: their codes are made up. */
function isTourist() {
  return appId() === 'touristappid';
}

module.exports = { Login };

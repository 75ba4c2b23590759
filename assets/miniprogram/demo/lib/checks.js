// The self-check: ten minutes in the background, what the phone did meanwhile, and the way of the result to the site. A result
// that cannot be sent now is kept; a check that the phone cut off by ending the app is a result, too.
const { isDone } = require('./server.js');
const { failure } = require('./words.js');

const MINUTES = 10; // past every limit a platform is known to have
const KEPT_MAX = 5; // 4 KiB each; older ones say nothing that newer ones do not
const DESTROYED = 'destroyed';

/** A row of the result: member, name, unit. */
const ROWS = [
  ['gaps', '声音中断', '次'], ['gap_ms_max', '最长中断', 'ms'], ['suspends', '被系统冻结', '次'], ['suspend_ms_max', '最长冻结', 'ms'],
  ['denials', '拒绝播放', '次'], ['reconnects', '重新连接', '次'], ['hidden_ms', '在后台', 'ms'], ['rtt_ms_p50', '网络往返', 'ms'], ['rtt_ms_p95', '网络较慢时', 'ms'],
  ['load_ms_p50', '打开声音', 'ms'], ['load_ms_p95', '打开较慢时', 'ms'], ['timer_late_ms_max', '定时器最晚', 'ms'], ['ended_seen', '播完有通知', '次'],
  ['ended_lost', '播完没通知', '次'], ['ended_sets', '播完接着放', '次'], ['ended_denied', '播完被拒绝', '次'],
];

class Checks {
  /**
   * @param {InstanceType<typeof import('./store.js').Store>} store
   * @param {import('./subscriptions.js').Ask} ask
   * @param {() => void} changed
   */
  constructor(store, ask, changed) {
    this.store = store;
    this.ask = ask;
    this.changed = changed;
    /** @type {{cancel: () => void} | null} */
    this.handle = null;
    this.beganAt = 0;
    this.early = false;
    /** @type {any} */
    this.result = null;
    this.delivery = '';
    this.sending = false;
    this.recover();
  }

  /** The last life of the app ended in the middle of a check: what was measured until then is worth knowing. */
  recover() {
    const partial = this.store.read('check');
    if (!partial) return;
    this.finish(Object.assign({}, partial, { notes: [partial.notes, DESTROYED].filter(Boolean).join('; ') }));
  }

  /** @param {any} rider on duty */
  begin(rider) {
    this.beganAt = Date.now();
    this.early = false;
    this.result = null;
    this.delivery = '';
    /** @type {any} */
    let started = null;
    started = rider.selfTest({
      duration_ms: MINUTES * 60000,
      onProgress: (/** @type {any} */ partial) => {
        if (!started || this.handle !== started) return;
        this.store.keep('check', partial);
        this.changed();
      },
    });
    this.handle = started;
    started.done.then((/** @type {any} */ result) => {
      if (this.handle !== started) return;
      this.handle = null;
      // The site must not judge a phone by a check that was ended early.
      this.finish(this.early ? Object.assign({}, result, { notes: 'cancelled; ' + result.notes }) : result);
      this.send();
    });
    this.changed();
  }

  cancel() {
    this.early = true;
    if (this.handle) this.handle.cancel();
  }

  /** The rider is gone, and its test with it. */
  abandon() {
    this.handle = null;
    this.store.keep('check', null);
  }

  /** Another rider's results are not this one's. */
  forget() {
    this.abandon();
    this.store.keep('checks', null);
    this.result = null;
    this.delivery = '';
  }

  /** @param {any} result */
  finish(result) {
    this.result = result;
    this.store.keep('check', null);
    this.store.keep('checks', this.waiting().concat([result]).slice(-KEPT_MAX));
    this.delivery = '结果正在传给站点。';
    this.changed();
  }

  /** @returns {any[]} */
  waiting() {
    const kept = this.store.read('checks');
    return Array.isArray(kept) ? kept : [];
  }

  /** One after the other, the oldest first; called whenever the way may be free. */
  send() {
    const [first] = this.waiting();
    if (!first || this.sending) return;
    this.sending = true;
    this.ask('POST', '/v1/rider/checks', first).then((answer) => {
      this.sending = false;
      const hopeless = answer.status >= 400 && answer.status < 500 && [401, 403, 408, 429].indexOf(answer.status) < 0;
      if (isDone(answer) || hopeless) {
        this.store.keep('checks', this.waiting().slice(1));
        this.delivery = hopeless ? '站点没有收下这个结果。请截图发给站点。' : '结果已传给站点。';
        this.changed();
        this.send();
      } else {
        this.delivery = '结果还没有传到站点：' + failure(answer) + '已存在手机里，会再传。';
        this.changed();
      }
    });
  }

  /** @returns {{running: boolean, percent: number, minutes: string}} */
  progress() {
    const passed = this.handle ? Math.min(Date.now() - this.beganAt, MINUTES * 60000) : 0;
    return { running: this.handle !== null, percent: Math.floor(Math.max(passed, 0) / MINUTES / 600), minutes: Math.floor(Math.max(passed, 0) / 60000) + ' / ' + MINUTES + ' 分钟' };
  }
}

/** @param {any} value @param {string} unit */
function valueOf(value, unit) {
  if (typeof value !== 'number') return '没有测到';
  if (unit !== 'ms') return value + ' ' + unit;
  return value < 1000 ? Math.round(value) + ' 毫秒' : value < 120000 ? (value / 1000).toFixed(1) + ' 秒' : Math.round(value / 60000) + ' 分钟';
}

/** @param {any} result @returns {{name: string, value: string}[]} */
function rowsOf(result) {
  if (!result) return [];
  const rows = ROWS.filter(([member]) => result[member] !== undefined).map(([member, name, unit]) => ({ name, value: valueOf(result[member], unit) }));
  const closes = result.closes && typeof result.closes === 'object' ? Object.keys(result.closes) : [];
  return closes.length ? rows.concat([{ name: '断线原因', value: closes.map((code) => code + '×' + result.closes[code]).join(' ') }]) : rows;
}

/**
 * What the figures mean to a rider.
 * @param {any} result @returns {{tone: string, text: string, guide: boolean}} guide: the phone's settings can help
 */
function verdictOf(result) {
  if (!result) return { tone: '', text: '', guide: false };
  const notes = String(result.notes || '');
  const lasted = result.ended_at - result.started_at;
  if (notes.indexOf(DESTROYED) >= 0) {
    return { tone: 'bad', text: '上次自检时小程序被关掉了：可能是手机省电，也可能是划掉了微信。锁屏后会听不到订单，请按“手机设置”改好再测。', guide: true };
  }
  if (result.gaps + result.suspends > 0) {
    return { tone: 'bad', text: '没有通过：这台手机在后台会断声。请按“手机设置”改好再测一次。', guide: true };
  }
  if (/cancelled/.test(notes)) return { tone: 'warn', text: '提前结束了，时间太短，结果只能参考。', guide: false };
  if (typeof result.hidden_ms === 'number' && result.hidden_ms < lasted / 2) {
    return { tone: 'warn', text: '大部分时间小程序开在屏幕上，测不出后台。请锁屏，或切到别的应用，再测一次。', guide: false };
  }
  if (result.denials > 0) return { tone: 'good', text: '通过：一直听得到。手机拒绝过几次播放，但没有断声。', guide: false };
  return { tone: 'good', text: '通过：这台手机在后台一直听得到。', guide: false };
}

module.exports = { Checks, rowsOf, verdictOf, MINUTES };

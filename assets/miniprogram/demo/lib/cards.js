// The cards of a rider's screen, made of the alerts as the client told them. A success is one when the server has said so.
const { word } = require('./words.js');

const STATES = {
  queued: '等待播报', sounding: '正在播报', waiting: '稍后重播', played: '已播报', failed: '播报失败，请看屏幕', expired: '已失效', stopped: '已结束',
  answering: '正在提交', answered: '已处理',
};
const REASONS = {
  cancelled: '订单已取消', taken: '已被抢', superseded: '有更新的通知', merged: '已合并', expired: '已失效',
  answered_elsewhere: '已在另一台设备处理', off_duty: '已停止接单', logout: '已退出', not_open: '已失效', replaced: '已换到另一台设备',
};
const DONE = { accept: '已接单', decline: '已拒绝', confirm: '已确认' };
const ACTIONS = {
  ack: [{ answer: 'confirm', text: '确认' }],
  assign: [{ answer: 'accept', text: '接单' }, { answer: 'decline', text: '拒绝' }],
  grab: [{ answer: 'accept', text: '抢单' }],
};
const OVER = ['expired', 'stopped', 'answered'];
const LEAVE_MS = 6000; // a lost grab is read, and then out of the way
const SOON_MS = 10000;
const CARDS_MAX = 30; // a screen nobody scrolls further than

/**
 * @typedef {object} Card
 * @property {string} id
 * @property {number} urgency
 * @property {boolean} over nothing to do any more
 * @property {string} title
 * @property {string} text
 * @property {string} facts
 * @property {string} state what has become of it, in a word
 * @property {string} left until it is void
 * @property {boolean} soon
 * @property {boolean} busy an answer is on its way
 * @property {string} result done, lost or ''
 * @property {{answer: string, text: string}[]} actions
 */

const isLost = (/** @type {any} */ a) => a.outcome === 'lost' || (a.state === 'stopped' && a.reason === 'taken');
/** Its chime is heard; the offer's own card says the rest. */
const isHeardOnly = (/** @type {any} */ a) => a.kind === 'order.taken';

/** @param {any} a an alert @param {number} now of the server, epoch ms */
function isOver(a, now) {
  if (OVER.indexOf(a.state) >= 0 || (a.state === 'played' && a.need === 'none')) return true;
  return a.state !== 'answering' && a.answer_by > 0 && a.answer_by <= now;
}

/** @param {any} a @param {number} now */
function stateOf(a, now) {
  if (a.outcome === 'lost') return REASONS.taken;
  if (a.outcome === 'gone') return word(REASONS, a.reason, '已失效');
  if (a.state === 'answering') return a.outcome === 'pending' ? '处理中' : STATES.answering;
  if (a.state === 'answered') return a.mode === 'grab' && a.answer === 'accept' ? '抢单成功' : word(DONE, a.answer, STATES.answered);
  if (a.state === 'stopped') return word(REASONS, a.reason, STATES.stopped);
  if (a.state === 'played' && a.need !== 'none' && !isOver(a, now)) return '已播报，等您回复';
  return isOver(a, now) && a.need !== 'none' ? '已失效' : word(STATES, a.state, '');
}

/** @param {any} a @param {number} now @returns {number} ms; 0 when nothing is counted */
function remaining(a, now) {
  const counts = a.need !== 'none' && a.state !== 'answering' && !isOver(a, now); // what wants no answer is in no hurry
  const ms = !counts ? 0 : (a.expires_at || 0) - now;
  return ms > 0 ? ms : 0;
}

/** @param {number} ms */
function countdown(ms) {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 100) return seconds > 0 ? seconds + ' 秒' : '';
  return seconds < 3600 ? Math.ceil(seconds / 60) + ' 分钟' : Math.ceil(seconds / 3600) + ' 小时';
}

/** @param {any} card */
function factsOf(card) {
  const known = card && typeof card === 'object' ? card : {};
  const merchant = known.merchant && known.merchant.name ? known.merchant.name : known.merchant;
  return [
    known.short_no ? '#' + known.short_no : '', merchant, known.area ? '送到 ' + known.area : '',
    known.distance_m > 0 ? (known.distance_m / 1000).toFixed(1) + ' 公里' : '',
    known.fee_cents > 0 ? '¥' + (known.fee_cents / 100).toFixed(2) : '', known.note ? '备注：' + known.note : '',
  ].filter(Boolean).join(' · ');
}

/** @param {any} a @param {number} now @returns {Card} */
function cardOf(a, now) {
  const over = isOver(a, now);
  const left = remaining(a, now);
  return {
    id: a.id, urgency: a.urgency, over, title: a.title || a.text || '通知', text: a.title ? a.text || '' : '', facts: factsOf(a.card),
    state: stateOf(a, now), left: countdown(left), soon: left > 0 && left <= SOON_MS, busy: a.state === 'answering',
    result: isLost(a) ? 'lost' : a.outcome === 'won' || (a.outcome === 'recorded' && a.answer !== 'decline') ? 'done' : '',
    actions: over || a.need === 'none' ? [] : word(ACTIONS, a.mode, []),
  };
}

/**
 * What can still be answered first, then what is urgent, then what ends soonest.
 * @param {any[]} alerts each with `told_at`, the server's time when it last changed
 * @param {number} now @returns {Card[]}
 */
function cardsOf(alerts, now) {
  const ends = (/** @type {any} */ a) => a.expires_at || Infinity;
  return alerts
    .filter((a) => !isHeardOnly(a) && !(isLost(a) && now - a.told_at > LEAVE_MS))
    .sort((a, b) => {
      const byState = Number(isOver(a, now)) - Number(isOver(b, now));
      if (byState || isOver(a, now)) return byState || b.seq - a.seq;
      return b.urgency - a.urgency || (ends(a) === ends(b) ? b.seq - a.seq : ends(a) - ends(b));
    })
    .slice(0, CARDS_MAX)
    .map((a) => cardOf(a, now));
}

/** @param {any[]} alerts @param {Set<string>} seen ids the rider had on the screen @param {number} now */
function unreadOf(alerts, seen, now) {
  return alerts.filter((a) => !seen.has(a.id) && !isHeardOnly(a) && !isOver(a, now)).length;
}

module.exports = { cardsOf, unreadOf, isOver, CARDS_MAX };

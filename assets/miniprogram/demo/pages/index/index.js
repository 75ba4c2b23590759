// The switch and the cards.
const app = getApp();

const CONNECTION = { idle: '未连接', connecting: '正在连接', ready: '已连接', draining: '切换线路', backoff: '正在重连', offline: '没有网络', fatal: '已断开' };
const AUDIO = {
  off: '未开启', loading: '正在打开', playing: '声音已就绪', sounding: '正在播报', paused: '已暂停，听不到新订单', interrupted: '被来电打断',
  stolen: '被其他应用占用，听不到新订单', blocked: '没有声音，听不到新订单',
};
const STATES = {
  queued: '等待播报', sounding: '正在播报', waiting: '稍后重播', played: '已播报', failed: '播报失败', expired: '已失效', stopped: '已结束',
  answering: '正在提交', answered: '已处理',
};
const REASONS = {
  cancelled: '订单已取消', taken: '已被抢', superseded: '有更新的通知', merged: '已合并', expired: '已失效',
  answered_elsewhere: '已在另一台设备处理', off_duty: '已停止接单', logout: '已退出', not_open: '已失效',
};
const DONE = { accept: '已接单', decline: '已拒绝', confirm: '已确认' };
const ACTIONS = {
  ack: [{ answer: 'confirm', text: '确认' }],
  assign: [{ answer: 'accept', text: '接单' }, { answer: 'decline', text: '拒绝' }],
  grab: [{ answer: 'accept', text: '抢单' }],
};
const OVER = ['expired', 'stopped', 'answered'];
const LEAVE_MS = 6000; // a lost grab is read, and then out of the way

const isLost = (a) => a.outcome === 'lost' || (a.state === 'stopped' && a.reason === 'taken');

function isOver(a, now) {
  if (OVER.indexOf(a.state) >= 0 || (a.state === 'played' && a.need === 'none')) return true;
  return a.state !== 'answering' && a.answer_by > 0 && a.answer_by <= now;
}

/** Success only when the server has said so. */
function word(a, now) {
  if (a.outcome === 'lost') return REASONS.taken;
  if (a.outcome === 'gone') return REASONS[a.reason] || '已失效';
  if (a.state === 'answering') return a.outcome === 'pending' ? '处理中' : STATES.answering;
  if (a.state === 'answered') return a.mode === 'grab' && a.answer === 'accept' ? '抢单成功' : DONE[a.answer] || STATES.answered;
  if (a.state === 'stopped') return REASONS[a.reason] || STATES.stopped;
  return isOver(a, now) && a.need !== 'none' ? '已失效' : STATES[a.state] || a.state;
}

function secondsLeft(a, now) {
  const left = isOver(a, now) || a.state === 'answering' ? 0 : (a.expires_at || 0) - now;
  return left > 0 ? Math.ceil(left / 1000) + ' 秒' : '';
}

Page({
  data: { ready: false, base: '', token: '', onDuty: false, connection: '', audio: '', audible: false, cards: [] },

  onLoad() {
    this.setData(app.settings());
    this.unwatch = app.watch(() => this.draw());
  },

  onUnload() {
    this.onHide();
    this.unwatch();
  },

  onShow() {
    this.clock = setInterval(() => this.draw(), 1000);
  },

  onHide() {
    clearInterval(this.clock);
  },

  draw() {
    const { rider } = app;
    if (!rider) return;
    const state = rider.state();
    const now = state.server_now;
    const left = (a) => isLost(a) && now - a.told_at > LEAVE_MS;
    const cards = Object.keys(app.alerts).map((id) => app.alerts[id])
      .filter((a) => a.kind !== 'order.taken' && !left(a)) // its chime is heard, the offer's card says the rest
      .sort((a, b) => isOver(a, now) - isOver(b, now) || b.urgency - a.urgency || b.seq - a.seq)
      .slice(0, 30)
      .map((a) => ({
        id: a.id, urgency: a.urgency, over: isOver(a, now), title: a.title || a.text || '通知', text: a.title ? a.text : '',
        state: word(a, now), left: secondsLeft(a, now), busy: a.state === 'answering',
        result: isLost(a) ? 'lost' : a.outcome === 'won' || (a.outcome === 'recorded' && a.answer !== 'decline') ? 'done' : '',
        actions: isOver(a, now) || a.need === 'none' ? [] : ACTIONS[a.mode] || [],
      }));
    this.setData({
      ready: true, cards, onDuty: state.on_duty === true && !state.fatal,
      connection: CONNECTION[state.connection] + (state.fatal ? '：' + state.fatal.reason : ''),
      online: state.connection === 'ready' || state.connection === 'draining',
      audio: AUDIO[state.audio], audible: state.audio === 'playing' || state.audio === 'sounding',
    });
  },

  typeBase(event) { this.setData({ base: event.detail.value }); },
  typeToken(event) { this.setData({ token: event.detail.value }); },

  save() {
    const { base, token } = this.data;
    if (!/^https?:\/\/./.test(base.trim()) || !token.trim()) {
      wx.showToast({ title: '请填写服务器和接单码', icon: 'none' });
      return;
    }
    app.save(base, token);
  },

  // Straight from the tap: this is where the platform lets a player start.
  start() { app.rider.start(); },
  stop() { app.rider.stop(); },

  answer(event) {
    const { id, answer } = event.currentTarget.dataset;
    app.rider.answer(id, answer);
  },

  selfcheck() { wx.navigateTo({ url: '/pages/selfcheck/selfcheck' }); },
});

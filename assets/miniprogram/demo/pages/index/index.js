// The switch and the cards.
const app = getApp();

const CONNECTION = { idle: '未连接', connecting: '正在连接', ready: '已连接', draining: '切换线路', backoff: '正在重连', offline: '没有网络', fatal: '已断开' };
const AUDIO = {
  off: '未开启', loading: '正在打开', playing: '声音已就绪', sounding: '正在播报', paused: '已暂停，听不到新订单', interrupted: '被来电打断',
  stolen: '被其他应用占用，听不到新订单', blocked: '没有声音，听不到新订单',
};
const STATES = {
  queued: '等待播报', sounding: '正在播报', waiting: '稍后重播', played: '已播报', failed: '播报失败', expired: '已过期', stopped: '已结束',
  answering: '正在提交', answered: '已处理',
};
const OUTCOMES = { won: '接单成功', recorded: '已记录', lost: '被其他骑手抢先了', gone: '订单已失效', pending: '处理中' };
const ACTIONS = {
  confirm: [{ answer: 'confirm', text: '确认收到' }],
  accept: [{ answer: 'accept', text: '接单' }, { answer: 'decline', text: '拒单' }],
};
const OVER = ['expired', 'stopped', 'answered'];

Page({
  data: { ready: false, base: '', token: '', onDuty: false, connection: '', audio: '', audible: false, cards: [] },

  onLoad() {
    this.setData(app.settings());
    this.unwatch = app.watch(() => this.draw());
  },

  onUnload() {
    this.unwatch();
  },

  draw() {
    const { rider } = app;
    if (!rider) return;
    const state = rider.state();
    const over = (a) => OVER.indexOf(a.state) >= 0 || (a.state === 'played' && a.need === 'none');
    const cards = Object.keys(app.alerts).map((id) => app.alerts[id])
      .sort((a, b) => over(a) - over(b) || b.urgency - a.urgency || b.seq - a.seq)
      .slice(0, 30)
      .map((a) => ({
        id: a.id, urgency: a.urgency, over: over(a), title: a.title || a.text || '通知', text: a.title ? a.text : '',
        state: OUTCOMES[a.outcome] || STATES[a.state] || a.state, busy: a.state === 'answering',
        actions: over(a) ? [] : ACTIONS[a.need] || [],
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

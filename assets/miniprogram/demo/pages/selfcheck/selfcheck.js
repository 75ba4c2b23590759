// The self-check: ten minutes in the background, and what the phone did meanwhile.
const app = getApp();
const { MINUTES, rowsOf, verdictOf } = require('../../lib/checks.js');

Page({
  data: {
    running: false, percent: 0, minutes: '', message: '', verdict: { tone: '', text: '', guide: false }, delivery: '', waits: false,
    /** @type {{name: string, value: string}[]} */
    rows: [],
  },
  /** @type {any} */
  unwatch: null,
  /** @type {any} */
  clock: null,
  drawn: '',
  shown: false,

  onLoad() {
    this.unwatch = app.watch(() => { if (this.shown) this.draw(); });
  },

  onUnload() {
    this.onHide();
    this.unwatch();
  },

  onShow() {
    this.shown = true;
    clearInterval(this.clock);
    this.clock = setInterval(() => this.draw(), 1000);
    this.draw();
  },

  onHide() {
    this.shown = false;
    clearInterval(this.clock);
  },

  draw() {
    const { checks } = app;
    const view = Object.assign({ rows: rowsOf(checks.result), verdict: verdictOf(checks.result), delivery: checks.delivery, waits: checks.waiting().length > 0 }, checks.progress());
    const drawn = JSON.stringify(view);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    this.setData(this.data.running && !view.running ? Object.assign({ message: '' }, view) : view);
  },

  start() {
    const { rider } = app;
    if (!rider || rider.state().on_duty !== true) {
      this.setData({ message: rider ? '请先到“接单”页点“开始接单”，再回来自检。' : '请先到“接单”页登录。' });
      return;
    }
    this.setData({ message: `现在请锁屏，或切到别的应用，${MINUTES} 分钟后再回来。不要划掉微信。` });
    app.checks.begin(rider);
  },

  cancel() {
    this.setData({ message: '' });
    app.checks.cancel();
  },

  again() { app.checks.send(); },
  guide() { wx.navigateTo({ url: '/pages/guide/guide' }); },
});

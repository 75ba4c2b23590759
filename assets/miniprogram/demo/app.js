// One rider for the whole app: the player and the socket belong to the app, pages come and go.
const { createRider } = require('./orderbell.js');

App({
  rider: null,
  watchers: [],
  alerts: {},

  onLaunch() {
    const { base, token } = this.settings();
    if (base && token) this.open();
  },

  settings() {
    return { base: wx.getStorageSync('base') || '', token: wx.getStorageSync('token') || '' };
  },

  /** A real app would ask its own backend for the token, after wx.login; the demo has it pasted. */
  save(base, token) {
    wx.setStorageSync('base', base.trim().replace(/\/+$/, ''));
    wx.setStorageSync('token', token.trim());
    this.open();
  },

  open() {
    if (this.rider) this.rider.close();
    this.alerts = {};
    this.rider = createRider({
      url: this.settings().base.replace(/^http/, 'ws') + '/v1/rider/socket',
      getToken: () => this.settings().token,
      audio: { title: '接单中', epname: '订单语音播报', singer: '骑手接单', coverImgUrl: '' },
      onAlert: (alert) => {
        this.alerts[alert.id] = Object.assign(alert, { told_at: this.rider ? this.rider.state().server_now : 0 });
        this.tell();
      },
      onState: () => this.tell(),
      onEvent: (event) => {
        if (event.type === 'error') console.warn('orderbell', event.where, event.message);
      },
    });
    this.rider.connect();
    this.tell();
  },

  /** @returns what to call when the page goes */
  watch(watcher) {
    this.watchers.push(watcher);
    watcher();
    return () => { this.watchers = this.watchers.filter((w) => w !== watcher); };
  },

  tell() {
    this.watchers.forEach((watcher) => watcher());
  },
});

// What the rider may choose, how many reminders are left, and the way out.
const app = getApp();

Page({
  data: {
    signedIn: false, street: false, streetKnown: false, screenOn: false, location: false, note: '', reminders: '', trouble: '', base: '',
  },
  /** @type {any} */
  unwatch: null,

  onLoad() {
    this.unwatch = app.watch(() => this.draw());
  },

  onUnload() {
    this.unwatch();
  },

  onShow() {
    if (app.rider && app.settings.street === null) app.settings.load();
  },

  draw() {
    const { settings, subscriptions, login } = app;
    this.setData({
      signedIn: app.rider !== null, street: settings.street === true, streetKnown: settings.street !== null,
      screenOn: settings.screenOn, location: settings.location, note: settings.note,
      reminders: subscriptions.words(), trouble: subscriptions.trouble, base: login.base,
    });
  },

  /** @param {any} event */
  street(event) { app.settings.setStreet(event.detail.value); },
  /** @param {any} event */
  screen(event) { app.settings.setScreen(event.detail.value); },
  /** @param {any} event */
  location(event) { app.settings.setLocation(event.detail.value); },

  retry() { app.settings.load(); },
  remind() { app.subscriptions.bank(true); },
  guide() { wx.navigateTo({ url: '/pages/guide/guide' }); },

  signOut() {
    wx.showModal({
      title: '退出登录', content: '退出后听不到新订单。', confirmText: '退出', confirmColor: '#b3151d',
      success: (choice) => { if (choice.confirm) app.signOut(); },
    });
  },
});

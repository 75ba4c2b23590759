// What to allow on this phone so that it keeps speaking in the pocket.
const { MAKERS, LIMITS, makerOf } = require('../../lib/guidance.js');

const NAMES = MAKERS.map((maker) => ({ id: maker.id, name: maker.name }));

Page({
  data: {
    names: NAMES, chosen: 'other', limits: LIMITS, limit: '', system: '',
    /** @type {string[]} */
    steps: [],
  },

  onLoad() {
    this.show(makerOf(brandOf()));
  },

  onShow() {
    this.setData({ system: systemWords() });
  },

  /** @param {any} event */
  choose(event) { this.show(event.currentTarget.dataset.id); },

  /** @param {string} id */
  show(id) {
    const maker = MAKERS.find((one) => one.id === id);
    if (maker) this.setData({ chosen: id, steps: maker.steps, limit: maker.limit });
  },

  openSystem() {
    const fail = () => wx.showToast({ title: '请在手机设置里找到微信', icon: 'none' });
    if (wx.openAppAuthorizeSetting) wx.openAppAuthorizeSetting({ fail });
    else fail();
  },
});

function brandOf() {
  try {
    return String((wx.getDeviceInfo ? wx.getDeviceInfo() : wx.getSystemInfoSync()).brand || '');
  } catch (e) {
    return '';
  }
}

/** What WeChat knows about its own permissions; nothing of battery or auto-start. */
function systemWords() {
  try {
    return wx.getAppAuthorizeSetting().notificationAuthorized === 'authorized' ? '微信的通知：已允许' : '微信的通知：没有允许。请打开，否则收不到微信提醒。';
  } catch (e) {
    return ''; // before 2.20.1
  }
}

// The self-check: ten minutes in the background, and what the phone did meanwhile.
const app = getApp();

const MINUTES = 10;
const ROWS = [
  ['gaps', '声音中断（次）'], ['gap_ms_max', '最长中断（毫秒）'], ['denials', '拒绝播放（次）'], ['suspends', '被系统冻结（次）'],
  ['reconnects', '重新连接（次）'], ['rtt_ms_p50', '网络往返（毫秒）'], ['rtt_ms_p95', '较慢时（毫秒）'],
];

Page({
  data: { running: false, message: '', rows: [], passed: false },

  onUnload() {
    if (this.check) this.check.cancel();
  },

  start() {
    const { rider } = app;
    if (!rider || rider.state().on_duty !== true) {
      this.setData({ message: '请先回到上一页，点“开始接单”。' });
      return;
    }
    this.setData({ running: true, rows: [], message: `现在请锁屏，或切到别的应用，${MINUTES} 分钟后再回来。` });
    this.check = rider.selfTest({ duration_ms: MINUTES * 60000 });
    this.check.done.then((result) => this.finish(result));
  },

  cancel() {
    if (this.check) this.check.cancel();
  },

  finish(result) {
    this.check = null;
    const passed = result.denials + result.gaps + result.suspends === 0;
    const short = /cancelled/.test(result.notes);
    this.setData({
      running: false, passed,
      message: short ? '提前结束了，结果仅供参考。' : passed ? '通过：这台手机一直听得到。' : '这台手机在后台会断声，请关闭微信的省电限制后再测。',
      rows: ROWS.map(([key, name]) => ({ name, value: result[key] === null ? '没有测到' : String(result[key]) })),
    });
    this.upload(result);
  },

  /** Refused while frozen; the result stays on the screen either way. */
  upload(result) {
    const { base, token } = app.settings();
    const failed = () => this.setData({ message: this.data.message + ' 结果没有传到站点。' });
    wx.request({
      url: base + '/v1/rider/checks',
      method: 'POST',
      header: { Authorization: 'Bearer ' + token, 'Content-Type': 'application/json' },
      data: result,
      success: (response) => { if (response.statusCode >= 300) failed(); },
      fail: failed,
    });
  },
});

// A mini-program as a device: WeChat's, and every other one by uni-app, which gives all of them the same names.
// The rules behind the odd lines: the background audio manager is one global object without `off*` and the last
// listener wins, so it is ours alone; `title` is mandatory; a new `src` plays by itself; onTimeUpdate comes in
// the foreground only.

const { assign } = require('./values');

/**
 * @param {object} wx the platform's global
 * @param {object} [env] now(), random(), setTimer(fn, ms), clearTimer(timer); for tests
 */
const wechatAdapter = (wx, env) => {
  const player = wx.getBackgroundAudioManager();
  return assign({
    platform: 'wechat',
    player,
    play(src, title, labels) {
      assign(player, labels, { title }).src = src;
    },
    storage: { get: (key) => wx.getStorageSync(key), set: (key, value) => wx.setStorageSync(key, value) },
    openSocket(url, protocol, opened, heard, closed, task = wx.connectSocket({ url, protocols: [protocol], fail: closed })) {
      task.onOpen(opened);
      task.onMessage(heard);
      task.onError(closed);
      task.onClose(closed);
      return {
        send: (data) => task.send({ data, fail: closed }),
        close: () => task.close({}),
      };
    },
    request(method, url, token, data, done) {
      wx.request({
        method, url, data,
        header: { Authorization: 'Bearer ' + token },
        success: (answer) => done(answer.statusCode, answer.data),
        fail: done,
      });
    },
    anchor(on, fail) {
      wx[on ? 'startLocationUpdateBackground' : 'stopLocationUpdate']({ fail });
    },
    watch(names, tell) {
      names.forEach((name, i, all, on = 'on' + name, host = player[on] ? player : wx) => host[on] && host[on]((detail) => tell(name, detail)));
    },
  }, env);
};

/** The same of uni-app: for its apps, and for the mini-programs of others. */
const uniAdapter = (uni, env) => wechatAdapter(uni, assign({ platform: 'uni' }, env));

module.exports = { wechatAdapter, uniAdapter };

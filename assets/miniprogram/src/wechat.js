// A WeChat mini-program as a device. The rules behind the odd lines: the background audio manager is one
// global object without `off*` and the last listener wins, so it is ours alone; `title` is mandatory;
// a new `src` plays by itself; onTimeUpdate comes in the foreground only.

/**
 * @param {object} wx the platform's global
 * @param {object} [env] now(), random(), setTimer(fn, ms), clearTimer(handle); for tests
 */
function wechatAdapter(wx, env) {
  const manager = wx.getBackgroundAudioManager();
  let inFront = true;
  let wake = () => {};
  const player = {
    exact: false, // currentTime is not promised to move in the background
    listen(on) {
      const bind = (event, handle) => {
        if (typeof manager[event] !== 'function') return;
        manager[event]((detail) => {
          handle(detail || {});
          wake();
        });
      };
      bind('onPlay', on.play);
      bind('onTimeUpdate', on.timeupdate);
      bind('onWaiting', on.waiting);
      bind('onEnded', on.ended);
      bind('onPause', on.pause);
      bind('onStop', on.stop);
      bind('onError', (detail) => on.error(detail.errCode, detail.errMsg));
      // The panel's skip buttons have nothing to skip; unbound they end the player on some phones.
      bind('onPrev', () => {});
      bind('onNext', () => {});
    },
    set(src, title, labels) {
      manager.title = title;
      manager.epname = labels.epname;
      manager.singer = labels.singer;
      if (labels.coverImgUrl) manager.coverImgUrl = labels.coverImgUrl;
      manager.src = src;
    },
    stop() {
      manager.stop();
    },
    running: () => manager.paused === false,
    position: () => manager.currentTime || 0,
    duration: () => manager.duration || 0,
  };
  return Object.assign({
    platform: 'wechat',
    formats: ['mp3', 'm4a', 'wav'],
    now: () => Date.now(),
    random: () => Math.random(),
    setTimer: (fn, ms) => setTimeout(fn, ms),
    clearTimer: (handle) => clearTimeout(handle),
    player,
    storage: { get: (key) => wx.getStorageSync(key), set: (key, value) => wx.setStorageSync(key, value) },
    foreground: () => inFront,
    vibrate: () => wx.vibrateLong && wx.vibrateLong({ fail() {} }),
    openSocket(url, protocol, on) {
      const task = wx.connectSocket({
        url, protocols: [protocol], tcpNoDelay: true, timeout: 10000,
        fail: (error) => on.error(error.errMsg),
      });
      task.onOpen(() => on.open());
      task.onMessage((message) => on.message(message.data));
      task.onError((error) => on.error(error && error.errMsg));
      task.onClose((event) => on.close((event && event.code) || 1006, event && event.reason));
      return {
        send: (text) => task.send({ data: text, fail: (error) => on.error(error && error.errMsg) }),
        close: (code, reason) => task.close({ code, reason, fail() {} }),
      };
    },
    watch(on) {
      wake = on.player;
      const show = () => { inFront = true; on.show(); };
      const hide = () => { inFront = false; on.hide(); };
      const network = (status) => on.network(status.isConnected !== false);
      const begin = () => on.interruption(true);
      const end = () => on.interruption(false);
      const listeners = [['AppShow', show], ['AppHide', hide], ['NetworkStatusChange', network],
        ['AudioInterruptionBegin', begin], ['AudioInterruptionEnd', end]];
      listeners.forEach((l) => { if (wx['on' + l[0]]) wx['on' + l[0]](l[1]); });
      return () => listeners.forEach((l) => { if (wx['off' + l[0]]) wx['off' + l[0]](l[1]); });
    },
  }, env);
}

module.exports = { wechatAdapter };

// What an operator writes in. Nothing here is secret: the appid's secret and all keys stay on the server.
module.exports = {
  /** The server, `https://orders.example.com`, with its sub-path if it has one. Empty: the rider is asked for it. */
  base: '',
  /** What the lock screen shows while nothing is said. `title` must not be empty, or the phone refuses to play. */
  audio: { title: '接单中', epname: '订单语音播报', singer: '骑手接单', coverImgUrl: '' },
};

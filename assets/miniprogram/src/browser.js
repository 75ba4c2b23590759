// A browser tab as a device. One audio element for everything: the element a tap has unlocked may take
// new sources for ever, a second one would be refused.

const { keys, parse, stringify } = require('./values');

/**
 * @param {Window} win
 * @param {HTMLAudioElement} [element] shown by the page, or made here
 */
const browserAdapter = (win, element) => {
  const { document, navigator: { mediaSession } } = win;
  const player = element || document.createElement('audio');
  const isHidden = () => document.visibilityState === 'hidden';
  let tell;
  return {
    platform: 'browser',
    hidden: isHidden(),
    setTimer: win.setTimeout,
    clearTimer: win.clearTimeout,
    player,
    play(src, title, { singer: artist, epname: album, coverImgUrl }) {
      player.src = src;
      if (mediaSession) mediaSession.metadata = new win.MediaMetadata({ title, artist, album, artwork: coverImgUrl ? [{ src: coverImgUrl }] : [] });
      player.play().catch(({ name }) => {
        if (name === 'NotAllowedError') tell('Error', { message: 'permission' });
      });
    },
    storage: {
      get: (key) => parse(win.localStorage.getItem(key)),
      set: (key, value) => win.localStorage.setItem(key, stringify(value)),
    },
    openSocket(url, protocol, opened, heard, closed) {
      const socket = new win.WebSocket(url, protocol);
      socket.onopen = opened;
      socket.onmessage = heard;
      socket.onclose = closed; // an error says nothing, and is followed by this
      return socket;
    },
    request(method, url, token, data, done) {
      win.fetch(url, { method, headers: { Authorization: 'Bearer ' + token, 'Content-Type': 'application/json' }, body: stringify(data) })
        .then((answer) => answer.json().then((json) => done(answer.status, json)))
        .catch(done);
    },
    watch(names, wake) {
      const on = (target, event, run) => target.addEventListener(event, run);
      tell = wake;
      names.forEach((name) => on(player, name === 'Play' ? 'playing' : name.toLowerCase(), () => tell(name, player.error)));
      on(document, 'visibilitychange', () => tell(isHidden() ? 'AppHide' : 'AppShow'));
      ['online', 'offline'].forEach((event) => on(win, event, () => tell('NetworkStatusChange', { isConnected: event === 'online' })));
      if (mediaSession) {
        const act = { play: () => player.play(), pause: () => player.pause(), nexttrack: () => tell('Next'), previoustrack: () => tell('Prev') };
        keys(act).forEach((name) => mediaSession.setActionHandler(name, act[name]));
      }
    },
  };
};

module.exports = { browserAdapter };

// A browser tab as a device. One audio element for everything: the element a tap has unlocked may take
// new sources for ever, a second one would be refused.

/**
 * @param {Window} win
 * @param {HTMLAudioElement} [element] shown by the page, or made here
 */
function browserAdapter(win, element) {
  const doc = win.document;
  const audio = element || doc.createElement('audio');
  let on = {};
  let wake = () => {};
  let loading = false;
  const bind = (event, handle) => audio.addEventListener(event, () => { handle(); wake(); });
  const player = {
    exact: true,
    listen(handlers) {
      on = handlers;
      bind('playing', () => { loading = false; on.play(); });
      bind('timeupdate', () => { if (!loading) on.timeupdate(); });
      bind('waiting', () => { if (!loading) on.waiting(); });
      bind('ended', () => on.ended());
      // A pause also precedes `ended` and follows a new source; neither is the rider's.
      bind('pause', () => { if (!loading && !audio.ended) on.pause(); });
      bind('error', () => on.error(audio.error ? audio.error.code : 0, audio.error ? audio.error.message : ''));
    },
    set(src, title, labels) {
      loading = true;
      audio.src = src;
      label(win, title, labels);
      const promise = audio.play();
      if (!promise || !promise.catch) return;
      promise.catch((error) => {
        if (audio.src.indexOf(src) < 0 && src.indexOf(audio.src) < 0) return; // another source since
        if (error.name === 'NotAllowedError') { on.error(0, 'no permission to play without a tap'); wake(); }
      });
    },
    stop() {
      loading = true;
      audio.pause();
    },
    running: () => !audio.paused && !audio.ended,
    position: () => (loading ? 0 : audio.currentTime || 0),
    duration: () => (audio.duration > 0 && audio.duration < Infinity ? audio.duration : 0),
  };
  return {
    platform: 'browser',
    formats: ['mp3', 'm4a', 'wav'],
    now: () => Date.now(),
    random: () => Math.random(),
    setTimer: (fn, ms) => win.setTimeout(fn, ms),
    clearTimer: (handle) => win.clearTimeout(handle),
    player,
    storage: {
      get: (key) => JSON.parse(win.localStorage.getItem(key) || 'null'),
      set: (key, value) => win.localStorage.setItem(key, JSON.stringify(value)),
    },
    foreground: () => doc.visibilityState !== 'hidden',
    vibrate: () => win.navigator.vibrate && win.navigator.vibrate([400, 200, 400]),
    openSocket(url, protocol, handlers) {
      const socket = new win.WebSocket(url, protocol);
      socket.onopen = () => handlers.open();
      socket.onmessage = (event) => handlers.message(event.data);
      socket.onerror = () => {}; // says nothing, and `close` follows with what is known
      socket.onclose = (event) => handlers.close(event.code, event.reason);
      return {
        send: (text) => socket.send(text),
        close: (code, reason) => socket.close(code, reason),
      };
    },
    watch(handlers) {
      wake = handlers.player;
      const seen = () => (doc.visibilityState === 'hidden' ? handlers.hide() : handlers.show());
      const listeners = [[doc, 'visibilitychange', seen], [win, 'pageshow', (event) => event.persisted && handlers.show()],
        [win, 'online', () => handlers.network(true)], [win, 'offline', () => handlers.network(false)]];
      listeners.forEach((l) => l[0].addEventListener(l[1], l[2]));
      return () => listeners.forEach((l) => l[0].removeEventListener(l[1], l[2]));
    },
  };
}

/** What the lock screen and the headset show. */
function label(win, title, labels) {
  if (!win.navigator.mediaSession || !win.MediaMetadata) return;
  const artwork = labels.coverImgUrl ? [{ src: labels.coverImgUrl }] : [];
  win.navigator.mediaSession.metadata = new win.MediaMetadata({ title, artist: labels.singer, album: labels.epname, artwork });
}

module.exports = { browserAdapter };

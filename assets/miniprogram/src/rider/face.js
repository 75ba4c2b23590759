// What the app and the device touch: commands in, state out.

const SDK = 'js/2.0.0';

let toldLast;

/** What a rider sees. */
const view = (sounding = status === PLAYING && speaking ? spoken.id : null) => ({
  // idle, connecting, ready, draining, backoff, offline, fatal
  connection: fatal ? 'fatal' : !begun ? 'idle' : live ? (draining ? 'draining' : 'ready') : next ? 'connecting' : online ? 'backoff' : 'offline',
  fatal,
  via: live ? 'socket' : viaHttp ? 'http' : null,
  audio: sounding ? 'sounding' : status,
  sounding,
  on_duty: onDuty,
  foreground: front,
  online,
  session,
  device,
});

const state = () => assign(view(), { server_now: server(), rtt_ms: rtt, unsent: outbox.length });

/** Tells the app what is new to a rider. */
const tellState = (told = stringify(view())) => {
  if (told !== toldLast) {
    toldLast = told;
    call('onState', state());
  }
};

const setDuty = (on) => {
  onDuty = on;
  tell({ on_duty: on });
  if (options.anchor === 'location') safely('start', () => adapter.anchor(on, (message) => trouble('start', message)));
  touch();
};

const shown = (inFront) => {
  front = inFront;
  if (hiddenAt) seen('hidden', mono() - hiddenAt);
  hiddenAt = front ? 0 : mono();
  tell({ foreground: front });
  if (front) wakeUp(200);
  if (front && setAt && status !== 'paused') goOn(); // in front anything may be set; a pause is the rider's own wish
};

const skip = (type) => () => note(type, { id: view().sounding });

/** By the names WeChat has for them. */
const DEVICE = {
  Play: played,
  TimeUpdate: moved,
  Ended: ended,
  Waiting() { if (playAt && !stalledAt) stalledAt = mono(); },
  Error: (error) => failed(error),
  Pause: () => halted('paused'),
  Stop: () => halted('stolen'),
  Prev: skip('prev'),
  Next: skip('next'),
  AppShow: () => shown(true),
  AppHide: () => shown(false),
  NetworkStatusChange: network,
  AudioInterruptionBegin: () => interruption(true),
  AudioInterruptionEnd: () => interruption(false),
  LocationChange: 0, // a chance to do what is due, like every event
};

// Known before any welcome, so that a tap can unlock the player without a network round trip.
// Beside our own path: a proxy may have put something before it.
keepAlive({ clips: ['m4a', 'mp3'].map((end) => base.replace(/v1.rider.$/, 'audio/silence/600.') + end) });
adapter.watch(keys(DEVICE), (name, detail) => enter('device', DEVICE[name], detail || {}));

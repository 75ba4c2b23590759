// What is due. Everything that must happen later has a moment (mono ms) that is looked at on every frame, every device
// event and by one timer, because a phone in a pocket may hold back any one of these.

const SUSPEND_MS = 5000; // work this late: the app was asleep, its timers held, or the clock has leapt
const TIMER_MAX_MS = 60000; // look at least once a minute, whatever the deadlines say
const SPIN_MS = 10; // and never more often than this

let timer;
let wakeUpAt; // what the timer is set to
let lookedAt; // when all was looked at last
let busy = false;
let over = false; // closed for good: nothing that comes late is heard

/** Has this moment come? If not, the timer will be set to it. No moment never comes. */
const due = (at) => at && (mono() >= at || (soonest = min(soonest, at), false));

/** A moment in so many ms. */
const later = (ms, at = mono() + ms) => {
  due(at);
  return at;
};

const note = (type, more = {}) => {
  seen(type, more.ms >= 0 ? more.ms : more.code);
  call('onEvent', assign({}, more, { type }));
};

/** Others' mistakes, the app's and the server's, are told, and are never in the way of an alert. */
const safely = (where, run, a, b) => {
  try {
    run(a, b);
  } catch (e) {
    if (where !== 'onEvent') trouble(where, e);
  }
};

const messageOf = (e) => String((e && (e.message || e.errMsg)) || e);

const trouble = (where, e) => note('error', { where, message: messageOf(e) });

const call = (name, value) => {
  if (options[name]) safely(name, options[name], value);
};

/** The way in for whatever comes from outside: first a look at the clock, then the news, then all that is due. */
const enter = (where, run, a, b) => {
  if (over) return;
  if (mono() - wakeUpAt > SUSPEND_MS) overslept(mono() - wakeUpAt);
  safely('run', hearOut); // a sentence that is over was heard, whatever comes now
  if (run) safely(where, run, a, b);
  touch();
};

/** Does all work that is due; cheap when nothing is. */
const touch = () => {
  if (busy || over) return;
  busy = true;
  soonest = mono() + TIMER_MAX_MS;
  safely('run', run);
  tellState();
  busy = false;
  if (over) return;
  lookedAt = mono();
  const at = max(soonest, lookedAt + SPIN_MS);
  wakeUpAt = at;
  if (timer) clearTimer(timer);
  timer = setTimer(() => {
    ticks = max(mono(), at); // no timer comes early: the clock was set back meanwhile
    seen('late', ticks - at);
    enter('run');
  }, Math.ceil(at - lookedAt));
};

const run = () => {
  if (next && due(next.at)) lose(next);
  if (live && due(live.at)) lose(live, 'silent', HEARTBEAT_LOST);
  if (due(wakeAt)) woken();
  if (due(attemptAt)) build();
  if (due(measureAt) || (!sure && due(pingAt + PROBE_MS))) ping();
  if (due(renewAt)) renew();
  if (due(resendAt)) sendAll();
  if (due(pollAt)) ask();
  if (due(checkAt)) checkUp();
  tick();
};

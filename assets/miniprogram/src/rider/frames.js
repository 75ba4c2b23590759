// What the server says, by its op. A frame that breaks one of these is told as an error, and nothing else.

const OPS = {
  welcome,
  bye,
  pong,
  alert: takeAlert,
  update: takeUpdate,
  stop: takeStop,
  answered: takeOutcome,
  ping({ now: at }) {
    failures = 0; // a link that has lived for a heartbeat has earned a fresh back-off
    send({ op: 'pong', now: at });
    if (hint(at)) measureAt = 1;
  },
  got({ n }) {
    forget((receipt) => receipt.n <= n); // an answer is awaited on, until its outcome
  },
  token({ token: fresh }) {
    fresh.trim();
    useToken(fresh);
    planRenewal();
    note('token'); // not its value: events end up in logs
  },
  event(frame) {
    note('event', frame);
  },
  chat(message) {
    note('chat', { message });
  },
  error(frame) {
    note('error', assign({ where: 'server' }, frame));
  },
};

/** A newer server may say more: what we do not know we do not need. */
const read = (frame, link, take = OPS[frame.op]) => {
  if (take) take(frame, link);
};

/** A welcome: what is open, how far we are, and what was left to say. */
const resume = (frame, open = listOf(frame.open).filter((item) => item)) => {
  keepAlive(frame.keepalive || {});
  if (behind) tell(facts());
  keepOnly(open);
  if (epoch !== frame.epoch) {
    cursor = 0; // the data were restored: what was counted means nothing
    epoch = String(frame.epoch);
  }
  restoreAnswers();
  if (open.every(({ id, ring }) => playsOf(id, ring) || alerts[id])) cursor = max(cursor, sane(frame.seq)); // nothing of it is missing here
  save();
  sendAll();
  askAgain(); // after it: numbers rise
};

// ---- what we say of ourselves ------------------------------------------------------------------

let behind = false; // what hello said is old by now

/** Only what is known: a page that never started cannot say whether its rider is on duty. JSON leaves out the rest. */
const facts = () => ({ foreground: front, on_duty: onDuty, audio: audible });

const hello = () => {
  behind = false;
  return { op: 'hello', token, device, epoch, cursor, caps: { formats: ['mp3', 'm4a', 'wav'], sdk: SDK, platform: adapter.platform }, state: facts() };
};

/** Tells the server what has changed. */
const tell = (fact) => {
  // Whom the next link has said hello to does not know; it will be told with the welcome.
  if (!send(assign({ op: 'state' }, fact)) || next) behind = true;
};

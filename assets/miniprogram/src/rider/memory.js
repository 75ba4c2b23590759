// What must survive the death of the page: who this device is, how far it has counted, which
// receipts the server has not confirmed, and what has been heard already.

/** A shift's worth of (id, ring); more would only slow the synchronous storage write. */
const HEARD_MAX = 500;
/** A receipt is about 120 bytes: 200 of them fit any storage and cover hours without network. */
const OUTBOX_MAX = 200;
/**
 * Answers without a final outcome; a rider has one or two, a backend that never decides must not fill the storage: a frame
 * has 16 KiB at most, WeChat gives 1 MiB to a key.
 */
const AWAITED_MAX = 20;
const RESEND_MS = 30000; // a store that was busy for a moment; a dead socket is noticed otherwise
const CLOSED = -1; // marks a ring that must not sound again whatever its count says
const DEVICE_KEY = 'orderbell.device';
const ANY_RING = 0; // rings count from one: this stands for all of them

let storageFailed = false;
let scope; // two riders may share a phone: everything but the counter belongs to the rider in the token

const readStored = (key) => {
  try {
    return storage.get(key) || {};
  } catch (e) {
    return {};
  }
};

/** A full or forbidden storage must not stop an alert: the session goes on from memory. */
const save = () => {
  try {
    storage.set(DEVICE_KEY, { id: device, n: counter });
    if (scope) storage.set(scope, { epoch, cursor, outbox, awaited, heard: heardPlays });
  } catch (e) {
    if (!storageFailed) note('storage', { message: messageOf(e) });
    storageFailed = true;
  }
};

const take = (kept) => {
  epoch = kept.epoch;
  cursor = sane(kept.cursor);
  outbox = listOf(kept.outbox).filter((receipt) => receipt && receipt.n > 0);
  awaited = assign({}, kept.awaited);
  heardPlays = assign({}, kept.heard);
};

const saved = readStored(DEVICE_KEY);
const device = String(options.device || saved.id || 'dev_' + random());
let counter = saved.id === device ? sane(saved.n) : 0;
take({});

// ---- receipts ----------------------------------------------------------------------------------

/** Numbers a receipt, keeps it until the server has it, and sends it. */
const sendReceipt = (receipt, numbered = assign({ n: counter += 1 }, receipt)) => {
  outbox.push(numbered);
  if (outbox.length > OUTBOX_MAX) outbox.shift(); // an answer is not lost by that: it is asked again as long as it is awaited
  save(); // before it is sent: a number is never used twice
  resendAt = resendAt || later(RESEND_MS);
  if (!send(numbered) && viaHttp) pollAt = later(0);
};

/** Receipts that are confirmed are forgotten. */
const forget = (confirmed) => {
  outbox = outbox.filter((receipt) => !confirmed(receipt));
  save();
};

/** Everything the server has not confirmed, in order: after a welcome, and when it has been slow to. */
const sendAll = () => {
  outbox.forEach((receipt) => send(receipt));
  resendAt = outbox.length && later(RESEND_MS);
};

// ---- what was heard ----------------------------------------------------------------------------

const trim = (map, most, names = keys(map)) => {
  if (names.length > most) delete map[names[0]];
};

/** How many times this ring has sounded here; CLOSED when it must stay silent, by itself or because all rings must. */
const playsOf = (id, ring) => heardPlays[id + '/' + ANY_RING] || heardPlays[id + '/' + ring] || 0;

const hear = ({ id }, ring, plays, key = id + '/' + ring) => {
  delete heardPlays[key];
  heardPlays[key] = plays;
  trim(heardPlays, HEARD_MAX);
  save();
};

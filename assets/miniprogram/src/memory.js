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
/** Marks a ring that must not sound again whatever its count says. */
const CLOSED = -1;

class Memory {
  /**
   * @param {{get: function(string): *, set: function(string, *)}} storage JSON-able values; may throw
   * @param {string} [device] the app's own id for this device; must live as long as the storage does,
   *   because the receipt counter is kept there
   * @param {function(): number} random 0 to 1
   */
  constructor(storage, device, random) {
    this.storage = storage;
    const saved = this.read('orderbell.device') || {};
    const known = typeof saved.id === 'string' && (!device || device === saved.id);
    this.device = known ? saved.id : device || freshId(random);
    this.n = known && saved.n > 0 ? saved.n : 0;
    this.scope = null;
    this.forget();
    this.saveDevice();
  }

  forget() {
    this.epoch = undefined;
    this.cursor = 0;
    this.outbox = [];
    this.awaited = new Map();
    this.heard = new Map();
  }

  /** Two riders may share a phone: everything but the counter belongs to the rider in the token. */
  use(token) {
    const scope = 'orderbell.rider.' + subject(token);
    if (scope === this.scope) return;
    this.scope = scope;
    this.forget();
    const saved = this.read(scope);
    if (!saved || typeof saved !== 'object') return;
    this.epoch = saved.epoch;
    this.cursor = saved.cursor > 0 ? saved.cursor : 0;
    if (Array.isArray(saved.outbox)) this.outbox = saved.outbox.filter((r) => r && r.n > 0);
    if (Array.isArray(saved.awaited)) this.awaited = new Map(saved.awaited.filter((kept) => Array.isArray(kept) && kept[1] && kept[1].frame));
    if (Array.isArray(saved.heard)) this.heard = new Map(saved.heard.filter(Array.isArray));
  }

  /** Numbers a receipt and keeps it until the server has it. @returns the frame to send */
  keep(receipt) {
    this.n += 1;
    const numbered = Object.assign({ op: receipt.op, n: this.n }, receipt);
    this.outbox.push(numbered);
    if (this.outbox.length > OUTBOX_MAX) {
      // A report is worth less than a rider's answer, an old one less than a new one.
      const report = this.outbox.findIndex((r) => r.op === 'report');
      this.outbox.splice(Math.max(report, 0), 1);
    }
    this.saveDevice(); // before it is sent: a number is never used twice
    this.save();
    return numbered;
  }

  /** `got{n}`: reports up to n are kept. An answer waits for its own `answered`, which has the outcome. */
  got(n) {
    this.outbox = this.outbox.filter((r) => r.op === 'answer' || r.n > n);
    this.save();
  }

  answered(n) {
    this.outbox = this.outbox.filter((r) => r.n !== n);
    this.save();
  }

  /** An answer was given: kept, beside its receipt, until its outcome is final, and with it what its card shows. */
  expect(id, answer, frame) {
    this.awaited.set(id, { answer, frame });
    if (this.awaited.size > AWAITED_MAX) this.awaited.delete(this.awaited.keys().next().value);
    this.save();
  }

  settle(id) {
    this.awaited.delete(id);
    this.save();
  }

  /** How many times this ring has sounded here; CLOSED when it must stay silent, by itself or because ring 0, all rings, must. */
  plays(id, ring) {
    return this.heard.get(id + '/0') || this.heard.get(id + '/' + ring) || 0;
  }

  hear(id, ring, plays) {
    const key = id + '/' + ring;
    this.heard.delete(key); // re-inserting keeps the map in order of use
    this.heard.set(key, plays);
    while (this.heard.size > HEARD_MAX) this.heard.delete(this.heard.keys().next().value);
    this.save();
  }

  resume(epoch, cursor) {
    if (epoch === this.epoch && cursor === this.cursor) return;
    this.epoch = epoch;
    this.cursor = cursor;
    this.save();
  }

  saveDevice() {
    this.write('orderbell.device', { id: this.device, n: this.n });
  }

  save() {
    if (!this.scope) return;
    const { epoch, cursor, outbox } = this;
    this.write(this.scope, { epoch, cursor, outbox, awaited: Array.from(this.awaited), heard: Array.from(this.heard) });
  }

  read(key) {
    try {
      return this.storage.get(key);
    } catch (e) {
      return undefined;
    }
  }

  /** A full or forbidden storage must not stop an alert: the session goes on from memory. */
  write(key, value) {
    try {
      this.storage.set(key, value);
    } catch (e) {
      this.failed = e;
    }
  }
}

function freshId(random) {
  let id = 'dev_';
  for (let i = 0; i < 20; i += 1) id += Math.floor(random() * 36).toString(36);
  return id;
}

/** The rider a token speaks for, to keep two riders' receipts apart. Not a check of the token. */
function subject(token) {
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const part = String(token).split('.')[1] || '';
  let text = '';
  let bits = 0;
  let held = 0;
  for (let i = 0; i < part.length; i += 1) {
    const digit = digits.indexOf(part[i]);
    if (digit < 0) continue;
    held = ((held << 6) | digit) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      text += String.fromCharCode((held >> bits) & 255);
    }
  }
  try {
    const claims = JSON.parse(text);
    return (claims.app || '') + '/' + claims.sub;
  } catch (e) {
    return 'unknown';
  }
}

module.exports = { Memory, CLOSED };

// What the rider has answered, and what became of it. An answer is over with a final outcome and with nothing
// else: until then every new session is asked again, and its alert does not ring on this device any more.

const { CLOSED } = require('./memory');

const ANSWERS = ['accept', 'decline', 'confirm'];
const ANY_RING = 0; // rings count from one: this stands for all of them

class Answers {
  /** @param {object} parts memory, clock, speaker, alerts (Map), plus send(receipt), end(alert, state, reason), emit(alert), note(event) */
  constructor(parts) {
    this.parts = parts;
  }

  /** @returns {boolean} false when this alert cannot be answered any more */
  give(id, answer) {
    if (ANSWERS.indexOf(answer) < 0) throw new TypeError('answer must be accept, decline or confirm');
    const { memory, speaker, clock, alerts } = this.parts;
    const alert = alerts.get(id);
    if (!alert || ['answering', 'answered', 'stopped'].indexOf(alert.state) >= 0) return false;
    speaker.remove(alert); // it must not ring on while the answer travels
    if (clock.server() >= alert.answerBy) {
      alert.outcome = 'gone'; // nobody was asked, because there is only one thing to be told
      this.parts.end(alert, 'expired', 'expired');
      return false;
    }
    memory.hear(id, ANY_RING, CLOSED);
    memory.expect(id, answer, alert.frame);
    this.parts.send({ op: 'answer', id, answer });
    this.wait(alert, answer);
    return true;
  }

  /** An alert comes that is answered already, in an earlier life of the page: a card, and no sound. */
  resume(alert) {
    const awaited = this.parts.memory.awaited.get(alert.id);
    if (awaited) this.wait(alert, awaited.answer);
    return !!awaited;
  }

  /** Those that do not come any more, because the server waits for nothing but a verdict. */
  restore(make) {
    const { memory, alerts } = this.parts;
    memory.awaited.forEach(({ answer, frame }, id) => {
      if (alerts.has(id)) return;
      const alert = make(frame);
      alerts.set(id, alert);
      this.wait(alert, answer);
    });
  }

  wait(alert, answer) {
    alert.answer = answer;
    alert.state = 'answering';
    this.parts.emit(alert);
  }

  /** `answered{n,id,outcome}`. After `pending` another one follows, with the same n or with none that we know. */
  heard(frame) {
    const { memory, speaker, alerts, note, emit } = this.parts;
    const pending = frame.outcome === 'pending';
    const alert = alerts.get(frame.id);
    const news = alert ? alert.state !== 'answered' : memory.awaited.has(frame.id);
    memory.answered(frame.n);
    if (!pending) memory.settle(frame.id);
    if (!news) return; // said twice, or the words of before: an outcome does not change
    if (alert) {
      speaker.remove(alert);
      alert.outcome = frame.outcome;
      alert.state = pending ? 'answering' : 'answered';
      emit(alert);
    }
    note({ type: 'answered', id: frame.id, n: frame.n, outcome: frame.outcome });
  }

  /** After a welcome: what was `pending` is asked again. What was never confirmed is in the outbox, and is sent from there. */
  again() {
    const { memory, send } = this.parts;
    memory.awaited.forEach(({ answer }, id) => {
      if (!memory.outbox.some((r) => r.op === 'answer' && r.id === id)) send({ op: 'answer', id, answer });
    });
  }
}

module.exports = { Answers };

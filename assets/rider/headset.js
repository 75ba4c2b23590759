// Answers with the headset: the button "next track" accepts the offer that sounds, or the one that sounded last. A rider
// does not look, so nothing is accepted that was not heard, and what was done is said, in words and in tones.
'use strict';

(function () {
  const OFF_KEY = 'orderbell.headset';
  const REACTION_MS = 700; // sooner after an offer begins, a press was meant for what sounded before it
  const BOUNCE_MS = 1500; // some headsets tell one press twice
  const SAID_MS = 30000; // then the line makes room
  const BEGUN_MAX = 200; // more than can be open; the oldest are forgotten first
  const words = window.RiderWords;

  class Headset {
    /** @param {object} parts alerts() -> the open ones, answer(id, answer) -> boolean, line (an element), tones, changed() */
    constructor(parts) {
      this.parts = parts;
      this.begun = new Map(); // id -> {first, last}: when it began to sound, ms of this page's own clock
      this.sounding = null;
      this.pressed = -Infinity;
      this.mine = null; // the last alert answered from here, as last told
      this.said = null; // {key, order, at}
      words.onChange(() => this.draw());
    }

    /** Whether its button means anything: the platform gives it, and the rider has not turned it off. */
    on() {
      return window.RiderPhone.hasHeadset() && window.RiderKeep.get(OFF_KEY) !== 'off';
    }

    turn(on) {
      window.RiderKeep.set(OFF_KEY, on ? 'on' : 'off');
      this.parts.changed();
    }

    /** Notes what begins to sound. */
    hear(id) {
      if (id === this.sounding) return;
      this.sounding = id;
      if (!id) return;
      const now = window.performance.now();
      const known = this.begun.get(id);
      this.begun.delete(id); // to the end: the order of a map is that of its last
      this.begun.set(id, { first: known ? known.first : now, last: now });
      if (this.begun.size > BEGUN_MAX) this.begun.delete(this.begun.keys().next().value);
    }

    /** "Next track" was pressed while `id` sounded, or nothing did. */
    next(id) {
      if (!this.on()) return;
      const now = window.performance.now();
      const bounced = now - this.pressed < BOUNCE_MS;
      this.pressed = now;
      if (bounced) return;
      const alert = this.target(id, now);
      if (!alert) {
        this.say('headset.nothing', '', now);
        this.parts.tones.play('no');
        return;
      }
      this.mine = alert;
      const accepts = alert.need === 'accept';
      this.say(accepts ? 'headset.sending' : 'headset.confirming', name(alert), now);
      this.parts.tones.play('heard');
      if (!this.parts.answer(alert.id, accepts ? 'accept' : 'confirm')) this.tell({ ...alert, state: 'expired', outcome: 'gone' });
    }

    /** What a press means: the offer that sounds, if it was heard long enough, else the offer that sounded last, if it is open. */
    target(id, now) {
      const open = this.parts.alerts();
      const heard = (alert) => this.begun.has(alert.id) && now - this.begun.get(alert.id).first >= REACTION_MS;
      const offers = open.filter((alert) => alert.need === 'accept' && heard(alert));
      const sounding = open.find((alert) => alert.id === id && alert.need !== 'none' && heard(alert));
      if (sounding) return sounding;
      offers.sort((a, b) => this.begun.get(b.id).last - this.begun.get(a.id).last);
      return offers[0] || null;
    }

    /** What became of an answer that was given here. */
    tell(alert) {
      if (!this.mine || this.mine.id !== alert.id) return;
      const key = outcome(alert);
      if (!key) return;
      this.mine = null;
      this.say(`headset.${key}`, name(alert), window.performance.now());
      this.parts.tones.play(key === 'lost' || key === 'gone' ? 'no' : 'yes');
    }

    say(key, order, at) {
      this.said = { key, order, at };
      this.draw();
    }

    clear() {
      this.begun.clear();
      this.sounding = null;
      this.mine = null;
      this.said = null;
      this.draw();
    }

    tick() {
      if (!this.said || window.performance.now() - this.said.at < SAID_MS) return;
      this.said = null;
      this.draw();
    }

    draw() {
      const { line } = this.parts;
      line.hidden = !this.said;
      line.textContent = this.said ? words.say(this.said.key, { order: this.said.order }) : '';
      line.dataset.tone = this.said && /lost|gone|nothing/.test(this.said.key) ? 'bad' : 'good';
    }
  }

  /** The word for an outcome that will not change; null while it may. */
  function outcome(alert) {
    if (alert.outcome === 'won' || alert.outcome === 'recorded') {
      if (alert.answer === 'confirm') return 'confirm';
      return alert.mode === 'grab' ? 'won' : 'accept';
    }
    if (alert.outcome === 'lost' || (alert.state === 'stopped' && alert.reason === 'taken')) return 'lost';
    return alert.outcome === 'gone' || alert.state === 'expired' || alert.state === 'stopped' ? 'gone' : null;
  }

  /** Which order, in few words: its number and whence and whither. */
  function name(alert) {
    const card = alert.card || {};
    return [card.short_no ? `#${card.short_no}` : '', window.RiderCards.headline(alert, card)].filter(Boolean).join(' ');
  }

  window.RiderHeadset = Headset;
}());

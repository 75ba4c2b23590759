// The cards of the rider's page: one for each alert, with its countdown and its buttons. They show what the client
// tells and nothing else: a success is a success when the server has said so.
'use strict';

(function () {
  const CARDS_MAX = 40; // a screen nobody scrolls further than
  const LEAVE_MS = 6000; // long enough to read that somebody was faster, short enough to be out of the way; as in rider.css
  const SETTLE_MS = 350; // about the time in which an eye sees that the buttons have moved
  const SOON_MS = 10000;
  const GONE = ['order.cancelled', 'order.reassigned_away']; // nobody rides there: neither way nor fee is of interest
  const HAN = /[\u4e00-\u9fff]/;
  const OVER = ['expired', 'stopped', 'answered'];

  const BUTTONS = { assign: ['accept', 'decline'], grab: ['accept'], ack: ['confirm'], notify: [] };
  const words = window.RiderWords;

  const isOffer = (alert) => alert.need === 'accept';
  const isLost = (alert) => alert.outcome === 'lost' || (alert.state === 'stopped' && alert.reason === 'taken');

  function isOver(alert, now) {
    if (OVER.indexOf(alert.state) >= 0) return true;
    if (alert.state === 'answering') return false;
    if (alert.answer_by && alert.answer_by <= now) return true; // its last sentence may still be running
    return alert.state === 'played' && alert.need === 'none';
  }

  class Cards {
    /** @param {object} parts box, template, empty, answer(id, answer), now() -> epoch ms of the server, audio() */
    constructor(parts) {
      this.parts = parts;
      this.alerts = new Map(); // id -> the alert as last told
      this.nodes = new Map(); // id -> its article
      this.ended = new Map(); // id -> when it was over, to show the latest first
      this.open = []; // ids as they stand
      this.settling = null;
    }

    /** What can still be answered and is not being answered: the open ones, as last told. */
    answerable() {
      const now = this.parts.now();
      return Array.from(this.alerts.values()).filter((alert) => alert.need !== 'none' && alert.state !== 'answering' && !isOver(alert, now));
    }

    /** Whether something waits to be heard. */
    unheard() {
      return Array.from(this.alerts.values()).some((alert) => alert.state === 'queued');
    }

    redraw() {
      this.alerts.forEach((alert) => this.draw(alert));
    }

    clear() {
      Array.from(this.alerts.keys()).forEach((id) => this.remove(id));
    }

    /** @returns {boolean} true when the rider sees something new */
    show(alert) {
      if (alert.kind === 'order.taken') return false; // heard, not read: the offer's own card says it
      const fresh = !this.alerts.has(alert.id);
      if (fresh && isLost(alert)) return false; // it has left
      this.alerts.set(alert.id, alert);
      this.draw(alert);
      this.arrange();
      return fresh;
    }

    remove(id) {
      this.alerts.delete(id);
      this.nodes.get(id).remove();
      this.nodes.delete(id);
      this.ended.delete(id);
    }

    /** A few times a second: countdowns run by the server's clock, and what is over goes. */
    tick() {
      const now = this.parts.now();
      let moved = false;
      this.alerts.forEach((alert, id) => {
        const node = this.nodes.get(id);
        if (isOver(alert, now) !== (node.dataset.over === 'true')) {
          this.draw(alert);
          moved = true;
        } else {
          countdown(alert, node, now);
        }
        if (isLost(alert) && now - this.ended.get(id) >= LEAVE_MS) {
          this.remove(id);
          moved = true;
        }
      });
      if (moved) this.arrange();
    }

    draw(alert) {
      const now = this.parts.now();
      const over = isOver(alert, now);
      let node = this.nodes.get(alert.id);
      if (!node) {
        node = this.parts.template.content.firstElementChild.cloneNode(true);
        node.dataset.id = alert.id;
        this.nodes.set(alert.id, node);
      }
      if (!over) this.ended.delete(alert.id);
      else if (!this.ended.has(alert.id)) this.ended.set(alert.id, now);
      const set = (name, text) => {
        const part = node.querySelector(name);
        part.textContent = text;
        part.hidden = !text;
        part.lang = HAN.test(text) ? 'zh-CN' : document.documentElement.lang; // the server's words, whatever this page speaks
      };
      const card = alert.card || {};
      const title = headline(alert, card);
      node.dataset.state = alert.state;
      node.dataset.urgency = String(alert.urgency);
      node.dataset.over = String(over);
      node.dataset.result = result(alert, over);
      node.dataset.offer = String(isOffer(alert));
      set('.kind', alert.title || words.say('card.alert'));
      set('.no', card.short_no ? '#' + card.short_no : '');
      set('.title', title);
      // An offer's sentence says what its facts say; two of them must fit on one screen.
      set('.text', alert.text && alert.text !== title && !(isOffer(alert) && merchantOf(card)) ? alert.text : '');
      set('.state-text', this.stateText(alert, over));
      set('.plays', plays(alert, over));
      facts(node.querySelector('.facts-of-order'), alert, card);
      this.actions(node.querySelector('.actions'), alert, over);
      countdown(alert, node, now);
    }

    stateText(alert, over) {
      const why = (reason, other) => words.either(`reason.${reason}`, other);
      if (alert.outcome === 'pending' && !over) return words.say('state.pending');
      if (alert.outcome === 'lost') return words.say('reason.taken');
      if (alert.outcome === 'gone') return why(alert.reason, 'reason.expired');
      if (alert.state === 'answered') return alert.mode === 'grab' && alert.answer === 'accept' ? words.say('state.won') : words.either(`done.${alert.answer}`, 'state.done');
      if (alert.state === 'stopped') return why(alert.reason, 'state.over');
      if (over && isOffer(alert)) return words.say('reason.expired');
      if (alert.state === 'played' && alert.need !== 'none') return words.say('state.asked');
      if (alert.state === 'queued' && this.parts.audio() === 'off') return words.say('state.not_on');
      return words.say(`state.${alert.state}`);
    }

    actions(box, alert, over) {
      const names = over ? [] : BUTTONS[alert.need === 'none' ? 'notify' : alert.mode] || BUTTONS[isOffer(alert) ? 'assign' : 'ack'];
      if (box.dataset.names !== names.join()) {
        // Rebuilt only when the choice changes: a button must not vanish under a thumb.
        box.dataset.names = names.join();
        box.textContent = '';
        names.forEach((name) => {
          const button = element('button', '');
          button.type = 'button';
          button.dataset.action = name;
          button.addEventListener('click', () => this.parts.answer(alert.id, name));
          box.append(button);
        });
      }
      const busy = alert.state === 'answering';
      Array.from(box.children).forEach((button) => {
        const name = button.dataset.action;
        const mine = busy && name === alert.answer;
        button.hidden = busy && !mine;
        button.disabled = busy || this.settling !== null;
        button.dataset.busy = String(mine);
        const word = alert.mode === 'grab' && name === 'accept' ? 'grab' : name;
        const now = alert.outcome === 'pending' ? 'pending' : 'sending';
        button.textContent = words.say(`button.${mine ? now : word}`);
      });
      box.classList.toggle('pair', names.length > 1 && !busy);
    }

    /**
     * Open ones first: offers, because others may be faster, then the urgent, then what ends soonest. What is over sinks,
     * the latest on top.
     */
    arrange() {
      const now = this.parts.now();
      const over = (a) => isOver(a, now);
      const ends = (a) => a.expires_at || Infinity;
      const order = Array.from(this.alerts.values()).sort((a, b) => {
        if (over(a) !== over(b)) return over(a) - over(b);
        if (over(a)) return this.ended.get(b.id) - this.ended.get(a.id) || b.seq - a.seq;
        if (isOffer(a) !== isOffer(b)) return isOffer(b) - isOffer(a);
        return b.urgency - a.urgency || (ends(a) === ends(b) ? a.seq - b.seq : ends(a) - ends(b));
      });
      order.splice(CARDS_MAX).forEach((a) => this.remove(a.id));
      const { box, empty } = this.parts;
      order.forEach((a, i) => {
        const node = this.nodes.get(a.id);
        if (box.children[i] !== node) box.insertBefore(node, box.children[i] || null);
      });
      empty.hidden = order.length > 0;
      this.settle(order.filter((a) => !over(a)).map((a) => a.id));
    }

    /** A card that moves may bring another order under a thumb that is on its way: for a moment no tap counts. */
    settle(open) {
      const moved = open.some((id, i) => id !== this.open[i]) && this.open.length > 0;
      this.open = open;
      if (!moved) return;
      window.clearTimeout(this.settling);
      this.settling = window.setTimeout(() => {
        this.settling = null;
        this.buttons();
      }, SETTLE_MS);
      this.buttons();
    }

    buttons() {
      this.open.filter((id) => this.alerts.has(id)).forEach((id) => {
        this.actions(this.nodes.get(id).querySelector('.actions'), this.alerts.get(id), this.nodes.get(id).dataset.over === 'true');
      });
    }
  }

  /** What became of it, in a word for the stylesheet. */
  function result(alert, over) {
    if (!over) return alert.outcome === 'pending' ? 'pending' : '';
    if (isLost(alert)) return 'lost';
    if (alert.state === 'answered' && (alert.outcome === 'won' || alert.outcome === 'recorded')) return alert.answer === 'decline' ? 'declined' : 'done';
    return alert.need === 'none' ? '' : 'gone';
  }

  const merchantOf = (card) => (card.merchant && card.merchant.name ? card.merchant.name : card.merchant);

  /** Which order it is, if it is about one: what happened to it stands above, in the label. */
  function headline(alert, card) {
    const merchant = merchantOf(card);
    if (merchant) return card.area ? `${merchant} → ${card.area}` : String(merchant);
    return alert.text || alert.title || words.say('card.alert');
  }

  function plays(alert, over) {
    if (alert.count < 2 || over || alert.state === 'answering') return '';
    const now = alert.plays + (alert.state === 'sounding' ? 1 : 0);
    return words.say(now > 0 ? 'card.play' : 'card.plays', { n: Math.min(now, alert.count), of: alert.count });
  }

  function facts(list, alert, card) {
    const rows = GONE.indexOf(alert.kind) >= 0 ? [] : [
      ['card.to', merchantOf(card) ? '' : card.area], ['card.distance', kilometres(card.distance_m)], ['card.fee', yuan(card.fee_cents)], ['card.note', card.note],
    ].filter((row) => row[1]);
    list.textContent = '';
    rows.forEach((row) => {
      const pair = document.createElement('div');
      pair.append(element('dt', words.say(row[0])), element('dd', String(row[1])));
      list.append(pair);
    });
    list.hidden = !rows.length;
  }

  /** Time left to answer an offer, by the server's clock: a phone that is two minutes off must not show two minutes more. */
  function countdown(alert, node, now) {
    const left = node.querySelector('.left');
    const bar = node.querySelector('.bar');
    const ends = alert.expires_at || 0;
    const remaining = ends - now;
    const whole = ends - (alert.created_at > 0 ? alert.created_at : ends - alert.ttl_ms);
    const counted = isOffer(alert) && node.dataset.over === 'false';
    const running = counted && remaining > 0 && alert.state !== 'answering';
    left.hidden = !running;
    bar.hidden = !counted || !(whole > 0); // it stays while an answer travels: the card below must not move
    if (!running) return;
    const seconds = Math.ceil(remaining / 1000);
    left.textContent = seconds < 100 ? words.say('card.seconds', { n: seconds }) : `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
    left.dataset.soon = String(remaining <= SOON_MS);
    if (whole > 0) bar.value = Math.min(1, remaining / whole);
  }

  function element(name, text) {
    const node = document.createElement(name);
    node.textContent = text;
    return node;
  }

  const kilometres = (m) => {
    if (!(m > 0)) return '';
    return m < 1000 ? words.say('card.metres', { n: Math.round(m) }) : words.say('card.kilometres', { n: (m / 1000).toFixed(1) });
  };
  const yuan = (cents) => (cents > 0 ? `¥${(cents / 100).toFixed(2).replace(/\.?0+$/, '')}` : '');

  Cards.headline = headline;
  window.RiderCards = Cards;
}());

// The cards of the rider's page: one for each alert, with its countdown and its buttons. They show what the client
// tells and nothing else: a success is a success when the server has said so.
'use strict';

(function () {
  const CARDS_MAX = 40; // a screen nobody scrolls further than
  const LEAVE_MS = 6000; // long enough to read that somebody was faster, short enough to be out of the way; as in rider.css
  const SETTLE_MS = 350; // about the time in which an eye sees that the buttons have moved
  const SOON_MS = 10000;
  const GONE = ['order.cancelled', 'order.reassigned_away']; // nobody rides there: neither way nor fee is of interest
  const OVER = ['expired', 'stopped', 'answered'];

  const STATES = { queued: '等待播报', sounding: '正在播报', waiting: '稍后重播', played: '已播报', failed: '播报失败，请看屏幕', expired: '已过期', answering: '正在提交' };
  const REASONS = {
    cancelled: '已取消', taken: '已被抢', superseded: '有更新的通知', merged: '已合并', expired: '已失效',
    answered_elsewhere: '已在另一台设备处理', off_duty: '已停止接单', logout: '已退出', not_open: '已失效', replaced: '已换到另一台设备',
  };
  const DONE = { accept: '已接单', decline: '已拒绝', confirm: '已确认' };
  const BUTTONS = { assign: ['accept', 'decline'], grab: ['accept'], ack: ['confirm'], notify: [] };
  const WORDS = { accept: '接单', decline: '拒绝', confirm: '确认' };

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
      };
      const card = alert.card || {};
      const title = headline(alert, card);
      node.dataset.state = alert.state;
      node.dataset.urgency = String(alert.urgency);
      node.dataset.over = String(over);
      node.dataset.result = result(alert, over);
      node.dataset.offer = String(isOffer(alert));
      set('.kind', alert.title || '通知');
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
      if (alert.outcome === 'pending' && !over) return '处理中，请稍等';
      if (alert.outcome === 'lost') return REASONS.taken;
      if (alert.outcome === 'gone') return REASONS[alert.reason] || '已失效';
      if (alert.state === 'answered') return alert.mode === 'grab' && alert.answer === 'accept' ? '抢单成功' : DONE[alert.answer] || '已处理';
      if (alert.state === 'stopped') return REASONS[alert.reason] || '已结束';
      if (over && isOffer(alert)) return '已失效';
      if (alert.state === 'played' && alert.need !== 'none') return '已播报，等您回复';
      if (alert.state === 'queued' && this.parts.audio() === 'off') return '开始接单后播报';
      return STATES[alert.state] || alert.state;
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
        const word = alert.mode === 'grab' && name === 'accept' ? '抢单' : WORDS[name];
        button.textContent = mine ? (alert.outcome === 'pending' ? '处理中' : '正在提交') : word;
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
    return alert.text || alert.title || '通知';
  }

  function plays(alert, over) {
    if (alert.count < 2 || over || alert.state === 'answering') return '';
    const now = alert.plays + (alert.state === 'sounding' ? 1 : 0);
    return now > 0 ? `第 ${Math.min(now, alert.count)} / ${alert.count} 遍` : `共 ${alert.count} 遍`;
  }

  function facts(list, alert, card) {
    const rows = GONE.indexOf(alert.kind) >= 0 ? [] : [
      ['送到', merchantOf(card) ? '' : card.area], ['距离', kilometres(card.distance_m)], ['配送费', yuan(card.fee_cents)], ['备注', card.note],
    ].filter((row) => row[1]);
    list.textContent = '';
    rows.forEach((row) => {
      const pair = document.createElement('div');
      pair.append(element('dt', row[0]), element('dd', String(row[1])));
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
    left.textContent = seconds < 100 ? `${seconds} 秒` : `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
    left.dataset.soon = String(remaining <= SOON_MS);
    if (whole > 0) bar.value = Math.min(1, remaining / whole);
  }

  function element(name, text) {
    const node = document.createElement(name);
    node.textContent = text;
    return node;
  }

  const kilometres = (m) => (m > 0 ? (m < 1000 ? `${Math.round(m)} 米` : `${(m / 1000).toFixed(1)} 公里`) : '');
  const yuan = (cents) => (cents > 0 ? `¥${(cents / 100).toFixed(2).replace(/\.?0+$/, '')}` : '');

  window.RiderCards = Cards;
}());

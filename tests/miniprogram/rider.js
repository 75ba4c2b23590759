'use strict';
// A rider as the demo sees one, where the page alone is judged: it says what it is told to, and writes down what it is asked.

class RiderDouble {
  constructor(options) {
    this.options = options;
    this.calls = [];
    this.now = 1800000000000;
    this.answers = true;
    this.checks = [];
    this.current = {
      connection: 'ready', audio: 'off', on_duty: false, foreground: true, online: true, via: 'socket', fatal: null, unsent: 0,
    };
    ['connect', 'close'].forEach((name) => { this[name] = () => { this.calls.push(name); }; });
  }

  start() {
    this.calls.push('start');
    this.change({ on_duty: true, audio: 'playing' });
  }

  stop() {
    this.calls.push('stop');
    this.change({ on_duty: false, audio: 'off' });
  }

  answer(id, answer) {
    this.calls.push(['answer', id, answer]);
    return this.answers;
  }

  state() {
    return Object.assign({ server_now: this.now }, this.current);
  }

  selfTest(options) {
    const check = { options, cancelled: false };
    this.checks.push(check);
    check.done = new Promise((resolve) => { check.resolve = resolve; });
    return { done: check.done, cancel: () => { check.cancelled = true; } };
  }

  change(change) {
    Object.assign(this.current, change);
    this.options.onState(this.state());
  }

  tell(alert) {
    this.options.onAlert(Object.assign({
      seq: 1, kind: 'order.assigned', urgency: 2, title: '新订单', text: '您有新的订单', state: 'sounding', plays: 0, count: 1, mode: 'notify', need: 'none',
      expires_at: this.now + 60000, answer_by: null, ring: 0,
    }, alert));
  }
}

module.exports = { RiderDouble };

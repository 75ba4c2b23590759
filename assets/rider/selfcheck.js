// The self-check: what this phone lets a page do while nobody looks at it, measured by the client, shown, and sent to the site.
'use strict';

(function () {
  const words = window.RiderWords;
  const $ = (id) => document.getElementById(id);
  // Members of the result and their units, as a rider cares for them. A client that does not measure one leaves it out.
  const ROWS = [
    ['gaps', 'times'], ['gap_ms_max', 'seconds'], ['denials', 'times'], ['suspends', 'times'], ['suspend_ms_max', 'seconds'], ['hidden_ms', 'seconds'],
    ['reconnects', 'times'], ['rtt_ms_p50', 'ms'], ['rtt_ms_p95', 'ms'], ['load_ms_p50', 'ms'], ['load_ms_p95', 'ms'], ['timer_late_ms_max', 'ms'],
    ['ended_lost', 'times'], ['ended_denied', 'times'],
  ];

  class SelfCheck {
    /** @param {object} parts rider() -> the client or null, call(method, path, body) -> Promise of a Response */
    constructor(parts) {
      this.parts = parts;
      this.clear();
      $('check-start').addEventListener('click', () => this.press());
      words.onChange(() => this.draw());
    }

    clear() {
      this.run = null;
      this.minutes = 0;
      this.result = null;
      this.unsent = false;
      this.refused = false;
      this.early = false;
      this.draw();
    }

    press() {
      const rider = this.parts.rider();
      if (!rider) return;
      if (this.run) {
        this.early = true;
        this.run.cancel();
        return;
      }
      this.refused = rider.state().on_duty !== true;
      this.result = null;
      this.unsent = false;
      this.early = false;
      if (!this.refused) this.begin(rider);
      this.draw();
    }

    begin(rider) {
      this.minutes = Number($('check-minutes').value);
      const run = rider.selfTest({ duration_ms: this.minutes * 60000 });
      this.run = run;
      run.done.then((result) => {
        if (this.run !== run) return; // signed out meanwhile
        this.run = null;
        this.result = result;
        if (this.early) result.notes = ['cancelled', result.notes].join('; '); // the site must not judge a phone by it
        this.draw();
        const failed = () => {
          if (this.result !== result) return;
          this.unsent = true;
          this.draw();
        };
        this.parts.call('POST', '/v1/rider/checks', result).then((response) => { if (!response.ok) failed(); }, failed);
      });
    }

    draw() {
      const { result } = this;
      let button = 'check.start';
      if (this.run) button = 'check.stop';
      else if (result) button = 'check.again';
      $('check-start').textContent = words.say(button);
      $('check-status').textContent = this.status();
      Array.from($('check-minutes').options).forEach((option) => { option.textContent = words.say('check.minutes', { n: option.value }); });
      const list = $('check-result');
      list.textContent = '';
      list.hidden = !result;
      if (!result) return;
      ROWS.filter(([name]) => result[name] !== undefined).forEach(([name, unit]) => {
        const cells = [words.say(`check.${name}`), value(result[name], unit)];
        ['dt', 'dd'].forEach((tag, i) => {
          const cell = document.createElement(tag);
          cell.textContent = cells[i];
          list.append(cell);
        });
      });
    }

    status() {
      const { result } = this;
      if (this.run) return words.say('check.running', { n: this.minutes });
      if (this.refused) return words.say('check.duty_first');
      if (!result) return '';
      let said = result.denials + result.suspends + result.gaps ? 'check.bad' : 'check.good';
      if (this.early) said = 'check.short';
      return [words.say(said), this.unsent ? words.say('check.not_sent') : ''].join(' ').trim();
    }
  }

  function value(measured, unit) {
    if (measured === null) return words.say('check.unmeasured');
    if (unit === 'seconds') return words.say('check.seconds', { n: (measured / 1000).toFixed(1) });
    return words.say(`check.${unit}`, { n: Math.round(measured) });
  }

  window.RiderSelfCheck = SelfCheck;
}());

'use strict';
// Time for the models: nothing happens unless a test lets it.

class World {
  constructor(start) {
    this.now = start || 1773000000000;
    this.events = [];
    this.count = 0;
  }

  at(ms, run) {
    const event = { at: this.now + ms, order: (this.count += 1), run };
    this.events.push(event);
    return event;
  }

  cancel(event) {
    const i = this.events.indexOf(event);
    if (i >= 0) this.events.splice(i, 1);
  }

  /** Lets `ms` pass, in order, with the promises that fall due between two events. */
  async advance(ms) {
    const end = this.now + ms;
    await settle();
    for (;;) {
      let next = null;
      this.events.forEach((e) => {
        if (e.at <= end && (!next || e.at < next.at || (e.at === next.at && e.order < next.order))) next = e;
      });
      if (!next) break;
      this.cancel(next);
      this.now = Math.max(this.now, next.at);
      next.run();
      await settle();
    }
    this.now = end;
  }
}

async function settle() {
  for (let i = 0; i < 6; i += 1) await null;
}

module.exports = { World };

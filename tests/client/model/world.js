'use strict';
// Time for the models: nothing happens unless a test lets it. A heap, so that a shift of eight hours costs a second.

class World {
  constructor(start) {
    this.now = start || 1773000000000;
    this.heap = [];
    this.count = 0;
    this.done = 0; // events run, for the figures
  }

  at(ms, run) {
    const event = { at: this.now + Math.max(Math.round(ms), 0), order: (this.count += 1), run };
    this.push(event);
    return event;
  }

  /** As `at`, for one who only looks: no promise can fall due because of it. */
  look(ms, run) {
    const event = this.at(ms, run);
    event.still = true;
    return event;
  }

  cancel(event) {
    if (event) event.run = null; // it stays in the heap until its time
  }

  /** Lets `ms` pass, in order, with the promises that fall due between two events. */
  async advance(ms) {
    const end = this.now + ms;
    await settle();
    while (this.heap.length && this.heap[0].at <= end) {
      const event = this.pop();
      if (!event.run) continue;
      this.now = Math.max(this.now, event.at);
      this.done += 1;
      event.run();
      if (!event.still) await settle();
    }
    this.now = end;
  }

  push(event) {
    const { heap } = this;
    let i = heap.length;
    heap.push(event);
    while (i > 0) {
      const up = (i - 1) >> 1;
      if (!before(event, heap[up])) break;
      heap[i] = heap[up];
      i = up;
    }
    heap[i] = event;
  }

  pop() {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (!heap.length) return first;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1], heap[child])) child += 1;
      if (!before(heap[child], last)) break;
      heap[i] = heap[child];
      i = child;
    }
    heap[i] = last;
    return first;
  }
}

function before(a, b) {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

async function settle() {
  for (let i = 0; i < 6; i += 1) await null;
}

module.exports = { World };

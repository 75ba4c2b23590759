// Chance that can be had again: the same seed throws the same numbers.
'use strict';

class Dice {
  constructor(seed) {
    this.state = seed >>> 0;
  }

  /** From 0 to 1 (mulberry32). */
  roll() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** A whole number from `least`, below `most`. */
  between(least, most) {
    return least + Math.floor(this.roll() * (most - least));
  }

  one(things) {
    return things[this.between(0, things.length)];
  }
}

module.exports = { Dice };

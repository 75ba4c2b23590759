'use strict';
// Chance that can be had again: the same seed, the same day.

/** @returns {function(): number} 0 to 1, mulberry32 */
function dice(seed) {
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) | 0;
  const random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  random();
  return random;
}

/** The dice with the words a day is told in. */
function chance(seed) {
  const random = dice(seed);
  return {
    random,
    upTo: (most) => Math.floor(random() * most),
    between: (least, most) => least + Math.floor(random() * (most - least)),
    odds: (share) => random() < share,
    one: (list) => list[Math.floor(random() * list.length)],
  };
}

module.exports = { dice, chance };

// Waiting in tests: for a condition, and not for ever.
'use strict';

const WAIT_MS = 20000;
const POLL_MS = 25;

/** Polls `probe` until it gives something true; what it gave. */
async function until(what, probe, limitMs = WAIT_MS) {
  const end = Date.now() + limitMs;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (Date.now() > end) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, POLL_MS); });
  }
}

module.exports = { until, WAIT_MS };

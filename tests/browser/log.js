// Reading what the audio element told: which clip ran when, and when nothing did.
'use strict';

const isSilence = (event) => pathOf(event.src).startsWith('/audio/silence/');

/** The events of the time in which the element held this path. */
function during(log, audioPath) {
  return log.filter((event) => event.src && pathOf(event.src) === audioPath);
}

/** The path of a src without the parameter that makes it unique. */
function pathOf(src) {
  return new URL(src).pathname;
}

/** The times in which nothing ran, ms, between the first and the last time that something did. */
function gaps(log) {
  const found = [];
  let since = null;
  log.forEach((event) => {
    if (['emptied', 'pause', 'ended', 'waiting', 'error'].includes(event.type)) since = since === null ? event.at : since;
    if (event.type === 'playing' && since !== null) {
      found.push({ ms: event.at - since, before: event.src });
      since = null;
    }
  });
  return found;
}

module.exports = { during, isSilence, gaps, pathOf };

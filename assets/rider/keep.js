// What the page keeps on the phone between two visits. A browser may refuse storage: then it holds for this visit.
'use strict';

(function () {
  const here = new Map();

  /** The value kept under this key, or null. `place`: localStorage, or sessionStorage for what ends with the tab. */
  function get(key, place = 'localStorage') {
    try {
      const kept = window[place].getItem(key);
      if (kept !== null) return kept;
    } catch (e) {
      // Refused: as if nothing had been kept there.
    }
    return here.has(place + key) ? here.get(place + key) : null;
  }

  function set(key, value, place = 'localStorage') {
    try {
      window[place].setItem(key, value);
    } catch (e) {
      here.set(place + key, value);
    }
  }

  function remove(key, place = 'localStorage') {
    here.delete(place + key);
    try {
      window[place].removeItem(key);
    } catch (e) {
      // Nothing can be there.
    }
  }

  window.RiderKeep = { get, set, remove };
}());

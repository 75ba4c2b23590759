// Keeps the screen lit while its rider waits: a phone on the handlebar, or one whose page stops when it is locked.
'use strict';

(function () {
  class Lamp {
    /** @param {function} changed called when `state` has changed */
    constructor(changed) {
      this.changed = changed;
      this.wanted = false;
      this.asking = false;
      this.lock = null;
      this.state = 'off'; // off, lit, refused
      // The browser takes the lock away from a page that is hidden; it must be asked for anew.
      document.addEventListener('visibilitychange', () => this.ask());
    }

    want(on) {
      if (this.wanted === on) return;
      this.wanted = on;
      if (on) {
        this.ask();
        return;
      }
      const { lock } = this;
      this.lock = null;
      this.tell('off');
      if (lock) lock.release().catch(() => {}); // it was let go already
    }

    ask() {
      if (!this.wanted || this.lock || this.asking || document.visibilityState !== 'visible') return;
      if (!window.navigator.wakeLock) {
        this.tell('refused');
        return;
      }
      this.asking = true;
      window.navigator.wakeLock.request('screen').then((lock) => this.have(lock), () => this.miss());
    }

    have(lock) {
      this.asking = false;
      if (!this.wanted) {
        lock.release().catch(() => {});
        return;
      }
      this.lock = lock;
      lock.addEventListener('release', () => this.lost(lock));
      this.tell('lit');
    }

    miss() {
      this.asking = false;
      // A page that was hidden meanwhile is refused, and asks again when it is shown.
      if (this.wanted && document.visibilityState === 'visible') this.tell('refused');
    }

    /** Taken away: because the page is hidden, or, while it is in sight, because the battery is low. */
    lost(lock) {
      if (this.lock !== lock) return;
      this.lock = null;
      if (document.visibilityState === 'visible') this.tell('refused');
    }

    tell(state) {
      if (this.state === state) return;
      this.state = state;
      this.changed();
    }
  }

  window.RiderLamp = Lamp;
}());

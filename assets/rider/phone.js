// What this phone is, and what its browser gives a page: asked, where it can be asked, else told from its name.
'use strict';

(function () {
  const { navigator } = window;

  const Phone = {
    /** iPhone or iPad, in any browser: they are all the same one inside. An iPad calls itself a Mac, but has a touch screen. */
    ios() {
      return /iP(hone|ad|od)/.test(navigator.userAgent) || (/Macintosh/.test(navigator.userAgent) && navigator.maxTouchPoints > 1);
    },

    /** Opened from the home screen. */
    installed() {
      return navigator.standalone === true || window.matchMedia('(display-mode: standalone)').matches;
    },

    /** Whether a page is told of the headset's buttons. */
    hasHeadset() {
      return 'mediaSession' in navigator && typeof navigator.mediaSession.setActionHandler === 'function';
    },
  };

  window.RiderPhone = Phone;
}());

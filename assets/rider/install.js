// The page on the home screen: the button where the browser offers it, and the worker that says in plain words that the
// server cannot be reached.
'use strict';

(function () {
  const { navigator } = window;
  let offer = null;

  /** Shows `button` while the browser would install the page. */
  function install(button) {
    const draw = () => { button.hidden = offer === null; };
    draw();
    window.addEventListener('beforeinstallprompt', (event) => {
      event.preventDefault(); // its own banner would cover the cards
      offer = event;
      draw();
    });
    window.addEventListener('appinstalled', () => {
      offer = null;
      draw();
    });
    button.addEventListener('click', () => {
      const asked = offer;
      offer = null; // good for one question
      draw();
      if (asked) asked.prompt();
    });
    // Without it everything works but the words. Relative: a proxy may have put a path before ours.
    if ('serviceWorker' in navigator) navigator.serviceWorker.register('rider/worker.js', { scope: 'rider' }).catch(() => {});
  }

  window.riderInstall = install;
}());

// Tries until the server answers, then loads the page as it was asked for.
'use strict';

(function () {
  const TRY_MS = 5000;
  const here = window.location.pathname;
  const look = () => window.fetch(here, { method: 'HEAD', cache: 'no-store' }).then((answer) => { if (answer.ok) window.location.reload(); }, () => {});
  window.setInterval(look, TRY_MS);
  window.addEventListener('online', look);
  document.getElementById('again').addEventListener('click', () => window.location.reload());
}());

// Answers for the page when the server cannot be reached, with a plain word and another try. The page itself, its scripts and
// its client always come from the server: yesterday's code must not run against today's.
'use strict';

const FILES = ['offline.html', 'offline.css', 'offline.js'];
const KEPT = `orderbell 1 ${self.registration.scope}`; // count up when one of them changes; a host may have several of us
const AWAY = [502, 503, 504]; // a proxy's words for a server that restarts

self.addEventListener('install', (event) => {
  self.skipWaiting();
  event.waitUntil(caches.open(KEPT).then((kept) => kept.addAll(FILES)));
});

self.addEventListener('activate', (event) => {
  const old = (name) => name.startsWith('orderbell ') && name.endsWith(` ${self.registration.scope}`) && name !== KEPT;
  event.waitUntil(caches.keys().then((names) => Promise.all(names.filter(old).map((name) => caches.delete(name)))));
});

const kept = (file) => caches.match(new URL(file, self.location.href).href, { cacheName: KEPT });

/** What the server answers; where it does not, this file as it is kept. */
function either(request, file) {
  return fetch(request).then(
    (answer) => (AWAY.includes(answer.status) ? kept(file).then((words) => words || answer) : answer),
    (error) => kept(file).then((words) => words || Promise.reject(error)),
  );
}

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const file = request.mode === 'navigate' ? FILES[0] : FILES.find((name) => new URL(name, self.location.href).href === request.url);
  if (file) event.respondWith(either(request, file));
});

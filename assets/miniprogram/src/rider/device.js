// What the app has given, and the device this runs on.

const { url, getToken } = options;
if (!getToken || !/^(ws|http)s?:../.test(url)) throw TypeError('url, getToken?');
const adapter = options.adapter || platform(options.player);
const { now = Date.now, random = Math.random, setTimer = setTimeout, clearTimer = clearTimeout, player, play } = adapter;
const storage = options.storage || adapter.storage;
const labels = assign({ title: '接单中' }, options.audio);
front = !adapter.hidden;

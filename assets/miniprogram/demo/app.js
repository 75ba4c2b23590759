// One rider for the whole app: the player and the socket belong to the app, pages come and go.
const config = require('./config.js');
const { createRider } = require('./orderbell.js');
const { Store } = require('./lib/store.js');
const { ask, socketOf } = require('./lib/server.js');
const { Login } = require('./lib/login.js');
const { Subscriptions } = require('./lib/subscriptions.js');
const { Checks } = require('./lib/checks.js');
const { Settings } = require('./lib/settings.js');
const { isOver, unreadOf, CARDS_MAX } = require('./lib/cards.js');
const { noticeOf, reasonOf } = require('./lib/words.js');

const ORDERS_TAB = 0;
/** @type {any} */
const AT_LAUNCH = null;
const VISIT_MS = 3000; // launched and shown is one visit

App({
  /** A test may put a double here. */
  createRider,
  /** @type {any} */
  rider: null,
  /** @type {InstanceType<typeof Store>} */
  store: AT_LAUNCH,
  /** @type {InstanceType<typeof Login>} */
  login: AT_LAUNCH,
  /** @type {InstanceType<typeof Subscriptions>} */
  subscriptions: AT_LAUNCH,
  /** @type {InstanceType<typeof Checks>} */
  checks: AT_LAUNCH,
  /** @type {InstanceType<typeof Settings>} */
  settings: AT_LAUNCH,
  /** @type {(() => void)[]} */
  watchers: [],
  /** @type {{[id: string]: any}} as the client told them last */
  alerts: {},
  seen: new Set(),
  looking: false,
  badge: 0,
  notice: '',
  visitedAt: 0,
  anchored: false,

  onLaunch() {
    this.store = new Store();
    if (config.base) this.store.keep('base', config.base);
    const { store } = this;
    const changed = () => this.tell();
    const asRider = (/** @type {string} */ method, /** @type {string} */ path, /** @type {object=} */ body) => (
      ask(store.read('base') || '', method, path, { token: store.read('token'), body })
    );
    this.login = new Login(store, (method, path, more) => ask(store.read('base') || '', method, path, more), () => this.signed());
    this.subscriptions = new Subscriptions(asRider, changed);
    this.checks = new Checks(store, asRider, changed);
    this.settings = new Settings(store, asRider, changed);
    this.login.begin();
  },

  onShow() {
    this.settings.light();
    this.login.shown();
    this.visit();
  },

  /** What is asked of the server whenever the rider comes by: the network may not have been there before. */
  visit() {
    if (!this.rider || Math.abs(Date.now() - this.visitedAt) < VISIT_MS) return;
    this.visitedAt = Date.now();
    this.checks.send();
    this.subscriptions.load();
    if (this.settings.street === null) this.settings.load();
  },

  /** The login has changed: with a token there is a rider, without one there is none. */
  signed() {
    const signed = this.login.status === 'signed';
    if (signed && !this.rider) this.open();
    else if (!signed && this.rider) this.leave();
    this.tell();
  },

  open() {
    const { login, settings } = this;
    this.anchored = settings.location;
    /** @type {any} */
    let made = {}; // until it is there, nothing that is told is listened to
    made = this.createRider({
      url: socketOf(login.base),
      getToken: (/** @type {{refresh: boolean}} */ wish) => login.tokenFor(wish.refresh),
      audio: config.audio,
      anchor: this.anchored ? 'location' : undefined,
      onAlert: (/** @type {any} */ alert) => this.rider === made && this.told(alert),
      onState: (/** @type {any} */ state) => this.rider === made && this.changed(state),
      onEvent: (/** @type {any} */ event) => this.rider === made && this.event(event),
    });
    this.rider = made;
    made.connect();
    this.visit();
  },

  /** Another rider may follow: nothing is left of this one on the screen. */
  leave() {
    this.rider.close();
    this.rider = null;
    this.alerts = {};
    this.seen = new Set();
    this.notice = '';
    this.visitedAt = 0;
    this.checks.abandon();
    this.subscriptions.clear();
    this.settings.clear();
  },

  signOut() {
    if (this.rider) this.rider.stop(); // off duty is told before the socket goes
    this.checks.forget();
    this.login.signOut();
  },

  /** In the tap itself: there the platform lets a player start, and asks for reminders. */
  start() {
    if (!this.rider) return;
    this.notice = '';
    if (this.anchored !== this.settings.location && this.rider.state().on_duty !== true) {
      this.rider.close();
      this.open();
    }
    this.rider.start();
    this.subscriptions.bank(true);
  },

  stop() {
    if (this.rider) this.rider.stop();
  },

  /** @param {string} id @param {string} answer in the tap itself */
  answer(id, answer) {
    if (!this.rider || !this.rider.answer(id, answer)) return false;
    if (answer === 'accept') this.subscriptions.bank(false);
    return true;
  },

  /** @param {any} alert */
  told(alert) {
    const { server_now: now, foreground } = this.rider.state();
    const before = this.alerts[alert.id];
    // A phone in a hand or on a handlebar is felt before it is heard; in the background it does not shake.
    if (alert.urgency > 1 && foreground && alert.state === 'queued' && !(before && before.ring >= alert.ring)) wx.vibrateLong({ fail() {} });
    this.alerts[alert.id] = Object.assign({}, alert, { told_at: now });
    this.prune(now);
    this.tell();
  },

  /** Twice a screenful is kept; what is over goes first, the oldest before the others. @param {number} now */
  prune(now) {
    const ids = Object.keys(this.alerts);
    if (ids.length <= 2 * CARDS_MAX) return;
    const all = ids.map((id) => this.alerts[id]);
    all.sort((a, b) => Number(isOver(b, now)) - Number(isOver(a, now)) || a.seq - b.seq);
    delete this.alerts[all[0].id];
    this.seen.delete(all[0].id);
  },

  /** @param {any} state */
  changed(state) {
    const reason = state.fatal ? reasonOf(state.fatal) : '';
    if (reason === 'bad_token' || reason === 'token_expired') this.login.refused(reason); // this closes the rider
    else if (state.connection === 'ready') this.checks.send();
    this.tell();
  },

  /** @param {any} event */
  event(event) {
    const notice = noticeOf(event);
    if (notice) this.notice = notice;
    if (event.type === 'error') console.warn('orderbell', event.where, event.message);
    if (notice) this.tell();
  },

  /** The page with the cards is on the screen, or has left it. @param {boolean} looking */
  look(looking) {
    this.looking = looking;
    this.count();
  },

  /** The badge of the tab: what came in while the rider looked elsewhere. */
  count() {
    const all = Object.keys(this.alerts).map((id) => this.alerts[id]);
    if (this.looking) all.forEach((alert) => this.seen.add(alert.id));
    const unread = this.rider ? unreadOf(all, this.seen, this.rider.state().server_now) : 0;
    if (unread === this.badge) return;
    const before = this.badge;
    this.badge = unread;
    const fail = () => { if (this.badge === unread) this.badge = before; }; // no tab bar on this page: the next count tries again
    if (unread > 0) wx.setTabBarBadge({ index: ORDERS_TAB, text: unread > 99 ? '99+' : String(unread), fail });
    else wx.removeTabBarBadge({ index: ORDERS_TAB, fail });
  },

  /** @param {() => void} watcher called now and after every change @returns {() => void} what to call when the page goes */
  watch(watcher) {
    this.watchers.push(watcher);
    watcher();
    return () => { this.watchers = this.watchers.filter((w) => w !== watcher); };
  },

  tell() {
    this.count();
    this.watchers.forEach((watcher) => watcher());
  },
});

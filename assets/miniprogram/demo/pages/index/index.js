// The switch and the cards.
const app = getApp();
const { cardsOf } = require('../../lib/cards.js');
const { CONNECTION, AUDIO, banner, word } = require('../../lib/words.js');

const SETTLE_MS = 350; // about the time in which an eye sees that the buttons have moved

Page({
  data: {
    signedIn: false, onDuty: false, connection: '', online: false, audio: '', audible: false,
    banner: { tone: 'calm', text: '', button: '' }, notice: '', reminders: '', trouble: '',
    /** @type {import('../../lib/cards.js').Card[]} */
    cards: [],
  },
  /** @type {any} */
  unwatch: null,
  /** @type {any} */
  clock: null,
  drawn: '',
  shown: false,
  /** @type {string[]} cards with buttons, as they stand */
  open: [],
  movedAt: 0,

  onLoad() {
    this.unwatch = app.watch(() => { if (this.shown) this.draw(); });
  },

  onUnload() {
    this.onHide();
    this.unwatch();
  },

  onShow() {
    this.shown = true;
    clearInterval(this.clock);
    this.clock = setInterval(() => this.draw(), 1000);
    app.look(true);
    this.draw();
  },

  onHide() {
    this.shown = false;
    clearInterval(this.clock);
    app.look(false);
  },

  draw() {
    const view = this.view();
    const drawn = JSON.stringify(view);
    if (drawn === this.drawn) return; // each setData crosses to the other thread
    this.drawn = drawn;
    this.settle(view.cards);
    this.setData(view);
  },

  /** @param {import('../../lib/cards.js').Card[]} cards */
  settle(cards) {
    const open = cards.filter((card) => card.actions.length).map((card) => card.id);
    if (this.open.some((id, i) => open.indexOf(id) >= 0 && open[i] !== id)) this.movedAt = Date.now();
    this.open = open;
  },

  view() {
    const { rider } = app;
    if (!rider) return { signedIn: false, onDuty: false, cards: [], notice: '' };
    const state = rider.state();
    return {
      signedIn: true,
      onDuty: state.on_duty === true && !state.fatal,
      connection: word(CONNECTION, state.connection, ''),
      online: state.connection === 'ready' || state.connection === 'draining',
      audio: word(AUDIO, state.audio, ''),
      audible: state.audio === 'playing' || state.audio === 'sounding',
      banner: banner(state),
      notice: app.notice,
      reminders: app.subscriptions.words(),
      trouble: app.subscriptions.trouble,
      cards: cardsOf(Object.keys(app.alerts).map((id) => app.alerts[id]), state.server_now),
    };
  },

  // Straight from the tap: this is where the platform lets a player start.
  start() { app.start(); },
  stop() { app.stop(); },

  /**
   * A card that moves may bring another order under a thumb that is on its way: for a moment no tap counts.
   * @param {any} event
   */
  answer(event) {
    if (Math.abs(Date.now() - this.movedAt) < SETTLE_MS) return;
    const { id, answer } = event.currentTarget.dataset;
    if (!app.answer(id, answer)) wx.showToast({ title: '这一单已不能操作', icon: 'none' });
    this.draw();
  },
});

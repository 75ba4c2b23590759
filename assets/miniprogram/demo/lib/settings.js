// What a rider may choose: the voice for a loud street is kept by the server and goes with the rider; the rest stays on this phone.
const { isDone } = require('./server.js');
const { failure } = require('./words.js');

class Settings {
  /**
   * @param {InstanceType<typeof import('./store.js').Store>} store
   * @param {import('./subscriptions.js').Ask} ask
   * @param {() => void} changed
   */
  constructor(store, ask, changed) {
    this.store = store;
    this.ask = ask;
    this.changed = changed;
    this.clear();
  }

  clear() {
    /** @type {boolean | null} null: not known yet, or not to be had */
    this.street = null;
    this.note = '';
  }

  get screenOn() { return this.store.read('screen') === true; }
  get location() { return this.store.read('location') === true; }

  load() {
    return this.ask('GET', '/v1/rider/settings').then((answer) => {
      this.take(answer);
      this.note = this.street === null ? failure(answer) : '';
      this.changed();
    });
  }

  /** @param {boolean} on holds from the next connection on */
  setStreet(on) {
    const before = this.street;
    this.street = on;
    this.note = '正在保存。';
    this.changed();
    return this.ask('PUT', '/v1/rider/settings', { sound_profile: on ? 'street' : 'plain' }).then((answer) => {
      this.street = before;
      this.take(answer);
      this.note = isDone(answer) ? '已保存，下次连接时生效。' : '没有保存：' + failure(answer);
      this.changed();
    });
  }

  /** @param {import('./server.js').Answer} answer */
  take(answer) {
    if (isDone(answer)) this.street = (answer.data.effective || answer.data.sound_profile) === 'street';
  }

  /** @param {boolean} on */
  setScreen(on) {
    this.store.keep('screen', on);
    this.light();
    this.changed();
  }

  /** Leaving the app takes it away, so it is asked for again whenever the app is shown. */
  light() {
    wx.setKeepScreenOn({ keepScreenOn: this.screenOn, fail() {} });
  }

  /** @param {boolean} on */
  setLocation(on) {
    this.store.keep('location', on);
    this.changed();
  }
}

module.exports = { Settings };

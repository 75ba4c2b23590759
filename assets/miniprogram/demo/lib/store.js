// What the demo keeps on the phone. A storage that is full or refused stops nothing: the day goes on from memory.

class Store {
  constructor() {
    /** @type {{[key: string]: any}} */
    this.memory = {};
  }

  /** @param {string} key @returns {any} null when there is none */
  read(key) {
    if (key in this.memory) return this.memory[key];
    try {
      const value = wx.getStorageSync('demo.' + key);
      return value === '' || value === undefined ? null : value;
    } catch (e) {
      return null;
    }
  }

  /** @param {string} key @param {any} value null forgets it @returns {boolean} false: it lasts until the app ends, no longer */
  keep(key, value) {
    this.memory[key] = value;
    try {
      if (value === null) wx.removeStorageSync('demo.' + key);
      else wx.setStorageSync('demo.' + key, value);
      return true;
    } catch (e) {
      return false;
    }
  }
}

module.exports = { Store };

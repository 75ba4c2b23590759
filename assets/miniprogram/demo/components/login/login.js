// The way in: a link code to tell the site, a token to paste, or a word why neither works and what to do.
const app = getApp();
const { baseOf } = require('../../lib/server.js');
const { loginWords } = require('../../lib/words.js');

Component({
  data: { status: 'asking', title: '', text: '', button: '', link: '', base: '', typed: '', error: '' },

  lifetimes: {
    /** @this {any} */
    attached() {
      this.unwatch = app.watch(() => this.draw());
      this.clock = setInterval(() => this.draw(), 1000); // a link code gets old by itself
    },
    /** @this {any} */
    detached() {
      clearInterval(this.clock);
      this.unwatch();
    },
  },

  methods: {
    /** @this {any} */
    draw() {
      const { login } = app;
      const view = Object.assign({ status: login.status, base: login.base, link: login.status === 'unbound' && !login.linkIsOld() ? login.link : '' }, loginWords(login));
      const drawn = JSON.stringify(view);
      if (drawn === this.drawn) return;
      this.drawn = drawn;
      this.setData(view);
    },

    /** @param {any} event */
    type(event) {
      this.setData({ typed: event.detail.value, error: '' });
    },

    /** The one button: what it does is what the state waits for. */
    go() {
      if (this.data.status === 'server') this.setServer();
      else if (this.data.status === 'paste') this.paste();
      else app.login.again();
    },

    setServer() {
      const base = baseOf(this.data.typed);
      this.setData({ error: base ? '' : '这不是服务器地址。请照站点给的填写，例如 https://orders.example.com', typed: base ? '' : this.data.typed });
      if (base) app.login.server(base);
    },

    paste() {
      const whole = app.login.paste(this.data.typed);
      this.setData({ error: whole ? '' : '这不是接单码。请从站点发来的消息里整段复制，再粘贴。', typed: whole ? '' : this.data.typed });
    },

    copy() {
      wx.setClipboardData({ data: this.data.link, fail: () => this.setData({ error: '没有复制成功，请照着念给站点。' }) });
    },

    moveServer() {
      app.login.server('');
    },
  },
});

'use strict';
// WeChat's `wx`, as far as the demo's own code calls it (the player and the socket are the client's: sdk.test.js), and the
// server behind wx.request. What was called is written down; what is answered is the test's to choose.

class Wx {
  /** @param {{appid?: string, brand?: string, storage?: Map}} [options] */
  constructor(options) {
    const given = options || {};
    this.storage = given.storage || new Map();
    this.full = false;
    this.codes = 0;
    this.calls = []; // [name, argument]
    this.requests = []; // {method, path, token, body}
    this.answers = new Map(); // 'GET /v1/…' -> (request) -> [status, body]; null: no network
    this.consent = { errMsg: 'requestSubscribeMessage:ok' };
    this.confirms = true;
    this.tabBar = true;
    this.inTap = false;
    this.api = this.make(given);
  }

  make(given) {
    const note = (name) => (argument) => { this.calls.push([name, argument]); };
    return {
      getStorageSync: (key) => (this.storage.has(key) ? JSON.parse(this.storage.get(key)) : ''),
      setStorageSync: (key, value) => {
        if (this.full) throw new Error('setStorageSync:fail exceed storage max size 10Mb');
        this.storage.set(key, JSON.stringify(value));
      },
      removeStorageSync: (key) => { this.storage.delete(key); },
      getAccountInfoSync: () => ({ miniProgram: { appId: given.appid || 'wx00000000000000aa' } }),
      getDeviceInfo: () => ({ brand: given.brand === undefined ? 'HUAWEI' : given.brand }),
      getAppAuthorizeSetting: () => ({ notificationAuthorized: 'denied' }),
      login: ({ success }) => {
        this.codes += 1;
        success({ code: 'code-' + this.codes });
      },
      request: (wish) => this.request(wish),
      requestSubscribeMessage: (wish) => {
        this.calls.push(['requestSubscribeMessage', wish.tmplIds]);
        if (!this.inTap) wish.fail({ errCode: 20013, errMsg: 'requestSubscribeMessage:fail can only be invoked by user TAP gesture.' });
        else if (this.consent.errCode) wish.fail(this.consent);
        else wish.success(this.consent);
        if (wish.complete) wish.complete();
      },
      showModal: (wish) => { this.calls.push(['showModal', wish.title]); wish.success({ confirm: this.confirms, cancel: !this.confirms }); },
      setTabBarBadge: (wish) => this.badge('setTabBarBadge', wish),
      removeTabBarBadge: (wish) => this.badge('removeTabBarBadge', wish),
      showToast: note('showToast'), navigateTo: note('navigateTo'), setClipboardData: note('setClipboardData'),
      setKeepScreenOn: note('setKeepScreenOn'), vibrateLong: note('vibrateLong'), openAppAuthorizeSetting: note('openAppAuthorizeSetting'),
    };
  }

  badge(name, wish) {
    if (!this.tabBar) {
      wish.fail({ errMsg: name + ':fail not TabBar page' });
      return;
    }
    this.calls.push([name, wish.text || '']);
  }

  request({ url, method, header, data, success, fail }) {
    const [, base, path] = /^(https?:\/\/[^/]+(?:\/bell)?)(\/.*)$/.exec(url);
    const asked = { base, method, path, token: (header.Authorization || '').replace(/^Bearer /, ''), body: data };
    this.requests.push(asked);
    const answer = this.answers.get(method + ' ' + path);
    const [statusCode, body] = answer ? answer(asked) || [0] : [404, { code: 404, error: 'not_found' }];
    Promise.resolve().then(() => (statusCode ? success({ statusCode, data: body, header: {} }) : fail({ errMsg: 'request:fail' })));
  }

  /** A route that succeeds. */
  serve(route, data) {
    this.answers.set(route, (asked) => [200, { code: 0, msg: 'ok', data: typeof data === 'function' ? data(asked) : data }]);
  }

  /** A route that refuses, or that nobody answers. */
  refuse(route, status, error) {
    this.answers.set(route, () => (status ? [status, { code: status, error }] : null));
  }

  asked(method, path) {
    return this.requests.filter((r) => r.method === method && r.path === path);
  }

  called(name) {
    return this.calls.filter((c) => c[0] === name).map((c) => c[1]);
  }
}

module.exports = { Wx };

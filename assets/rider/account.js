// The rider's token: how it comes in, where it is kept, and until when it is good. It is never shown and never in an address.
'use strict';

(function () {
  const TOKEN_KEY = 'orderbell.token';
  const REMEMBER_KEY = 'orderbell.remember';
  const SHAPE = /^[\w-]+\.[\w-]+\.[\w-]+$/;
  const keep = window.RiderKeep;

  const Account = {
    /** A link from the site may carry the token; the address bar, its history and screenshots must not. */
    fromAddress() {
      const found = /[#&]token=([^&]+)/.exec(window.location.hash);
      if (!found) return null;
      window.history.replaceState(null, '', window.location.pathname + window.location.search);
      return decoded(found[1]);
    },

    /** What a rider pasted, as a token: a whole link will do, and line breaks of a message. Null if it cannot be one. */
    fromPaste(text) {
      const link = /[#&?]token=([^&\s]+)/.exec(text);
      const token = (link ? decoded(link[1]) : text).replace(/\s+/g, '');
      return SHAPE.test(token) ? token : null;
    },

    token() {
      return keep.get(TOKEN_KEY, 'sessionStorage') || keep.get(TOKEN_KEY);
    },

    /** In the tab it ends with the tab. An installed page has a new tab at each start: there it is remembered, unless the rider says no. */
    remembers() {
      const said = keep.get(REMEMBER_KEY);
      return said === null ? window.RiderPhone.installed() : said === 'yes';
    },

    remember(said) {
      keep.set(REMEMBER_KEY, said ? 'yes' : 'no');
    },

    signIn(token) {
      this.signOut();
      keep.set(TOKEN_KEY, token, this.remembers() ? 'localStorage' : 'sessionStorage');
    },

    signOut() {
      keep.remove(TOKEN_KEY);
      keep.remove(TOKEN_KEY, 'sessionStorage');
    },

    /** When the token in use ends, epoch ms, or null: read, not judged. The server alone decides whether it is good. */
    expiresAt() {
      try {
        const part = this.token().split('.')[1].replace(/-/g, '+').replace(/_/g, '/');
        const { exp } = JSON.parse(window.atob(part));
        return exp > 0 ? exp * 1000 : null;
      } catch (e) {
        return null;
      }
    },
  };

  function decoded(text) {
    try {
      return decodeURIComponent(text);
    } catch (e) {
      return text;
    }
  }

  window.RiderAccount = Account;
}());

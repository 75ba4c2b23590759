// What others hand us, made safe to count with: numbers of frames, moments, lists, claims of tokens.

const { min, max, floor } = Math;
const { assign, keys } = Object;
const { parse, stringify } = JSON;

const SEQ_MAX = 9e15; // beyond it a number is not exact, and +1 changes nothing

/** `value` if it is a number from 0 to `most`, else `otherwise`: no NaN, no text, nothing absurd. */
const sane = (value, most = SEQ_MAX, otherwise = 0) => (value === +value && value >= 0 && value <= most ? value : otherwise);

const listOf = (value) => (Array.isArray(value) ? value : []);

/** Epoch ms from what the server may send: a number, or an RFC 3339 string. 0 when it is neither. */
const epochMs = (value) => sane(/T/.test(value) ? Date.parse(value) : value);

/** The claims in a token, unchecked: whose it is, to keep two riders' receipts apart, and how long it lives. */
const claimsOf = (token) => {
  try {
    return parse(token.split('.')[1].replace(/[\w-]/g, (letter, at, text, c = letter.charCodeAt()) => ( // base64url, by hand: mini-programs have no atob
      (64 + (c > 96 ? c - 71 : c === 95 ? 63 : c > 64 ? c - 65 : c > 47 ? c + 4 : 62)).toString(2).slice(1)
    )).replace(/.{1,8}/g, (bits) => (bits[7] ? String.fromCharCode(parseInt(bits, 2)) : ''))) || {};
  } catch (e) {
    return {}; // a token of another make: the server is the judge
  }
};

module.exports = { min, max, floor, assign, keys, parse, stringify, SEQ_MAX, sane, listOf, epochMs, claimsOf };

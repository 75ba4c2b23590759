// Types of the Orderbell rider client as an ES module (orderbell.mjs), and as a plain script (orderbell.browser.js): that for
// mini-programs, and the browser.

import type { Adapter, createRider, uniAdapter, wechatAdapter } from './orderbell.js';

export * from './orderbell.js';
export declare function browserAdapter(window: Window, element?: HTMLAudioElement): Adapter;

declare global {
  interface Window {
    /** Where orderbell.browser.js is loaded by a plain script. */
    Orderbell: {
      createRider: typeof createRider;
      wechatAdapter: typeof wechatAdapter;
      uniAdapter: typeof uniAdapter;
      browserAdapter: typeof browserAdapter;
    };
  }
}

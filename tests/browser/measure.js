// The page's measures, taken in the browser: what a thumb must hit is large and apart, nothing is cut off and nothing lies on
// top of another.
'use strict';

/** Runs in the page. `targets`: how many things a thumb can hit; `wrong`: what does not measure up, in words. */
function measure() {
  const TARGET_PX = 64; // a gloved thumb
  const APART_PX = 8;
  const ROUND_PX = 0.6; // boxes end between pixels
  const wrong = [];
  const seen = (node) => node.checkVisibility({ visibilityProperty: true }) && node.getClientRects().length > 0;
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector)).filter(seen);
  const name = (node) => `${node.tagName.toLowerCase()}${node.id ? `#${node.id}` : ''}.${node.className} "${node.textContent.trim().slice(0, 20)}"`;
  const box = (node) => node.getBoundingClientRect();
  const apart = (a, b) => Math.max(a.left - b.right, b.left - a.right, a.top - b.bottom, b.top - a.bottom);

  if (document.documentElement.scrollWidth > window.innerWidth) wrong.push(`wider than the screen: ${document.documentElement.scrollWidth}`);

  const targets = all('button, summary, select, textarea, label.switch');
  targets.forEach((node, i) => {
    const { width, height, left, right } = box(node);
    if (height < TARGET_PX - ROUND_PX || width < TARGET_PX - ROUND_PX) wrong.push(`${name(node)} is ${Math.round(width)} x ${Math.round(height)}`);
    if (left < -ROUND_PX || right > window.innerWidth + ROUND_PX) wrong.push(`${name(node)} leaves the screen`);
    targets.slice(i + 1).forEach((other) => {
      const gap = apart(box(node), box(other));
      if (gap < APART_PX - ROUND_PX) wrong.push(`${name(node)} and ${name(other)}: ${gap.toFixed(1)} px apart`);
    });
  });

  // Text that is wider than what holds it. A long order number may end in dots.
  all('.side, .list, .panel, .card, button, h1, h2, p, li, dt, dd, summary, label, .kind, .left, .value, .state-text, .plays').forEach((node) => {
    if (node.scrollWidth > node.clientWidth + 1 && getComputedStyle(node).display !== 'inline') wrong.push(`${name(node)} is cut: ${node.scrollWidth} in ${node.clientWidth}`);
    const range = document.createRange();
    range.selectNodeContents(node);
    const text = range.getBoundingClientRect();
    const holds = box(node);
    if (text.width > 0 && (text.right > holds.right + 1 || text.left < holds.left - 1)) wrong.push(`${name(node)} runs out by ${Math.round(text.right - holds.right)} px`);
  });

  // Neighbours. What sticks to the top lies over the rest by design, but not while nothing is scrolled.
  ['.top', '.side', '.list', '#cards', '.card', '.card .head', '.card .state', '.actions', '.panel', '.status', '.facts', 'form', '#duty-view'].forEach((selector) => {
    all(selector).forEach((parent) => {
      const children = Array.from(parent.children).filter(seen);
      children.forEach((node, i) => children.slice(i + 1).forEach((other) => {
        if (apart(box(node), box(other)) < -ROUND_PX) wrong.push(`${name(node)} lies on ${name(other)}`);
      }));
    });
  });
  return { targets: targets.length, wrong };
}

module.exports = { measure };

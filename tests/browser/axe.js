// What keeps people from using a page, as axe finds it.
'use strict';

const fs = require('node:fs');

const AXE = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

/** What axe calls serious or critical, in words. */
async function barriers(tab) {
  await tab.evaluate(AXE);
  return tab.evaluate(async () => {
    const { violations, passes } = await window.axe.run(document, { resultTypes: ['violations', 'passes'] });
    const bad = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    return { passes: passes.length, bad: bad.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 120)} ${node.failureSummary}`)) };
  });
}

module.exports = { barriers };

// Joins src/*.js into orderbell.js: one file that a mini-program requires and a page loads as a script.
// The sources share one scope, in this order; their `require` and `module.exports` lines fall away.
// Run: node assets/miniprogram/build.js   (writes orderbell.js and the demo's copy of it)
'use strict';

const fs = require('fs');
const path = require('path');

const ORDER = ['clock', 'memory', 'connection', 'speaker', 'selftest', 'alert', 'answers', 'wechat', 'browser', 'rider', 'create'];
const TARGETS = ['orderbell.js', 'demo/orderbell.js'].map((name) => path.join(__dirname, name));

const HEAD = `// Orderbell rider client. Made from assets/miniprogram/src by build.js: edit there, then build.
// CommonJS: const { createRider } = require('./orderbell.js').  Plain script: window.Orderbell.createRider.
(function () {
'use strict';
`;

const TAIL = `
const api = { createRider, wechatAdapter, browserAdapter };
if (typeof module === 'object' && module && module.exports) module.exports = api;
else (typeof self !== 'undefined' ? self : this).Orderbell = api;
}());
`;

function build() {
  const taken = new Map();
  const bodies = ORDER.map((name) => {
    const text = fs.readFileSync(path.join(__dirname, 'src', name + '.js'), 'utf8');
    const body = text
      .replace(/^const \{[^}]*\} = require\('\.\/[a-z]+'\);\n/gm, '')
      .replace(/^module\.exports = \{[^}]*\};\n/gm, '');
    // One scope: two sources must not mean two things by one name.
    (body.match(/^(?:const|let|class|function) [A-Za-z_]+/gm) || []).forEach((line) => {
      const word = line.split(' ')[1];
      if (taken.has(word)) throw new Error(`${word} is declared in ${taken.get(word)} and in ${name}`);
      taken.set(word, name);
    });
    return `\n// ==== ${name} ${'='.repeat(90 - name.length)}\n\n${body.trim()}\n`;
  });
  return HEAD + bodies.join('') + TAIL;
}

if (require.main === module) {
  const text = build();
  TARGETS.forEach((file) => {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text);
  });
  process.stdout.write(`orderbell.js ${Buffer.byteLength(text)} bytes\n`);
}

module.exports = { build, TARGETS };

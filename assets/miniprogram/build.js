// Joins src/*.js into one file, three times: orderbell.js for mini-programs, which have no browser and little room;
// orderbell.browser.js for pages, orderbell.mjs for bundlers and modules, both with the browser as well.
// The sources share one scope; those in src/rider share another one inside createRider, so that what they say to
// each other are names a minifier can shorten. `require` and `module.exports` lines fall away.
// Run: node assets/miniprogram/build.js   (writes them, and the demo's copy)
'use strict';

const fs = require('fs');
const path = require('path');

const ORDER = ['values', 'wechat', 'browser', 'create'];
const PARTS = [
  'device', 'clock', 'state', 'work', 'speaker', 'player', 'alerts', 'answers', 'selftest', 'poll', 'token', 'connection', 'memory', 'frames', 'face',
];
const SHORT_NAMES = 36; // so many of one letter are left to give
const NAMES = 'createRider, wechatAdapter, uniAdapter';
const ALL_NAMES = NAMES + ', browserAdapter';
const BROWSER_LINES = /^.*\/\/ <browser>\n/gm; // what only a file with the browser has

const HEAD = '// Orderbell rider client. Made from assets/miniprogram/src by build.js: edit there, then build.\n';
const OPEN = `
(function () {
'use strict';
`;
const CLOSE = `
module.exports = { ${NAMES} };
}());
`;
const CLOSE_PAGE = `
const api = { ${ALL_NAMES} };
if (typeof module === 'object' && module.exports) module.exports = api;
else self.Orderbell = api;
}());
`;

/** The text of some sources, one after the other. Two of them must not mean two things by one name. */
function join(names, folder, taken) {
  return names.map((name) => {
    const text = fs.readFileSync(path.join(__dirname, folder, name + '.js'), 'utf8')
      .replace(/^const \{[^}]*\} = require\('\.\/[a-z]+'\);\n/gm, '')
      .replace(/^module\.exports = \{[^}]*\};\n/gm, '');
    (text.match(/^(?:const|let|class|function) [A-Za-z_]+/gm) || []).forEach((line) => {
      const word = line.split(' ')[1];
      if (taken.has(word)) throw new Error(`${word} is declared in ${taken.get(word)} and in ${name}`);
      taken.set(word, name);
    });
    return `// ==== ${name} ${'='.repeat(90 - name.length)}\n\n${text.trim()}\n`;
  }).join('\n');
}

/**
 * The parts of the rider, with what is named most often first: a minifier gives short names in this order. Only what runs
 * nothing when it is declared is moved: constants, plain variables, functions; the rest keeps its order, behind them.
 */
function sorted(text) {
  const bare = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
  const uses = (name) => (bare.match(new RegExp(`(?<![\\w.'])${name}(?![\\w'])`, 'g')) || []).length;
  const kinds = { constant: [], variable: [], function: [], other: [] };
  let piece = [];
  text.split('\n').forEach((line) => {
    piece.push(line);
    if (!/^[^\s/*].*;( \/\/.*)?$/.test(line)) return; // a statement ends with an unindented line and a semicolon
    const [, first = '', name] = piece.join('\n').match(/^((?:const|let) (\w+).*)$/m) || [];
    const kind = / = (-?[\d.e]+|'[^']*');/.test(first) && first.startsWith('const') ? 'constant'
      : /^const \w+ = .*=>/.test(first) ? 'function'
        : /^\w+ \w+( = (-?\w+|-Infinity|\{\}|\[\]|'\w*'))?;/.test(first) ? 'variable' : 'other';
    kinds[kind].push({ text: piece.join('\n').trim(), uses: name ? uses(name) : 0 });
    piece = [];
  });
  const single = kinds.constant.filter((one) => one.uses < 3); // these are written out, and need no name
  const groups = [kinds.constant.filter((one) => one.uses > 2), kinds.variable, kinds.function];
  const least = [].concat(...groups).map((one) => one.uses).sort((a, b) => b - a)[SHORT_NAMES];
  const hot = (is) => groups.map((list) => list.filter((one) => (one.uses >= least) === is).sort((a, b) => b.uses - a.uses));
  return [].concat(single, ...hot(true), ...hot(false), kinds.other).map((one) => one.text).concat(piece).join('\n');
}

/** @returns {Map<string, string>} file name -> text */
function build() {
  const taken = new Map();
  const parts = '\n' + sorted(join(PARTS, 'src/rider', taken));
  const [values, wechat, browser, create] = ORDER.map((name) => join([name], 'src', taken).replace(/^ *\/\/ <parts>\n/m, () => parts));
  const all = ['', values, wechat, browser, create.replace(/ *\/\/ <browser>$/gm, '')].join('\n');
  const small = `${HEAD}// CommonJS: const { createRider } = require('./orderbell.js').${OPEN}${['', values, wechat, create.replace(BROWSER_LINES, '')].join('\n')}${CLOSE}`;
  return new Map([
    ['orderbell.js', small], ['demo/orderbell.js', small],
    ['orderbell.browser.js', `${HEAD}// Plain script: window.Orderbell.createRider.${OPEN}${all}${CLOSE_PAGE}`],
    ['orderbell.mjs', `${HEAD}// ES module: import { createRider } from './orderbell.mjs'.\n${all}\nexport { ${ALL_NAMES} };\n`],
  ]);
}

if (require.main === module) {
  build().forEach((text, name) => {
    fs.writeFileSync(path.join(__dirname, name), text);
    process.stdout.write(`${name} ${Buffer.byteLength(text)} bytes\n`);
  });
}

module.exports = { build };

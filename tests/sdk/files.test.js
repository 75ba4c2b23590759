// The files that apps take: small enough, for old phones, as CommonJS, as a module, as a plain script, and with their types.
'use strict';

const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const vm = require('node:vm');
const zlib = require('node:zlib');
const { execFileSync, spawn } = require('node:child_process');
const test = require('node:test');
const assert = require('node:assert/strict');
const acorn = require('acorn');
const ts = require('typescript');
const { minify } = require('terser');

const FOLDER = path.resolve(__dirname, '../../assets/miniprogram');
const SDK = path.join(FOLDER, 'orderbell.js');
const MODULE = path.join(FOLDER, 'orderbell.mjs');
const PAGE_SCRIPT = path.join(FOLDER, 'orderbell.browser.js');
const NAMES = ['createRider', 'uniAdapter', 'wechatAdapter'];
const PAGE_NAMES = ['browserAdapter', ...NAMES];
const BYTES_MAX = 15000;
const CHROMIUM = process.env.CHROMIUM || '/usr/bin/chromium';
const BROWSER_MS = 30000;
const BARE = { env: { PATH: process.env.PATH }, encoding: 'utf8' };

test('small: at most 15,000 bytes after terser -c -m', async () => {
  const { code } = await minify(fs.readFileSync(SDK, 'utf8'), { compress: true, mangle: true });
  const bytes = Buffer.byteLength(code);
  console.log(`figures: orderbell.js ${fs.statSync(SDK).size} bytes, ${bytes} minified, ${zlib.gzipSync(code).length} gzipped`);
  assert.ok(bytes <= BYTES_MAX, `${bytes} bytes`);
  const small = { exports: {} };
  vm.runInNewContext(code, { module: small });
  assert.deepEqual(Object.keys(small.exports).sort(), NAMES, 'and it still runs');
});

test('require() in bare Node gives what a mini-program needs, and import of the module the browser as well', () => {
  const names = (...args) => JSON.parse(execFileSync(process.execPath, args, BARE));
  assert.deepEqual(names('-p', `JSON.stringify(Object.keys(require(${JSON.stringify(SDK)})).sort())`), NAMES);
  const script = `import * as all from ${JSON.stringify(MODULE)}; console.log(JSON.stringify(Object.keys(all).filter((n) => n !== 'default').sort()))`;
  assert.deepEqual(names('--input-type=module', '-e', script), PAGE_NAMES);
  const one = `import { createRider } from ${JSON.stringify(MODULE)}; try { createRider({}) } catch (e) { console.log(JSON.stringify(e.name)) }`;
  assert.equal(names('--input-type=module', '-e', one), 'TypeError');
});

test('a plain script puts itself into the global object', () => {
  const context = vm.createContext({});
  context.self = context;
  vm.runInContext(fs.readFileSync(PAGE_SCRIPT, 'utf8'), context);
  assert.deepEqual(Object.keys(context.Orderbell).sort(), PAGE_NAMES);
});

test('old phones can read it: nothing newer than ES2017', () => {
  acorn.parse(fs.readFileSync(SDK, 'utf8'), { ecmaVersion: 2017, sourceType: 'script' });
  acorn.parse(fs.readFileSync(MODULE, 'utf8'), { ecmaVersion: 2017, sourceType: 'module' });
});

const PAGE = `<!doctype html><script src="/orderbell.browser.js"></script>
<script type="module">
  import { createRider } from '/orderbell.mjs';
  const said = (make) => { try { return make({}); } catch (error) { return error.name; } };
  fetch('/told', { method: 'POST', body: [said(window.Orderbell.createRider), said(createRider)].join(' and ') });
</script>`;

/** Serves the page and the two files; what the page has told, or what went wrong. */
async function visit() {
  let tell;
  const told = new Promise((resolve) => { tell = resolve; });
  const server = http.createServer(async (request, response) => {
    const file = { '/orderbell.browser.js': PAGE_SCRIPT, '/orderbell.mjs': MODULE }[request.url];
    let body = '';
    for await (const part of request) body += part;
    if (request.url === '/told') tell(body);
    response.setHeader('Content-Type', file ? 'text/javascript' : 'text/html');
    response.end(file && fs.existsSync(file) ? fs.readFileSync(file) : PAGE);
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'orderbell-files-'));
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', `--user-data-dir=${profile}`];
  const browser = spawn(CHROMIUM, [...flags, `http://127.0.0.1:${server.address().port}/`], { stdio: 'ignore', detached: true });
  const gone = new Promise((resolve) => { browser.once('exit', resolve); });
  const limit = setTimeout(() => tell(`nothing within ${BROWSER_MS} ms`), BROWSER_MS);
  const result = await told;
  clearTimeout(limit);
  process.kill(-browser.pid, 'SIGKILL'); // with all its processes
  await gone;
  server.close();
  server.closeAllConnections();
  fs.rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  return result;
}

test('a browser loads it without a bundler, as a script and as a module', async () => {
  assert.equal(await visit(), 'TypeError and TypeError');
});

const USE = "import { createRider } from './orderbell';\n";
const WRONG = {
  'an answer that is none': `${USE}createRider({ url: 'wss://h/s', getToken: () => 't' }).answer('alr_1', 'maybe');`,
  'no token': `${USE}createRider({ url: 'wss://h/s' });`,
  'a member of the state that is none': `${USE}createRider({ url: 'wss://h/s', getToken: () => 't' }).state().nothing;`,
};

/** What tsc --strict says of each of these files beside the types, as lines "file:line message". */
function complaints(texts, lib) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'orderbell-types-'));
  const roots = texts.map((text, n) => path.join(folder, `app${n}.ts`));
  try {
    ['orderbell.d.ts', 'orderbell.d.mts'].forEach((name) => fs.copyFileSync(path.join(FOLDER, name), path.join(folder, name)));
    roots.forEach((file, n) => fs.writeFileSync(file, texts[n]));
    const program = ts.createProgram(roots, {
      noEmit: true, strict: true, noUnusedLocals: true, types: [], target: ts.ScriptTarget.ES2017, module: ts.ModuleKind.CommonJS,
      lib: lib.map((name) => `lib.${name}.d.ts`),
    });
    return ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
      const where = file ? `${path.basename(file.fileName)}:${file.getLineAndCharacterOfPosition(start).line + 1}` : '';
      return `${where} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
    });
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

test('the types are what apps do, and refuse what they must not', () => {
  const found = complaints([fs.readFileSync(path.join(__dirname, 'app.ts'), 'utf8'), ...Object.values(WRONG)], ['es2017', 'dom']);
  Object.keys(WRONG).forEach((what, n) => assert.equal(found.filter((line) => line.startsWith(`app${n + 1}.ts:2 `)).length, 1, what));
  assert.equal(found.length, Object.keys(WRONG).length, found.join('\n'));
});

test('mini-programs, which have no window, need no types of a browser', () => {
  assert.deepEqual(complaints([`${USE}createRider({ url: 'wss://h/s', getToken: () => 't' }).start();`], ['es2017']), []);
});

'use strict';
// Runs TypeScript over a folder made for it, with WeChat's own typings, strictly.

const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { TOOLS, MINIPROGRAM, DEMO } = require('./tools.js');
const { expressions, components } = require('./wxml.js');

const OPTIONS = {
  strict: true, noEmit: true, allowJs: true, checkJs: true, target: 'es2017', lib: ['es2017'], module: 'commonjs', moduleResolution: 'bundler',
  types: ['miniprogram-api-typings'], typeRoots: [path.join(TOOLS, 'node_modules')],
};

/** @param {function(string)} fill writes files into the folder it is given @returns {string} what tsc says; nothing when all is well */
function check(fill) {
  const folder = fs.mkdtempSync(path.join(TOOLS, 'types-'));
  try {
    fill(folder);
    fs.writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: OPTIONS, include: ['**/*'] }));
    const { stdout, stderr, error } = spawnSync(process.execPath, [path.join(TOOLS, 'node_modules/typescript/bin/tsc'), '-p', folder], { encoding: 'utf8' });
    if (error) throw error;
    return stdout + stderr;
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

/** The demo, with the client's types where the client is. */
function demo(folder) {
  fs.cpSync(DEMO, folder, { recursive: true });
  fs.rmSync(path.join(folder, 'orderbell.js'));
  fs.copyFileSync(path.join(MINIPROGRAM, 'orderbell.d.ts'), path.join(folder, 'orderbell.d.ts'));
}

/** Every template's expressions, beside a page that gives away the type of its data. */
function templates(folder) {
  demo(folder);
  const app = JSON.parse(fs.readFileSync(path.join(folder, 'app.json'), 'utf8'));
  fs.rmSync(path.join(folder, 'app.js'));
  app.pages.concat(components(folder)).forEach((name) => {
    const file = path.join(folder, name);
    const script = fs.readFileSync(file + '.js', 'utf8').replace(/^(Page|Component)\(\{\n(?:  options.*\n)?  data: (\{.*\}|\{\n[\s\S]*?\n  \}),\n/m, 'export const data = $2;\n$1({\n');
    if (!/^export const data/m.test(script)) throw new Error(`${name}: no data at the head of the page`);
    fs.writeFileSync(file + '.js', '// @ts-nocheck\n' + script);
    const wxml = fs.readFileSync(file + '.wxml', 'utf8');
    const environment = `import { data } from './${path.basename(name)}.js';\ndeclare const tags: any;\n`;
    fs.writeFileSync(file + '.wxml.ts', expressions(name + '.wxml', wxml, environment));
  });
}

module.exports = { check, demo, templates };

'use strict';
// Where the packages of this suite are, and where the demo is.

const path = require('node:path');
const { createRequire } = require('node:module');

const ROOT = path.join(__dirname, '../..');
const TOOLS = path.join(ROOT, '.cache/miniprogram');
const MINIPROGRAM = path.join(ROOT, 'assets/miniprogram');

module.exports = { ROOT, TOOLS, MINIPROGRAM, DEMO: path.join(MINIPROGRAM, 'demo'), tool: createRequire(path.join(TOOLS, 'package.json')) };

// The stage of the browser tests: the real server on a free port, a real Chromium with its strict autoplay policy, and
// riders' pages whose audio element is watched. Nothing sleeps: everything waits for a condition, and not for ever.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { chromium } = require('playwright-core');
const { Backend } = require('./backend.js');
const { Page } = require('./page.js');
const { Server } = require('./server.js');
const { during, isSilence, gaps, pathOf } = require('./log.js');
const { until } = require('./until.js');

const CHROMIUM = process.env.CHROMIUM || '/usr/bin/chromium';
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'];

class Stage {
  static async set(settings) {
    const stage = new Stage();
    stage.lines = [];
    stage.backends = [];
    stage.server = await Server.start(settings);
    stage.shots = process.env.SHOTS || fs.mkdtempSync(path.join(os.tmpdir(), 'orderbell-shots-'));
    // Playwright launches with a fresh profile, and removes it.
    stage.browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
    return stage;
  }

  page(rider, options) {
    return Page.open(this, rider, options);
  }

  visit(hash, options) {
    return Page.visit(this, hash, options);
  }

  async backend(verdict) {
    const backend = await Backend.open(verdict);
    this.backends.push(backend);
    return backend;
  }

  /** Also what tests have left: a line or a backend that stands would keep the whole run from ending. */
  async strike() {
    await this.browser.close();
    this.lines.forEach((line) => line.remove());
    this.backends.forEach((backend) => backend.close());
    await this.server.stop();
  }
}

/** An order as the tests post it. */
function order(no, merchant, area, metres = 1200, cents = 580) {
  return { id: `o${no}`, short_no: no, merchant: { name: merchant }, dropoff: { area }, distance_m: metres, fee_cents: cents };
}

module.exports = { Stage, until, during, isSilence, gaps, order, pathOf };

// Speech that is late: the canned clip sounds in time, and the sentence itself from the next repeat on. And speech whose
// address is signed.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const test = require('node:test');
const assert = require('node:assert/strict');
const { Stage } = require('./stage.js');
const { ANSWERED } = require('./oracle.js');

// A voice that thinks for two seconds, as clouds do on bad days; the budget is 700 ms.
const LATE = '#!/bin/sh\nsleep 2\nexec espeak-ng -v cmn-latn-pinyin --stdin --stdout\n';

test('a late sentence: the canned clip first, the sentence in its place', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'orderbell-late-'));
  const voice = path.join(folder, 'late.sh');
  fs.writeFileSync(voice, LATE, { mode: 0o755 });
  const config = `[speech]\nchain = ["late"]\n[speech.engines.late]\nkind = "command"\ncommand = ["${voice}"]\nmode = "whole"\n`
    + `deadline = "10s"\nenv = { PATH = "${process.env.PATH}" }\nvoices = { zh-CN = "any" }\n`;
  const stage = await Stage.set({ config });
  try {
    const rider = await stage.rider('r_late', { speed: 5 }).start();
    const { id } = await stage.post('r_late', 'order.assigned', { expect: ANSWERED, offer: { mode: 'ack' }, alert: { repeat: { count: 3, gap_ms: 1500 } } });
    await rider.told(id, 'played');
    const paths = rider.device.player.spoken().map((clip) => clip.path);
    const { audio } = await stage.bell.alert(id);
    assert.equal(paths.length, 3);
    assert.match(paths[0], /^\/audio\/canned\//);
    assert.equal(paths[2], audio.path);
    assert.notEqual(audio.canned, true);
    assert.deepEqual(rider.device.said('update', false).map((frame) => frame.id), [id]);
    rider.client.answer(id, 'confirm');
  } finally {
    await stage.close();
    fs.rmSync(folder, { recursive: true });
  }
});

test('a signed address is heard as it is, with a parameter more', async () => {
  const stage = await Stage.set({ settings: { ORDERBELL_AUDIO__SIGNED_URLS: 'true' } });
  try {
    const rider = await stage.rider('r_signed').start();
    const srcs = [];
    const load = rider.device.player.fetch;
    rider.device.player.fetch = function watched(src, done) { srcs.push(src); load.call(this, src, done); };
    const text = '这句话提前说好了';
    await stage.bell.call('POST', '/v1/speech', { text });
    const { id } = await stage.post('r_signed', 'order.new', { alert: { text, repeat: { count: 2, gap_ms: 100 } } });
    await rider.told(id, 'played');
    const spoken = srcs.filter((src) => !src.includes('/silence/')).map((src) => Object.fromEntries(new URL(src).searchParams));
    assert.equal(spoken.length, 2);
    assert.ok(spoken.every(({ exp, sig }) => exp && sig), JSON.stringify(spoken));
    assert.notEqual(spoken[0].n, spoken[1].n);
    const forged = await fetch(srcs.find((src) => src.includes('sig=')).replace(/sig=[^&]*/, 'sig=AAAA'));
    assert.equal(forged.status, 403, 'and the signature counts');
  } finally {
    await stage.close();
  }
});

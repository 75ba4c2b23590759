// An app in TypeScript that uses all that docs/client.md promises. Checked by files.test.js, never run.

import { createRider, uniAdapter, wechatAdapter } from './orderbell';
import { browserAdapter } from './orderbell.mjs';

const rider = createRider({
  url: 'wss://orders.example.com/v1/rider/socket',
  getToken: ({ refresh }) => (refresh ? Promise.resolve('fresh') : 'kept'),
  audio: { title: '接单中', epname: '订单语音播报', singer: '某某配送', coverImgUrl: '' },
  anchor: 'location',
  http: true,
  onAlert: (alert) => {
    const id: string = alert.id;
    const left: number | null = alert.answer_by === null ? null : alert.answer_by - rider.state().server_now;
    if (alert.state === 'sounding' && alert.need === 'accept' && left !== null && left > 0) rider.answer(id, 'accept');
    if (alert.outcome === 'won' || alert.outcome === 'recorded') console.log(alert.plays, alert.count, alert.reason);
  },
  onState: (state) => {
    if (state.fatal) console.log(state.fatal.code, state.fatal.reason);
    if (state.connection === 'ready' && state.audio === 'blocked') rider.start();
    if (state.via === 'http') console.log(state.unsent, state.sounding, state.on_duty, state.session, state.device);
  },
  onEvent: (event) => console.log(event.type),
});

rider.connect();
rider.start();
const given: boolean = rider.answer('alr_1', 'decline');
const check = rider.selfTest({ duration_ms: 600000, onProgress: (result) => console.log(result.gaps) });
check.done.then((result) => console.log(given, result.denials, result.rtt_ms_p50));
check.cancel();
rider.stop();
rider.close();

declare const wx: any;
declare const uni: any;
[wechatAdapter(wx), uniAdapter(uni), browserAdapter(window)].forEach((adapter) => {
  createRider({ url: 'https://h/v1/rider/socket', getToken: () => 't', adapter }).close();
});

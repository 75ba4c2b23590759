// The client as an app in TypeScript uses it. Compiled, never run.
import { createRider, wechatAdapter, uniAdapter } from './orderbell';
import type { Rider, RiderOptions, RiderState, RiderEvent, AlertView, SelfTestResult, Adapter } from './orderbell';

const heard: string[] = [];

function onAlert(alert: AlertView): void {
  if (alert.need !== 'none' && alert.state === 'sounding') rider.answer(alert.id, 'accept');
  if (alert.outcome === 'won' || alert.outcome === 'recorded') heard.push(alert.id);
  const ends: number | null = alert.expires_at;
  if (ends !== null) heard.push(String(ends - rider.state().server_now));
}

function onState(state: RiderState): void {
  const left: number = state.unsent;
  if (state.fatal) heard.push(`${state.fatal.code} ${state.fatal.reason}`);
  if (state.via === 'http' && state.connection === 'backoff') heard.push(state.audio + left);
}

function onEvent(event: RiderEvent): void {
  if (event.type === 'error') heard.push(event.where + event.message);
  if (event.type === 'next' && event.id !== null) rider.answer(event.id, 'accept');
}

const options: RiderOptions = {
  url: 'wss://orders.example.com/v1/rider/socket',
  getToken: ({ refresh }) => (refresh ? Promise.resolve('new') : 'old'),
  audio: { title: '接单中', epname: '订单语音播报', singer: '某某配送', coverImgUrl: '' },
  onAlert, onState, onEvent,
  anchor: 'location',
  http: false,
};

const rider: Rider = createRider(options);
rider.connect();
rider.start();
const answered: boolean = rider.answer('alr_1', 'decline');
if (!answered) rider.stop();
const check = rider.selfTest({ duration_ms: 600000, onProgress: (partial) => heard.push(partial.platform) });
check.done.then((result: SelfTestResult) => {
  const worst: number | null = result.rtt_ms_p95;
  wx.setStorageSync('check', { result, worst });
});
check.cancel();
rider.close();

const device: Adapter = wechatAdapter(wx);
createRider({ url: 'wss://orders.example.com/bell/v1/rider/socket', getToken: () => 'token', adapter: device });
export { uniAdapter };

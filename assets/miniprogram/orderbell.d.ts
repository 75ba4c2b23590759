// Types of the Orderbell rider client for mini-programs (orderbell.js). orderbell.d.mts adds the browser. The reference is
// docs/client.md.
// Times are epoch milliseconds of the server, unless a name ends in `_ms`: those are lengths.

/** What the server sends as an alert, and over it what has become of it on this device. */
export interface AlertView {
  id: string;
  /** How often the server has had it rung; the same `id` is the same card. */
  ring: number;
  state: 'queued' | 'sounding' | 'waiting' | 'played' | 'failed' | 'expired' | 'stopped' | 'answering' | 'answered';
  /** How often it has sounded, and how often it should. */
  plays: number;
  count: number;
  /** Why it stopped, failed or ended: `cancelled`, `taken`, `merged`, `expired`, `not_open`, `audio_10003` … */
  reason?: string;
  /** The rider's answer, and what the server made of it. Success is `won` or `recorded`, and nothing else. */
  answer?: Answer;
  outcome?: Outcome;
  need: 'none' | 'confirm' | 'accept';
  /** Which buttons: none; confirm; accept and decline; accept alone. */
  mode: 'notify' | 'ack' | 'assign' | 'grab';
  /** 0 to 3. */
  urgency: number;
  /** Until when an offer can be answered; null if it is none. */
  answer_by: number | null;
  /** The end, with `answer_by` where that is sooner; null if there is none. */
  expires_at: number | null;
  title: string;
  text?: string;
  kind?: string;
  order_id?: string;
  event_id?: string;
  seq: number;
  version: number;
  created_at?: number;
  ttl_ms?: number;
  audio: Audio;
  card?: { [name: string]: unknown };
  ext?: { [name: string]: unknown };
  test?: boolean;
  /** Whatever else the server has sent, and what the client notes for itself. */
  [name: string]: unknown;
}

export interface Audio {
  url?: string;
  fallback_url?: string;
  mime?: string;
  bytes?: number;
  duration_ms?: number;
  tail_ms?: number;
  fetch_jitter_ms?: number;
}

export type Answer = 'accept' | 'decline' | 'confirm';
export type Outcome = 'won' | 'lost' | 'gone' | 'recorded' | 'pending';

export type ConnectionPhase = 'idle' | 'connecting' | 'ready' | 'draining' | 'backoff' | 'offline' | 'fatal';
export type AudioPhase = 'off' | 'loading' | 'playing' | 'sounding' | 'paused' | 'interrupted' | 'stolen' | 'blocked';

export interface RiderState {
  connection: ConnectionPhase;
  /** Why the client does not come back by itself. */
  fatal: { code: number; reason: 'bad_token' | 'replaced' | 'banned' | 'token_expired' | 'refused' } | null;
  /** The way by which the server is heard at present. */
  via: 'socket' | 'http' | null;
  audio: AudioPhase;
  /** The id of the alert that sounds. */
  sounding: string | null;
  /** Undefined until `start()` or `stop()`: the backend may have set it. */
  on_duty: boolean | undefined;
  foreground: boolean;
  online: boolean;
  session: string | null;
  device: string;
  server_now: number;
  rtt_ms: number | null;
  /** Receipts the server has not confirmed. */
  unsent: number;
}

export type RiderEvent =
  | { type: 'event'; name?: string; channel?: string; data?: unknown }
  | { type: 'chat'; message: { [name: string]: unknown } }
  | { type: 'answered'; id: string; n: number; outcome: Outcome }
  /** A token came over the line; not its value. */
  | { type: 'token' }
  /** `where`: server, frame, request, getToken, onAlert, onState, onProgress, start, run, device. */
  | { type: 'error'; where: string; message?: string; code?: string }
  /** The headset or the lock screen; `id` is the alert that sounds. Nothing else happens. */
  | { type: 'next' | 'prev'; id: string | null }
  /** Told once: the storage refuses to write, and the session goes on from memory. */
  | { type: 'storage'; message: string }
  | { type: 'closed'; code: number; reason?: string }
  /** The phone did not play what was set: inside `ended` in the background, or otherwise. */
  | { type: 'denied'; where: 'ended' | 'set'; message: string }
  | { type: 'audio_error'; code: number; id?: string }
  | { type: 'gap' | 'suspend' | 'rtt'; ms: number };

/** What the self-check measured, at most 4,096 bytes of JSON. What nothing was measured for is null. */
export interface SelfTestResult {
  device: string;
  platform: string;
  started_at: number;
  ended_at: number;
  denials: number;
  /** Times without sound longer than a second. */
  gaps: number;
  gap_ms_max: number;
  suspends: number;
  suspend_ms_max: number | null;
  /** Time in the background. */
  hidden_ms: number;
  reconnects: number;
  /** Close code -> how often. */
  closes: { [code: string]: number };
  rtt_ms_p50: number | null;
  rtt_ms_p95: number | null;
  /** From setting a clip to its sound. */
  load_ms_p50: number | null;
  load_ms_p95: number | null;
  timer_late_ms_max: number | null;
  /** Clips that ran out, told and untold. */
  ended_seen: number;
  ended_lost: number;
  /** Clips set inside `ended` in the background: played, refused. */
  ended_sets: number;
  ended_denied: number;
  notes: string;
}

export interface SelfTest {
  done: Promise<SelfTestResult>;
  /** Ends it now; `done` is resolved with what was measured so far. */
  cancel(): void;
}

export interface KeyValueStore {
  get(key: string): unknown;
  set(key: string, value: unknown): void;
}

export interface RiderOptions {
  /** The socket, `wss://host/v1/rider/socket`; the token never goes into it. */
  url: string;
  /** Gives the rider's token; `refresh`: the last one was refused or ends soon. */
  getToken(request: { refresh: boolean }): string | Promise<string>;
  /** An alert is new or has changed. */
  onAlert?(alert: AlertView): void;
  onState?(state: RiderState): void;
  onEvent?(event: RiderEvent): void;
  /** What the lock screen shows while nothing is said; an empty title is refused by phones. */
  audio?: { title?: string; epname?: string; singer?: string; coverImgUrl?: string };
  /** A second anchor in the background (WeChat: startLocationUpdateBackground); off by default. */
  anchor?: 'location';
  /** False turns off the requests that stand in where no socket gets through. */
  http?: boolean;
  /** In a browser, the page's one audio element. */
  player?: HTMLAudioElement;
  /** This device's id, if the app has one; as lasting as the storage. */
  device?: string;
  storage?: KeyValueStore;
  /** The device; by default the platform this runs on. */
  adapter?: Adapter;
}

export interface Rider {
  /** Opens the socket: no tap, no sound. */
  connect(): void;
  /** From a tap: on duty, audible. */
  start(): void;
  /** Off duty, silent. */
  stop(): void;
  /** False when the alert cannot be answered any more; else its outcome comes with `onAlert`. Throws TypeError for another word. */
  answer(id: string, answer: Answer): boolean;
  /** For good. */
  close(): void;
  state(): RiderState;
  selfTest(options?: { duration_ms?: number; onProgress?(result: SelfTestResult): void }): SelfTest;
}

/** A device. `wechatAdapter` and `uniAdapter` make the usual ones; `browserAdapter`, in orderbell.mjs, a page. */
export interface Adapter {
  platform: string;
  /** True when the app is not on the screen at first. */
  hidden?: boolean;
  now?(): number;
  random?(): number;
  setTimer?(run: () => void, ms: number): unknown;
  clearTimer?(timer: unknown): void;
  /** A background audio manager or an audio element: seconds, as far as it knows them. */
  player: { paused?: boolean; ended?: boolean; currentTime?: number; duration?: number; stop?(): void; pause(): void };
  /** Plays a new source; throws, or tells `Error` with "permission" in its message, when refused. */
  play(src: string, title: string, labels: { title: string; epname?: string; singer?: string; coverImgUrl?: string }): void;
  storage: KeyValueStore;
  openSocket(
    url: string, protocol: string, opened: () => void, heard: (event: { data: string }) => void,
    closed: (event?: { code?: number; reason?: string; errMsg?: string }) => void,
  ): { send(text: string): void; close(code?: number): void };
  /** `done(0)`, or anything that is no status, when it failed. */
  request?(method: string, url: string, token: string, body: unknown, done: (status: unknown, json?: unknown) => void): void;
  anchor?(on: boolean, denied: (error: { errMsg?: string }) => void): void;
  /** Tells each of these things by its name, as WeChat names them: Play, Ended, AppShow, NetworkStatusChange … */
  watch(names: string[], tell: (name: string, detail?: unknown) => void): void;
}

export function createRider(options: RiderOptions): Rider;
export function wechatAdapter(wx: object, env?: Partial<Adapter>): Adapter;
export function uniAdapter(uni: object, env?: Partial<Adapter>): Adapter;

declare global {
  /** Named here for projects without the DOM's types, such as mini-programs. */
  interface HTMLAudioElement {}
}

// What the parts share of one rider's state. Moments (`…At`) are mono ms; none is a moment that never comes.
// What a line here does not initialise is unknown, or not so, until somebody says it.

// ---- words said often -------------------------------------------------------------------------

const PLAYING = 'playing'; // of the player
const LOADING = 'loading';
const INTERRUPTED = 'interrupted';
const BLOCKED = 'blocked';
const QUEUED = 'queued'; // of an alert
const PLAYED = 'played';
const FAILED = 'failed';
const EXPIRED = 'expired';
const STOPPED = 'stopped';
const ANSWERING = 'answering';
const ANSWERED = 'answered';

// ---- the ear: what the player holds, and does (speaker, player) --------------------------------

let status = 'off'; // off, loading, playing, paused, interrupted, stolen, blocked
let setAt; // when the present src was set; none: the player is not ours
let playAt; // when it began to play; none: it loads
let stalledAt; // since when it stands still
let spoken; // the alert; none: silence
let speaking; // its sentence is not over, nor was it cut
let hurry; // it was cut: leave it at once
let slept; // how much of its time may be none: a leap of the clock
let total; // how long the clip is, ms
let sentence; // and speaks
let heldAudio = {}; // its clip, which an update may not change any more
let quietSince;
let retryAt;
let interrupted;

// ---- the alerts in hand (alerts, answers) ------------------------------------------------------

const alerts = {}; // by id

// ---- the line (connection, token, poll) --------------------------------------------------------

let live = null; // the link that carries frames
let next = null; // the one being built; both exist only while a server drains
let attemptAt;
let begun;
let draining; // `live` has said bye
let fatal = null;
let online = true;
let failures;
let heardAt = -Infinity; // when the server was last heard, by socket or request
let pingAt;
let measureAt;
let token;
let mustRenew; // the close code that refused the last one
let viaHttp; // the last request was answered, and there is no socket
let pollAt;
let rtt = null;
let session = null;

// ---- what is stored (memory) -------------------------------------------------------------------

let outbox; // receipts that are not confirmed
let awaited; // id: {answer, frame}, in order
let heardPlays; // id/ring: times, or CLOSED; in order of use
let epoch;
let cursor; // the highest seq without a gap; past one, the next welcome says how far we are
let resendAt;

// ---- the app and its rider (face, work, selftest) ----------------------------------------------

let front; // the app is on the screen
let hiddenAt;
let onDuty; // unknown until the rider says so; the backend may have set it
let check = null;
let soonest; // the next moment somebody waits for, found out while looking

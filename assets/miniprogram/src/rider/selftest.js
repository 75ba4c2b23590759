// The self-check: what this phone really allows. It only listens and pings; the rider hides the app
// meanwhile, and the figures tell whether alerts would have been heard.

const CHECK_PING_MS = 10000;
const CHECK_MS = 600000; // ten minutes: past every limit a platform is known to have

let checkAt;

/** Something that a check counts; `ms` where it has a size. */
const seen = (what, ms) => {
  if (check) (check[what] = check[what] || []).push(ms);
};

const selfTest = ({ duration_ms: wish, onProgress } = {}) => {
  finish();
  const done = new Promise((tell) => {
    check = { tell, onProgress, from: server(), ends: later(sane(wish, LONG_MS) || CHECK_MS) };
  });
  checkAt = 1;
  if (hiddenAt) hiddenAt = mono();
  touch();
  return { done, cancel: finish };
};

const checkUp = () => {
  if (!check) return;
  checkAt = min(check.ends, later(CHECK_PING_MS));
  ping();
  if (check.onProgress) safely('onProgress', check.onProgress, result());
  if (due(check.ends)) finish();
};

const finish = () => {
  if (!check) return;
  if (quietSince) seen('gap', mono() - quietSince); // still silent
  if (hiddenAt) seen('hidden', mono() - hiddenAt);
  check.tell(result());
  check = null;
};

/** At most 4,096 bytes of JSON. What nothing was measured for is null. */
const result = (
  of = (what) => (check[what] || []).sort((a, b) => a - b),
  count = (what) => of(what).length,
  at = (what, share) => (count(what) ? Math.round(of(what)[floor(share * (count(what) - 1))]) : null),
  closes = {},
) => {
  of('closed').forEach((code) => { closes[code] = (closes[code] || 0) + 1; });
  return {
    device,
    platform: adapter.platform,
    started_at: check.from,
    ended_at: server(),
    denials: count('denied'),
    gaps: count('gap'),
    gap_ms_max: at('gap', 1) || 0,
    suspends: count('suspend'),
    suspend_ms_max: at('suspend', 1),
    hidden_ms: of('hidden').reduce((sum, ms) => sum + ms, 0),
    reconnects: count('closed'),
    closes,
    rtt_ms_p50: at('rtt', 0.5),
    rtt_ms_p95: at('rtt', 0.95),
    load_ms_p50: at('load', 0.5),
    load_ms_p95: at('load', 0.95),
    timer_late_ms_max: at('late', 1),
    ended_seen: count('ended_seen'),
    ended_lost: count('ended_lost'),
    ended_sets: count('ended_sets'),
    ended_denied: count('ended_denied'),
    notes: 'audio=' + status,
  };
};

//! The statements that write back a book, in the words of each database.
//! Each takes a list; the types that make its entries stand beside those who call it.

use crate::store::sql::db::{Text, each};

pub(super) const PUT_RIDERS: &str = "INSERT INTO riders (app_id, id, known, on_duty, lang, devices, not_before, seq, \
     created_at, last_seen_at, duty_at, unanswered, unanswered_at, answered_at, minute_at, minute_count, \
     burst_until, test, sound_profile) SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, \
     value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12, \
     value ->> 13, value ->> 14, value ->> 15, value ->> 16, value ->> 17, value ->> 18 \
     FROM jsonb_each($1) WHERE TRUE ON CONFLICT (app_id, id) DO UPDATE SET known = excluded.known, \
     on_duty = excluded.on_duty, seq = excluded.seq, duty_at = excluded.duty_at, \
     unanswered = excluded.unanswered, unanswered_at = excluded.unanswered_at, \
     answered_at = excluded.answered_at, minute_at = excluded.minute_at, \
     minute_count = excluded.minute_count, burst_until = excluded.burst_until, \
     test = excluded.test";
// In PostgreSQL a new rider is only inserted: should somebody else have made the row meanwhile, this write begins again.
pub(super) const INSERT_RIDERS: &str = "INSERT INTO riders (app_id, id, known, on_duty, lang, devices, not_before, seq, \
     created_at, last_seen_at, duty_at, unanswered, unanswered_at, answered_at, minute_at, minute_count, \
     burst_until, test, sound_profile) SELECT k.v ->> 0, k.v ->> 1, CAST(k.v ->> 2 AS BOOLEAN), \
     CAST(k.v ->> 3 AS BOOLEAN), k.v ->> 4, k.v ->> 5, CAST(k.v ->> 6 AS BIGINT), CAST(k.v ->> 7 AS BIGINT), \
     CAST(k.v ->> 8 AS BIGINT), CAST(k.v ->> 9 AS BIGINT), CAST(k.v ->> 10 AS BIGINT), \
     CAST(k.v ->> 11 AS BIGINT), CAST(k.v ->> 12 AS BIGINT), CAST(k.v ->> 13 AS BIGINT), \
     CAST(k.v ->> 14 AS BIGINT), CAST(k.v ->> 15 AS BIGINT), CAST(k.v ->> 16 AS BIGINT), \
     CAST(k.v ->> 17 AS BOOLEAN), k.v ->> 18 \
     FROM jsonb_array_elements(CAST($1 AS JSONB)) WITH ORDINALITY AS k(v, n) ORDER BY k.n";
pub(super) const UPDATE_RIDERS: &str = "UPDATE riders SET known = CAST(k.v ->> 2 AS BOOLEAN), \
     on_duty = CAST(k.v ->> 3 AS BOOLEAN), seq = CAST(k.v ->> 7 AS BIGINT), \
     duty_at = CAST(k.v ->> 10 AS BIGINT), unanswered = CAST(k.v ->> 11 AS BIGINT), \
     unanswered_at = CAST(k.v ->> 12 AS BIGINT), answered_at = CAST(k.v ->> 13 AS BIGINT), \
     minute_at = CAST(k.v ->> 14 AS BIGINT), minute_count = CAST(k.v ->> 15 AS BIGINT), \
     burst_until = CAST(k.v ->> 16 AS BIGINT), test = CAST(k.v ->> 17 AS BOOLEAN) \
     FROM jsonb_array_elements(CAST($1 AS JSONB)) AS k(v) \
     WHERE riders.app_id = k.v ->> 0 AND riders.id = k.v ->> 1";
// In three parts: a column is looked for among those of its part, and not among forty.
pub(super) const INSERT_ALERTS: Text = each(
    "INSERT INTO alerts (id, app_id, order_id, kind, urgency, need, mode, arbiter, duty, \
     collapse_key, created_at, starts_at, expires_at, answer_ms, ladder, candidates, event_id, version, \
     interrupt, repeat_count, repeat_gap_ms, lang, title, text, said, card, ext, trace_id, callback_url, \
     jitter_ms, stored_at, rendered_at, sound, state, ended_at, winner, steps_done, step_due_at, \
     candidates_asked, open_count, unrolling, key_mode) \
     SELECT value ->> '$.moving.id', value ->> '$.fixed.app', value ->> '$.fixed.order', \
     value ->> '$.fixed.kind', value ->> '$.fixed.urgency', value ->> '$.fixed.need', \
     value ->> '$.fixed.mode', value ->> '$.fixed.arbiter', value ->> '$.fixed.duty', \
     value ->> '$.fixed.key', value ->> '$.fixed.created', value ->> '$.fixed.starts', \
     value ->> '$.fixed.expires', value ->> '$.fixed.answer_ms', value ->> '$.fixed.ladder', \
     value ->> '$.fixed.candidates', value ->> '$.body.event', value ->> '$.body.version', \
     value ->> '$.body.interrupt', value ->> '$.body.count', value ->> '$.body.gap', value ->> '$.body.lang', \
     value ->> '$.body.title', value ->> '$.body.text', value ->> '$.body.said', value ->> '$.body.card', \
     value ->> '$.body.ext', value ->> '$.body.trace', value ->> '$.body.callback', \
     value ->> '$.body.jitter', value ->> '$.body.stored', value ->> '$.body.rendered', \
     value ->> '$.body.sound', value ->> '$.moving.state', value ->> '$.moving.ended_at', \
     value ->> '$.moving.winner', value ->> '$.moving.steps_done', value ->> '$.moving.step_due_at', \
     value ->> '$.moving.asked', value ->> '$.moving.open_count', value ->> '$.moving.unrolling', \
     value ->> '$.fixed.key_mode' \
     FROM jsonb_each($1) ORDER BY key",
    "INSERT INTO alerts (id, app_id, order_id, kind, urgency, need, mode, arbiter, duty, \
     collapse_key, created_at, starts_at, expires_at, answer_ms, ladder, candidates, event_id, version, \
     interrupt, repeat_count, repeat_gap_ms, lang, title, text, said, card, ext, trace_id, callback_url, \
     jitter_ms, stored_at, rendered_at, sound, state, ended_at, winner, steps_done, step_due_at, \
     candidates_asked, open_count, unrolling, key_mode) \
     SELECT m.id, f.app, f.\"order\", f.kind, f.urgency, f.need, f.mode, f.arbiter, f.duty, f.key, f.created, \
     f.starts, f.expires, f.answer_ms, f.ladder, f.candidates, b.event, b.version, b.interrupt, b.count, b.gap, \
     b.lang, b.title, b.text, b.said, b.card, b.ext, b.trace, b.callback, b.jitter, b.stored, b.rendered, \
     b.sound, m.state, m.ended_at, m.winner, m.steps_done, m.step_due_at, m.asked, m.open_count, m.unrolling, \
     f.key_mode FROM json_to_recordset(CAST($1 AS JSON)) AS r(moving JSON, fixed JSON, body JSON), \
     json_to_record(r.moving) AS m(id TEXT, state TEXT, ended_at BIGINT, winner TEXT, steps_done BIGINT, \
     step_due_at BIGINT, asked BIGINT, open_count BIGINT, unrolling BOOLEAN), \
     json_to_record(r.fixed) AS f(app TEXT, key_mode TEXT, \"order\" TEXT, kind TEXT, urgency BIGINT, need TEXT, \
     mode TEXT, arbiter TEXT, duty TEXT, key TEXT, created BIGINT, starts BIGINT, expires BIGINT, \
     answer_ms BIGINT, ladder TEXT, candidates TEXT), \
     json_to_record(r.body) AS b(event TEXT, version BIGINT, interrupt BOOLEAN, count BIGINT, gap BIGINT, \
     lang TEXT, title TEXT, text TEXT, said TEXT, card TEXT, ext TEXT, trace TEXT, callback TEXT, \
     jitter BIGINT, stored BIGINT, rendered BIGINT, sound TEXT)",
);
pub(super) const UPDATE_ALERTS: Text = each(
    "UPDATE alerts SET state = n.state, ended_at = n.ended_at, winner = n.winner, \
     steps_done = n.steps_done, step_due_at = n.step_due_at, ladder_late_ms = n.late_ms, candidates_asked = n.asked, \
     open_count = n.open_count, unrolling = n.unrolling FROM (SELECT value ->> 'id' AS id, \
     value ->> 'state' AS state, value ->> 'ended_at' AS ended_at, value ->> 'winner' AS winner, \
     value ->> 'steps_done' AS steps_done, value ->> 'step_due_at' AS step_due_at, \
     value ->> 'late_ms' AS late_ms, value ->> 'asked' AS asked, value ->> 'open_count' AS open_count, value ->> 'unrolling' AS unrolling \
     FROM jsonb_each($1)) AS n WHERE alerts.id = n.id",
    "UPDATE alerts SET state = n.state, ended_at = n.ended_at, winner = n.winner, \
     steps_done = n.steps_done, step_due_at = n.step_due_at, ladder_late_ms = n.late_ms, candidates_asked = n.asked, \
     open_count = n.open_count, unrolling = n.unrolling FROM json_to_recordset(CAST($1 AS JSON)) AS n(id TEXT, \
     state TEXT, ended_at BIGINT, winner TEXT, steps_done BIGINT, step_due_at BIGINT, late_ms BIGINT, \
     asked BIGINT, open_count BIGINT, unrolling BOOLEAN) WHERE alerts.id = n.id",
);
// Whoever was not told of an alert before it ended never will be.
pub(super) const DROP_TARGETS: Text = each(
    "DELETE FROM targets WHERE alert_id IN (SELECT value FROM json_each($1))",
    "DELETE FROM targets WHERE alert_id IN (SELECT jsonb_array_elements_text(CAST($1 AS JSONB)))",
);
pub(super) const INSERT_DELIVERIES: Text = each(
    "INSERT INTO deliveries (id, alert_id, app_id, rider_id, seq, need, \
     expires_at, first_status, state, reason, ring, attempts, plays, held_until, rung_at, ended_at) \
     SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, \
     value ->> 7, value ->> 8, value ->> 9, value ->> 10, 0, 0, value ->> 11, value ->> 12, \
     value ->> 13 \
     FROM jsonb_each($1) ORDER BY key",
    "INSERT INTO deliveries (id, alert_id, app_id, rider_id, seq, need, \
     expires_at, first_status, state, reason, ring, attempts, plays, held_until, rung_at, ended_at) \
     SELECT k.v ->> 0, k.v ->> 1, k.v ->> 2, k.v ->> 3, CAST(k.v ->> 4 AS BIGINT), k.v ->> 5, \
     CAST(k.v ->> 6 AS BIGINT), k.v ->> 7, k.v ->> 8, k.v ->> 9, CAST(k.v ->> 10 AS BIGINT), 0, 0, \
     CAST(k.v ->> 11 AS BIGINT), CAST(k.v ->> 12 AS BIGINT), CAST(k.v ->> 13 AS BIGINT) \
     FROM jsonb_array_elements(CAST($1 AS JSONB)) WITH ORDINALITY AS k(v, n) ORDER BY k.n",
);
pub(super) const UPDATE_DELIVERIES: Text = each(
    "UPDATE deliveries SET seq = n.seq, expires_at = n.expires_at, \
     state = n.state, reason = n.reason, ring = n.ring, attempts = n.attempts, plays = n.plays, \
     sent_ring = n.sent_ring, rung_at = n.rung_at, held_until = n.held_until, answer = n.answer, \
     late_answer = n.late_answer, ask_due_at = n.ask_due_at, trouble = n.trouble, sent_at = n.sent_at, \
     received_at = n.received_at, playing_at = n.playing_at, played_at = n.played_at, \
     answered_at = n.answered_at, ended_at = n.ended_at FROM (SELECT value ->> 'alert' AS alert, \
     value ->> 'rider' AS rider, value ->> 'seq' AS seq, value ->> 'expires_at' AS expires_at, \
     value ->> 'state' AS state, value ->> 'reason' AS reason, value ->> 'ring' AS ring, \
     value ->> 'attempts' AS attempts, value ->> 'plays' AS plays, value ->> 'sent_ring' AS sent_ring, \
     value ->> 'rung_at' AS rung_at, value ->> 'held_until' AS held_until, value ->> 'answer' AS answer, \
     value ->> 'late_answer' AS late_answer, value ->> 'ask_due_at' AS ask_due_at, \
     value ->> 'trouble' AS trouble, value ->> 'sent_at' AS sent_at, value ->> 'received_at' AS received_at, \
     value ->> 'playing_at' AS playing_at, value ->> 'played_at' AS played_at, \
     value ->> 'answered_at' AS answered_at, value ->> 'ended_at' AS ended_at FROM jsonb_each($1)) AS n \
     WHERE deliveries.alert_id = n.alert AND deliveries.rider_id = n.rider",
    "UPDATE deliveries SET seq = n.seq, expires_at = n.expires_at, \
     state = n.state, reason = n.reason, ring = n.ring, attempts = n.attempts, plays = n.plays, \
     sent_ring = n.sent_ring, rung_at = n.rung_at, held_until = n.held_until, answer = n.answer, \
     late_answer = n.late_answer, ask_due_at = n.ask_due_at, trouble = n.trouble, sent_at = n.sent_at, \
     received_at = n.received_at, playing_at = n.playing_at, played_at = n.played_at, \
     answered_at = n.answered_at, ended_at = n.ended_at FROM jsonb_to_recordset(CAST($1 AS JSONB)) AS n(\
     alert TEXT, rider TEXT, seq BIGINT, expires_at BIGINT, state TEXT, reason TEXT, ring BIGINT, \
     attempts BIGINT, plays BIGINT, sent_ring BIGINT, rung_at BIGINT, held_until BIGINT, answer TEXT, \
     late_answer TEXT, ask_due_at BIGINT, trouble TEXT, sent_at BIGINT, received_at BIGINT, \
     playing_at BIGINT, played_at BIGINT, answered_at BIGINT, ended_at BIGINT) \
     WHERE deliveries.alert_id = n.alert AND deliveries.rider_id = n.rider",
);

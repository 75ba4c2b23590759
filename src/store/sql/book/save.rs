//! A book is written back: of each table, what is new and what has changed, by one statement with a list.
//! What has not changed is not written, so that a rider's row costs nothing to look at.

use std::collections::HashMap;

use serde::Serialize;

use crate::domain::Sound;
use crate::domain::book::{Book, Mark};
use crate::domain::delivery::EndReason;
use crate::domain::{
    Alert, AlertId, Answer, AppId, Delivery, DeliveryId, EpochMs, EventId, Head, Ladder, OrderId, Rider,
    RiderId, SoundProfile,
};
use crate::store::StoreResult;
use crate::store::sql::db::{Db, Dialect, Text, each, sql};
use crate::store::sql::{callbacks, calls, notices, orders, recipes, rows};

const PUT_RIDERS: &str = "INSERT INTO riders (app_id, id, known, on_duty, lang, devices, not_before, seq, \
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
const INSERT_RIDERS: &str = "INSERT INTO riders (app_id, id, known, on_duty, lang, devices, not_before, seq, \
     created_at, last_seen_at, duty_at, unanswered, unanswered_at, answered_at, minute_at, minute_count, \
     burst_until, test, sound_profile) SELECT k.v ->> 0, k.v ->> 1, CAST(k.v ->> 2 AS BOOLEAN), \
     CAST(k.v ->> 3 AS BOOLEAN), k.v ->> 4, k.v ->> 5, CAST(k.v ->> 6 AS BIGINT), CAST(k.v ->> 7 AS BIGINT), \
     CAST(k.v ->> 8 AS BIGINT), CAST(k.v ->> 9 AS BIGINT), CAST(k.v ->> 10 AS BIGINT), \
     CAST(k.v ->> 11 AS BIGINT), CAST(k.v ->> 12 AS BIGINT), CAST(k.v ->> 13 AS BIGINT), \
     CAST(k.v ->> 14 AS BIGINT), CAST(k.v ->> 15 AS BIGINT), CAST(k.v ->> 16 AS BIGINT), \
     CAST(k.v ->> 17 AS BOOLEAN), k.v ->> 18 \
     FROM jsonb_array_elements(CAST($1 AS JSONB)) WITH ORDINALITY AS k(v, n) ORDER BY k.n";
const UPDATE_RIDERS: &str = "UPDATE riders SET known = CAST(k.v ->> 2 AS BOOLEAN), \
     on_duty = CAST(k.v ->> 3 AS BOOLEAN), seq = CAST(k.v ->> 7 AS BIGINT), \
     duty_at = CAST(k.v ->> 10 AS BIGINT), unanswered = CAST(k.v ->> 11 AS BIGINT), \
     unanswered_at = CAST(k.v ->> 12 AS BIGINT), answered_at = CAST(k.v ->> 13 AS BIGINT), \
     minute_at = CAST(k.v ->> 14 AS BIGINT), minute_count = CAST(k.v ->> 15 AS BIGINT), \
     burst_until = CAST(k.v ->> 16 AS BIGINT), test = CAST(k.v ->> 17 AS BOOLEAN) \
     FROM jsonb_array_elements(CAST($1 AS JSONB)) AS k(v) \
     WHERE riders.app_id = k.v ->> 0 AND riders.id = k.v ->> 1";
// In three parts: a column is looked for among those of its part, and not among forty.
const INSERT_ALERTS: Text = each(
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
const UPDATE_ALERTS: Text = each(
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
const DROP_TARGETS: Text = each(
    "DELETE FROM targets WHERE alert_id IN (SELECT value FROM json_each($1))",
    "DELETE FROM targets WHERE alert_id IN (SELECT jsonb_array_elements_text(CAST($1 AS JSONB)))",
);
const INSERT_DELIVERIES: Text = each(
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
const UPDATE_DELIVERIES: Text = each(
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

/// Writes back a book to which no alert was added.
pub(in crate::store::sql) async fn save(db: &mut Db<'_>, book: &mut Book) -> StoreResult<()> {
    save_with(db, book, &[], EpochMs(0)).await
}

/// Writes back a book; `bodies` are the alerts that may have been added to it, stored at `at`.
pub(in crate::store::sql) async fn save_with(
    db: &mut Db<'_>,
    book: &mut Book,
    bodies: &[&Alert],
    at: EpochMs,
) -> StoreResult<()> {
    save_riders(db, book).await?;
    orders::put_all(db, book.orders().filter(|(.., mark)| *mark != Mark::Clean)).await?;
    save_alerts(db, book, bodies, at).await?;
    let marked = |wanted| book.deliveries().filter(move |(_, mark)| *mark == wanted).map(|(row, _)| row);
    let new: Vec<FirstRow<'_>> = marked(Mark::New).map(FirstRow::of).collect();
    put(db, INSERT_DELIVERIES, "deliveries", &new).await?;
    let changed: Vec<DeliveryRow<'_>> = marked(Mark::Changed).map(DeliveryRow::of).collect();
    put(db, UPDATE_DELIVERIES, "deliveries", &changed).await?;
    notices::add_all(db, &book.take_notices()).await?;
    calls::add_all(db, &book.take_calls()).await?;
    // After its alerts: what is kept of them is looked up.
    callbacks::note(db, &book.take_facts()).await
}

async fn save_riders(db: &mut Db<'_>, book: &Book) -> StoreResult<()> {
    let (mut new, mut changed) = (Vec::new(), Vec::new());
    for (rider, mark) in book.riders() {
        match mark {
            Mark::Clean => {}
            Mark::Changed => changed.push(RiderRow::of(rider)),
            Mark::New => new.push(RiderRow::of(rider)),
        }
    }
    match db.dialect() {
        Dialect::Sqlite => {
            new.extend(changed);
            put(db, PUT_RIDERS, "riders", &new).await
        }
        Dialect::Postgres => {
            put(db, INSERT_RIDERS, "riders", &new).await?;
            put(db, UPDATE_RIDERS, "riders", &changed).await
        }
    }
}

async fn save_alerts(db: &mut Db<'_>, book: &Book, bodies: &[&Alert], at: EpochMs) -> StoreResult<()> {
    let new = book.heads().filter(|(_, mark)| *mark == Mark::New).map(|(head, _)| (head.id, head));
    let new: HashMap<AlertId, &Head> = new.collect();
    let new = bodies.iter().filter_map(|body| Some(AlertRow::of(body, new.get(&body.id)?, at)));
    let new: Vec<AlertRow<'_>> = new.collect();
    put(db, INSERT_ALERTS, "alerts", &new).await?;
    recipes::keep_all(db, new.iter().filter_map(|row| Some((row.body.sound?, row.used_at(at))))).await?;
    let changed = book.heads().filter(|(_, mark)| *mark == Mark::Changed).map(|(head, _)| head);
    let changed: Vec<HeadRow<'_>> = changed.map(HeadRow::of).collect();
    put(db, UPDATE_ALERTS, "alerts", &changed).await?;
    let untold = book.heads().map(|(head, _)| head).filter(|head| head.unrolling && !head.is_open());
    let untold: Vec<AlertId> = untold.map(|head| head.id).collect();
    put(db, DROP_TARGETS, "targets", &untold).await
}

async fn put<T: Serialize>(
    db: &mut Db<'_>,
    statement: impl Into<Text>,
    table: &'static str,
    rows: &[T],
) -> StoreResult<()> {
    if !rows.is_empty() {
        sql(statement).bind(rows::json(table, rows)?).run(db).await?;
    }
    Ok(())
}

/// A rider, in the order `PUT_RIDERS` takes it.
#[derive(Serialize)]
struct RiderRow<'a>(
    AppId,
    &'a RiderId,
    bool,
    bool,
    Option<&'a str>,
    &'a str,
    EpochMs,
    i64,
    EpochMs,
    Option<EpochMs>,
    Option<EpochMs>,
    u32,
    Option<EpochMs>,
    Option<EpochMs>,
    EpochMs,
    u32,
    EpochMs,
    bool,
    Option<&'a str>,
);

impl<'a> RiderRow<'a> {
    fn of(rider: &'a Rider) -> Self {
        Self(
            rider.app,
            &rider.id,
            rider.known,
            rider.on_duty,
            rider.lang.as_deref(),
            rider.devices.as_str(),
            rider.not_before,
            rider.seq,
            rider.created_at,
            rider.last_seen_at,
            rider.duty_at,
            rider.unanswered,
            rider.unanswered_at,
            rider.answered_at,
            rider.pace.minute_at,
            rider.pace.count,
            rider.pace.burst_until,
            rider.test,
            rider.sound_profile.map(SoundProfile::as_str),
        )
    }
}

/// What of an alert can change, as `UPDATE_ALERTS` takes it.
#[derive(Serialize)]
struct HeadRow<'a> {
    id: AlertId,
    state: &'a str,
    ended_at: Option<EpochMs>,
    winner: Option<&'a RiderId>,
    steps_done: u32,
    step_due_at: Option<EpochMs>,
    late_ms: i64,
    asked: u32,
    open_count: u64,
    unrolling: bool,
}

impl<'a> HeadRow<'a> {
    fn of(head: &'a Head) -> Self {
        Self {
            id: head.id,
            state: head.state.as_str(),
            ended_at: head.ended_at,
            winner: head.winner.as_ref(),
            steps_done: head.steps_done,
            step_due_at: head.step_due_at,
            late_ms: head.ladder_late_ms,
            asked: head.candidates_asked,
            open_count: head.open_count,
            unrolling: head.unrolling,
        }
    }
}

/// A new alert, as `INSERT_ALERTS` takes it.
#[derive(Serialize)]
struct AlertRow<'a> {
    moving: HeadRow<'a>,
    fixed: FixedRow<'a>,
    body: BodyRow<'a>,
}

/// What of a head never changes.
#[derive(Serialize)]
struct FixedRow<'a> {
    app: AppId,
    key_mode: &'a str,
    order: Option<&'a OrderId>,
    kind: &'a str,
    urgency: u8,
    need: &'a str,
    mode: &'a str,
    arbiter: &'a str,
    duty: &'a str,
    key: Option<&'a str>,
    created: EpochMs,
    starts: EpochMs,
    expires: EpochMs,
    answer_ms: Option<i64>,
    ladder: &'a Ladder,
    candidates: &'a [RiderId],
}

/// What is shown and heard.
#[derive(Serialize)]
struct BodyRow<'a> {
    event: &'a EventId,
    version: Option<i64>,
    interrupt: bool,
    count: u32,
    gap: u32,
    lang: &'a str,
    title: &'a str,
    text: &'a str,
    said: String,
    card: &'a str,
    ext: &'a str,
    trace: &'a str,
    callback: Option<&'a str>,
    jitter: u32,
    stored: EpochMs,
    rendered: Option<EpochMs>,
    sound: Option<&'a Sound>,
}

impl<'a> AlertRow<'a> {
    fn of(body: &'a Alert, head: &'a Head, stored_at: EpochMs) -> Self {
        Self { moving: HeadRow::of(head), fixed: FixedRow::of(head), body: BodyRow::of(body, stored_at) }
    }

    /// When its clip is used: what waits for its time must find it then.
    fn used_at(&self, at: EpochMs) -> EpochMs {
        self.fixed.starts.max(at)
    }
}

impl<'a> FixedRow<'a> {
    fn of(head: &'a Head) -> Self {
        Self {
            app: head.app,
            key_mode: head.key_mode.as_str(),
            order: head.order_id.as_ref(),
            kind: &head.kind,
            urgency: head.urgency.into(),
            need: head.need.as_str(),
            mode: head.mode.as_str(),
            arbiter: head.arbiter.as_str(),
            duty: head.duty.as_str(),
            key: head.collapse_key.as_deref(),
            created: head.created_at,
            starts: head.starts_at,
            expires: head.expires_at,
            answer_ms: head.answer_ms,
            ladder: &head.ladder,
            candidates: &head.candidates,
        }
    }
}

impl<'a> BodyRow<'a> {
    fn of(body: &'a Alert, stored_at: EpochMs) -> Self {
        Self {
            event: &body.event_id,
            version: body.version,
            interrupt: body.interrupt,
            count: body.repeat.count,
            gap: body.repeat.gap_ms,
            lang: &body.lang,
            title: &body.title,
            text: &body.text,
            said: body.said.encoded(),
            card: &body.card,
            ext: &body.ext,
            trace: &body.trace_id,
            callback: body.callback_url.as_deref(),
            jitter: body.jitter_ms,
            stored: stored_at,
            rendered: body.rendered_at,
            sound: body.sound.as_ref(),
        }
    }
}

/// A new delivery, in the order `INSERT_DELIVERIES` takes it.
#[derive(Serialize)]
struct FirstRow<'a>(
    DeliveryId,
    AlertId,
    AppId,
    &'a RiderId,
    i64,
    &'a str,
    EpochMs,
    &'a str,
    &'a str,
    Option<&'a str>,
    u32,
    Option<EpochMs>,
    Option<EpochMs>,
    Option<EpochMs>,
);

impl<'a> FirstRow<'a> {
    fn of(d: &'a Delivery) -> Self {
        let (first, state, reason) = (d.first_status.as_str(), d.state.as_str(), reason(d));
        let (need, expires_at, ring) = (d.need.as_str(), d.expires_at, d.ring);
        let (wait, again, end) = (d.held_until, d.rung_at, d.ended_at);
        Self(
            d.id, d.alert, d.app, &d.rider, d.seq, need, expires_at, first, state, reason, ring, wait, again,
            end,
        )
    }
}

/// What of a delivery can change, as `UPDATE_DELIVERIES` takes it.
#[derive(Serialize)]
struct DeliveryRow<'a> {
    alert: AlertId,
    rider: &'a RiderId,
    seq: i64,
    expires_at: EpochMs,
    state: &'a str,
    reason: Option<&'a str>,
    ring: u32,
    attempts: u32,
    plays: u32,
    sent_ring: u32,
    rung_at: Option<EpochMs>,
    held_until: Option<EpochMs>,
    answer: Option<&'a str>,
    late_answer: Option<&'a str>,
    ask_due_at: Option<EpochMs>,
    trouble: Option<&'a str>,
    sent_at: Option<EpochMs>,
    received_at: Option<EpochMs>,
    playing_at: Option<EpochMs>,
    played_at: Option<EpochMs>,
    answered_at: Option<EpochMs>,
    ended_at: Option<EpochMs>,
}

impl<'a> DeliveryRow<'a> {
    fn of(delivery: &'a Delivery) -> Self {
        Self {
            alert: delivery.alert,
            rider: &delivery.rider,
            seq: delivery.seq,
            expires_at: delivery.expires_at,
            state: delivery.state.as_str(),
            reason: reason(delivery),
            ring: delivery.ring,
            attempts: delivery.attempts,
            plays: delivery.plays,
            sent_ring: delivery.sent_ring,
            rung_at: delivery.rung_at,
            held_until: delivery.held_until,
            answer: delivery.answer.map(Answer::as_str),
            late_answer: delivery.late_answer.map(Answer::as_str),
            ask_due_at: delivery.ask_due_at,
            trouble: delivery.trouble.as_deref(),
            sent_at: delivery.sent_at,
            received_at: delivery.received_at,
            playing_at: delivery.playing_at,
            played_at: delivery.played_at,
            answered_at: delivery.answered_at,
            ended_at: delivery.ended_at,
        }
    }
}

fn reason(delivery: &Delivery) -> Option<&'static str> {
    delivery.reason.map(EndReason::as_str)
}

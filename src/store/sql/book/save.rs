//! A book is written back: of each table, what is new and what has changed, by one statement with a list.
//! What has not changed is not written, so that a rider's row costs nothing to look at.

mod statements;

use std::collections::HashMap;

use serde::Serialize;

use self::statements::{
    DROP_TARGETS, INSERT_ALERTS, INSERT_DELIVERIES, INSERT_RIDERS, PUT_RIDERS, UPDATE_ALERTS,
    UPDATE_DELIVERIES, UPDATE_RIDERS,
};
use crate::domain::Sound;
use crate::domain::book::{Book, Mark};
use crate::domain::delivery::EndReason;
use crate::domain::{
    Alert, AlertId, Answer, AppId, Delivery, DeliveryId, EpochMs, EventId, Head, Ladder, OrderId, Rider,
    RiderId, SoundProfile,
};
use crate::store::StoreResult;
use crate::store::sql::db::{Db, Dialect, Text, sql};
use crate::store::sql::{callbacks, calls, notices, orders, recipes, rows, wechat};

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
    wechat::spend(db, &book.take_unheard()).await?;
    // After its alerts: what is kept of them is looked up.
    callbacks::note(db, &book.take_facts(), bodies).await
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

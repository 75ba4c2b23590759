//! Deliveries on their way from one state to the next: read with their alerts, changed by the domain, written at once.
//! Changes meet in memory, in their order; the rows are written once, however many changes there were.

use std::collections::HashMap;

use serde::Serialize;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::rows::{self, Fields};
use crate::domain::alert::AlertChange;
use crate::domain::delivery::{Change, EndReason};
use crate::domain::{AlertId, AlertState, Answer, Delivery, EpochMs};
use crate::store::StoreResult;

/// Columns of a delivery with the row it is in and where its alert stands, for [`Ledger::read`].
macro_rules! standing_columns {
    () => {
        concat!(super::rows::delivery_columns!(), ", d.ordinal, a.state, a.open_count")
    };
}

const UPDATE_DELIVERIES: &str = "UPDATE deliveries SET state = n.state, reason = n.reason, ring = n.ring, \
     attempts = n.attempts, plays = n.plays, answer = n.answer, trouble = n.trouble, sent_at = n.sent_at, \
     received_at = n.received_at, playing_at = n.playing_at, played_at = n.played_at, \
     answered_at = n.answered_at, ended_at = n.ended_at FROM (SELECT value ->> 'ordinal' AS ordinal, \
     value ->> 'state' AS state, value ->> 'reason' AS reason, value ->> 'ring' AS ring, \
     value ->> 'attempts' AS attempts, value ->> 'plays' AS plays, value ->> 'answer' AS answer, \
     value ->> 'trouble' AS trouble, value ->> 'sent_at' AS sent_at, value ->> 'received_at' AS received_at, \
     value ->> 'playing_at' AS playing_at, value ->> 'played_at' AS played_at, \
     value ->> 'answered_at' AS answered_at, value ->> 'ended_at' AS ended_at FROM jsonb_each($1)) AS n \
     WHERE deliveries.ordinal = n.ordinal";
const UPDATE_ALERTS: &str = "UPDATE alerts SET state = n.state, open_count = n.open_count, \
     ended_at = COALESCE(alerts.ended_at, n.ended_at) FROM (SELECT value ->> 'id' AS id, \
     value ->> 'state' AS state, value ->> 'open_count' AS open_count, value ->> 'ended_at' AS ended_at \
     FROM jsonb_each($1)) AS n WHERE alerts.id = n.id";

/// Some deliveries and their alerts, as they will be once saved.
#[derive(Default)]
pub(super) struct Ledger {
    deliveries: Vec<Entry>,
    alerts: HashMap<AlertId, AlertEntry>,
}

struct Entry {
    ordinal: i64,
    delivery: Delivery,
    changed: bool,
}

struct AlertEntry {
    state: AlertState,
    open_count: u64,
    ended_at: Option<EpochMs>,
    changed: bool,
}

impl Ledger {
    /// Reads rows of `standing_columns`, in their order.
    pub(super) fn read(rows: &[SqliteRow]) -> StoreResult<Self> {
        let mut ledger = Self::default();
        for row in rows {
            let mut fields = Fields::of(row, "deliveries");
            let delivery = rows::delivery(&mut fields)?;
            let ordinal = fields.take()?;
            let (state, open_count) = (fields.word(AlertState::parse)?, fields.count()?);
            let alert = AlertEntry { state, open_count, ended_at: None, changed: false };
            ledger.alerts.entry(delivery.alert).or_insert(alert);
            ledger.deliveries.push(Entry { ordinal, delivery, changed: false });
        }
        Ok(ledger)
    }

    /// The deliveries, in the order they were read.
    pub(super) fn deliveries(&self) -> impl ExactSizeIterator<Item = &Delivery> {
        self.deliveries.iter().map(|entry| &entry.delivery)
    }

    /// The delivery at this place.
    pub(super) fn delivery(&self, place: usize) -> Option<&Delivery> {
        self.deliveries.get(place).map(|entry| &entry.delivery)
    }

    /// Applies a change to the delivery at this place, and to its alert if it ends. False if nothing changes.
    pub(super) fn apply(&mut self, place: usize, change: &Change, at: EpochMs) -> bool {
        let Some(entry) = self.deliveries.get_mut(place) else { return false };
        let Some(next) = entry.delivery.after(change, at) else { return false };
        let ends = entry.delivery.is_open() && !next.is_open();
        if ends && let Some(alert) = self.alerts.get_mut(&next.alert) {
            alert.open_count = alert.open_count.saturating_sub(1);
            alert.changed = true;
            if let Some(end) = alert.state.after(AlertChange::of(change, alert.open_count)) {
                (alert.state, alert.ended_at) = (end, Some(at));
            }
        }
        (entry.delivery, entry.changed) = (next, true);
        true
    }

    /// Applies a change to every delivery.
    pub(super) fn apply_to_all(&mut self, change: &Change, at: EpochMs) {
        for place in 0..self.deliveries.len() {
            self.apply(place, change, at);
        }
    }

    /// Writes what has changed.
    pub(super) async fn save(&self, db: &mut SqliteConnection) -> StoreResult<()> {
        let deliveries: Vec<DeliveryRow<'_>> =
            self.deliveries.iter().filter(|entry| entry.changed).map(DeliveryRow::of).collect();
        if !deliveries.is_empty() {
            let deliveries = rows::json("deliveries", &deliveries)?;
            sqlx::query(UPDATE_DELIVERIES).bind(deliveries).execute(&mut *db).await?;
        }
        let alerts: Vec<AlertRow> =
            self.alerts.iter().filter(|(_, alert)| alert.changed).map(AlertRow::of).collect();
        if !alerts.is_empty() {
            let alerts = rows::json("alerts", &alerts)?;
            sqlx::query(UPDATE_ALERTS).bind(alerts).execute(&mut *db).await?;
        }
        Ok(())
    }
}

/// What of a delivery can change, as `UPDATE_DELIVERIES` takes it.
#[derive(Serialize)]
struct DeliveryRow<'a> {
    ordinal: i64,
    state: &'a str,
    reason: Option<&'a str>,
    ring: u32,
    attempts: u32,
    plays: u32,
    answer: Option<&'a str>,
    trouble: Option<&'a str>,
    sent_at: Option<EpochMs>,
    received_at: Option<EpochMs>,
    playing_at: Option<EpochMs>,
    played_at: Option<EpochMs>,
    answered_at: Option<EpochMs>,
    ended_at: Option<EpochMs>,
}

impl<'a> DeliveryRow<'a> {
    fn of(entry: &'a Entry) -> Self {
        let delivery = &entry.delivery;
        Self {
            ordinal: entry.ordinal,
            state: delivery.state.as_str(),
            reason: delivery.reason.map(EndReason::as_str),
            ring: delivery.ring,
            attempts: delivery.attempts,
            plays: delivery.plays,
            answer: delivery.answer.map(Answer::as_str),
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

/// What of an alert changes with its deliveries, as `UPDATE_ALERTS` takes it.
#[derive(Serialize)]
struct AlertRow {
    id: AlertId,
    state: &'static str,
    open_count: u64,
    ended_at: Option<EpochMs>,
}

impl AlertRow {
    fn of((id, alert): (&AlertId, &AlertEntry)) -> Self {
        let AlertEntry { state, open_count, ended_at, .. } = *alert;
        Self { id: *id, state: state.as_str(), open_count, ended_at }
    }
}

pub(super) use standing_columns;

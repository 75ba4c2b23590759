//! Accepting events: the row that remembers each, its alert, a delivery for each rider; one transaction.
//! All events that wait are accepted together, in a few statements that take lists: a statement costs more than a row.

use std::sync::Arc;

use serde::Serialize;
use sqlx::SqliteConnection;

use super::audience::{audience, listeners};
use super::{events, rows};
use crate::domain::alert::{AlertChange, Sound};
use crate::domain::delivery::{EndReason, Listener};
use crate::domain::{Alert, AlertId, AppId, Delivery, DeliveryId, EpochMs, EventId, OrderId, RiderId};
use crate::store::{Accepted, FirstDelivery, NewAlert, NewEvent, Receipt, StoreResult};

const INSERT_ALERTS: &str = "INSERT INTO alerts (id, app_id, event_id, order_id, version, kind, urgency, \
     interrupt, repeat_count, repeat_gap_ms, need, duty, lang, title, text, said, card, ext, trace_id, \
     created_at, stored_at, expires_at, rendered_at, sound, state, ended_at, open_count) \
     SELECT a.value ->> 'id', a.value ->> 'app', a.value ->> 'event', a.value ->> 'order', \
     a.value ->> 'version', a.value ->> 'kind', a.value ->> 'urgency', a.value ->> 'interrupt', \
     a.value ->> 'count', a.value ->> 'gap', a.value ->> 'need', a.value ->> 'duty', a.value ->> 'lang', \
     a.value ->> 'title', a.value ->> 'text', a.value ->> 'said', a.value ->> 'card', a.value ->> 'ext', \
     a.value ->> 'trace', a.value ->> 'created', a.value ->> 'stored', a.value ->> 'expires', \
     a.value ->> 'rendered', a.value ->> 'sound', a.value ->> 'state', a.value ->> 'ended', \
     a.value ->> 'open' FROM jsonb_each($1) AS a ORDER BY a.key";
const INSERT_DELIVERIES: &str = "INSERT INTO deliveries (id, alert_id, app_id, rider_id, seq, need, \
     expires_at, first_status, state, reason, ring, attempts, plays, ended_at) \
     SELECT d.value ->> 0, d.value ->> 1, d.value ->> 2, d.value ->> 3, d.value ->> 4, d.value ->> 5, \
     d.value ->> 6, d.value ->> 7, d.value ->> 8, d.value ->> 9, d.value ->> 10, 0, 0, d.value ->> 11 \
     FROM jsonb_each($1) AS d ORDER BY d.key";

/// An event that waits to be stored.
pub(super) struct Arrival {
    /// The event.
    pub(super) event: NewEvent,
    /// Reads the clock when its turn has come.
    pub(super) now: Arc<dyn Fn() -> EpochMs + Send + Sync>,
}

/// Accepts events in their order. Those of one id among them are one event.
pub(super) async fn accept_all(
    db: &mut SqliteConnection,
    arrivals: &[Arrival],
) -> StoreResult<Vec<Accepted>> {
    let all: Vec<&NewEvent> = arrivals.iter().map(|arrival| &arrival.event).collect();
    let new = events::remember(db, &all).await?;
    let mut accepted: Vec<Option<Accepted>> = vec![None; arrivals.len()];
    let mut speaking: Vec<(usize, &NewAlert)> = Vec::with_capacity(new.len());
    for place in new {
        accepted[place] = Some(Accepted::New(Receipt { alert: None, deliveries: Vec::new() }));
        speaking.extend(all[place].alert.as_ref().map(|alert| (place, alert)));
    }
    if let Some(arrival) = arrivals.first() {
        let alerts: Vec<&NewAlert> = speaking.iter().map(|(_, alert)| *alert).collect();
        let receipts = store_alerts(db, &alerts, (arrival.now)()).await?;
        for ((place, _), receipt) in speaking.into_iter().zip(receipts) {
            accepted[place] = Some(Accepted::New(receipt));
        }
    }
    let mut answers = Vec::with_capacity(arrivals.len());
    for (accepted, event) in accepted.into_iter().zip(all) {
        answers.push(match accepted {
            Some(accepted) => accepted,
            None => events::accepted_before(db, event).await?,
        });
    }
    Ok(answers)
}

async fn store_alerts(
    db: &mut SqliteConnection,
    new: &[&NewAlert],
    stored_at: EpochMs,
) -> StoreResult<Vec<Receipt>> {
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let mut audiences = Vec::with_capacity(new.len());
    for new in new {
        audiences.push(audience(db, new.alert.app, &new.target).await?);
    }
    let listeners = listeners(db, new, audiences, stored_at).await?;
    let stored: Vec<Stored<'_>> =
        new.iter().zip(listeners).map(|(new, listeners)| Stored::first(new, listeners, stored_at)).collect();
    insert_alerts(db, &stored).await?;
    insert_deliveries(db, &stored).await?;
    Ok(stored.into_iter().map(Stored::into_receipt).collect())
}

/// An alert as it is first stored.
struct Stored<'a> {
    alert: &'a Alert,
    at: EpochMs,
    deliveries: Vec<Delivery>,
}

impl<'a> Stored<'a> {
    fn first(new: &'a NewAlert, listeners: Vec<Listener>, stored_at: EpochMs) -> Self {
        let deliver = |listener| {
            let id = DeliveryId::new(stored_at, (new.entropy)());
            Delivery::first(id, &new.alert, listener, stored_at)
        };
        Self { alert: &new.alert, at: stored_at, deliveries: listeners.into_iter().map(deliver).collect() }
    }

    fn row(&self) -> AlertRow<'a> {
        let alert = self.alert;
        let open = self.deliveries.iter().filter(|delivery| delivery.is_open()).count() as u64;
        let end = alert.state.after(AlertChange::DeliveryEnded { still_open: open });
        AlertRow {
            id: alert.id,
            app: alert.app,
            event: &alert.event_id,
            order: alert.order_id.as_ref(),
            version: alert.version,
            kind: &alert.kind,
            urgency: alert.urgency.into(),
            interrupt: alert.interrupt,
            count: alert.repeat.count,
            gap: alert.repeat.gap_ms,
            need: alert.need.as_str(),
            duty: alert.duty.as_str(),
            lang: &alert.lang,
            title: &alert.title,
            text: &alert.text,
            said: &alert.said,
            card: &alert.card,
            ext: &alert.ext,
            trace: &alert.trace_id,
            created: alert.created_at,
            stored: self.at,
            expires: alert.expires_at,
            rendered: alert.rendered_at,
            sound: alert.sound.as_ref(),
            state: end.unwrap_or(alert.state).as_str(),
            ended: end.map(|_| self.at),
            open,
        }
    }

    fn into_receipt(self) -> Receipt {
        let first = |delivery: Delivery| FirstDelivery {
            id: delivery.id,
            rider: delivery.rider,
            status: delivery.first_status,
        };
        Receipt { alert: Some(self.alert.id), deliveries: self.deliveries.into_iter().map(first).collect() }
    }
}

/// A new alert, as `INSERT_ALERTS` takes it.
#[derive(Serialize)]
struct AlertRow<'a> {
    id: AlertId,
    app: AppId,
    event: &'a EventId,
    order: Option<&'a OrderId>,
    version: Option<i64>,
    kind: &'a str,
    urgency: u8,
    interrupt: bool,
    count: u32,
    gap: u32,
    need: &'a str,
    duty: &'a str,
    lang: &'a str,
    title: &'a str,
    text: &'a str,
    said: &'a str,
    card: &'a str,
    ext: &'a str,
    trace: &'a str,
    created: EpochMs,
    stored: EpochMs,
    expires: EpochMs,
    rendered: Option<EpochMs>,
    sound: Option<&'a Sound>,
    state: &'a str,
    ended: Option<EpochMs>,
    open: u64,
}

async fn insert_alerts(db: &mut SqliteConnection, stored: &[Stored<'_>]) -> StoreResult<()> {
    let rows: Vec<AlertRow<'_>> = stored.iter().map(Stored::row).collect();
    sqlx::query(INSERT_ALERTS).bind(rows::json("alerts", &rows)?).execute(db).await?;
    Ok(())
}

/// A new delivery, in the order `INSERT_DELIVERIES` takes it.
#[derive(Serialize)]
struct DeliveryRow<'a>(
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
);

async fn insert_deliveries(db: &mut SqliteConnection, stored: &[Stored<'_>]) -> StoreResult<()> {
    let rows: Vec<DeliveryRow<'_>> = stored
        .iter()
        .flat_map(|stored| &stored.deliveries)
        .map(|d| {
            let (first, state, reason) = (d.first_status, d.state, d.reason.map(EndReason::as_str));
            let need = d.need.as_str();
            let (first, state) = (first.as_str(), state.as_str());
            let (at, end) = (d.expires_at, d.ended_at);
            DeliveryRow(d.id, d.alert, d.app, &d.rider, d.seq, need, at, first, state, reason, d.ring, end)
        })
        .collect();
    if !rows.is_empty() {
        sqlx::query(INSERT_DELIVERIES).bind(rows::json("deliveries", &rows)?).execute(db).await?;
    }
    Ok(())
}

//! Accepting an event: the row that remembers it, its alert and a delivery for each rider, in one transaction.
//! One named rider, the hot path, costs one statement a row; a large audience costs a few statements in all.

use serde::Serialize;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::audience::listeners;
use super::rows::{self, Fields, nonsense};
use crate::domain::alert::AlertChange;
use crate::domain::delivery::EndReason;
use crate::domain::{Alert, AlertId, AppId, Delivery, DeliveryId, EpochMs, EventId, RiderId};
use crate::store::{Accepted, FirstDelivery, NewEvent, Receipt, StoreResult};

const INSERT_EVENT: &str = "INSERT INTO events (app_id, source, event_id, body_hash, kind, order_id, \
     trace_id, received_at, alert_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
     ON CONFLICT (app_id, source, event_id) DO NOTHING";
const SELECT_EVENT: &str = "SELECT body_hash, kind, alert_id FROM events \
     WHERE app_id = $1 AND source = $2 AND event_id = $3";
const SELECT_FIRST: &str =
    "SELECT id, rider_id, first_status FROM deliveries WHERE alert_id = $1 ORDER BY ordinal";
const FORGET_EVENTS: &str = "DELETE FROM events WHERE (app_id, source, event_id) IN \
     (SELECT app_id, source, event_id FROM events WHERE received_at < $1 \
     ORDER BY received_at, app_id, source, event_id LIMIT $2)";
const INSERT_ALERT: &str = "INSERT INTO alerts (id, app_id, event_id, order_id, version, kind, urgency, \
     interrupt, repeat_count, repeat_gap_ms, need, duty, lang, title, text, said, card, ext, trace_id, \
     created_at, stored_at, expires_at, state, ended_at, open_count) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, \
     $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25)";
const INSERT_DELIVERY: &str = "INSERT INTO deliveries (id, alert_id, app_id, rider_id, seq, need, expires_at, \
     first_status, state, reason, ring, attempts, plays, ended_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 0, $12)";
const INSERT_DELIVERIES: &str = "INSERT INTO deliveries (id, alert_id, app_id, rider_id, seq, need, \
     expires_at, first_status, state, reason, ring, attempts, plays, ended_at) \
     SELECT d.value ->> 0, $1, $2, d.value ->> 1, d.value ->> 2, $3, $4, d.value ->> 3, d.value ->> 4, \
     d.value ->> 5, d.value ->> 6, 0, 0, d.value ->> 7 FROM json_each($5) AS d ORDER BY d.key";

pub(super) async fn accept(
    db: &mut SqliteConnection,
    event: &NewEvent,
    stored_at: EpochMs,
) -> StoreResult<Accepted> {
    if !remember(db, event).await? {
        return accepted_before(db, event).await;
    }
    let Some(new) = &event.alert else {
        return Ok(Accepted::New(Receipt { alert: None, deliveries: Vec::new() }));
    };
    let mut alert = Alert { stored_at, ..new.alert.clone() };
    let listeners = listeners(db, new, stored_at).await?;
    let deliveries: Vec<Delivery> = listeners
        .into_iter()
        .map(|listener| {
            let id = DeliveryId::new(stored_at, (new.entropy)());
            Delivery::first(id, &alert, listener, stored_at)
        })
        .collect();
    let open_count = deliveries.iter().filter(|delivery| delivery.is_open()).count() as u64;
    if let Some(end) = alert.state.after(AlertChange::DeliveryEnded { still_open: open_count }) {
        (alert.state, alert.ended_at) = (end, Some(stored_at));
    }
    insert_alert(db, &alert, open_count).await?;
    match &deliveries[..] {
        [] => {}
        [delivery] => insert_delivery(db, delivery).await?,
        many => insert_deliveries(db, &alert, many).await?,
    }
    let first = |delivery: Delivery| FirstDelivery {
        id: delivery.id,
        rider: delivery.rider,
        status: delivery.first_status,
    };
    Ok(Accepted::New(Receipt {
        alert: Some(alert.id),
        deliveries: deliveries.into_iter().map(first).collect(),
    }))
}

/// The kind of an event and the answer it was given.
pub(super) async fn event(
    db: &mut SqliteConnection,
    app: AppId,
    source: &str,
    id: &EventId,
) -> StoreResult<Option<(String, Receipt)>> {
    let Some(row) = select_event(db, app, source, id).await? else { return Ok(None) };
    let mut fields = Fields::of(&row, "events");
    let (_hash, kind): (&[u8], String) = (fields.take()?, fields.take()?);
    let receipt = first_answer(db, fields.parsed_or_null()?).await?;
    Ok(Some((kind, receipt)))
}

pub(super) async fn forget_events(
    db: &mut SqliteConnection,
    before: EpochMs,
    limit: u32,
) -> StoreResult<u64> {
    Ok(sqlx::query(FORGET_EVENTS).bind(before.0).bind(limit).execute(db).await?.rows_affected())
}

/// Stores the event itself. False if one with its id is there already.
async fn remember(db: &mut SqliteConnection, event: &NewEvent) -> StoreResult<bool> {
    let inserted = sqlx::query(INSERT_EVENT)
        .bind(event.app.to_string())
        .bind(&event.source)
        .bind(event.id.as_str())
        .bind(&event.body_hash[..])
        .bind(&event.kind)
        .bind(event.order_id.as_ref().map(crate::domain::OrderId::as_str))
        .bind(&event.trace_id)
        .bind(event.received_at.0)
        .bind(event.alert.as_ref().map(|new| new.alert.id.to_string()))
        .execute(db)
        .await?;
    Ok(inserted.rows_affected() > 0)
}

async fn accepted_before(db: &mut SqliteConnection, event: &NewEvent) -> StoreResult<Accepted> {
    let Some(row) = select_event(db, event.app, &event.source, &event.id).await? else {
        return Err(nonsense("events", "a row stands in the way and cannot be read"));
    };
    let mut fields = Fields::of(&row, "events");
    let (hash, _kind): (&[u8], &str) = (fields.take()?, fields.take()?);
    if hash != event.body_hash {
        return Ok(Accepted::Conflict);
    }
    first_answer(db, fields.parsed_or_null()?).await.map(Accepted::Duplicate)
}

async fn select_event(
    db: &mut SqliteConnection,
    app: AppId,
    source: &str,
    id: &EventId,
) -> StoreResult<Option<SqliteRow>> {
    let event = sqlx::query(SELECT_EVENT).bind(app.to_string()).bind(source).bind(id.as_str());
    Ok(event.fetch_optional(db).await?)
}

/// The answer that was given when this alert was stored; what it says never changes.
async fn first_answer(db: &mut SqliteConnection, alert: Option<AlertId>) -> StoreResult<Receipt> {
    let Some(id) = alert else { return Ok(Receipt { alert: None, deliveries: Vec::new() }) };
    let rows = sqlx::query(SELECT_FIRST).bind(id.to_string()).fetch_all(db).await?;
    let deliveries = rows.iter().map(|row| {
        let mut fields = Fields::of(row, "deliveries");
        Ok(FirstDelivery {
            id: fields.parsed()?,
            rider: fields.parsed()?,
            status: fields.word(crate::domain::FirstStatus::parse)?,
        })
    });
    Ok(Receipt { alert, deliveries: deliveries.collect::<StoreResult<_>>()? })
}

async fn insert_alert(db: &mut SqliteConnection, alert: &Alert, open_count: u64) -> StoreResult<()> {
    sqlx::query(INSERT_ALERT)
        .bind(alert.id.to_string())
        .bind(alert.app.to_string())
        .bind(alert.event_id.as_str())
        .bind(alert.order_id.as_ref().map(crate::domain::OrderId::as_str))
        .bind(alert.version)
        .bind(&alert.kind)
        .bind(u8::from(alert.urgency))
        .bind(alert.interrupt)
        .bind(alert.repeat.count)
        .bind(alert.repeat.gap_ms)
        .bind(alert.need.as_str())
        .bind(alert.duty.as_str())
        .bind(&alert.lang)
        .bind(&alert.title)
        .bind(&alert.text)
        .bind(&alert.said)
        .bind(&alert.card)
        .bind(&alert.ext)
        .bind(&alert.trace_id)
        .bind(alert.created_at.0)
        .bind(alert.stored_at.0)
        .bind(alert.expires_at.0)
        .bind(alert.state.as_str())
        .bind(alert.ended_at.map(|at| at.0))
        .bind(open_count.cast_signed())
        .execute(db)
        .await?;
    Ok(())
}

async fn insert_delivery(db: &mut SqliteConnection, delivery: &Delivery) -> StoreResult<()> {
    sqlx::query(INSERT_DELIVERY)
        .bind(delivery.id.to_string())
        .bind(delivery.alert.to_string())
        .bind(delivery.app.to_string())
        .bind(delivery.rider.as_str())
        .bind(delivery.seq)
        .bind(delivery.need.as_str())
        .bind(delivery.expires_at.0)
        .bind(delivery.first_status.as_str())
        .bind(delivery.state.as_str())
        .bind(delivery.reason.map(EndReason::as_str))
        .bind(delivery.ring)
        .bind(delivery.ended_at.map(|at| at.0))
        .execute(db)
        .await?;
    Ok(())
}

/// What differs from one new delivery of an alert to the next, in the order `INSERT_DELIVERIES` takes it.
#[derive(Serialize)]
struct DeliveryRow<'a>(DeliveryId, &'a RiderId, i64, &'a str, &'a str, Option<&'a str>, u32, Option<i64>);

async fn insert_deliveries(
    db: &mut SqliteConnection,
    alert: &Alert,
    deliveries: &[Delivery],
) -> StoreResult<()> {
    let rows: Vec<DeliveryRow<'_>> = deliveries
        .iter()
        .map(|d| {
            let reason = d.reason.map(EndReason::as_str);
            let status = (d.first_status.as_str(), d.state.as_str());
            DeliveryRow(d.id, &d.rider, d.seq, status.0, status.1, reason, d.ring, d.ended_at.map(|at| at.0))
        })
        .collect();
    sqlx::query(INSERT_DELIVERIES)
        .bind(alert.id.to_string())
        .bind(alert.app.to_string())
        .bind(alert.need.as_str())
        .bind(alert.expires_at.0)
        .bind(rows::json("deliveries", &rows)?)
        .execute(db)
        .await?;
    Ok(())
}

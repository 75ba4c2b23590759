//! Rows of events: the memory of what was accepted, and of what was answered.
//! An event is there once; whoever sends it again is told what was told before.

use std::collections::HashMap;

use serde::Serialize;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::rows::{self, Fields, nonsense};
use crate::domain::{AlertId, AppId, EpochMs, EventId, FirstStatus, OrderId};
use crate::store::{Accepted, FirstDelivery, NewEvent, Receipt, StoreResult};

const INSERT: &str = "INSERT INTO events (app_id, source, event_id, body_hash, kind, order_id, trace_id, \
     received_at, alert_id) SELECT e.value ->> 0, e.value ->> 1, e.value ->> 2, unhex(e.value ->> 3), \
     e.value ->> 4, e.value ->> 5, e.value ->> 6, e.value ->> 7, e.value ->> 8 \
     FROM jsonb_each($1) AS e WHERE TRUE ORDER BY e.key \
     ON CONFLICT (app_id, source, event_id) DO NOTHING RETURNING app_id, source, event_id";
const SELECT: &str = "SELECT body_hash, kind, alert_id FROM events \
     WHERE app_id = $1 AND source = $2 AND event_id = $3";
const SELECT_FIRST: &str =
    "SELECT id, rider_id, first_status FROM deliveries WHERE alert_id = $1 ORDER BY ordinal";
const FORGET: &str = "DELETE FROM events WHERE (app_id, source, event_id) IN \
     (SELECT app_id, source, event_id FROM events WHERE received_at < $1 \
     ORDER BY received_at, app_id, source, event_id LIMIT $2)";

/// A new event, in the order `INSERT` takes it.
#[derive(Serialize)]
struct EventRow<'a>(
    AppId,
    &'a str,
    &'a str,
    String,
    &'a str,
    Option<&'a OrderId>,
    &'a str,
    EpochMs,
    Option<AlertId>,
);

/// Stores those events that are new, the first of each id. Returns the places of these.
pub(super) async fn remember(db: &mut SqliteConnection, events: &[&NewEvent]) -> StoreResult<Vec<usize>> {
    let rows: Vec<EventRow<'_>> = events
        .iter()
        .map(|event| {
            let alert = event.alert.as_ref().map(|new| new.alert.id);
            EventRow(
                event.app,
                &event.source,
                event.id.as_str(),
                hex(&event.body_hash),
                &event.kind,
                event.order_id.as_ref(),
                &event.trace_id,
                event.received_at,
                alert,
            )
        })
        .collect();
    let inserted = sqlx::query(INSERT).bind(rows::json("events", &rows)?).fetch_all(db).await?;
    let mut first: HashMap<(AppId, &str, &str), usize> = HashMap::with_capacity(events.len());
    for (place, event) in events.iter().enumerate() {
        first.entry((event.app, &event.source, event.id.as_str())).or_insert(place);
    }
    let places = inserted.iter().map(|row| {
        let mut fields = Fields::of(row, "events");
        let key = (fields.parsed()?, fields.take()?, fields.take()?);
        first.get(&key).copied().ok_or_else(|| nonsense("events", "a row came back that nobody sent"))
    });
    let mut places = places.collect::<StoreResult<Vec<_>>>()?;
    places.sort_unstable();
    Ok(places)
}

/// What is to be said to an event whose id was there before it.
pub(super) async fn accepted_before(db: &mut SqliteConnection, event: &NewEvent) -> StoreResult<Accepted> {
    let Some(row) = select(db, event.app, &event.source, &event.id).await? else {
        return Err(nonsense("events", "a row stands in the way and cannot be found"));
    };
    let mut fields = Fields::of(&row, "events");
    let (hash, _kind): (&[u8], &str) = (fields.take()?, fields.take()?);
    if hash != event.body_hash {
        return Ok(Accepted::Conflict);
    }
    first_answer(db, fields.parsed_or_null()?).await.map(Accepted::Duplicate)
}

/// The kind of an event and the answer it was given.
pub(super) async fn told(
    db: &mut SqliteConnection,
    app: AppId,
    source: &str,
    id: &EventId,
) -> StoreResult<Option<(String, Receipt)>> {
    let Some(row) = select(db, app, source, id).await? else { return Ok(None) };
    let mut fields = Fields::of(&row, "events");
    let (_hash, kind): (&[u8], String) = (fields.take()?, fields.take()?);
    let receipt = first_answer(db, fields.parsed_or_null()?).await?;
    Ok(Some((kind, receipt)))
}

pub(super) async fn forget(db: &mut SqliteConnection, before: EpochMs, limit: u32) -> StoreResult<u64> {
    Ok(sqlx::query(FORGET).bind(before.0).bind(limit).execute(db).await?.rows_affected())
}

async fn select(
    db: &mut SqliteConnection,
    app: AppId,
    source: &str,
    id: &EventId,
) -> StoreResult<Option<SqliteRow>> {
    let event = sqlx::query(SELECT).bind(app.to_string()).bind(source).bind(id.as_str());
    Ok(event.fetch_optional(db).await?)
}

/// The answer that was given when this alert was stored; what it says never changes.
async fn first_answer(db: &mut SqliteConnection, alert: Option<AlertId>) -> StoreResult<Receipt> {
    let Some(id) = alert else { return Ok(Receipt { alert: None, deliveries: Vec::new() }) };
    let rows = sqlx::query(SELECT_FIRST).bind(id.to_string()).fetch_all(db).await?;
    let deliveries = rows.iter().map(|row| {
        let mut fields = Fields::of(row, "deliveries");
        let (id, rider) = (fields.parsed()?, fields.parsed()?);
        Ok(FirstDelivery { id, rider, status: fields.word(FirstStatus::parse)? })
    });
    Ok(Receipt { alert, deliveries: deliveries.collect::<StoreResult<_>>()? })
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

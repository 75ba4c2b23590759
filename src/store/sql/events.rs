//! Rows of events: the memory of what was accepted, and of what was answered.
//! An event is there once; whoever sends it again is told what was told before.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::db::{Db, Row, Text, each, sql};
use super::rows::{self, Fields, nonsense};
use crate::domain::book::DropReason;
use crate::domain::delivery::EndReason;
use crate::domain::{AlertId, AppId, EpochMs, EventId, FirstStatus, OrderId};
use crate::store::{EnteredAlert, FirstDelivery, NewEvent, Outcome, Receipt, StoreResult};

const INSERT: Text = each(
    "INSERT INTO events (app_id, source, event_id, body_hash, kind, order_id, trace_id, \
     received_at, alert_id, answer) SELECT value ->> 0, value ->> 1, value ->> 2, unhex(value ->> 3), \
     value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8, value ->> 9 \
     FROM jsonb_each($1) ORDER BY key",
    "INSERT INTO events (app_id, source, event_id, body_hash, kind, order_id, trace_id, \
     received_at, alert_id, answer) SELECT k.v ->> 0, k.v ->> 1, k.v ->> 2, decode(k.v ->> 3, 'hex'), \
     k.v ->> 4, k.v ->> 5, k.v ->> 6, CAST(k.v ->> 7 AS BIGINT), k.v ->> 8, k.v ->> 9 \
     FROM json_array_elements(CAST($1 AS JSON)) WITH ORDINALITY AS k(v, n) ORDER BY k.n",
);
const SELECT: Text = each(
    "SELECT e.app_id, e.source, e.event_id, e.body_hash, e.kind, e.alert_id, e.answer \
     FROM jsonb_each($1) AS k CROSS JOIN events AS e ON e.app_id = k.value ->> 0 \
     AND e.source = k.value ->> 1 AND e.event_id = k.value ->> 2",
    "SELECT e.app_id, e.source, e.event_id, e.body_hash, e.kind, e.alert_id, e.answer \
     FROM jsonb_array_elements(CAST($1 AS JSONB)) AS k(v) JOIN events AS e ON e.app_id = k.v ->> 0 \
     AND e.source = k.v ->> 1 AND e.event_id = k.v ->> 2",
);
const SELECT_FIRST: &str = "SELECT id, rider_id, first_status, reason FROM deliveries WHERE alert_id = $1 \
     ORDER BY ordinal LIMIT $2";
// PostgreSQL is told where the rows lie: not knowing the limit, it would walk the table to find so many by their keys.
const FORGET: Text = each(
    "DELETE FROM events WHERE (app_id, source, event_id) IN \
     (SELECT app_id, source, event_id FROM events WHERE received_at < $1 \
     ORDER BY received_at, app_id, source, event_id LIMIT $2)",
    "DELETE FROM events WHERE ctid = ANY (ARRAY(SELECT ctid FROM events WHERE received_at < $1 \
     ORDER BY received_at LIMIT $2 FOR UPDATE SKIP LOCKED))",
);

/// What is remembered of an event.
pub(super) struct Remembered {
    /// SHA-256 of its canonical form.
    pub(super) body_hash: [u8; 32],
    kind: String,
    alert: Option<AlertId>,
    answer: Option<Answer>,
}

/// What an event was answered, as it is kept: the deliveries stand in their own rows, in the same order.
#[derive(Serialize, Deserialize)]
struct Answer {
    outcome: Word,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    alerts: Vec<(AlertId, usize)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    audience: Option<u64>,
}

/// What became of an event, as it is kept.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Alerted,
    Remembered,
    Scheduled,
    Dropped,
}

impl Answer {
    fn of(receipt: &Receipt) -> Self {
        let (outcome, reason) = match receipt.outcome {
            Outcome::Alerted => (Word::Alerted, None),
            Outcome::Remembered => (Word::Remembered, None),
            Outcome::Scheduled => (Word::Scheduled, None),
            Outcome::Dropped(reason) => (Word::Dropped, Some(reason.as_str().to_owned())),
        };
        let alerts = receipt.alerts.iter().map(|alert| (alert.alert, alert.deliveries.len()));
        Self { outcome, reason, alerts: alerts.collect(), audience: receipt.audience }
    }

    fn outcome(&self) -> StoreResult<Outcome> {
        match self.outcome {
            Word::Alerted => Ok(Outcome::Alerted),
            Word::Remembered => Ok(Outcome::Remembered),
            Word::Scheduled => Ok(Outcome::Scheduled),
            Word::Dropped => {
                let reason = self.reason.as_deref().and_then(DropReason::parse);
                reason.map(Outcome::Dropped).ok_or_else(|| nonsense("events", "dropped for no reason"))
            }
        }
    }
}

impl Remembered {
    fn of(fields: &mut Fields<'_>) -> StoreResult<Self> {
        Ok(Self {
            body_hash: fields.hash()?,
            kind: fields.take()?,
            alert: fields.parsed_or_null()?,
            answer: fields.json_or_null()?,
        })
    }

    /// The answer that was given; what it says never changes.
    pub(super) async fn receipt(&self, db: &mut Db<'_>) -> StoreResult<Receipt> {
        let Some(answer) = &self.answer else { return self.receipt_of_before(db).await };
        let mut alerts = Vec::with_capacity(answer.alerts.len());
        for (alert, count) in &answer.alerts {
            let count = i64::try_from(*count).map_err(|error| nonsense("events", error))?;
            alerts.push(first_answer(db, *alert, count).await?);
        }
        Ok(Receipt { outcome: answer.outcome()?, alerts, audience: answer.audience, ended: Vec::new() })
    }

    /// Events of before answers were kept had one alert at most, and nobody was added to it.
    async fn receipt_of_before(&self, db: &mut Db<'_>) -> StoreResult<Receipt> {
        let Some(alert) = self.alert else { return Ok(Receipt::default()) };
        let alerts = vec![first_answer(db, alert, i64::MAX).await?];
        Ok(Receipt { outcome: Outcome::Alerted, alerts, ..Receipt::default() })
    }
}

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
    Answer,
);

/// Stores new events and what each is answered.
pub(super) async fn remember_all(
    db: &mut Db<'_>,
    events: &[&NewEvent],
    receipts: &[Receipt],
) -> StoreResult<()> {
    if events.is_empty() {
        return Ok(());
    }
    let rows = events.iter().zip(receipts).map(|(event, receipt)| {
        EventRow(
            event.app,
            &event.source,
            event.id.as_str(),
            hex(&event.body_hash),
            &event.kind,
            event.order_id.as_ref(),
            &event.trace_id,
            event.received_at,
            receipt.alerts.first().map(|alert| alert.alert),
            Answer::of(receipt),
        )
    });
    let rows: Vec<EventRow<'_>> = rows.collect();
    sql(INSERT).bind(rows::json("events", &rows)?).run(db).await?;
    Ok(())
}

/// Those of these events that are there, by app, source and id.
pub(super) async fn find_all<'a>(
    db: &mut Db<'_>,
    keys: impl Iterator<Item = (AppId, &'a str, &'a str)>,
) -> StoreResult<HashMap<(AppId, &'a str, &'a str), Remembered>> {
    let keys: Vec<_> = keys.collect();
    let rows = sql(SELECT).bind(rows::json("events", &keys)?).all(db).await?;
    let found = rows.iter().map(found).collect::<StoreResult<Vec<_>>>()?;
    let mut found: HashMap<(AppId, String, String), Remembered> = found.into_iter().collect();
    if found.is_empty() {
        return Ok(HashMap::new());
    }
    let found = keys.into_iter().filter_map(|(app, source, id)| {
        let remembered = found.remove(&(app, source.to_owned(), id.to_owned()))?;
        Some(((app, source, id), remembered))
    });
    Ok(found.collect())
}

fn found(row: &Row) -> StoreResult<((AppId, String, String), Remembered)> {
    let mut fields = Fields::of(row, "events");
    let key = (fields.parsed()?, fields.take()?, fields.take()?);
    Ok((key, Remembered::of(&mut fields)?))
}

/// The kind of an event and the answer it was given.
pub(super) async fn told(
    db: &mut Db<'_>,
    app: AppId,
    source: &str,
    id: &EventId,
) -> StoreResult<Option<(String, Receipt)>> {
    let key = (app, source, id.as_str());
    let mut found = find_all(db, std::iter::once(key)).await?;
    let Some(remembered) = found.remove(&key) else { return Ok(None) };
    let receipt = remembered.receipt(db).await?;
    Ok(Some((remembered.kind, receipt)))
}

pub(super) async fn forget(db: &mut Db<'_>, before: EpochMs, limit: u32) -> StoreResult<u64> {
    sql(FORGET).bind(before.0).bind(limit).run(db).await
}

/// The first deliveries of an alert, as they were told: at most `limit`.
async fn first_answer(db: &mut Db<'_>, alert: AlertId, limit: i64) -> StoreResult<EnteredAlert> {
    let rows = sql(SELECT_FIRST).bind(alert.to_string()).bind(limit).all(db).await?;
    let deliveries = rows.iter().map(|row| {
        let mut fields = Fields::of(row, "deliveries");
        let (id, rider, status) = (fields.parsed()?, fields.parsed()?, fields.word(FirstStatus::parse)?);
        let reason = fields.word_or_null(EndReason::parse)?;
        // Another reason came later: nobody was told of it then.
        let reason = match status {
            FirstStatus::Suppressed | FirstStatus::OffDuty => reason,
            FirstStatus::Queued | FirstStatus::Offline | FirstStatus::Unknown => None,
        };
        Ok(FirstDelivery { id, rider, status, reason })
    });
    Ok(EnteredAlert { alert, deliveries: deliveries.collect::<StoreResult<_>>()? })
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

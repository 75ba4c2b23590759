//! A callback as it is read: with the address that it goes to now, and with what is kept of its alert.

use serde::{Deserialize, Serialize};

use crate::domain::app::KeyMode;
use crate::domain::callback::{Callback, CallbackState, Destination};
use crate::domain::{AppId, CallbackId, CallbackTargetId, EpochMs};
use crate::store::sql::db::{Db, Query, Row, sql};
use crate::store::sql::rows::{self, Fields};
use crate::store::{CallbackAttempt, CallbackFilter, CallbackRecord, StoreResult};

/// Columns of a callback and where they come from, for [`read`].
macro_rules! shown {
    () => {
        "SELECT c.number, c.id, c.app_id, c.destination, COALESCE(c.url, t.url, ''), c.key_mode, c.kind, c.alert_id, \
         c.event_id, c.order_id, c.rider_id, a.ext, a.trace_id, c.data, c.at, c.attempts, c.state, c.due_at, c.ended_at, \
         c.tries, c.lane, c.batch, t.batch_max FROM callbacks AS c \
         LEFT JOIN callback_targets AS t ON t.id = c.destination AND t.app_id = c.app_id \
         LEFT JOIN alerts AS a ON a.id = c.alert_id "
    };
}

/// What a filter asks, with its arguments `$3` to `$7`.
macro_rules! filtered {
    () => {
        "AND ($3 IS NULL OR c.destination = $3) AND ($4 IS NULL OR c.state = $4) AND ($5 IS NULL OR c.kind = $5) \
         AND ($6 IS NULL OR c.at >= $6) AND ($7 IS NULL OR c.at < $7) "
    };
}

pub(in crate::store::sql) const LIST: &str = concat!(
    shown!(),
    "WHERE c.app_id = $1 AND $2 IS NULL ",
    filtered!(),
    "AND c.number < $8 ORDER BY c.number DESC LIMIT $9"
);
pub(in crate::store::sql) const LIST_OF_ALERT: &str = concat!(
    shown!(),
    "WHERE c.app_id = $1 AND c.alert_id = $2 ",
    filtered!(),
    "AND c.number < $8 ORDER BY c.number DESC LIMIT $9"
);
// By its id: SQLite, where it has measured its tables, would look through all that the app has.
const ONE: &str = concat!(shown!(), "WHERE c.id = $1 AND c.app_id || '' = $2");

/// A callback with its place.
pub(super) struct Placed {
    /// As it is shown.
    pub(super) record: CallbackRecord,
    /// What it waits in.
    pub(super) lane: String,
    /// The request that it is sent in with others.
    pub(super) batch: Option<String>,
    /// Most callbacks in a request of its target, if it goes to one.
    pub(super) batch_max: Option<u32>,
}

/// A try, as it is kept.
#[derive(Serialize, Deserialize)]
pub(super) struct TryRow {
    at: EpochMs,
    took_ms: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl TryRow {
    pub(super) fn of(attempt: &CallbackAttempt) -> Self {
        let CallbackAttempt { at, took_ms, status, error } = attempt.clone();
        Self { at, took_ms, status, error }
    }
}

impl From<TryRow> for CallbackAttempt {
    fn from(row: TryRow) -> Self {
        let TryRow { at, took_ms, status, error } = row;
        Self { at, took_ms, status, error }
    }
}

pub(super) fn read(row: &Row) -> StoreResult<Placed> {
    let mut fields = Fields::of(row, "callbacks");
    let number = fields.take()?;
    let id = fields.parsed()?;
    let app = fields.parsed()?;
    let callback = Callback {
        id,
        app,
        destination: Destination { app, name: fields.take()? },
        url: fields.take()?,
        key_mode: fields.word(KeyMode::parse)?,
        kind: fields.take()?,
        alert: fields.parsed_or_null()?,
        event: fields.parsed_or_null()?,
        order: fields.parsed_or_null()?,
        rider: fields.parsed_or_null()?,
        ext: fields.take()?,
        trace_id: fields.take()?,
        data: fields.json()?,
        at: fields.moment()?,
        attempts: fields.take()?,
    };
    let state = fields.word(CallbackState::parse)?;
    let (due_at, ended_at) = (fields.moment_or_null()?, fields.moment_or_null()?);
    let tries: Vec<TryRow> = fields.list()?;
    let tries = tries.into_iter().map(Into::into).collect();
    let record = CallbackRecord { number, callback, state, due_at, ended_at, tries };
    Ok(Placed { record, lane: fields.take()?, batch: fields.take()?, batch_max: fields.take()? })
}

/// An app's callbacks, newest first.
pub(in crate::store::sql) async fn list(
    db: &mut Db<'_>,
    app: AppId,
    filter: &CallbackFilter,
    before: Option<i64>,
    limit: u32,
) -> StoreResult<Vec<CallbackRecord>> {
    let text = if filter.alert.is_some() { LIST_OF_ALERT } else { LIST };
    let asked = asked(sql(text), app, filter).bind(before.unwrap_or(i64::MAX)).bind(limit);
    let rows = asked.all(db).await?;
    rows.iter().map(|row| Ok(read(row)?.record)).collect()
}

/// The first seven arguments of whatever asks for callbacks of an app by a filter.
pub(super) fn asked(query: Query, app: AppId, filter: &CallbackFilter) -> Query {
    query
        .bind(app.to_string())
        .bind(filter.alert.map(|alert| alert.to_string()))
        .bind(filter.target.map(|target: CallbackTargetId| target.to_string()))
        .bind(filter.state.map(CallbackState::as_str))
        .bind(filter.kind.as_ref())
        .bind(filter.since.map(|at| at.0))
        .bind(filter.until.map(|at| at.0))
}

pub(in crate::store::sql) async fn one(
    db: &mut Db<'_>,
    app: AppId,
    id: CallbackId,
) -> StoreResult<Option<CallbackRecord>> {
    let row = sql(ONE).bind(id.to_string()).bind(app.to_string()).optional(db).await?;
    row.as_ref().map(|row| Ok(read(row)?.record)).transpose()
}

/// Tries as a column.
pub(super) fn tries_json(record: &CallbackRecord) -> StoreResult<String> {
    let tries: Vec<TryRow> = record.tries.iter().map(TryRow::of).collect();
    rows::json("callbacks", &tries)
}

pub(super) use {filtered, shown};

//! Sending once more what has ended: it gets a new number, and with it the last place in its lane.

use super::shown::{self, Placed, filtered, shown};
use super::{Lanes, lock, promote};
use crate::domain::{AppId, CallbackId, EpochMs};
use crate::store::sql::db::{Db, Row, Text, each, sql};
use crate::store::sql::rows::{self, Fields};
use crate::store::{CallbackFilter, StoreResult};

/// What may go once more: it has ended, and its target is there.
macro_rules! may_go {
    () => {
        "AND c.state <> 'waiting' AND (c.url IS NOT NULL OR t.id IS NOT NULL) "
    };
}

const SELECT: &str = concat!(
    shown!(),
    "WHERE c.app_id = $1 AND ($2 IS NULL OR c.alert_id = $2) ",
    filtered!(),
    may_go!(),
    "ORDER BY c.number LIMIT $8"
);
// By its id, as in `shown`.
const SELECT_ONE: &str = concat!(shown!(), "WHERE c.app_id || '' = $1 AND c.id = $2 ", may_go!());
// In SQLite a row may have a higher number than was ever given, by having been sent once more.
const NUMBERS: Text = each(
    "SELECT k.value + MAX(COALESCE((SELECT MAX(number) FROM callbacks), 0), \
     COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'callbacks'), 0)) FROM json_each($1) AS k ORDER BY 1",
    "SELECT nextval(pg_get_serial_sequence('callbacks', 'number')) \
     FROM jsonb_array_elements(CAST($1 AS JSONB)) ORDER BY 1",
);
const RENEW: Text = each(
    "UPDATE callbacks SET number = n.new, state = 'waiting', due_at = NULL, attempts = 0, batch = NULL, ended_at = NULL \
     FROM (SELECT value ->> 0 AS old, value ->> 1 AS new FROM jsonb_each($1)) AS n \
     WHERE callbacks.number = n.old AND callbacks.state <> 'waiting'",
    "UPDATE callbacks SET number = n.new, state = 'waiting', due_at = NULL, attempts = 0, batch = NULL, ended_at = NULL \
     FROM (SELECT CAST(v ->> 0 AS BIGINT) AS old, CAST(v ->> 1 AS BIGINT) AS new \
     FROM jsonb_array_elements(CAST($1 AS JSONB)) AS k(v)) AS n \
     WHERE callbacks.number = n.old AND callbacks.state <> 'waiting'",
);

/// What is asked of [`again_all`].
pub(in crate::store::sql) struct Again {
    /// Of this app.
    pub(in crate::store::sql) app: AppId,
    /// Which.
    pub(in crate::store::sql) filter: CallbackFilter,
    /// When.
    pub(in crate::store::sql) at: EpochMs,
    /// Most.
    pub(in crate::store::sql) limit: u32,
}

pub(in crate::store::sql) async fn again_all(db: &mut Db<'_>, ask: &Again) -> StoreResult<u64> {
    let asked = shown::asked(sql(SELECT), ask.app, &ask.filter).bind(ask.limit);
    let rows = asked.all(db).await?;
    renew(db, &rows, ask.at).await
}

pub(in crate::store::sql) async fn again(
    db: &mut Db<'_>,
    app: AppId,
    id: CallbackId,
    at: EpochMs,
) -> StoreResult<bool> {
    let rows = sql(SELECT_ONE).bind(app.to_string()).bind(id.to_string()).all(db).await?;
    Ok(renew(db, &rows, at).await? > 0)
}

async fn renew(db: &mut Db<'_>, rows: &[Row], at: EpochMs) -> StoreResult<u64> {
    if rows.is_empty() {
        return Ok(0);
    }
    let ended = rows.iter().map(shown::read).collect::<StoreResult<Vec<Placed>>>()?;
    let lanes = ended.iter().map(|one| ((one.record.callback.destination.clone(), one.lane.clone()), at));
    let lanes: Lanes = lanes.collect();
    lock(db, &lanes).await?;
    let places: Vec<usize> = (1..=ended.len()).collect();
    let numbers = sql(NUMBERS).bind(rows::json("callbacks", &places)?).all(db).await?;
    let numbers = numbers.iter().map(|row| Fields::of(row, "callbacks").take::<i64>());
    let numbers = numbers.collect::<StoreResult<Vec<i64>>>()?;
    let pairs: Vec<(i64, i64)> = ended.iter().map(|one| one.record.number).zip(numbers).collect();
    let renewed = sql(RENEW).bind(rows::json("callbacks", &pairs)?).run(db).await?;
    promote(db, &lanes).await?;
    Ok(renewed)
}

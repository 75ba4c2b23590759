//! Rows of calls: requests that ladder steps ask for, each until it is over.
//! Whoever takes one moves its due time on in the same statement that finds it due, so that nobody else has it.

use serde::Serialize;

use super::db::{Db, Text, each, sql};
use super::rows::{self, Fields};
use crate::domain::ladder::HttpCall;
use crate::domain::{AlertId, AppId, CallId, EpochMs, RiderId};
use crate::store::{Call, CallResult, StoreResult};

const INSERT: Text = each(
    "INSERT INTO calls (id, app_id, alert_id, rider_id, level, call, due_at, attempts) \
     SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, \
     value ->> 7 FROM jsonb_each($1)",
    "INSERT INTO calls (id, app_id, alert_id, rider_id, level, call, due_at, attempts) \
     SELECT k.v ->> 0, k.v ->> 1, k.v ->> 2, k.v ->> 3, CAST(k.v ->> 4 AS BIGINT), k.v ->> 5, \
     CAST(k.v ->> 6 AS BIGINT), CAST(k.v ->> 7 AS BIGINT) FROM json_array_elements(CAST($1 AS JSON)) AS k(v)",
);
pub(super) const DUE: &str = "SELECT id, app_id, alert_id, rider_id, level, call, due_at, attempts FROM calls \
     WHERE due_at IS NOT NULL AND due_at <= $1 ORDER BY due_at, id LIMIT $2";
const TAKE: &str = "UPDATE calls SET due_at = $2, attempts = attempts + 1 \
     WHERE id = $1 AND due_at IS NOT NULL AND due_at <= $3";
// What it sends may hold keys: it goes with its end.
const FINISH: &str = "UPDATE calls SET due_at = NULL, status = $2, ended_at = $3, call = '{}' \
     WHERE id = $1 AND due_at IS NOT NULL";

const AGAIN: &str = "UPDATE calls SET due_at = $2 WHERE id = $1 AND due_at IS NOT NULL";

/// A call, in the order `INSERT` takes it.
#[derive(Serialize)]
struct CallRow<'a>(CallId, AppId, AlertId, &'a RiderId, u32, &'a HttpCall, EpochMs, u32);

pub(super) async fn add_all(db: &mut Db<'_>, calls: &[Call]) -> StoreResult<()> {
    if calls.is_empty() {
        return Ok(());
    }
    let rows = calls.iter().map(|call| {
        let Call { id, app, alert, rider, level, call, due_at, attempts } = call;
        CallRow(*id, *app, *alert, rider, *level, call, *due_at, *attempts)
    });
    let rows: Vec<CallRow<'_>> = rows.collect();
    sql(INSERT).bind(rows::json("calls", &rows)?).run(db).await?;
    Ok(())
}

pub(super) async fn due(db: &mut Db<'_>, now: EpochMs, limit: u32) -> StoreResult<Vec<Call>> {
    let rows = sql(DUE).bind(now.0).bind(limit).all(db).await?;
    rows.iter()
        .map(|row| {
            let mut fields = Fields::of(row, "calls");
            Ok(Call {
                id: fields.parsed()?,
                app: fields.parsed()?,
                alert: fields.parsed()?,
                rider: fields.parsed()?,
                level: fields.take()?,
                call: fields.json()?,
                due_at: fields.moment()?,
                attempts: fields.take()?,
            })
        })
        .collect()
}

pub(super) async fn take(db: &mut Db<'_>, id: CallId, again_at: EpochMs, at: EpochMs) -> StoreResult<bool> {
    let taken = sql(TAKE).bind(id.to_string()).bind(again_at.0).bind(at.0).run(db).await?;
    Ok(taken > 0)
}

pub(super) async fn finish(db: &mut Db<'_>, id: CallId, result: CallResult, at: EpochMs) -> StoreResult<()> {
    let status = match result {
        CallResult::Done(status) => Some(status),
        CallResult::Failed(status) => status,
        CallResult::Again(due_at) => {
            sql(AGAIN).bind(id.to_string()).bind(due_at.0).run(db).await?;
            return Ok(());
        }
    };
    sql(FINISH).bind(id.to_string()).bind(status).bind(at.0).run(db).await?;
    Ok(())
}

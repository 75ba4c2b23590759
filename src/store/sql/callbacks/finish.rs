//! After a try: what it means for each callback of its request is the record's to say; here it is written down.
//! When the first of a lane ends, the next has its moment in the same transaction.

use serde::Serialize;

use super::shown::{self, Placed, shown};
use super::{Lanes, lock, promote, targets};
use crate::domain::EpochMs;
use crate::domain::callback::Destination;
use crate::store::sql::db::{Db, Text, each, sql};
use crate::store::sql::rows;
use crate::store::{AfterAttempt, CallbackAttempt, CallbackBatch, StoreResult};

const WAITING: Text = each(
    concat!(
        shown!(),
        "WHERE c.id IN (SELECT value FROM json_each($1)) AND c.state = 'waiting' ORDER BY c.number"
    ),
    concat!(
        shown!(),
        "WHERE c.id IN (SELECT v FROM jsonb_array_elements_text(CAST($1 AS JSONB)) AS k(v)) \
         AND c.state = 'waiting' ORDER BY c.number FOR UPDATE OF c"
    ),
);
const UPDATE: Text = each(
    "UPDATE callbacks SET state = n.state, due_at = n.due_at, ended_at = n.ended_at, attempts = n.attempts, \
     tries = n.tries FROM (SELECT value ->> 0 AS number, value ->> 1 AS state, value ->> 2 AS due_at, \
     value ->> 3 AS ended_at, value ->> 4 AS attempts, value ->> 5 AS tries FROM jsonb_each($1)) AS n \
     WHERE callbacks.number = n.number",
    "UPDATE callbacks SET state = n.state, due_at = n.due_at, ended_at = n.ended_at, attempts = n.attempts, \
     tries = n.tries FROM (SELECT CAST(v ->> 0 AS BIGINT) AS number, v ->> 1 AS state, \
     CAST(v ->> 2 AS BIGINT) AS due_at, CAST(v ->> 3 AS BIGINT) AS ended_at, CAST(v ->> 4 AS BIGINT) AS attempts, \
     v ->> 5 AS tries FROM jsonb_array_elements(CAST($1 AS JSONB)) AS k(v)) AS n \
     WHERE callbacks.number = n.number",
);
const GIVE_UP: &str = "UPDATE callbacks SET state = 'dead', due_at = NULL, ended_at = $3 \
     WHERE app_id = $1 AND destination = $2 AND state = 'waiting'";

/// What changes of a callback, in the order `UPDATE` takes it.
#[derive(Serialize)]
struct EndRow<'a>(i64, &'a str, Option<EpochMs>, Option<EpochMs>, u32, String);

/// What is told to [`finish`].
pub(in crate::store::sql) struct Finished {
    /// What was sent together.
    pub(in crate::store::sql) batch: CallbackBatch,
    /// How it went.
    pub(in crate::store::sql) attempt: CallbackAttempt,
    /// What follows.
    pub(in crate::store::sql) after: AfterAttempt,
    /// When.
    pub(in crate::store::sql) at: EpochMs,
}

pub(in crate::store::sql) async fn finish(db: &mut Db<'_>, finished: &Finished) -> StoreResult<()> {
    let Finished { batch, attempt, after, at } = finished;
    let ids: Vec<_> = batch.callbacks.iter().map(|callback| callback.id).collect();
    let ids = rows::json("callbacks", &ids)?;
    let before = sql(WAITING).bind(&ids).all(db).await?;
    let before = before.iter().map(shown::read).collect::<StoreResult<Vec<Placed>>>()?;
    if before.is_empty() {
        return Ok(());
    }
    let lanes = before.iter().map(|one| ((one.record.callback.destination.clone(), one.lane.clone()), *at));
    let lanes: Lanes = lanes.collect();
    lock(db, &lanes).await?;
    let mut changed = Vec::with_capacity(before.len());
    for Placed { mut record, .. } in before {
        record.note(attempt, *after, *at);
        let tries = shown::tries_json(&record)?;
        let attempts = record.callback.attempts;
        changed.push(EndRow(
            record.number,
            record.state.as_str(),
            record.due_at,
            record.ended_at,
            attempts,
            tries,
        ));
    }
    sql(UPDATE).bind(rows::json("callbacks", &changed)?).run(db).await?;
    if *after == AfterAttempt::Gone
        && let Some((destination, _)) = lanes.keys().next()
    {
        targets::stop(db, destination, *at).await?;
        give_up(db, destination, *at).await?;
    }
    promote(db, &lanes).await
}

/// Everything that waits for a destination is over.
pub(super) async fn give_up(db: &mut Db<'_>, destination: &Destination, at: EpochMs) -> StoreResult<()> {
    sql(GIVE_UP).bind(destination.app.to_string()).bind(&destination.name).bind(at.0).run(db).await?;
    Ok(())
}

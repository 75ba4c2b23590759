//! Taking what is due: for each destination that does not rest its longest due lanes, each for one sender at a time.
//! Destinations are found one after the other in their index, so that one with a million that wait hides no other.

use super::shown::{self, Placed, shown};
use crate::domain::EpochMs;
use crate::domain::callback::{Callback, Destination, batch_id};
use crate::store::sql::db::{Db, Dialect, Text, each, sql};
use crate::store::sql::rows::{self, Fields};
use crate::store::{CallbackBatch, StoreResult};

/// Most callbacks that any target takes in a request.
const BATCH_MAX: u32 = 100;

pub(in crate::store::sql) const CANDIDATES: Text = each(
    "WITH RECURSIVE first(number) AS (SELECT (SELECT c.number FROM callbacks AS c WHERE c.due_at IS NOT NULL \
     ORDER BY c.app_id, c.destination, c.due_at LIMIT 1) UNION ALL \
     SELECT COALESCE((SELECT c.number FROM callbacks AS c WHERE c.due_at IS NOT NULL \
     AND c.app_id = p.app_id AND c.destination > p.destination \
     ORDER BY c.destination, c.due_at LIMIT 1), (SELECT c.number FROM callbacks AS c WHERE c.due_at IS NOT NULL \
     AND c.app_id > p.app_id ORDER BY c.app_id, c.destination, c.due_at LIMIT 1)) \
     FROM first AS f JOIN callbacks AS p ON p.number = f.number) \
     SELECT c.number FROM first AS f CROSS JOIN callbacks AS p ON p.number = f.number CROSS JOIN callbacks AS c \
     ON c.number IN (SELECT x.number FROM callbacks AS x WHERE x.app_id = p.app_id \
     AND x.destination = p.destination AND x.due_at IS NOT NULL AND x.due_at <= $1 \
     ORDER BY x.due_at, x.number LIMIT $3) WHERE p.due_at <= $1 \
     AND NOT EXISTS (SELECT 1 FROM jsonb_each($2) AS r \
     WHERE r.value ->> 0 = p.app_id AND r.value ->> 1 = p.destination) \
     AND NOT EXISTS (SELECT 1 FROM callback_targets AS t WHERE t.id = p.destination AND t.stopped_at IS NOT NULL) \
     ORDER BY c.due_at, c.number LIMIT $4",
    "WITH RECURSIVE first(number) AS (SELECT (SELECT c.number FROM callbacks AS c WHERE c.due_at IS NOT NULL \
     ORDER BY c.app_id, c.destination, c.due_at LIMIT 1) UNION ALL \
     SELECT COALESCE((SELECT c.number FROM callbacks AS c WHERE c.due_at IS NOT NULL \
     AND c.app_id = p.app_id AND c.destination > p.destination \
     ORDER BY c.destination, c.due_at LIMIT 1), (SELECT c.number FROM callbacks AS c WHERE c.due_at IS NOT NULL \
     AND c.app_id > p.app_id ORDER BY c.app_id, c.destination, c.due_at LIMIT 1)) \
     FROM first AS f JOIN callbacks AS p ON p.number = f.number) \
     SELECT c.number FROM first AS f JOIN callbacks AS p ON p.number = f.number CROSS JOIN LATERAL \
     (SELECT x.number, x.due_at FROM callbacks AS x WHERE x.app_id = p.app_id \
     AND x.destination = p.destination AND x.due_at IS NOT NULL AND x.due_at <= $1 \
     ORDER BY x.due_at, x.number LIMIT $3) AS c WHERE p.due_at <= $1 \
     AND NOT EXISTS (SELECT 1 FROM jsonb_array_elements(CAST($2 AS JSONB)) AS r(v) \
     WHERE r.v ->> 0 = p.app_id AND r.v ->> 1 = p.destination) \
     AND NOT EXISTS (SELECT 1 FROM callback_targets AS t WHERE t.id = p.destination AND t.stopped_at IS NOT NULL) \
     ORDER BY c.due_at, c.number LIMIT $4",
);
// Whoever was quicker has them.
const TAKE: &str = "SELECT number FROM callbacks WHERE due_at IS NOT NULL AND due_at <= $2 \
     AND number IN (SELECT CAST(v AS BIGINT) FROM jsonb_array_elements_text(CAST($1 AS JSONB)) AS k(v)) \
     ORDER BY due_at, number FOR UPDATE SKIP LOCKED";
const HEADS: Text = each(
    concat!(shown!(), "WHERE c.number IN (SELECT value FROM json_each($1)) ORDER BY c.due_at, c.number"),
    concat!(
        shown!(),
        "WHERE c.number IN (SELECT CAST(v AS BIGINT) FROM jsonb_array_elements_text(CAST($1 AS JSONB)) AS k(v)) \
         ORDER BY c.due_at, c.number"
    ),
);
const BEHIND: &str = concat!(
    shown!(),
    "WHERE c.app_id = $1 AND c.destination = $2 AND c.lane = $3 AND c.state = 'waiting' AND c.number > $4 \
     ORDER BY c.number LIMIT $5"
);
const LEASE: Text = each(
    "UPDATE callbacks SET due_at = $2 WHERE number IN (SELECT value FROM json_each($1))",
    "UPDATE callbacks SET due_at = $2 WHERE number IN \
     (SELECT CAST(v AS BIGINT) FROM jsonb_array_elements_text(CAST($1 AS JSONB)) AS k(v))",
);
const BIND: Text = each(
    "UPDATE callbacks SET batch = $2 WHERE number IN (SELECT value FROM json_each($1))",
    "UPDATE callbacks SET batch = $2 WHERE number IN \
     (SELECT CAST(v AS BIGINT) FROM jsonb_array_elements_text(CAST($1 AS JSONB)) AS k(v))",
);

/// What is asked of [`claim`].
pub(in crate::store::sql) struct Claim {
    /// What is due by then.
    pub(in crate::store::sql) now: EpochMs,
    /// Nobody else gets it before.
    pub(in crate::store::sql) until: EpochMs,
    /// Not for these.
    pub(in crate::store::sql) resting: Vec<Destination>,
    /// Most requests for one destination.
    pub(in crate::store::sql) per_destination: u32,
    /// Most requests.
    pub(in crate::store::sql) limit: u32,
}

pub(in crate::store::sql) async fn claim(db: &mut Db<'_>, claim: &Claim) -> StoreResult<Vec<CallbackBatch>> {
    let resting: Vec<_> = claim.resting.iter().map(|one| (one.app, &one.name)).collect();
    let candidates = sql(CANDIDATES)
        .bind(claim.now.0)
        .bind(rows::json("callbacks", &resting)?)
        .bind(claim.per_destination)
        .bind(claim.limit);
    let mut rows = candidates.all(db).await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    if db.dialect() == Dialect::Postgres {
        rows = sql(TAKE).bind(numbers_of(&rows)?).bind(claim.now.0).all(db).await?;
    }
    let heads = numbers_of(&rows)?;
    let rows = sql(HEADS).bind(&heads).all(db).await?;
    sql(LEASE).bind(&heads).bind(claim.until.0).run(db).await?;
    let mut batches = Vec::with_capacity(rows.len());
    for row in &rows {
        batches.push(batch(db, shown::read(row)?).await?);
    }
    Ok(batches)
}

/// What goes into the request of this one, which is the first of its lane.
async fn batch(db: &mut Db<'_>, head: Placed) -> StoreResult<CallbackBatch> {
    let most = head.batch_max.unwrap_or(1);
    if most <= 1 && head.batch.is_none() {
        let webhook_id = head.record.callback.id.to_string();
        return Ok(CallbackBatch { webhook_id, is_list: false, callbacks: vec![head.record.callback] });
    }
    let most = if head.batch.is_some() { BATCH_MAX } else { most };
    let to = &head.record.callback.destination;
    let behind = sql(BEHIND).bind(to.app.to_string()).bind(&to.name).bind(&head.lane);
    let behind = behind.bind(head.record.number).bind(most.saturating_sub(1)).all(db).await?;
    let (batch, mut together) = (head.batch.clone(), vec![head]);
    for row in &behind {
        let next = shown::read(row)?;
        if next.batch != batch {
            break;
        }
        together.push(next);
    }
    let numbers: Vec<i64> = together.iter().map(|one| one.record.number).collect();
    let callbacks: Vec<Callback> = together.into_iter().map(|one| one.record.callback).collect();
    let webhook_id = if let Some(webhook_id) = batch {
        webhook_id
    } else {
        let webhook_id = id_of(&callbacks);
        sql(BIND).bind(rows::json("callbacks", &numbers)?).bind(&webhook_id).run(db).await?;
        webhook_id
    };
    Ok(CallbackBatch { webhook_id, is_list: true, callbacks })
}

fn id_of(callbacks: &[Callback]) -> String {
    let mut ids = callbacks.iter().map(|callback| callback.id);
    ids.next().map(|first| batch_id(first, ids).to_string()).unwrap_or_default()
}

fn numbers_of(rows: &[crate::store::sql::db::Row]) -> StoreResult<String> {
    let numbers = rows.iter().map(|row| Fields::of(row, "callbacks").take::<i64>());
    rows::json("callbacks", &numbers.collect::<StoreResult<Vec<i64>>>()?)
}

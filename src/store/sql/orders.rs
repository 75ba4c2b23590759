//! Rows of orders: what is remembered of each, and the sweep that forgets.
//! An order is written with every event about it, so one statement both adds and changes.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::book::{Reading, save};
use super::db::{Db, Dialect, Text, each, sql};
use super::rows::{self, Fields};
use crate::domain::app::KeyMode;
use crate::domain::book::Mark;
use crate::domain::order::{OrderRider, Stamp, Tombstone};
use crate::domain::{AppId, EpochMs, OrderId, OrderKey, OrderMemory, RiderId};
use crate::store::{Ended, StoreResult};

/// Columns of an order, for [`row`]; the table goes by the name `o`.
macro_rules! order_columns {
    () => {
        "o.app_id, o.key_mode, o.id, o.version, o.occurred_at, o.rider_id, o.assignments, o.tombstone, o.riders, \
         o.touched_at"
    };
}

const PUT: &str = "INSERT INTO orders (app_id, key_mode, id, version, occurred_at, rider_id, assignments, tombstone, \
     riders, touched_at) SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, \
     value ->> 6, value ->> 7, value ->> 8, value ->> 9 FROM jsonb_each($1) WHERE TRUE \
     ON CONFLICT (app_id, key_mode, id) DO UPDATE SET version = excluded.version, occurred_at = excluded.occurred_at, \
     rider_id = excluded.rider_id, assignments = excluded.assignments, tombstone = excluded.tombstone, \
     riders = excluded.riders, touched_at = excluded.touched_at";
// In PostgreSQL a new order is only inserted: should somebody else have made it meanwhile, this write begins again.
const INSERT: &str = "INSERT INTO orders (app_id, key_mode, id, version, occurred_at, rider_id, assignments, \
     tombstone, riders, touched_at) SELECT k.v ->> 0, k.v ->> 1, k.v ->> 2, CAST(k.v ->> 3 AS BIGINT), \
     CAST(k.v ->> 4 AS BIGINT), k.v ->> 5, CAST(k.v ->> 6 AS BIGINT), k.v ->> 7, k.v ->> 8, \
     CAST(k.v ->> 9 AS BIGINT) FROM json_array_elements(CAST($1 AS JSON)) WITH ORDINALITY AS k(v, n) ORDER BY k.n";
const UPDATE: &str = "UPDATE orders SET version = CAST(k.v ->> 3 AS BIGINT), \
     occurred_at = CAST(k.v ->> 4 AS BIGINT), rider_id = k.v ->> 5, assignments = CAST(k.v ->> 6 AS BIGINT), \
     tombstone = k.v ->> 7, riders = k.v ->> 8, touched_at = CAST(k.v ->> 9 AS BIGINT) \
     FROM json_array_elements(CAST($1 AS JSON)) AS k(v) WHERE orders.app_id = k.v ->> 0 \
     AND orders.key_mode = k.v ->> 1 AND orders.id = k.v ->> 2";
const ONE: &str = concat!(
    "SELECT ",
    order_columns!(),
    " FROM orders AS o WHERE o.app_id = $1 AND o.key_mode = $2 AND o.id = $3"
);
// PostgreSQL is told where the rows lie: not knowing the limit, it would walk the table to find so many by their keys. They
// are locked first: one that is touched meanwhile stays.
const FORGET: Text = each(
    "DELETE FROM orders WHERE (app_id, key_mode, id) IN (SELECT app_id, key_mode, id FROM orders \
     WHERE touched_at < $1 ORDER BY touched_at, app_id, key_mode, id LIMIT $2)",
    "DELETE FROM orders WHERE ctid = ANY (ARRAY(SELECT ctid FROM orders WHERE touched_at < $1 \
     ORDER BY touched_at LIMIT $2 FOR UPDATE SKIP LOCKED))",
);

pub(super) fn row(fields: &mut Fields<'_>) -> StoreResult<(OrderKey, OrderMemory)> {
    let key =
        OrderKey { app: fields.parsed()?, key_mode: fields.word(KeyMode::parse)?, order: fields.parsed()? };
    let order = OrderMemory {
        stamp: Stamp { version: fields.take()?, occurred_at: fields.moment_or_null()? },
        rider: fields.parsed_or_null()?,
        assignments: fields.take()?,
        tombstone: fields.json_or_null()?,
        riders: fields.json()?,
        touched_at: fields.moment()?,
    };
    Ok((key, order))
}

/// What is remembered of one order.
pub(super) async fn one(db: &mut Db<'_>, key: &OrderKey) -> StoreResult<Option<OrderMemory>> {
    let asking = sql(ONE).bind(key.app.to_string()).bind(key.key_mode.as_str()).bind(key.order.as_str());
    let found = asking.optional(db).await?;
    found.map(|found| Ok(row(&mut Fields::of(&found, "orders"))?.1)).transpose()
}

/// An order, in the order `PUT` takes it.
#[derive(Serialize)]
struct OrderRow<'a>(
    AppId,
    &'a str,
    &'a OrderId,
    Option<i64>,
    Option<EpochMs>,
    Option<&'a RiderId>,
    u32,
    Option<&'a Tombstone>,
    &'a BTreeMap<RiderId, OrderRider>,
    EpochMs,
);

/// Writes orders that are new or have changed.
pub(super) async fn put_all(
    db: &mut Db<'_>,
    orders: impl Iterator<Item = (&OrderKey, &OrderMemory, Mark)>,
) -> StoreResult<()> {
    let (new, changed): (Vec<_>, Vec<_>) = orders.partition(|(.., mark)| *mark == Mark::New);
    match db.dialect() {
        Dialect::Sqlite => put(db, PUT, new.into_iter().chain(changed)).await,
        Dialect::Postgres => {
            put(db, INSERT, new.into_iter()).await?;
            put(db, UPDATE, changed.into_iter()).await
        }
    }
}

async fn put(
    db: &mut Db<'_>,
    statement: &'static str,
    orders: impl Iterator<Item = (&OrderKey, &OrderMemory, Mark)>,
) -> StoreResult<()> {
    let rows = orders.map(|(key, order, _)| {
        let OrderMemory { stamp, rider, assignments, tombstone, riders, touched_at } = order;
        let (version, at, rider, tombstone) =
            (stamp.version, stamp.occurred_at, rider.as_ref(), tombstone.as_ref());
        let mode = key.key_mode.as_str();
        OrderRow(key.app, mode, &key.order, version, at, rider, *assignments, tombstone, riders, *touched_at)
    });
    let rows: Vec<OrderRow<'_>> = rows.collect();
    if !rows.is_empty() {
        sql(statement).bind(rows::json("orders", &rows)?).run(db).await?;
    }
    Ok(())
}

pub(super) async fn cancel(db: &mut Db<'_>, order: &OrderKey, at: EpochMs) -> StoreResult<Vec<Ended>> {
    let mut reading = Reading::default();
    reading.orders(db, [order]).await?;
    reading.open_of_orders(db, &BTreeSet::from([order.clone()])).await?;
    let mut book = reading.into_book();
    let ended = book.cancel_order(order, at);
    save(db, &mut book).await?;
    Ok(ended)
}

pub(super) async fn forget(db: &mut Db<'_>, before: EpochMs, limit: u32) -> StoreResult<u64> {
    sql(FORGET).bind(before.0).bind(limit).run(db).await
}

pub(super) use order_columns;

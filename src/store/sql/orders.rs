//! Rows of orders: what is remembered of each, and the sweep that forgets.
//! An order is written with every event about it, so one statement both adds and changes.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::book::{Reading, save};
use super::db::{Db, sql};
use super::rows::{self, Fields};
use crate::domain::app::KeyMode;
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
const FORGET: &str = "DELETE FROM orders WHERE (app_id, key_mode, id) IN \
     (SELECT app_id, key_mode, id FROM orders WHERE touched_at < $1 \
     ORDER BY touched_at, app_id, key_mode, id LIMIT $2)";

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

/// Writes orders, new or not.
pub(super) async fn put_all(db: &mut Db<'_>, orders: &[(&OrderKey, &OrderMemory)]) -> StoreResult<()> {
    if orders.is_empty() {
        return Ok(());
    }
    let rows = orders.iter().map(|(key, order)| {
        let OrderMemory { stamp, rider, assignments, tombstone, riders, touched_at } = order;
        let (version, at, rider, tombstone) =
            (stamp.version, stamp.occurred_at, rider.as_ref(), tombstone.as_ref());
        let mode = key.key_mode.as_str();
        OrderRow(key.app, mode, &key.order, version, at, rider, *assignments, tombstone, riders, *touched_at)
    });
    let rows: Vec<OrderRow<'_>> = rows.collect();
    sql(PUT).bind(rows::json("orders", &rows)?).run(db).await?;
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

//! Rows on their way into a book: each kind by one statement with a list, however many a write concerns.
//! Deliveries are gathered from several questions and handed over in the order of their insertion.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::book::Book;
use crate::domain::{AlertId, Delivery, EpochMs, Head, Need, OrderId, OrderKey, RiderId, RiderKey};
use crate::store::StoreResult;
use crate::store::sql::db::{Db, Dialect, Row, Text, each, sql};
use crate::store::sql::orders::{self, order_columns};
use crate::store::sql::rows::{self, Fields, delivery_columns, head_columns, rider_columns};

/// Columns of a delivery with its place in the order of insertion.
macro_rules! placed_columns {
    () => {
        concat!("d.ordinal, ", delivery_columns!())
    };
}

/// Columns of a delivery with its place and its alert's head.
macro_rules! standing_columns {
    () => {
        concat!(placed_columns!(), ", ", head_columns!())
    };
}

/// Alerts and their deliveries are locked together, in the order of the alerts.
macro_rules! lock_standing {
    () => {
        " ORDER BY a.id, d.ordinal FOR NO KEY UPDATE OF a, d"
    };
}

macro_rules! open_of_rider {
    () => {
        concat!(
            "SELECT ",
            standing_columns!(),
            " FROM deliveries AS d JOIN alerts AS a ON a.id = d.alert_id \
             WHERE d.app_id = $1 AND d.rider_id = $2 AND d.ended_at IS NULL"
        )
    };
}

macro_rules! due {
    () => {
        concat!(
            "SELECT ",
            standing_columns!(),
            " FROM deliveries AS d JOIN alerts AS a ON a.id = d.alert_id \
             WHERE d.ended_at IS NULL AND d.expires_at <= $1 ORDER BY d.expires_at, d.ordinal LIMIT $2"
        )
    };
}

macro_rules! empty_and_due {
    () => {
        concat!(
            "SELECT ",
            head_columns!(),
            " FROM alerts AS a WHERE a.state IN ('active', 'scheduled') AND a.open_count = 0 \
             AND a.expires_at <= $1 ORDER BY a.expires_at, a.id LIMIT $2"
        )
    };
}

// What is read here may be written back as a whole. SQLite has one writer; in PostgreSQL each row is locked as it is
// read, in the order of its key, so that nobody changes it meanwhile and nobody waits in a circle.

// A rider without a row comes with the number above which they count: they may be one who was erased.
const RIDERS: Text = each(
    concat!(
        "SELECT k.app, k.rider, CASE WHEN id IS NULL THEN (SELECT seq_floor FROM apps \
     WHERE apps.id = k.app) END, id IS NULL, ",
        rider_columns!(),
        " FROM (SELECT value ->> 0 AS app, value ->> 1 AS rider FROM jsonb_each($1)) AS k \
     LEFT JOIN riders ON app_id = k.app AND id = k.rider"
    ),
    concat!(
        "SELECT app_id, id, CAST(NULL AS BIGINT), FALSE, ",
        rider_columns!(),
        " FROM jsonb_array_elements(CAST($1 AS JSONB)) AS k(v) JOIN riders ON app_id = k.v ->> 0 AND id = k.v ->> 1 \
     ORDER BY app_id, id FOR NO KEY UPDATE OF riders"
    ),
);
// The same number, for riders who have no row that could be locked. Should somebody else make it meanwhile, one of the two
// cannot insert theirs, and begins again.
const FLOORS: &str = "SELECT id, seq_floor FROM apps WHERE id IN \
     (SELECT k.v ->> 0 FROM jsonb_array_elements(CAST($1 AS JSONB)) AS k(v))";
const ORDERS: Text = each(
    concat!(
        "SELECT ",
        order_columns!(),
        " FROM jsonb_each($1) AS k CROSS JOIN orders AS o ON o.app_id = k.value ->> 0 \
     AND o.key_mode = k.value ->> 1 AND o.id = k.value ->> 2"
    ),
    concat!(
        "SELECT ",
        order_columns!(),
        " FROM jsonb_array_elements(CAST($1 AS JSONB)) AS k(v) JOIN orders AS o ON o.app_id = k.v ->> 0 \
     AND o.key_mode = k.v ->> 1 AND o.id = k.v ->> 2 ORDER BY o.app_id, o.key_mode, o.id FOR NO KEY UPDATE OF o"
    ),
);
const HEADS: Text = each(
    concat!("SELECT ", head_columns!(), " FROM json_each($1) AS k CROSS JOIN alerts AS a ON a.id = k.value"),
    concat!(
        "SELECT ",
        head_columns!(),
        " FROM jsonb_array_elements_text(CAST($1 AS JSONB)) AS k(id) JOIN alerts AS a ON a.id = k.id \
         ORDER BY a.id FOR NO KEY UPDATE OF a"
    ),
);
// The cross join keeps the list on the outside: one look-up for each of its entries.
const STANDING: Text = each(
    concat!(
        "SELECT ",
        standing_columns!(),
        " FROM jsonb_each($1) AS k CROSS JOIN deliveries AS d ON d.alert_id = k.value ->> 0 \
     AND d.rider_id = k.value ->> 1 JOIN alerts AS a ON a.id = d.alert_id"
    ),
    concat!(
        "SELECT ",
        standing_columns!(),
        " FROM jsonb_array_elements(CAST($1 AS JSONB)) AS k(v) JOIN deliveries AS d ON d.alert_id = k.v ->> 0 \
     AND d.rider_id = k.v ->> 1 JOIN alerts AS a ON a.id = d.alert_id",
        lock_standing!()
    ),
);
// The alert's row is locked, and nobody changes a delivery without that: these need no lock of their own.
const OPEN_OF_ALERTS: Text = each(
    concat!(
        "SELECT ",
        placed_columns!(),
        " FROM json_each($1) AS k CROSS JOIN deliveries AS d ON d.alert_id = k.value WHERE d.ended_at IS NULL"
    ),
    concat!(
        "SELECT ",
        placed_columns!(),
        " FROM jsonb_array_elements_text(CAST($1 AS JSONB)) AS k(id) JOIN deliveries AS d ON d.alert_id = k.id \
     WHERE d.ended_at IS NULL"
    ),
);
const ALL_OF_ALERT: &str =
    concat!("SELECT ", placed_columns!(), " FROM deliveries AS d WHERE d.alert_id = $1");
pub(in crate::store::sql) const OPEN_OF_RIDER: Text =
    each(open_of_rider!(), concat!(open_of_rider!(), lock_standing!()));
// What an event may end: open deliveries of its riders that are about its order, or have its key.
// Only who holds the rider's row adds to these, so that what is found while waiting for a lock is all there is.
pub(in crate::store::sql) const OPEN_THAT_MATCH: Text = each(
    concat!(
        "SELECT ",
        standing_columns!(),
        " FROM jsonb_each($1) AS k CROSS JOIN deliveries AS d ON d.app_id = k.value ->> 0 \
     AND d.rider_id = k.value ->> 1 AND d.ended_at IS NULL JOIN alerts AS a ON a.id = d.alert_id \
     WHERE a.order_id IN (SELECT value FROM json_each($2)) \
     OR a.collapse_key IN (SELECT value FROM json_each($3))"
    ),
    concat!(
        "SELECT ",
        standing_columns!(),
        " FROM jsonb_array_elements(CAST($1 AS JSONB)) AS k(v) JOIN deliveries AS d ON d.app_id = k.v ->> 0 \
     AND d.rider_id = k.v ->> 1 AND d.ended_at IS NULL JOIN alerts AS a ON a.id = d.alert_id \
     WHERE (a.order_id IN (SELECT jsonb_array_elements_text(CAST($2 AS JSONB))) \
     OR a.collapse_key IN (SELECT jsonb_array_elements_text(CAST($3 AS JSONB))))",
        lock_standing!()
    ),
);
pub(in crate::store::sql) const HEADS_OF_ORDERS: Text = each(
    concat!(
        "SELECT ",
        head_columns!(),
        " FROM jsonb_each($1) AS k CROSS JOIN alerts AS a ON a.app_id = k.value ->> 0 \
     AND a.order_id = k.value ->> 1 \
     AND (a.state IN ('active', 'scheduled') OR a.open_count > 0)"
    ),
    concat!(
        "SELECT ",
        head_columns!(),
        " FROM jsonb_array_elements(CAST($1 AS JSONB)) AS k(v) JOIN alerts AS a ON a.app_id = k.v ->> 0 \
     AND a.order_id = k.v ->> 1 AND (a.state IN ('active', 'scheduled') OR a.open_count > 0) \
     ORDER BY a.id FOR NO KEY UPDATE OF a"
    ),
);
// What another node is ending at this moment is passed over.
pub(in crate::store::sql) const DUE: Text =
    each(due!(), concat!(due!(), " FOR NO KEY UPDATE OF a, d SKIP LOCKED"));
pub(in crate::store::sql) const EMPTY_AND_DUE: Text =
    each(empty_and_due!(), concat!(empty_and_due!(), " FOR NO KEY UPDATE SKIP LOCKED"));

/// What a write concerns, as far as it was read.
#[derive(Default)]
pub(in crate::store::sql) struct Reading {
    book: Book,
    deliveries: BTreeMap<i64, Delivery>,
    /// Riders and orders that were asked for, whether or not they have a row: nobody changes them now.
    riders: BTreeSet<RiderKey>,
    orders: BTreeSet<OrderKey>,
}

impl Reading {
    /// The book, when everything is read.
    pub(in crate::store::sql) fn into_book(self) -> Book {
        let mut book = self.book;
        self.deliveries.into_values().for_each(|delivery| book.keep_delivery(delivery));
        book
    }

    /// An alert read before.
    pub(in crate::store::sql) fn head(&self, alert: AlertId) -> Option<&Head> {
        self.book.head(alert)
    }

    /// Who has an order that was read before.
    pub(in crate::store::sql) fn rider_of(&self, order: &OrderKey) -> Option<RiderKey> {
        self.book.concerned(order)
    }

    /// Riders, or where they go on counting.
    pub(in crate::store::sql) async fn riders(
        &mut self,
        db: &mut Db<'_>,
        riders: &BTreeSet<RiderKey>,
    ) -> StoreResult<()> {
        let mut missing: BTreeSet<RiderKey> = riders.difference(&self.riders).cloned().collect();
        if missing.is_empty() {
            return Ok(());
        }
        self.riders.extend(missing.iter().cloned());
        for row in &sql(RIDERS).bind(rider_list(&missing)?).all(db).await? {
            let mut fields = Fields::of(row, "riders");
            let key = fields.rider_key()?;
            let floor: Option<i64> = fields.take()?;
            missing.remove(&key);
            if fields.take()? {
                self.book.raise_floor(key.app, floor.unwrap_or(0));
            } else {
                self.book.keep_rider(rows::rider(&mut fields)?);
            }
        }
        self.floors(db, &missing).await
    }

    /// Where riders count from who have no row that could be locked.
    async fn floors(&mut self, db: &mut Db<'_>, riders: &BTreeSet<RiderKey>) -> StoreResult<()> {
        if riders.is_empty() {
            return Ok(());
        }
        for row in &sql(FLOORS).bind(rider_list(riders)?).all(db).await? {
            let mut fields = Fields::of(row, "apps");
            let (app, floor) = (fields.parsed()?, fields.take()?);
            self.book.raise_floor(app, floor);
        }
        Ok(())
    }

    /// The riders of the deliveries read so far that are asked for.
    pub(in crate::store::sql) async fn riders_of_deliveries(
        &mut self,
        db: &mut Db<'_>,
        wanted: impl Fn(&Delivery) -> bool,
    ) -> StoreResult<()> {
        let wanted = self.deliveries.values().filter(|delivery| wanted(delivery));
        let riders = wanted.map(|d| RiderKey { app: d.app, rider: d.rider.clone() }).collect();
        self.riders(db, &riders).await
    }

    /// Orders, those of them that there are.
    pub(in crate::store::sql) async fn orders(
        &mut self,
        db: &mut Db<'_>,
        orders: impl IntoIterator<Item = &OrderKey>,
    ) -> StoreResult<()> {
        let new: BTreeSet<&OrderKey> = orders.into_iter().filter(|key| !self.orders.contains(*key)).collect();
        if new.is_empty() {
            return Ok(());
        }
        let keys: Vec<_> = new.iter().map(|key| (key.app, key.key_mode, &key.order)).collect();
        for row in &sql(ORDERS).bind(rows::json("orders", &keys)?).all(db).await? {
            let (key, order) = orders::row(&mut Fields::of(row, "orders"))?;
            self.book.keep_order(key, order);
        }
        self.orders.extend(new.into_iter().cloned());
        Ok(())
    }

    /// The orders of these alerts, which were read before.
    pub(in crate::store::sql) async fn orders_of(
        &mut self,
        db: &mut Db<'_>,
        alerts: &[AlertId],
    ) -> StoreResult<()> {
        let heads = alerts.iter().filter_map(|alert| self.book.head(*alert));
        let keys: BTreeSet<OrderKey> = heads.filter_map(Head::order).collect();
        self.orders(db, &keys).await
    }

    /// Alerts, without their deliveries.
    pub(in crate::store::sql) async fn heads(
        &mut self,
        db: &mut Db<'_>,
        alerts: &[AlertId],
    ) -> StoreResult<()> {
        let rows = sql(HEADS).bind(rows::json("alerts", alerts)?).all(db).await?;
        self.keep_heads(&rows)
    }

    /// The deliveries of these riders of these alerts, with the alerts.
    pub(in crate::store::sql) async fn standing(
        &mut self,
        db: &mut Db<'_>,
        keys: &BTreeSet<(AlertId, &RiderId)>,
    ) -> StoreResult<()> {
        let rows = sql(STANDING).bind(rows::json("deliveries", keys)?).all(db).await?;
        self.keep_standing(&rows)
    }

    /// The open deliveries of alerts that were read before.
    pub(in crate::store::sql) async fn open_of_alerts(
        &mut self,
        db: &mut Db<'_>,
        alerts: &[AlertId],
    ) -> StoreResult<()> {
        if alerts.is_empty() {
            return Ok(());
        }
        let rows = sql(OPEN_OF_ALERTS).bind(rows::json("alerts", alerts)?).all(db).await?;
        self.keep_placed(&rows)
    }

    /// All deliveries of an alert that was read before.
    pub(in crate::store::sql) async fn all_of_alert(
        &mut self,
        db: &mut Db<'_>,
        alert: AlertId,
    ) -> StoreResult<()> {
        let rows = sql(ALL_OF_ALERT).bind(alert.to_string()).all(db).await?;
        self.keep_placed(&rows)
    }

    /// A rider's open deliveries, with their alerts.
    pub(in crate::store::sql) async fn open_of_rider(
        &mut self,
        db: &mut Db<'_>,
        rider: &RiderKey,
    ) -> StoreResult<()> {
        let open = sql(OPEN_OF_RIDER).bind(rider.app.to_string()).bind(rider.rider.as_str());
        let rows = open.all(db).await?;
        self.keep_standing(&rows)
    }

    /// The alerts of the deliveries read so far that are open for no more than `most` riders.
    pub(in crate::store::sql) fn alerts_of_few(&self, most: u64) -> Vec<AlertId> {
        let heads = self.deliveries.values().filter_map(|delivery| self.book.head(delivery.alert));
        heads.filter(|head| head.open_count <= most).map(|head| head.id).collect()
    }

    /// Open deliveries of these riders that are about one of the orders or have one of the keys, with their alerts.
    pub(in crate::store::sql) async fn open_that_match(
        &mut self,
        db: &mut Db<'_>,
        riders: &BTreeSet<RiderKey>,
        orders: &BTreeSet<&OrderId>,
        collapse_keys: &BTreeSet<&str>,
    ) -> StoreResult<()> {
        if riders.is_empty() || (orders.is_empty() && collapse_keys.is_empty()) {
            return Ok(());
        }
        let rows = sql(OPEN_THAT_MATCH)
            .bind(rider_list(riders)?)
            .bind(rows::json("orders", orders)?)
            .bind(rows::json("alerts", collapse_keys)?)
            .all(db)
            .await?;
        self.keep_standing(&rows)
    }

    /// The alerts of these orders that have not ended, or not all of whose deliveries have, and their open deliveries.
    pub(in crate::store::sql) async fn open_of_orders(
        &mut self,
        db: &mut Db<'_>,
        orders: &BTreeSet<OrderKey>,
    ) -> StoreResult<()> {
        if orders.is_empty() {
            return Ok(());
        }
        let keys: Vec<_> = orders.iter().map(|key| (key.app, &key.order)).collect();
        let found = sql(HEADS_OF_ORDERS).bind(rows::json("orders", &keys)?);
        let found = found.all(db).await?;
        let ids = found.iter().map(|row| Fields::of(row, "alerts").parsed());
        let ids = ids.collect::<StoreResult<Vec<AlertId>>>()?;
        self.keep_heads(&found)?;
        self.open_of_alerts(db, &ids).await
    }

    /// Deliveries whose time is over, the longest over first, and as many alerts that are over without any. The riders
    /// of offers were taken ahead; in PostgreSQL an offer that fell due since then is left to the next look.
    pub(in crate::store::sql) async fn due(
        &mut self,
        db: &mut Db<'_>,
        now: EpochMs,
        limit: u32,
    ) -> StoreResult<()> {
        let due = sql(DUE).bind(now.0).bind(limit).all(db).await?;
        self.keep_standing(&due)?;
        if db.dialect() == Dialect::Postgres {
            let riders = &self.riders;
            self.deliveries.retain(|_, d| {
                d.need != Need::Accept || riders.contains(&RiderKey { app: d.app, rider: d.rider.clone() })
            });
        }
        let empty = sql(EMPTY_AND_DUE).bind(now.0).bind(limit).all(db).await?;
        self.keep_heads(&empty)
    }

    fn keep_heads(&mut self, rows: &[Row]) -> StoreResult<()> {
        for row in rows {
            self.book.keep_head(rows::head(&mut Fields::of(row, "alerts"))?);
        }
        Ok(())
    }

    fn keep_standing(&mut self, rows: &[Row]) -> StoreResult<()> {
        for row in rows {
            let mut fields = Fields::of(row, "deliveries");
            let ordinal = fields.take()?;
            self.deliveries.insert(ordinal, rows::delivery(&mut fields)?);
            self.book.keep_head(rows::head(&mut fields)?);
        }
        Ok(())
    }

    fn keep_placed(&mut self, rows: &[Row]) -> StoreResult<()> {
        for row in rows {
            let mut fields = Fields::of(row, "deliveries");
            let ordinal = fields.take()?;
            self.deliveries.insert(ordinal, rows::delivery(&mut fields)?);
        }
        Ok(())
    }
}

fn rider_list(riders: &BTreeSet<RiderKey>) -> StoreResult<String> {
    let list: Vec<_> = riders.iter().map(|key| (key.app, &key.rider)).collect();
    rows::json("riders", &list)
}

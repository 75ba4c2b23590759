//! What a write takes ahead of its alerts. In PostgreSQL writes run beside each other, and all take rows in one order:
//! orders, riders, alerts; so they never wait for each other in a circle. A write that begins with an alert looks first,
//! without a lock, whom and what it concerns. What has changed by the time it has its locks is read then as it is; should
//! that be more, it is taken late, and at the worst the database breaks the circle and the write begins again.
//! SQLite has one writer, and looks at nothing ahead.

use std::collections::BTreeSet;

use super::Reading;
use crate::domain::app::KeyMode;
use crate::domain::{AlertId, EpochMs, OrderKey, RiderKey};
use crate::store::StoreResult;
use crate::store::sql::db::{Db, Dialect, sql};
use crate::store::sql::rows::{self, Fields};

const ORDERS_OF_ALERTS: &str = "SELECT a.app_id, a.key_mode, a.order_id \
     FROM jsonb_array_elements_text(CAST($1 AS JSONB)) AS k(id) JOIN alerts AS a ON a.id = k.id \
     WHERE a.order_id IS NOT NULL";
const OPEN_RIDERS: &str =
    "SELECT d.app_id, d.rider_id FROM deliveries AS d WHERE d.alert_id = $1 AND d.ended_at IS NULL";
// Those whose offers pass unanswered, among as many deliveries as are looked at.
const RIDERS_OF_DUE: &str = "SELECT d.app_id, d.rider_id FROM (SELECT app_id, rider_id, need FROM deliveries \
     WHERE ended_at IS NULL AND expires_at <= $1 ORDER BY expires_at, ordinal LIMIT $2) AS d \
     WHERE d.need = 'accept'";

impl Reading {
    /// The orders of these alerts.
    pub(in crate::store::sql) async fn orders_ahead(
        &mut self,
        db: &mut Db<'_>,
        alerts: &[AlertId],
    ) -> StoreResult<()> {
        if db.dialect() == Dialect::Sqlite || alerts.is_empty() {
            return Ok(());
        }
        let found = sql(ORDERS_OF_ALERTS).bind(rows::json("alerts", alerts)?).all(db).await?;
        let keys = found.iter().map(|row| {
            let mut fields = Fields::of(row, "alerts");
            Ok(OrderKey {
                app: fields.parsed()?,
                key_mode: fields.word(KeyMode::parse)?,
                order: fields.parsed()?,
            })
        });
        let keys = keys.collect::<StoreResult<BTreeSet<_>>>()?;
        self.orders(db, &keys).await
    }

    /// These riders; whoever wants others as well names them here, too, as they are taken all at once.
    pub(in crate::store::sql) async fn riders_ahead(
        &mut self,
        db: &mut Db<'_>,
        riders: impl Iterator<Item = RiderKey>,
    ) -> StoreResult<()> {
        match db.dialect() {
            Dialect::Sqlite => Ok(()),
            Dialect::Postgres => self.riders(db, &riders.collect()).await,
        }
    }

    /// The riders for whom this alert is open, and these.
    pub(in crate::store::sql) async fn open_riders_ahead(
        &mut self,
        db: &mut Db<'_>,
        alert: AlertId,
        others: impl Iterator<Item = RiderKey>,
    ) -> StoreResult<()> {
        if db.dialect() == Dialect::Sqlite {
            return Ok(());
        }
        let open = sql(OPEN_RIDERS).bind(alert.to_string()).all(db).await?;
        let open = open.iter().map(|row| Fields::of(row, "deliveries").rider_key());
        let mut riders = open.collect::<StoreResult<BTreeSet<_>>>()?;
        riders.extend(others);
        self.riders(db, &riders).await
    }

    /// The riders whose offers are over at `now`, as far as `due` will look.
    pub(in crate::store::sql) async fn riders_of_due_ahead(
        &mut self,
        db: &mut Db<'_>,
        now: EpochMs,
        limit: u32,
    ) -> StoreResult<()> {
        if db.dialect() == Dialect::Sqlite {
            return Ok(());
        }
        let due = sql(RIDERS_OF_DUE).bind(now.0).bind(limit).all(db).await?;
        let riders = due.iter().map(|row| Fields::of(row, "deliveries").rider_key());
        let riders = riders.collect::<StoreResult<BTreeSet<_>>>()?;
        self.riders(db, &riders).await
    }
}

//! Ending many deliveries for one cause: expiry, cancellation, duty, erasure.
//! Each statement finds those concerned; what becomes of them is the domain's to say.

use sqlx::SqliteConnection;

use super::ledger::{Ledger, standing_columns};
use crate::domain::delivery::Change;
use crate::domain::{AlertId, AppId, EpochMs, OrderId, RiderKey};
use crate::store::{Ended, StoreResult};

const OPEN_OF_RIDER: &str = concat!(
    "SELECT ",
    standing_columns!(),
    " FROM deliveries AS d JOIN alerts AS a ON a.id = d.alert_id \
     WHERE d.app_id = $1 AND d.rider_id = $2 AND d.ended_at IS NULL ORDER BY d.ordinal"
);
const OPEN_OF_RIDER_ON_DUTY_ONLY: &str = concat!(
    "SELECT ",
    standing_columns!(),
    " FROM deliveries AS d JOIN alerts AS a ON a.id = d.alert_id \
     WHERE d.app_id = $1 AND d.rider_id = $2 AND d.ended_at IS NULL AND a.duty = 'on_duty_only' \
     ORDER BY d.ordinal"
);
const OPEN_OF_ALERT: &str = concat!(
    "SELECT ",
    standing_columns!(),
    " FROM alerts AS a JOIN deliveries AS d ON d.alert_id = a.id \
     WHERE a.id = $1 AND a.state = 'active' AND d.ended_at IS NULL ORDER BY d.ordinal"
);
const OPEN_OF_ORDER: &str = concat!(
    "SELECT ",
    standing_columns!(),
    " FROM alerts AS a JOIN deliveries AS d ON d.alert_id = a.id \
     WHERE a.app_id = $1 AND a.order_id = $2 AND a.state = 'active' AND d.ended_at IS NULL ORDER BY d.ordinal"
);
const DUE: &str = concat!(
    "SELECT ",
    standing_columns!(),
    " FROM deliveries AS d JOIN alerts AS a ON a.id = d.alert_id \
     WHERE d.ended_at IS NULL AND d.expires_at <= $1 ORDER BY d.expires_at, d.ordinal LIMIT $2"
);
pub(super) async fn open_of_rider(db: &mut SqliteConnection, rider: &RiderKey) -> StoreResult<Ledger> {
    let rows = sqlx::query(OPEN_OF_RIDER).bind(rider.app.to_string()).bind(rider.rider.as_str());
    Ledger::read(&rows.fetch_all(db).await?)
}

pub(super) async fn open_of_rider_on_duty_only(
    db: &mut SqliteConnection,
    rider: &RiderKey,
) -> StoreResult<Ledger> {
    let rows = sqlx::query(OPEN_OF_RIDER_ON_DUTY_ONLY).bind(rider.app.to_string()).bind(rider.rider.as_str());
    Ledger::read(&rows.fetch_all(db).await?)
}

pub(super) async fn open_of_alert(db: &mut SqliteConnection, alert: AlertId) -> StoreResult<Ledger> {
    Ledger::read(&sqlx::query(OPEN_OF_ALERT).bind(alert.to_string()).fetch_all(db).await?)
}

pub(super) async fn open_of_order(
    db: &mut SqliteConnection,
    app: AppId,
    order: &OrderId,
) -> StoreResult<Ledger> {
    let rows = sqlx::query(OPEN_OF_ORDER).bind(app.to_string()).bind(order.as_str());
    Ledger::read(&rows.fetch_all(db).await?)
}

pub(super) async fn due(db: &mut SqliteConnection, now: EpochMs, limit: u32) -> StoreResult<Ledger> {
    Ledger::read(&sqlx::query(DUE).bind(now.0).bind(limit).fetch_all(db).await?)
}

/// Ends these deliveries by `change`, and the alerts that end with them. Returns those that ended, in order.
pub(super) async fn end(
    db: &mut SqliteConnection,
    mut open: Ledger,
    change: &Change,
    at: EpochMs,
) -> StoreResult<Vec<Ended>> {
    open.apply_to_all(change, at);
    open.save(db).await?;
    let ended = open.deliveries().filter_map(|delivery| {
        let rider = RiderKey { app: delivery.app, rider: delivery.rider.clone() };
        Some(Ended { rider, alert: delivery.alert, reason: delivery.reason? })
    });
    Ok(ended.collect())
}

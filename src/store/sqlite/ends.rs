//! Ending many deliveries for one cause: expiry, cancellation, duty, erasure.
//! The rows are read, the domain says what becomes of each, and all that become alike are written at once.

use std::collections::{BTreeMap, HashMap};

use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::rows::{self, Fields};
use crate::domain::alert::AlertChange;
use crate::domain::delivery::Change;
use crate::domain::{AlertId, AlertState, AppId, Delivery, EpochMs, OrderId, RiderKey};
use crate::store::{Ended, StoreResult};

/// Columns of a [`Standing`].
macro_rules! standing_columns {
    () => {
        concat!(super::rows::delivery_columns!(), ", d.ordinal, a.state, a.open_count")
    };
}

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
const END_DELIVERIES: &str = "UPDATE deliveries SET state = $1, reason = $2, ended_at = $3 \
     WHERE ordinal IN (SELECT value FROM json_each($4))";
const COUNT_DOWN: &str =
    "UPDATE alerts SET open_count = open_count - $1 WHERE id IN (SELECT value FROM json_each($2))";
const END_ALERTS: &str = "UPDATE alerts SET open_count = open_count - $1, state = $3, ended_at = $4 \
     WHERE id IN (SELECT value FROM json_each($2))";

/// A delivery and where its alert stands.
pub(super) struct Standing {
    /// The delivery.
    pub(super) delivery: Delivery,
    /// Its row.
    pub(super) ordinal: i64,
    /// The state of its alert.
    pub(super) alert_state: AlertState,
    /// How many deliveries of its alert have not ended.
    pub(super) open_count: u64,
}

impl Standing {
    /// Reads the columns that `standing_columns` lists.
    pub(super) fn from_row(row: &SqliteRow) -> StoreResult<Self> {
        let mut fields = Fields::of(row, "deliveries");
        Ok(Self {
            delivery: rows::delivery(&mut fields)?,
            ordinal: fields.take()?,
            alert_state: fields.word(AlertState::parse)?,
            open_count: fields.count()?,
        })
    }
}

pub(super) async fn open_of_rider(db: &mut SqliteConnection, rider: &RiderKey) -> StoreResult<Vec<Standing>> {
    let rows = sqlx::query(OPEN_OF_RIDER).bind(rider.app.to_string()).bind(rider.rider.as_str());
    standings(&rows.fetch_all(db).await?)
}

pub(super) async fn open_of_rider_on_duty_only(
    db: &mut SqliteConnection,
    rider: &RiderKey,
) -> StoreResult<Vec<Standing>> {
    let rows = sqlx::query(OPEN_OF_RIDER_ON_DUTY_ONLY).bind(rider.app.to_string()).bind(rider.rider.as_str());
    standings(&rows.fetch_all(db).await?)
}

pub(super) async fn open_of_alert(db: &mut SqliteConnection, alert: AlertId) -> StoreResult<Vec<Standing>> {
    standings(&sqlx::query(OPEN_OF_ALERT).bind(alert.to_string()).fetch_all(db).await?)
}

pub(super) async fn open_of_order(
    db: &mut SqliteConnection,
    app: AppId,
    order: &OrderId,
) -> StoreResult<Vec<Standing>> {
    let rows = sqlx::query(OPEN_OF_ORDER).bind(app.to_string()).bind(order.as_str());
    standings(&rows.fetch_all(db).await?)
}

pub(super) async fn due(db: &mut SqliteConnection, now: EpochMs, limit: u32) -> StoreResult<Vec<Standing>> {
    standings(&sqlx::query(DUE).bind(now.0).bind(limit).fetch_all(db).await?)
}

fn standings(rows: &[SqliteRow]) -> StoreResult<Vec<Standing>> {
    rows.iter().map(Standing::from_row).collect()
}

/// Ends these deliveries by `change`, and the alerts that end with them. Returns those that ended, in order.
pub(super) async fn end(
    db: &mut SqliteConnection,
    open: Vec<Standing>,
    change: &Change,
    at: EpochMs,
) -> StoreResult<Vec<Ended>> {
    let mut ended = Vec::with_capacity(open.len());
    let mut alike: BTreeMap<(&str, &str), Vec<i64>> = BTreeMap::new();
    let mut alerts: HashMap<AlertId, Tally> = HashMap::new();
    for Standing { delivery, ordinal, alert_state, open_count } in open {
        let Some(next) = delivery.after(change, at) else { continue };
        let (true, Some(reason)) = (delivery.is_open(), next.reason) else { continue };
        alike.entry((next.state.as_str(), reason.as_str())).or_default().push(ordinal);
        let tally = Tally { state: alert_state, open_count, ended: 0 };
        alerts.entry(next.alert).or_insert(tally).ended += 1;
        let rider = RiderKey { app: next.app, rider: next.rider };
        ended.push(Ended { rider, alert: next.alert, reason });
    }
    for ((state, reason), ordinals) in alike {
        let ordinals = rows::json("deliveries", &ordinals)?;
        let update = sqlx::query(END_DELIVERIES).bind(state).bind(reason).bind(at.0).bind(ordinals);
        update.execute(&mut *db).await?;
    }
    settle(db, alerts, change, at).await?;
    Ok(ended)
}

/// An alert, and how many of its deliveries have ended just now.
pub(super) struct Tally {
    pub(super) state: AlertState,
    pub(super) open_count: u64,
    pub(super) ended: u64,
}

/// Brings alerts up to date after deliveries of theirs have ended by `change`.
pub(super) async fn settle(
    db: &mut SqliteConnection,
    alerts: HashMap<AlertId, Tally>,
    change: &Change,
    at: EpochMs,
) -> StoreResult<()> {
    let mut alike: BTreeMap<(u64, Option<&str>), Vec<AlertId>> = BTreeMap::new();
    for (alert, tally) in alerts {
        let still_open = tally.open_count.saturating_sub(tally.ended);
        let state = tally.state.after(AlertChange::of(change, still_open));
        alike.entry((tally.ended, state.map(AlertState::as_str))).or_default().push(alert);
    }
    for ((ended, state), alerts) in alike {
        let ended = ended.cast_signed();
        let alerts = rows::json("alerts", &alerts)?;
        let update = match state {
            None => sqlx::query(COUNT_DOWN).bind(ended).bind(alerts),
            Some(state) => sqlx::query(END_ALERTS).bind(ended).bind(alerts).bind(state).bind(at.0),
        };
        update.execute(&mut *db).await?;
    }
    Ok(())
}

pub(super) use standing_columns;

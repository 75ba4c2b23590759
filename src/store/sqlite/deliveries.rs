//! Rows of deliveries: what a rider's session asks for, and what it reports.
//! A change is read, decided by the domain and written within the writer's transaction, so nothing comes between.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use sqlx::{SqliteConnection, SqliteExecutor};

use super::ledger::{Ledger, standing_columns};
use super::rows::{self, Fields, alert_columns, delivery_columns};
use crate::domain::delivery::{AnswerOutcome, Change, EndReason};
use crate::domain::{AlertId, AppId, Delivery, EpochMs, RiderId, RiderKey};
use crate::store::{OpenDelivery, Progress, Progressed, StoreResult};

const SELECT_OPEN: &str = concat!(
    "SELECT ",
    delivery_columns!(),
    ", ",
    alert_columns!(),
    " FROM deliveries AS d JOIN alerts AS a ON a.id = d.alert_id \
     WHERE d.app_id = $1 AND d.rider_id = $2 AND d.ended_at IS NULL AND a.rendered_at IS NOT NULL \
     ORDER BY a.urgency DESC, d.seq LIMIT $3"
);
const SELECT_OPEN_IDS: &str = "SELECT d.alert_id, d.ring FROM deliveries AS d \
     JOIN alerts AS a ON a.id = d.alert_id \
     WHERE d.app_id = $1 AND d.rider_id = $2 AND d.ended_at IS NULL AND a.rendered_at IS NOT NULL \
     ORDER BY d.seq";
const SELECT_REASONS: &str = "SELECT alert_id, reason FROM deliveries \
     WHERE app_id = $1 AND rider_id = $2 AND alert_id IN (SELECT value FROM json_each($3)) \
     AND ended_at IS NOT NULL ORDER BY seq";
// The cross join keeps the list on the outside: one look-up for each of its entries.
const SELECT_STANDING: &str = concat!(
    "SELECT ",
    standing_columns!(),
    " FROM jsonb_each($1) AS k CROSS JOIN deliveries AS d ON d.alert_id = k.value ->> 0 \
     AND d.rider_id = k.value ->> 1 AND d.app_id = k.value ->> 2 JOIN alerts AS a ON a.id = d.alert_id"
);
const SELECT_PENDING: &str = "SELECT d.app_id, d.rider_id FROM alerts AS a \
     JOIN deliveries AS d ON d.alert_id = a.id \
     WHERE a.state = 'active' AND a.rendered_at >= $1 AND d.state = 'pending' \
     GROUP BY d.app_id, d.rider_id ORDER BY MIN(a.rendered_at), d.app_id, d.rider_id LIMIT $2";

pub(super) async fn open(
    db: impl SqliteExecutor<'_>,
    rider: &RiderKey,
    limit: u32,
) -> StoreResult<Vec<OpenDelivery>> {
    let rows = sqlx::query(SELECT_OPEN)
        .bind(rider.app.to_string())
        .bind(rider.rider.as_str())
        .bind(limit)
        .fetch_all(db)
        .await?;
    rows.iter()
        .map(|row| {
            let mut fields = Fields::of(row, "deliveries");
            let delivery = rows::delivery(&mut fields)?;
            Ok(OpenDelivery { delivery, alert: Arc::new(rows::alert(&mut fields)?) })
        })
        .collect()
}

pub(super) async fn open_ids(
    db: impl SqliteExecutor<'_>,
    rider: &RiderKey,
) -> StoreResult<Vec<(AlertId, u32)>> {
    let rows = sqlx::query(SELECT_OPEN_IDS)
        .bind(rider.app.to_string())
        .bind(rider.rider.as_str())
        .fetch_all(db)
        .await?;
    rows.iter()
        .map(|row| {
            let mut fields = Fields::of(row, "deliveries");
            Ok((fields.parsed()?, fields.take()?))
        })
        .collect()
}

pub(super) async fn ended_reasons(
    db: impl SqliteExecutor<'_>,
    rider: &RiderKey,
    alerts: &[AlertId],
) -> StoreResult<Vec<(AlertId, EndReason)>> {
    let rows = sqlx::query(SELECT_REASONS)
        .bind(rider.app.to_string())
        .bind(rider.rider.as_str())
        .bind(rows::json("deliveries", alerts)?)
        .fetch_all(db)
        .await?;
    rows.iter()
        .map(|row| {
            let mut fields = Fields::of(row, "deliveries");
            Ok((fields.parsed()?, fields.word(EndReason::parse)?))
        })
        .collect()
}

pub(super) async fn pending_since(
    db: impl SqliteExecutor<'_>,
    since: EpochMs,
    limit: u32,
) -> StoreResult<Vec<RiderKey>> {
    let rows = sqlx::query(SELECT_PENDING).bind(since.0).bind(limit).fetch_all(db).await?;
    rows.iter()
        .map(|row| {
            let mut fields = Fields::of(row, "deliveries");
            Ok(RiderKey { app: fields.parsed()?, rider: fields.parsed()? })
        })
        .collect()
}

/// Applies the changes of several calls, each in its order.
pub(super) async fn progress_all(
    db: &mut SqliteConnection,
    calls: &[Vec<Progress>],
) -> StoreResult<Vec<Vec<Option<Progressed>>>> {
    let keys: HashSet<_> = calls.iter().flatten().map(key).collect();
    let keys: Vec<_> = keys.into_iter().collect();
    let rows = sqlx::query(SELECT_STANDING).bind(rows::json("deliveries", &keys)?);
    let mut ledger = Ledger::read(&rows.fetch_all(&mut *db).await?)?;
    let places: HashMap<(AlertId, RiderId, AppId), usize> = ledger
        .deliveries()
        .enumerate()
        .map(|(place, d)| ((d.alert, d.rider.clone(), d.app), place))
        .collect();
    let mut apply = |progress: &Progress| {
        let place = *places.get(&(progress.alert, progress.rider.rider.clone(), progress.rider.app))?;
        let before = ledger.delivery(place)?;
        let (was_open, outcome) = (before.is_open(), outcome(before, &progress.change));
        let changed = ledger.apply(place, &progress.change, progress.at);
        let delivery = ledger.delivery(place)?.clone();
        let ended_now = was_open && !delivery.is_open();
        Some(Progressed { delivery, changed, ended_now, outcome })
    };
    let done = calls.iter().map(|call| call.iter().map(&mut apply).collect()).collect();
    ledger.save(db).await?;
    Ok(done)
}

fn key(progress: &Progress) -> (AlertId, &RiderId, AppId) {
    (progress.alert, &progress.rider.rider, progress.rider.app)
}

fn outcome(delivery: &Delivery, change: &Change) -> Option<AnswerOutcome> {
    match change {
        Change::Answered(answer) => Some(delivery.outcome_of(*answer)),
        Change::Sent
        | Change::Received
        | Change::Playing
        | Change::Played { .. }
        | Change::Trouble(_)
        | Change::Expired
        | Change::Withdrawn(_) => None,
    }
}

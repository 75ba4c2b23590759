//! Rows of deliveries: what a rider's session asks for, and what it reports.
//! A change is read, decided by the domain and written within the writer's transaction, so nothing comes between.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::{SqliteConnection, SqliteExecutor};

use super::ends::{self, Standing, Tally, standing_columns};
use super::rows::{self, Fields, alert_columns, delivery_columns};
use crate::domain::delivery::{Change, EndReason};
use crate::domain::{AlertId, Delivery, EpochMs, RiderKey};
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
const SELECT_STANDING: &str = concat!(
    "SELECT ",
    standing_columns!(),
    " FROM deliveries AS d JOIN alerts AS a ON a.id = d.alert_id \
     WHERE d.alert_id = $1 AND d.rider_id = $2 AND d.app_id = $3"
);
const UPDATE: &str = "UPDATE deliveries SET state = $2, reason = $3, ring = $4, attempts = $5, plays = $6, \
     answer = $7, trouble = $8, sent_at = $9, received_at = $10, playing_at = $11, played_at = $12, \
     answered_at = $13, ended_at = $14 WHERE ordinal = $1";
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

pub(super) async fn progress(
    db: &mut SqliteConnection,
    changes: &[Progress],
) -> StoreResult<Vec<Option<Progressed>>> {
    let mut done = Vec::with_capacity(changes.len());
    for change in changes {
        done.push(progress_one(db, change).await?);
    }
    Ok(done)
}

async fn progress_one(db: &mut SqliteConnection, progress: &Progress) -> StoreResult<Option<Progressed>> {
    let row = sqlx::query(SELECT_STANDING)
        .bind(progress.alert.to_string())
        .bind(progress.rider.rider.as_str())
        .bind(progress.rider.app.to_string())
        .fetch_optional(&mut *db)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let Standing { delivery, ordinal, alert_state, open_count } = Standing::from_row(&row)?;
    let outcome = match &progress.change {
        Change::Answered(answer) => Some(delivery.outcome_of(*answer)),
        Change::Sent
        | Change::Received
        | Change::Playing
        | Change::Played { .. }
        | Change::Trouble(_)
        | Change::Expired
        | Change::Withdrawn(_) => None,
    };
    let Some(next) = delivery.after(&progress.change, progress.at) else {
        return Ok(Some(Progressed { delivery, changed: false, ended_now: false, outcome }));
    };
    update(db, ordinal, &next).await?;
    if delivery.is_open() && !next.is_open() {
        let tally = Tally { state: alert_state, open_count, ended: 1 };
        ends::settle(db, HashMap::from([(next.alert, tally)]), &progress.change, progress.at).await?;
    }
    let ended_now = delivery.is_open() && !next.is_open();
    Ok(Some(Progressed { delivery: next, changed: true, ended_now, outcome }))
}

async fn update(db: &mut SqliteConnection, ordinal: i64, delivery: &Delivery) -> StoreResult<()> {
    let ms = |moment: Option<EpochMs>| moment.map(|at| at.0);
    sqlx::query(UPDATE)
        .bind(ordinal)
        .bind(delivery.state.as_str())
        .bind(delivery.reason.map(EndReason::as_str))
        .bind(delivery.ring)
        .bind(delivery.attempts)
        .bind(delivery.plays)
        .bind(delivery.answer.map(crate::domain::Answer::as_str))
        .bind(&delivery.trouble)
        .bind(ms(delivery.sent_at))
        .bind(ms(delivery.received_at))
        .bind(ms(delivery.playing_at))
        .bind(ms(delivery.played_at))
        .bind(ms(delivery.answered_at))
        .bind(ms(delivery.ended_at))
        .execute(db)
        .await?;
    Ok(())
}

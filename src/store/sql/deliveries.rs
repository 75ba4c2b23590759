//! Rows of deliveries: what a rider's session asks for, and what it reports.
//! A change is read, decided by the domain and written within the writer's transaction, so nothing comes between.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::book::{Reading, save};
use super::db::{Db, Text, each, sql};
use super::rows::{self, Fields, alert_columns, delivery_columns};
use crate::domain::delivery::{Change, EndReason};
use crate::domain::{AlertId, Answer, EpochMs, Need, RiderId, RiderKey};
use crate::store::{OpenDelivery, Progress, Progressed, StoreResult};

/// What may be sent now. That a test alert is for a test rider was seen to when it was delivered; a fault there must
/// not ring.
macro_rules! may_be_sent {
    () => {
        "d.ended_at IS NULL AND d.held_until IS NULL AND a.rendered_at IS NOT NULL \
         AND (a.key_mode = 'live' OR EXISTS (SELECT 1 FROM riders AS r WHERE r.app_id = $1 AND r.id = $2 AND r.test))"
    };
}

/// Two ways to have been waiting since then: the alert got its first sound, or the delivery was rung again. Each has its
/// index; a delivery that came by both waits since the later.
macro_rules! pending {
    ($greatest:literal) => {
        concat!(
            "WITH waiting AS (\
     SELECT d.app_id, d.rider_id, ",
            $greatest,
            "(a.rendered_at, COALESCE(d.rung_at, 0)) AS since FROM alerts AS a \
     JOIN deliveries AS d ON d.alert_id = a.id WHERE a.state = 'active' AND a.rendered_at IS NOT NULL \
     AND a.rendered_at >= $1 AND d.ended_at IS NULL AND d.sent_ring < d.ring AND d.held_until IS NULL \
     UNION ALL \
     SELECT d.app_id, d.rider_id, ",
            $greatest,
            "(a.rendered_at, d.rung_at) FROM deliveries AS d \
     JOIN alerts AS a ON a.id = d.alert_id WHERE d.ended_at IS NULL AND d.rung_at IS NOT NULL \
     AND d.rung_at >= $1 AND d.sent_ring < d.ring AND d.held_until IS NULL AND a.state = 'active' \
     AND a.rendered_at IS NOT NULL) \
     SELECT app_id, rider_id FROM waiting GROUP BY app_id, rider_id \
     ORDER BY MIN(since), app_id, rider_id LIMIT $2"
        )
    };
}

pub(super) const SELECT_PENDING: Text = each(pending!("MAX"), pending!("GREATEST"));

const SELECT_OPEN: &str = concat!(
    "SELECT ",
    delivery_columns!(),
    ", ",
    alert_columns!(),
    " FROM deliveries AS d JOIN alerts AS a ON a.id = d.alert_id \
     WHERE d.app_id = $1 AND d.rider_id = $2 AND ",
    may_be_sent!(),
    " ORDER BY a.urgency DESC, d.seq LIMIT $3"
);
const SELECT_OPEN_IDS: &str = concat!(
    "SELECT d.alert_id, d.ring FROM deliveries AS d JOIN alerts AS a ON a.id = d.alert_id \
     WHERE d.app_id = $1 AND d.rider_id = $2 AND ",
    may_be_sent!(),
    " ORDER BY d.seq"
);
const SELECT_REASONS: Text = each(
    "SELECT alert_id, reason FROM deliveries \
     WHERE app_id = $1 AND rider_id = $2 AND alert_id IN (SELECT value FROM json_each($3)) \
     AND ended_at IS NOT NULL ORDER BY seq",
    "SELECT alert_id, reason FROM deliveries WHERE app_id = $1 AND rider_id = $2 \
     AND alert_id IN (SELECT jsonb_array_elements_text(CAST($3 AS JSONB))) AND ended_at IS NOT NULL ORDER BY seq",
);
pub(super) async fn open(db: &mut Db<'_>, rider: &RiderKey, limit: u32) -> StoreResult<Vec<OpenDelivery>> {
    let rows =
        sql(SELECT_OPEN).bind(rider.app.to_string()).bind(rider.rider.as_str()).bind(limit).all(db).await?;
    rows.iter()
        .map(|row| {
            let mut fields = Fields::of(row, "deliveries");
            let delivery = rows::delivery(&mut fields)?;
            Ok(OpenDelivery { delivery, alert: Arc::new(rows::alert(&mut fields)?) })
        })
        .collect()
}

pub(super) async fn open_ids(db: &mut Db<'_>, rider: &RiderKey) -> StoreResult<Vec<(AlertId, u32)>> {
    let rows = sql(SELECT_OPEN_IDS).bind(rider.app.to_string()).bind(rider.rider.as_str()).all(db).await?;
    rows.iter()
        .map(|row| {
            let mut fields = Fields::of(row, "deliveries");
            Ok((fields.parsed()?, fields.take()?))
        })
        .collect()
}

pub(super) async fn ended_reasons(
    db: &mut Db<'_>,
    rider: &RiderKey,
    alerts: &[AlertId],
) -> StoreResult<Vec<(AlertId, EndReason)>> {
    let rows = sql(SELECT_REASONS)
        .bind(rider.app.to_string())
        .bind(rider.rider.as_str())
        .bind(rows::json("deliveries", alerts)?)
        .all(db)
        .await?;
    rows.iter()
        .map(|row| {
            let mut fields = Fields::of(row, "deliveries");
            Ok((fields.parsed()?, fields.word(EndReason::parse)?))
        })
        .collect()
}

pub(super) async fn pending_since(db: &mut Db<'_>, since: EpochMs, limit: u32) -> StoreResult<Vec<RiderKey>> {
    let rows = sql(SELECT_PENDING).bind(since.0).bind(limit).all(db).await?;
    rows.iter().map(|row| Fields::of(row, "deliveries").rider_key()).collect()
}

/// Applies the changes of several calls, each in its order.
pub(super) async fn progress_all(
    db: &mut Db<'_>,
    calls: &[Vec<Progress>],
) -> StoreResult<Vec<Vec<Option<Progressed>>>> {
    let mut reading = Reading::default();
    let answers = calls.iter().flatten().filter(|progress| matches!(progress.change, Change::Answered(_)));
    let accepts = calls.iter().flatten().filter(|progress| progress.change == ACCEPT);
    reading.orders_ahead(db, &accepts.map(|progress| progress.alert).collect::<Vec<_>>()).await?;
    reading.riders_ahead(db, answers.map(|progress| progress.rider.clone())).await?;
    reading.standing(db, &calls.iter().flatten().map(key).collect()).await?;
    let answered = calls.iter().flatten().filter(|progress| matches!(progress.change, Change::Answered(_)));
    let answered: BTreeSet<_> = answered.map(key).collect();
    if !answered.is_empty() {
        reading.riders_of_deliveries(db, |d| answered.contains(&(d.alert, &d.rider))).await?;
    }
    let accepted = calls.iter().flatten().filter(|progress| progress.change == ACCEPT).map(|p| p.alert);
    let accepted: BTreeSet<AlertId> = accepted.collect();
    let offers = accepted
        .into_iter()
        .filter(|alert| reading.head(*alert).is_some_and(|head| head.need == Need::Accept));
    let offers: Vec<AlertId> = offers.collect();
    if !offers.is_empty() {
        reading.open_of_alerts(db, &offers).await?;
        reading.orders_of(db, &offers).await?;
    }
    let mut book = reading.into_book();
    let done = calls.iter().map(|call| call.iter().map(|progress| book.progress(progress)).collect());
    let done = done.collect();
    save(db, &mut book).await?;
    Ok(done)
}

const ACCEPT: Change = Change::Answered(Answer::Accept);

fn key(progress: &Progress) -> (AlertId, &RiderId) {
    (progress.alert, &progress.rider.rider)
}

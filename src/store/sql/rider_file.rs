//! Everything kept of one rider, for whoever has the right to it: read, never changed.
//! Deliveries are read by their number, a page at a time; all else is bounded and comes with the first.

use std::sync::Arc;

use super::db::{Db, sql};
use super::rows::{self, Fields, alert_columns, delivery_columns};
use super::{erasing, notices, riders, wechat};
use crate::domain::RiderKey;
use crate::domain::delivery::OpenDelivery;
use crate::store::{CallTrace, FILE_ROWS_MAX, RiderFile, StoreResult};

pub(super) const DELIVERIES: &str = concat!(
    "SELECT ",
    delivery_columns!(),
    ", ",
    alert_columns!(),
    " FROM deliveries AS d JOIN alerts AS a ON a.id = d.alert_id \
     WHERE d.app_id = $1 AND d.rider_id = $2 AND d.seq > $3 ORDER BY d.seq LIMIT $4"
);
const GROUPS: &str =
    "SELECT group_id FROM group_members WHERE app_id = $1 AND rider_id = $2 ORDER BY group_id LIMIT $3";
// By way of their deliveries: no call is about anybody who was not told.
pub(super) const CALLS: &str = "SELECT c.id, c.alert_id, c.level, c.attempts, c.ended_at FROM deliveries AS d \
     JOIN calls AS c ON c.alert_id = d.alert_id AND c.rider_id = d.rider_id \
     WHERE d.app_id = $1 AND d.rider_id = $2 ORDER BY c.id LIMIT $3";

pub(super) async fn read(
    db: &mut Db<'_>,
    rider: &RiderKey,
    after: i64,
    limit: u32,
) -> StoreResult<RiderFile> {
    let (app, id) = (rider.app.to_string(), rider.rider.as_str());
    let found = sql(DELIVERIES).bind(&app).bind(id).bind(after).bind(limit).all(db).await?;
    let deliveries = found.iter().map(|row| {
        let mut fields = Fields::of(row, "deliveries");
        let delivery = rows::delivery(&mut fields)?;
        Ok(OpenDelivery { delivery, alert: Arc::new(rows::alert(&mut fields)?) })
    });
    let deliveries = deliveries.collect::<StoreResult<Vec<_>>>()?;
    if after > 0 {
        return Ok(RiderFile { deliveries, ..RiderFile::default() });
    }
    let groups = sql(GROUPS).bind(&app).bind(id).bind(FILE_ROWS_MAX).all(db).await?;
    let groups = groups.iter().map(|row| Fields::of(row, "group_members").parsed());
    let calls = sql(CALLS).bind(&app).bind(id).bind(FILE_ROWS_MAX).all(db).await?;
    let calls = calls.iter().map(|row| {
        let mut fields = Fields::of(row, "calls");
        Ok(CallTrace {
            id: fields.parsed()?,
            alert: fields.parsed()?,
            level: fields.take()?,
            attempts: fields.take()?,
            ended_at: fields.moment_or_null()?,
        })
    });
    Ok(RiderFile {
        rider: riders::one(db, rider).await?,
        groups: groups.collect::<StoreResult<_>>()?,
        checks: riders::checks(db, rider).await?,
        notices: notices::of_rider(db, rider, FILE_ROWS_MAX).await?,
        calls: calls.collect::<StoreResult<_>>()?,
        orders: erasing::orders_left(db, rider, FILE_ROWS_MAX).await?.into_iter().collect(),
        wechat: wechat::identities(db, rider).await?,
        messages: wechat::file(db, rider).await?,
        deliveries,
    })
}

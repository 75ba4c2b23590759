//! Who is told to be connected: two columns of the rider's row, one of them set by the touch that is written anyway.

use super::note;
use crate::domain::app::KeyMode;
use crate::domain::{EpochMs, RiderKey};
use crate::store::sql::db::{Db, Text, each, sql};
use crate::store::sql::rows::Fields;
use crate::store::{Online, StoreResult};

const PUT_OFF: &str = "UPDATE riders SET presence_due_at = $3 \
     WHERE app_id = $1 AND id = $2 AND presence_due_at IS NOT NULL";
pub(in crate::store::sql) const DOUBT: &str = "UPDATE riders SET presence_due_at = $1 WHERE told_online";
pub(in crate::store::sql) const DUE: &str = "SELECT app_id, id FROM riders WHERE presence_due_at IS NOT NULL \
     AND presence_due_at <= $1 ORDER BY presence_due_at, app_id, id LIMIT $2";
const TOLD: Text = each(
    "SELECT told_online, test FROM riders WHERE app_id = $1 AND id = $2",
    "SELECT told_online, test FROM riders WHERE app_id = $1 AND id = $2 FOR UPDATE",
);
const TELL: &str = "UPDATE riders SET told_online = $3, \
     presence_due_at = CASE WHEN presence_due_at > $4 THEN presence_due_at END WHERE app_id = $1 AND id = $2";

pub(in crate::store::sql) async fn put_off(
    db: &mut Db<'_>,
    rider: &RiderKey,
    due_at: EpochMs,
) -> StoreResult<()> {
    sql(PUT_OFF).bind(rider.app.to_string()).bind(rider.rider.as_str()).bind(due_at.0).run(db).await?;
    Ok(())
}

pub(in crate::store::sql) async fn doubt(db: &mut Db<'_>, due_at: EpochMs) -> StoreResult<u64> {
    sql(DOUBT).bind(due_at.0).run(db).await
}

pub(in crate::store::sql) async fn due(
    db: &mut Db<'_>,
    now: EpochMs,
    limit: u32,
) -> StoreResult<Vec<RiderKey>> {
    let rows = sql(DUE).bind(now.0).bind(limit).all(db).await?;
    rows.iter().map(|row| Fields::of(row, "riders").rider_key()).collect()
}

pub(in crate::store::sql) async fn tell(
    db: &mut Db<'_>,
    rider: &RiderKey,
    online: Online,
    at: EpochMs,
) -> StoreResult<bool> {
    let (app, id) = (rider.app.to_string(), rider.rider.as_str());
    let Some(row) = sql(TOLD).bind(&app).bind(id).optional(db).await? else { return Ok(false) };
    let mut fields = Fields::of(&row, "riders");
    let told: Option<bool> = fields.take()?;
    let key_mode = if fields.take()? { KeyMode::Test } else { KeyMode::Live };
    let now = online == Online::Yes;
    sql(TELL).bind(&app).bind(id).bind(now).bind(at.0).run(db).await?;
    if told == Some(now) {
        return Ok(false);
    }
    note(db, &[online.fact(rider, key_mode, at)], &[]).await?;
    Ok(true)
}

//! Rows of targets: where apps have their callbacks sent.
//! A target is written whole; whether it hears who comes and goes stands in a column, for whoever touches a rider.

use super::finish;
use crate::domain::callback::{CallbackTarget, Destination, TargetState, WantedKinds};
use crate::domain::{AppId, CallbackTargetId, EpochMs};
use crate::store::sql::db::{Db, sql};
use crate::store::sql::rows::{self, Fields};
use crate::store::{StoreResult, TARGETS_MAX};

/// Columns of a target, for [`read`]; the table goes by the name `t`.
macro_rules! columns {
    () => {
        "t.id, t.app_id, t.url, t.kinds, t.batch_max, t.stopped_at, t.created_at"
    };
}

/// How many they are.
pub(super) const COLUMNS: usize = 7;
/// The place of the address among them.
pub(super) const URL_COLUMN: usize = 2;

const PUT: &str = "INSERT INTO callback_targets (id, app_id, url, kinds, batch_max, hears_presence, stopped_at, created_at) \
     SELECT $1, $2, $3, $4, $5, $6, $7, $8 \
     WHERE (SELECT COUNT(*) FROM callback_targets WHERE app_id = $2 AND id <> $1) < $9 \
     ON CONFLICT (id) DO UPDATE SET url = excluded.url, kinds = excluded.kinds, batch_max = excluded.batch_max, \
     hears_presence = excluded.hears_presence, stopped_at = excluded.stopped_at";
const SELECT: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM callback_targets AS t WHERE t.app_id = $1 ORDER BY t.created_at, t.id"
);
const DELETE: &str = "DELETE FROM callback_targets WHERE app_id = $1 AND id = $2";
const STOP: &str = "UPDATE callback_targets SET stopped_at = $2, hears_presence = FALSE \
     WHERE id = $1 AND stopped_at IS NULL";

pub(super) fn read(fields: &mut Fields<'_>) -> StoreResult<CallbackTarget> {
    Ok(CallbackTarget {
        id: fields.parsed()?,
        app: fields.parsed()?,
        url: fields.take()?,
        kinds: fields.json_or_null()?.map_or(WantedKinds::All, WantedKinds::These),
        batch_max: fields.take()?,
        state: match fields.moment_or_null()? {
            None => TargetState::Active,
            Some(at) => TargetState::Stopped { at },
        },
        created_at: fields.moment()?,
    })
}

/// Keeps a target, new or not. False if its app has too many.
pub(in crate::store::sql) async fn put(db: &mut Db<'_>, target: &CallbackTarget) -> StoreResult<bool> {
    let kinds = match &target.kinds {
        WantedKinds::All => None,
        WantedKinds::These(kinds) => Some(rows::json("callback_targets", kinds)?),
    };
    let stopped_at = match target.state {
        TargetState::Active => None,
        TargetState::Stopped { at } => Some(at.0),
    };
    let put = sql(PUT)
        .bind(target.id.to_string())
        .bind(target.app.to_string())
        .bind(&target.url)
        .bind(kinds)
        .bind(target.batch_max)
        .bind(target.hears_presence())
        .bind(stopped_at)
        .bind(target.created_at.0)
        .bind(TARGETS_MAX);
    Ok(put.run(db).await? > 0)
}

pub(in crate::store::sql) async fn all(db: &mut Db<'_>, app: AppId) -> StoreResult<Vec<CallbackTarget>> {
    let rows = sql(SELECT).bind(app.to_string()).all(db).await?;
    rows.iter().map(|row| read(&mut Fields::of(row, "callback_targets"))).collect()
}

pub(in crate::store::sql) async fn delete(
    db: &mut Db<'_>,
    app: AppId,
    id: CallbackTargetId,
    at: EpochMs,
) -> StoreResult<bool> {
    let gone = sql(DELETE).bind(app.to_string()).bind(id.to_string()).run(db).await? > 0;
    if gone {
        finish::give_up(db, &Destination::of_target(app, id), at).await?;
    }
    Ok(gone)
}

pub(in crate::store::sql) async fn set_state(
    db: &mut Db<'_>,
    app: AppId,
    id: CallbackTargetId,
    state: TargetState,
) -> StoreResult<bool> {
    let found = all(db, app).await?.into_iter().find(|target| target.id == id);
    let Some(target) = found else { return Ok(false) };
    put(db, &CallbackTarget { state, ..target }).await
}

/// Stops the target of this destination, if it is one and active.
pub(super) async fn stop(db: &mut Db<'_>, destination: &Destination, at: EpochMs) -> StoreResult<()> {
    if let Some(id) = destination.target() {
        sql(STOP).bind(id.to_string()).bind(at.0).run(db).await?;
    }
    Ok(())
}

pub(super) use columns;

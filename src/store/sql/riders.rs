//! Rows of riders and of their devices' self-checks.
//! A rider's row gives the next number of its sequence; an erased rider who comes back counts on from there.

use std::collections::BTreeSet;

use super::book::{Reading, save};
use super::db::{Db, Row, Text, each, sql};
use super::rows::{self, Fields, rider_columns};
use crate::domain::{AppId, EpochMs, Rider, RiderId, RiderKey, SoundProfile};
use crate::store::{
    Admission, Admitted, DeviceCheck, Duty, Ended, PRESENCE_SETTLES_MS, RiderPatch, StoreResult,
};

/// Self-checks kept of one rider.
const CHECKS_MAX: i64 = 20;

/// Where a rider of app `$1` begins to count: above everybody who was ever erased, as they may be one of those.
macro_rules! seq_before {
    () => {
        "COALESCE((SELECT seq_floor FROM apps WHERE apps.id = $1), 0)"
    };
}

/// Columns of a rider who is made here; the others have their usual value.
macro_rules! first_columns {
    () => {
        "app_id, id, known, on_duty, lang, devices, not_before, seq, created_at, last_seen_at, \
         sound_profile"
    };
}

/// Whether a target of app `$1` wants to hear who comes and goes.
macro_rules! presence_is_heard {
    () => {
        "EXISTS (SELECT 1 FROM callback_targets AS t WHERE t.app_id = $1 AND t.hears_presence)"
    };
}

/// From when a backend is told of somebody who has a row.
macro_rules! told_from {
    () => {
        concat!(
            "presence_due_at = CASE WHEN riders.presence_due_at <= $4 THEN riders.presence_due_at WHEN ",
            presence_is_heard!(),
            " THEN $4 ELSE riders.presence_due_at END"
        )
    };
}

// The moment from which a backend is told, `$4`, is set by the way. It is not put off by who comes and goes all the time.
const TOUCH: &str = concat!(
    "INSERT INTO riders (",
    first_columns!(),
    ", presence_due_at) VALUES ($1, $2, TRUE, TRUE, NULL, 'latest', 0, ",
    seq_before!(),
    ", $3, $3, NULL, CASE WHEN ",
    presence_is_heard!(),
    " THEN $4 END) ON CONFLICT (app_id, id) DO UPDATE SET known = TRUE, last_seen_at = $3, ",
    told_from!(),
    " RETURNING ",
    rider_columns!()
);
// A member of the patch that is NULL leaves the column; `$4` says whether the language is named at all,
// `$9` the same of the profile.
const PUT: &str = concat!(
    "INSERT INTO riders (",
    first_columns!(),
    ") VALUES ($1, $2, TRUE, COALESCE($6, TRUE), CASE WHEN $4 THEN $5 END, COALESCE($7, 'latest'), \
     COALESCE($8, 0), ",
    seq_before!(),
    ", $3, NULL, CASE WHEN $9 THEN $10 END) ON CONFLICT (app_id, id) DO UPDATE SET known = TRUE, on_duty = COALESCE($6, riders.on_duty), \
     lang = CASE WHEN $4 THEN $5 ELSE riders.lang END, devices = COALESCE($7, riders.devices), \
     not_before = COALESCE($8, riders.not_before), \
     sound_profile = CASE WHEN $9 THEN $10 ELSE riders.sound_profile END RETURNING ",
    rider_columns!()
);
const SELECT: &str = concat!("SELECT ", rider_columns!(), " FROM riders WHERE app_id = $1 AND id = $2");
const SELECT_SOME: Text = each(
    concat!(
        "SELECT ",
        rider_columns!(),
        " FROM riders WHERE app_id = $1 AND id IN (SELECT value FROM json_each($2)) ORDER BY id"
    ),
    concat!(
        "SELECT ",
        rider_columns!(),
        " FROM riders WHERE app_id = $1 AND id IN (SELECT jsonb_array_elements_text(CAST($2 AS JSONB))) ORDER BY id"
    ),
);
const LEAVE: &str =
    concat!("UPDATE riders SET last_seen_at = $3, ", told_from!(), " WHERE app_id = $1 AND id = $2");
const INSERT_CHECK: &str = "INSERT INTO device_checks (app_id, rider_id, at, result) VALUES ($1, $2, $3, $4)";
const DELETE_OLD_CHECKS: &str = "DELETE FROM device_checks WHERE app_id = $1 AND rider_id = $2 AND ordinal NOT IN \
     (SELECT ordinal FROM device_checks WHERE app_id = $1 AND rider_id = $2 ORDER BY ordinal DESC LIMIT $3)";
const SELECT_CHECKS: &str =
    "SELECT at, result FROM device_checks WHERE app_id = $1 AND rider_id = $2 ORDER BY ordinal DESC";

pub(super) async fn touch(db: &mut Db<'_>, rider: &RiderKey, at: EpochMs) -> StoreResult<Rider> {
    let told_from = at.plus_ms(PRESENCE_SETTLES_MS).0;
    let touch = sql(TOUCH).bind(rider.app.to_string()).bind(rider.rider.as_str()).bind(at.0).bind(told_from);
    rider_of(&touch.one(db).await?)
}

pub(super) async fn put(
    db: &mut Db<'_>,
    rider: &RiderKey,
    patch: &RiderPatch,
    at: EpochMs,
) -> StoreResult<Rider> {
    let row = sql(PUT)
        .bind(rider.app.to_string())
        .bind(rider.rider.as_str())
        .bind(at.0)
        .bind(patch.lang.is_some())
        .bind(patch.lang.as_ref().and_then(Option::as_deref))
        .bind(patch.on_duty)
        .bind(patch.devices.map(crate::domain::DevicePolicy::as_str))
        .bind(patch.not_before.map(|at| at.0))
        .bind(patch.sound_profile.is_some())
        .bind(patch.sound_profile.flatten().map(SoundProfile::as_str))
        .one(db)
        .await?;
    rider_of(&row)
}

pub(super) async fn set_duty(
    db: &mut Db<'_>,
    rider: &RiderKey,
    duty: Duty,
    at: EpochMs,
) -> StoreResult<Vec<Ended>> {
    let mut reading = Reading::default();
    reading.riders(db, &BTreeSet::from([rider.clone()])).await?;
    if duty == Duty::Off {
        reading.open_of_rider(db, rider).await?;
    }
    let mut book = reading.into_book();
    let ended = book.set_duty(rider, duty, at);
    save(db, &mut book).await?;
    Ok(ended)
}

pub(super) async fn admit(
    db: &mut Db<'_>,
    rider: &RiderKey,
    admission: Admission,
    at: EpochMs,
) -> StoreResult<Admitted> {
    let mut reading = Reading::default();
    reading.riders(db, &BTreeSet::from([rider.clone()])).await?;
    reading.open_of_rider(db, rider).await?;
    let mut book = reading.into_book();
    let admitted = book.admit(rider, admission, at);
    save(db, &mut book).await?;
    Ok(admitted)
}

/// Notes the last sight of a rider who has a row.
pub(super) async fn leave(db: &mut Db<'_>, rider: &RiderKey, at: EpochMs) -> StoreResult<()> {
    let told_from = at.plus_ms(PRESENCE_SETTLES_MS).0;
    let leave = sql(LEAVE).bind(rider.app.to_string()).bind(rider.rider.as_str()).bind(at.0).bind(told_from);
    leave.run(db).await?;
    Ok(())
}

pub(super) async fn one(db: &mut Db<'_>, rider: &RiderKey) -> StoreResult<Option<Rider>> {
    let row = sql(SELECT).bind(rider.app.to_string()).bind(rider.rider.as_str()).optional(db).await?;
    row.as_ref().map(rider_of).transpose()
}

pub(super) async fn some(db: &mut Db<'_>, app: AppId, ids: &[RiderId]) -> StoreResult<Vec<Rider>> {
    let rows = sql(SELECT_SOME).bind(app.to_string()).bind(rows::json("riders", ids)?).all(db).await?;
    rows.iter().map(rider_of).collect()
}

pub(super) async fn add_check(db: &mut Db<'_>, rider: &RiderKey, check: &DeviceCheck) -> StoreResult<()> {
    let (app, id) = (rider.app.to_string(), rider.rider.as_str());
    sql(INSERT_CHECK).bind(&app).bind(id).bind(check.at.0).bind(&check.result).run(db).await?;
    sql(DELETE_OLD_CHECKS).bind(&app).bind(id).bind(CHECKS_MAX).run(db).await?;
    Ok(())
}

pub(super) async fn checks(db: &mut Db<'_>, rider: &RiderKey) -> StoreResult<Vec<DeviceCheck>> {
    let rows = sql(SELECT_CHECKS).bind(rider.app.to_string()).bind(rider.rider.as_str()).all(db).await?;
    rows.iter()
        .map(|row| {
            let mut fields = Fields::of(row, "device_checks");
            Ok(DeviceCheck { at: fields.moment()?, result: fields.take()? })
        })
        .collect()
}

fn rider_of(row: &Row) -> StoreResult<Rider> {
    rows::rider(&mut Fields::of(row, "riders"))
}

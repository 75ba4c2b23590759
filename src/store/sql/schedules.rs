//! Rows of schedules: events that come again and again.
//! One moves on only from the moment it stands at, so that each time happens once whoever looks.

use serde::Serialize;

use super::db::{Db, Row, Text, each, sql};
use super::rows::{self, Fields};
use crate::domain::app::KeyMode;
use crate::domain::{AppId, EpochMs, EventId, ScheduleId};
use crate::store::{Schedule, StoreResult};

/// Columns of a schedule, for [`schedule`].
macro_rules! schedule_columns {
    () => {
        "id, app_id, event_id, key_mode, body, recurrence, next_at, fired, created_at"
    };
}

const INSERT: Text = each(
    concat!(
        "INSERT INTO schedules (",
        schedule_columns!(),
        ") SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, \
     value ->> 7, value ->> 8 FROM jsonb_each($1)"
    ),
    concat!(
        "INSERT INTO schedules (",
        schedule_columns!(),
        ") SELECT k.v ->> 0, k.v ->> 1, k.v ->> 2, k.v ->> 3, k.v ->> 4, k.v ->> 5, CAST(k.v ->> 6 AS BIGINT), \
     CAST(k.v ->> 7 AS BIGINT), CAST(k.v ->> 8 AS BIGINT) FROM jsonb_array_elements(CAST($1 AS JSONB)) AS k(v)"
    ),
);
pub(super) const DUE: &str = concat!(
    "SELECT ",
    schedule_columns!(),
    " FROM schedules WHERE next_at IS NOT NULL AND next_at <= $1 ORDER BY next_at, id LIMIT $2"
);
const LIVE: &str = concat!(
    "SELECT ",
    schedule_columns!(),
    " FROM schedules WHERE app_id = $1 AND next_at IS NOT NULL ORDER BY created_at, id"
);
const ADVANCE: &str = "UPDATE schedules SET next_at = $3, fired = fired + 1 WHERE id = $1 AND next_at = $2";
const END: &str = "UPDATE schedules SET next_at = NULL WHERE app_id = $1 AND id = $2 AND next_at IS NOT NULL \
     AND ($3 OR key_mode = 'test')";

/// A schedule, in the order `INSERT` takes it.
#[derive(Serialize)]
struct ScheduleRow<'a>(
    ScheduleId,
    AppId,
    &'a EventId,
    &'a str,
    &'a str,
    &'a str,
    Option<EpochMs>,
    u64,
    EpochMs,
);

pub(super) async fn add_all(db: &mut Db<'_>, schedules: &[&Schedule]) -> StoreResult<()> {
    if schedules.is_empty() {
        return Ok(());
    }
    let rows = schedules.iter().map(|schedule| {
        let Schedule { id, app, event_id, key_mode, body, recurrence, next_at, fired, created_at } = schedule;
        ScheduleRow(*id, *app, event_id, key_mode.as_str(), body, recurrence, *next_at, *fired, *created_at)
    });
    let rows: Vec<ScheduleRow<'_>> = rows.collect();
    sql(INSERT).bind(rows::json("schedules", &rows)?).run(db).await?;
    Ok(())
}

pub(super) async fn due(db: &mut Db<'_>, now: EpochMs, limit: u32) -> StoreResult<Vec<Schedule>> {
    let rows = sql(DUE).bind(now.0).bind(limit).all(db).await?;
    rows.iter().map(schedule).collect()
}

pub(super) async fn live(db: &mut Db<'_>, app: AppId) -> StoreResult<Vec<Schedule>> {
    let rows = sql(LIVE).bind(app.to_string()).all(db).await?;
    rows.iter().map(schedule).collect()
}

pub(super) async fn advance(
    db: &mut Db<'_>,
    id: ScheduleId,
    from: EpochMs,
    next_at: Option<EpochMs>,
) -> StoreResult<bool> {
    let advance = sql(ADVANCE).bind(id.to_string()).bind(from.0).bind(next_at.map(|at| at.0));
    Ok(advance.run(db).await? > 0)
}

pub(super) async fn end(db: &mut Db<'_>, app: AppId, by: KeyMode, id: ScheduleId) -> StoreResult<bool> {
    let may_all = by.may_touch(KeyMode::Live);
    let ended = sql(END).bind(app.to_string()).bind(id.to_string()).bind(may_all).run(db).await?;
    Ok(ended > 0)
}

fn schedule(row: &Row) -> StoreResult<Schedule> {
    let mut fields = Fields::of(row, "schedules");
    Ok(Schedule {
        id: fields.parsed()?,
        app: fields.parsed()?,
        event_id: fields.parsed()?,
        key_mode: fields.word(KeyMode::parse)?,
        body: fields.take()?,
        recurrence: fields.take()?,
        next_at: fields.moment_or_null()?,
        fired: fields.count()?,
        created_at: fields.moment()?,
    })
}

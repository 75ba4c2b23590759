//! Rows of notices: what desks and backends must hear of, numbered in the order it happened.
//! They are added and read, and go with their age.

use serde::Serialize;

use super::db::{Db, Row, Text, each, sql};
use super::locks;
use super::rows::{self, Fields};
use crate::domain::app::KeyMode;
use crate::domain::{AlertId, AppId, EpochMs, OrderId, RiderId, RiderKey};
use crate::store::{Notice, NoticeKind, NumberedNotice, StoreResult};

const INSERT: Text = each(
    "INSERT INTO notices (app_id, key_mode, kind, alert_id, order_id, rider_id, at) \
     SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6 \
     FROM jsonb_each($1) ORDER BY key",
    "INSERT INTO notices (app_id, key_mode, kind, alert_id, order_id, rider_id, at) \
     SELECT k.v ->> 0, k.v ->> 1, k.v ->> 2, k.v ->> 3, k.v ->> 4, k.v ->> 5, CAST(k.v ->> 6 AS BIGINT) \
     FROM jsonb_array_elements(CAST($1 AS JSONB)) WITH ORDINALITY AS k(v, n) ORDER BY k.n",
);
const SELECT: &str = "SELECT number, app_id, key_mode, kind, alert_id, order_id, rider_id, at FROM notices \
     WHERE app_id = $1 AND number > $2 ORDER BY number LIMIT $3";

const SELECT_OF_RIDER: &str = "SELECT number, app_id, key_mode, kind, alert_id, order_id, rider_id, at FROM notices \
     WHERE app_id = $1 AND rider_id = $2 ORDER BY number LIMIT $3";

/// A notice, in the order `INSERT` takes it.
#[derive(Serialize)]
struct NoticeRow<'a>(
    AppId,
    &'a str,
    &'a str,
    Option<AlertId>,
    Option<&'a OrderId>,
    Option<&'a RiderId>,
    EpochMs,
);

pub(super) async fn add_all(db: &mut Db<'_>, notices: &[Notice]) -> StoreResult<()> {
    if notices.is_empty() {
        return Ok(());
    }
    locks::notices(db).await?;
    let rows = notices.iter().map(|notice| {
        let (order, rider) = (notice.order.as_ref(), notice.rider.as_ref());
        let (mode, kind) = (notice.key_mode.as_str(), notice.kind.as_str());
        NoticeRow(notice.app, mode, kind, notice.alert, order, rider, notice.at)
    });
    let rows: Vec<NoticeRow<'_>> = rows.collect();
    sql(INSERT).bind(rows::json("notices", &rows)?).run(db).await?;
    Ok(())
}

pub(super) async fn after(
    db: &mut Db<'_>,
    app: AppId,
    after: i64,
    limit: u32,
) -> StoreResult<Vec<NumberedNotice>> {
    let rows = sql(SELECT).bind(app.to_string()).bind(after).bind(limit).all(db).await?;
    rows.iter().map(numbered).collect()
}

/// Notices that name a rider.
pub(super) async fn of_rider(
    db: &mut Db<'_>,
    rider: &RiderKey,
    limit: u32,
) -> StoreResult<Vec<NumberedNotice>> {
    let select = sql(SELECT_OF_RIDER).bind(rider.app.to_string()).bind(rider.rider.as_str());
    let rows = select.bind(limit).all(db).await?;
    rows.iter().map(numbered).collect()
}

fn numbered(row: &Row) -> StoreResult<NumberedNotice> {
    let mut fields = Fields::of(row, "notices");
    let number = fields.take()?;
    let notice = Notice {
        app: fields.parsed()?,
        key_mode: fields.word(KeyMode::parse)?,
        kind: fields.word(NoticeKind::parse)?,
        alert: fields.parsed_or_null()?,
        order: fields.parsed_or_null()?,
        rider: fields.parsed_or_null()?,
        at: fields.moment()?,
    };
    Ok(NumberedNotice { number, notice })
}

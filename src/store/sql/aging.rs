//! What has become too old goes, in slices, each found by an index on when it ended.
//! What refers goes before what it refers to; what is open is never touched.

use super::db::{Db, Dialect, Text, each, sql};
use super::rows::{self, Fields};
use super::wechat;
use crate::domain::callback::CallbackState;
use crate::domain::{Aged, AlertId, AppId, EpochMs, Ladder};
use crate::store::{Gone, StoreResult};

/// PostgreSQL alone: whether nobody else deletes at this moment. Nodes take turns, a slice each.
const ALONE: &str = "SELECT pg_try_advisory_xact_lock(hashtextextended('orderbell.retention', 0))";

/// Alerts that ended before `$2` and of which the backend knows; `$3` is whether they say nothing any more.
macro_rules! ended_alerts {
    () => {
        "SELECT id, ladder FROM alerts WHERE app_id = $1 AND texts_gone = $3 AND ended_at IS NOT NULL \
         AND ended_at < $2 AND open_count = 0 AND NOT EXISTS (SELECT 1 FROM callbacks AS c \
         WHERE c.alert_id = alerts.id AND c.state = 'waiting') ORDER BY ended_at LIMIT $4"
    };
}

pub(super) const ENDED_ALERTS: Text =
    each(ended_alerts!(), concat!(ended_alerts!(), " FOR UPDATE SKIP LOCKED"));

/// What an alert loses when it says nothing any more. Its name, its label and its way to the ear stay.
macro_rules! emptied {
    () => {
        "UPDATE alerts SET texts_gone = TRUE, text = '', said = '', card = '{}', ext = '{}', sound = NULL, \
         collapse_key = NULL, candidates = '[]' WHERE id IN "
    };
}

const EMPTY_ALERTS: Text = each(
    concat!(emptied!(), "(SELECT value FROM json_each($1))"),
    concat!(emptied!(), "(SELECT jsonb_array_elements_text(CAST($1 AS JSONB)))"),
);
const SET_LADDER: &str = "UPDATE alerts SET ladder = $2 WHERE id = $1";
const DELETE_DELIVERIES: Text = each(
    "DELETE FROM deliveries WHERE ordinal IN (SELECT d.ordinal FROM json_each($1) AS k \
     CROSS JOIN deliveries AS d ON d.alert_id = k.value LIMIT $2)",
    "DELETE FROM deliveries WHERE ordinal IN (SELECT d.ordinal \
     FROM jsonb_array_elements_text(CAST($1 AS JSONB)) AS k (id) JOIN deliveries AS d ON d.alert_id = k.id LIMIT $2)",
);
const DELETE_TARGETS: Text = each(
    "DELETE FROM targets WHERE alert_id IN (SELECT value FROM json_each($1))",
    "DELETE FROM targets WHERE alert_id IN (SELECT jsonb_array_elements_text(CAST($1 AS JSONB)))",
);
const DELETE_CALLS_OF: Text = each(
    "DELETE FROM calls WHERE alert_id IN (SELECT value FROM json_each($1))",
    "DELETE FROM calls WHERE alert_id IN (SELECT jsonb_array_elements_text(CAST($1 AS JSONB)))",
);
const DELETE_ALERTS: Text = each(
    "DELETE FROM alerts WHERE id IN (SELECT value FROM json_each($1))",
    "DELETE FROM alerts WHERE id IN (SELECT jsonb_array_elements_text(CAST($1 AS JSONB)))",
);
// Numbers rise with time: the oldest stand first, and no more of them are looked at than may go.
pub(super) const DELETE_NOTICES: &str = "DELETE FROM notices WHERE number IN (SELECT number FROM \
     (SELECT number, at FROM notices WHERE app_id = $1 ORDER BY number LIMIT $3) AS oldest WHERE at < $2)";
pub(super) const DELETE_CALLS: &str = "DELETE FROM calls WHERE id IN (SELECT id FROM calls WHERE app_id = $1 \
     AND ended_at IS NOT NULL AND ended_at < $2 ORDER BY ended_at LIMIT $3)";
pub(super) const DELETE_MESSAGES: &str = "DELETE FROM wechat_messages WHERE (alert_id, rider_id) IN \
     (SELECT alert_id, rider_id FROM wechat_messages WHERE app_id = $1 AND ended_at IS NOT NULL AND ended_at < $2 \
     ORDER BY ended_at LIMIT $3)";
pub(super) const DELETE_CALLBACKS: &str = "DELETE FROM callbacks WHERE number IN (SELECT number FROM callbacks \
     WHERE app_id = $1 AND state = $4 AND ended_at IS NOT NULL AND ended_at < $2 ORDER BY ended_at LIMIT $3)";
pub(super) const DELETE_OF_ERASED: &str = "DELETE FROM callbacks WHERE number IN (SELECT number FROM callbacks \
     WHERE of_erased AND state <> 'waiting' ORDER BY number LIMIT $1)";
pub(super) const DELETE_CHECKS: &str = "DELETE FROM device_checks WHERE ordinal IN \
     (SELECT ordinal FROM device_checks WHERE app_id = $1 AND at < $2 ORDER BY at LIMIT $3)";
pub(super) const DELETE_SCHEDULES: &str = "DELETE FROM schedules WHERE id IN \
     (SELECT id FROM schedules WHERE next_at IS NULL ORDER BY id LIMIT $1)";
pub(super) const DELETE_ERASURES: &str = "DELETE FROM erasures WHERE (app_id, mark) IN \
     (SELECT app_id, mark FROM erasures WHERE at < $1 ORDER BY at LIMIT $2)";

/// What is asked of [`age`].
pub(super) struct Slice {
    /// Of which app.
    pub(super) app: AppId,
    /// What.
    pub(super) what: Aged,
    /// What ended before.
    pub(super) before: EpochMs,
    /// Most rows.
    pub(super) limit: u32,
}

pub(super) async fn age(db: &mut Db<'_>, slice: &Slice) -> StoreResult<Gone> {
    let mut gone = Gone::default();
    if !is_alone(db).await? {
        return Ok(gone);
    }
    let delete = |statement: &'static str| {
        sql(statement).bind(slice.app.to_string()).bind(slice.before.0).bind(slice.limit)
    };
    match slice.what {
        Aged::Texts => {
            let alerts = ended_alerts(db, slice, false).await?;
            gone.add("texts", empty(db, &alerts).await?);
        }
        Aged::Alerts => delete_alerts(db, slice, &mut gone).await?,
        Aged::Notices => gone.add("notices", delete(DELETE_NOTICES).run(db).await?),
        Aged::Calls => {
            gone.add("calls", delete(DELETE_CALLS).run(db).await?);
            gone.add("wechat_messages", delete(DELETE_MESSAGES).run(db).await?);
        }
        Aged::Callbacks | Aged::DeadCallbacks => {
            let delivered = slice.what == Aged::Callbacks;
            let state = if delivered { CallbackState::Delivered } else { CallbackState::Dead };
            gone.add("callbacks", delete(DELETE_CALLBACKS).bind(state.as_str()).run(db).await?);
        }
        Aged::Checks => gone.add("device_checks", delete(DELETE_CHECKS).run(db).await?),
    }
    Ok(gone)
}

pub(super) async fn tidy(db: &mut Db<'_>, before: EpochMs, limit: u32) -> StoreResult<Gone> {
    let mut gone = Gone::default();
    if is_alone(db).await? {
        gone.add("schedules", sql(DELETE_SCHEDULES).bind(limit).run(db).await?);
        gone.add("callbacks", sql(DELETE_OF_ERASED).bind(limit).run(db).await?);
        gone.add("erasures", sql(DELETE_ERASURES).bind(before.0).bind(limit).run(db).await?);
    }
    Ok(gone)
}

/// Whether this node may delete now; in SQLite there is one writer anyway.
async fn is_alone(db: &mut Db<'_>) -> StoreResult<bool> {
    match db.dialect() {
        Dialect::Sqlite => Ok(true),
        Dialect::Postgres => Fields::of(&sql(ALONE).one(db).await?, "locks").take(),
    }
}

/// Alerts that may go, or be emptied, the longest over first.
async fn ended_alerts(
    db: &mut Db<'_>,
    slice: &Slice,
    texts_gone: bool,
) -> StoreResult<Vec<(AlertId, Ladder)>> {
    let found = sql(ENDED_ALERTS)
        .bind(slice.app.to_string())
        .bind(slice.before.0)
        .bind(texts_gone)
        .bind(slice.limit)
        .all(db)
        .await?;
    found.iter().map(|row| with_ladder(&mut Fields::of(row, "alerts"))).collect()
}

pub(super) fn with_ladder(fields: &mut Fields<'_>) -> StoreResult<(AlertId, Ladder)> {
    Ok((fields.parsed()?, fields.list()?))
}

/// Takes from alerts what they say; returns how many.
pub(super) async fn empty(db: &mut Db<'_>, alerts: &[(AlertId, Ladder)]) -> StoreResult<u64> {
    if alerts.is_empty() {
        return Ok(0);
    }
    for (id, ladder) in alerts {
        if let Some(bare) = ladder.without_calls() {
            let bare = rows::json("alerts", &bare)?;
            sql(SET_LADDER).bind(id.to_string()).bind(bare).run(db).await?;
        }
    }
    sql(EMPTY_ALERTS).bind(ids(alerts)?).run(db).await
}

/// Deliveries first: an alert goes when it has none left, which for a large one takes several slices.
async fn delete_alerts(db: &mut Db<'_>, slice: &Slice, gone: &mut Gone) -> StoreResult<()> {
    let alerts = ended_alerts(db, slice, true).await?;
    if alerts.is_empty() {
        return Ok(());
    }
    let ids = ids(&alerts)?;
    let deliveries = sql(DELETE_DELIVERIES).bind(&ids).bind(slice.limit).run(db).await?;
    gone.add("deliveries", deliveries);
    if deliveries >= slice.limit.into() {
        return Ok(());
    }
    sql(DELETE_TARGETS).bind(&ids).run(db).await?;
    gone.add("calls", sql(DELETE_CALLS_OF).bind(&ids).run(db).await?);
    gone.add("wechat_messages", sql(wechat::DELETE_OF_ALERTS).bind(&ids).run(db).await?);
    gone.add("alerts", sql(DELETE_ALERTS).bind(&ids).run(db).await?);
    Ok(())
}

fn ids(alerts: &[(AlertId, Ladder)]) -> StoreResult<String> {
    let ids: Vec<AlertId> = alerts.iter().map(|(id, _)| *id).collect();
    rows::json("alerts", &ids)
}

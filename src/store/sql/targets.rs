//! Audiences that are told later: large ones, in parts, and those whose time has not come.
//! A cursor says how far an audience was told, so that each rider is told once whatever happens in between.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::book::{Reading, save};
use super::db::{Db, Dialect, Text, each, sql};
use super::error::overtaken;
use super::rows::{self, Fields, head_columns};
use crate::domain::book::{self, Last, Reached, UNHEARD_MAX};
use crate::domain::kind::OrderPolicy;
use crate::domain::order::Stamp;
use crate::domain::{AlertId, AppId, EpochMs, GroupId, RiderId, RiderKey, Target};
use crate::store::{DueTarget, NewEvent, StoreResult, Unrolled, World};

const INSERT: Text = each(
    "INSERT INTO targets (alert_id, target, version, occurred_at, cursor) \
     SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, '' FROM jsonb_each($1)",
    "INSERT INTO targets (alert_id, target, version, occurred_at, cursor) SELECT k.v ->> 0, k.v ->> 1, \
     CAST(k.v ->> 2 AS BIGINT), CAST(k.v ->> 3 AS BIGINT), '' FROM json_array_elements(CAST($1 AS JSON)) AS k(v)",
);
pub(super) const DUE: Text = each(
    "SELECT app_id, id, kind FROM alerts WHERE state IN ('active', 'scheduled') \
     AND unrolling = 1 AND starts_at <= $1 ORDER BY starts_at, id LIMIT $2",
    "SELECT app_id, id, kind FROM alerts WHERE state IN ('active', 'scheduled') \
     AND unrolling AND starts_at <= $1 ORDER BY starts_at, id LIMIT $2",
);
const SELECT: &str = concat!(
    "SELECT t.target, t.version, t.occurred_at, t.cursor, t.reached, ",
    head_columns!(),
    " FROM targets AS t JOIN alerts AS a ON a.id = t.alert_id WHERE t.alert_id = $1"
);
// `$2` is a rider as it stands in JSON; what is found is looked at once more.
pub(super) const NAMING: Text = each(
    "SELECT t.alert_id, t.target FROM targets AS t JOIN alerts AS a ON a.id = t.alert_id \
     WHERE a.app_id = $1 AND instr(t.target, $2) > 0 ORDER BY t.alert_id",
    "SELECT t.alert_id, t.target FROM targets AS t JOIN alerts AS a ON a.id = t.alert_id \
     WHERE a.app_id = $1 AND strpos(t.target, $2) > 0 ORDER BY t.alert_id FOR UPDATE OF t",
);
const SET_TARGET: &str = "UPDATE targets SET target = $2 WHERE alert_id = $1";
const MOVE: &str = "UPDATE targets SET cursor = $2, reached = $3 WHERE alert_id = $1";
const CURSOR: &str = "SELECT cursor FROM targets WHERE alert_id = $1";
const DELETE: &str = "DELETE FROM targets WHERE alert_id = $1";
// Each part is cut before they are joined: what comes later is not looked at.
pub(super) const NEXT: Text = each(
    "SELECT id FROM (\
     SELECT * FROM (SELECT DISTINCT value AS id FROM json_each($2) \
     WHERE value > $6 AND value NOT IN (SELECT value FROM json_each($5)) ORDER BY value LIMIT $7) UNION \
     SELECT * FROM (SELECT DISTINCT rider_id FROM group_members WHERE app_id = $1 \
     AND group_id IN (SELECT value FROM json_each($3)) AND rider_id > $6 \
     AND rider_id NOT IN (SELECT value FROM json_each($5)) ORDER BY rider_id LIMIT $7) UNION \
     SELECT * FROM (SELECT id FROM riders WHERE app_id = $1 AND known AND $4 AND id > $6 \
     AND id NOT IN (SELECT value FROM json_each($5)) ORDER BY id LIMIT $7)) ORDER BY id LIMIT $7",
    "SELECT id FROM (\
     (SELECT DISTINCT k.id COLLATE \"C\" AS id FROM jsonb_array_elements_text(CAST($2 AS JSONB)) AS k(id) \
     WHERE k.id COLLATE \"C\" > $6 AND k.id NOT IN (SELECT jsonb_array_elements_text(CAST($5 AS JSONB))) \
     ORDER BY id LIMIT $7) UNION \
     (SELECT DISTINCT rider_id FROM group_members WHERE app_id = $1 \
     AND group_id IN (SELECT jsonb_array_elements_text(CAST($3 AS JSONB))) AND rider_id > $6 \
     AND rider_id NOT IN (SELECT jsonb_array_elements_text(CAST($5 AS JSONB))) ORDER BY rider_id LIMIT $7) UNION \
     (SELECT id FROM riders WHERE app_id = $1 AND known AND $4 AND id > $6 \
     AND id NOT IN (SELECT jsonb_array_elements_text(CAST($5 AS JSONB))) ORDER BY id LIMIT $7)) AS n \
     ORDER BY id LIMIT $7",
);

/// Whom an alert is for, as it is kept.
#[derive(Serialize)]
struct TargetRow<'a> {
    riders: &'a [RiderId],
    groups: &'a [GroupId],
    broadcast: bool,
    exclude: &'a [RiderId],
}

/// The same as it is read.
#[derive(Deserialize, Serialize)]
struct Waiting {
    riders: Vec<RiderId>,
    groups: Vec<GroupId>,
    broadcast: bool,
    exclude: Vec<RiderId>,
}

/// Keeps the audiences of these events' alerts.
pub(super) async fn add_all(db: &mut Db<'_>, events: &[(&NewEvent, AlertId)]) -> StoreResult<()> {
    if events.is_empty() {
        return Ok(());
    }
    let rows = events.iter().map(|(event, alert)| {
        let Target { riders, groups, broadcast, exclude, duty: _ } = &event.target;
        let target = TargetRow { riders, groups, broadcast: *broadcast, exclude };
        (alert, target, event.stamp.version, event.stamp.occurred_at)
    });
    let rows: Vec<_> = rows.collect();
    sql(INSERT).bind(rows::json("targets", &rows)?).run(db).await?;
    Ok(())
}

pub(super) async fn due(db: &mut Db<'_>, now: EpochMs, limit: u32) -> StoreResult<Vec<DueTarget>> {
    let rows = sql(DUE).bind(now.0).bind(limit).all(db).await?;
    rows.iter()
        .map(|row| {
            let mut fields = Fields::of(row, "alerts");
            Ok(DueTarget { app: fields.parsed()?, alert: fields.parsed()?, kind: fields.take()? })
        })
        .collect()
}

/// What is asked of [`unroll`].
pub(super) struct Part {
    /// Of which alert.
    pub(super) alert: AlertId,
    /// Most riders.
    pub(super) chunk: u32,
    /// What its kind means for the order.
    pub(super) policy: OrderPolicy,
    /// What the rules go by.
    pub(super) world: World,
    /// When.
    pub(super) at: EpochMs,
}

pub(super) async fn unroll(db: &mut Db<'_>, part: &Part) -> StoreResult<Unrolled> {
    let id = part.alert.to_string();
    let Some(row) = sql(SELECT).bind(&id).optional(db).await? else {
        return Ok(Unrolled::default());
    };
    let mut fields = Fields::of(&row, "targets");
    let waiting: Waiting = fields.json()?;
    let stamp = Stamp { version: fields.take()?, occurred_at: fields.moment_or_null()? };
    let cursor: String = fields.take()?;
    let reached = if fields.take()? { Reached::Somebody } else { Reached::Nobody };
    let head = rows::head(&mut fields)?;
    if !head.is_open() {
        sql(DELETE).bind(&id).run(db).await?;
        return Ok(Unrolled::default());
    }
    if head.starts_at > part.at {
        return Ok(Unrolled::default());
    }
    let riders = next(db, head.app, &waiting, &cursor, part.chunk).await?;
    let last = if riders.len() < part.chunk as usize { Last::Yes } else { Last::No };
    let keys = riders.iter().map(|rider| RiderKey { app: head.app, rider: rider.clone() });
    let keys: BTreeSet<RiderKey> = keys.collect();
    let mut reading = Reading::default();
    reading.orders(db, head.order().as_ref()).await?;
    reading.riders(db, &keys).await?;
    reading.heads(db, &[part.alert]).await?;
    refuse_if_moved(db, &id, &cursor).await?;
    reading.standing(db, &riders.iter().map(|rider| (part.alert, rider)).collect()).await?;
    let collapse_keys = head.collapse_key.as_deref().into_iter().collect();
    reading.open_that_match(db, &keys, &BTreeSet::new(), &collapse_keys).await?;
    if last == Last::Yes && reached == Reached::Nobody && head.open_count <= UNHEARD_MAX {
        // Where nobody hears it, those who were told before may have agreed to a message as well.
        reading.open_of_alerts(db, &[part.alert]).await?;
    }
    let mut book = reading.into_book();
    let context = part.world.context(part.at);
    let next = book::Part { riders: &riders, last, reached };
    let (ended, reached) = book.unroll(part.alert, &next, &part.policy, stamp, &context);
    save(db, &mut book).await?;
    match (last, riders.last()) {
        (Last::No, Some(rider)) => {
            let reached = reached == Reached::Somebody;
            sql(MOVE).bind(&id).bind(rider.as_str()).bind(reached).run(db).await?
        }
        (Last::Yes, _) | (Last::No, None) => sql(DELETE).bind(&id).run(db).await?,
    };
    let open =
        |key: &RiderKey| book.delivery(part.alert, &key.rider).is_some_and(crate::domain::Delivery::is_open);
    let told = keys.into_iter().filter(open).collect();
    Ok(Unrolled { riders: told, ended, more: last == Last::No })
}

/// Takes a rider who is erased out of audiences that are still to be told; out of how many.
pub(super) async fn forget_rider(db: &mut Db<'_>, rider: &RiderKey) -> StoreResult<u64> {
    let asking = sql(NAMING).bind(rider.app.to_string()).bind(rows::json("targets", &rider.rider)?);
    let mut changed = 0;
    for row in &asking.all(db).await? {
        let mut fields = Fields::of(row, "targets");
        let (alert, mut waiting): (String, Waiting) = (fields.take()?, fields.json()?);
        let named = waiting.riders.len() + waiting.exclude.len();
        waiting.riders.retain(|named| *named != rider.rider);
        waiting.exclude.retain(|named| *named != rider.rider);
        if waiting.riders.len() + waiting.exclude.len() < named {
            let target = rows::json("targets", &waiting)?;
            changed += sql(SET_TARGET).bind(alert).bind(target).run(db).await?;
        }
    }
    Ok(changed)
}

/// In PostgreSQL another node may have told this part, or ended the alert, until we held its row.
async fn refuse_if_moved(db: &mut Db<'_>, alert: &str, cursor: &str) -> StoreResult<()> {
    if db.dialect() == Dialect::Sqlite {
        return Ok(());
    }
    let row = sql(CURSOR).bind(alert).optional(db).await?;
    let now: Option<String> = row.as_ref().map(|row| Fields::of(row, "targets").take()).transpose()?;
    if now.as_deref() == Some(cursor) { Ok(()) } else { Err(overtaken()) }
}

/// The next riders by their ids.
async fn next(
    db: &mut Db<'_>,
    app: AppId,
    waiting: &Waiting,
    after: &str,
    limit: u32,
) -> StoreResult<Vec<RiderId>> {
    let rows = sql(NEXT)
        .bind(app.to_string())
        .bind(rows::json("targets", &waiting.riders)?)
        .bind(rows::json("targets", &waiting.groups)?)
        .bind(waiting.broadcast)
        .bind(rows::json("targets", &waiting.exclude)?)
        .bind(after)
        .bind(limit)
        .all(db)
        .await?;
    rows.iter().map(|row| Fields::of(row, "riders").parsed()).collect()
}

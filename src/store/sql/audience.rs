//! Who hears an event: its target resolved inside the transaction, if those it means are few enough to be told at once.
//! Of a larger audience only the number is found here: the writer has others to serve.

use std::collections::HashSet;

use super::db::{Db, Row, Text, each, sql};
use super::rows::{self, Fields};
use crate::domain::book::Audience;
use crate::domain::{AppId, EpochMs, RiderId, Target};
use crate::store::{AUDIENCE_MAX, NewEvent, StoreResult};

const SELECT_MEMBERS: Text = each(
    "SELECT m.rider_id FROM json_each($2) AS g \
     CROSS JOIN group_members AS m ON m.app_id = $1 AND m.group_id = g.value \
     ORDER BY g.key, m.rider_id LIMIT $3",
    "SELECT m.rider_id FROM jsonb_array_elements_text(CAST($2 AS JSONB)) WITH ORDINALITY AS g(id, n) \
     JOIN group_members AS m ON m.app_id = $1 AND m.group_id = g.id ORDER BY g.n, m.rider_id LIMIT $3",
);
pub(super) const SELECT_KNOWN: &str =
    "SELECT id FROM riders WHERE app_id = $1 AND known ORDER BY id LIMIT $2";
// Everyone known, and of the others those who are named or are members; each once, less the excluded.
pub(super) const COUNT: Text = each(
    "SELECT (SELECT COUNT(*) FROM riders WHERE app_id = $1 AND known AND $4 \
     AND id NOT IN (SELECT value FROM json_each($5))) + (SELECT COUNT(*) FROM \
     (SELECT value AS id FROM json_each($2) UNION SELECT rider_id FROM group_members WHERE app_id = $1 \
     AND group_id IN (SELECT value FROM json_each($3))) AS n \
     WHERE n.id NOT IN (SELECT value FROM json_each($5)) \
     AND NOT ($4 AND EXISTS (SELECT 1 FROM riders AS r WHERE r.app_id = $1 AND r.id = n.id AND r.known)))",
    "SELECT (SELECT COUNT(*) FROM riders WHERE app_id = $1 AND known AND $4 \
     AND id NOT IN (SELECT jsonb_array_elements_text(CAST($5 AS JSONB)))) + (SELECT COUNT(*) FROM \
     (SELECT jsonb_array_elements_text(CAST($2 AS JSONB)) AS id UNION SELECT rider_id FROM group_members \
     WHERE app_id = $1 AND group_id IN (SELECT jsonb_array_elements_text(CAST($3 AS JSONB)))) AS n \
     WHERE n.id NOT IN (SELECT jsonb_array_elements_text(CAST($5 AS JSONB))) \
     AND NOT ($4 AND EXISTS (SELECT 1 FROM riders AS r WHERE r.app_id = $1 AND r.id = n.id AND r.known)))",
);

/// Whom an event is for, and how many these are.
pub(super) struct Resolved {
    /// Whom.
    pub(super) audience: Audience,
    /// How many.
    pub(super) means: u64,
}

/// Finds whom an event is for: those named, then members of its groups, then everyone; each once.
pub(super) async fn resolve(db: &mut Db<'_>, event: &NewEvent, now: EpochMs) -> StoreResult<Resolved> {
    // What comes again and again, or changes nothing, is for nobody now.
    if event.schedule.is_some() || (event.alert.is_none() && event.order_id.is_none()) {
        return Ok(Resolved { audience: Audience::Now(Vec::new()), means: 0 });
    }
    let (app, target) = (event.app, &event.target);
    if event.alert.as_ref().is_some_and(|alert| alert.starts_at > now) {
        return Ok(Resolved { audience: Audience::Later, means: count(db, app, target).await? });
    }
    // One row more than is told at once, were nobody found twice or excluded.
    let rows_max = AUDIENCE_MAX + 1 + target.riders.len() + target.exclude.len();
    if let Some(riders) = riders(db, app, target, Some(rows_max)).await? {
        return Ok(now_or_later(riders));
    }
    let means = count(db, app, target).await?;
    if means > AUDIENCE_MAX as u64 {
        return Ok(Resolved { audience: Audience::Later, means });
    }
    let riders = riders(db, app, target, None).await?;
    Ok(now_or_later(riders.unwrap_or_default()))
}

fn now_or_later(riders: Vec<RiderId>) -> Resolved {
    let means = riders.len() as u64;
    let audience = if riders.len() > AUDIENCE_MAX { Audience::Later } else { Audience::Now(riders) };
    Resolved { audience, means }
}

/// Everyone the target means; `None` if that takes more than `rows_max` rows to find.
async fn riders(
    db: &mut Db<'_>,
    app: AppId,
    target: &Target,
    rows_max: Option<usize>,
) -> StoreResult<Option<Vec<RiderId>>> {
    let limit = rows_max.and_then(|rows| i64::try_from(rows).ok()).unwrap_or(i64::MAX);
    let is_cut = |rows: &[Row]| rows_max.is_some_and(|max| rows.len() >= max);
    let mut riders = target.riders.clone();
    if !target.groups.is_empty() {
        let groups = rows::json("groups", &target.groups)?;
        let members = sql(SELECT_MEMBERS).bind(app.to_string()).bind(groups).bind(limit);
        let members = members.all(db).await?;
        if is_cut(&members) {
            return Ok(None);
        }
        add_all(&mut riders, &members)?;
    }
    if target.broadcast {
        let known = sql(SELECT_KNOWN).bind(app.to_string()).bind(limit).all(db).await?;
        if is_cut(&known) {
            return Ok(None);
        }
        add_all(&mut riders, &known)?;
    }
    if riders.len() > 1 || !target.exclude.is_empty() {
        let mut passed_over: HashSet<RiderId> = target.exclude.iter().cloned().collect();
        riders.retain(|rider| passed_over.insert(rider.clone()));
    }
    Ok(Some(riders))
}

fn add_all(riders: &mut Vec<RiderId>, rows: &[Row]) -> StoreResult<()> {
    for row in rows {
        riders.push(Fields::of(row, "riders").parsed()?);
    }
    Ok(())
}

/// How many a target means.
pub(super) async fn count(db: &mut Db<'_>, app: AppId, target: &Target) -> StoreResult<u64> {
    let count = sql(COUNT)
        .bind(app.to_string())
        .bind(rows::json("riders", &target.riders)?)
        .bind(rows::json("groups", &target.groups)?)
        .bind(target.broadcast)
        .bind(rows::json("riders", &target.exclude)?)
        .one(db)
        .await?;
    Fields::of(&count, "riders").count()
}

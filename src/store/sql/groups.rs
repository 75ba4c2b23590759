//! Rows of groups and of who is in them.
//! Members are names: a group may hold riders that nobody has seen yet.

use super::db::{Db, sql};
use super::rows::{Fields, json};
use crate::domain::{AppId, GroupId, RiderId};
use crate::store::StoreResult;

const INSERT: &str = "INSERT INTO groups (app_id, id) VALUES ($1, $2) ON CONFLICT (app_id, id) DO NOTHING";
const DELETE: &str = "DELETE FROM groups WHERE app_id = $1 AND id = $2";
const SELECT: &str = "SELECT id FROM groups WHERE app_id = $1 ORDER BY id";
const CLEAR: &str = "DELETE FROM group_members WHERE app_id = $1 AND group_id = $2";
const ADD: &str = "INSERT INTO group_members (app_id, group_id, rider_id) \
     SELECT $1, $2, value FROM json_each($3) WHERE TRUE \
     ON CONFLICT (app_id, group_id, rider_id) DO NOTHING";
const REMOVE: &str = "DELETE FROM group_members WHERE app_id = $1 AND group_id = $2 \
     AND rider_id IN (SELECT value FROM json_each($3))";
// One row without a member tells an empty group from none.
const SELECT_MEMBERS: &str = "SELECT m.rider_id FROM groups AS g LEFT JOIN group_members AS m \
     ON m.app_id = g.app_id AND m.group_id = g.id WHERE g.app_id = $1 AND g.id = $2 ORDER BY m.rider_id";

pub(super) async fn put(
    db: &mut Db<'_>,
    app: AppId,
    group: &GroupId,
    members: &[RiderId],
) -> StoreResult<()> {
    sql(CLEAR).bind(app.to_string()).bind(group.as_str()).run(db).await?;
    change(db, app, group, members, &[]).await
}

pub(super) async fn change(
    db: &mut Db<'_>,
    app: AppId,
    group: &GroupId,
    add: &[RiderId],
    remove: &[RiderId],
) -> StoreResult<()> {
    let app = app.to_string();
    sql(INSERT).bind(&app).bind(group.as_str()).run(db).await?;
    for (statement, riders) in [(ADD, add), (REMOVE, remove)] {
        if !riders.is_empty() {
            let riders = json("group_members", riders)?;
            sql(statement).bind(&app).bind(group.as_str()).bind(riders).run(db).await?;
        }
    }
    Ok(())
}

pub(super) async fn members(
    db: &mut Db<'_>,
    app: AppId,
    group: &GroupId,
) -> StoreResult<Option<Vec<RiderId>>> {
    let rows = sql(SELECT_MEMBERS).bind(app.to_string()).bind(group.as_str()).all(db).await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let members = rows.iter().map(|row| Fields::of(row, "group_members").parsed_or_null());
    let members = members.collect::<StoreResult<Vec<Option<RiderId>>>>()?;
    Ok(Some(members.into_iter().flatten().collect()))
}

pub(super) async fn all(db: &mut Db<'_>, app: AppId) -> StoreResult<Vec<GroupId>> {
    let rows = sql(SELECT).bind(app.to_string()).all(db).await?;
    rows.iter().map(|row| Fields::of(row, "groups").parsed()).collect()
}

pub(super) async fn delete(db: &mut Db<'_>, app: AppId, group: &GroupId) -> StoreResult<bool> {
    let deleted = sql(DELETE).bind(app.to_string()).bind(group.as_str()).run(db).await?;
    Ok(deleted > 0)
}

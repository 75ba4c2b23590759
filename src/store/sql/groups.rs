//! Rows of groups and of who is in them.
//! Members are names: a group may hold riders that nobody has seen yet.

use super::db::{Db, Text, each, sql};
use super::rows::{Fields, json};
use crate::domain::{AppId, GroupId, RiderId};
use crate::store::StoreResult;

// In PostgreSQL it locks the group's row as well: two who change a group come one after the other.
const INSERT: Text = each(
    "INSERT INTO groups (app_id, id) VALUES ($1, $2) ON CONFLICT (app_id, id) DO NOTHING",
    "INSERT INTO groups (app_id, id) VALUES ($1, $2) ON CONFLICT (app_id, id) DO UPDATE SET id = excluded.id",
);
const DELETE: &str = "DELETE FROM groups WHERE app_id = $1 AND id = $2";
const SELECT: &str = "SELECT id FROM groups WHERE app_id = $1 ORDER BY id";
const CLEAR: &str = "DELETE FROM group_members WHERE app_id = $1 AND group_id = $2";
const ADD: Text = each(
    "INSERT INTO group_members (app_id, group_id, rider_id) \
     SELECT $1, $2, value FROM json_each($3) WHERE TRUE \
     ON CONFLICT (app_id, group_id, rider_id) DO NOTHING",
    "INSERT INTO group_members (app_id, group_id, rider_id) \
     SELECT $1, $2, jsonb_array_elements_text(CAST($3 AS JSONB)) \
     ON CONFLICT (app_id, group_id, rider_id) DO NOTHING",
);
const REMOVE: Text = each(
    "DELETE FROM group_members WHERE app_id = $1 AND group_id = $2 \
     AND rider_id IN (SELECT value FROM json_each($3))",
    "DELETE FROM group_members WHERE app_id = $1 AND group_id = $2 \
     AND rider_id IN (SELECT jsonb_array_elements_text(CAST($3 AS JSONB)))",
);
// One row without a member tells an empty group from none.
const SELECT_MEMBERS: &str = "SELECT m.rider_id FROM groups AS g LEFT JOIN group_members AS m \
     ON m.app_id = g.app_id AND m.group_id = g.id WHERE g.app_id = $1 AND g.id = $2 ORDER BY m.rider_id";

pub(super) async fn put(
    db: &mut Db<'_>,
    app: AppId,
    group: &GroupId,
    members: &[RiderId],
) -> StoreResult<()> {
    let id = app.to_string();
    sql(INSERT).bind(&id).bind(group.as_str()).run(db).await?;
    sql(CLEAR).bind(&id).bind(group.as_str()).run(db).await?;
    add_and_remove(db, app, group, members, &[]).await
}

pub(super) async fn change(
    db: &mut Db<'_>,
    app: AppId,
    group: &GroupId,
    add: &[RiderId],
    remove: &[RiderId],
) -> StoreResult<()> {
    sql(INSERT).bind(app.to_string()).bind(group.as_str()).run(db).await?;
    add_and_remove(db, app, group, add, remove).await
}

async fn add_and_remove(
    db: &mut Db<'_>,
    app: AppId,
    group: &GroupId,
    add: &[RiderId],
    remove: &[RiderId],
) -> StoreResult<()> {
    let app = app.to_string();
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

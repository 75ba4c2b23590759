//! Groups of riders (stations, zones, channels) and their members.
//! An event names a group; who is in it is looked up when the event is committed.

use axum::extract::State;
use serde_json::{Value, json};

use super::AppState;
use super::auth::{MayDescribeRiders, MayRead};
use super::body::JsonValue;
use super::path::Path;
use super::problem::{Answer, Problem, Success};
use super::test_mode::LiveKey;
use crate::domain::GroupId;
use crate::intake::Reader;

/// Most members set by one request; a larger group is filled by several.
const MEMBERS_MAX: usize = 5_000;

/// List groups.
///
/// Their ids.
///
/// # Errors
/// 401, 403, 503.
#[utoipa::path(
    get,
    path = "/v1/groups",
    operation_id = "listGroups",
    tag = "Groups",
    security(("apiKey" = ["read"])),
    responses((status = 200, description = "Done")),
)]
pub async fn list(State(state): State<AppState>, MayRead(caller): MayRead) -> Answer<Value> {
    Ok(Success(json!({"groups": state.dispatch.store().groups(caller.app_id()).await?})))
}

/// Look at a group.
///
/// Who is in it.
///
/// # Errors
/// 400, 401, 403, 404, 503.
#[utoipa::path(
    get,
    path = "/v1/groups/{id}",
    operation_id = "getGroup",
    tag = "Groups",
    security(("apiKey" = ["read"])),
    params(("id" = String, Path, description = "The group, as you name it")),
    responses((status = 200, description = "Done")),
    extensions(("x-errors" = json!(["bad_id", "not_found"]))),
)]
pub async fn get(
    State(state): State<AppState>,
    MayRead(caller): MayRead,
    Path(id): Path<String>,
) -> Answer<Value> {
    let group: GroupId = id.parse()?;
    let members = state.dispatch.store().group(caller.app_id(), group.clone()).await?;
    let members = members.ok_or_else(|| Problem::not_found("group"))?;
    Ok(Success(json!({"id": group, "riders": members})))
}

/// Set the members of a group.
///
/// Exactly these from now on. A group of more than 5,000 is filled by several requests to its members.
///
/// # Errors
/// 400, 401, 403, 503.
#[utoipa::path(
    put,
    path = "/v1/groups/{id}",
    operation_id = "putGroup",
    tag = "Groups",
    security(("apiKey" = ["admin"])),
    params(("id" = String, Path, description = "The group, as you name it")),
    responses((status = 200, description = "Done")),
    extensions(("x-errors" = json!(["bad_id"]))),
)]
pub async fn put(
    State(state): State<AppState>,
    LiveKey(MayDescribeRiders(caller)): LiveKey<MayDescribeRiders>,
    Path(id): Path<String>,
    JsonValue(body): JsonValue,
) -> Answer<Value> {
    let group: GroupId = id.parse()?;
    let body = Reader::new(&body)?;
    body.only(&["riders"])?;
    let riders = body.ids("riders", MEMBERS_MAX)?;
    let count = riders.len();
    state.dispatch.put_group(caller.app_id(), group.clone(), riders).await?;
    Ok(Success(json!({"id": group, "count": count})))
}

/// Add and remove members of a group.
///
/// A group that is not there is made.
///
/// # Errors
/// 400, 401, 403, 503.
#[utoipa::path(
    post,
    path = "/v1/groups/{id}/members",
    operation_id = "changeGroup",
    tag = "Groups",
    security(("apiKey" = ["admin"])),
    params(("id" = String, Path, description = "The group, as you name it")),
    responses((status = 200, description = "Done")),
    extensions(("x-errors" = json!(["bad_id"]))),
)]
pub async fn change(
    State(state): State<AppState>,
    LiveKey(MayDescribeRiders(caller)): LiveKey<MayDescribeRiders>,
    Path(id): Path<String>,
    JsonValue(body): JsonValue,
) -> Answer<Value> {
    let group: GroupId = id.parse()?;
    let body = Reader::new(&body)?;
    body.only(&["add", "remove"])?;
    let (add, remove) = (body.ids("add", MEMBERS_MAX)?, body.ids("remove", MEMBERS_MAX)?);
    let counts = json!({"id": group, "added": add.len(), "removed": remove.len()});
    state.dispatch.change_group(caller.app_id(), group, add, remove).await?;
    Ok(Success(counts))
}

/// Delete a group.
///
/// Its riders stay.
///
/// # Errors
/// 400, 401, 403, 404, 503.
#[utoipa::path(
    delete,
    path = "/v1/groups/{id}",
    operation_id = "deleteGroup",
    tag = "Groups",
    security(("apiKey" = ["admin"])),
    params(("id" = String, Path, description = "The group, as you name it")),
    responses((status = 200, description = "Done")),
    extensions(("x-errors" = json!(["bad_id", "not_found"]))),
)]
pub async fn delete(
    State(state): State<AppState>,
    LiveKey(MayDescribeRiders(caller)): LiveKey<MayDescribeRiders>,
    Path(id): Path<String>,
) -> Answer<Value> {
    let deleted = state.dispatch.delete_group(caller.app_id(), id.parse()?).await?;
    if deleted { Ok(Success(json!({"deleted": true}))) } else { Err(Problem::not_found("group")) }
}

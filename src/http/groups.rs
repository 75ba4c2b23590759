//! Groups of riders (stations, zones, channels) and their members.
//! An event names a group; who is in it is looked up when the event is committed.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::auth::{MayDescribeRiders, MayRead};
use super::body::JsonValue;
use super::path::Path;
use super::problem::{Answer, Envelope, Problem, Success};
use super::test_mode::LiveKey;
use crate::domain::{GroupId, RiderId};
use crate::intake::Reader;

/// Groups.
#[derive(Serialize, ToSchema)]
pub struct GroupList {
    groups: Vec<GroupId>,
}

/// A group.
#[derive(Serialize, ToSchema)]
pub struct GroupView {
    id: GroupId,
    riders: Vec<RiderId>,
}

/// A group that was set.
#[derive(Serialize, ToSchema)]
pub struct GroupSet {
    id: GroupId,
    /// How many riders are in it.
    count: usize,
}

/// A group that was changed.
#[derive(Serialize, ToSchema)]
pub struct GroupChanged {
    id: GroupId,
    /// How many were to be added.
    added: usize,
    /// How many were to be removed.
    removed: usize,
}

/// A group that is no more.
#[derive(Serialize, ToSchema)]
pub struct GroupDeleted {
    /// `true`.
    deleted: bool,
}

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
    responses((status = 200, description = "Done", body = Envelope<GroupList>)),
)]
pub async fn list(State(state): State<AppState>, MayRead(caller): MayRead) -> Answer<GroupList> {
    Ok(Success(GroupList { groups: state.dispatch.store().groups(caller.app_id()).await? }))
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
    params(("id" = GroupId, Path, description = "The group, as you name it")),
    responses((status = 200, description = "Done", body = Envelope<GroupView>)),
    extensions(("x-errors" = json!(["bad_id", "not_found"]))),
)]
pub async fn get(
    State(state): State<AppState>,
    MayRead(caller): MayRead,
    Path(id): Path<String>,
) -> Answer<GroupView> {
    let group: GroupId = id.parse()?;
    let members = state.dispatch.store().group(caller.app_id(), group.clone()).await?;
    let members = members.ok_or_else(|| Problem::not_found("group"))?;
    Ok(Success(GroupView { id: group, riders: members }))
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
    security(("apiKey" = ["riders"])),
    params(("id" = GroupId, Path, description = "The group, as you name it")),
    request_body(content = ref("#/components/schemas/GroupBody")),
    responses((status = 200, description = "Done", body = Envelope<GroupSet>)),
    extensions(("x-errors" = json!(["bad_id", "test_key"]))),
)]
pub async fn put(
    State(state): State<AppState>,
    LiveKey(MayDescribeRiders(caller)): LiveKey<MayDescribeRiders>,
    Path(id): Path<String>,
    JsonValue(body): JsonValue,
) -> Answer<GroupSet> {
    let group: GroupId = id.parse()?;
    let body = Reader::new(&body)?;
    body.only(&["riders"])?;
    let riders = body.ids("riders", MEMBERS_MAX)?;
    let count = riders.len();
    state.dispatch.put_group(caller.app_id(), group.clone(), riders).await?;
    Ok(Success(GroupSet { id: group, count }))
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
    security(("apiKey" = ["riders"])),
    params(("id" = GroupId, Path, description = "The group, as you name it")),
    request_body(content = ref("#/components/schemas/GroupChangeBody")),
    responses((status = 200, description = "Done", body = Envelope<GroupChanged>)),
    extensions(("x-errors" = json!(["bad_id", "test_key"]))),
)]
pub async fn change(
    State(state): State<AppState>,
    LiveKey(MayDescribeRiders(caller)): LiveKey<MayDescribeRiders>,
    Path(id): Path<String>,
    JsonValue(body): JsonValue,
) -> Answer<GroupChanged> {
    let group: GroupId = id.parse()?;
    let body = Reader::new(&body)?;
    body.only(&["add", "remove"])?;
    let (add, remove) = (body.ids("add", MEMBERS_MAX)?, body.ids("remove", MEMBERS_MAX)?);
    let changed = GroupChanged { id: group.clone(), added: add.len(), removed: remove.len() };
    state.dispatch.change_group(caller.app_id(), group, add, remove).await?;
    Ok(Success(changed))
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
    security(("apiKey" = ["riders"])),
    params(("id" = GroupId, Path, description = "The group, as you name it")),
    responses((status = 200, description = "Done", body = Envelope<GroupDeleted>)),
    extensions(("x-errors" = json!(["bad_id", "not_found", "test_key"]))),
)]
pub async fn delete(
    State(state): State<AppState>,
    LiveKey(MayDescribeRiders(caller)): LiveKey<MayDescribeRiders>,
    Path(id): Path<String>,
) -> Answer<GroupDeleted> {
    let deleted = state.dispatch.delete_group(caller.app_id(), id.parse()?).await?;
    if deleted { Ok(Success(GroupDeleted { deleted: true })) } else { Err(Problem::not_found("group")) }
}

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

/// `GET /v1/groups`.
///
/// # Errors
/// 401, 403, 503.
pub async fn list(State(state): State<AppState>, MayRead(caller): MayRead) -> Answer<Value> {
    Ok(Success(json!({"groups": state.dispatch.store().groups(caller.app_id()).await?})))
}

/// `GET /v1/groups/{id}`.
///
/// # Errors
/// 400, 401, 403, 404, 503.
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

/// `PUT /v1/groups/{id}` `{riders: […]}`: exactly these from now on.
///
/// # Errors
/// 400, 401, 403, 503.
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

/// `POST /v1/groups/{id}/members` `{add?: […], remove?: […]}`.
///
/// # Errors
/// 400, 401, 403, 503.
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

/// `DELETE /v1/groups/{id}`.
///
/// # Errors
/// 400, 401, 403, 404, 503.
pub async fn delete(
    State(state): State<AppState>,
    LiveKey(MayDescribeRiders(caller)): LiveKey<MayDescribeRiders>,
    Path(id): Path<String>,
) -> Answer<Value> {
    let deleted = state.dispatch.delete_group(caller.app_id(), id.parse()?).await?;
    if deleted { Ok(Success(json!({"deleted": true}))) } else { Err(Problem::not_found("group")) }
}

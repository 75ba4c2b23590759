//! What your backend was told, what it is still to be told, and what was given up: looked at, and sent once more.
//! Where callbacks go is in [`targets`]; how they are sent is not known here.

mod question;
pub mod targets;
pub mod view;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::auth::{MayHandleCallbacks, MaySeeCallbacks};
use super::path::Path;
use super::problem::{Answer, Envelope, Problem, Success};
use crate::domain::CallbackId;
use crate::store::CallbackRecord;
use question::Asked;
use view::{CallbackDetail, CallbackView, Urls};

/// Callbacks, newest first.
#[derive(Serialize, ToSchema)]
pub struct CallbackList {
    callbacks: Vec<CallbackView>,
    /// For `cursor`, where there are more.
    next: Option<String>,
}

/// A callback that is sent once more.
#[derive(Serialize, ToSchema)]
pub struct Redelivered {
    callback_id: CallbackId,
    /// `true`.
    redelivered: bool,
}

/// List callbacks.
///
/// Those that the question means, newest first: what was told, what is still to be told, what was given up (`dead`). Whoever
/// has the scope `read` alone sees URLs without their query.
///
/// # Errors
/// 400, 401, 403, 503.
#[utoipa::path(
    get,
    path = "/v1/callbacks",
    operation_id = "listCallbacks",
    tag = "Callbacks",
    security(("apiKey" = ["callbacks"]), ("apiKey" = ["read"])),
    params(
        ("alert" = Option<crate::domain::AlertId>, Query, description = "About this alert"),
        ("target" = Option<crate::domain::CallbackTargetId>, Query, description = "For this target"),
        ("state" = Option<view::StateWord>, Query, description = "In this state"),
        ("kind" = inline(Option<question::KindWord>), Query, description = "Of this kind"),
        ("since" = inline(Option<question::GivenTime>), Query, description = "Noted at or after this moment: RFC 3339, or epoch seconds or milliseconds"),
        ("until" = inline(Option<question::GivenTime>), Query, description = "Noted before this moment"),
        ("cursor" = Option<String>, Query, description = "`next` of the page before, with the same question"),
        ("limit" = Option<u32>, Query, description = "How many at most; 50 if not given", minimum = 1, maximum = 200),
    ),
    responses((status = 200, description = "Done", body = Envelope<CallbackList>)),
    extensions(("x-errors" = json!(["bad_query", "bad_id", "bad_time", "bad_cursor", "bad_period", "out_of_range", "unknown_value", "unknown_callback_kind"]))),
)]
pub async fn list(
    State(state): State<AppState>,
    MaySeeCallbacks(caller): MaySeeCallbacks,
    asked: Asked,
) -> Answer<CallbackList> {
    let app = caller.app_id();
    let before = asked.walk(app).place()?;
    // One more than is shown tells whether there is a next page.
    let store = state.dispatch.store();
    let mut found = store.callbacks(app, asked.filter.clone(), before, asked.limit + 1).await?;
    let limit = usize::try_from(asked.limit).unwrap_or(usize::MAX);
    let more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| more);
    let next = last.map(|last| asked.walk(app).cursor(&last.number));
    let urls = Urls::for_caller(&caller);
    let callbacks = found.into_iter().map(|record| CallbackView::of(record, urls)).collect();
    Ok(Success(CallbackList { callbacks, next }))
}

/// Look at a callback.
///
/// Its last tries, and the body as it is sent. In a list target's request it is one item of the list.
///
/// # Errors
/// 401, 403, 404, 503.
#[utoipa::path(
    get,
    path = "/v1/callbacks/{id}",
    operation_id = "getCallback",
    tag = "Callbacks",
    security(("apiKey" = ["callbacks"]), ("apiKey" = ["read"])),
    params(("id" = CallbackId, Path, description = "The callback")),
    responses((status = 200, description = "Done", body = Envelope<CallbackDetail>)),
    extensions(("x-errors" = json!(["not_found"]))),
)]
pub async fn get(
    State(state): State<AppState>,
    MaySeeCallbacks(caller): MaySeeCallbacks,
    Path(id): Path<String>,
) -> Answer<CallbackDetail> {
    let record = state.dispatch.callback(caller.app_id(), parse(&id)?).await?.ok_or_else(unknown)?;
    Ok(Success(CallbackDetail::of(record, Urls::for_caller(&caller))))
}

/// Send a callback once more.
///
/// One that has ended, whether it was delivered or given up. It keeps its id, so that a backend that has it already knows it again,
/// and goes behind what waits of its alert.
///
/// # Errors
/// 401, 403, 404, 409 if it is still to be sent or its target is gone, 503.
#[utoipa::path(
    post,
    path = "/v1/callbacks/{id}/redeliver",
    operation_id = "redeliverCallback",
    tag = "Callbacks",
    security(("apiKey" = ["callbacks"])),
    params(("id" = CallbackId, Path, description = "The callback")),
    responses((status = 200, description = "Done", body = Envelope<Redelivered>)),
    extensions(("x-errors" = json!(["not_found", "callback_waiting", "target_gone", "test_key"]))),
)]
pub async fn redeliver(
    State(state): State<AppState>,
    MayHandleCallbacks(caller): MayHandleCallbacks,
    Path(id): Path<String>,
) -> Answer<Redelivered> {
    let id = parse(&id)?;
    let record: CallbackRecord = state.dispatch.callback(caller.app_id(), id).await?.ok_or_else(unknown)?;
    caller.touch(record.callback.key_mode)?;
    state.dispatch.redeliver_callback(caller.app_id(), id).await?;
    Ok(Success(Redelivered { callback_id: id, redelivered: true }))
}

/// A text that is no id of ours is the id of no callback.
fn parse(id: &str) -> Result<CallbackId, Problem> {
    id.parse().map_err(|_| unknown())
}

fn unknown() -> Problem {
    Problem::not_found("callback")
}

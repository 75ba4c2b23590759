//! Targets: where your app has its callbacks sent, beside the `callback_url` of an event.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::question::in_order;
use super::view::Urls;
use crate::dispatch::{REDELIVER_MAX, TargetWish};
use crate::domain::callback::{CallbackState, CallbackTarget, TargetState, WantedKinds};
use crate::domain::{CallbackId, CallbackTargetId};
use crate::http::AppState;
use crate::http::auth::{MayHandleCallbacks, MaySeeCallbacks};
use crate::http::body::JsonValue;
use crate::http::moment::Moment;
use crate::http::path::Path;
use crate::http::problem::{Answer, Envelope, Problem, Success};
use crate::http::test_mode::LiveKey;
use crate::intake::{InputError, Reader};
use crate::store::CallbackFilter;

/// Targets, oldest first.
#[derive(Serialize, ToSchema)]
pub struct CallbackTargetList {
    targets: Vec<CallbackTargetView>,
}

/// A target.
#[derive(Serialize, ToSchema)]
#[schema(as = CallbackTarget)]
pub struct CallbackTargetView {
    target_id: CallbackTargetId,
    url: String,
    /// Kinds, families such as `delivery.*`, or `*` for all there are and those to come.
    kinds: Vec<String>,
    /// Most callbacks in one request. With 1 a body is one callback, with more it is always a list.
    batch_max: u32,
    /// `active`, or `stopped`: nothing is sent to it, and what comes up is not kept for it.
    state: &'static str,
    /// Since when it is stopped.
    stopped_at: Option<Moment>,
    created_at: Moment,
}

/// A target that is no more.
#[derive(Serialize, ToSchema)]
pub struct CallbackTargetDeleted {
    /// `true`.
    deleted: bool,
}

/// A test that is on its way.
#[derive(Serialize, ToSchema)]
pub struct CallbackTested {
    /// Look what became of it under this id.
    callback_id: CallbackId,
}

/// Callbacks that are sent once more.
#[derive(Serialize, ToSchema)]
pub struct CallbacksRedelivered {
    /// How many.
    redelivered: u64,
    /// Whether it stopped at the thousand that one request may mean: there may be more.
    more: bool,
}

/// Longest URL, in bytes, and so in characters at most.
const URL_CHARS_MAX: usize = 2_048;
/// Most words of `kinds`: twice as many as there are.
const KINDS_MAX: usize = 50;
/// Most callbacks of a list: as many as fill a request of some hundred KiB.
const BATCH_MAX: i64 = 100;

/// List targets.
///
/// Oldest first. Whoever has the scope `read` alone sees URLs without their query.
///
/// # Errors
/// 401, 403, 503.
#[utoipa::path(
    get,
    path = "/v1/callbacks/targets",
    operation_id = "listCallbackTargets",
    tag = "Callbacks",
    security(("apiKey" = ["callbacks"]), ("apiKey" = ["read"])),
    responses((status = 200, description = "Done", body = Envelope<CallbackTargetList>)),
)]
pub async fn list(
    State(state): State<AppState>,
    MaySeeCallbacks(caller): MaySeeCallbacks,
) -> Answer<CallbackTargetList> {
    let targets = state.dispatch.callback_targets(caller.app_id()).await?;
    let urls = Urls::for_caller(&caller);
    let targets = targets.into_iter().map(|target| CallbackTargetView::of(target, urls)).collect();
    Ok(Success(CallbackTargetList { targets }))
}

/// Make a target.
///
/// It hears of what happens from now on. Ten at most.
///
/// # Errors
/// 400 with the member at fault, 401, 403, 409 for one too many, 503.
#[utoipa::path(
    post,
    path = "/v1/callbacks/targets",
    operation_id = "createCallbackTarget",
    tag = "Callbacks",
    security(("apiKey" = ["callbacks"])),
    request_body(content = ref("#/components/schemas/CallbackTargetBody")),
    responses((status = 200, description = "Done", body = Envelope<CallbackTargetView>)),
    extensions(("x-errors" = json!(["url_not_allowed", "unknown_callback_kind", "too_many_targets", "test_key"]))),
)]
pub async fn create(
    State(state): State<AppState>,
    LiveKey(MayHandleCallbacks(caller)): LiveKey<MayHandleCallbacks>,
    JsonValue(body): JsonValue,
) -> Answer<CallbackTargetView> {
    let wish = read(&Reader::new(&body)?)?;
    let target = state.dispatch.add_callback_target(caller.app_id(), wish).await?;
    Ok(Success(CallbackTargetView::of(target, Urls::Whole)))
}

/// Look at a target.
///
/// Where it is, what it hears of, and whether it is stopped.
///
/// # Errors
/// 401, 403, 404, 503.
#[utoipa::path(
    get,
    path = "/v1/callbacks/targets/{id}",
    operation_id = "getCallbackTarget",
    tag = "Callbacks",
    security(("apiKey" = ["callbacks"]), ("apiKey" = ["read"])),
    params(("id" = CallbackTargetId, Path, description = "The target")),
    responses((status = 200, description = "Done", body = Envelope<CallbackTargetView>)),
    extensions(("x-errors" = json!(["not_found"]))),
)]
pub async fn get(
    State(state): State<AppState>,
    MaySeeCallbacks(caller): MaySeeCallbacks,
    Path(id): Path<String>,
) -> Answer<CallbackTargetView> {
    let target = state.dispatch.callback_target(caller.app_id(), parse(&id)?).await?;
    Ok(Success(CallbackTargetView::of(target, Urls::for_caller(&caller))))
}

/// Change a target.
///
/// What is not named has its default again. What waits for it goes to the new URL. A target that is stopped stays so.
///
/// # Errors
/// 400 with the member at fault, 401, 403, 404, 503.
#[utoipa::path(
    put,
    path = "/v1/callbacks/targets/{id}",
    operation_id = "putCallbackTarget",
    tag = "Callbacks",
    security(("apiKey" = ["callbacks"])),
    params(("id" = CallbackTargetId, Path, description = "The target")),
    request_body(content = ref("#/components/schemas/CallbackTargetBody")),
    responses((status = 200, description = "Done", body = Envelope<CallbackTargetView>)),
    extensions(("x-errors" = json!(["not_found", "url_not_allowed", "unknown_callback_kind", "too_many_targets", "test_key"]))),
)]
pub async fn put(
    State(state): State<AppState>,
    LiveKey(MayHandleCallbacks(caller)): LiveKey<MayHandleCallbacks>,
    Path(id): Path<String>,
    JsonValue(body): JsonValue,
) -> Answer<CallbackTargetView> {
    let id = parse(&id)?;
    let wish = read(&Reader::new(&body)?)?;
    let target = state.dispatch.put_callback_target(caller.app_id(), id, wish).await?;
    Ok(Success(CallbackTargetView::of(target, Urls::Whole)))
}

/// Delete a target.
///
/// What waits for it is given up.
///
/// # Errors
/// 401, 403, 404, 503.
#[utoipa::path(
    delete,
    path = "/v1/callbacks/targets/{id}",
    operation_id = "deleteCallbackTarget",
    tag = "Callbacks",
    security(("apiKey" = ["callbacks"])),
    params(("id" = CallbackTargetId, Path, description = "The target")),
    responses((status = 200, description = "Done", body = Envelope<CallbackTargetDeleted>)),
    extensions(("x-errors" = json!(["not_found", "test_key"]))),
)]
pub async fn delete(
    State(state): State<AppState>,
    LiveKey(MayHandleCallbacks(caller)): LiveKey<MayHandleCallbacks>,
    Path(id): Path<String>,
) -> Answer<CallbackTargetDeleted> {
    state.dispatch.delete_callback_target(caller.app_id(), parse(&id)?).await?;
    Ok(Success(CallbackTargetDeleted { deleted: true }))
}

/// Try a target.
///
/// Sends it a `callback.test`, whatever kinds it wants. What became of it is told under its id. With a test key the
/// callback says `test: true`.
///
/// # Errors
/// 401, 403, 404, 409 if it is stopped, 503.
#[utoipa::path(
    post,
    path = "/v1/callbacks/targets/{id}/test",
    operation_id = "testCallbackTarget",
    tag = "Callbacks",
    security(("apiKey" = ["callbacks"])),
    params(("id" = CallbackTargetId, Path, description = "The target")),
    responses((status = 200, description = "Done", body = Envelope<CallbackTested>)),
    extensions(("x-errors" = json!(["not_found", "target_stopped"]))),
)]
pub async fn test(
    State(state): State<AppState>,
    MayHandleCallbacks(caller): MayHandleCallbacks,
    Path(id): Path<String>,
) -> Answer<CallbackTested> {
    let tested = state.dispatch.test_callback_target(caller.app_id(), caller.mode(), parse(&id)?);
    Ok(Success(CallbackTested { callback_id: tested.await? }))
}

/// Stop a target.
///
/// Nothing is sent to it, and what comes up from now on is not kept for it; what waits, waits until it is resumed. One that answers
/// 410 is stopped by itself, and what waits for it is given up.
///
/// # Errors
/// 401, 403, 404, 503.
#[utoipa::path(
    post,
    path = "/v1/callbacks/targets/{id}/stop",
    operation_id = "stopCallbackTarget",
    tag = "Callbacks",
    security(("apiKey" = ["callbacks"])),
    params(("id" = CallbackTargetId, Path, description = "The target")),
    responses((status = 200, description = "Done", body = Envelope<CallbackTargetView>)),
    extensions(("x-errors" = json!(["not_found", "test_key"]))),
)]
pub async fn stop(
    State(state): State<AppState>,
    LiveKey(MayHandleCallbacks(caller)): LiveKey<MayHandleCallbacks>,
    Path(id): Path<String>,
) -> Answer<CallbackTargetView> {
    let target = state.dispatch.stop_callback_target(caller.app_id(), parse(&id)?).await?;
    Ok(Success(CallbackTargetView::of(target, Urls::Whole)))
}

/// Resume a target.
///
/// It hears of what happens from now on. What was given up meanwhile comes with `redeliver`.
///
/// # Errors
/// 401, 403, 404, 503.
#[utoipa::path(
    post,
    path = "/v1/callbacks/targets/{id}/resume",
    operation_id = "resumeCallbackTarget",
    tag = "Callbacks",
    security(("apiKey" = ["callbacks"])),
    params(("id" = CallbackTargetId, Path, description = "The target")),
    responses((status = 200, description = "Done", body = Envelope<CallbackTargetView>)),
    extensions(("x-errors" = json!(["not_found", "test_key"]))),
)]
pub async fn resume(
    State(state): State<AppState>,
    LiveKey(MayHandleCallbacks(caller)): LiveKey<MayHandleCallbacks>,
    Path(id): Path<String>,
) -> Answer<CallbackTargetView> {
    let target = state.dispatch.resume_callback_target(caller.app_id(), parse(&id)?).await?;
    Ok(Success(CallbackTargetView::of(target, Urls::Whole)))
}

/// Send many callbacks once more.
///
/// Those of a period that were given up, or with `state` those that were delivered; oldest first, each under its own id, a thousand at
/// most.
///
/// # Errors
/// 400 with the member at fault, 401, 403, 404, 409 if the target is stopped, 503.
#[utoipa::path(
    post,
    path = "/v1/callbacks/targets/{id}/redeliver",
    operation_id = "redeliverCallbacks",
    tag = "Callbacks",
    security(("apiKey" = ["callbacks"])),
    params(("id" = CallbackTargetId, Path, description = "The target")),
    request_body(content = ref("#/components/schemas/RedeliverBody")),
    responses((status = 200, description = "Done", body = Envelope<CallbacksRedelivered>)),
    extensions(("x-errors" = json!(["not_found", "bad_time", "bad_period", "unknown_callback_kind", "target_stopped", "test_key"]))),
)]
pub async fn redeliver(
    State(state): State<AppState>,
    LiveKey(MayHandleCallbacks(caller)): LiveKey<MayHandleCallbacks>,
    Path(id): Path<String>,
    JsonValue(body): JsonValue,
) -> Answer<CallbacksRedelivered> {
    let id = parse(&id)?;
    let filter = read_period(&Reader::new(&body)?)?;
    let redelivered = state.dispatch.redeliver_callbacks(caller.app_id(), id, filter).await?;
    Ok(Success(CallbacksRedelivered { redelivered, more: redelivered >= u64::from(REDELIVER_MAX) }))
}

/// A text that is no id of ours is the id of no target.
fn parse(id: &str) -> Result<CallbackTargetId, Problem> {
    id.parse().map_err(|_| Problem::not_found("target"))
}

fn read(body: &Reader<'_>) -> Result<TargetWish, InputError> {
    body.only(&["url", "kinds", "batch_max"])?;
    let batch_max = body.integer("batch_max", 1, BATCH_MAX)?.unwrap_or(1);
    Ok(TargetWish {
        url: body.text("url", URL_CHARS_MAX)?.ok_or_else(|| body.missing("url"))?,
        kinds: read_kinds(body)?,
        batch_max: u32::try_from(batch_max).unwrap_or(1),
    })
}

fn read_kinds(body: &Reader<'_>) -> Result<WantedKinds, InputError> {
    let Some(words) = body.texts("kinds", KINDS_MAX)? else { return Ok(WantedKinds::All) };
    if words.is_empty() {
        return Err(body.error("kinds", "out_of_range", "names none; leave it out for all"));
    }
    let unknown = |place| InputError { pointer: Some(format!("/kinds/{place}")), ..unknown_kind(body) };
    WantedKinds::named(words.iter().copied()).map_err(unknown)
}

fn read_period(body: &Reader<'_>) -> Result<CallbackFilter, Problem> {
    body.only(&["since", "until", "kind", "state"])?;
    let since = body.moment("since")?.ok_or_else(|| body.missing("since"))?;
    let until = body.moment("until")?;
    in_order(Some(since), until)?;
    let kind = body.text("kind", 64)?;
    if kind.as_ref().is_some_and(|kind| !crate::domain::callback::is_kind(kind)) {
        return Err(unknown_kind(body).into());
    }
    let ended = |word: &str| CallbackState::parse(word).filter(|state| *state != CallbackState::Waiting);
    let state = body.word("state", ended, "dead, delivered")?.unwrap_or(CallbackState::Dead);
    Ok(CallbackFilter { since: Some(since), until, kind, state: Some(state), ..CallbackFilter::default() })
}

fn unknown_kind(body: &Reader<'_>) -> InputError {
    body.error("kind", "unknown_callback_kind", "is no kind of callbacks")
}

impl CallbackTargetView {
    fn of(target: CallbackTarget, urls: Urls) -> Self {
        let (state, stopped_at) = match target.state {
            TargetState::Active => ("active", None),
            TargetState::Stopped { at } => ("stopped", Some(at.into())),
        };
        Self {
            target_id: target.id,
            kinds: target.kinds.words(),
            url: urls.shown(target.url),
            batch_max: target.batch_max,
            state,
            stopped_at,
            created_at: target.created_at.into(),
        }
    }
}

//! What was sent to a hook, as far as it is kept: looked at, and done once more after its profile was mended.

use axum::extract::{RawQuery, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::parse;
use super::view::{HookDeliveryDetail, HookDeliveryView};
use crate::domain::{HookDeliveryId, HookVerdict};
use crate::http::AppState;
use crate::http::auth::{MayHandleHooks, MaySeeHooks};
use crate::http::cursor::{Place, Walk};
use crate::http::path::Path;
use crate::http::problem::{Answer, Envelope, Problem, Success};
use crate::http::query::Query;
use crate::http::test_mode::LiveKey;

/// Requests, newest first.
#[derive(Serialize, ToSchema)]
pub struct HookDeliveryList {
    deliveries: Vec<HookDeliveryView>,
    /// For `cursor`, where there are more.
    next: Option<String>,
}

/// Requests that are looked at for one page: as many as are kept of a verdict at most.
const LOOKS_MAX: u32 = 10_000;

impl Place for HookDeliveryId {
    fn write(&self) -> String {
        self.to_string()
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// List what was sent to a hook.
///
/// Newest first: of each verdict the last ones, redacted. Of what was refused or could not be read nothing is kept; `GET
/// /v1/hooks/{id}` tells of it.
///
/// # Errors
/// 400, 401, 403, 404, 503.
#[utoipa::path(
    get,
    path = "/v1/hooks/{id}/deliveries",
    operation_id = "listHookDeliveries",
    tag = "Hooks",
    security(("apiKey" = ["hooks"]), ("apiKey" = ["read"])),
    params(
        ("id" = String, Path, description = "The hook"),
        ("verdict" = Option<HookVerdict>, Query, description = "Of which this became"),
        ("cursor" = Option<String>, Query, description = "`next` of the page before, with the same question"),
        ("limit" = Option<u32>, Query, description = "How many at most; 50 if not given", minimum = 1, maximum = 200),
    ),
    responses((status = 200, description = "Done", body = Envelope<HookDeliveryList>)),
    extensions(("x-errors" = json!(["not_found", "bad_query", "bad_cursor", "out_of_range", "unknown_value"]))),
)]
pub async fn list(
    State(state): State<AppState>,
    MaySeeHooks(caller): MaySeeHooks,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer<HookDeliveryList> {
    let (app, hook) = (caller.app_id(), parse(&id)?);
    let query = Query::read(query.as_deref(), &["verdict", "limit", "cursor"])?;
    let words = HookVerdict::ALL.map(HookVerdict::as_str);
    let (verdict, size) = (query.word("verdict", HookVerdict::parse, &words)?, query.page_size(LOOKS_MAX)?);
    let list = format!("hook {hook}");
    let walk = Walk::new(app, &list, &query);
    let page = state.dispatch.hook_deliveries(app, &hook, verdict, walk.place()?, size).await?;
    let deliveries = page.rows.iter().map(HookDeliveryView::from).collect();
    Ok(Success(HookDeliveryList { deliveries, next: page.next.map(|place| walk.cursor(&place)) }))
}

/// Look at what was sent to a hook.
///
/// The request without what is private, and what was made of each of its items.
///
/// # Errors
/// 401, 403, 404, 503.
#[utoipa::path(
    get,
    path = "/v1/hooks/{id}/deliveries/{delivery}",
    operation_id = "getHookDelivery",
    tag = "Hooks",
    security(("apiKey" = ["hooks"]), ("apiKey" = ["read"])),
    params(
        ("id" = String, Path, description = "The hook"),
        ("delivery" = HookDeliveryId, Path, description = "The request"),
    ),
    responses((status = 200, description = "Done", body = Envelope<HookDeliveryDetail>)),
    extensions(("x-errors" = json!(["not_found"]))),
)]
pub async fn get(
    State(state): State<AppState>,
    MaySeeHooks(caller): MaySeeHooks,
    Path((id, delivery)): Path<(String, String)>,
) -> Answer<HookDeliveryDetail> {
    let (hook, delivery) = (parse(&id)?, parse_delivery(&delivery)?);
    let found = state.dispatch.hook_delivery(caller.app_id(), &hook, delivery).await?;
    Ok(Success((&found).into()))
}

/// Do once more what was sent to a hook.
///
/// By the profile as it is now, with what is kept of the request: what was redacted is gone. Events that are known stay as they are.
///
/// # Errors
/// 401, 403, 404, 409, 503.
#[utoipa::path(
    post,
    path = "/v1/hooks/{id}/deliveries/{delivery}/replay",
    operation_id = "replayHookDelivery",
    tag = "Hooks",
    security(("apiKey" = ["hooks"])),
    params(
        ("id" = String, Path, description = "The hook"),
        ("delivery" = HookDeliveryId, Path, description = "The request"),
    ),
    responses((status = 200, description = "Done", body = Envelope<HookDeliveryDetail>)),
    extensions(("x-errors" = json!(["not_found", "not_kept", "test_key"]))),
)]
pub async fn replay(
    State(state): State<AppState>,
    LiveKey(MayHandleHooks(caller)): LiveKey<MayHandleHooks>,
    Path((id, delivery)): Path<(String, String)>,
) -> Answer<HookDeliveryDetail> {
    let (hook, delivery) = (parse(&id)?, parse_delivery(&delivery)?);
    let done = state.dispatch.replay_hook_delivery(caller.app_id(), &hook, delivery).await?;
    Ok(Success((&done).into()))
}

/// A text that is no id of ours is the id of no request.
fn parse_delivery(id: &str) -> Result<HookDeliveryId, Problem> {
    id.parse().map_err(|_| Problem::not_found("request"))
}

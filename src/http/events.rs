//! `POST /v1/events` and what became of one: the door backends use.
//! The answer comes after the commit and never waits for speech or for a rider.

use std::time::Duration;

use axum::extract::{RawQuery, State};
use http::HeaderMap;
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::{MayIngest, MayRead};
use super::body::JsonBytes;
use super::notices::{number, word};
use super::path::Path;
use super::problem::{Answer, Envelope, Problem, Success};
use super::{AppState, trace_id};
use crate::dispatch::{Arrival, Awaited, EventAnswer, OutcomeWord, Reached, Wait};
use crate::domain::book::DropReason;
use crate::domain::delivery::EndReason;
use crate::domain::{AlertId, DeliveryId, EventId, FirstStatus, RiderId};
use crate::intake::parse_event;

/// Where an event of this door comes from: with app and id, the scope in which an id is one event.
pub(super) const SOURCE: &str = "api";

/// What a backend is told of its event, and, if it asked, of what became of it.
#[derive(Serialize, ToSchema)]
pub struct Told {
    #[serde(flatten)]
    answer: EventAnswer,
    /// With `wait`.
    #[serde(skip_serializing_if = "Option::is_none")]
    waited: Option<Awaited>,
}

/// An event that was posted.
#[derive(Serialize, ToSchema)]
pub struct EventView {
    event_id: EventId,
    kind: String,
    outcome: OutcomeWord,
    /// Why it was dropped.
    reason: Option<DropReason>,
    /// The first alert.
    alert_id: Option<AlertId>,
    alert_ids: Vec<AlertId>,
    /// How many riders it is for, where they are told in parts and not listed.
    audience: Option<u64>,
    deliveries: Vec<FirstView>,
}

/// What became of it at once, for one rider.
#[derive(Serialize, ToSchema)]
pub struct FirstView {
    rider: RiderId,
    delivery_id: DeliveryId,
    status: FirstStatus,
    /// Why it was held back.
    reason: Option<EndReason>,
}

/// Longest wait for what becomes of an event, in milliseconds.
const WAIT_MS_MAX: u64 = 10_000;

/// Post an event.
///
/// Stores it, and tells at once what becomes of it for each rider. The answer comes after the commit and never waits for
/// speech; with `wait` it waits afterwards, at most `timeout_ms`, for what becomes of the alert.
///
/// # Errors
/// 400 with the member at fault, 401, 403, 408, 409, 413, 415, 503.
#[utoipa::path(
    post,
    path = "/v1/events",
    operation_id = "postEvent",
    tag = "Events",
    security(("apiKey" = ["ingest"])),
    params(
        ("wait" = Option<String>, Query, description = "Wait for this of every rider who could be reached at once: `received`, `played` or `answered`", pattern = "^(received|played|answered)$"),
        ("timeout_ms" = Option<u64>, Query, description = "How long to wait at most; only with `wait`", minimum = 1, maximum = 10_000),
    ),
    request_body(content = ref("#/components/schemas/EventBody")),
    responses((status = 200, description = "Done", body = Envelope<Told>)),
    extensions(("x-errors" = json!([
        "event_id_conflict", "unknown_kind", "empty_target", "bad_id", "bad_time", "bad_url", "bad_value",
        "bad_text", "not_together", "unknown_step", "out_of_order", "no_candidates", "bad_call",
        "url_not_allowed", "bad_recurrence", "not_supported", "bad_query"
    ]))),
)]
pub async fn post(
    State(state): State<AppState>,
    MayIngest(caller): MayIngest,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    JsonBytes(body): JsonBytes,
) -> Answer<Told> {
    let wait = read_wait(&query.unwrap_or_default())?;
    let dispatch = &state.dispatch;
    let received_at = dispatch.clock().now().wall;
    let parsed = parse_event(&body, dispatch.kinds(), || dispatch.fresh_event_id())?;
    let arrival = Arrival { source: SOURCE, parsed, trace_id: trace_id(&headers), received_at };
    let app = caller.app_id();
    let answer = dispatch.accept(caller.app, arrival).await?;
    let waited = match (wait, answer.alert_id) {
        (Some(wait), Some(alert)) => Some(dispatch.wait(app, alert, wait).await?),
        (Some(_), None) => Some(Awaited::nothing()),
        (None, _) => None,
    };
    Ok(Success(Told { answer, waited }))
}

fn read_wait(query: &str) -> Result<Option<Wait>, Problem> {
    let timeout_ms: Option<u64> = number(query, "timeout_ms")?;
    let Some(what) = word(query, "wait") else {
        return match timeout_ms {
            None => Ok(None),
            Some(_) => Err(Problem::bad_request("bad_query", "timeout_ms goes with wait")),
        };
    };
    let reached = Reached::parse(what)
        .ok_or_else(|| Problem::bad_request("bad_query", "wait is received, played or answered"))?;
    let timeout_ms = timeout_ms.unwrap_or(WAIT_MS_MAX);
    if !(1..=WAIT_MS_MAX).contains(&timeout_ms) {
        return Err(Problem::bad_request("out_of_range", "timeout_ms is 1 to 10000"));
    }
    Ok(Some(Wait { reached, limit: Duration::from_millis(timeout_ms) }))
}

/// Look at an event.
///
/// What was answered when it was posted.
///
/// # Errors
/// 400, 401, 403, 404, 503.
#[utoipa::path(
    get,
    path = "/v1/events/{id}",
    operation_id = "getEvent",
    tag = "Events",
    security(("apiKey" = ["read"])),
    params(("id" = EventId, Path, description = "Your id of the event")),
    responses((status = 200, description = "Done", body = Envelope<EventView>)),
    extensions(("x-errors" = json!(["bad_id", "not_found"]))),
)]
pub async fn get(
    State(state): State<AppState>,
    MayRead(caller): MayRead,
    Path(id): Path<String>,
) -> Answer<EventView> {
    let id: EventId = id.parse()?;
    let found = state.dispatch.store().event(caller.app_id(), SOURCE.to_owned(), id.clone()).await?;
    let (kind, receipt) = found.ok_or_else(|| Problem::not_found("event"))?;
    let listed = receipt.alerts.iter().flat_map(|alert| &alert.deliveries);
    let deliveries = listed.map(|delivery| FirstView {
        rider: delivery.rider.clone(),
        delivery_id: delivery.id,
        status: delivery.status,
        reason: delivery.reason,
    });
    let alert_ids: Vec<AlertId> = receipt.alerts.iter().map(|alert| alert.alert).collect();
    let (outcome, reason) = OutcomeWord::of(receipt.outcome);
    Ok(Success(EventView {
        event_id: id,
        kind,
        outcome,
        reason,
        alert_id: alert_ids.first().copied(),
        alert_ids,
        audience: receipt.audience,
        deliveries: deliveries.collect(),
    }))
}

//! `POST /v1/events` and what became of one: the door backends use.
//! The answer comes after the commit and never waits for speech or for a rider.

use axum::extract::State;
use http::HeaderMap;
use serde_json::{Value, json};

use super::auth::{MayIngest, MayRead};
use super::body::JsonBytes;
use super::path::Path;
use super::problem::{Answer, Problem, Success};
use super::{AppState, trace_id};
use crate::dispatch::{Arrival, EventAnswer};
use crate::domain::EventId;
use crate::intake::parse_event;

/// Where an event of this door comes from: with app and id, the scope in which an id is one event.
pub(super) const SOURCE: &str = "api";

/// `POST /v1/events`.
///
/// # Errors
/// 400 with the member at fault, 401, 403, 408, 409, 413, 415, 503.
pub async fn post(
    State(state): State<AppState>,
    MayIngest(caller): MayIngest,
    headers: HeaderMap,
    JsonBytes(body): JsonBytes,
) -> Answer<EventAnswer> {
    let dispatch = &state.dispatch;
    let received_at = dispatch.clock().now().wall;
    let parsed = parse_event(&body, dispatch.kinds(), || dispatch.fresh_event_id())?;
    let arrival = Arrival { source: SOURCE, parsed, trace_id: trace_id(&headers), received_at };
    Ok(Success(dispatch.accept(caller.app, arrival).await?))
}

/// `GET /v1/events/{id}`: the first answer again.
///
/// # Errors
/// 400, 401, 403, 404, 503.
pub async fn get(
    State(state): State<AppState>,
    MayRead(caller): MayRead,
    Path(id): Path<String>,
) -> Answer<Value> {
    let id: EventId = id.parse()?;
    let found = state.dispatch.store().event(caller.app_id(), SOURCE.to_owned(), id.clone()).await?;
    let (kind, receipt) = found.ok_or_else(|| Problem::not_found("event"))?;
    let deliveries: Vec<Value> = receipt
        .deliveries
        .iter()
        .map(|delivery| json!({"rider": delivery.rider, "delivery_id": delivery.id, "status": delivery.status}))
        .collect();
    Ok(Success(json!({"event_id": id, "kind": kind, "alert_id": receipt.alert, "deliveries": deliveries})))
}

//! `POST /v1/events` and what became of one: the door backends use.
//! The answer comes after the commit and never waits for speech or for a rider.

use std::time::Duration;

use axum::extract::{RawQuery, State};
use http::HeaderMap;
use serde::Serialize;
use serde_json::{Value, json};

use super::auth::{Caller, MayIngest, MayRead};
use super::body::JsonBytes;
use super::notices::{number, word};
use super::path::Path;
use super::problem::{Answer, Problem, Success};
use super::{AppState, trace_id};
use crate::dispatch::{Arrival, Awaited, EventAnswer, Reached, TooMany, Wait};
use crate::domain::EventId;
use crate::domain::book::Outcome;
use crate::intake::parse_event;

/// Where an event of this door comes from: with app and id, the scope in which an id is one event.
pub(super) const SOURCE: &str = "api";

/// What a backend is told of its event, and, if it asked, of what became of it.
#[derive(Serialize)]
pub struct Told {
    #[serde(flatten)]
    answer: EventAnswer,
    #[serde(skip_serializing_if = "Option::is_none")]
    waited: Option<Awaited>,
}

/// Longest wait for what becomes of an event, in milliseconds.
const WAIT_MS_MAX: u64 = 10_000;

/// `POST /v1/events[?wait=received|played|answered&timeout_ms=1…10000]`. A wait begins after the commit.
///
/// # Errors
/// 400 with the member at fault, 401, 403, 408, 409, 413, 415, 429, 503.
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
    admit(&state, &caller, 1)?;
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

/// Lets so many events of the caller's app in.
///
/// # Errors
/// 429.
pub(super) fn admit(state: &AppState, caller: &Caller, count: u32) -> Result<(), Problem> {
    state.dispatch.admit_events(&caller.app, count).map_err(|TooMany { retry_after_s }| {
        Problem::too_many("too_many_requests", "more events than the app may post now", retry_after_s)
    })
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
    let listed = receipt.alerts.iter().flat_map(|alert| &alert.deliveries);
    let deliveries: Vec<Value> = listed
        .map(|delivery| {
            json!({"rider": delivery.rider, "delivery_id": delivery.id, "status": delivery.status,
                "reason": delivery.reason})
        })
        .collect();
    let alerts: Vec<_> = receipt.alerts.iter().map(|alert| alert.alert).collect();
    Ok(Success(json!({
        "event_id": id,
        "kind": kind,
        "outcome": outcome(receipt.outcome),
        "reason": dropped_for(receipt.outcome),
        "alert_id": alerts.first(),
        "alert_ids": alerts,
        "audience": receipt.audience,
        "deliveries": deliveries,
    })))
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Alerted => "alerted",
        Outcome::Remembered => "remembered",
        Outcome::Scheduled => "scheduled",
        Outcome::Dropped(_) => "dropped",
    }
}

fn dropped_for(outcome: Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::Dropped(reason) => Some(reason.as_str()),
        Outcome::Alerted | Outcome::Remembered | Outcome::Scheduled => None,
    }
}

//! `POST /v1/events`, its batches and its dry run, and what became of an event: the door backends use.
//! The answer comes after the commit and never waits for speech or for a rider.

mod batch;

use std::time::Duration;

use axum::extract::{RawQuery, State};
use http::HeaderMap;
use serde::Serialize;
use utoipa::ToSchema;

pub use self::batch::{BatchTold, ItemTold};
use super::auth::{Caller, MayIngest, MayRead};
use super::body::{BatchBytes, EventBytes, Media};
use super::notices::{number, word};
use super::path::Path;
use super::problem::{Answer, Envelope, Problem, Success};
use super::{AppState, trace_id};
use crate::dispatch::{Arrival, Awaited, DryRun, EventAnswer, OutcomeWord, Reached, TooMany, Wait};
use crate::domain::app::KeyMode;
use crate::domain::book::DropReason;
use crate::domain::delivery::EndReason;
use crate::domain::{AlertId, DeliveryId, EventId, FirstStatus, RiderId};
use crate::intake::{Form, Origin, ParsedEvent, Types, Wrapping, parse_posted, sent_id};
use crate::store::{Receipt, StoreResult};
use crate::telemetry::trace::TraceParent;

/// Where events of this door come from: with app and id, the scope in which an id is one event.
pub(super) const SOURCE: &str = "api";
/// The same for CloudEvents, whose ids are made of a source and an id of their own.
const CLOUD_EVENTS: &str = "cloudevents";

/// What a backend is told of what it has posted.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum Posted {
    /// One event.
    One(Box<Told>),
    /// A batch of CloudEvents.
    Batch(BatchTold),
}

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
    /// It is a test's: test riders alone hear of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    test: bool,
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
/// A body of `application/json` is an event or a webhook message; with headers `ce-specversion`, `ce-id`, `ce-source` and
/// `ce-type` it is the data of a CloudEvent.
///
/// # Errors
/// 400 with the member at fault, 401, 403, 408, 409, 413, 415, 429, 503.
#[utoipa::path(
    post,
    path = "/v1/events",
    operation_id = "postEvent",
    tag = "Events",
    security(("apiKey" = ["ingest"])),
    params(
        ("wait" = Option<String>, Query, description = "Wait for this of every rider who could be reached at once: `received`, `played` or `answered`", pattern = "^(received|played|answered)$"),
        ("timeout_ms" = Option<u64>, Query, description = "How long to wait at most; only with `wait`", minimum = 1, maximum = 10_000),
        ("Idempotency-Key" = Option<String>, Header, description = "The id of an event that has none of its own, before `webhook-id`; not with a batch and not used of CloudEvents", pattern = "^[!#-~][!-~]{0,127}$"),
    ),
    request_body(content(
        (ref("#/components/schemas/PostedEventBody") = "application/json"),
        (ref("#/components/schemas/CloudEventBody") = "application/cloudevents+json"),
        (ref("#/components/schemas/CloudEventBatchBody") = "application/cloudevents-batch+json"),
    )),
    responses((status = 200, description = "Done", body = Envelope<Posted>)),
    extensions(("x-errors" = json!([
        "event_id_conflict", "unknown_kind", "empty_target", "bad_id", "bad_time", "bad_url", "bad_value",
        "bad_text", "not_together", "unknown_step", "out_of_order", "no_candidates", "bad_call",
        "url_not_allowed", "bad_recurrence", "not_supported", "bad_query", "bad_cloudevent",
        "too_many_requests"
    ]))),
)]
pub async fn post(
    State(state): State<AppState>,
    MayIngest(caller): MayIngest,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    EventBytes { media, bytes }: EventBytes,
) -> Answer<Posted> {
    let query = query.unwrap_or_default();
    let form = match media {
        Media::Json => Form::Json,
        Media::CloudEvent => Form::CloudEvent,
        Media::CloudEventBatch => {
            let told =
                batch::post(&state, caller, &query, &headers, (Form::CloudEvent, Wrapping::Bare), &bytes);
            return told.await.map(Posted::Batch).map(Success);
        }
    };
    let wait = read_wait(&query)?;
    admit(&state, &caller, 1)?;
    let arrival = read(&state, &caller, &headers, form, &bytes)?.arrival;
    let app = caller.app_id();
    let answer = state.dispatch.accept(caller.app, arrival).await?;
    let waited = match (wait, answer.alert_id) {
        (Some(wait), Some(alert)) => Some(state.dispatch.wait(app, alert, wait).await?),
        (Some(_), None) => Some(Awaited::nothing()),
        (None, _) => None,
    };
    Ok(Success(Posted::One(Box::new(Told { answer, waited }))))
}

/// Post up to 500 events.
///
/// `{events: […]}` or `[…]`, each judged by itself: one bad event spoils no other.
///
/// # Errors
/// 400 for the batch as such, 401, 403, 408, 413, 415, 503 if nothing of it could be stored.
#[utoipa::path(
    post,
    path = "/v1/events/batch",
    operation_id = "postEvents",
    tag = "Events",
    security(("apiKey" = ["ingest"])),
    request_body(content(
        (ref("#/components/schemas/BatchBody") = "application/json"),
        (ref("#/components/schemas/CloudEventBatchBody") = "application/cloudevents-batch+json"),
    )),
    responses((status = 200, description = "Done", body = Envelope<BatchTold>)),
    extensions(("x-errors" = json!(["bad_query", "not_together", "too_many_requests"]))),
)]
pub async fn post_batch(
    State(state): State<AppState>,
    MayIngest(caller): MayIngest,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    BatchBytes { media, bytes }: BatchBytes,
) -> Answer<BatchTold> {
    let written = match media {
        Media::Json => (Form::Json, Wrapping::Object),
        Media::CloudEventBatch => (Form::CloudEvent, Wrapping::Bare),
        Media::CloudEvent => {
            return Err(Problem::unsupported("a batch of CloudEvents is application/cloudevents-batch+json"));
        }
    };
    batch::post(&state, caller, &query.unwrap_or_default(), &headers, written, &bytes).await.map(Success)
}

/// Try an event.
///
/// What it would say and to how many. Nothing is stored, spoken or remembered.
///
/// # Errors
/// As [`post`], but for 409.
#[utoipa::path(
    post,
    path = "/v1/events/validate",
    operation_id = "validateEvent",
    tag = "Events",
    security(("apiKey" = ["ingest"])),
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "The id of an event that has none of its own, before `webhook-id`; not with a batch and not used of CloudEvents", pattern = "^[!#-~][!-~]{0,127}$"),
    ),
    request_body(content(
        (ref("#/components/schemas/PostedEventBody") = "application/json"),
        (ref("#/components/schemas/CloudEventBody") = "application/cloudevents+json"),
    )),
    responses((status = 200, description = "Done", body = Envelope<DryRun>)),
    extensions(("x-errors" = json!([
        "unknown_kind", "empty_target", "bad_id", "bad_time", "bad_url", "bad_value", "bad_text",
        "not_together", "unknown_step", "out_of_order", "no_candidates", "bad_call", "url_not_allowed",
        "bad_recurrence", "not_supported", "bad_cloudevent"
    ]))),
)]
pub async fn validate(
    State(state): State<AppState>,
    MayIngest(caller): MayIngest,
    headers: HeaderMap,
    EventBytes { media, bytes }: EventBytes,
) -> Answer<DryRun> {
    let one_only = || Problem::bad_request("not_supported", "a dry run is of one event, not of a batch");
    let form = match media {
        Media::Json if is_list(&bytes) => return Err(one_only()),
        Media::Json => Form::Json,
        Media::CloudEvent => Form::CloudEvent,
        Media::CloudEventBatch => return Err(one_only()),
    };
    let Incoming { arrival, named } = read(&state, &caller, &headers, form, &bytes)?;
    let mut run = state.dispatch.dry_run(&caller.app, &arrival).await?;
    run.event_id = run.event_id.filter(|_| named);
    Ok(Success(run))
}

fn is_list(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'[')
}

/// An event as it was posted.
struct Incoming {
    arrival: Arrival,
    /// Whether its sender named it.
    named: bool,
}

fn read(
    state: &AppState,
    caller: &Caller,
    headers: &HeaderMap,
    form: Form,
    body: &[u8],
) -> Result<Incoming, Problem> {
    let sent = sent_id(headers)?;
    let mut named = true;
    let fresh = || {
        sent.unwrap_or_else(|| {
            named = false;
            state.dispatch.fresh_event_id()
        })
    };
    let parsed = parse_posted(form, headers, body, &types(state, caller), fresh)?;
    Ok(Incoming { arrival: arrival(state, caller.mode(), headers, parsed), named })
}

fn types<'a>(state: &'a AppState, caller: &'a Caller) -> Types<'a> {
    let own = caller.app.app.settings.type_prefix.as_deref();
    Types { kinds: state.dispatch.kinds(), prefix: own.unwrap_or(&state.type_prefix) }
}

fn arrival(state: &AppState, key_mode: KeyMode, headers: &HeaderMap, parsed: ParsedEvent) -> Arrival {
    let source = match parsed.origin {
        Origin::Backend => SOURCE,
        Origin::CloudEvent => CLOUD_EVENTS,
    };
    // A CloudEvent says itself in which trace it happened.
    let told = parsed.trace_parent.as_deref().and_then(TraceParent::parse);
    let trace_id = told.map_or_else(|| trace_id(headers), |told| told.trace_id().to_owned());
    let received_at = state.dispatch.clock().now().wall;
    Arrival { source: source.into(), key_mode, parsed, trace_id, received_at }
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

/// Look at an event.
///
/// What was answered when it was posted. Of two events of this id, a test and a real one, that of the key's own world.
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
    let (key_mode, kind, receipt) =
        find(&state, &caller, &id).await?.ok_or_else(|| Problem::not_found("event"))?;
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
        test: key_mode.is_test(),
    }))
}

async fn find(
    state: &AppState,
    caller: &Caller,
    id: &EventId,
) -> StoreResult<Option<(KeyMode, String, Receipt)>> {
    let worlds = match caller.mode() {
        KeyMode::Live => [KeyMode::Live, KeyMode::Test],
        KeyMode::Test => [KeyMode::Test, KeyMode::Live],
    };
    for key_mode in worlds {
        for source in [SOURCE, CLOUD_EVENTS] {
            let source = key_mode.source(source);
            if let Some((kind, receipt)) =
                state.dispatch.store().event(caller.app_id(), source, id.clone()).await?
            {
                return Ok(Some((key_mode, kind, receipt)));
            }
        }
    }
    state.dispatch.event_of_hooks(caller.app_id(), worlds, id).await
}

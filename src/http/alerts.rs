//! Alerts: the timeline of one, and taking back one or all of an order.
//! Times are RFC 3339; a step that has not happened is not listed.

use axum::extract::State;
use serde_json::{Value, json};

use super::AppState;
use super::auth::{MayIngest, MayRead};
use super::body::JsonValue;
use super::path::Path;
use super::problem::{Answer, Problem, Success};
use crate::domain::ladder::is_done;
use crate::domain::{Alert, AlertId, Delivery, EpochMs, OrderKey, RiderId};
use crate::intake::Reader;
use crate::store::AlertRecord;

/// Look at an alert.
///
/// Its state, and of up to 1,000 riders what became of it, with every step and its time.
///
/// # Errors
/// 401, 403, 404, 503.
#[utoipa::path(
    get,
    path = "/v1/alerts/{id}",
    operation_id = "getAlert",
    tag = "Alerts",
    security(("apiKey" = ["read"])),
    params(("id" = String, Path, description = "The alert")),
    responses((status = 200, description = "Done")),
    extensions(("x-errors" = json!(["not_found"]))),
)]
pub async fn get(
    State(state): State<AppState>,
    MayRead(caller): MayRead,
    Path(id): Path<String>,
) -> Answer<Value> {
    let id: AlertId = id.parse().map_err(|_| Problem::not_found("alert"))?;
    let record = state.dispatch.store().alert(caller.app_id(), id).await?;
    Ok(Success(view(&state, &record.ok_or_else(|| Problem::not_found("alert"))?)))
}

/// Take an alert back.
///
/// It falls silent wherever it sounds. An alert that has ended stays as it is.
///
/// # Errors
/// 401, 403, 404, 503.
#[utoipa::path(
    post,
    path = "/v1/alerts/{id}/cancel",
    operation_id = "cancelAlert",
    tag = "Alerts",
    security(("apiKey" = ["ingest"])),
    params(("id" = String, Path, description = "The alert")),
    responses((status = 200, description = "Done")),
    extensions(("x-errors" = json!(["not_found"]))),
)]
pub async fn cancel(
    State(state): State<AppState>,
    MayIngest(caller): MayIngest,
    Path(id): Path<String>,
) -> Answer<Value> {
    let id: AlertId = id.parse().map_err(|_| Problem::not_found("alert"))?;
    let cancelled = state.dispatch.cancel_alert(caller.app_id(), caller.mode(), id).await?;
    Ok(Success(json!({"cancelled": cancelled.ok_or_else(|| Problem::not_found("alert"))?})))
}

/// Decide an offer.
///
/// Your decision who gets the order; `null` for none of the riders it was offered to.
///
/// # Errors
/// 400 for a rider who was not offered it, 401, 403, 404, 409 if it was decided otherwise or is void, 503.
#[utoipa::path(
    post,
    path = "/v1/alerts/{id}/settle",
    operation_id = "settleAlert",
    tag = "Alerts",
    security(("apiKey" = ["ingest"])),
    params(("id" = String, Path, description = "The alert")),
    responses((status = 200, description = "Done")),
    extensions(("x-errors" = json!(["not_found", "not_offered", "no_offer", "already_settled"]))),
)]
pub async fn settle(
    State(state): State<AppState>,
    MayIngest(caller): MayIngest,
    Path(id): Path<String>,
    JsonValue(body): JsonValue,
) -> Answer<Value> {
    let id: AlertId = id.parse().map_err(|_| Problem::not_found("alert"))?;
    let reader = Reader::new(&body)?;
    reader.only(&["winner"])?;
    if body.get("winner").is_none() {
        return Err(reader.missing("winner").into());
    }
    let winner: Option<RiderId> = reader.id("winner")?;
    let ended = state.dispatch.settle(caller.app_id(), caller.mode(), id, winner.clone()).await?;
    Ok(Success(json!({"winner": winner, "settled": ended})))
}

/// Take back every alert of an order.
///
/// An order nobody has heard of has nothing to cancel, which is no error: it is remembered, and holds off what comes late.
/// A test key cancels in the world of tests.
///
/// # Errors
/// 400, 401, 403, 503.
#[utoipa::path(
    post,
    path = "/v1/orders/{id}/cancel",
    operation_id = "cancelOrder",
    tag = "Alerts",
    security(("apiKey" = ["ingest"])),
    params(("id" = String, Path, description = "The order, as you name it")),
    responses((status = 200, description = "Done")),
    extensions(("x-errors" = json!(["bad_id"]))),
)]
pub async fn cancel_order(
    State(state): State<AppState>,
    MayIngest(caller): MayIngest,
    Path(id): Path<String>,
) -> Answer<Value> {
    let order = OrderKey { app: caller.app_id(), key_mode: caller.mode(), order: id.parse()? };
    let cancelled = state.dispatch.cancel_order(order).await?;
    Ok(Success(json!({"cancelled": cancelled})))
}

fn view(state: &AppState, record: &AlertRecord) -> Value {
    let AlertRecord { alert, deliveries, delivery_count } = record;
    let audio = alert.sound.as_ref().map(|sound| {
        let url = state.sessions.urls.url(&sound.path, state.dispatch.clock().now().wall);
        json!({"url": url, "path": sound.path, "mime": sound.mime, "bytes": sound.bytes,
            "duration_ms": sound.duration_ms, "tail_ms": sound.tail_ms, "canned": sound.canned})
    });
    let mut view = json!({
        "alert_id": alert.id,
        "event_id": alert.event_id,
        "order_id": alert.order_id,
        "kind": alert.kind,
        "version": alert.version,
        "urgency": alert.urgency,
        "need": alert.need,
        "mode": alert.mode,
        "arbiter": alert.arbiter,
        "winner": alert.winner,
        "ladder": ladder(alert),
        "lang": alert.lang,
        "title": alert.title,
        "text": alert.text,
        "said": alert.said,
        "audio": audio,
        "state": alert.state,
        "trace_id": alert.trace_id,
        "created_at": alert.created_at.to_string(),
        "starts_at": alert.starts_at.to_string(),
        "expires_at": alert.expires_at.to_string(),
        "ended_at": alert.ended_at.map(|at| at.to_string()),
        "delivery_count": delivery_count,
        "deliveries": deliveries.iter().map(|delivery| delivery_view(alert, delivery)).collect::<Vec<_>>(),
    });
    if alert.key_mode.is_test() {
        view["test"] = json!(true);
    }
    view
}

/// The steps with whether they were taken. What a call sends stays out of it: it may hold secrets.
fn ladder(alert: &Alert) -> Vec<Value> {
    let steps = (0..).zip(alert.ladder.steps());
    let view = steps.map(|(level, step)| {
        let done = is_done(alert.steps_done, level);
        json!({"level": level, "after_s": step.after_s, "do": step.act.word(), "fallback": step.fallback, "done": done})
    });
    view.collect()
}

fn delivery_view(alert: &Alert, delivery: &Delivery) -> Value {
    json!({
        "delivery_id": delivery.id,
        "rider": delivery.rider,
        "seq": delivery.seq,
        "first_status": delivery.first_status,
        "state": delivery.state,
        "reason": delivery.reason,
        "ring": delivery.ring,
        "attempts": delivery.attempts,
        "plays": delivery.plays,
        "answer": delivery.answer,
        "late_answer": delivery.late_answer,
        "answer_by": alert.is_offer().then(|| delivery.expires_at.to_string()),
        "trouble": delivery.trouble,
        "timeline": timeline(alert, delivery),
    })
}

/// Every step with its time, in the order of the way to the ear.
fn timeline(alert: &Alert, delivery: &Delivery) -> Vec<Value> {
    let steps: [(&str, Option<EpochMs>); 10] = [
        ("created", Some(alert.created_at)),
        ("stored", Some(alert.stored_at)),
        ("rendered", alert.rendered_at),
        ("sent", delivery.sent_at),
        ("received", delivery.received_at),
        ("playing", delivery.playing_at),
        ("played", delivery.played_at),
        ("rung_again", delivery.rung_at.filter(|_| delivery.ring > 1)),
        ("answered", delivery.answered_at),
        ("ended", delivery.ended_at),
    ];
    let happened = steps.into_iter().filter_map(|(step, at)| Some((step, at?)));
    happened
        .map(|(step, at)| match delivery.reason {
            Some(reason) if step == "ended" => json!({"step": step, "at": at.to_string(), "reason": reason}),
            Some(_) | None => json!({"step": step, "at": at.to_string()}),
        })
        .collect()
}

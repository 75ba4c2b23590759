//! Alerts: the timeline of one, and taking back one or all of an order.
//! Times are RFC 3339; a step that has not happened is not listed.

pub mod list;
pub mod view;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::auth::{MayIngest, MayRead};
use super::body::JsonValue;
use super::path::Path;
use super::problem::{Answer, Envelope, Problem, Success};
use crate::domain::{AlertId, OrderId, OrderKey, RiderId};
use crate::intake::Reader;
use view::AlertView;

/// How much was taken back.
#[derive(Serialize, ToSchema)]
pub struct Cancelled {
    /// Deliveries that ended by it.
    cancelled: usize,
}

/// The end of an offer.
#[derive(Serialize, ToSchema)]
pub struct Settled {
    /// Whose the order is, if anybody's.
    winner: Option<RiderId>,
    /// Deliveries that ended by it; 0 if it was settled so before.
    settled: usize,
}

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
    params(("id" = AlertId, Path, description = "The alert")),
    responses((status = 200, description = "Done", body = Envelope<AlertView>)),
    extensions(("x-errors" = json!(["not_found"]))),
)]
pub async fn get(
    State(state): State<AppState>,
    MayRead(caller): MayRead,
    Path(id): Path<String>,
) -> Answer<AlertView> {
    let id: AlertId = id.parse().map_err(|_| Problem::not_found("alert"))?;
    let record = state.dispatch.store().alert(caller.app_id(), id).await?;
    Ok(Success(AlertView::of(&state, &record.ok_or_else(|| Problem::not_found("alert"))?)))
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
    params(("id" = AlertId, Path, description = "The alert")),
    responses((status = 200, description = "Done", body = Envelope<Cancelled>)),
    extensions(("x-errors" = json!(["not_found"]))),
)]
pub async fn cancel(
    State(state): State<AppState>,
    MayIngest(caller): MayIngest,
    Path(id): Path<String>,
) -> Answer<Cancelled> {
    let id: AlertId = id.parse().map_err(|_| Problem::not_found("alert"))?;
    let cancelled = state.dispatch.cancel_alert(caller.app_id(), caller.mode(), id).await?;
    Ok(Success(Cancelled { cancelled: cancelled.ok_or_else(|| Problem::not_found("alert"))? }))
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
    params(("id" = AlertId, Path, description = "The alert")),
    request_body(content = ref("#/components/schemas/SettleBody")),
    responses((status = 200, description = "Done", body = Envelope<Settled>)),
    extensions(("x-errors" = json!(["not_found", "not_offered", "no_offer", "already_settled", "bad_id"]))),
)]
pub async fn settle(
    State(state): State<AppState>,
    MayIngest(caller): MayIngest,
    Path(id): Path<String>,
    JsonValue(body): JsonValue,
) -> Answer<Settled> {
    let id: AlertId = id.parse().map_err(|_| Problem::not_found("alert"))?;
    let reader = Reader::new(&body)?;
    reader.only(&["winner"])?;
    if body.get("winner").is_none() {
        return Err(reader.missing("winner").into());
    }
    let winner: Option<RiderId> = reader.id("winner")?;
    let ended = state.dispatch.settle(caller.app_id(), caller.mode(), id, winner.clone()).await?;
    Ok(Success(Settled { winner, settled: ended }))
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
    params(("id" = OrderId, Path, description = "The order, as you name it")),
    responses((status = 200, description = "Done", body = Envelope<Cancelled>)),
    extensions(("x-errors" = json!(["bad_id"]))),
)]
pub async fn cancel_order(
    State(state): State<AppState>,
    MayIngest(caller): MayIngest,
    Path(id): Path<String>,
) -> Answer<Cancelled> {
    let order = OrderKey { app: caller.app_id(), key_mode: caller.mode(), order: id.parse()? };
    let cancelled = state.dispatch.cancel_order(order).await?;
    Ok(Success(Cancelled { cancelled }))
}

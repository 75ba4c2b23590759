//! `GET /v1/riders/{id}/deliveries`: what one rider was told, and what became of it.
//! It is the record of the app's orders, and stays when the rider is no more for as long as that record is kept.

use axum::extract::{RawQuery, State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::delivery::EndReason;
use crate::domain::{
    AlertId, Answer as RidersAnswer, DeliveryId, DeliveryState, EventId, Need, OrderId, RiderId,
};
use crate::http::AppState;
use crate::http::auth::MayRead;
use crate::http::cursor::Walk;
use crate::http::moment::Moment;
use crate::http::path::Path;
use crate::http::problem::{Answer, Envelope, Success};
use crate::http::query::Query;
use crate::store::{HistoryFilter, PastDelivery, Span};

/// A page of a rider's deliveries.
#[derive(Serialize, ToSchema)]
pub struct RiderHistory {
    /// The newest alert first. May be fewer than asked for, even none, while `next` is there.
    deliveries: Vec<HistoryRow>,
    /// The cursor of the next page; `null` if this is the last one.
    next: Option<String>,
}

/// What one alert was to the rider.
#[derive(Serialize, ToSchema)]
pub struct HistoryRow {
    delivery_id: DeliveryId,
    alert_id: AlertId,
    /// Your id of its event.
    event_id: EventId,
    order_id: Option<OrderId>,
    kind: String,
    need: Need,
    state: DeliveryState,
    /// Why it ended.
    reason: Option<EndReason>,
    /// The same in words.
    why: Option<&'static str>,
    answer: Option<RidersAnswer>,
    /// An answer that came after the end.
    late_answer: Option<RidersAnswer>,
    /// The last trouble the client told, such as `failed:network`.
    trouble: Option<String>,
    /// Which time it was sounded.
    ring: u32,
    /// How often its frame was written to a socket.
    attempts: u32,
    /// When the event came in.
    created_at: Moment,
    /// First written to a socket.
    sent_at: Option<Moment>,
    /// First acknowledged by a client.
    received_at: Option<Moment>,
    /// First began to sound.
    playing_at: Option<Moment>,
    /// First sounded to its end.
    played_at: Option<Moment>,
    answered_at: Option<Moment>,
    ended_at: Option<Moment>,
    /// It was a test's.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    test: bool,
}

/// Look at what a rider was told.
///
/// The newest alert first, with its times and why it ended. A rider nobody has heard of was told nothing, which is no error.
///
/// # Errors
/// 400, 401, 403, 503.
#[utoipa::path(
    get,
    path = "/v1/riders/{id}/deliveries",
    operation_id = "listRiderDeliveries",
    tag = "Riders",
    security(("apiKey" = ["read"])),
    params(
        ("id" = RiderId, Path, description = "The rider, as you name them"),
        ("state" = Option<DeliveryState>, Query, description = "In this state"),
        ("reason" = Option<EndReason>, Query, description = "Ended for this reason"),
        ("kind" = Option<String>, Query, description = "Of this kind"),
        ("since" = Option<String>, Query, description = "Came in at or after this moment: RFC 3339, epoch seconds or milliseconds"),
        ("until" = Option<String>, Query, description = "Came in before this moment"),
        ("limit" = Option<u32>, Query, description = "How many at most; 50 unless said otherwise", minimum = 1, maximum = 200),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before, with the same parameters otherwise"),
    ),
    responses((status = 200, description = "Done", body = Envelope<RiderHistory>)),
    extensions(("x-errors" = json!([
        "bad_query", "bad_id", "bad_time", "bad_period", "bad_cursor", "out_of_range", "unknown_value", "unknown_kind"
    ]))),
)]
pub async fn list(
    State(state): State<AppState>,
    MayRead(caller): MayRead,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer<RiderHistory> {
    let rider = caller.rider(&id)?;
    let known = ["state", "reason", "kind", "since", "until", "limit", "cursor"];
    let query = Query::read(query.as_deref(), &known)?;
    let of_rider = format!("deliveries of {}", rider.rider);
    let walk = Walk::new(caller.app_id(), &of_rider, &query);
    let filter = HistoryFilter {
        span: query.span(|_| Span::ALL)?,
        state: query.word("state", DeliveryState::parse, &DeliveryState::ALL.map(DeliveryState::as_str))?,
        reason: query.word("reason", EndReason::parse, &EndReason::ALL.map(EndReason::as_str))?,
        kind: query.kind(state.dispatch.kinds())?,
    };
    let size = query.page_size(state.dispatch.limits().reports.page_looks)?;
    let page = state.dispatch.store().rider_history(rider, filter, walk.place()?, size).await?;
    Ok(Success(RiderHistory {
        deliveries: page.rows.into_iter().map(HistoryRow::of).collect(),
        next: page.next.map(|last| walk.cursor(&last)),
    }))
}

impl HistoryRow {
    fn of(past: PastDelivery) -> Self {
        let PastDelivery { delivery, event_id, order_id, kind, key_mode, created_at } = past;
        Self {
            delivery_id: delivery.id,
            alert_id: delivery.alert,
            event_id,
            order_id,
            kind,
            need: delivery.need,
            state: delivery.state,
            reason: delivery.reason,
            why: delivery.reason.map(EndReason::why),
            answer: delivery.answer,
            late_answer: delivery.late_answer,
            trouble: delivery.trouble,
            ring: delivery.ring,
            attempts: delivery.attempts,
            created_at: created_at.into(),
            sent_at: delivery.sent_at.map(Moment),
            received_at: delivery.received_at.map(Moment),
            playing_at: delivery.playing_at.map(Moment),
            played_at: delivery.played_at.map(Moment),
            answered_at: delivery.answered_at.map(Moment),
            ended_at: delivery.ended_at.map(Moment),
            test: key_mode.is_test(),
        }
    }
}

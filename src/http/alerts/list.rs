//! `GET /v1/alerts`: an app's alerts, newest first, page by page.
//! Each with how many of its deliveries stand where; the deliveries themselves are shown with the alert.

use std::collections::BTreeMap;

use axum::extract::{RawQuery, State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{AlertId, AlertState, EventId, Mode, Need, OrderId, RiderId, Urgency};
use crate::http::AppState;
use crate::http::auth::MayRead;
use crate::http::cursor::Walk;
use crate::http::moment::Moment;
use crate::http::problem::{Answer, Envelope, Success};
use crate::http::query::Query;
use crate::store::{AlertFilter, AlertSummary, Span};

/// A page of alerts.
#[derive(Serialize, ToSchema)]
pub struct AlertList {
    /// The newest first. May be fewer than asked for, even none, while `next` is there.
    alerts: Vec<AlertRow>,
    /// The cursor of the next page; `null` if this is the last one.
    next: Option<String>,
}

/// An alert, and how many of its deliveries stand where.
#[derive(Serialize, ToSchema)]
pub struct AlertRow {
    alert_id: AlertId,
    /// Your id of its event.
    event_id: EventId,
    order_id: Option<OrderId>,
    kind: String,
    /// Version of the order.
    version: Option<i64>,
    urgency: Urgency,
    need: Need,
    mode: Mode,
    /// Who won an offer.
    winner: Option<RiderId>,
    /// Short label.
    title: String,
    /// What the card shows.
    text: String,
    state: AlertState,
    /// One id from the request to the receipt: the trace of `traceparent`.
    trace_id: String,
    created_at: Moment,
    starts_at: Moment,
    /// Void from here on.
    expires_at: Moment,
    ended_at: Option<Moment>,
    /// How many riders it has reached or may still reach.
    delivery_count: u64,
    /// How many of them are in which state.
    deliveries: BTreeMap<&'static str, u64>,
    /// It is a test's: test riders alone hear of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    test: bool,
}

/// Find alerts.
///
/// Newest first, by when their event came in. A page looks at a bounded number of alerts: with `state` or `kind` it may hold
/// fewer than asked for, even none, and goes on with `next`.
///
/// # Errors
/// 400, 401, 403, 503.
#[utoipa::path(
    get,
    path = "/v1/alerts",
    operation_id = "listAlerts",
    tag = "Alerts",
    security(("apiKey" = ["read"])),
    params(
        ("order_id" = Option<OrderId>, Query, description = "About this order"),
        ("rider" = Option<RiderId>, Query, description = "For this rider"),
        ("state" = Option<AlertState>, Query, description = "In this state"),
        ("kind" = Option<String>, Query, description = "Of this kind"),
        ("since" = Option<String>, Query, description = "Came in at or after this moment: RFC 3339, epoch seconds or milliseconds"),
        ("until" = Option<String>, Query, description = "Came in before this moment"),
        ("limit" = Option<u32>, Query, description = "How many at most; 50 unless said otherwise", minimum = 1, maximum = 200),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before, with the same parameters otherwise"),
    ),
    responses((status = 200, description = "Done", body = Envelope<AlertList>)),
    extensions(("x-errors" = json!([
        "bad_query", "bad_id", "bad_time", "bad_period", "bad_cursor", "out_of_range", "unknown_value", "unknown_kind"
    ]))),
)]
pub async fn list(
    State(state): State<AppState>,
    MayRead(caller): MayRead,
    RawQuery(query): RawQuery,
) -> Answer<AlertList> {
    let known = ["order_id", "rider", "state", "kind", "since", "until", "limit", "cursor"];
    let query = Query::read(query.as_deref(), &known)?;
    let walk = Walk::new(caller.app_id(), "alerts", &query);
    let filter = AlertFilter {
        span: query.span(|_| Span::ALL)?,
        order: query.id("order_id")?,
        rider: query.id("rider")?,
        state: query.word("state", AlertState::parse, &AlertState::ALL.map(AlertState::as_str))?,
        kind: query.kind(state.dispatch.kinds())?,
    };
    let size = query.page_size(state.dispatch.limits().reports.page_looks)?;
    let store = state.dispatch.store();
    let page = store.find_alerts(caller.app_id(), filter, walk.place()?, size).await?;
    Ok(Success(AlertList {
        alerts: page.rows.into_iter().map(AlertRow::of).collect(),
        next: page.next.map(|last| walk.cursor(&last)),
    }))
}

impl AlertRow {
    fn of(summary: AlertSummary) -> Self {
        let AlertSummary { alert, deliveries } = summary;
        Self {
            alert_id: alert.id,
            order_id: alert.order_id.clone(),
            kind: alert.kind.clone(),
            version: alert.version,
            urgency: alert.urgency,
            need: alert.need,
            mode: alert.mode,
            winner: alert.winner.clone(),
            state: alert.state,
            created_at: alert.created_at.into(),
            starts_at: alert.starts_at.into(),
            expires_at: alert.expires_at.into(),
            ended_at: alert.ended_at.map(Moment),
            delivery_count: deliveries.iter().map(|(_, count)| count).sum(),
            deliveries: deliveries.into_iter().map(|(state, count)| (state.as_str(), count)).collect(),
            test: alert.key_mode.is_test(),
            event_id: alert.event_id,
            title: alert.title,
            text: alert.text,
            trace_id: alert.trace_id,
        }
    }
}

//! Is it alive, is it ready, how is it doing: for load balancers, supervisors and Prometheus.
//! The admin listener tells of the inside and therefore stands on loopback.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use tokio::time::timeout;

use super::AppState;
use crate::domain::EpochMs;
use crate::telemetry::Metric;

const HOUR_MS: f64 = 3_600_000.0;

/// The admin listener's routes.
pub fn admin_router(state: AppState) -> Router {
    Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(state)
}

/// Ask whether events are taken.
///
/// For load balancers: 200 while they are.
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "getHealth",
    tag = "Service",
    responses(
        (status = 200, description = "They are", body = String, content_type = "text/plain"),
        (status = 503, description = "They are not: this node drains, or its store does not answer", body = String, content_type = "text/plain"),
    ),
)]
pub async fn ready(State(state): State<AppState>) -> Response {
    if state.lifecycle.is_draining() {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response();
    }
    // A read, as a database that is away or hangs does not show in what is remembered of it.
    match timeout(STORE_ANSWERS_WITHIN, state.dispatch.store().due_calls(EpochMs(0), 1)).await {
        Ok(Ok(_)) => "ok\n".into_response(),
        Ok(Err(_)) | Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "store\n").into_response(),
    }
}

/// A balancer that asks every few seconds must be answered before it gives up; a read takes a millisecond.
const STORE_ANSWERS_WITHIN: Duration = Duration::from_secs(2);

#[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 sessions, bytes and milliseconds")]
async fn metrics(State(state): State<AppState>) -> Response {
    let telemetry = &state.telemetry;
    let sessions = state.dispatch.hub().session_count();
    telemetry.gauge(Metric::Sessions).set(sessions as f64);
    let rider_ms = state.host().time.spent_ms(state.dispatch.clock().now());
    telemetry.counter(Metric::RiderSeconds, &[]).absolute(rider_ms / 1000);
    let bytes = state.audio.egress.bytes() as f64;
    // Before the first rider there is nothing to share the bytes among.
    let per_hour = if rider_ms == 0 { 0.0 } else { bytes * HOUR_MS / rider_ms as f64 };
    telemetry.gauge(Metric::AudioBytesPerRiderHour).set(per_hour);
    let text = "text/plain; version=0.0.4; charset=utf-8";
    ([(CONTENT_TYPE, text)], state.telemetry.render()).into_response()
}

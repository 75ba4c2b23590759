//! Is it alive, is it ready, how is it doing: for load balancers, supervisors and Prometheus.
//! The admin listener tells of the inside and therefore stands on loopback.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::CONTENT_TYPE;

use super::AppState;
use crate::telemetry::Metric;

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
    match state.dispatch.store().epoch().await {
        Ok(_) => "ok\n".into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "store\n").into_response(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 sessions")]
async fn metrics(State(state): State<AppState>) -> Response {
    let sessions = state.dispatch.hub().session_count();
    state.telemetry.gauge(Metric::Sessions).set(sessions as f64);
    let text = "text/plain; version=0.0.4; charset=utf-8";
    ([(CONTENT_TYPE, text)], state.telemetry.render()).into_response()
}

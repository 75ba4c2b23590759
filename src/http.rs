//! The public surface: this page is its table of contents.
//! Handlers extract, call `dispatch`, map and answer; what they refuse is a [`problem::Problem`].

pub mod alerts;
pub mod audio;
pub mod auth;
pub mod body;
pub mod events;
pub mod groups;
pub mod health;
pub mod listener;
pub mod notices;
pub mod pages;
pub mod path;
mod presence;
pub mod problem;
pub mod rider_api;
pub mod rider_socket;
pub mod riders;
pub mod schedules;
pub mod settings;
pub mod speech;
pub mod templates;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use http::header::InvalidHeaderValue;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use tower_http::catch_panic::CatchPanicLayer;
use uuid::Uuid;

use crate::audio::silence::KeepAlive;
use crate::clock::random_bytes;
use crate::dispatch::Dispatch;
use crate::lifecycle::Lifecycle;
use crate::session::Settings;
use crate::speech::Speech;
use crate::telemetry::Telemetry;
use listener::Crowd;
use problem::Problem;
use rider_socket::Arrivals;

/// What handlers need. One pointer: it is cloned several times for every request, and kept by every rider's session.
#[derive(Clone)]
pub struct AppState(Arc<Shared>);

struct Shared {
    parts: AppParts,
    host: Arc<rider_socket::Host>,
    sockets: Arc<Crowd>,
}

/// The parts of [`AppState`].
pub struct AppParts {
    /// The use cases.
    pub dispatch: Arc<Dispatch>,
    /// The voice, for what serves its clips.
    pub speech: Arc<Speech>,
    /// Where tasks run.
    pub lifecycle: Lifecycle,
    /// Metrics.
    pub telemetry: Telemetry,
    /// The keep-alive clips.
    pub keep_alive: KeepAlive,
    /// What all rider sessions share.
    pub sessions: Arc<Settings>,
    /// Bounds of requests and sockets.
    pub limits: HttpLimits,
    /// Put before audio paths; empty, or an origin without a slash at its end.
    pub origin: String,
}

impl AppState {
    /// The state of one server.
    #[must_use]
    pub fn new(parts: AppParts) -> Self {
        let host = Arc::new(rider_socket::Host {
            dispatch: Arc::clone(&parts.dispatch),
            lifecycle: parts.lifecycle.clone(),
            telemetry: parts.telemetry.clone(),
            sessions: Arc::clone(&parts.sessions),
            arrivals: Arrivals::new(&parts.dispatch, parts.limits.socket.connects_per_minute),
            limits: parts.limits.socket.clone(),
        });
        let sockets = Crowd::new(parts.limits.socket.sockets_per_ip);
        Self(Arc::new(Shared { parts, host, sockets }))
    }

    /// The rider sockets that are open, by client address.
    #[must_use]
    pub fn sockets(&self) -> &Arc<Crowd> {
        &self.0.sockets
    }

    /// What a rider's session needs of this server.
    #[must_use]
    pub fn host(&self) -> Arc<rider_socket::Host> {
        Arc::clone(&self.0.host)
    }
}

impl Deref for AppState {
    type Target = AppParts;
    fn deref(&self) -> &AppParts {
        &self.0.parts
    }
}

/// Bounds of requests and sockets, from the configuration.
#[derive(Clone, Debug)]
pub struct HttpLimits {
    /// Largest request body.
    pub max_body_bytes: usize,
    /// Rider sockets.
    pub socket: rider_socket::SocketLimits,
}

/// Every public address.
pub fn router(state: AppState) -> Router {
    Router::new()
        // Backends.
        .route("/v1/events", post(events::post))
        .route("/v1/events/{id}", get(events::get))
        .route("/v1/alerts/{id}", get(alerts::get))
        .route("/v1/alerts/{id}/cancel", post(alerts::cancel))
        .route("/v1/alerts/{id}/settle", post(alerts::settle))
        .route("/v1/orders/{id}/cancel", post(alerts::cancel_order))
        .route("/v1/riders/query", post(riders::query))
        .route("/v1/riders/{id}", put(riders::put).get(riders::get).delete(riders::delete))
        .route("/v1/riders/{id}/duty", post(riders::duty))
        .route("/v1/riders/{id}/token", post(riders::token))
        .route("/v1/riders/{id}/test", post(riders::test))
        .route("/v1/riders/{id}/checks", get(riders::checks))
        .route("/v1/groups", get(groups::list))
        .route("/v1/groups/{id}", put(groups::put).get(groups::get).delete(groups::delete))
        .route("/v1/groups/{id}/members", post(groups::change))
        .route("/v1/templates", get(templates::list))
        .route("/v1/templates/{kind}", put(templates::put))
        .route("/v1/settings", get(settings::get).put(settings::put))
        .route("/v1/schedules", get(schedules::list))
        .route("/v1/schedules/{id}", delete(schedules::delete))
        .route("/v1/notices", get(notices::list))
        .route("/v1/speech", post(speech::post))
        // Riders.
        .route("/v1/rider/socket", get(rider_socket::upgrade))
        .route("/v1/rider/alerts", get(rider_api::alerts))
        .route("/v1/rider/receipts", post(rider_api::receipts))
        .route("/v1/rider/checks", post(rider_api::check))
        .route("/audio/silence/{file}", get(audio::silence))
        .route("/audio/{shard}/{file}", get(audio::clip))
        .route("/rider", get(pages::rider))
        .route("/rider/{file}", get(pages::rider_file))
        .route("/healthz", get(health::ready))
        .fallback(async || Problem::not_found("address"))
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .layer(middleware::from_fn_with_state(state.clone(), observe))
        .layer(CatchPanicLayer::custom(|_| Problem::panicked().into_response()))
        .layer(middleware::from_fn(name_request))
        .with_state(state)
}

tokio::task_local! {
    static REQUEST_ID: String;
}

/// The id of the request in hand, for answers and log lines.
#[must_use]
pub fn request_id() -> String {
    REQUEST_ID.try_with(Clone::clone).unwrap_or_default()
}

/// One id from the request to the receipt: the caller's trace (W3C `traceparent`), else a fresh one.
#[must_use]
pub fn trace_id(headers: &HeaderMap) -> String {
    let parent = headers.get("traceparent").and_then(|value| value.to_str().ok());
    let of_parent = parent.and_then(|parent| {
        let id = parent.split('-').nth(1)?;
        let hex = id.len() == 32 && id.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        (hex && id.bytes().any(|digit| digit != b'0')).then(|| id.to_owned())
    });
    of_parent.unwrap_or_else(|| Uuid::from_bytes(random_bytes()).simple().to_string())
}

async fn name_request(request: Request, next: Next) -> Response {
    let id = fresh_request_id();
    let header = HeaderValue::from_str(&id);
    let response = REQUEST_ID.scope(id, next.run(request)).await;
    with_request_id(response, header)
}

/// An answer that is made outside the router, under an id of its own.
fn named(answer: impl FnOnce() -> Response) -> Response {
    let id = fresh_request_id();
    let header = HeaderValue::from_str(&id);
    with_request_id(REQUEST_ID.sync_scope(id, answer), header)
}

fn fresh_request_id() -> String {
    format!("req_{}", Uuid::from_bytes(random_bytes()).simple())
}

fn with_request_id(mut response: Response, id: Result<HeaderValue, InvalidHeaderValue>) -> Response {
    if let Ok(id) = id {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}

async fn observe(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = method_label(request.method());
    // Never the path as it was sent: a scanner would fill the memory with labels.
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let route = route.unwrap_or_else(|| "unmatched".to_owned());
    let response = next.run(request).await;
    let spent = began.elapsed();
    state.telemetry.request(&route, method, status_label(response.status()), spent.as_secs_f64());
    tracing::debug!(
        request.id = request_id(),
        http.route = route,
        http.method = method,
        http.status = response.status().as_u16(),
        spent_us = u64::try_from(spent.as_micros()).unwrap_or(u64::MAX),
        "Request answered."
    );
    response
}

fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        _ => "other",
    }
}

fn status_label(status: StatusCode) -> &'static str {
    match status.as_u16() {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}

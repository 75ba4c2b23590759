//! The public surface: this page is its table of contents.
//! Handlers extract, call `dispatch`, map and answer; what they refuse is a [`problem::Problem`].

pub mod alerts;
pub mod apps;
pub mod audio;
pub mod auth;
pub mod body;
pub mod callbacks;
pub mod contract;
pub mod csv;
pub mod cursor;
mod etag;
pub mod events;
pub mod groups;
pub mod health;
pub mod hooks;
pub mod keys;
pub mod lexicon;
pub mod listener;
pub mod misses;
pub mod moment;
pub mod notices;
pub mod pages;
pub mod path;
pub mod presence;
pub mod problem;
mod proxy_notice;
pub mod query;
pub mod reports;
pub mod rider_api;
pub mod rider_socket;
pub mod riders;
pub mod schedules;
pub mod secrets;
pub mod settings;
pub mod speech;
pub mod templates;
pub mod test_mode;
pub mod voices;
pub mod warming;
pub mod wechat;
pub mod wordings;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::clock::random_bytes;
use crate::dispatch::Dispatch;
use crate::lifecycle::Lifecycle;
use crate::session::Settings;
use crate::speech::Speech;
use crate::telemetry::Telemetry;
use crate::telemetry::trace::TraceParent;
use auth::OperatorKey;
use listener::Crowd;
use problem::Problem;
pub use proxy_notice::PublicUrl;
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
    /// Serving clips.
    pub audio: Arc<audio::AudioDesk>,
    /// What all rider sessions share.
    pub sessions: Arc<Settings>,
    /// Bounds of requests and sockets.
    pub limits: HttpLimits,
    /// Whether riders' way here is known: whether there is a public URL.
    pub public_url: PublicUrl,
    /// Cut off types of events, where an app sets nothing else.
    pub type_prefix: String,
    /// The operator's credential, if there is one over HTTP.
    pub operator: Option<OperatorKey>,
    /// Signing in from WeChat.
    pub wechat: Arc<wechat::WechatDesk>,
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
            arrivals: Arrivals::new(parts.dispatch.shared_clock(), parts.limits.socket.connects_per_minute),
            limits: parts.limits.socket.clone(),
            time: rider_socket::RiderTime::default(),
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
    /// Largest batch of events.
    pub max_batch_bytes: usize,
    /// How far the timestamp of a signed request may be from our clock, in milliseconds.
    pub signature_tolerance_ms: i64,
    /// Rider sockets.
    pub socket: rider_socket::SocketLimits,
}

/// Every public address.
pub fn router(state: AppState) -> Router {
    let signed = middleware::from_fn_with_state(state.clone(), auth::verify_signed);
    let (router, _) = backend_routes().route_layer(signed).merge(other_routes()).split_for_parts();
    router
        .fallback(async || Problem::not_found("address"))
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .layer(middleware::from_fn_with_state(state.clone(), observe))
        .layer(CatchPanicLayer::custom(|_| Problem::panicked().into_response()))
        .layer(middleware::from_fn(name_request))
        .with_state(state)
}

/// The addresses, each with its description: a handler without one does not compile here.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    backend_routes().merge(other_routes())
}

/// For backends and operators, by bearer key or signature.
fn backend_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(events::post))
        .routes(routes!(events::post_batch))
        .routes(routes!(events::validate))
        .routes(routes!(events::get))
        .routes(routes!(alerts::list::list))
        .routes(routes!(alerts::get))
        .routes(routes!(alerts::cancel))
        .routes(routes!(alerts::settle))
        .routes(routes!(alerts::cancel_order))
        .routes(routes!(riders::query))
        .routes(routes!(riders::put, riders::get, riders::delete))
        .routes(routes!(riders::duty))
        .routes(routes!(riders::token))
        .routes(routes!(riders::test))
        .routes(routes!(riders::checks))
        .routes(routes!(riders::history::list))
        .routes(routes!(riders::file::export))
        .routes(routes!(riders::wechat::put, riders::wechat::get, riders::wechat::delete))
        .routes(routes!(groups::list))
        .routes(routes!(groups::put, groups::get, groups::delete))
        .routes(routes!(groups::change))
        .routes(routes!(templates::list))
        .routes(routes!(templates::put, templates::get))
        .routes(routes!(templates::versions))
        .routes(routes!(templates::restore))
        .routes(routes!(lexicon::get, lexicon::put))
        .routes(routes!(lexicon::versions))
        .routes(routes!(lexicon::restore))
        .routes(routes!(settings::get, settings::put))
        .routes(routes!(schedules::list))
        .routes(routes!(schedules::delete))
        .routes(routes!(notices::list))
        .routes(routes!(misses::list))
        .routes(routes!(reports::misses))
        .routes(routes!(reports::objective))
        .routes(routes!(voices::list))
        .routes(routes!(speech::post))
        .routes(routes!(warming::post))
        .routes(routes!(warming::get))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::revoke))
        .routes(routes!(keys::rotate))
        .routes(routes!(keys::rotate_signing))
        .routes(routes!(secrets::list))
        .routes(routes!(secrets::rotate))
        .routes(routes!(callbacks::targets::list, callbacks::targets::create))
        .routes(routes!(callbacks::targets::get, callbacks::targets::put, callbacks::targets::delete))
        .routes(routes!(callbacks::targets::test))
        .routes(routes!(callbacks::targets::stop))
        .routes(routes!(callbacks::targets::resume))
        .routes(routes!(callbacks::targets::redeliver))
        .routes(routes!(callbacks::list))
        .routes(routes!(callbacks::get))
        .routes(routes!(callbacks::redeliver))
        .routes(routes!(hooks::presets::list))
        .routes(routes!(hooks::presets::get))
        .routes(routes!(hooks::list, hooks::create))
        .routes(routes!(hooks::get, hooks::put, hooks::delete))
        .routes(routes!(hooks::rotate))
        .routes(routes!(hooks::trial::post))
        .routes(routes!(hooks::deliveries::list))
        .routes(routes!(hooks::deliveries::get))
        .routes(routes!(hooks::deliveries::replay))
        .routes(routes!(apps::own))
        .routes(routes!(apps::list, apps::create))
        .routes(routes!(apps::get))
        .routes(routes!(apps::put_limits))
}

/// For riders, their players, foreign senders, and whoever looks whether we live or what we offer.
fn other_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(rider_socket::upgrade))
        .routes(routes!(rider_api::alerts))
        .routes(routes!(rider_api::receipts))
        .routes(routes!(rider_api::check))
        .routes(routes!(rider_api::settings::get, rider_api::settings::put))
        .routes(routes!(rider_api::subscriptions::get, rider_api::subscriptions::post))
        .routes(routes!(wechat::login))
        .routes(routes!(hooks::inbox::post, hooks::inbox::probe))
        .routes(routes!(hooks::inbox::token))
        .routes(routes!(hooks::inbox::post_event, hooks::inbox::probe_event))
        .routes(routes!(audio::silence))
        .routes(routes!(audio::clip))
        .routes(routes!(pages::rider))
        .routes(routes!(pages::rider_file))
        .routes(routes!(health::ready))
        .routes(routes!(contract::get_openapi))
        .routes(routes!(contract::get_asyncapi))
        .routes(routes!(contract::page::get_page))
        .routes(routes!(contract::page::get_style))
}

tokio::task_local! {
    static REQUEST_ID: String;
}

/// The id of the request in hand, for answers and log lines.
#[must_use]
pub fn request_id() -> String {
    REQUEST_ID.try_with(Clone::clone).unwrap_or_default()
}

/// One id from the request to the receipt: the caller's trace (W3C `traceparent`), else the one it was given on its way in.
#[must_use]
pub fn trace_id(headers: &HeaderMap) -> String {
    trace_of(headers).trace_id().to_owned()
}

fn trace_of(headers: &HeaderMap) -> TraceParent {
    let told = only(headers, "traceparent").and_then(TraceParent::parse);
    told.unwrap_or_else(|| TraceParent::fresh(random_bytes()))
}

/// The caller's own id of a request; another spelling could forge a log line or a header.
fn told_id(headers: &HeaderMap) -> Option<String> {
    let sane = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let told = only(headers, "x-request-id")?;
    ((1..=128).contains(&told.len()) && told.bytes().all(sane)).then(|| told.to_owned())
}

/// The value of a header that is given once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut all = headers.get_all(name).iter();
    let (Some(only), None) = (all.next(), all.next()) else { return None };
    only.to_str().ok()
}

/// Gives a request its id and its trace, and tells both with the answer, whatever it is.
async fn name_request(mut request: Request, next: Next) -> Response {
    let trace = trace_of(request.headers()).header(random_bytes());
    if let Ok(header) = HeaderValue::from_str(&trace) {
        // Whoever asks for the trace further in is told this one.
        request.headers_mut().insert("traceparent", header);
    }
    let id = told_id(request.headers()).unwrap_or_else(fresh_request_id);
    let response = REQUEST_ID.scope(id.clone(), next.run(request)).await;
    named(response, &id, &trace)
}

/// The answer to a request that was not looked at: nothing of it is believed, not even its id.
fn refused(problem: Problem) -> Response {
    let (id, trace) = (fresh_request_id(), TraceParent::fresh(random_bytes()).header(random_bytes()));
    let response = REQUEST_ID.sync_scope(id.clone(), || problem.into_response());
    named(response, &id, &trace)
}

fn fresh_request_id() -> String {
    format!("req_{}", Uuid::from_bytes(random_bytes()).simple())
}

fn named(mut response: Response, id: &str, trace: &str) -> Response {
    if let (Ok(id), Ok(trace)) = (HeaderValue::from_str(id), HeaderValue::from_str(trace)) {
        response.headers_mut().insert("x-request-id", id);
        response.headers_mut().insert("traceparent", trace);
    }
    response
}

async fn observe(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    state.public_url.look(request.headers());
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

//! `GET /v1/rider/socket`: from the upgrade to the end of the session.
//! The socket is taken out of the HTTP server, so that a waiting rider costs little more than its descriptor.

mod arrivals;
mod driver;
mod rider_time;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::AppState;
use super::auth::bearer;
use super::listener::{Connection, Gate, OneOfMany, Place};
use super::problem::Problem;
use crate::dispatch::TokenRider;

pub use arrivals::Arrivals;
pub use driver::{Host, run};
pub use rider_time::RiderTime;
pub use transport::{Incoming, Socket, Transport};

/// The subprotocol of protocol v1.
pub const PROTOCOL: &str = "orderbell.v1";
/// Riders come and go within seconds; who is kept out asks again soon.
const FULL_RETRY_S: u64 = 10;

/// Bounds of one rider socket, from the configuration.
#[derive(Clone, Debug)]
pub struct SocketLimits {
    /// Limit for the first frame.
    pub hello_timeout: Duration,
    /// Largest frame from a client.
    pub frame_bytes_max: usize,
    /// Bytes waiting for a slow socket.
    pub queue_bytes_max: usize,
    /// Limit of a write without progress.
    pub send_timeout: Duration,
    /// Sessions of one rider.
    pub sessions_max: usize,
    /// Sockets that one rider may open in a minute; 0 for no limit.
    pub connects_per_minute: u32,
    /// Sockets that may be open for one client address; 0 for no limit.
    pub sockets_per_ip: usize,
    /// Whether `?token=` is accepted.
    pub token_in_query: bool,
    /// Time over which riders of a draining node return.
    pub return_spread: Duration,
}

/// Open the rider's socket.
///
/// WebSocket, subprotocol `orderbell.v1`; its frames are described in `/asyncapi.json`. A token in the header or the query
/// is judged before the upgrade; it may also come in the first frame.
///
/// # Errors
/// 400, 401, 426, 429, 503.
#[utoipa::path(
    get,
    path = "/v1/rider/socket",
    operation_id = "openRiderSocket",
    tag = "Rider",
    security((), ("riderToken" = [])),
    params(
        ("token" = Option<String>, Query, description = "The token, for clients that cannot set headers; may be turned off"),
        ("Sec-WebSocket-Protocol" = Option<String>, Header, description = "`orderbell.v1`, or none"),
    ),
    responses((status = 101, description = "The socket is open")),
    extensions(("x-errors" = json!(["bad_handshake", "unknown_protocol", "bad_token", "token_expired", "too_many_connections", "upgrade_required"]))),
)]
pub async fn upgrade(State(state): State<AppState>, mut request: Request) -> Result<Response, Problem> {
    let headers = request.headers();
    let accept = handshake(headers)?;
    let protocol = subprotocol(headers)?;
    let early = early_token(&state, &request);
    let rider = match early {
        Some(token) => Some(state.dispatch.accounts().token_rider(&token).await?),
        None => None,
    };
    if rider.as_ref().is_some_and(|rider| state.dispatch.is_full_for(rider)) {
        let detail = "the app has as many rider sessions as it may";
        return Err(Problem::too_many("too_many_connections", detail, FULL_RETRY_S));
    }
    let connection = request.extensions_mut().remove::<Connection>();
    let seat = seat(&state, connection.as_ref())?;
    let upgraded = request.extensions_mut().remove::<OnUpgrade>().ok_or_else(Problem::upgrade_required)?;
    let lifecycle = state.lifecycle.clone();
    let place = (connection.map(Connection::into_place), seat);
    lifecycle.spawn(enter(state, upgraded, rider, place));
    let mut response = switching(accept);
    if let Some(protocol) = protocol {
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    Ok(response)
}

/// The answer that turns a connection into a socket.
#[must_use]
pub fn switching(accept: HeaderValue) -> Response {
    let mut response = (StatusCode::SWITCHING_PROTOCOLS, Body::empty()).into_response();
    let answer = response.headers_mut();
    answer.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    answer.insert(UPGRADE, HeaderValue::from_static("websocket"));
    answer.insert(SEC_WEBSOCKET_ACCEPT, accept);
    response
}

/// One of the sockets that this client may have.
fn seat(state: &AppState, connection: Option<&Connection>) -> Result<Option<OneOfMany>, Problem> {
    let Some(connection) = connection.filter(|connection| connection.client_known) else { return Ok(None) };
    state.sockets().enter(connection.client).map_err(|_full| {
        let detail = "too many sockets are open from this address";
        Problem::too_many("too_many_connections", detail, TOO_MANY_PAUSE_S)
    })
}

/// What a socket holds as long as it is open: its place among all connections, and among those of its client.
type Places = (Option<Arc<Place>>, Option<OneOfMany>);

/// When to try again where too many are: long enough for some to leave.
const TOO_MANY_PAUSE_S: u64 = 10;

/// The session's task. It is small, and what is large has a box of its own: a waiting rider costs about what this
/// future and the driver hold between two frames.
async fn enter(state: AppState, upgraded: OnUpgrade, rider: Option<TokenRider>, places: Places) {
    let Ok(upgraded) = upgraded.await else { return };
    let Some(transport) = take_over(upgraded, state.limits.socket.frame_bytes_max) else { return };
    run(state.host(), transport, rider).await;
    drop(places);
}

/// The TCP stream itself, out of the HTTP server's hands; none if it is something other than TCP.
#[must_use]
pub fn take_over(upgraded: Upgraded, frame_bytes_max: usize) -> Option<Box<Transport>> {
    let parts = upgraded.downcast::<TokioIo<Gate>>().ok()?;
    let (stream, held) = parts.io.into_inner().into_parts();
    let read = [&*parts.read_buf, &held].concat();
    // The registration with the reactor is renewed: the old one keeps the finished HTTP task's memory alive.
    let stream = TcpStream::from_std(stream.into_std().ok()?).ok()?;
    Some(Box::new(Transport::new(stream, read, frame_bytes_max)))
}

/// RFC 6455 section 4.2.1; the answer to the client's key.
///
/// # Errors
/// 426 where no upgrade to version 13 is asked for, 400 for a key that is none.
pub fn handshake(headers: &HeaderMap) -> Result<HeaderValue, Problem> {
    let lists = |name: &HeaderName, token: &str| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|part| part.trim().eq_ignore_ascii_case(token))
    };
    let version = headers.get(SEC_WEBSOCKET_VERSION).is_some_and(|version| version == "13");
    if !lists(&CONNECTION, "upgrade") || !lists(&UPGRADE, "websocket") || !version {
        return Err(Problem::upgrade_required());
    }
    let key = headers.get(SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes).unwrap_or_default();
    // Sixteen bytes in base64; what they are is of no interest.
    let base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let good = key.len() == 24 && key.ends_with(b"==") && key.iter().take(22).all(base64);
    let accept = good.then(|| HeaderValue::from_str(&derive_accept_key(key)).ok()).flatten();
    accept.ok_or_else(|| Problem::bad_request("bad_handshake", "Sec-WebSocket-Key is not a key"))
}

/// Ours if it is offered; none if none is offered, for old clients; anything else is another protocol.
fn subprotocol(headers: &HeaderMap) -> Result<Option<HeaderValue>, Problem> {
    let offered = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    let mut offered = offered.flat_map(|value| value.split(',')).map(str::trim).peekable();
    if offered.peek().is_none() {
        return Ok(None);
    }
    if offered.any(|name| name == PROTOCOL) {
        return Ok(Some(HeaderValue::from_static(PROTOCOL)));
    }
    Err(Problem::bad_request("unknown_protocol", "this socket speaks orderbell.v1"))
}

fn early_token(state: &AppState, request: &Request) -> Option<String> {
    if let Some(token) = bearer(request.headers()) {
        return Some(token.to_owned());
    }
    if !state.limits.socket.token_in_query {
        return None;
    }
    // A token is base64url and dots: nothing in it is ever percent-encoded.
    let query = request.uri().query()?;
    query.split('&').find_map(|pair| pair.strip_prefix("token=")).map(str::to_owned)
}

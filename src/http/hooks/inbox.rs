//! `/in/{hook}`: where foreign backends send their webhooks. Everything here is answered as the sender's own protocol has it,
//! refusals as well, where the hook's profile says how; else with a problem document.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, StatusCode};

use super::address;
use crate::dispatch::{HookAnswer, HookArrival, HookReply, HookVisit, Unread};
use crate::http::body::read;
use crate::http::listener::Connection;
use crate::http::path::Path;
use crate::http::problem::{ItemProblem, Problem};
use crate::http::{AppState, trace_id};

/// Send to a hook.
///
/// The body as its sender has it: JSON, a form or XML. It is answered as the hook's profile says, after the commit, refusals too.
///
/// # Errors
/// As the hook's profile says; else 400, 401, 403, 408, 413, 415, 429, 503. 404 for a hook that there is not.
#[utoipa::path(
    post,
    path = "/in/{hook}",
    operation_id = "sendToHook",
    tag = "Hooks",
    params(("hook" = String, Path, description = "The hook, by the last part of its address")),
    responses((status = 200, description = "As the sender wants it", content_type = "*/*")),
    extensions(("x-foreign" = json!(true))),
)]
pub async fn post(State(state): State<AppState>, Path(hook): Path<String>, request: Request) -> Response {
    receive(&state, &hook, None, request).await
}

/// Try whether a hook is there.
///
/// Answered as the sender wants it, and nothing is made of it; unless the hook takes deliveries by `GET`.
///
/// # Errors
/// As [`post`].
#[utoipa::path(
    get,
    path = "/in/{hook}",
    operation_id = "probeHook",
    tag = "Hooks",
    params(("hook" = String, Path, description = "The hook, by the last part of its address")),
    responses((status = 200, description = "As the sender wants it", content_type = "*/*")),
    extensions(("x-foreign" = json!(true))),
)]
pub async fn probe(State(state): State<AppState>, Path(hook): Path<String>, request: Request) -> Response {
    receive(&state, &hook, None, request).await
}

/// Send to a hook, with the event in the path.
///
/// For senders that tell what has happened by the address alone.
///
/// # Errors
/// As [`post`].
#[utoipa::path(
    post,
    path = "/in/{hook}/{event}",
    operation_id = "sendEventToHook",
    tag = "Hooks",
    params(
        ("hook" = String, Path, description = "The hook, by the last part of its address"),
        ("event" = String, Path, description = "What the profile sees as `event`"),
    ),
    responses((status = 200, description = "As the sender wants it", content_type = "*/*")),
    extensions(("x-foreign" = json!(true))),
)]
pub async fn post_event(
    State(state): State<AppState>,
    Path((hook, event)): Path<(String, String)>,
    request: Request,
) -> Response {
    receive(&state, &hook, Some(event), request).await
}

/// Try whether a hook is there, with the event in the path.
///
/// As without it.
///
/// # Errors
/// As [`post`].
#[utoipa::path(
    get,
    path = "/in/{hook}/{event}",
    operation_id = "probeHookEvent",
    tag = "Hooks",
    params(
        ("hook" = String, Path, description = "The hook, by the last part of its address"),
        ("event" = String, Path, description = "What the profile sees as `event`"),
    ),
    responses((status = 200, description = "As the sender wants it", content_type = "*/*")),
    extensions(("x-foreign" = json!(true))),
)]
pub async fn probe_event(
    State(state): State<AppState>,
    Path((hook, event)): Path<(String, String)>,
    request: Request,
) -> Response {
    receive(&state, &hook, Some(event), request).await
}

/// Get a token for a hook.
///
/// For senders that ask for one with an account and a password before they send; where the hook hands out tokens.
///
/// # Errors
/// As [`post`].
#[utoipa::path(
    post,
    path = "/in/{hook}/token",
    operation_id = "getHookToken",
    tag = "Hooks",
    params(("hook" = String, Path, description = "The hook, by the last part of its address")),
    responses((status = 200, description = "As the sender wants it, the token in it", content_type = "*/*")),
    extensions(("x-foreign" = json!(true))),
)]
pub async fn token(State(state): State<AppState>, Path(hook): Path<String>, request: Request) -> Response {
    let visit = match state.dispatch.enter_hook(&hook).await {
        Ok(visit) => visit,
        Err(answer) => return told(answer),
    };
    match arrived(&state, &visit, None, request).await {
        Ok(arrival) => told(state.dispatch.hook_token(&visit, &arrival)),
        Err(answer) => told(answer),
    }
}

async fn receive(state: &AppState, hook: &str, event: Option<String>, request: Request) -> Response {
    let visit = match state.dispatch.enter_hook(hook).await {
        Ok(visit) => visit,
        Err(answer) => return told(answer),
    };
    match arrived(state, &visit, event, request).await {
        Ok(arrival) => told(state.dispatch.receive(visit, arrival).await),
        Err(answer) => told(answer),
    }
}

/// The request, whole; or the answer to one whose body was not taken.
async fn arrived(
    state: &AppState,
    visit: &HookVisit,
    event: Option<String>,
    mut request: Request,
) -> Result<HookArrival, HookAnswer> {
    let received_at = state.dispatch.clock().now().wall;
    let connection = request.extensions_mut().remove::<Connection>();
    let headers = request.headers().clone();
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let body = match read(request, state.dispatch.limits().hooks.max_body_bytes).await {
        Ok(body) => body,
        Err(problem) => return Err(state.dispatch.refuse_unread(visit, &headers, unread(problem))),
    };
    Ok(HookArrival {
        method,
        url: address::called(&state.public_url, connection.as_ref(), &headers, &uri),
        query: uri.query().unwrap_or_default().to_owned(),
        body,
        event,
        peer: connection.map(|connection| connection.client),
        trace_id: trace_id(&headers),
        headers,
        received_at,
    })
}

fn unread(problem: Problem) -> Unread {
    let ItemProblem { status, error, detail, pointer: _ } = problem.into();
    Unread { status, error, message: detail }
}

/// The answer as it is sent: of a length that is told, taken for nothing else than it says it is, and kept by nobody.
fn told(answer: HookAnswer) -> Response {
    let mut response = match answer.reply {
        HookReply::Own { status, content_type, body } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
            let mut response = (status, body).into_response();
            if let Ok(content_type) = HeaderValue::from_str(&content_type) {
                response.headers_mut().insert(CONTENT_TYPE, content_type);
            }
            response
        }
        HookReply::Problem { status, error, message } => {
            Problem::of_hook(status, error, message).into_response()
        }
    };
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(after_s) = answer.retry_after_s {
        headers.insert(RETRY_AFTER, HeaderValue::from(after_s));
    }
    response
}

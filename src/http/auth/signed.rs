//! Requests that are signed as Standard Webhooks does it, instead of a bearer key. The signature is over the body, so the
//! body is read here, whole, bounded and in time, and judged before anything looks into it.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};

use super::Caller;
use crate::http::AppState;
use crate::http::body::{bytes_max, read};
use crate::http::problem::Problem;
use crate::intake::signature::{HEADERS, KEY_ID, Signed};

/// Judges requests that claim to be signed: good ones go on with their [`Caller`] and the bytes that were signed. All others go on as they are.
pub async fn verify_signed(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    // A bearer key counts where no key of a signature is named: some libraries send their headers anyway.
    let claimed = headers.contains_key(KEY_ID)
        || (!headers.contains_key(AUTHORIZATION) && HEADERS.iter().any(|name| headers.contains_key(*name)));
    if !claimed {
        return next.run(request).await;
    }
    match verified(&state, request).await {
        Ok(request) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

async fn verified(state: &AppState, request: Request) -> Result<Request, Problem> {
    if request.headers().contains_key(AUTHORIZATION) {
        let detail = "send Authorization or Orderbell-Key-Id, not both";
        return Err(Problem::bad_request("not_together", detail));
    }
    let now = state.dispatch.clock().now().wall;
    let tolerance_ms = state.limits.signature_tolerance_ms;
    let signed = Signed::read(|name| values(request.headers(), name), now, tolerance_ms)?;
    let bytes_max = bytes_max(state, &request);
    let (mut parts, body) = request.into_parts();
    let mut unread = Request::new(body);
    *unread.headers_mut() = parts.headers.clone();
    let bytes = read(unread, bytes_max).await?;
    let accounts = state.dispatch.accounts();
    let owner = match signed.key {
        Some(id) => accounts.signer(id).await?,
        None => None,
    };
    let secrets = owner.as_ref().map(|owner| owner.secrets(now)).unwrap_or_default();
    // Computed for a key that nobody has as well.
    let good = signed.is_by(&secrets, &bytes);
    let key = owner.filter(|_| good).ok_or_else(Problem::bad_signature)?.key;
    let app = accounts.app(key.app).await?.ok_or_else(Problem::bad_signature)?;
    state.dispatch.note_key_use(&key);
    parts.extensions.insert(Caller { app, key });
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

fn values<'a>(headers: &'a HeaderMap, name: &'static str) -> Vec<&'a [u8]> {
    headers.get_all(name).iter().map(HeaderValue::as_bytes).collect()
}

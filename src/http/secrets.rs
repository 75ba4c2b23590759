//! The secrets of the caller's app: that with which rider tokens are signed, and that with which we sign what we send.
//! What exists may be seen; a value is in the answer that makes it and nowhere else.

use axum::extract::State;
use serde::Serialize;

use super::AppState;
use super::auth::MayHandleCallbacks;
use super::body::JsonValue;
use super::keys::{SecretView, live_secrets, read_grace_ms};
use super::path::Path;
use super::problem::{Answer, Problem, Success};
use crate::dispatch::AppSecret;
use crate::domain::app::{KeyMode, Scope};

/// The live secrets of an app.
#[derive(Serialize)]
pub struct SecretList {
    secrets: Vec<SecretView>,
}

/// A secret that was just made.
#[derive(Serialize)]
pub struct NewSecret {
    kind: &'static str,
    /// Shown this once.
    secret: String,
    /// The one before it, if there was one, works until then.
    old_until: String,
}

/// `GET /v1/secrets`: what exists, since when, until when.
///
/// # Errors
/// 401, 403, 503.
pub async fn list(
    State(state): State<AppState>,
    MayHandleCallbacks(caller): MayHandleCallbacks,
) -> Answer<SecretList> {
    let now = state.dispatch.clock().now().wall;
    Ok(Success(SecretList { secrets: live_secrets(&caller.app.app.secrets, now) }))
}

/// `POST /v1/secrets/{rider|callback}/rotate` `{grace_s?}`. The rider secret needs `admin`: whoever has it is every rider.
///
/// # Errors
/// 400, 401, 403, 404, 503.
pub async fn rotate(
    State(state): State<AppState>,
    MayHandleCallbacks(caller): MayHandleCallbacks,
    Path(kind): Path<String>,
    JsonValue(body): JsonValue,
) -> Answer<NewSecret> {
    let secret = AppSecret::parse(&kind).ok_or_else(|| Problem::not_found("secret"))?;
    let needed = match secret {
        AppSecret::Rider => Scope::Admin,
        AppSecret::Callback => Scope::Callbacks,
    };
    if !caller.may(needed) {
        return Err(Problem::forbidden(needed.as_str()));
    }
    caller.touch(KeyMode::Live)?;
    let grace_ms = read_grace_ms(&body)?;
    let shown = state.dispatch.accounts().rotate_app(caller.app_id(), secret, grace_ms).await?;
    let kind = secret.kind().as_str();
    Ok(Success(NewSecret { kind, secret: shown.text, old_until: shown.old_until.to_string() }))
}

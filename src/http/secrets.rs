//! The secrets of the caller's app: that with which rider tokens are signed, and that with which we sign what we send.
//! What exists may be seen; a value is in the answer that makes it and nowhere else.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::auth::MayHandleCallbacks;
use super::body::JsonValue;
use super::keys::{SecretView, live_secrets, read_grace_ms};
use super::path::Path;
use super::problem::{Answer, Envelope, Problem, Success};
use crate::dispatch::AppSecret;
use crate::domain::app::{KeyMode, Scope};

/// The live secrets of an app.
#[derive(Serialize, ToSchema)]
pub struct SecretList {
    secrets: Vec<SecretView>,
}

/// A secret that was just made.
#[derive(Serialize, ToSchema)]
pub struct NewSecret {
    kind: &'static str,
    /// Shown this once.
    secret: String,
    /// The one before it, if there was one, works until then.
    old_until: String,
}

/// List your app's secrets.
///
/// What exists, since when, until when; never the secrets themselves.
///
/// # Errors
/// 401, 403, 503.
#[utoipa::path(
    get,
    path = "/v1/secrets",
    operation_id = "listSecrets",
    tag = "Keys",
    security(("apiKey" = ["callbacks"])),
    responses((status = 200, description = "Done", body = Envelope<SecretList>)),
)]
pub async fn list(
    State(state): State<AppState>,
    MayHandleCallbacks(caller): MayHandleCallbacks,
) -> Answer<SecretList> {
    let now = state.dispatch.clock().now().wall;
    Ok(Success(SecretList { secrets: live_secrets(&caller.app.app.secrets, now) }))
}

/// Replace a secret of your app.
///
/// `rider` signs rider tokens and needs `admin`: whoever has it is every rider. `callback` signs what we send.
///
/// # Errors
/// 400, 401, 403, 404, 503.
#[utoipa::path(
    post,
    path = "/v1/secrets/{kind}/rotate",
    operation_id = "rotateSecret",
    tag = "Keys",
    security(("apiKey" = ["callbacks"])),
    params(("kind" = String, Path, description = "`rider` or `callback`")),
    request_body(content = ref("#/components/schemas/RotateBody")),
    responses((status = 200, description = "Done", body = Envelope<NewSecret>)),
    extensions(("x-errors" = json!(["not_found", "test_key"]))),
)]
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

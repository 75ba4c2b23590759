//! The API keys of the caller's app: made, listed, given new secrets, revoked. A secret is in the answer that makes it and
//! nowhere else.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::auth::{Caller, MayAdminister};
use super::body::JsonValue;
use super::path::Path;
use super::problem::{Answer, Envelope, Problem, Success};
use crate::dispatch::{KeySecret, KeyWish};
use crate::domain::app::{ApiKey, KeyMode, Scope};
use crate::domain::{EpochMs, KeyId, Secret};
use crate::intake::{InputError, Reader};

/// The live keys of an app.
#[derive(Serialize, ToSchema)]
pub struct KeyList {
    keys: Vec<KeyView>,
}

/// A key, without what opens anything.
#[derive(Serialize, ToSchema)]
pub struct KeyView {
    id: KeyId,
    name: String,
    scopes: Vec<Scope>,
    mode: KeyMode,
    created_at: String,
    /// To ten minutes.
    last_used_at: Option<String>,
    secrets: Vec<SecretView>,
}

/// A secret that works, without itself.
#[derive(Serialize, ToSchema)]
pub struct SecretView {
    kind: &'static str,
    created_at: String,
    /// When it stops working, if it has been replaced.
    until: Option<String>,
}

/// A key that was just made.
#[derive(Serialize, ToSchema)]
pub struct MadeKey {
    key_id: KeyId,
    /// Shown this once.
    secret: String,
    /// Shown this once; where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    signing_secret: Option<String>,
}

/// A key's new bearer secret.
#[derive(Serialize, ToSchema)]
pub struct NewBearer {
    key_id: KeyId,
    /// Shown this once.
    secret: String,
    /// The one before it works until then.
    old_until: String,
}

/// A key's new signing secret.
#[derive(Serialize, ToSchema)]
pub struct NewSigning {
    key_id: KeyId,
    /// Shown this once.
    signing_secret: String,
    /// The one before it, if there was one, works until then.
    old_until: String,
}

/// A key that has ended.
#[derive(Serialize, ToSchema)]
pub struct Revoked {
    revoked: KeyId,
}

/// How long a secret works after it was replaced, in seconds, unless the caller says otherwise: a working day to change
/// it everywhere.
const GRACE_S: i64 = 86_400;
/// And at most: who needs longer has forgotten it.
const GRACE_S_MAX: i64 = 7 * 86_400;

/// List your keys.
///
/// Live ones, without what opens anything.
///
/// # Errors
/// 401, 403, 503.
#[utoipa::path(
    get,
    path = "/v1/keys",
    operation_id = "listKeys",
    tag = "Keys",
    security(("apiKey" = ["admin"])),
    responses((status = 200, description = "Done", body = Envelope<KeyList>)),
)]
pub async fn list(State(state): State<AppState>, MayAdminister(caller): MayAdminister) -> Answer<KeyList> {
    let now = state.dispatch.clock().now().wall;
    let keys = state.dispatch.accounts().keys(caller.app_id()).await?;
    let live = keys.into_iter().filter(|key| key.revoked_at.is_none());
    Ok(Success(KeyList { keys: live.map(|key| view(key, now)).collect() }))
}

/// Make a key.
///
/// Its secrets are shown this once.
///
/// # Errors
/// 400, 401, 403, 409 for a name that is taken, 503.
#[utoipa::path(
    post,
    path = "/v1/keys",
    operation_id = "createKey",
    tag = "Keys",
    security(("apiKey" = ["admin"])),
    request_body(content = ref("#/components/schemas/KeyBody")),
    responses((status = 200, description = "Done", body = Envelope<MadeKey>)),
    extensions(("x-errors" = json!(["taken", "bad_value", "test_key"]))),
)]
pub async fn create(
    State(state): State<AppState>,
    MayAdminister(caller): MayAdminister,
    JsonValue(body): JsonValue,
) -> Answer<MadeKey> {
    let wish = read(&Reader::new(&body)?, &caller)?;
    caller.touch(wish.mode)?;
    let made = state.dispatch.accounts().make_key(wish).await?;
    Ok(Success(MadeKey { key_id: made.id, secret: made.secret, signing_secret: made.signing_secret }))
}

/// Give a key a new secret.
///
/// Shown this once. The one of before works for `grace_s` seconds more, a day unless said otherwise.
///
/// # Errors
/// 400, 401, 403, 404, 503.
#[utoipa::path(
    post,
    path = "/v1/keys/{id}/rotate",
    operation_id = "rotateKey",
    tag = "Keys",
    security(("apiKey" = ["admin"])),
    params(("id" = String, Path, description = "The key")),
    request_body(content = ref("#/components/schemas/RotateBody")),
    responses((status = 200, description = "Done", body = Envelope<NewBearer>)),
    extensions(("x-errors" = json!(["not_found", "test_key"]))),
)]
pub async fn rotate(
    State(state): State<AppState>,
    MayAdminister(caller): MayAdminister,
    Path(id): Path<String>,
    JsonValue(body): JsonValue,
) -> Answer<NewBearer> {
    let grace_ms = read_grace_ms(&body)?;
    let key_id = touched(&state, &caller, &id).await?;
    let rotated = state.dispatch.accounts().rotate_key(caller.app_id(), key_id, KeySecret::Bearer, grace_ms);
    let shown = rotated.await?;
    Ok(Success(NewBearer { key_id, secret: shown.text, old_until: shown.old_until.to_string() }))
}

/// Give a key a new signing secret.
///
/// Or its first. Shown this once; the one of before works for `grace_s` seconds more.
///
/// # Errors
/// 400, 401, 403, 404, 503.
#[utoipa::path(
    post,
    path = "/v1/keys/{id}/signing/rotate",
    operation_id = "rotateSigningSecret",
    tag = "Keys",
    security(("apiKey" = ["admin"])),
    params(("id" = String, Path, description = "The key")),
    request_body(content = ref("#/components/schemas/RotateBody")),
    responses((status = 200, description = "Done", body = Envelope<NewSigning>)),
    extensions(("x-errors" = json!(["not_found", "test_key"]))),
)]
pub async fn rotate_signing(
    State(state): State<AppState>,
    MayAdminister(caller): MayAdminister,
    Path(id): Path<String>,
    JsonValue(body): JsonValue,
) -> Answer<NewSigning> {
    let grace_ms = read_grace_ms(&body)?;
    let key_id = touched(&state, &caller, &id).await?;
    let rotated = state.dispatch.accounts().rotate_key(caller.app_id(), key_id, KeySecret::Signing, grace_ms);
    let shown = rotated.await?;
    Ok(Success(NewSigning { key_id, signing_secret: shown.text, old_until: shown.old_until.to_string() }))
}

/// End a key.
///
/// With all its secrets, at once.
///
/// # Errors
/// 401, 403, 404, 503.
#[utoipa::path(
    delete,
    path = "/v1/keys/{id}",
    operation_id = "revokeKey",
    tag = "Keys",
    security(("apiKey" = ["admin"])),
    params(("id" = String, Path, description = "The key")),
    responses((status = 200, description = "Done", body = Envelope<Revoked>)),
    extensions(("x-errors" = json!(["not_found", "test_key"]))),
)]
pub async fn revoke(
    State(state): State<AppState>,
    MayAdminister(caller): MayAdminister,
    Path(id): Path<String>,
) -> Answer<Revoked> {
    let key_id = touched(&state, &caller, &id).await?;
    if state.dispatch.accounts().revoke_key(caller.app_id(), key_id).await? {
        Ok(Success(Revoked { revoked: key_id }))
    } else {
        Err(unknown())
    }
}

/// The caller's own live key with this id, if the caller may change it.
async fn touched(state: &AppState, caller: &Caller, id: &str) -> Result<KeyId, Problem> {
    // A text that is no id of ours is the id of no key.
    let id: KeyId = id.parse().map_err(|_| unknown())?;
    let key = state.dispatch.accounts().live_key(caller.app_id(), id).await?;
    caller.touch(key.mode)?;
    Ok(id)
}

fn unknown() -> Problem {
    Problem::not_found("key")
}

fn read(body: &Reader<'_>, caller: &Caller) -> Result<KeyWish, InputError> {
    body.only(&["name", "scopes", "mode", "signing"])?;
    let words = Scope::ALL.map(Scope::as_str).join(", ");
    let scopes = body.words("scopes", Scope::parse, &words)?.unwrap_or_default();
    if scopes.is_empty() {
        return Err(body.missing("scopes"));
    }
    Ok(KeyWish {
        app: caller.app_id(),
        name: body.text("name", 256)?.ok_or_else(|| body.missing("name"))?,
        scopes,
        mode: body.word("mode", KeyMode::parse, "live, test")?.unwrap_or_else(|| caller.mode()),
        signing: body.boolean("signing")?.unwrap_or(false),
    })
}

/// `{grace_s?}`.
pub(super) fn read_grace_ms(body: &serde_json::Value) -> Result<i64, InputError> {
    let body = Reader::new(body)?;
    body.only(&["grace_s"])?;
    Ok(body.integer("grace_s", 0, GRACE_S_MAX)?.unwrap_or(GRACE_S) * 1_000)
}

fn view(key: ApiKey, now: EpochMs) -> KeyView {
    KeyView {
        id: key.id,
        name: key.name,
        scopes: key.scopes,
        mode: key.mode,
        created_at: key.created_at.to_string(),
        last_used_at: key.last_used_at.map(|at| at.to_string()),
        secrets: live_secrets(&key.secrets, now),
    }
}

/// What of these works now, the newest first.
pub(super) fn live_secrets(secrets: &[Secret], now: EpochMs) -> Vec<SecretView> {
    let live = secrets.iter().filter(|secret| secret.is_live(now));
    live.map(|secret| SecretView {
        kind: secret.kind.as_str(),
        created_at: secret.created_at.to_string(),
        until: secret.until.map(|until| until.to_string()),
    })
    .collect()
}

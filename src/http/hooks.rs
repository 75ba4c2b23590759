//! Hooks: what turns the webhooks of other backends into events of your app. Made, looked at, changed and tried here.
//! What is sent to them comes in by [`inbox`]; how a body is read is not known here.

mod address;
pub mod deliveries;
pub mod inbox;
pub mod presets;
pub mod trial;
pub mod view;
mod wish;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::auth::{MayHandleHooks, MaySeeHooks};
use super::body::JsonValue;
use super::path::Path;
use super::problem::{Answer, Envelope, Problem, Success};
use super::test_mode::LiveKey;
use crate::dispatch::HookError;
use crate::domain::HookId;
use crate::intake::Reader;
use view::{HookDetail, HookView};

/// Hooks, oldest first.
#[derive(Serialize, ToSchema)]
pub struct HookList {
    hooks: Vec<HookView>,
}

/// A hook that is no more.
#[derive(Serialize, ToSchema)]
pub struct HookDeleted {
    /// `true`.
    deleted: bool,
}

/// List hooks.
///
/// Oldest first. An address is as good as a key where its hook verifies nothing else: treat it like one.
///
/// # Errors
/// 401, 403, 503.
#[utoipa::path(
    get,
    path = "/v1/hooks",
    operation_id = "listHooks",
    tag = "Hooks",
    security(("apiKey" = ["hooks"]), ("apiKey" = ["read"])),
    responses((status = 200, description = "Done", body = Envelope<HookList>)),
)]
pub async fn list(State(state): State<AppState>, MaySeeHooks(caller): MaySeeHooks) -> Answer<HookList> {
    let hooks = state.dispatch.hooks(caller.app_id()).await?;
    let hooks = hooks.into_iter().map(|hook| HookView::of(hook, &state.public_url)).collect();
    Ok(Success(HookList { hooks }))
}

/// Make a hook.
///
/// From a preset, from a profile of your own, or from both: the profile is laid over the preset, and `null` takes something of it
/// away. All of it is compiled before it is kept. The answer has the address to enter at the sender.
///
/// # Errors
/// 400 with the member at fault, 401, 403, 409 for one too many, 503.
#[utoipa::path(
    post,
    path = "/v1/hooks",
    operation_id = "createHook",
    tag = "Hooks",
    security(("apiKey" = ["hooks"])),
    request_body(content = ref("#/components/schemas/HookBody")),
    responses((status = 200, description = "Done", body = Envelope<HookView>)),
    extensions(("x-errors" = json!(["bad_value", "bad_expression", "unknown_kind", "unknown_preset", "too_many_hooks", "test_key"]))),
)]
pub async fn create(
    State(state): State<AppState>,
    LiveKey(MayHandleHooks(caller)): LiveKey<MayHandleHooks>,
    JsonValue(body): JsonValue,
) -> Answer<HookView> {
    let wish = wish::of_new(&Reader::new(&body)?)?;
    let hook = state.dispatch.add_hook(caller.app_id(), wish).await?;
    Ok(Success(HookView::of(hook, &state.public_url)))
}

/// Look at a hook.
///
/// What it is, what became of the requests that came to this server since it started, and the last that were refused: of those
/// nothing else is kept.
///
/// # Errors
/// 401, 403, 404, 503.
#[utoipa::path(
    get,
    path = "/v1/hooks/{id}",
    operation_id = "getHook",
    tag = "Hooks",
    security(("apiKey" = ["hooks"]), ("apiKey" = ["read"])),
    params(("id" = String, Path, description = "The hook")),
    responses((status = 200, description = "Done", body = Envelope<HookDetail>)),
    extensions(("x-errors" = json!(["not_found"]))),
)]
pub async fn get(
    State(state): State<AppState>,
    MaySeeHooks(caller): MaySeeHooks,
    Path(id): Path<String>,
) -> Answer<HookDetail> {
    let hook = state.dispatch.hook(caller.app_id(), &parse(&id)?).await?;
    Ok(Success(HookDetail::of(hook, &state.public_url)))
}

/// Change a hook.
///
/// What is not named has its default again, but for the secrets: those that are not named stay, and a name with an empty list
/// loses its own. The address stays.
///
/// # Errors
/// 400 with the member at fault, 401, 403, 404, 409 if it was changed since `if_version`, 503.
#[utoipa::path(
    put,
    path = "/v1/hooks/{id}",
    operation_id = "putHook",
    tag = "Hooks",
    security(("apiKey" = ["hooks"])),
    params(("id" = String, Path, description = "The hook")),
    request_body(content = ref("#/components/schemas/HookChangeBody")),
    responses((status = 200, description = "Done", body = Envelope<HookView>)),
    extensions(("x-errors" = json!(["not_found", "bad_value", "bad_expression", "unknown_kind", "unknown_preset", "version_conflict", "test_key"]))),
)]
pub async fn put(
    State(state): State<AppState>,
    LiveKey(MayHandleHooks(caller)): LiveKey<MayHandleHooks>,
    Path(id): Path<String>,
    JsonValue(body): JsonValue,
) -> Answer<HookView> {
    let id = parse(&id)?;
    let (wish, version) = wish::of_old(&Reader::new(&body)?)?;
    let hook = state.dispatch.put_hook(caller.app_id(), &id, wish, version).await?;
    Ok(Success(HookView::of(hook, &state.public_url)))
}

/// Delete a hook.
///
/// With all that is kept of what was sent to it. Its events stay.
///
/// # Errors
/// 401, 403, 404, 503.
#[utoipa::path(
    delete,
    path = "/v1/hooks/{id}",
    operation_id = "deleteHook",
    tag = "Hooks",
    security(("apiKey" = ["hooks"])),
    params(("id" = String, Path, description = "The hook")),
    responses((status = 200, description = "Done", body = Envelope<HookDeleted>)),
    extensions(("x-errors" = json!(["not_found", "test_key"]))),
)]
pub async fn delete(
    State(state): State<AppState>,
    LiveKey(MayHandleHooks(caller)): LiveKey<MayHandleHooks>,
    Path(id): Path<String>,
) -> Answer<HookDeleted> {
    state.dispatch.delete_hook(caller.app_id(), &parse(&id)?).await?;
    Ok(Success(HookDeleted { deleted: true }))
}

/// Rotate a hook's secret.
///
/// The new one counts at once, and the older ones go on counting, so that the sender may change over in its own time. With
/// `drop_others` it is the only one from now on.
///
/// # Errors
/// 400 with the member at fault, 401, 403, 404, 503.
#[utoipa::path(
    post,
    path = "/v1/hooks/{id}/secrets",
    operation_id = "rotateHookSecret",
    tag = "Hooks",
    security(("apiKey" = ["hooks"])),
    params(("id" = String, Path, description = "The hook")),
    request_body(content = ref("#/components/schemas/HookSecretBody")),
    responses((status = 200, description = "Done", body = Envelope<HookView>)),
    extensions(("x-errors" = json!(["not_found", "bad_value", "test_key"]))),
)]
pub async fn rotate(
    State(state): State<AppState>,
    LiveKey(MayHandleHooks(caller)): LiveKey<MayHandleHooks>,
    Path(id): Path<String>,
    JsonValue(body): JsonValue,
) -> Answer<HookView> {
    let id = parse(&id)?;
    let rotation = wish::rotation(&Reader::new(&body)?)?;
    let hook = state.dispatch.rotate_hook_secret(caller.app_id(), &id, rotation).await?;
    Ok(Success(HookView::of(hook, &state.public_url)))
}

/// A text that is no address of a hook is the address of none.
fn parse(id: &str) -> Result<HookId, Problem> {
    id.parse().map_err(|_| Problem::not_found("hook"))
}

impl From<HookError> for Problem {
    fn from(error: HookError) -> Self {
        match error {
            HookError::Input(error) => error.into(),
            HookError::Unknown(what) => Self::not_found(what),
            HookError::Full => Self::conflict("too_many_hooks", "the app has as many hooks as it may"),
            HookError::Changed(_) => Self::conflict("version_conflict", &error.to_string()),
            HookError::NotKept => {
                Self::conflict("not_kept", "its body was too large to be kept; its sender has it")
            }
            HookError::Busy => Self::unavailable(),
            HookError::Vault(error) => Self::internal(&error),
            HookError::Store(error) => error.into(),
        }
    }
}

//! Apps: what the operator makes and bounds, and what an app sees of itself.
//! The operator sees no secret, no key and nothing of what an app does.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::auth::{AnyBackend, MayOperate};
use super::body::JsonValue;
use super::path::Path;
use super::problem::{Answer, Envelope, Problem, Success};
use crate::dispatch::AppEntry;
use crate::domain::app::{App, AppLimits, KeyMode, Quota, Scope};
use crate::domain::{AppId, KeyId};
use crate::intake::{InputError, Reader};
use crate::speech::Lang;

/// All apps.
#[derive(Serialize, ToSchema)]
pub struct AppList {
    apps: Vec<AppView>,
}

/// An app as the operator sees it.
#[derive(Serialize, ToSchema)]
pub struct AppView {
    id: AppId,
    name: String,
    lang: String,
    created_at: String,
    /// What holds for it; 0 is no limit.
    limits: Quota,
    /// Those of them that are its own.
    own_limits: AppLimits,
}

/// An app that was just made.
#[derive(Serialize, ToSchema)]
pub struct MadeApp {
    id: AppId,
    name: String,
    key_id: KeyId,
    /// Its first key, scope `admin`; shown this once.
    secret: String,
}

/// An app as it sees itself.
#[derive(Serialize, ToSchema)]
pub struct OwnApp {
    id: AppId,
    name: String,
    lang: String,
    /// Of the key that asks.
    mode: KeyMode,
    /// Of the key that asks.
    scopes: Vec<Scope>,
    /// What holds for it; 0 is no limit.
    limits: Quota,
    r#use: OwnUse,
}

/// What an app uses of its limits.
#[derive(Serialize, ToSchema)]
pub struct OwnUse {
    events_last_minute: u32,
    sessions: usize,
    /// In the app's own time zone.
    speech_characters_today: u64,
}

/// Name of the first key of an app.
const FIRST_KEY: &str = "first";
/// Largest number a limit may have.
const LIMIT_MAX: i64 = 1_000_000_000;

/// List all apps.
///
/// What they are and what they may use.
///
/// # Errors
/// 401, 403, 503.
#[utoipa::path(
    get,
    path = "/v1/apps",
    operation_id = "listApps",
    tag = "Apps",
    security(("operatorKey" = [])),
    responses((status = 200, description = "Done", body = Envelope<AppList>)),
)]
pub async fn list(State(state): State<AppState>, _operator: MayOperate) -> Answer<AppList> {
    let apps = state.dispatch.accounts().apps().await?;
    Ok(Success(AppList { apps: apps.iter().map(|app| view(&state, app)).collect() }))
}

/// Make an app.
///
/// With its first key, whose secret is shown this once.
///
/// # Errors
/// 400, 401, 403, 409 for a name that is taken, 503.
#[utoipa::path(
    post,
    path = "/v1/apps",
    operation_id = "createApp",
    tag = "Apps",
    security(("operatorKey" = [])),
    request_body(content = ref("#/components/schemas/AppBody")),
    responses((status = 200, description = "Done", body = Envelope<MadeApp>)),
    extensions(("x-errors" = json!(["taken", "bad_value"]))),
)]
pub async fn create(
    State(state): State<AppState>,
    _operator: MayOperate,
    JsonValue(body): JsonValue,
) -> Answer<MadeApp> {
    let body = Reader::new(&body)?;
    body.only(&["name", "lang"])?;
    let name = body.text("name", 256)?.ok_or_else(|| body.missing("name"))?;
    let lang = body.word("lang", Lang::parse, "zh-CN, yue, en")?.unwrap_or(Lang::ZhCn);
    let accounts = state.dispatch.accounts();
    let id = accounts.create_app_in(&name, lang).await?;
    // Should this fail, the app is there without a key, and the command line can make one.
    let key = accounts.create_key(id, FIRST_KEY, vec![Scope::Admin], KeyMode::Live).await?;
    Ok(Success(MadeApp { id, name: name.trim().to_owned(), key_id: key.id, secret: key.secret }))
}

/// Look at an app.
///
/// What it is and what it may use.
///
/// # Errors
/// 401, 403, 404, 503.
#[utoipa::path(
    get,
    path = "/v1/apps/{id}",
    operation_id = "getApp",
    tag = "Apps",
    security(("operatorKey" = [])),
    params(("id" = String, Path, description = "The app")),
    responses((status = 200, description = "Done", body = Envelope<AppView>)),
    extensions(("x-errors" = json!(["not_found"]))),
)]
pub async fn get(
    State(state): State<AppState>,
    _operator: MayOperate,
    Path(id): Path<String>,
) -> Answer<AppView> {
    Ok(Success(view(&state, &named(&state, &id).await?.app)))
}

/// Set what an app may use.
///
/// Replaces all its limits; what is not named is the server's usual again.
///
/// # Errors
/// 400, 401, 403, 404, 503.
#[utoipa::path(
    put,
    path = "/v1/apps/{id}/limits",
    operation_id = "putAppLimits",
    tag = "Apps",
    security(("operatorKey" = [])),
    params(("id" = String, Path, description = "The app")),
    request_body(content = ref("#/components/schemas/LimitsBody")),
    responses((status = 200, description = "Done", body = Envelope<AppView>)),
    extensions(("x-errors" = json!(["not_found"]))),
)]
pub async fn put_limits(
    State(state): State<AppState>,
    _operator: MayOperate,
    Path(id): Path<String>,
    JsonValue(body): JsonValue,
) -> Answer<AppView> {
    let limits = read_limits(&Reader::new(&body)?)?;
    let app = named(&state, &id).await?;
    state.dispatch.accounts().put_limits(app.app.id, limits).await?;
    Ok(Success(view(&state, &named(&state, &id).await?.app)))
}

/// Look at your own app.
///
/// With any scope: what it is, what it may use and what it uses.
///
/// # Errors
/// 401, 503.
#[utoipa::path(
    get,
    path = "/v1/app",
    operation_id = "getOwnApp",
    tag = "Apps",
    security(("apiKey" = [])),
    responses((status = 200, description = "Done", body = Envelope<OwnApp>)),
)]
pub async fn own(State(state): State<AppState>, AnyBackend(caller): AnyBackend) -> Answer<OwnApp> {
    let usage = state.dispatch.usage(&caller.app).await?;
    let app = &caller.app.app;
    Ok(Success(OwnApp {
        id: app.id,
        name: app.name.clone(),
        lang: app.lang.clone(),
        mode: caller.mode(),
        scopes: caller.scopes().to_vec(),
        limits: state.dispatch.quota(&caller.app),
        r#use: OwnUse {
            events_last_minute: usage.events_last_minute,
            sessions: usage.sessions,
            speech_characters_today: usage.speech_characters_today,
        },
    }))
}

async fn named(state: &AppState, id: &str) -> Result<Arc<AppEntry>, Problem> {
    let unknown = || Problem::not_found("app");
    // By its id alone: a name in an address would need escapes.
    let id: AppId = id.parse().map_err(|_| unknown())?;
    state.dispatch.accounts().app(id).await?.ok_or_else(unknown)
}

fn read_limits(body: &Reader<'_>) -> Result<AppLimits, InputError> {
    body.only(&["events_per_s", "burst", "sessions", "speech_characters_per_day"])?;
    let limit = |name: &str| -> Result<Option<u32>, InputError> {
        Ok(body.integer(name, 0, LIMIT_MAX)?.and_then(|limit| u32::try_from(limit).ok()))
    };
    Ok(AppLimits {
        events_per_s: limit("events_per_s")?,
        burst: limit("burst")?,
        sessions: limit("sessions")?,
        speech_characters_per_day: limit("speech_characters_per_day")?,
    })
}

fn view(state: &AppState, app: &App) -> AppView {
    AppView {
        id: app.id,
        name: app.name.clone(),
        lang: app.lang.clone(),
        created_at: app.created_at.to_string(),
        limits: app.limits.over(state.dispatch.limits().quota),
        own_limits: app.limits,
    }
}

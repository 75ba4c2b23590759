//! Presets: profiles that come with Orderbell, each for one sender. Looked at here, and laid under a hook by its name.

use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::http::AppState;
use crate::http::auth::MaySeeHooks;
use crate::http::path::Path;
use crate::http::problem::{Answer, Envelope, Problem, Success};
use crate::intake::hooks::presets::{preset, preset_names};

/// Presets, by name.
#[derive(Serialize, ToSchema)]
pub struct PresetList {
    presets: Vec<PresetView>,
}

/// A preset.
#[derive(Serialize, ToSchema)]
#[schema(as = HookPreset)]
pub struct PresetView {
    name: String,
    /// Whose webhooks it takes.
    title: String,
    /// Where what it knows of them is from.
    source: String,
    /// What of them it takes.
    covers: String,
}

/// A preset, whole.
#[derive(Serialize, ToSchema)]
#[schema(as = HookPresetDetail)]
pub struct PresetDetail {
    #[serde(flatten)]
    preset: PresetView,
    /// What it does not take, and what nobody has checked.
    not_covered: String,
    /// What to do at the sender, in Markdown.
    setup: String,
    /// What its owner must or may give it, by name.
    #[schema(value_type = Object)]
    params: Value,
    /// What a hook's own profile is laid over.
    #[schema(value_type = Object)]
    profile: Value,
}

/// List presets.
///
/// The senders that are known, by name.
///
/// # Errors
/// 401, 403.
#[utoipa::path(
    get,
    path = "/v1/hooks/presets",
    operation_id = "listHookPresets",
    tag = "Hooks",
    security(("apiKey" = ["hooks"]), ("apiKey" = ["read"])),
    responses((status = 200, description = "Done", body = Envelope<PresetList>)),
)]
pub async fn list(State(_): State<AppState>, MaySeeHooks(_): MaySeeHooks) -> Answer<PresetList> {
    let known = preset_names().into_iter().filter_map(|name| Some(PresetView::of(name, &preset(name)?)));
    Ok(Success(PresetList { presets: known.collect() }))
}

/// Look at a preset.
///
/// What it takes, what it needs, and what to do at the sender.
///
/// # Errors
/// 401, 403, 404.
#[utoipa::path(
    get,
    path = "/v1/hooks/presets/{name}",
    operation_id = "getHookPreset",
    tag = "Hooks",
    security(("apiKey" = ["hooks"]), ("apiKey" = ["read"])),
    params(("name" = String, Path, description = "The preset")),
    responses((status = 200, description = "Done", body = Envelope<PresetDetail>)),
    extensions(("x-errors" = json!(["not_found"]))),
)]
pub async fn get(
    State(_): State<AppState>,
    MaySeeHooks(_): MaySeeHooks,
    Path(name): Path<String>,
) -> Answer<PresetDetail> {
    let profile = preset(&name).ok_or_else(|| Problem::not_found("preset"))?;
    let params = match &profile["params"] {
        Value::Null => Value::Object(serde_json::Map::new()),
        params => params.clone(),
    };
    Ok(Success(PresetDetail {
        preset: PresetView::of(&name, &profile),
        not_covered: text(&profile["about"]["not_covered"]),
        setup: text(&profile["about"]["setup"]),
        params,
        profile,
    }))
}

impl PresetView {
    fn of(name: &str, profile: &Value) -> Self {
        Self {
            name: name.to_owned(),
            title: text(&profile["title"]),
            source: text(&profile["about"]["source"]),
            covers: text(&profile["about"]["covers"]),
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().trim().to_owned()
}

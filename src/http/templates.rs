//! An app's own phrases, checked when they are saved, for all its orders or for those of one merchant.
//! A phrase that does not compile, or that nothing could ever say, is refused with its place.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::auth::{Caller, MayAdminister, MayRead};
use super::body::JsonValue;
use super::moment::Moment;
use super::path::Path;
use super::problem::{Answer, Envelope, Problem, Success};
use super::test_mode::LiveKey;
use super::wordings::{Asked, Named, read_version, saved_as};
use crate::dispatch::Restored;
use crate::intake::Reader;
use crate::speech::{Lang, Phrase};
use crate::store::{Topic, Wording, WordingKey};

/// Your own phrases.
#[derive(Serialize, ToSchema)]
pub struct TemplateList {
    templates: Vec<TemplateView>,
}

/// The versions of your own phrases of one kind that are kept, the newest first.
#[derive(Serialize, ToSchema)]
pub struct TemplateVersions {
    versions: Vec<TemplateView>,
}

/// Your own phrases of one kind in one language, from specific to slotless.
#[derive(Serialize, ToSchema)]
pub struct TemplateView {
    kind: String,
    lang: String,
    /// Whose orders they are for; `null` for all.
    merchant: Option<String>,
    /// Rises by one with each time they are saved; 0 if they never were.
    version: u32,
    /// When; `null` if they never were, or before versions were kept.
    saved_at: Option<Moment>,
    phrases: Vec<String>,
    /// The phrases that come with Orderbell; only where one kind is looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    built_in: Option<Vec<String>>,
}

/// Most phrases of one kind and language.
const PHRASES_MAX: usize = 20;

/// List your own phrases.
///
/// The newest version of each. Kinds that are not listed have the phrases that come with Orderbell.
///
/// # Errors
/// 401, 403, 503.
#[utoipa::path(
    get,
    path = "/v1/templates",
    operation_id = "listTemplates",
    tag = "Phrases",
    security(("apiKey" = ["read"])),
    responses((status = 200, description = "Done", body = Envelope<TemplateList>)),
)]
pub async fn list(State(state): State<AppState>, MayRead(caller): MayRead) -> Answer<TemplateList> {
    let wordings = state.dispatch.store().wordings(caller.app_id()).await?;
    let templates = wordings.into_iter().filter(|wording| wording.key.topic != Topic::Lexicon);
    Ok(Success(TemplateList { templates: templates.map(TemplateView::from).collect() }))
}

/// Look at the phrases of a kind.
///
/// Your own and those that come with Orderbell. `version` is what `if_version` takes.
///
/// # Errors
/// 400, 401, 403, 404, 503.
#[utoipa::path(
    get,
    path = "/v1/templates/{kind}",
    operation_id = "getTemplate",
    tag = "Phrases",
    security(("apiKey" = ["read"])),
    params(
        ("kind" = String, Path, description = "The kind of event"),
        ("lang" = Option<String>, Query, description = "The language; your own if not given"),
        ("merchant" = Option<String>, Query, description = "Whose orders; those for all if not given", max_length = 128),
    ),
    responses((status = 200, description = "Done", body = Envelope<TemplateView>)),
    extensions(("x-errors" = json!(["bad_query", "not_found"]))),
)]
pub async fn get(
    State(state): State<AppState>,
    MayRead(caller): MayRead,
    Path(kind): Path<String>,
    asked: Asked,
) -> Answer<TemplateView> {
    let (lang, key) = key_of(&state, &caller, kind, asked)?;
    let built_in = state.speech.phrases().of(key.topic.kind(), lang).iter();
    let built_in = built_in.map(|phrase| phrase.template().to_owned()).collect();
    let versions = state.dispatch.store().wording_versions(caller.app_id(), key.clone()).await?;
    let newest = versions.into_iter().next().map(TemplateView::from);
    let view = newest.unwrap_or_else(|| TemplateView::saved(key, 0, None, Vec::new()));
    Ok(Success(TemplateView { built_in: Some(built_in), ..view }))
}

/// Set your own phrases of a kind.
///
/// From specific to slotless: the first whose slots all have a value is spoken. Those of a merchant go before those for all.
/// Every save is a version; an empty list takes them back, and is one as well.
///
/// # Errors
/// 400 with the phrase at fault, 401, 403, 404, 409 if they were changed meanwhile, 503.
#[utoipa::path(
    put,
    path = "/v1/templates/{kind}",
    operation_id = "putTemplate",
    tag = "Phrases",
    security(("apiKey" = ["admin"])),
    params(("kind" = String, Path, description = "The kind of event")),
    request_body(content = ref("#/components/schemas/TemplateBody")),
    responses((status = 200, description = "Done", body = Envelope<TemplateView>)),
    extensions(("x-errors" = json!(["not_found", "bad_phrase", "bad_value", "version_conflict", "test_key"]))),
)]
pub async fn put(
    State(state): State<AppState>,
    LiveKey(MayAdminister(caller)): LiveKey<MayAdminister>,
    Path(kind): Path<String>,
    JsonValue(body): JsonValue,
) -> Answer<TemplateView> {
    known(&state, &kind)?;
    let body = Reader::new(&body)?;
    body.only(&["lang", "merchant", "phrases", "if_version"])?;
    let Named { lang, merchant, if_version } = Named::read(&body)?;
    let phrases = read_phrases(&body, lang)?;
    let key = WordingKey::phrases(kind, lang.tag(), merchant);
    let accounts = state.dispatch.accounts();
    let saved = accounts.save_phrases(caller.app_id(), key.clone(), &phrases, if_version).await?;
    let at = state.dispatch.clock().now().wall;
    Ok(Success(TemplateView::saved(key, saved_as(saved)?, Some(at.into()), phrases)))
}

/// List the versions of the phrases of a kind.
///
/// The newest 20, the newest first.
///
/// # Errors
/// 400, 401, 403, 404, 503.
#[utoipa::path(
    get,
    path = "/v1/templates/{kind}/versions",
    operation_id = "listTemplateVersions",
    tag = "Phrases",
    security(("apiKey" = ["read"])),
    params(
        ("kind" = String, Path, description = "The kind of event"),
        ("lang" = Option<String>, Query, description = "The language; your own if not given"),
        ("merchant" = Option<String>, Query, description = "Whose orders; those for all if not given", max_length = 128),
    ),
    responses((status = 200, description = "Done", body = Envelope<TemplateVersions>)),
    extensions(("x-errors" = json!(["bad_query", "not_found"]))),
)]
pub async fn versions(
    State(state): State<AppState>,
    MayRead(caller): MayRead,
    Path(kind): Path<String>,
    asked: Asked,
) -> Answer<TemplateVersions> {
    let (_, key) = key_of(&state, &caller, kind, asked)?;
    let versions = state.dispatch.store().wording_versions(caller.app_id(), key).await?;
    Ok(Success(TemplateVersions { versions: versions.into_iter().map(TemplateView::from).collect() }))
}

/// Bring back an older version of the phrases of a kind.
///
/// What it said is saved as a new version.
///
/// # Errors
/// 400, 401, 403, 404 if there is no such version any more, 409 if they were changed meanwhile, 503.
#[utoipa::path(
    post,
    path = "/v1/templates/{kind}/restore",
    operation_id = "restoreTemplate",
    tag = "Phrases",
    security(("apiKey" = ["admin"])),
    params(("kind" = String, Path, description = "The kind of event")),
    request_body(content = ref("#/components/schemas/RestoreBody")),
    responses((status = 200, description = "Done", body = Envelope<TemplateView>)),
    extensions(("x-errors" = json!(["not_found", "bad_value", "version_conflict", "test_key"]))),
)]
pub async fn restore(
    State(state): State<AppState>,
    LiveKey(MayAdminister(caller)): LiveKey<MayAdminister>,
    Path(kind): Path<String>,
    JsonValue(body): JsonValue,
) -> Answer<TemplateView> {
    known(&state, &kind)?;
    let body = Reader::new(&body)?;
    body.only(&["lang", "merchant", "version", "if_version"])?;
    let Named { lang, merchant, if_version } = Named::read(&body)?;
    let version = read_version(&body)?;
    let key = WordingKey::phrases(kind, lang.tag(), merchant);
    let accounts = state.dispatch.accounts();
    match accounts.restore_wording(caller.app_id(), key, version, if_version).await? {
        Restored::Saved(saved, old) => {
            let (version, saved_at) = (saved_as(saved)?, state.dispatch.clock().now().wall);
            Ok(Success(Wording { version, saved_at, ..old }.into()))
        }
        Restored::Unknown => Err(Problem::not_found("version")),
    }
}

fn known(state: &AppState, kind: &str) -> Result<(), Problem> {
    state.dispatch.kinds().get(kind).map(drop).ok_or_else(|| Problem::not_found("kind"))
}

fn key_of(
    state: &AppState,
    caller: &Caller,
    kind: String,
    asked: Asked,
) -> Result<(Lang, WordingKey), Problem> {
    known(state, &kind)?;
    let lang = asked.lang(caller.app.lang);
    Ok((lang, WordingKey::phrases(kind, lang.tag(), asked.merchant)))
}

fn read_phrases(body: &Reader<'_>, lang: Lang) -> Result<Vec<String>, Problem> {
    let listed = body.value("phrases").ok_or_else(|| body.missing("phrases"))?;
    let list = listed.as_array().ok_or_else(|| body.error("phrases", "wrong_type", "is not a list"))?;
    if list.len() > PHRASES_MAX {
        return Err(body.error("phrases", "too_many", "lists more than 20").into());
    }
    let mut phrases = Vec::with_capacity(list.len());
    for (place, item) in list.iter().enumerate() {
        let pointer = format!("/phrases/{place}");
        let text = item.as_str().ok_or_else(|| Problem::at("wrong_type", &pointer, "is not text"))?;
        let bad = |detail: String| Problem::at("bad_phrase", &pointer, detail);
        let phrase = Phrase::compile(text, lang).map_err(|error| bad(error.to_string()))?;
        phrase.sample().map_err(|error| bad(error.to_string()))?;
        phrases.push(text.to_owned());
    }
    Ok(phrases)
}

impl TemplateView {
    fn saved(key: WordingKey, version: u32, saved_at: Option<Moment>, phrases: Vec<String>) -> Self {
        let WordingKey { topic, lang, merchant } = key;
        let kind = topic.kind().to_owned();
        Self { kind, lang, merchant, version, saved_at, phrases, built_in: None }
    }
}

impl From<Wording> for TemplateView {
    fn from(wording: Wording) -> Self {
        let Wording { key, version, list, saved_at } = wording;
        let phrases = serde_json::from_str(&list).unwrap_or_default();
        Self::saved(key, version, (saved_at.0 > 0).then(|| saved_at.into()), phrases)
    }
}

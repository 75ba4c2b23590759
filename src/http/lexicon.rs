//! An app's own lexicon: how words are read that are not read as they are written, for all its orders or a merchant's.
//! What no voice could say is refused when it is saved, with the entry and the member at fault.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::auth::{MayAdminister, MayRead};
use super::body::{JsonValue, LargeJson};
use super::moment::Moment;
use super::problem::{Answer, Envelope, Problem, Success};
use super::test_mode::LiveKey;
use super::wordings::{Asked, Named, read_version, saved_as};
use crate::dispatch::Restored;
use crate::intake::Reader;
use crate::speech::Lang;
use crate::speech::lexicon::{
    ENTRIES_MAX, Lexicon, LexiconEntry, LexiconError, PINYIN_CHARS_MAX, SAID_CHARS_MAX, WORD_CHARS_MAX,
};
use crate::store::{Wording, WordingKey};

/// Your lexicon in one language.
#[derive(Serialize, ToSchema)]
pub struct LexiconView {
    lang: String,
    /// Whose orders it is for; `null` for all.
    merchant: Option<String>,
    /// Rises by one with each time it is saved; 0 if it never was.
    version: u32,
    /// When; `null` if it never was.
    saved_at: Option<Moment>,
    entries: Vec<LexiconEntryView>,
}

/// How a word is read.
#[derive(Serialize, ToSchema)]
pub struct LexiconEntryView {
    /// As it is written.
    word: String,
    /// What is said in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    said: Option<String>,
    /// Its syllables with tone digits, for voices that understand them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pinyin: Option<String>,
}

/// The versions of your lexicon that are kept, the newest first.
#[derive(Serialize, ToSchema)]
pub struct LexiconVersions {
    versions: Vec<LexiconView>,
}

/// Look at your lexicon.
///
/// Of one language, for all orders or for those of a merchant, whose entries go before those for all. `version` is what
/// `if_version` takes.
///
/// # Errors
/// 400, 401, 403, 503.
#[utoipa::path(
    get,
    path = "/v1/lexicon",
    operation_id = "getLexicon",
    tag = "Phrases",
    security(("apiKey" = ["read"])),
    params(
        ("lang" = Option<String>, Query, description = "The language; your own if not given"),
        ("merchant" = Option<String>, Query, description = "Whose orders; that for all if not given", max_length = 128),
    ),
    responses((status = 200, description = "Done", body = Envelope<LexiconView>)),
    extensions(("x-errors" = json!(["bad_query"]))),
)]
pub async fn get(
    State(state): State<AppState>,
    MayRead(caller): MayRead,
    asked: Asked,
) -> Answer<LexiconView> {
    let key = WordingKey::lexicon(asked.lang(caller.app.lang).tag(), asked.merchant);
    let versions = state.dispatch.store().wording_versions(caller.app_id(), key.clone()).await?;
    let newest = versions.into_iter().next().map(LexiconView::from);
    Ok(Success(newest.unwrap_or_else(|| LexiconView::saved(key, 0, None, Vec::new()))))
}

/// Set your lexicon.
///
/// All of it, of one language. Every save is a version; an empty list takes it back, and is one as well.
///
/// # Errors
/// 400 with the entry at fault, 401, 403, 409 if it was changed meanwhile, 503.
#[utoipa::path(
    put,
    path = "/v1/lexicon",
    operation_id = "putLexicon",
    tag = "Phrases",
    security(("apiKey" = ["admin"])),
    request_body(content = ref("#/components/schemas/LexiconBody")),
    responses((status = 200, description = "Done", body = Envelope<LexiconView>)),
    extensions(("x-errors" = json!(["bad_lexicon", "bad_value", "version_conflict", "test_key"]))),
)]
pub async fn put(
    State(state): State<AppState>,
    LiveKey(MayAdminister(caller)): LiveKey<MayAdminister>,
    LargeJson(body): LargeJson,
) -> Answer<LexiconView> {
    let body = Reader::new(&body)?;
    body.only(&["lang", "merchant", "entries", "if_version"])?;
    let Named { lang, merchant, if_version } = Named::read(&body)?;
    let entries = read_entries(&body)?;
    Lexicon::compile(lang, &entries).map_err(|error| problem(lang, &entries, &error))?;
    let key = WordingKey::lexicon(lang.tag(), merchant);
    let accounts = state.dispatch.accounts();
    let saved = accounts.save_lexicon(caller.app_id(), key.clone(), &entries, if_version).await?;
    let at = state.dispatch.clock().now().wall;
    Ok(Success(LexiconView::saved(key, saved_as(saved)?, Some(at.into()), entries)))
}

/// List the versions of your lexicon.
///
/// The newest 20, the newest first.
///
/// # Errors
/// 400, 401, 403, 503.
#[utoipa::path(
    get,
    path = "/v1/lexicon/versions",
    operation_id = "listLexiconVersions",
    tag = "Phrases",
    security(("apiKey" = ["read"])),
    params(
        ("lang" = Option<String>, Query, description = "The language; your own if not given"),
        ("merchant" = Option<String>, Query, description = "Whose orders; that for all if not given", max_length = 128),
    ),
    responses((status = 200, description = "Done", body = Envelope<LexiconVersions>)),
    extensions(("x-errors" = json!(["bad_query"]))),
)]
pub async fn versions(
    State(state): State<AppState>,
    MayRead(caller): MayRead,
    asked: Asked,
) -> Answer<LexiconVersions> {
    let key = WordingKey::lexicon(asked.lang(caller.app.lang).tag(), asked.merchant);
    let versions = state.dispatch.store().wording_versions(caller.app_id(), key).await?;
    Ok(Success(LexiconVersions { versions: versions.into_iter().map(LexiconView::from).collect() }))
}

/// Bring back an older version of your lexicon.
///
/// What it said is saved as a new version.
///
/// # Errors
/// 400, 401, 403, 404 if there is no such version any more, 409 if it was changed meanwhile, 503.
#[utoipa::path(
    post,
    path = "/v1/lexicon/restore",
    operation_id = "restoreLexicon",
    tag = "Phrases",
    security(("apiKey" = ["admin"])),
    request_body(content = ref("#/components/schemas/RestoreBody")),
    responses((status = 200, description = "Done", body = Envelope<LexiconView>)),
    extensions(("x-errors" = json!(["not_found", "bad_value", "version_conflict", "test_key"]))),
)]
pub async fn restore(
    State(state): State<AppState>,
    LiveKey(MayAdminister(caller)): LiveKey<MayAdminister>,
    JsonValue(body): JsonValue,
) -> Answer<LexiconView> {
    let body = Reader::new(&body)?;
    body.only(&["lang", "merchant", "version", "if_version"])?;
    let Named { lang, merchant, if_version } = Named::read(&body)?;
    let version = read_version(&body)?;
    let key = WordingKey::lexicon(lang.tag(), merchant);
    let accounts = state.dispatch.accounts();
    match accounts.restore_wording(caller.app_id(), key, version, if_version).await? {
        Restored::Saved(saved, old) => {
            let (version, saved_at) = (saved_as(saved)?, state.dispatch.clock().now().wall);
            Ok(Success(Wording { version, saved_at, ..old }.into()))
        }
        Restored::Unknown => Err(Problem::not_found("version")),
    }
}

fn read_entries(body: &Reader<'_>) -> Result<Vec<LexiconEntry>, Problem> {
    let list = body.objects("entries", ENTRIES_MAX)?.ok_or_else(|| body.missing("entries"))?;
    let mut entries = Vec::with_capacity(list.len());
    for entry in &list {
        entry.only(&["word", "said", "pinyin"])?;
        entries.push(LexiconEntry {
            word: entry.text("word", WORD_CHARS_MAX)?.ok_or_else(|| entry.missing("word"))?,
            said: entry.text("said", SAID_CHARS_MAX)?,
            pinyin: entry.text("pinyin", PINYIN_CHARS_MAX)?,
        });
    }
    Ok(entries)
}

/// The member at fault is the one without which the entry would do.
fn problem(lang: Lang, entries: &[LexiconEntry], error: &LexiconError) -> Problem {
    let pointer = format!("/entries/{}", error.place);
    let Some(entry) = entries.get(error.place) else {
        return Problem::at("bad_lexicon", "/entries", error.problem.clone());
    };
    let refused = |said: Option<&str>, pinyin: Option<&str>| {
        let said = said.map(ToOwned::to_owned);
        let alone = LexiconEntry { word: entry.word.clone(), said, pinyin: pinyin.map(ToOwned::to_owned) };
        Lexicon::compile(lang, &[alone]).is_err()
    };
    let (said, pinyin) = (entry.said.as_deref(), entry.pinyin.as_deref());
    let member = if refused(Some("1"), None) {
        "/word"
    } else if said.is_some() && refused(said, None) {
        "/said"
    } else if pinyin.is_some() && refused(None, pinyin) {
        "/pinyin"
    } else {
        ""
    };
    Problem::at("bad_lexicon", &format!("{pointer}{member}"), error.problem.clone())
}

impl LexiconView {
    fn saved(key: WordingKey, version: u32, saved_at: Option<Moment>, entries: Vec<LexiconEntry>) -> Self {
        let WordingKey { lang, merchant, .. } = key;
        let entries = entries.into_iter().map(LexiconEntryView::from).collect();
        Self { lang, merchant, version, saved_at, entries }
    }
}

impl From<Wording> for LexiconView {
    fn from(wording: Wording) -> Self {
        let Wording { key, version, list, saved_at } = wording;
        let entries = serde_json::from_str(&list).unwrap_or_default();
        Self::saved(key, version, Some(saved_at.into()), entries)
    }
}

impl From<LexiconEntry> for LexiconEntryView {
    fn from(entry: LexiconEntry) -> Self {
        let LexiconEntry { word, said, pinyin } = entry;
        Self { word, said, pinyin }
    }
}

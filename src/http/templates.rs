//! An app's own phrases, checked when they are saved.
//! A phrase that does not compile is refused with its place, so that no alert ever meets it.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::auth::{MayAdminister, MayRead};
use super::body::JsonValue;
use super::path::Path;
use super::problem::{Answer, Envelope, Problem, Success};
use super::test_mode::LiveKey;
use crate::intake::Reader;
use crate::speech::{Lang, Phrase};
use crate::store::Template;

/// Your own phrases.
#[derive(Serialize, ToSchema)]
pub struct TemplateList {
    templates: Vec<TemplateView>,
}

/// Your own phrases of one kind in one language, from specific to slotless.
#[derive(Serialize, ToSchema)]
pub struct TemplateView {
    kind: String,
    lang: String,
    phrases: Vec<String>,
}

/// Most phrases of one kind and language.
const PHRASES_MAX: usize = 20;

/// List your own phrases.
///
/// Kinds that are not listed have the phrases that come with Orderbell.
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
    let templates = state.dispatch.store().templates(caller.app_id()).await?;
    Ok(Success(TemplateList { templates: templates.into_iter().map(TemplateView::from).collect() }))
}

/// Set your own phrases of a kind.
///
/// From specific to slotless: the first whose slots all have a value is spoken. An empty list takes them back.
///
/// # Errors
/// 400 with the phrase at fault, 401, 403, 404, 503.
#[utoipa::path(
    put,
    path = "/v1/templates/{kind}",
    operation_id = "putTemplate",
    tag = "Phrases",
    security(("apiKey" = ["admin"])),
    params(("kind" = String, Path, description = "The kind of event")),
    request_body(content = ref("#/components/schemas/TemplateBody")),
    responses((status = 200, description = "Done", body = Envelope<TemplateView>)),
    extensions(("x-errors" = json!(["not_found", "bad_phrase", "test_key"]))),
)]
pub async fn put(
    State(state): State<AppState>,
    LiveKey(MayAdminister(caller)): LiveKey<MayAdminister>,
    Path(kind): Path<String>,
    JsonValue(body): JsonValue,
) -> Answer<TemplateView> {
    if state.dispatch.kinds().get(&kind).is_none() {
        return Err(Problem::not_found("kind"));
    }
    let body = Reader::new(&body)?;
    body.only(&["lang", "phrases"])?;
    let lang = body.word("lang", Lang::parse, "zh-CN, yue, en")?.ok_or_else(|| body.missing("lang"))?;
    let listed = body.value("phrases").ok_or_else(|| body.missing("phrases"))?;
    let list = listed.as_array().ok_or_else(|| body.error("phrases", "wrong_type", "is not a list"))?;
    if list.len() > PHRASES_MAX {
        return Err(body.error("phrases", "too_many", "lists more than 20").into());
    }
    let mut phrases = Vec::with_capacity(list.len());
    for (place, item) in list.iter().enumerate() {
        let pointer = format!("/phrases/{place}");
        let text = item.as_str().ok_or_else(|| Problem::at("wrong_type", &pointer, "is not text"))?;
        Phrase::compile(text, lang)
            .map_err(|error| Problem::at("bad_phrase", &pointer, error.to_string()))?;
        phrases.push(text.to_owned());
    }
    let template = Template { kind, lang: lang.tag().to_owned(), phrases };
    state.dispatch.accounts().put_template(caller.app_id(), template.clone()).await?;
    Ok(Success(template.into()))
}

impl From<Template> for TemplateView {
    fn from(template: Template) -> Self {
        let Template { kind, lang, phrases } = template;
        Self { kind, lang, phrases }
    }
}

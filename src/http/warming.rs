//! `POST /v1/speech/warm`: what sentences are made of is made before an order needs it, and a job tells how far it is.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::AppState;
use super::auth::{Caller, MayAdminister};
use super::body::LargeJson;
use super::moment::Moment;
use super::path::Path;
use super::problem::{Answer, Envelope, Problem, Success};
use super::speech::{TEXT_CHARS_MAX, read_voice};
use crate::dispatch::{Ahead, WarmError, WarmJob, WarmWish};
use crate::domain::said::Part;
use crate::domain::{OrderMerchant, WarmId};
use crate::intake::Reader;
use crate::speech::{Lang, free_text};

/// A job that makes parts of sentences.
#[derive(Serialize, ToSchema)]
pub struct WarmView {
    /// Its id.
    job: WarmId,
    /// `running`, `done`, `over_budget` if the day's speech budget was used up, or `stopped` with the server.
    state: &'static str,
    lang: &'static str,
    /// Parts of sentences in all.
    asked: usize,
    /// Of these: made,
    made: usize,
    /// there already,
    kept: usize,
    /// not to be made,
    failed: usize,
    /// and still to come.
    left: usize,
    /// Characters that the voice was asked for; they count against the speech budget.
    characters: u64,
    started_at: Moment,
    ended_at: Option<Moment>,
}

/// Most names and texts in one job.
const TEXTS_MAX: usize = 5_000;
/// Longest name of a merchant, in characters.
const NAME_CHARS_MAX: usize = 100;
/// Highest fee, in cents: a thousand yuan. Fees are made in steps of ten cents.
const FEE_MAX: i64 = 100_000;
/// Most fees: 300 yuan of them, ten minutes of a cloud's voice.
const FEES_MAX: i64 = 3_000;

/// Have speech made before it is needed.
///
/// The parts of sentences: of all phrases, numbers, platforms, and of the merchants and fees named here; or, where `texts`
/// alone are given, these. It runs in the background, one job at a time.
///
/// # Errors
/// 400, 401, 403, 409 while another job runs, 503.
#[utoipa::path(
    post,
    path = "/v1/speech/warm",
    operation_id = "warmSpeech",
    tag = "Phrases",
    security(("apiKey" = ["admin"])),
    request_body(content = ref("#/components/schemas/WarmBody")),
    responses((status = 202, description = "It has begun", body = Envelope<WarmView>)),
    extensions(("x-errors" = json!(["bad_text", "bad_value", "unknown_voice", "already_warming"]))),
)]
pub async fn post(
    State(state): State<AppState>,
    MayAdminister(caller): MayAdminister,
    LargeJson(body): LargeJson,
) -> Result<Response, Problem> {
    let wish = read(&state, &caller, &Reader::new(&body)?)?;
    let job = state.dispatch.warm(&state.speech, &caller.app, wish).map_err(|error| match error {
        WarmError::Running => Problem::conflict("already_warming", "a job of this app is running"),
    })?;
    Ok((StatusCode::ACCEPTED, Success(WarmView::of(&job))).into_response())
}

/// Look how far a job is.
///
/// Jobs are remembered until the server restarts; what they have made stays.
///
/// # Errors
/// 401, 403, 404, 503.
#[utoipa::path(
    get,
    path = "/v1/speech/warm/{id}",
    operation_id = "getWarming",
    tag = "Phrases",
    security(("apiKey" = ["admin"])),
    params(("id" = WarmId, Path, description = "The job")),
    responses((status = 200, description = "Done", body = Envelope<WarmView>)),
    extensions(("x-errors" = json!(["not_found"]))),
)]
pub async fn get(
    State(state): State<AppState>,
    MayAdminister(caller): MayAdminister,
    Path(id): Path<String>,
) -> Answer<WarmView> {
    let job = id.parse().ok().and_then(|id| state.dispatch.warm_job(caller.app_id(), id));
    let job = job.ok_or_else(|| Problem::not_found("job"))?;
    Ok(Success(WarmView::of(&job)))
}

fn read(state: &AppState, caller: &Caller, body: &Reader<'_>) -> Result<WarmWish, Problem> {
    body.only(&["lang", "voice", "merchants", "fees", "texts"])?;
    let voice = read_voice(state, body)?;
    let lang = body.word("lang", Lang::parse, "zh-CN, yue, en")?.unwrap_or(caller.app.lang);
    let merchants = read_texts(body, "merchants", NAME_CHARS_MAX)?;
    let fees_cents = read_fees(body)?;
    let texts = read_texts(body, "texts", TEXT_CHARS_MAX)?;
    let lexicon = caller.app.lexicon(lang, OrderMerchant::default());
    let mut parts: Vec<Part> = Vec::new();
    for (place, text) in texts.iter().flatten().enumerate() {
        let rendered = free_text(text, lang, &lexicon)
            .map_err(|error| Problem::at("bad_text", &format!("/texts/{place}"), error.to_string()))?;
        parts.extend(rendered.said.parts().iter().cloned());
    }
    let all = merchants.is_some() || fees_cents.is_some() || texts.is_none();
    let ahead = all.then(|| Ahead { merchants: merchants.unwrap_or_default(), fees_cents });
    Ok(WarmWish { lang, voice, parts, ahead })
}

fn read_texts(body: &Reader<'_>, name: &str, chars_max: usize) -> Result<Option<Vec<String>>, Problem> {
    let Some(value) = body.value(name) else { return Ok(None) };
    let list = value.as_array().ok_or_else(|| body.error(name, "wrong_type", "is not a list"))?;
    if list.len() > TEXTS_MAX {
        return Err(body.error(name, "too_many", "lists more than 5000").into());
    }
    let text = |(place, item): (usize, &Value)| {
        let wrong = |error, detail| Problem::at(error, &format!("/{name}/{place}"), detail);
        let text = item.as_str().ok_or_else(|| wrong("wrong_type", "is not text"))?;
        if text.chars().count() > chars_max {
            return Err(wrong("too_long", "is longer than it may be"));
        }
        Ok(text.to_owned())
    };
    list.iter().enumerate().map(text).collect::<Result<_, _>>().map(Some)
}

fn read_fees(body: &Reader<'_>) -> Result<Option<(u32, u32)>, Problem> {
    let Some(fees) = body.object("fees")? else { return Ok(None) };
    fees.only(&["from_cents", "to_cents"])?;
    let cents = |name| fees.integer(name, 0, FEE_MAX)?.ok_or_else(|| fees.missing(name));
    let (from, to) = (cents("from_cents")?, cents("to_cents")?);
    if to < from || (to - from) / 10 > FEES_MAX {
        return Err(fees.error("to_cents", "bad_value", "is from_cents to 30000 above it").into());
    }
    let whole = |cents: i64| u32::try_from(cents).unwrap_or_default();
    Ok(Some((whole(from), whole(to))))
}

impl WarmView {
    fn of(job: &WarmJob) -> Self {
        Self {
            job: job.id,
            state: job.state.as_str(),
            lang: job.lang.tag(),
            asked: job.asked,
            made: job.made,
            kept: job.kept,
            failed: job.failed,
            left: job.left(),
            characters: job.characters,
            started_at: job.started_at.into(),
            ended_at: job.ended_at.map(Into::into),
        }
    }
}

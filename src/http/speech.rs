//! `POST /v1/speech`: how a sentence will sound, and a way to have it ready before it is needed.
//! It takes a free text, or a kind with values for its phrase.

use axum::extract::State;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::AppState;
use super::auth::{Caller, MayIngest};
use super::body::JsonValue;
use super::problem::{Answer, Envelope, Problem, Success};
use super::wordings::read_merchant;
use crate::audio::{ClipFormat, Format};
use crate::dispatch::{SayError, TooMany};
use crate::domain::{Kinds, OrderMerchant, SoundProfile, Urgency};
use crate::intake::{InputError, Reader};
use crate::speech::engine::Speed;
use crate::speech::{Chime, Lang, Rendered, Sentence, SpeechError, free_text};

/// How a sentence sounds.
#[derive(Serialize, ToSchema)]
pub struct SpeechView {
    /// Where the clip is.
    url: String,
    mime: String,
    bytes: u64,
    /// The whole file; the sentence ends at `duration_ms - tail_ms`.
    duration_ms: u32,
    /// The silence at its end.
    tail_ms: u32,
    /// For the eye.
    text: String,
    /// For the ear: what the voice reads.
    said: String,
    /// What has spoken it.
    engine: String,
    /// Whether the clip was there already.
    cached: bool,
    /// How many characters were said.
    characters: usize,
}

/// Longest text, in characters.
pub(super) const TEXT_CHARS_MAX: usize = 120;
/// Longest name of a voice, in characters.
pub(super) const VOICE_CHARS_MAX: usize = 64;
/// Speed in percent of normal speech: half as fast is drawled, twice as fast is a blur.
pub(super) const SPEED_MIN: i64 = 50;
/// The other end.
pub(super) const SPEED_MAX: i64 = 200;
/// Largest `vars`, in bytes of JSON.
const VARS_BYTES_MAX: usize = 2048;

/// Hear how a sentence will sound.
///
/// Of a free text, or of a kind with values for its phrase. The clip is kept, so that it is ready when it is needed.
/// What is not named (voice, speed, profile) is as your settings say.
///
/// # Errors
/// 400, 401, 403, 429, 503 where no engine can speak it.
#[utoipa::path(
    post,
    path = "/v1/speech",
    operation_id = "postSpeech",
    tag = "Phrases",
    security(("apiKey" = ["ingest"])),
    request_body(content = ref("#/components/schemas/SpeechBody")),
    responses((status = 200, description = "Done", body = Envelope<SpeechView>)),
    extensions(("x-errors" = json!(["bad_text", "bad_value", "unknown_kind", "unknown_voice", "not_supported", "speech_budget"]))),
)]
pub async fn post(
    State(state): State<AppState>,
    MayIngest(caller): MayIngest,
    JsonValue(body): JsonValue,
) -> Answer<SpeechView> {
    let body = Reader::new(&body)?;
    body.only(&["text", "kind", "vars", "voice", "lang", "format", "speed_percent", "profile", "merchant"])?;
    let voice = read_voice(&state, &body)?;
    let speed =
        body.integer("speed_percent", SPEED_MIN, SPEED_MAX)?.and_then(|speed| u32::try_from(speed).ok());
    let settings = &caller.app.app.settings.speech;
    let profile = body.word("profile", SoundProfile::parse, "plain, street")?;
    let profile = profile.unwrap_or_else(|| state.dispatch.sound_profile(&caller.app, None));
    let merchant = read_merchant(&body)?;
    let merchant = OrderMerchant { id: None, name: merchant.as_deref() };
    let format = format(&body)?;
    let lang = body.word("lang", Lang::parse, "zh-CN, yue, en")?.unwrap_or(caller.app.lang);
    let kind = body.text("kind", 64)?;
    if kind.as_ref().is_some_and(|kind| state.dispatch.kinds().get(kind).is_none()) {
        return Err(body.error("kind", "unknown_kind", "there is no such kind").into());
    }
    let vars = body.raw_object("vars", VARS_BYTES_MAX)?;
    let rendered = match (body.text("text", TEXT_CHARS_MAX)?, &kind) {
        (Some(text), _) => free_text(&text, lang, &caller.app.lexicon(lang, merchant))
            .map_err(|error| Problem::at("bad_text", "/text", error.to_string()))?,
        (None, Some(kind)) => phrase(&state, &caller, &vars, kind, lang, merchant)?,
        (None, None) => return Err(body.missing("text").into()),
    };
    let kind = kind.unwrap_or_else(|| "announcement".to_owned());
    let urgency = urgency(state.dispatch.kinds(), &kind);
    let sentence = Sentence {
        kind,
        said: rendered.said,
        lang: rendered.lang,
        urgency,
        chime: Chime::Usual,
        format,
        voice: voice.or_else(|| settings.voices.get(rendered.lang.tag()).cloned()),
        speed: speed.or(settings.speed_percent).map_or(Speed::NORMAL, Speed::percent),
    };
    let cached = state.speech.cached(&sentence).await;
    let known = cached.is_some();
    let spoken = match cached {
        Some(spoken) => spoken,
        None => state.dispatch.say(caller.app_id(), &sentence).await.map_err(|error| problem(&error))?,
    };
    state.dispatch.keep_recipe(&spoken.sound).await?;
    let now = state.dispatch.clock().now().wall;
    let sound = spoken.sound.in_profile(profile);
    Ok(Success(SpeechView {
        url: state.sessions.urls.url(&sound.path, now),
        mime: sound.mime,
        bytes: sound.bytes,
        duration_ms: sound.duration_ms,
        tail_ms: sound.tail_ms,
        text: rendered.text,
        engine: spoken.engine,
        cached: known,
        characters: sentence.said.characters(),
        said: sentence.said.text(),
    }))
}

/// The voice by its name.
pub(super) fn read_voice(state: &AppState, body: &Reader<'_>) -> Result<Option<String>, InputError> {
    let Some(voice) = body.text("voice", VOICE_CHARS_MAX)? else { return Ok(None) };
    let known = state.speech.voices().iter().any(|known| known.name == voice);
    if known { Ok(Some(voice)) } else { Err(body.error("voice", "unknown_voice", "there is no such voice")) }
}

/// m4a is known, so that its refusal says why.
fn format(body: &Reader<'_>) -> Result<ClipFormat, Problem> {
    let format = body.word("format", Format::of_extension, "mp3, wav")?.unwrap_or(Format::Mp3);
    match format {
        Format::Mp3 => Ok(ClipFormat::Mp3),
        Format::Wav => Ok(ClipFormat::Wav),
        Format::M4a => {
            Err(body.error("format", "not_supported", "speech is mp3 or wav: m4a is for silence").into())
        }
    }
}

fn phrase(
    state: &AppState,
    caller: &Caller,
    vars: &Map<String, Value>,
    kind: &str,
    lang: Lang,
    merchant: OrderMerchant<'_>,
) -> Result<Rendered, Problem> {
    let own = caller.app.phrases(kind, lang, merchant).all;
    let phrases = state.speech.phrases();
    let now = state.dispatch.clock().now().wall;
    phrases
        .render(kind, lang, own, vars, caller.app.zone.offset_s(now), &caller.app.lexicon(lang, merchant))
        .ok_or_else(|| Problem::at("unknown_kind", "/kind", "this kind has no phrase"))
}

fn urgency(kinds: &Kinds, kind: &str) -> Urgency {
    kinds.get(kind).map_or(Urgency::Normal, |kind| kind.urgency)
}

fn problem(error: &SayError) -> Problem {
    let error = match error {
        SayError::OverBudget(TooMany { retry_after_s }) => {
            let detail = "the app's speech budget of the day is used up";
            return Problem::too_many("speech_budget", detail, *retry_after_s);
        }
        SayError::Speech(error) => error,
    };
    if error.is_bad_text() {
        return Problem::bad_request("bad_text", "the voice has no sound for this sentence");
    }
    if !matches!(error, SpeechError::NoEngine) {
        tracing::warn!(error = error as &dyn std::error::Error, "Speech failed.");
    }
    Problem::unavailable()
}

//! The voices that apps may choose from, by the names of their engines.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::auth::MayRead;
use super::problem::{Answer, Envelope, Success};
use crate::config::engines::SpeechMode;
use crate::speech::{Lang, VoiceInfo, VoiceState};

/// The voices, in the order in which they are asked.
#[derive(Serialize, ToSchema)]
pub struct VoiceList {
    voices: Vec<VoiceView>,
}

/// A voice.
#[derive(Serialize, ToSchema)]
pub struct VoiceView {
    /// What your settings and `POST /v1/speech` call it.
    name: String,
    /// The kind of its engine.
    kind: &'static str,
    /// What it speaks.
    langs: Vec<&'static str>,
    /// Whether it speaks on the server itself.
    local: bool,
    /// How sentences are cut for it: `whole`, `segments` or `fixed`.
    mode: &'static str,
    /// `available`, or `resting` for a while because it failed.
    state: &'static str,
}

/// List the voices.
///
/// In the order in which they are asked where neither you nor your settings say so.
///
/// # Errors
/// 401, 403, 503.
#[utoipa::path(
    get,
    path = "/v1/voices",
    operation_id = "listVoices",
    tag = "Phrases",
    security(("apiKey" = ["read"])),
    responses((status = 200, description = "Done", body = Envelope<VoiceList>)),
)]
pub async fn list(State(state): State<AppState>, MayRead(_caller): MayRead) -> Answer<VoiceList> {
    let voices = state.speech.voices().into_iter().map(VoiceView::of).collect();
    Ok(Success(VoiceList { voices }))
}

impl VoiceView {
    fn of(voice: VoiceInfo) -> Self {
        Self {
            name: voice.name,
            kind: voice.kind,
            langs: voice.langs.into_iter().map(Lang::tag).collect(),
            local: voice.local,
            mode: match voice.mode {
                SpeechMode::Whole => "whole",
                SpeechMode::Segments => "segments",
                SpeechMode::Fixed => "fixed",
            },
            state: match voice.state {
                VoiceState::Available => "available",
                VoiceState::Resting => "resting",
            },
        }
    }
}

//! The voices of a server, as they are told: by name, with what they speak and whether they can at this moment.

use super::{Lang, Speech};
use crate::config::engines::SpeechMode;

/// A voice.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VoiceInfo {
    /// Name of its engine.
    pub name: String,
    /// What kind of engine it is.
    pub kind: &'static str,
    /// What it speaks.
    pub langs: Vec<Lang>,
    /// Whether it is on this machine.
    pub local: bool,
    /// How sentences are cut for it.
    pub mode: SpeechMode,
    /// Whether it is asked at this moment.
    pub state: VoiceState,
}

/// Whether a voice is asked at this moment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum VoiceState {
    /// It is.
    Available,
    /// It has failed, and is left alone for a while.
    Resting,
}

impl Speech {
    /// The voices, in the order of the chain.
    #[must_use]
    pub fn voices(&self) -> Vec<VoiceInfo> {
        let langs = self.spoken_langs();
        let local = VoiceInfo {
            name: "espeak-ng".to_owned(),
            kind: "espeak",
            local: true,
            mode: SpeechMode::Whole,
            state: VoiceState::Available,
            langs,
        };
        if local.langs.is_empty() { Vec::new() } else { vec![local] }
    }
}

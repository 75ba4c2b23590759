//! What is to be said, how soon, and what came of it.
//! A sentence is whole when it comes here: normalised, in one language, with the chime that goes before it.

use std::time::Duration;

use super::Lang;
use super::engine::Speed;
use crate::audio::ClipFormat;
use crate::domain::settings::SpeechSettings;
use crate::domain::{Alert, Said, Sound, Urgency};

/// What to say, and the chime before it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Sentence {
    /// Name of the kind, for the canned clip and the sentence without values.
    pub kind: String,
    /// The text after normalisation, in parts.
    pub said: Said,
    /// Its language.
    pub lang: Lang,
    /// Which chime.
    pub urgency: Urgency,
    /// Whether the chime is the louder one.
    pub chime: Chime,
    /// What the clip is written as.
    pub format: ClipFormat,
    /// The engine by whose voice it is to be spoken if that can be; the first of the chain otherwise.
    pub voice: Option<String>,
    /// How fast.
    pub speed: Speed,
}

/// The chime before a sentence.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Chime {
    /// That of the urgency.
    #[default]
    Usual,
    /// Longer and louder, for what nobody has answered.
    Louder,
}

/// A sentence that has been made.
#[derive(Clone, Debug)]
pub struct Spoken {
    /// The clip.
    pub sound: Sound,
    /// Who spoke: the engine's name, `recorded`, or `chime`.
    pub engine: String,
}

/// How soon a sentence is wanted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SayBudget {
    /// Within this: then a canned clip goes out. Engines that are behind in the chain get their turn in time, and a
    /// sentence that comes later is still made.
    Within(Duration),
    /// As soon as can be: each engine has the time it needs before the next one is asked.
    Patient,
}

impl Sentence {
    /// What an alert says, as its app speaks.
    #[must_use]
    pub fn of(alert: &Alert, settings: &SpeechSettings) -> Self {
        let lang = Lang::parse(&alert.lang).unwrap_or(Lang::ZhCn);
        Self {
            kind: alert.kind.clone(),
            said: alert.said.clone(),
            lang,
            urgency: alert.urgency,
            chime: Chime::default(),
            format: ClipFormat::default(),
            voice: settings.voices.get(lang.tag()).cloned(),
            speed: settings.speed_percent.map_or(Speed::NORMAL, Speed::percent),
        }
    }

    /// Whether nothing is said: the chime alone sounds.
    #[must_use]
    pub fn is_wordless(&self) -> bool {
        self.said.is_empty()
    }
}

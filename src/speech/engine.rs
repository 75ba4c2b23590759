//! What every engine is to the rest: a text in, a sound as its maker wrote it out, or a failure that says what to do.
//! An engine knows its maker's protocol and nothing of clips, retries, budgets or riders.

use std::error::Error;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::Lang;
use crate::domain::said::Part;

/// Something that speaks.
#[async_trait]
pub trait Engine: Send + Sync + 'static {
    /// What sort of engine it is, the `kind` of its configuration: `openai`, `espeak`.
    fn kind(&self) -> &'static str;

    /// Everything of its configuration that is heard, in one line: model, voice, version, but no speed. Two engines with
    /// the same line sound the same. `None` for a language that it does not speak.
    fn voice(&self, lang: Lang) -> Option<String>;

    /// Whether it speaks from this machine: without network, price or limit.
    fn is_local(&self) -> bool;

    /// Speaks one part of a sentence, once: it never tries again by itself, but for what belongs to one attempt (a new
    /// token, a clock set right, the second half of a hand-over). The caller ends it by dropping it.
    ///
    /// # Errors
    /// [`EngineError`], whose [`EngineFailure`] says what the caller should do.
    async fn speak(&self, request: &EngineRequest<'_>) -> Result<EngineSound, EngineError>;
}

/// What an engine is to say.
#[derive(Clone, Copy, Debug)]
pub struct EngineRequest<'a> {
    /// The text, normalised, with readings for engines that know pinyin.
    pub part: &'a Part,
    /// Its language, one for which [`Engine::voice`] is `Some`.
    pub lang: Lang,
    /// How fast.
    pub speed: Speed,
    /// Time for all of it, from now.
    pub deadline: Duration,
}

/// What came back: the bytes as they came, at most as many as the engine's limit allows.
#[derive(Clone, Debug)]
pub struct EngineSound {
    /// A WAV or MP3 file, or bare samples.
    pub bytes: Bytes,
    /// What the bytes are if they do not say so themselves.
    pub bare: Option<BarePcm>,
}

/// Samples without a header: signed 16 bit, little-endian, one channel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BarePcm {
    /// Samples per second.
    pub rate_hz: u32,
}

/// How fast a sentence is spoken, in percent of the engine's normal speech: 50 to 200.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Speed(u32);

impl Speed {
    /// As fast as people speak.
    pub const NORMAL: Self = Self(100);

    /// A speed in percent of normal speech, brought within 50 to 200.
    #[must_use]
    pub fn percent(percent: u32) -> Self {
        Self(percent.clamp(50, 200))
    }

    /// In percent of normal speech, 50 to 200.
    #[must_use]
    pub fn as_percent(self) -> u32 {
        self.0
    }

    /// As a factor, 0.5 to 2.0.
    #[must_use]
    pub fn factor(self) -> f64 {
        f64::from(self.0) / 100.0
    }
}

/// Why an engine did not speak. Its text may quote the engine's answer: it is for logs of operators, holds no credential
/// and none of the text that was to be spoken.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
pub struct EngineError {
    /// What to do about it.
    pub failure: EngineFailure,
    /// What happened, with the engine's own code where it has one.
    pub detail: String,
    /// The cause below, if there is one.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

/// What the caller should do about a failure.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum EngineFailure {
    /// The same text may succeed at once: try again within the budget.
    Retry,
    /// Too many at this moment: try again, but not before this has passed.
    RateLimited {
        /// How long the engine asks to be left alone, if it says so.
        retry_after: Option<Duration>,
    },
    /// This text will never be spoken by this engine: ask another, and remember it for a while.
    BadText,
    /// The credentials are refused: leave this engine alone for minutes, and tell the operator.
    Auth,
    /// What was paid for is used up: leave this engine alone for minutes, and tell the operator.
    Quota,
    /// The configuration is refused (model, voice, format): as `Auth`.
    Configuration,
    /// Out of order, out of reach or out of its mind: ask another. It counts against the engine.
    Broken,
}

impl EngineFailure {
    /// The label of the metric.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::RateLimited { .. } => "rate_limited",
            Self::BadText => "bad_text",
            Self::Auth => "auth",
            Self::Quota => "quota",
            Self::Configuration => "configuration",
            Self::Broken => "broken",
        }
    }
}

impl EngineError {
    /// A failure without a cause below it.
    #[must_use]
    pub fn new(failure: EngineFailure, detail: impl Into<String>) -> Self {
        Self { failure, detail: detail.into(), source: None }
    }

    /// The same with its cause.
    #[must_use]
    pub fn because(self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: Some(source.into()), ..self }
    }
}

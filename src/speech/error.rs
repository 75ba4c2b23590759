//! Why a sentence, or a part of one, could not be spoken.
//! A sentence's error names the last engine that was asked; a part's says what became of the asking.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinError;

use super::engine::{EngineError, EngineFailure};
use crate::audio::canned::CannedError;
use crate::audio::chime::ChimeError;
use crate::audio::decode::DecodeError;
use crate::audio::library::LibraryError;
use crate::audio::part::SentenceError;
use crate::audio::pcm::PcmError;

/// Why a sentence could not be made.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SpeechError {
    /// No engine speaks this language here, or all of them rest: say the canned sentence.
    #[error("no speech engine is available")]
    NoEngine,
    /// Every engine that was asked refuses the text, or has no sound for it: say something else.
    #[error("no speech engine has a sound for this text")]
    BadText(#[source] Arc<PartError>),
    /// The last engine that was asked could not: try again later.
    #[error("the speech engine {engine} failed")]
    Failed {
        /// Its name.
        engine: String,
        /// What happened.
        #[source]
        source: Arc<PartError>,
    },
    /// None was done within the limit of all making.
    #[error("no speech engine was done within {0:?}")]
    Late(Duration),
    /// What the parts make is too long to be one file.
    #[error("the sentence is too long for a clip")]
    TooLong(#[source] Arc<PcmError>),
}

/// Why a part of a sentence could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// The engine said why.
    #[error("{0}")]
    Engine(#[source] EngineError),
    /// It did not answer in time.
    #[error("no answer within {0:?}")]
    Late(Duration),
    /// Others took all of its time: it was not asked.
    #[error("too many wait for the engine")]
    Busy,
    /// It failed too often, or its maker refuses us: it was not asked.
    #[error("the engine rests")]
    Resting,
    /// It refused this text a moment ago: it was not asked.
    #[error("the engine refused this text a moment ago")]
    Refused,
    /// What came is no sound.
    #[error("the engine's answer is no sound")]
    NoSound(#[from] DecodeError),
    /// What came says nothing, or cannot be levelled or encoded.
    #[error("the engine's sound is no sentence")]
    NoSentence(#[from] SentenceError),
    /// It is not kept here, and nobody here may make it.
    #[error("the part is not kept, and no engine here has its voice")]
    Absent,
    /// The work broke off, by a shutdown or a defect.
    #[error("the work was cut off")]
    CutOff(#[from] JoinError),
}

/// Why there is no voice at all.
#[derive(Debug, thiserror::Error)]
pub enum VoiceError {
    /// A chime cannot be made, which no input causes.
    #[error("the chimes cannot be made")]
    Chime(#[from] ChimeError),
    /// A shipped clip cannot be used.
    #[error("a canned clip cannot be used")]
    Canned(#[from] CannedError),
    /// The folder of clips cannot be used.
    #[error("the clip folder cannot be used")]
    Library(#[from] LibraryError),
}

impl SpeechError {
    /// Whether the sentence is at fault, and would be again.
    #[must_use]
    pub fn is_bad_text(&self) -> bool {
        match self {
            Self::BadText(_) | Self::TooLong(_) => true,
            Self::NoEngine | Self::Failed { .. } | Self::Late(_) => false,
        }
    }

    /// The label of the metric.
    #[must_use]
    pub fn cause(&self) -> &'static str {
        match self {
            Self::NoEngine => "no_engine",
            Self::BadText(_) | Self::TooLong(_) => "bad_text",
            Self::Late(_) => "late",
            Self::Failed { .. } => "failed",
        }
    }
}

impl PartError {
    /// Whether the text is at fault: another engine may speak it, this one never will.
    #[must_use]
    pub fn is_of_text(&self) -> bool {
        match self {
            Self::Engine(error) => error.failure == EngineFailure::BadText,
            Self::Refused => true,
            Self::NoSentence(error) => matches!(error, SentenceError::Silent),
            Self::Late(_)
            | Self::Busy
            | Self::Resting
            | Self::NoSound(_)
            | Self::Absent
            | Self::CutOff(_) => false,
        }
    }

    /// Whether the same may succeed at once.
    #[must_use]
    pub fn may_be_tried_again(&self) -> bool {
        match self {
            Self::Engine(error) => {
                matches!(error.failure, EngineFailure::Retry | EngineFailure::RateLimited { .. })
            }
            Self::Late(_)
            | Self::Busy
            | Self::Resting
            | Self::Refused
            | Self::NoSound(_)
            | Self::NoSentence(_)
            | Self::Absent
            | Self::CutOff(_) => false,
        }
    }

    /// The label of the metric.
    #[must_use]
    pub fn cause(&self) -> &'static str {
        match self {
            Self::Engine(error) => error.failure.as_str(),
            Self::Late(_) => "late",
            Self::Busy => "busy",
            Self::Resting => "resting",
            Self::Refused => "bad_text",
            Self::NoSound(_) => "no_sound",
            Self::NoSentence(SentenceError::Silent) => "silent",
            Self::NoSentence(_) => "no_sentence",
            Self::Absent => "absent",
            Self::CutOff(_) => "cut_off",
        }
    }
}

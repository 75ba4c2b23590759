//! Sentences: a phrase with its slots becomes text, the text becomes a clip.
//! Nothing here knows an order: what a sentence may say comes in as named values, what it says goes out as
//! two strings, one for the eye and one for the ear.
//!
//! - [`phrase`]: the sentences of each kind, and free text
//! - [`normalise()`]: digits, money, units and symbols as words an engine reads rightly
//! - [`lexicon`]: words that are said otherwise than they are written
//! - [`lang`]: the languages a sentence can be in
//! - [`engine`], [`engines`]: what speaks
//! - [`espeak`]: the engine that is always there
//! - [`service`]: sentence to clip; its parts made once and kept, the clip joined when it is fetched
//! - [`voice`]: what the use cases ask of it

pub mod ahead;
pub mod breaker;
pub mod canned;
pub mod engine;
pub mod engines;
pub mod error;
pub mod espeak;
pub mod lang;
pub mod lexicon;
pub mod normalise;
pub mod phrase;
pub mod sentence;
pub mod service;
pub mod voice;
pub mod warm;

mod chain;
mod clips;
mod flights;
mod link;
mod meters;
mod parts;
mod recipe;
mod script;

pub use clips::ServedClip;
pub use error::{SpeechError, VoiceError};
pub use lang::Lang;
pub use lexicon::{Lexicon, LexiconEntry, LexiconError, LexiconFileError};
pub use link::NamedEngine;
pub use normalise::normalise;
pub use phrase::{Phrase, Phrases, Rendered, free_text};
pub use sentence::{Chime, SayBudget, Sentence, Spoken};
pub use service::{MakingLimits, Speech, SpeechOptions, VoiceInfo, VoiceState};
pub use voice::Voice;

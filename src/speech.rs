//! Sentences: a phrase with its slots becomes text, the text becomes a clip.
//! Nothing here knows an order: what a sentence may say comes in as named values, what it says goes out as
//! two strings, one for the eye and one for the ear.
//!
//! - [`phrase`]: the sentences of each kind, and free text
//! - [`normalise()`]: digits, money, units and symbols as words an engine reads rightly
//! - [`lexicon`]: words that are said otherwise than they are written
//! - [`lang`]: the languages a sentence can be in
//! - [`espeak`]: the engine that is always there
//! - [`engines`]: those that are configured
//! - [`service`]: sentence to clip, made once and kept
//! - [`voice`]: what the use cases ask of it

pub mod engine;
pub mod engines;
pub mod espeak;
pub mod lang;
pub mod lexicon;
pub mod normalise;
pub mod phrase;
pub mod service;
pub mod voice;

pub use lang::Lang;
pub use lexicon::{Lexicon, LexiconEntry, LexiconError, LexiconFileError};
pub use normalise::normalise;
pub use phrase::{Phrase, Phrases, Rendered, free_text};
pub use service::{Chime, Sentence, Speech, SpeechError, SpeechOptions, Spoken, VoiceError};
pub use voice::Voice;

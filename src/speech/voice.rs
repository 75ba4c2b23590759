//! What the use cases ask of a voice: a sentence in, the sound that an alert carries out.
//! [`Speech`] is the one that speaks; a simulation has one that is late or hoarse as it is told.

use async_trait::async_trait;

use super::{Phrases, Sentence, Speech, SpeechError, Spoken};
use crate::domain::Sound;

/// Turns sentences into sounds that riders can fetch.
#[async_trait]
pub trait Voice: Send + Sync + 'static {
    /// The sentences of every kind.
    fn phrases(&self) -> &Phrases;
    /// The sentence, if it has been made before.
    async fn cached(&self, sentence: &Sentence) -> Option<Spoken>;
    /// The sentence, made now if need be.
    ///
    /// # Errors
    /// [`SpeechError`]; the next asker tries again.
    async fn say(&self, sentence: &Sentence) -> Result<Spoken, SpeechError>;
    /// The clip that stands in; there always is one.
    fn canned(&self, sentence: &Sentence) -> Sound;
}

#[async_trait]
impl Voice for Speech {
    fn phrases(&self) -> &Phrases {
        Self::phrases(self)
    }

    async fn cached(&self, sentence: &Sentence) -> Option<Spoken> {
        Self::cached(self, sentence).await
    }

    async fn say(&self, sentence: &Sentence) -> Result<Spoken, SpeechError> {
        Self::say(self, sentence).await
    }

    fn canned(&self, sentence: &Sentence) -> Sound {
        Self::canned(self, sentence)
    }
}

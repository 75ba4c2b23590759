//! What the use cases ask of a voice: a sentence in, the sound that an alert carries out.
//! [`Speech`] is the one that speaks; a simulation has one that is late or hoarse as it is told.

use async_trait::async_trait;

use super::{Phrases, SayBudget, Sentence, Speech, SpeechError, Spoken};
use crate::domain::Sound;

/// Turns sentences into sounds that riders can fetch.
#[async_trait]
pub trait Voice: Send + Sync + 'static {
    /// The sentences of every kind.
    fn phrases(&self) -> &Phrases;
    /// The sentence, if it can be had at once: this never waits for a disk or an engine.
    async fn cached(&self, sentence: &Sentence) -> Option<Spoken>;
    /// The sentence, made now if need be. It may come after its budget: whoever cannot wait says the canned one then,
    /// and this one when it is there.
    ///
    /// # Errors
    /// [`SpeechError`]; the next asker tries again.
    async fn say(&self, sentence: &Sentence, budget: SayBudget) -> Result<Spoken, SpeechError>;
    /// The clip that stands in; there always is one.
    fn canned(&self, sentence: &Sentence) -> Sound;
    /// How many characters engines would be asked for now to say it; what has been made before costs nothing.
    fn cost(&self, sentence: &Sentence) -> u64;
}

#[async_trait]
impl Voice for Speech {
    fn phrases(&self) -> &Phrases {
        Self::phrases(self)
    }

    async fn cached(&self, sentence: &Sentence) -> Option<Spoken> {
        Self::cached(self, sentence).await
    }

    async fn say(&self, sentence: &Sentence, budget: SayBudget) -> Result<Spoken, SpeechError> {
        Self::say(self, sentence, budget).await
    }

    fn canned(&self, sentence: &Sentence) -> Sound {
        Self::canned(self, sentence)
    }

    fn cost(&self, sentence: &Sentence) -> u64 {
        Self::cost(self, sentence)
    }
}

//! Having a sentence spoken at an app's expense: what engines are asked for counts against its budget of the day.
//! What has been made before costs nothing, part by part, and a hundred who ask for one sentence at one moment pay once.

use moka::future::Cache;
use moka::policy::EvictionPolicy;
use tracing::warn;

use super::quotas::{TooMany, until_midnight};
use super::{AppEntry, Dispatch};
use crate::domain::settings::SpeechSettings;
use crate::domain::{Alert, AppId, SoundProfile};
use crate::speech::{SayBudget, Sentence, SpeechError, Spoken};
use crate::store::SpeechSpend;

/// Why a sentence is not spoken.
#[derive(Debug, thiserror::Error)]
pub enum SayError {
    /// The app's budget of the day is used up.
    #[error("the speech budget of the day is used up")]
    OverBudget(TooMany),
    /// The voice could not.
    #[error(transparent)]
    Speech(#[from] SpeechError),
}

impl SayError {
    /// The label of the metric.
    #[must_use]
    pub fn cause(&self) -> &'static str {
        match self {
            Self::OverBudget(_) => "budget",
            Self::Speech(error) => error.cause(),
        }
    }
}

/// What was paid for lately, and is being made. How long ago is told by our clock, not by the cache's own.
pub(super) struct Paid(Cache<(AppId, Sentence), Payment>);

/// Whether a sentence was paid for, and when.
#[derive(Clone, Copy)]
struct Payment {
    done: Result<(), TooMany>,
    at_ms: i64,
}

/// Milliseconds; longer than any making takes. After it the clip is there, or another try is another request to the
/// engine.
const PAID_MS: i64 = 10_000;
/// Sentences being made at one time are fewer than this.
const PAID_MAX: u64 = 10_000;

impl Paid {
    pub(super) fn new() -> Self {
        let newest = EvictionPolicy::lru();
        Self(Cache::builder().max_capacity(PAID_MAX).eviction_policy(newest).build())
    }
}

impl Dispatch {
    /// The sentence, made now if need be, with time for each engine.
    ///
    /// # Errors
    /// [`SayError`].
    pub async fn say(&self, app: AppId, sentence: &Sentence) -> Result<Spoken, SayError> {
        self.say_within(app, sentence, SayBudget::Patient).await
    }

    /// What an alert says, as its app speaks; as the server does if the store does not answer.
    pub(super) async fn sentence_of(&self, alert: &Alert) -> Sentence {
        match self.accounts.app(alert.app).await {
            Ok(Some(entry)) => Sentence::of(alert, &entry.app.settings.speech),
            Ok(None) => Sentence::of(alert, &SpeechSettings::default()),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                warn!(app.id = %alert.app, error, "An app's own voice is not known.");
                Sentence::of(alert, &SpeechSettings::default())
            }
        }
    }

    /// The sentence, made now if need be; it may come after its budget.
    pub(super) async fn say_within(
        &self,
        app: AppId,
        sentence: &Sentence,
        budget: SayBudget,
    ) -> Result<Spoken, SayError> {
        if let Some(spoken) = self.speech.cached(sentence).await {
            return Ok(spoken);
        }
        let characters = self.speech.cost(sentence);
        if characters > 0 {
            self.pay_once(app, sentence, characters).await.map_err(SayError::OverBudget)?;
        }
        Ok(self.speech.say(sentence, budget).await?)
    }

    async fn pay_once(&self, app: AppId, sentence: &Sentence, characters: u64) -> Result<(), TooMany> {
        let now_ms = self.clock.now().mono_ms;
        let paying = async { Payment { done: self.pay(app, characters).await, at_ms: now_ms } };
        let is_over = |paid: &Payment| paid.done.is_err() || now_ms - paid.at_ms >= PAID_MS;
        let payment = self.paid.0.entry((app, sentence.clone())).or_insert_with_if(paying, is_over).await;
        payment.into_value().done
    }

    /// For what ears the clips of a rider are levelled: as is said of the rider, else of the app, else of the server.
    #[must_use]
    pub fn sound_profile(&self, app: &AppEntry, rider: Option<SoundProfile>) -> SoundProfile {
        rider.or(app.app.settings.speech.profile).unwrap_or(self.limits.sound_profile)
    }

    /// A store that is not there is no reason to be silent.
    async fn pay(&self, app: AppId, characters: u64) -> Result<(), TooMany> {
        let entry = match self.accounts.app(app).await {
            Ok(Some(entry)) => entry,
            Ok(None) => return Ok(()),
            Err(error) => {
                warn!(app.id = %app, error = &error as &dyn std::error::Error, "Speech not counted.");
                return Ok(());
            }
        };
        let spend = self.spend_of(&entry, characters);
        match self.store.spend_speech(app, spend).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(until_midnight(&entry, self.wall())),
            Err(error) => {
                warn!(app.id = %app, error = &error as &dyn std::error::Error, "Speech not counted.");
                Ok(())
            }
        }
    }

    fn spend_of(&self, app: &AppEntry, characters: u64) -> SpeechSpend {
        let most = self.quota(app).speech_characters_per_day;
        SpeechSpend {
            day: app.zone.day(self.wall()),
            characters,
            most: (most > 0).then_some(u64::from(most)),
        }
    }
}

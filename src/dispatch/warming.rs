//! Having parts of sentences made before an order needs them, at an app's expense: one job of each app, behind its orders.
//! Jobs live in memory. What one has made is kept, so that after a restart the same is asked for again and costs nothing.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::{info, warn};

use super::{AppEntry, Dispatch};
use crate::domain::said::Part;
use crate::domain::{AppId, EpochMs, WarmId};
use crate::speech::ahead::AheadOf;
use crate::speech::{Lang, Phrase, Speech};
use crate::store::{SpeechSpend, StoreResult};

/// What is to be made.
#[derive(Clone, Debug)]
pub struct WarmWish {
    /// In which language.
    pub lang: Lang,
    /// In whose voice; the app's, else the first that speaks the language.
    pub voice: Option<String>,
    /// These parts.
    pub parts: Vec<Part>,
    /// And what sentences are made of.
    pub ahead: Option<Ahead>,
}

/// What of sentences comes again and again, beside their fixed runs, numbers and platforms.
#[derive(Clone, Debug)]
pub struct Ahead {
    /// Names of merchants.
    pub merchants: Vec<String>,
    /// Fees from and to, in cents.
    pub fees_cents: Option<(u32, u32)>,
}

/// A job, as far as it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WarmJob {
    /// Its id.
    pub id: WarmId,
    /// Whose.
    pub app: AppId,
    /// In which language.
    pub lang: Lang,
    /// Where it stands.
    pub state: WarmState,
    /// Parts in all.
    pub asked: usize,
    /// Parts that were made.
    pub made: usize,
    /// Parts that were there already.
    pub kept: usize,
    /// Parts that could not be made.
    pub failed: usize,
    /// Characters that the voice was asked for.
    pub characters: u64,
    /// When it began.
    pub started_at: EpochMs,
    /// When it ended.
    pub ended_at: Option<EpochMs>,
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WarmState {
    /// Parts are being made.
    Running,
    /// All parts were seen to.
    Done,
    /// The app's speech budget of the day was used up before its end.
    OverBudget,
    /// The server stopped before its end.
    Stopped,
}

/// Why no job was begun.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum WarmError {
    /// The app has one that runs.
    #[error("a job of this app is running")]
    Running,
}

/// Jobs that are remembered, the newest of all apps: enough to look at one's own the next day.
const JOBS_MAX: usize = 1_000;
/// Parts between two looks at the budget: it is overdrawn by so many at most.
const CHUNK: usize = 20;

/// The jobs, oldest first.
#[derive(Default)]
pub(super) struct WarmJobs(Mutex<VecDeque<WarmJob>>);

impl WarmState {
    /// The word used in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::OverBudget => "over_budget",
            Self::Stopped => "stopped",
        }
    }
}

impl WarmJob {
    /// Parts that are not seen to as yet.
    #[must_use]
    pub fn left(&self) -> usize {
        self.asked.saturating_sub(self.made + self.kept + self.failed)
    }
}

impl WarmJobs {
    /// Adds a job, unless its app has one that runs. The oldest that has ended makes room.
    fn add(&self, job: WarmJob) -> Result<(), WarmError> {
        let mut jobs = self.lock();
        if jobs.iter().any(|other| other.app == job.app && other.state == WarmState::Running) {
            return Err(WarmError::Running);
        }
        if jobs.len() >= JOBS_MAX {
            let oldest = jobs.iter().position(|job| job.state != WarmState::Running);
            oldest.and_then(|oldest| jobs.remove(oldest));
        }
        jobs.push_back(job);
        Ok(())
    }

    fn update(&self, id: WarmId, change: impl FnOnce(&mut WarmJob)) {
        if let Some(job) = self.lock().iter_mut().find(|job| job.id == id) {
            change(job);
        }
    }

    fn find(&self, app: AppId, id: WarmId) -> Option<WarmJob> {
        self.lock().iter().find(|job| job.app == app && job.id == id).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<WarmJob>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Dispatch {
    /// Begins to make what is wished for, in the background.
    ///
    /// # Errors
    /// [`WarmError`].
    pub fn warm(
        self: &Arc<Self>,
        speech: &Arc<Speech>,
        app: &Arc<AppEntry>,
        wish: WarmWish,
    ) -> Result<WarmJob, WarmError> {
        let at = self.wall();
        let idle = wish.parts.is_empty() && wish.ahead.is_none();
        let job = WarmJob {
            id: WarmId::new(at, self.clock.entropy()),
            app: app.app.id,
            lang: wish.lang,
            state: if idle { WarmState::Done } else { WarmState::Running },
            asked: wish.parts.len(),
            made: 0,
            kept: 0,
            failed: 0,
            characters: 0,
            started_at: at,
            ended_at: idle.then_some(at),
        };
        self.warming.add(job.clone())?;
        if !idle {
            let (dispatch, speech, app, id) = (Arc::clone(self), Arc::clone(speech), Arc::clone(app), job.id);
            self.lifecycle.spawn(async move {
                let state = tokio::select! {
                    biased;
                    () = dispatch.lifecycle.draining() => WarmState::Stopped,
                    state = dispatch.make_all(&speech, &app, wish, id) => state,
                };
                dispatch.end_warming(id, state);
            });
        }
        Ok(job)
    }

    /// The app's job with this id, if it is remembered.
    #[must_use]
    pub fn warm_job(&self, app: AppId, id: WarmId) -> Option<WarmJob> {
        self.warming.find(app, id)
    }

    async fn make_all(
        &self,
        speech: &Arc<Speech>,
        app: &Arc<AppEntry>,
        wish: WarmWish,
        id: WarmId,
    ) -> WarmState {
        let voice = wish.voice.clone();
        let voice = voice.or_else(|| app.app.settings.speech.voices.get(wish.lang.tag()).cloned());
        let lang = wish.lang;
        let parts = match parts_of(speech, app, wish).await {
            Ok(parts) => parts,
            Err(error) => {
                warn!(error = &error as &dyn std::error::Error, "Parts to warm were not found out.");
                return WarmState::Stopped;
            }
        };
        self.warming.update(id, |job| job.asked = parts.len());
        for chunk in parts.chunks(CHUNK) {
            if !self.may_speak(app).await.unwrap_or(true) {
                return WarmState::OverBudget;
            }
            let report = speech.warm(voice.as_deref(), lang, chunk.to_vec(), |_progress| {}).await;
            self.count_speech(app, report.characters).await;
            self.warming.update(id, |job| {
                job.made += report.made;
                job.failed += report.failed;
                job.kept += chunk.len().saturating_sub(report.made + report.failed);
                job.characters += report.characters;
            });
        }
        WarmState::Done
    }

    fn end_warming(&self, id: WarmId, state: WarmState) {
        let at = self.wall();
        self.warming.update(id, |job| {
            job.state = state;
            job.ended_at = Some(at);
            let (app, made, failed) = (job.app, job.made, job.failed);
            info!(app.id = %app, job.id = %id, made, failed, state = state.as_str(), "Warming has ended.");
        });
    }

    /// Whether anything is left of the app's budget of the day.
    async fn may_speak(&self, app: &AppEntry) -> StoreResult<bool> {
        let most = u64::from(self.quota(app).speech_characters_per_day);
        let used = self.store.speech_use(app.app.id).await?;
        let today = app.zone.day(self.wall());
        let used = used.filter(|used| used.day >= today).map_or(0, |used| used.characters);
        Ok(most == 0 || used < most)
    }

    /// Counts what was spoken already.
    async fn count_speech(&self, app: &AppEntry, characters: u64) {
        if characters == 0 {
            return;
        }
        let spend = SpeechSpend { day: app.zone.day(self.wall()), characters, most: None };
        if let Err(error) = self.store.spend_speech(app.app.id, spend).await {
            warn!(app.id = %app.app.id, error = &error as &dyn std::error::Error, "Speech not counted.");
        }
    }
}

/// The parts of a wish, each once; up to a second of work for thousands of merchants.
async fn parts_of(
    speech: &Arc<Speech>,
    app: &Arc<AppEntry>,
    wish: WarmWish,
) -> Result<Vec<Part>, tokio::task::JoinError> {
    let (speech, app) = (Arc::clone(speech), Arc::clone(app));
    let finding = move || {
        let mut parts = wish.parts;
        if let Some(Ahead { merchants, fees_cents }) = &wish.ahead {
            let own: Vec<Phrase> = app.all_phrases(wish.lang);
            let lexicon = app.lexicon(wish.lang, crate::domain::OrderMerchant::default());
            let of = AheadOf { merchants, fees_cents: *fees_cents, own: &own, lexicon: &lexicon };
            parts.extend(speech.warm_parts(wish.lang, &of));
        }
        let mut seen = std::collections::HashSet::new();
        parts.retain(|part| seen.insert(part.encoded()));
        parts
    };
    tokio::task::spawn_blocking(finding).await
}

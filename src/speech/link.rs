//! One engine in the chain: its places, its breaker, its attempts, and how sentences are cut for it.
//! It asks the engine and turns what comes into dry sound; what is kept of it is the part store's affair.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tracing::{info, warn};

use super::breaker::{Admission, Breaker, BreakerLimits, Change, Verdict};
use super::engine::{Engine, EngineError, EngineFailure, EngineRequest, Speed};
use super::error::PartError;
use super::meters::Meters;
use super::parts::PartKey;
use super::sentence::Sentence;
use super::{Lang, Phrases};
use crate::audio::decode::decoded;
use crate::audio::part::dry;
use crate::audio::pcm::Pcm;
use crate::clock::Clock;
use crate::config::engines::{EngineCommon, SpeechMode};
use crate::domain::Said;

/// An engine with the name under which it was configured.
pub struct NamedEngine {
    /// The name.
    pub name: String,
    /// What speaks.
    pub engine: Arc<dyn Engine>,
    /// Its limits, and how sentences are cut for it.
    pub common: EngineCommon,
}

/// An engine in the chain.
pub(super) struct Link {
    pub(super) name: Arc<str>,
    pub(super) common: EngineCommon,
    pub(super) meters: Meters,
    engine: Arc<dyn Engine>,
    lines: [Option<Arc<str>>; Lang::ALL.len()],
    places: Semaphore,
    // What is made ahead of time never takes all places.
    warm_places: Semaphore,
    waiting: AtomicUsize,
    waiting_max: usize,
    // Std mutex: held for a decision, never across an await.
    breaker: Mutex<Breaker>,
    probe_ended: Notify,
    clock: Arc<dyn Clock>,
}

/// A request that was let in; without a verdict it has failed.
struct Pass<'a> {
    link: &'a Link,
    open: bool,
}

/// One that waits for a place.
struct Waiting<'a>(&'a AtomicUsize);

/// First pause before a text is tried again; it doubles, and half of it is dice.
const AGAIN: Duration = Duration::from_millis(100);

impl Link {
    pub(super) fn new(
        named: NamedEngine,
        limits: BreakerLimits,
        waiting_max: usize,
        meters: Meters,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let NamedEngine { name, engine, common } = named;
        let places = common.concurrency.max(1);
        Self {
            name: name.into(),
            lines: Lang::ALL.map(|lang| engine.voice(lang).map(Arc::from)),
            places: Semaphore::new(places),
            warm_places: Semaphore::new((places / 2).max(1)),
            waiting: AtomicUsize::new(0),
            waiting_max,
            breaker: Mutex::new(Breaker::new(limits)),
            probe_ended: Notify::new(),
            common,
            engine,
            meters,
            clock,
        }
    }

    /// What sort of engine it is.
    pub(super) fn kind(&self) -> &'static str {
        self.engine.kind()
    }

    pub(super) fn is_local(&self) -> bool {
        self.engine.is_local()
    }

    /// The voice line for a language; `None` if it does not speak it.
    pub(super) fn line(&self, lang: Lang) -> Option<&Arc<str>> {
        let [mandarin, cantonese, english] = &self.lines;
        match lang {
            Lang::ZhCn => mandarin.as_ref(),
            Lang::Yue => cantonese.as_ref(),
            Lang::En => english.as_ref(),
        }
    }

    /// A speed as this engine is asked for it.
    pub(super) fn speed(&self, wanted: Speed) -> Speed {
        Speed::percent(wanted.as_percent() * self.common.speed_percent / 100)
    }

    /// A sentence as it is cut for this engine.
    pub(super) fn cut(&self, sentence: &Sentence, phrases: &Phrases) -> Said {
        match self.common.modes.get(&sentence.kind).copied().unwrap_or(self.common.mode) {
            SpeechMode::Whole => sentence.said.joined(),
            SpeechMode::Segments => sentence.said.clone(),
            SpeechMode::Fixed => {
                let fixed = phrases.slotless(&sentence.kind, sentence.lang);
                let fixed = fixed.filter(|fixed| fixed.lang == sentence.lang);
                fixed.map_or_else(|| sentence.said.clone(), |fixed| fixed.said.joined())
            }
        }
    }

    /// Whether it may be asked now.
    pub(super) fn is_available(&self) -> bool {
        self.breaker().is_available(self.clock.now().mono_ms)
    }

    /// Whether a request finds out at this moment if it is back.
    pub(super) fn is_probing(&self) -> bool {
        self.breaker().is_probing()
    }

    /// Whether it rests.
    pub(super) fn is_resting(&self) -> bool {
        self.breaker().is_resting()
    }

    /// A place for making ahead of time.
    pub(super) async fn warm_place(&self) -> Option<tokio::sync::SemaphorePermit<'_>> {
        self.warm_places.acquire().await.ok()
    }

    /// Has a part spoken: as often as the engine asks for it and the limits allow.
    pub(super) async fn speak(&self, key: &PartKey, threads: &Arc<Semaphore>) -> Result<Pcm, PartError> {
        let began = Instant::now();
        let made = self.speak_in_turn(key, threads).await;
        match &made {
            Ok(_) => self.meters.made(began.elapsed()),
            Err(error) => self.meters.failed(error.cause()),
        }
        made
    }

    async fn speak_in_turn(&self, key: &PartKey, threads: &Arc<Semaphore>) -> Result<Pcm, PartError> {
        if !self.is_available() && !self.is_probing() {
            return Err(PartError::Resting);
        }
        let until = Instant::now() + self.common.deadline;
        let waiting = self.waiting()?;
        let Ok(place) = timeout_at(until, self.places.acquire()).await else {
            return Err(PartError::Busy);
        };
        drop(waiting);
        let pass = self.admitted(until).await?;
        let made = self.attempts(key, threads).await;
        drop(place);
        pass.judge(verdict(&made, self.is_local()), &made);
        made
    }

    fn waiting(&self) -> Result<Waiting<'_>, PartError> {
        let waiting = Waiting(&self.waiting);
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.waiting_max {
            // Dropped here, it counts itself off again.
            return Err(PartError::Busy);
        }
        Ok(waiting)
    }

    /// Waits for the end of a probe if there is one.
    async fn admitted(&self, until: Instant) -> Result<Pass<'_>, PartError> {
        loop {
            // Before the look, so that an end between look and wait is not missed.
            let probe_ended = self.probe_ended.notified();
            let admission = self.breaker().admit(self.clock.now().mono_ms);
            match admission {
                Admission::Go | Admission::Probe => return Ok(Pass { link: self, open: true }),
                Admission::Rest => return Err(PartError::Resting),
                Admission::Wait => {
                    if timeout_at(until, probe_ended).await.is_err() {
                        return Err(PartError::Resting);
                    }
                }
            }
        }
    }

    async fn attempts(&self, key: &PartKey, threads: &Arc<Semaphore>) -> Result<Pcm, PartError> {
        let until = Instant::now() + self.common.deadline.saturating_mul(self.common.attempts.max(1));
        let mut pause = AGAIN;
        let mut left = self.common.attempts.max(1);
        loop {
            left -= 1;
            let made = self.attempt(key, threads).await;
            let Err(error) = &made else { return made };
            let wait = self.pause_before_again(error, pause);
            if left == 0 || !error.may_be_tried_again() || Instant::now() + wait >= until {
                return made;
            }
            self.meters.again();
            sleep(wait).await;
            pause *= 2;
        }
    }

    async fn attempt(&self, key: &PartKey, threads: &Arc<Semaphore>) -> Result<Pcm, PartError> {
        let deadline = self.common.deadline;
        let request = EngineRequest { part: &key.part, lang: key.lang, speed: key.speed, deadline };
        self.meters.asked(key.part.characters());
        let answer = timeout(deadline, self.engine.speak(&request)).await;
        let sound = answer.map_err(|_elapsed| PartError::Late(deadline))?.map_err(PartError::Engine)?;
        let _thread = threads.acquire().await.ok();
        let work = move || Ok(dry(decoded(&sound.bytes, sound.bare.map(|bare| bare.rate_hz))?)?);
        tokio::task::spawn_blocking(work).await?
    }

    /// As long as the engine asks for, or a while that doubles; and dice, so that not all come back at one moment.
    fn pause_before_again(&self, error: &PartError, pause: Duration) -> Duration {
        let asked = match error {
            PartError::Engine(EngineError {
                failure: EngineFailure::RateLimited { retry_after }, ..
            }) => retry_after.unwrap_or_default(),
            _other => Duration::ZERO,
        };
        let [dice, ..] = self.clock.entropy();
        asked + pause / 2 + pause * u32::from(dice) / 510
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn judged(&self, verdict: Verdict, cause: Option<&PartError>) {
        let change = self.breaker().judge(verdict, self.clock.now().mono_ms);
        self.probe_ended.notify_waiters();
        match change {
            Change::None => {}
            Change::Back => {
                self.meters.resting(false);
                info!(engine.name = %self.name, "Speech engine is back.");
            }
            Change::Rests(rest) => {
                self.meters.resting(true);
                let error = cause.map(|cause| cause as &dyn std::error::Error);
                warn!(engine.name = %self.name, rest_s = rest.as_secs(), error, "Speech engine rests; others speak.");
            }
        }
    }
}

/// What an end says of the engine.
fn verdict(made: &Result<Pcm, PartError>, local: bool) -> Verdict {
    let Err(error) = made else { return Verdict::Well };
    match error {
        PartError::Engine(error) => match error.failure {
            EngineFailure::BadText => Verdict::Well,
            EngineFailure::Auth | EngineFailure::Quota | EngineFailure::Configuration => Verdict::Refused,
            EngineFailure::Retry | EngineFailure::RateLimited { .. } | EngineFailure::Broken => Verdict::Ill,
        },
        // A service that is silent is out of order; a program here may have been given a comma to say.
        PartError::NoSentence(_) if local => Verdict::Well,
        PartError::Late(_) | PartError::NoSound(_) | PartError::NoSentence(_) | PartError::CutOff(_) => {
            Verdict::Ill
        }
        PartError::Busy | PartError::Resting | PartError::Refused | PartError::Absent => Verdict::Well,
    }
}

impl Pass<'_> {
    fn judge(mut self, verdict: Verdict, made: &Result<Pcm, PartError>) {
        self.open = false;
        self.link.judged(verdict, made.as_ref().err());
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.open {
            self.link.judged(Verdict::Ill, None);
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

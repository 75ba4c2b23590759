//! The engines in order, and how one of them comes to speak a sentence in time.
//! One engine speaks all of a sentence, but for what people have recorded; who is late goes on, and is heard next time.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{BoxFuture, FutureExt, try_join_all};
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, timeout_at};

use super::Phrases;
use super::engines::recorded::Recorded;
use super::error::{PartError, SpeechError};
use super::link::Link;
use super::parts::{PartFrames, PartStore};
use super::script::{Script, Spot};
use super::sentence::{SayBudget, Sentence};
use crate::domain::SoundProfile;

/// The chain.
pub(super) struct Chain {
    pub(super) links: Vec<Arc<Link>>,
    pub(super) parts: PartStore,
    pub(super) recorded: Option<Arc<Recorded>>,
    pub(super) limits: ChainLimits,
}

/// How long the chain may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChainLimits {
    /// Until a sentence is given up that nobody has spoken.
    pub(super) making: Duration,
    /// What is left of a budget for engines on this machine.
    pub(super) reserve: Duration,
}

/// A sentence as one engine has said it.
pub(super) struct Uttered {
    pub(super) script: Script,
    pub(super) frames: Vec<PartFrames>,
}

/// Attempts under way, by the place of their script.
type Running<'a> = FuturesUnordered<BoxFuture<'a, (usize, Result<Uttered, Arc<PartError>>)>>;

impl Chain {
    /// What each engine that speaks the language would say: the wanted one first, then in the order of the chain.
    pub(super) fn scripts<'a>(
        &'a self,
        sentence: &'a Sentence,
        phrases: &'a Phrases,
    ) -> impl Iterator<Item = Script> + 'a {
        let is_wanted = |link: &Arc<Link>| sentence.voice.as_deref() == Some(link.name.as_ref());
        let first = self.links.iter().filter(move |link| is_wanted(link));
        let others = self.links.iter().filter(move |link| !is_wanted(link));
        first
            .chain(others)
            .filter_map(move |link| Script::of(link, sentence, phrases, self.recorded.as_ref()))
    }

    /// The sentence, if all its parts lie in memory in the voice that would speak it: of the first engine that has them
    /// or might make them.
    pub(super) async fn cached(&self, sentence: &Sentence, phrases: &Phrases) -> Option<Uttered> {
        for script in self.scripts(sentence, phrases) {
            if let Some(frames) = self.all_in_memory(&script).await {
                script.link.meters.hit(frames.len());
                return Some(Uttered { script, frames });
            }
            if script.link.is_available() && !self.has_refused(&script).await {
                return None;
            }
        }
        None
    }

    /// How many characters engines would be asked for now.
    pub(super) fn cost(&self, sentence: &Sentence, phrases: &Phrases) -> u64 {
        let missing = |script: &Script| {
            let missing = script.spots.iter().filter(|spot| !self.needs_no_engine(spot));
            missing.map(|spot| spot.key.part.characters() as u64).sum::<u64>()
        };
        let mut scripts = self.scripts(sentence, phrases).map(|script| (missing(&script), script));
        let asked = scripts.find(|(missing, script)| *missing == 0 || script.link.is_available());
        asked.map_or(0, |(missing, _)| missing)
    }

    /// Has the sentence spoken by the first engine that can, in time.
    pub(super) async fn say(
        &self,
        sentence: &Sentence,
        phrases: &Phrases,
        budget: SayBudget,
    ) -> Result<Uttered, SpeechError> {
        let scripts = self.candidates(sentence, phrases);
        if scripts.is_empty() {
            return Err(SpeechError::NoEngine);
        }
        let began = Instant::now();
        let limit = match budget {
            // Whoever waits longer than the limit of all making is not given up before.
            SayBudget::Within(within) => self.limits.making.max(within),
            SayBudget::Patient => self.limits.making,
        };
        let making = began + limit;
        let due = match budget {
            SayBudget::Within(within) => began + within,
            SayBudget::Patient => making,
        };
        let mut race = Race::new(self, &scripts);
        let winner = match race.in_time(due).await {
            Some(winner) => Some(winner),
            None => race.afterwards(making).await,
        };
        winner.ok_or_else(|| race.lost(limit))
    }

    /// Who is asked, in order: who is available, or needs no engine any more. If there is nobody, those of whom it is
    /// being found out whether they are back.
    fn candidates(&self, sentence: &Sentence, phrases: &Phrases) -> Vec<Script> {
        let scripts: Vec<Script> = self.scripts(sentence, phrases).collect();
        let kept = |script: &Script| script.spots.iter().all(|spot| self.needs_no_engine(spot));
        let chosen: Vec<Script> =
            scripts.iter().filter(|script| script.link.is_available() || kept(script)).cloned().collect();
        if chosen.is_empty() {
            scripts.into_iter().filter(|script| script.link.is_probing()).collect()
        } else {
            chosen
        }
    }

    async fn all_in_memory(&self, script: &Script) -> Option<Vec<PartFrames>> {
        let mut frames = Vec::with_capacity(script.spots.len());
        for spot in &script.spots {
            frames.push(self.parts.in_memory(&spot.key).await?);
        }
        Some(frames)
    }

    async fn has_refused(&self, script: &Script) -> bool {
        for spot in &script.spots {
            if self.parts.is_refused(&spot.key).await {
                return true;
            }
        }
        false
    }

    /// All parts of a script, side by side.
    async fn all_made(&self, script: &Script) -> Result<Vec<PartFrames>, Arc<PartError>> {
        let one = |spot: &Spot| {
            let Spot { key, maker } = spot.clone();
            async move { self.parts.frames(&key, SoundProfile::Plain, Some(&maker)).await }
        };
        try_join_all(script.spots.iter().map(one)).await
    }

    /// The same, by the engine alone if a recording has gone.
    async fn spoken(&self, script: &Script) -> Result<Uttered, Arc<PartError>> {
        match self.all_made(script).await {
            Ok(frames) => Ok(Uttered { script: script.clone(), frames }),
            Err(error) => {
                let bare = script.without_recordings().ok_or(error)?;
                let frames = self.all_made(&bare).await?;
                Ok(Uttered { script: bare, frames })
            }
        }
    }

    fn needs_no_engine(&self, spot: &Spot) -> bool {
        spot.is_recorded() || self.parts.is_kept(&spot.key)
    }
}

/// The engines of one sentence: one after the other, and beside each those before it who are late.
struct Race<'a> {
    chain: &'a Chain,
    scripts: &'a [Script],
    running: Running<'a>,
    // Whose turn was passed over, since what was left of the time belonged to an engine on this machine.
    passed_over: Vec<usize>,
    last: Option<(usize, Arc<PartError>)>,
}

impl<'a> Race<'a> {
    fn new(chain: &'a Chain, scripts: &'a [Script]) -> Self {
        Self { chain, scripts, running: Running::new(), passed_over: Vec::new(), last: None }
    }

    /// Each gets its turn until `due`, less what is kept for engines on this machine that come after it.
    async fn in_time(&mut self, due: Instant) -> Option<Uttered> {
        for place in 0..self.scripts.len() {
            let local_follows = self.scripts.iter().skip(place + 1).any(|script| script.link.is_local());
            let reserve = if local_follows { self.chain.limits.reserve } else { Duration::ZERO };
            let until = due.checked_sub(reserve).unwrap_or(due);
            if local_follows && Instant::now() >= until {
                self.passed_over.push(place);
                continue;
            }
            self.begin(place);
            while let Ok(Some((ended, result))) = timeout_at(until, self.running.next()).await {
                match result {
                    Ok(uttered) => return Some(uttered),
                    Err(error) => self.failed(ended, error),
                }
                if ended == place {
                    break;
                }
            }
        }
        None
    }

    /// Nobody was in time: whoever speaks first from now on, those included who have not had their turn.
    async fn afterwards(&mut self, until: Instant) -> Option<Uttered> {
        for place in std::mem::take(&mut self.passed_over) {
            self.begin(place);
        }
        while let Ok(Some((ended, result))) = timeout_at(until, self.running.next()).await {
            match result {
                Ok(uttered) => return Some(uttered),
                Err(error) => self.failed(ended, error),
            }
        }
        None
    }

    fn begin(&mut self, place: usize) {
        let chain = self.chain;
        let Some(script) = self.scripts.get(place) else { return };
        self.running.push(async move { (place, chain.spoken(script).await) }.boxed());
    }

    /// A text is not bad while another engine might have spoken it.
    fn failed(&mut self, place: usize, error: Arc<PartError>) {
        if self.last.as_ref().is_none_or(|(_, known)| known.is_of_text()) {
            self.last = Some((place, error));
        }
    }

    /// Why nobody spoke. A text is bad only if nobody could do anything with it.
    fn lost(&self, limit: Duration) -> SpeechError {
        match &self.last {
            _still_running if !self.running.is_empty() => SpeechError::Late(limit),
            None => SpeechError::Late(limit),
            Some((_, source)) if source.is_of_text() => SpeechError::BadText(Arc::clone(source)),
            Some((place, source)) => {
                let engine = self.scripts.get(*place).map(|script| script.link.name.as_ref().to_owned());
                SpeechError::Failed { engine: engine.unwrap_or_default(), source: Arc::clone(source) }
            }
        }
    }
}

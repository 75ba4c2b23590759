//! The voice of a server: a sentence in, a clip that riders can fetch out, its parts made once and kept.
//! Whatever fails, there is a canned clip; whoever asks twice at the same moment waits for one making.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::ahead::AheadOf;
use super::breaker::BreakerLimits;
use super::canned::{canned_name, chimes, shipped_clips};
use super::chain::{Chain, ChainLimits, Uttered};
use super::clips::{Clips, ServedClip};
use super::engines::recorded::Recorded;
use super::error::{SpeechError, VoiceError};
use super::link::{Link, NamedEngine};
use super::meters::Meters;
use super::parts::{PartLimits, PartStore};
use super::recipe::ClipRecipe;
use super::sentence::{SayBudget, Sentence, Spoken};
use super::{Lang, Phrases, normalise};
use crate::audio::canned::{CannedClip, CannedClips};
use crate::audio::library::{ClipLibrary, ClipName, LibraryLimits};
use crate::audio::{ClipFormat, Format};
use crate::clock::Clock;
use crate::config::engines::SpeechMode;
use crate::domain::said::Part;
use crate::domain::{Sound, SoundProfile};
use crate::lifecycle::Lifecycle;
use crate::telemetry::{Metric, Telemetry};

/// Makes, keeps and finds clips.
pub struct Speech {
    phrases: Phrases,
    pub(super) chain: Chain,
    clips: Clips,
    canned: CannedClips,
    telemetry: Telemetry,
    pub(super) profile: SoundProfile,
}

/// What [`Speech::open`] needs to know.
pub struct SpeechOptions {
    /// Folder of clips.
    pub folder: PathBuf,
    /// Keys the names of clips.
    pub secret: [u8; 32],
    /// How much it may hold.
    pub library: LibraryLimits,
    /// The engines, in the order in which they are asked.
    pub engines: Vec<NamedEngine>,
    /// Recordings of people, which are heard in place of any engine.
    pub recorded: Option<Arc<Recorded>>,
    /// Silence at the end of a clip.
    pub tail: Duration,
    /// For what ears clips are made where nobody says so: these frames are made ahead of time.
    pub profile: SoundProfile,
    /// Frames of parts in memory, in bytes.
    pub memory_bytes: u64,
    /// How long and how often engines are asked.
    pub making: MakingLimits,
}

/// How long and how often engines are asked; the numbers are explained in the default configuration.
#[derive(Clone, Copy, Debug)]
pub struct MakingLimits {
    /// Until a sentence is given up that nobody has spoken.
    pub making: Duration,
    /// What is left of an alert's budget for engines on this machine.
    pub reserve: Duration,
    /// When an engine rests, and for how long.
    pub breaker: BreakerLimits,
    /// How long a text that an engine refuses is not offered to it again.
    pub refused_text: Duration,
    /// Parts that wait for a place at one engine; above it, the next engine is asked.
    pub waiting_max: usize,
    /// Threads that level and encode.
    pub threads: usize,
}

/// A voice that may be chosen.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VoiceInfo {
    /// Its engine's name.
    pub name: String,
    /// What sort of engine it is.
    pub kind: &'static str,
    /// What it speaks.
    pub langs: Vec<Lang>,
    /// Whether it speaks from this machine.
    pub local: bool,
    /// How sentences are cut for it.
    pub mode: SpeechMode,
    /// Whether it is asked now.
    pub state: VoiceState,
}

/// Whether an engine is asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum VoiceState {
    /// It is.
    Available,
    /// It has failed too often, or its maker refuses us, and is left alone for a while.
    Resting,
}

/// Who speaks where nothing is said.
const CHIME_ENGINE: &str = "chime";

impl Default for MakingLimits {
    /// As in the default configuration.
    fn default() -> Self {
        Self {
            making: Duration::from_secs(20),
            reserve: Duration::from_millis(250),
            breaker: BreakerLimits {
                failures: 5,
                rest: Duration::from_secs(15),
                refused_rest: Duration::from_mins(10),
            },
            refused_text: Duration::from_secs(30),
            waiting_max: 2_048,
            threads: 2,
        }
    }
}

impl Speech {
    /// Opens the library. Without an engine every alert has its canned clip.
    ///
    /// # Errors
    /// [`VoiceError`].
    pub async fn open(
        options: SpeechOptions,
        clock: Arc<dyn Clock>,
        telemetry: Telemetry,
        lifecycle: Lifecycle,
    ) -> Result<Self, VoiceError> {
        let tail_ms = u32::try_from(options.tail.as_millis()).unwrap_or(u32::MAX);
        let canned = shipped_clips(tail_ms)?;
        let clips = Clips::new(chimes()?, tail_ms);
        let now_ms = clock.now().wall.0;
        let library = ClipLibrary::open(options.folder, &options.secret, options.library, now_ms).await?;
        let making = options.making;
        let limits = PartLimits {
            memory_bytes: options.memory_bytes,
            refused_ms: i64::try_from(making.refused_text.as_millis()).unwrap_or(i64::MAX),
            threads: making.threads,
        };
        let link = |named: NamedEngine| {
            let meters = Meters::new(&named.name, &telemetry);
            Arc::new(Link::new(named, making.breaker, making.waiting_max, meters, Arc::clone(&clock)))
        };
        let links: Vec<Arc<Link>> = options.engines.into_iter().map(link).collect();
        if let Some(first) = links.first() {
            info!(engine.name = %first.name, engines = links.len(), "Speech engines are set up.");
        } else {
            warn!("No speech engine: canned clips will sound.");
        }
        let parts = PartStore::new(library, &limits, clock, lifecycle);
        for lang in Lang::ALL {
            // Compiles the reading rules now, 8 ms, and not while the first order waits.
            let _warm = normalise("", lang);
        }
        let limits = ChainLimits { making: making.making, reserve: making.reserve };
        Ok(Self {
            phrases: Phrases::embedded(),
            chain: Chain { links, parts, recorded: options.recorded, limits },
            clips,
            canned,
            telemetry,
            profile: options.profile,
        })
    }

    /// The parts that sentences of this language will be made of.
    #[must_use]
    pub fn warm_parts(&self, lang: Lang, of: &AheadOf<'_>) -> Vec<Part> {
        self.phrases.parts_ahead(lang, of)
    }

    /// Deletes parts of sentences that nobody has used for long.
    pub async fn forget_unused(&self) {
        let parts = self.chain.parts.forget_unused().await;
        if parts > 0 {
            info!(parts, "Parts of speech that were not used for long are gone.");
        }
    }

    /// The sentences of every kind.
    #[must_use]
    pub fn phrases(&self) -> &Phrases {
        &self.phrases
    }

    /// The voices that may be chosen, in the order in which they are asked.
    #[must_use]
    pub fn voices(&self) -> Vec<VoiceInfo> {
        let info = |link: &Arc<Link>| VoiceInfo {
            name: link.name.as_ref().to_owned(),
            kind: link.kind(),
            langs: Lang::ALL.into_iter().filter(|lang| link.line(*lang).is_some()).collect(),
            local: link.is_local(),
            mode: link.common.mode,
            state: if link.is_resting() { VoiceState::Resting } else { VoiceState::Available },
        };
        self.chain.links.iter().map(info).collect()
    }

    /// The sentence, if all its parts lie in memory. A chime alone always does, as MP3. Neither disk nor engine is asked.
    pub async fn cached(&self, sentence: &Sentence) -> Option<Spoken> {
        if sentence.is_wordless() {
            let sound = Sound { canned: false, ..self.canned(sentence) };
            return Some(Spoken { sound, engine: CHIME_ENGINE.to_owned() });
        }
        let uttered = self.chain.cached(sentence, &self.phrases).await?;
        let spoken = match sentence.format {
            ClipFormat::Mp3 => self.spoken(sentence, uttered).await.ok()?,
            ClipFormat::Wav => self.clips.known(&self.chain, sentence, &uttered.script).await?,
        };
        self.count("hit");
        Some(spoken)
    }

    /// The sentence, made now if need be; two askers at one moment share one making.
    ///
    /// # Errors
    /// [`SpeechError`]; nothing is remembered of a failure but which texts an engine refuses.
    pub async fn say(&self, sentence: &Sentence, budget: SayBudget) -> Result<Spoken, SpeechError> {
        if let Some(spoken) = self.cached(sentence).await {
            return Ok(spoken);
        }
        let began = Instant::now();
        let made = match self.chain.say(sentence, &self.phrases, budget).await {
            Ok(uttered) => self.spoken(sentence, uttered).await,
            Err(error) => Err(error),
        };
        self.count(if made.is_ok() { "made" } else { "failed" });
        if made.is_ok() {
            self.telemetry.histogram(Metric::SpeechSeconds, &[]).record(began.elapsed().as_secs_f64());
        }
        made
    }

    /// How many characters engines would be asked for now to say it.
    #[must_use]
    pub fn cost(&self, sentence: &Sentence) -> u64 {
        if sentence.is_wordless() { 0 } else { self.chain.cost(sentence, &self.phrases) }
    }

    /// The clip that stands in: the slotless sentence of the kind, or its chime alone.
    #[must_use]
    pub fn canned(&self, sentence: &Sentence) -> Sound {
        let clip = self.canned_clip(sentence);
        Sound {
            path: clip.url_path(),
            fallback_path: clip.url_path(),
            mime: Format::Mp3.mime().to_owned(),
            bytes: clip.len,
            duration_ms: clip.duration_ms,
            tail_ms: clip.tail_ms,
            canned: true,
            recipe: None,
        }
    }

    /// The canned clip with this file name.
    #[must_use]
    pub fn canned_file(&self, file_name: &str) -> Option<&Arc<CannedClip>> {
        self.canned.by_file_name(file_name)
    }

    /// A clip that was made lately, in a profile. `None` for others: their recipe is in the store, for
    /// [`Speech::remake`].
    pub async fn clip(&self, name: ClipName, profile: SoundProfile) -> Option<ServedClip> {
        let recipe = self.clips.remembered(name).await?;
        // What fails here fails in `remake` as well, which says why.
        self.clips.made(&self.chain, &recipe, profile).await.ok().flatten()
    }

    /// A clip from its recipe: of parts that are kept, or are made again. `None` if it is of another version, or if parts
    /// are lost and nobody here has that voice any more.
    ///
    /// # Errors
    /// [`SpeechError`] when a lost part cannot be made now.
    pub async fn remake(
        &self,
        recipe: &str,
        profile: SoundProfile,
    ) -> Result<Option<ServedClip>, SpeechError> {
        match ClipRecipe::read(recipe) {
            Some(recipe) => self.clips.made(&self.chain, &recipe, profile).await,
            None => Ok(None),
        }
    }

    async fn spoken(&self, sentence: &Sentence, uttered: Uttered) -> Result<Spoken, SpeechError> {
        let fallback = self.canned_clip(sentence).url_path();
        self.clips.spoken(&self.chain, sentence, uttered, fallback).await
    }

    fn canned_clip(&self, sentence: &Sentence) -> &Arc<CannedClip> {
        // No kind has an empty name: what says nothing has the chime alone.
        let kind = if sentence.is_wordless() { String::new() } else { canned_name(&sentence.kind) };
        self.canned.of(sentence.lang.tag(), &kind, sentence.urgency.into())
    }

    fn count(&self, result: &'static str) {
        self.telemetry.counter(Metric::Clips, &[("result", result)]).increment(1);
    }
}

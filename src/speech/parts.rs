//! The parts of sentences, each made once for a voice: dry sound on disk, and frames for each kind of ears.
//! Frames that are in use also lie in memory; whatever is lost is made again from what is left, at last by the engine.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use bytes::Bytes;
use moka::future::Cache;
use moka::policy::EvictionPolicy;
use tokio::sync::Semaphore;
use tracing::warn;

use super::Lang;
use super::engine::Speed;
use super::error::PartError;
use super::flights::Flights;
use super::script::Maker;
use crate::audio::ClipFormat;
use crate::audio::library::{ClipLibrary, ClipMeta, ClipName, Recipe};
use crate::audio::mp3::Mp3Frames;
use crate::audio::part::{self, SentenceError};
use crate::audio::pcm::Pcm;
use crate::clock::Clock;
use crate::domain::SoundProfile;
use crate::domain::said::Part;
use crate::lifecycle::Lifecycle;

/// What a part is kept under: everything that is heard in it.
#[derive(Clone, Debug)]
pub(super) struct PartKey {
    /// The voice line of whoever speaks it.
    pub(super) line: Arc<str>,
    pub(super) lang: Lang,
    pub(super) speed: Speed,
    pub(super) part: Part,
}

/// The frames of a part, and a digest of them.
#[derive(Clone)]
pub(super) struct PartFrames {
    pub(super) frames: Mp3Frames,
    pub(super) digest: [u8; 8],
}

/// Finds, makes and keeps parts. Cheap to clone.
#[derive(Clone)]
pub(super) struct PartStore(Arc<Inner>);

struct Inner {
    library: ClipLibrary,
    frames: Cache<ClipName, PartFrames>,
    dry: Cache<ClipName, Arc<Pcm>>,
    // What an engine has refused, and when, by our own clock.
    refused: Cache<ClipName, i64>,
    frame_flights: Arc<Flights<PartFrames>>,
    dry_flights: Arc<Flights<Arc<Pcm>>>,
    // Sound is arithmetic: more threads than cores only take turns.
    threads: Arc<Semaphore>,
    writers: Semaphore,
    refused_ms: i64,
    clock: Arc<dyn Clock>,
    lifecycle: Lifecycle,
}

/// What a part store may hold.
pub(super) struct PartLimits {
    /// Frames in memory, in bytes.
    pub(super) memory_bytes: u64,
    /// How long a refused text is remembered, in milliseconds.
    pub(super) refused_ms: i64,
    /// How many threads level and encode.
    pub(super) threads: usize,
}

/// Raised when the making of parts changes, so that old ones are not taken for new ones.
const VERSION: u64 = 1;
/// What a part in memory costs beside its bytes.
const OVERHEAD: usize = 256;
/// Dry sound is of use for a moment only, between its making and its frames: 80 s of sound.
const DRY_BYTES_MAX: u64 = 4 << 20;
/// What is never asked for goes after ten years at the latest: the cache bounds its times.
const IDLE_MS_MAX: u64 = 315_360_000_000;
/// Refused texts that are remembered; far more than come within half a minute.
const REFUSED_MAX: u64 = 10_000;
/// Parts written at one time: each waits for the disk, and is in memory meanwhile.
const WRITERS: usize = 8;

impl PartStore {
    pub(super) fn new(
        library: ClipLibrary,
        limits: &PartLimits,
        clock: Arc<dyn Clock>,
        lifecycle: Lifecycle,
    ) -> Self {
        let idle = u64::try_from(library.max_age_ms()).unwrap_or(0).min(IDLE_MS_MAX);
        let weight = |bytes: usize| u32::try_from(bytes + OVERHEAD).unwrap_or(u32::MAX);
        let frames = Cache::builder()
            // The default policy may turn away the newest, which a rider is about to fetch.
            .eviction_policy(EvictionPolicy::lru())
            .max_capacity(limits.memory_bytes)
            // What is too old on disk is too old here.
            .time_to_idle(Duration::from_millis(idle))
            .weigher(move |_, kept: &PartFrames| weight(kept.frames.bytes().len()))
            .build();
        let dry = Cache::builder()
            .eviction_policy(EvictionPolicy::lru())
            .max_capacity(DRY_BYTES_MAX)
            .weigher(move |_, pcm: &Arc<Pcm>| weight(pcm.samples().len() * 2))
            .build();
        let refused =
            Cache::builder().eviction_policy(EvictionPolicy::lru()).max_capacity(REFUSED_MAX).build();
        Self(Arc::new(Inner {
            library,
            frames,
            dry,
            refused,
            frame_flights: Flights::new(),
            dry_flights: Flights::new(),
            threads: Arc::new(Semaphore::new(limits.threads.max(1))),
            writers: Semaphore::new(WRITERS),
            refused_ms: limits.refused_ms,
            clock,
            lifecycle,
        }))
    }

    /// Deletes parts that nobody has used for long; how many.
    pub(super) async fn forget_unused(&self) -> usize {
        match self.0.library.forget_unused(self.0.clock.now().wall.0).await {
            Ok(gone) => gone,
            Err(error) => {
                warn!(error = &error as &dyn std::error::Error, "Old parts of speech were not deleted.");
                0
            }
        }
    }

    /// Where parts are kept on disk.
    pub(super) fn library(&self) -> &ClipLibrary {
        &self.0.library
    }

    /// The frames for indoor ears, if they lie in memory. Asks neither disk nor engine.
    pub(super) async fn in_memory(&self, key: &PartKey) -> Option<PartFrames> {
        self.0.remembered(&self.0.frames_name(key, SoundProfile::Plain)).await
    }

    /// Whether no engine is needed for it, as far as is known without reading the disk.
    pub(super) fn is_kept(&self, key: &PartKey) -> bool {
        let frames = self.0.frames_name(key, SoundProfile::Plain);
        self.0.frames.contains_key(&frames)
            || self.0.library.holds(&frames)
            || self.0.library.holds(&self.0.dry_name(key))
    }

    /// Whether its engine has refused the text a moment ago.
    pub(super) async fn is_refused(&self, key: &PartKey) -> bool {
        self.0.is_refused(&self.0.dry_name(key)).await
    }

    /// The frames of a part for these ears: from memory, from disk, from its dry sound, or by `maker`. The work goes on
    /// when the asker leaves, and what it makes is kept.
    pub(super) async fn frames(
        &self,
        key: &PartKey,
        profile: SoundProfile,
        maker: Option<&Maker>,
    ) -> Result<PartFrames, Arc<PartError>> {
        let name = self.0.frames_name(key, profile);
        if let Some(frames) = self.0.remembered(&name).await {
            return Ok(frames);
        }
        loop {
            let (store, key, may_make) = (self.clone(), key.clone(), maker.cloned());
            let work = async move { store.find_or_make_frames(name, key, profile, may_make).await };
            let found = self.0.frame_flights.join(&self.0.lifecycle, name, work).await;
            if !is_for_another(&found, maker) {
                return found;
            }
        }
    }

    /// The dry sound of a part: from memory, from disk, or by `maker`.
    pub(super) async fn dry(&self, key: &PartKey, maker: Option<&Maker>) -> Result<Arc<Pcm>, Arc<PartError>> {
        let name = self.0.dry_name(key);
        if let Some(pcm) = self.0.dry.get(&name).await {
            return Ok(pcm);
        }
        loop {
            let (store, key, may_make) = (self.clone(), key.clone(), maker.cloned());
            let work = async move { store.find_or_make_dry(name, key, may_make).await };
            let found = self.0.dry_flights.join(&self.0.lifecycle, name, work).await;
            if !is_for_another(&found, maker) {
                return found;
            }
        }
    }

    async fn find_or_make_frames(
        &self,
        name: ClipName,
        key: PartKey,
        profile: SoundProfile,
        maker: Option<Maker>,
    ) -> Result<PartFrames, Arc<PartError>> {
        if let Some(frames) = self.0.kept_frames(name).await {
            self.0.frames.insert(name, frames.clone()).await;
            return Ok(frames);
        }
        let dry = self.dry(&key, maker.as_ref()).await?;
        let frames = self.0.blocking(move || part::frames(&dry, profile)).await?;
        let frames = PartFrames::of(frames);
        self.0.frames.insert(name, frames.clone()).await;
        let (bytes, duration_ms) = (frames.frames.bytes().clone(), frames.frames.duration_ms());
        self.keep(name, bytes, &key, duration_ms);
        Ok(frames)
    }

    async fn find_or_make_dry(
        &self,
        name: ClipName,
        key: PartKey,
        maker: Option<Maker>,
    ) -> Result<Arc<Pcm>, Arc<PartError>> {
        if let Some(pcm) = self.0.kept_dry(name).await {
            self.0.dry.insert(name, Arc::clone(&pcm)).await;
            return Ok(pcm);
        }
        let maker = maker.ok_or(PartError::Absent)?;
        if self.0.is_refused(&name).await {
            return Err(PartError::Refused.into());
        }
        let pcm = match maker.speak(&key, &self.0.threads).await {
            Ok(pcm) => Arc::new(pcm),
            Err(error) => {
                if error.is_of_text() {
                    self.0.refused.insert(name, self.0.clock.now().mono_ms).await;
                }
                return Err(error.into());
            }
        };
        self.0.dry.insert(name, Arc::clone(&pcm)).await;
        self.keep(name, pcm.to_wav_bytes().into(), &key, pcm.duration_ms());
        Ok(pcm)
    }

    /// Writes a part down, behind the back of whoever waits for it: it is in memory already.
    fn keep(&self, name: ClipName, bytes: Bytes, key: &PartKey, duration_ms: u32) {
        let store = self.clone();
        let meta = ClipMeta { duration_ms, tail_ms: 0, engine: key.line.as_ref().to_owned() };
        self.0.lifecycle.spawn(async move {
            let _writer = store.0.writers.acquire().await.ok();
            let now_ms = store.0.clock.now().wall.0;
            if let Err(error) = store.0.library.put(name, bytes, meta, now_ms).await {
                let error = &error as &dyn std::error::Error;
                warn!(error, "A part of speech is in memory only and will be made again after a restart.");
            }
        });
    }
}

/// Whether this is the end of a work that we joined, of somebody who may not ask the engine, as we may.
fn is_for_another<T>(found: &Result<T, Arc<PartError>>, maker: Option<&Maker>) -> bool {
    maker.is_some() && found.as_ref().is_err_and(|error| matches!(**error, PartError::Absent))
}

impl Inner {
    fn recipe(key: &PartKey) -> Recipe {
        Recipe::new()
            .text("part")
            .number(VERSION)
            .text(&key.line)
            .text(key.lang.tag())
            .number(key.speed.as_percent().into())
            .text(&key.part.encoded())
    }

    fn dry_name(&self, key: &PartKey) -> ClipName {
        self.library.name(&Self::recipe(key).text("dry"), ClipFormat::Wav)
    }

    fn frames_name(&self, key: &PartKey, profile: SoundProfile) -> ClipName {
        self.library.name(&Self::recipe(key).text(profile.as_str()), ClipFormat::Mp3)
    }

    /// Frames in memory; their use counts for the disk as well, where they would become too old beside it.
    async fn remembered(&self, name: &ClipName) -> Option<PartFrames> {
        let frames = self.frames.get(name).await?;
        self.library.note_use(name, self.clock.now().wall.0);
        Some(frames)
    }

    async fn is_refused(&self, dry: &ClipName) -> bool {
        let now_ms = self.clock.now().mono_ms;
        self.refused.get(dry).await.is_some_and(|at_ms| now_ms - at_ms < self.refused_ms)
    }

    async fn kept_frames(&self, name: ClipName) -> Option<PartFrames> {
        let bytes = self.kept(name).await?;
        Mp3Frames::from_file(&bytes).ok().map(PartFrames::of)
    }

    async fn kept_dry(&self, name: ClipName) -> Option<Arc<Pcm>> {
        let bytes = self.kept(name).await?;
        Pcm::from_wav_bytes(&bytes).ok().map(Arc::new)
    }

    /// A folder that fails is no reason to be silent: the part is made again.
    async fn kept(&self, name: ClipName) -> Option<Bytes> {
        match self.library.get(name, self.clock.now().wall.0).await {
            Ok(clip) => clip.map(|clip| clip.bytes),
            Err(error) => {
                warn!(error = &error as &dyn std::error::Error, "A kept part of speech cannot be read.");
                None
            }
        }
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, SentenceError> + Send + 'static,
    ) -> Result<T, Arc<PartError>> {
        let _thread = self.threads.acquire().await.ok();
        let done = tokio::task::spawn_blocking(work).await.map_err(PartError::from)?;
        Ok(done.map_err(PartError::from)?)
    }
}

impl PartFrames {
    fn of(frames: Mp3Frames) -> Self {
        let hash = digest::digest(&digest::SHA256, frames.bytes());
        let mut digest = [0; 8];
        for (to, from) in digest.iter_mut().zip(hash.as_ref()) {
            *to = *from;
        }
        Self { frames, digest }
    }
}

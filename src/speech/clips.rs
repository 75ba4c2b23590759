//! Finished clips: joined from the frames of their parts when they are asked for, and kept nowhere.
//! What a clip measures follows from the number of its frames, so an alert can be sent before anything is joined.

use std::sync::Arc;

use aws_lc_rs::digest;
use bytes::Bytes;
use futures_util::future::try_join_all;
use moka::future::Cache;
use moka::policy::EvictionPolicy;

use super::chain::{Chain, Uttered};
use super::engines::recorded::Recorded;
use super::error::{PartError, SpeechError};
use super::link::Link;
use super::parts::{PartFrames, PartKey};
use super::recipe::{ChimeOf, ClipRecipe, clip_name};
use super::script::{Maker, Script, recorded_key};
use super::sentence::{Sentence, Spoken};
use crate::audio::chime::{Chime, Chimes};
use crate::audio::clip::{AFTER_CHIME_FRAMES, ClipLen, joined, joined_len, joined_wav, pause_after};
use crate::audio::library::ClipName;
use crate::audio::part::levelled;
use crate::audio::pcm::{Pcm, PcmError};
use crate::audio::{ClipFormat, Format};
use crate::domain::said::Part;
use crate::domain::{Sound, SoundProfile};

/// A clip, ready to be served.
#[derive(Clone, Debug)]
pub struct ServedClip {
    /// The file, in the format of its name.
    pub bytes: Bytes,
    /// A strong entity tag, with its quotes: of the clip's name and the sound of its parts.
    pub etag: String,
    /// The whole file, in milliseconds.
    pub duration_ms: u32,
    /// The silence at its end.
    pub tail_ms: u32,
}

/// What was said lately, by the name of its clip.
pub(super) struct Clips {
    chimes: &'static Chimes,
    tail_ms: u32,
    spoken: Cache<ClipName, Arc<Spoken>>,
}

/// Who speaks where people have recorded everything.
const RECORDED: &str = "recorded";
/// Sounds in memory, at 1 kB with their recipe: half a minute of 700 new sentences a second. Others are in the store.
const SPOKEN_MAX: u64 = 20_000;

impl Clips {
    pub(super) fn new(chimes: &'static Chimes, tail_ms: u32) -> Self {
        let spoken = Cache::builder().eviction_policy(EvictionPolicy::lru()).max_capacity(SPOKEN_MAX).build();
        Self { chimes, tail_ms, spoken }
    }

    /// What an engine would make of a sentence.
    pub(super) fn recipe(&self, sentence: &Sentence, script: &Script) -> ClipRecipe {
        ClipRecipe {
            voice: script.link.name.as_ref().to_owned(),
            line: script.link.line(sentence.lang).map(|line| line.as_ref().to_owned()).unwrap_or_default(),
            lang: sentence.lang,
            speed: script.link.speed(sentence.speed),
            said: script.said.clone(),
            recorded: script.recordings(),
            chime: ChimeOf::of(sentence.urgency, sentence.chime),
            tail_ms: self.tail_ms,
            format: sentence.format,
        }
    }

    /// The clip of a sentence whose parts are there, as an alert carries it.
    pub(super) async fn spoken(
        &self,
        chain: &Chain,
        sentence: &Sentence,
        uttered: Uttered,
        fallback_path: String,
    ) -> Result<Spoken, SpeechError> {
        let recipe = self.recipe(sentence, &uttered.script);
        let text = recipe.text();
        let name = clip_name(chain.parts.library(), &text, recipe.format);
        if let Some(known) = self.spoken.get(&name).await {
            return Ok(Spoken::clone(&known));
        }
        let len = match recipe.format {
            ClipFormat::Mp3 => self.measures(&recipe, &uttered.frames),
            ClipFormat::Wav => {
                let made = self.wav(chain, &recipe, SoundProfile::Plain).await?;
                let bytes = made.bytes.len() as u64;
                ClipLen { bytes, duration_ms: made.duration_ms, tail_ms: made.tail_ms }
            }
        };
        let sound = Sound {
            path: name.url_path(),
            fallback_path,
            mime: Format::from(recipe.format).mime().to_owned(),
            bytes: len.bytes,
            duration_ms: len.duration_ms,
            tail_ms: len.tail_ms,
            canned: false,
            recipe: Some(text),
        };
        let all_recorded = uttered.script.is_recorded();
        let engine = if all_recorded { RECORDED.to_owned() } else { recipe.voice.clone() };
        let spoken = Spoken { sound, engine };
        self.spoken.insert(name, Arc::new(spoken.clone())).await;
        Ok(spoken)
    }

    /// The same if it was made a while ago and nothing of it is lost; for clips that cannot be measured by their frames.
    pub(super) async fn known(&self, chain: &Chain, sentence: &Sentence, script: &Script) -> Option<Spoken> {
        let text = self.recipe(sentence, script).text();
        let name = clip_name(chain.parts.library(), &text, sentence.format);
        self.spoken.get(&name).await.map(|known| Spoken::clone(&known))
    }

    /// The recipe of a clip that was made lately.
    pub(super) async fn remembered(&self, name: ClipName) -> Option<ClipRecipe> {
        let known = self.spoken.get(&name).await?;
        ClipRecipe::read(known.sound.recipe.as_deref()?)
    }

    /// Joins a clip, from parts that are kept or that the engine of the recipe makes again. `None` if some are lost and
    /// nobody here has that voice any more.
    pub(super) async fn made(
        &self,
        chain: &Chain,
        recipe: &ClipRecipe,
        profile: SoundProfile,
    ) -> Result<Option<ServedClip>, SpeechError> {
        let made = match recipe.format {
            ClipFormat::Mp3 => self.mp3(chain, recipe, profile).await,
            ClipFormat::Wav => self.wav(chain, recipe, profile).await,
        };
        match made {
            Ok(clip) => Ok(Some(clip)),
            Err(SpeechError::Failed { source, .. }) if matches!(*source, PartError::Absent) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn mp3(
        &self,
        chain: &Chain,
        recipe: &ClipRecipe,
        profile: SoundProfile,
    ) -> Result<ServedClip, SpeechError> {
        let parts = parts_of(chain, recipe);
        let one = |(key, maker): &(PartKey, Option<Maker>)| {
            let (store, key, maker) = (chain.parts.clone(), key.clone(), maker.clone());
            async move { store.frames(&key, profile, maker.as_ref()).await }
        };
        let frames = try_join_all(parts.iter().map(one)).await.map_err(|error| failed(recipe, error))?;
        let chime = self.chime(recipe, profile);
        let mut pieces = vec![(&chime.frames, AFTER_CHIME_FRAMES)];
        pieces.extend(frames.iter().zip(pauses(recipe)).map(|(part, pause)| (&part.frames, pause)));
        let joined = joined(profile, &pieces, recipe.tail_ms);
        Ok(ServedClip {
            bytes: joined.bytes,
            etag: etag(recipe, profile, &frames),
            duration_ms: joined.duration_ms,
            tail_ms: joined.tail_ms,
        })
    }

    async fn wav(
        &self,
        chain: &Chain,
        recipe: &ClipRecipe,
        profile: SoundProfile,
    ) -> Result<ServedClip, SpeechError> {
        let parts = parts_of(chain, recipe);
        let one = |(key, maker): &(PartKey, Option<Maker>)| {
            let (store, key, maker) = (chain.parts.clone(), key.clone(), maker.clone());
            async move { store.dry(&key, maker.as_ref()).await }
        };
        let dry = try_join_all(parts.iter().map(one)).await.map_err(|error| failed(recipe, error))?;
        let (chime, pauses) = (self.chime(recipe, profile).sound.clone(), pauses(recipe));
        let work = move || wav_of(&chime, &dry, &pauses, profile);
        let cut_off = |error| failed(recipe, Arc::new(PartError::CutOff(error)));
        tokio::task::spawn_blocking(work).await.map_err(cut_off)?
    }

    /// Bytes, length and tail of a clip in the plain profile.
    fn measures(&self, recipe: &ClipRecipe, frames: &[PartFrames]) -> ClipLen {
        let chime = self.chime(recipe, SoundProfile::Plain);
        let mut pieces = vec![(chime.frames.count(), AFTER_CHIME_FRAMES)];
        pieces.extend(frames.iter().zip(pauses(recipe)).map(|(part, pause)| (part.frames.count(), pause)));
        joined_len(pieces, recipe.tail_ms)
    }

    fn chime(&self, recipe: &ClipRecipe, profile: SoundProfile) -> &Chime {
        match recipe.chime {
            ChimeOf::Urgency(urgency) => self.chimes.of(urgency, profile),
            ChimeOf::Louder => self.chimes.louder(profile),
        }
    }
}

/// The parts of a clip and who makes them again, as far as there is somebody.
fn parts_of(chain: &Chain, recipe: &ClipRecipe) -> Vec<(PartKey, Option<Maker>)> {
    let line: Arc<str> = recipe.line.as_str().into();
    let engine = maker_of(chain, recipe);
    let part = |(place, part): (usize, &Part)| match recipe.recording(place) {
        None => {
            let (line, lang, speed) = (Arc::clone(&line), recipe.lang, recipe.speed);
            (PartKey { line, lang, speed, part: part.clone() }, engine.clone())
        }
        Some(line) => {
            let is_still_there = |recorded: &&Arc<Recorded>| {
                recorded.line_for(&recipe.voice, recipe.lang, part.text()).as_deref() == Some(line)
            };
            let recorded = chain.recorded.as_ref().filter(is_still_there);
            let maker = |recorded| Maker::Recording(Arc::clone(recorded), recipe.voice.as_str().into());
            (recorded_key(line, recipe.lang, part), recorded.map(maker))
        }
    };
    recipe.said.parts().iter().enumerate().map(part).collect()
}

/// The engine that speaks as the recipe says; under another name if it was renamed.
fn maker_of(chain: &Chain, recipe: &ClipRecipe) -> Option<Maker> {
    let speaks = |link: &&Arc<Link>| link.line(recipe.lang).is_some_and(|line| **line == *recipe.line);
    let named = chain.links.iter().filter(speaks).find(|link| *link.name == *recipe.voice);
    named.or_else(|| chain.links.iter().find(speaks)).cloned().map(Maker::Engine)
}

/// The silence after each part, in frames; none after the last.
fn pauses(recipe: &ClipRecipe) -> Vec<u32> {
    let parts = recipe.said.parts();
    let after = parts.windows(2).map(|pair| match pair {
        [part, next] => pause_after(part.text(), next.text()),
        _ => 0,
    });
    after.chain([0]).take(parts.len()).collect()
}

fn wav_of(
    chime: &Pcm,
    dry: &[Arc<Pcm>],
    pauses: &[u32],
    profile: SoundProfile,
) -> Result<ServedClip, SpeechError> {
    let too_long = |error: PcmError| SpeechError::TooLong(Arc::new(error));
    let silent = |error| SpeechError::BadText(Arc::new(PartError::NoSentence(error)));
    let words: Result<Vec<Pcm>, _> = dry.iter().map(|dry| levelled(dry, profile)).collect();
    let words = words.map_err(silent)?;
    let mut pieces = vec![(chime, AFTER_CHIME_FRAMES)];
    pieces.extend(words.iter().zip(pauses.iter().copied()));
    let clip = joined_wav(profile, &pieces).map_err(too_long)?;
    let hash = hex(digest::digest(&digest::SHA256, &clip.bytes).as_ref());
    Ok(ServedClip {
        bytes: clip.bytes,
        etag: format!("\"{hash}\""),
        duration_ms: clip.duration_ms,
        tail_ms: clip.tail_ms,
    })
}

/// Of what was joined: parts that were made again may sound otherwise, and then it is another file.
fn etag(recipe: &ClipRecipe, profile: SoundProfile, frames: &[PartFrames]) -> String {
    let mut all = digest::Context::new(&digest::SHA256);
    all.update(recipe.text().as_bytes());
    all.update(profile.as_str().as_bytes());
    for part in frames {
        all.update(&part.digest);
    }
    format!("\"{}\"", hex(all.finish().as_ref()))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().take(16).fold(String::with_capacity(32), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

fn failed(recipe: &ClipRecipe, source: Arc<PartError>) -> SpeechError {
    if source.is_of_text() {
        return SpeechError::BadText(source);
    }
    SpeechError::Failed { engine: recipe.voice.clone(), source }
}

//! The voice of a server: a sentence in, a clip that riders can fetch out, made once and kept.
//! Whatever fails, there is a canned clip; whoever asks twice at the same moment waits for one making.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::future::Cache;
use rust_embed::RustEmbed;
use tracing::{info, warn};

use super::engine::Speed;
use super::espeak::{Espeak, EspeakError, EspeakLimits};
use super::{Lang, Phrases, normalise};
use crate::audio::canned::{CannedClip, CannedClips, CannedError};
use crate::audio::chime::{self, ChimeError, Chimes};
use crate::audio::clip::{AFTER_CHIME_FRAMES, ComposedClip, joined, joined_wav};
use crate::audio::library::{Clip, ClipLibrary, ClipMeta, ClipName, LibraryError, LibraryLimits, Recipe};
use crate::audio::mp3::Mp3Frames;
use crate::audio::part::{self, SentenceError};
use crate::audio::pcm::{Pcm, PcmError};
use crate::audio::{ClipFormat, Format};
use crate::clock::Clock;
use crate::domain::{Alert, Said, Sound, SoundProfile, Urgency};
use crate::telemetry::{Metric, Telemetry};

/// Makes, keeps and finds clips.
pub struct Speech {
    phrases: Phrases,
    espeak: Option<Espeak>,
    chimes: Chimes,
    canned: CannedClips,
    library: ClipLibrary,
    // What was made or found lately; also what makes two askers wait for one making.
    sounds: Cache<ClipName, Spoken>,
    clock: Arc<dyn Clock>,
    telemetry: Telemetry,
    speed: Speed,
    tail_ms: u32,
}

/// What to say, and the chime before it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Sentence {
    /// Name of the kind, for the canned clip.
    pub kind: String,
    /// The text after normalisation, in parts.
    pub said: Said,
    /// Its language.
    pub lang: Lang,
    /// Which chime.
    pub urgency: Urgency,
    /// Whether the chime is the louder one.
    pub chime: Chime,
    /// What the clip is written as.
    pub format: ClipFormat,
    /// The engine by whose voice it is to be spoken if that can be; the first of the chain otherwise.
    pub voice: Option<String>,
    /// How fast.
    pub speed: Speed,
}

/// The chime before a sentence.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Chime {
    /// That of the urgency.
    #[default]
    Usual,
    /// Longer and louder, for what nobody has answered.
    Louder,
}

/// A sentence that has been made.
#[derive(Clone, Debug)]
pub struct Spoken {
    /// The clip.
    pub sound: Sound,
    /// Who spoke.
    pub engine: String,
}

/// Why a sentence could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SpeechError {
    /// No engine is installed here.
    #[error("no speech engine is installed")]
    NoEngine,
    /// The engine could not.
    #[error("the speech engine failed")]
    Engine(#[from] EspeakError),
    /// What it gave is no sound.
    #[error("the engine's sound cannot be read")]
    Pcm(#[from] PcmError),
    /// What it gave is no sentence.
    #[error("the engine's sound is no sentence")]
    Sentence(#[from] SentenceError),
    /// The clip could not be kept.
    #[error("the clip cannot be kept")]
    Library(#[from] LibraryError),
    /// The work was cut off.
    #[error("the work was cut off")]
    CutOff(#[from] tokio::task::JoinError),
    /// Another asker's making failed.
    #[error("the sentence could not be made")]
    Shared(#[source] Arc<SpeechError>),
}

impl SpeechError {
    /// Whether the engine has spoken and nothing was heard: the sentence is at fault, and would be again.
    #[must_use]
    pub fn is_of_silence(&self) -> bool {
        match self {
            Self::Sentence(SentenceError::Silent) => true,
            Self::Shared(made) => made.is_of_silence(),
            Self::NoEngine
            | Self::Engine(_)
            | Self::Pcm(_)
            | Self::Sentence(
                SentenceError::Pcm(_)
                | SentenceError::Level(_)
                | SentenceError::Mp3(_)
                | SentenceError::Decoding(_),
            )
            | Self::Library(_)
            | Self::CutOff(_) => false,
        }
    }
}

/// Why there is no voice at all.
#[derive(Debug, thiserror::Error)]
pub enum VoiceError {
    /// A chime cannot be made, which no input causes.
    #[error("the chimes cannot be made")]
    Chime(#[from] ChimeError),
    /// A shipped clip cannot be used.
    #[error("a canned clip cannot be used")]
    Canned(#[from] CannedError),
    /// The folder of clips cannot be used.
    #[error("the clip folder cannot be used")]
    Library(#[from] LibraryError),
}

/// What [`Speech::open`] needs to know.
pub struct SpeechOptions {
    /// Folder of clips.
    pub folder: PathBuf,
    /// Keys the names of clips.
    pub secret: [u8; 32],
    /// How much it may hold.
    pub library: LibraryLimits,
    /// Path of espeak-ng; `None` looks it up.
    pub espeak: Option<PathBuf>,
    /// What one synthesis may cost.
    pub espeak_limits: EspeakLimits,
    /// Words a minute.
    pub words_per_minute: u32,
    /// Silence at the end of a clip.
    pub tail: Duration,
}

/// The canned sentences that ship with Orderbell; see `assets/make-canned.sh`.
#[derive(RustEmbed)]
#[folder = "assets/canned"]
struct CannedFiles;

/// Raised when the making of clips changes, so that old ones are not taken for new ones.
const RECIPE_VERSION: u64 = 1;
/// What was made or found lately: a burst repeats a few hundred sentences.
const SOUNDS_MAX: u64 = 10_000;
/// Shorter than the least age of a clip in the library, so that what is remembered here is still there.
const SOUNDS_FRESH: Duration = Duration::from_mins(10);
/// Normal speech of the engine, in words a minute; its speed is a share of this.
const NORMAL_WORDS_PER_MINUTE: u32 = 190;

impl Sentence {
    /// What an alert says.
    #[must_use]
    pub fn of(alert: &Alert) -> Self {
        Self {
            kind: alert.kind.clone(),
            said: alert.said.clone(),
            lang: Lang::parse(&alert.lang).unwrap_or(Lang::ZhCn),
            urgency: alert.urgency,
            chime: Chime::default(),
            format: ClipFormat::default(),
            voice: None,
            speed: Speed::NORMAL,
        }
    }

    /// Whether nothing is said: the chime alone sounds.
    #[must_use]
    pub fn is_wordless(&self) -> bool {
        self.said.is_empty()
    }
}

impl SpeechError {
    /// The label of the metric.
    #[must_use]
    pub fn cause(&self) -> &'static str {
        match self {
            Self::NoEngine => "no_engine",
            Self::Shared(inner) => inner.cause(),
            Self::Engine(_) | Self::Pcm(_) | Self::Sentence(_) | Self::Library(_) | Self::CutOff(_) => {
                "failed"
            }
        }
    }
}

impl Speech {
    /// Opens the library and looks for the engine. Without an engine every alert has its canned clip.
    ///
    /// # Errors
    /// [`VoiceError`].
    pub async fn open(
        options: SpeechOptions,
        clock: Arc<dyn Clock>,
        telemetry: Telemetry,
    ) -> Result<Self, VoiceError> {
        let tail_ms = u32::try_from(options.tail.as_millis()).unwrap_or(u32::MAX);
        let chimes = Chimes::new()?;
        let canned = shipped_clips(tail_ms)?;
        let now_ms = clock.now().wall.0;
        let library = ClipLibrary::open(options.folder, &options.secret, options.library, now_ms).await?;
        let found = match &options.espeak {
            Some(program) => Espeak::at(program, options.espeak_limits).await,
            None => Espeak::detect(options.espeak_limits).await,
        };
        let espeak = match found {
            Ok(espeak) => {
                info!(program = %espeak.program().display(), voice = espeak.voice(Lang::ZhCn), "Speech engine found.");
                Some(espeak)
            }
            Err(error) => {
                warn!(error = &error as &dyn std::error::Error, "No speech engine: canned clips will sound.");
                None
            }
        };
        for lang in Lang::ALL {
            // Compiles the reading rules now, 8 ms, and not while the first order waits.
            let _warm = normalise("", lang);
        }
        let speed = Speed::percent(options.words_per_minute * 100 / NORMAL_WORDS_PER_MINUTE);
        let sounds = Cache::builder().max_capacity(SOUNDS_MAX).time_to_live(SOUNDS_FRESH).build();
        Ok(Self {
            phrases: Phrases::embedded(),
            espeak,
            chimes,
            canned,
            library,
            sounds,
            clock,
            telemetry,
            speed,
            tail_ms,
        })
    }

    /// The sentences of every kind.
    #[must_use]
    pub fn phrases(&self) -> &Phrases {
        &self.phrases
    }

    /// The sentence, if it has been made before. A chime alone always has been, as MP3.
    pub async fn cached(&self, sentence: &Sentence) -> Option<Spoken> {
        if sentence.is_wordless() {
            let sound = Sound { canned: false, ..self.canned(sentence) };
            return Some(Spoken { sound, engine: CHIME_ENGINE.to_owned() });
        }
        let name = self.name(sentence)?;
        if let Some(spoken) = self.sounds.get(&name).await {
            self.count("hit");
            return Some(spoken);
        }
        let clip = self.library.get(name, self.clock.now().wall.0).await.ok().flatten()?;
        let spoken = self.spoken(name, &clip, sentence);
        self.sounds.insert(name, spoken.clone()).await;
        self.count("hit");
        Some(spoken)
    }

    /// The sentence, made now if need be; two askers at one moment share one making.
    ///
    /// # Errors
    /// [`SpeechError`]; nothing is remembered of a failure.
    pub async fn say(&self, sentence: &Sentence) -> Result<Spoken, SpeechError> {
        if let Some(spoken) = self.cached(sentence).await {
            return Ok(spoken);
        }
        let Some(name) = self.name(sentence) else { return Err(SpeechError::NoEngine) };
        let began = Instant::now();
        let made = self.sounds.try_get_with(name, self.make(name, sentence)).await;
        let result = if made.is_ok() { "made" } else { "failed" };
        self.count(result);
        if made.is_ok() {
            self.telemetry.histogram(Metric::SpeechSeconds, &[]).record(began.elapsed().as_secs_f64());
        }
        made.map_err(SpeechError::Shared)
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

    /// A clip of the library, for serving.
    ///
    /// # Errors
    /// The library's.
    pub async fn clip(&self, name: ClipName) -> Result<Option<Clip>, LibraryError> {
        self.library.get(name, self.clock.now().wall.0).await
    }

    async fn make(&self, name: ClipName, sentence: &Sentence) -> Result<Spoken, SpeechError> {
        let espeak = self.espeak.as_ref().ok_or(SpeechError::NoEngine)?;
        let wav = espeak.speak(&sentence.said.text(), sentence.lang, self.speed).await?;
        let chime = match sentence.chime {
            Chime::Usual => self.chimes.of(sentence.urgency.into(), SoundProfile::Plain),
            Chime::Louder => self.chimes.louder(SoundProfile::Plain),
        };
        let (chime, format, tail_ms) = (chime.clone(), sentence.format, self.tail_ms);
        let composing = tokio::task::spawn_blocking(move || composed(&wav, &chime, format, tail_ms));
        let composed = composing.await??;
        let meta = ClipMeta {
            duration_ms: composed.duration_ms,
            tail_ms: composed.tail_ms,
            said: sentence.said.text(),
            engine: ENGINE.to_owned(),
        };
        let kept = self.library.put(name, composed.bytes, meta, self.clock.now().wall.0).await?;
        Ok(self.spoken(name, &kept, sentence))
    }

    fn spoken(&self, name: ClipName, clip: &Clip, sentence: &Sentence) -> Spoken {
        let sound = Sound {
            path: name.url_path(),
            fallback_path: self.canned_clip(sentence).url_path(),
            mime: Format::from(name.format()).mime().to_owned(),
            bytes: clip.bytes.len() as u64,
            duration_ms: clip.meta.duration_ms,
            tail_ms: clip.meta.tail_ms,
            canned: false,
            recipe: None,
        };
        Spoken { sound, engine: clip.meta.engine.clone() }
    }

    fn canned_clip(&self, sentence: &Sentence) -> &Arc<CannedClip> {
        // No kind has an empty name: what says nothing has the chime alone.
        let kind = if sentence.is_wordless() { String::new() } else { canned_name(&sentence.kind) };
        self.canned.of(sentence.lang.tag(), &kind, sentence.urgency.into())
    }

    /// The name under everything that makes the clip; `None` if nothing here can speak that language.
    fn name(&self, sentence: &Sentence) -> Option<ClipName> {
        let voice = self.espeak.as_ref()?.voice(sentence.lang)?;
        let recipe = Recipe::new()
            .number(RECIPE_VERSION)
            .text(ENGINE)
            .text(voice)
            .text(&format!("{:?}", self.speed))
            .text(&sentence.said.encoded())
            .number(match sentence.chime {
                Chime::Usual => u64::from(u8::from(sentence.urgency)),
                Chime::Louder => LOUDER_IN_RECIPE,
            })
            .number(u64::from(self.tail_ms));
        let recipe = match sentence.format {
            ClipFormat::Mp3 => recipe,
            ClipFormat::Wav => recipe.text("wav"),
        };
        Some(self.library.name(&recipe, sentence.format))
    }

    fn count(&self, result: &'static str) {
        self.telemetry.counter(Metric::Clips, &[("result", result)]).increment(1);
    }
}

/// A clip of what an engine gave; some ten milliseconds of work.
fn composed(
    wav: &[u8],
    chime: &chime::Chime,
    format: ClipFormat,
    tail_ms: u32,
) -> Result<ComposedClip, SpeechError> {
    let (profile, dry) = (SoundProfile::Plain, part::dry(Pcm::from_wav_bytes(wav)?)?);
    match format {
        ClipFormat::Mp3 => {
            let words = part::frames(&dry, profile)?;
            Ok(joined(profile, &[(&chime.frames, AFTER_CHIME_FRAMES), (&words, 0)], tail_ms))
        }
        ClipFormat::Wav => {
            let words = part::levelled(&dry, profile)?;
            Ok(joined_wav(profile, &[(&chime.sound, AFTER_CHIME_FRAMES), (&words, 0)])?)
        }
    }
}

const ENGINE: &str = "espeak-ng";
/// Who speaks where nothing is said.
const CHIME_ENGINE: &str = "chime";
/// In a recipe, where the urgencies are 0 to 3.
const LOUDER_IN_RECIPE: u64 = 100;

/// The sentence of a canned clip: speech only, without chime or tail, as it is committed.
///
/// # Errors
/// [`SpeechError`].
pub async fn canned_sentence(espeak: &Espeak, said: &str, lang: Lang) -> Result<Mp3Frames, SpeechError> {
    let wav = espeak.speak(said, lang, Speed::NORMAL).await?;
    Ok(part::frames(&part::dry(Pcm::from_wav_bytes(&wav)?)?, SoundProfile::Plain)?)
}

/// The canned clips of this program, as a server with this silence at their end serves them.
///
/// # Errors
/// [`VoiceError`], which no input causes.
pub fn shipped_clips(tail_ms: u32) -> Result<CannedClips, VoiceError> {
    Ok(CannedClips::new(canned_files(), &Chimes::new()?, tail_ms)?)
}

/// A kind in a file name: dots would look like extensions.
#[must_use]
pub fn canned_name(kind: &str) -> String {
    kind.replace('.', "_")
}

fn canned_files() -> impl Iterator<Item = (String, String, bytes::Bytes)> {
    CannedFiles::iter().filter_map(|path| {
        let (lang, file) = path.split_once('/')?;
        let kind = file.strip_suffix(".mp3")?;
        let data = CannedFiles::get(&path)?.data;
        Some((lang.to_owned(), kind.to_owned(), bytes::Bytes::from(data.into_owned())))
    })
}

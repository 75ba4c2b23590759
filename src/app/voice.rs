//! The voice of a server as it is configured: its engines in the order of the chain, its recordings and its words; and
//! what is asked of the configuration that only the rest of the program knows.

mod desk;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use tracing::{info, warn};

pub use self::desk::{SoloVoice, VoiceDesk};
use crate::audio::library::LibraryLimits;
use crate::clock::{Clock, SystemClock};
use crate::config::engines::{EngineCommon, EngineKind};
use crate::config::{Config, ConfigError, ms};
use crate::domain::{Kinds, SoundProfile};
use crate::outbound::SystemLookup;
use crate::outbound::service::Services;
use crate::speech::breaker::BreakerLimits;
use crate::speech::engine::Engine;
use crate::speech::engines::EngineSetupError;
use crate::speech::engines::aliyun::Aliyun;
use crate::speech::engines::azure::Azure;
use crate::speech::engines::command::Command;
use crate::speech::engines::espeak::EspeakEngine;
use crate::speech::engines::http::Http;
use crate::speech::engines::openai::Openai;
use crate::speech::engines::recorded::Recorded;
use crate::speech::engines::tencent::Tencent;
use crate::speech::engines::volcengine::Volcengine;
use crate::speech::espeak::{Espeak, EspeakLimits};
use crate::speech::{Lang, Lexicon, LexiconEntry, MakingLimits, NamedEngine, SpeechOptions};

/// What speaks, as it is configured and ready to be asked.
pub struct Speakers {
    /// The engines, in the order of the chain.
    pub engines: Vec<NamedEngine>,
    /// Recordings, which go before all of them.
    pub recorded: Option<Arc<Recorded>>,
    /// The operator's words.
    pub words: BTreeMap<Lang, Vec<LexiconEntry>>,
    /// The same, ready for use.
    pub lexicons: BTreeMap<Lang, Lexicon>,
}

/// The name of the engine that is built in.
pub const BUILT_IN: &str = "espeak-ng";
/// Look-ups of names that services hand out, at one time: each is asked once for a sound.
const LOOKUPS: usize = 16;
/// Clips that are too young to be evicted may take this share above the cap before new ones are refused.
const LIBRARY_SLACK: u64 = 2;
/// Files of the library in memory, beside the frames that the voice keeps: what was written last.
const LIBRARY_CACHE_BYTES: u64 = 4 << 20;
/// Normal speech of espeak-ng, in words a minute; its speed is a share of this.
const NORMAL_WORDS_PER_MINUTE: u32 = 190;

impl Speakers {
    /// Sets up what the configuration names. No service is called; espeak-ng is listened to, and if it is missing the
    /// server goes without.
    ///
    /// # Errors
    /// [`ConfigError`], with the setting: unknown kinds, files that are not there, an engine that cannot be set up.
    pub async fn set_up(config: &Config) -> anyhow::Result<Self> {
        check_kinds(config)?;
        check_files(config)?;
        config.check_credentials()?;
        let words = words(config)?;
        let lexicons = compiled(&words)?;
        let recorded = recorded(config)?;
        let mut client = None;
        let mut engines = Vec::new();
        for name in &config.speech.chain {
            if name == BUILT_IN {
                engines.extend(built_in(config).await);
                continue;
            }
            let Some(engine) = config.speech.engines.get(name) else { continue };
            // Made when it is needed: it reads the root certificates, which takes a while.
            let services = match &client {
                Some(services) => Arc::clone(services),
                None => Arc::clone(client.insert(services()?)),
            };
            if let Some(speaker) = set_up(config, name, &engine.kind, &engine.common, services).await? {
                engines.push(NamedEngine {
                    name: name.clone(),
                    engine: speaker,
                    common: engine.common.clone(),
                });
            }
        }
        Ok(Self { engines, recorded, words, lexicons })
    }

    /// Everything that the voice needs to know, with its clips in this folder and their names keyed by this secret.
    #[must_use]
    pub fn options(self, config: &Config, folder: PathBuf, secret: [u8; 32]) -> SpeechOptions {
        let speech = &config.speech;
        SpeechOptions {
            folder,
            secret,
            library: LibraryLimits {
                max_bytes: config.audio.clip_bytes_max,
                full_bytes: config.audio.clip_bytes_max.saturating_mul(LIBRARY_SLACK),
                min_age_ms: ms(config.audio.clip_age_min),
                max_age_ms: ms(config.audio.clip_age_max),
                cache_bytes: LIBRARY_CACHE_BYTES,
            },
            engines: self.engines,
            recorded: self.recorded,
            tail: speech.tail,
            profile: profile(config),
            memory_bytes: config.audio.memory_bytes_max,
            making: MakingLimits {
                making: speech.making_limit,
                reserve: speech.local_reserve,
                breaker: BreakerLimits {
                    failures: speech.breaker_failures,
                    rest: speech.breaker_rest,
                    refused_rest: speech.refused_rest,
                },
                refused_text: speech.refused_text,
                waiting_max: speech.waiting_max,
                threads: cores(),
            },
        }
    }
}

/// For what ears clips are levelled where nobody says so.
pub(super) fn profile(config: &Config) -> SoundProfile {
    SoundProfile::parse(&config.speech.profile).unwrap_or_default()
}

/// Whether the voice can be what the configuration says. No service is called.
///
/// # Errors
/// As [`Speakers::set_up`].
pub async fn check_voice(config: &Config) -> anyhow::Result<()> {
    Speakers::set_up(config).await.map(|_| ())
}

fn check_kinds(config: &Config) -> anyhow::Result<()> {
    let kinds = Kinds::embedded()?;
    let speech = &config.speech;
    let engines = speech.engines.iter();
    let engines =
        engines.map(|(name, engine)| (format!("speech.engines.{name}.modes"), &engine.common.modes));
    for (key, modes) in engines.chain([("speech.modes".to_owned(), &speech.modes)]) {
        if let Some(unknown) = modes.keys().find(|kind| kinds.get(kind).is_none()) {
            let known: Vec<&str> = kinds.iter().map(|kind| kind.name.as_str()).collect();
            let what = format!("names {unknown:?}, which is no kind; known are {}", known.join(", "));
            return Err(ConfigError::Invalid { key, what }.into());
        }
    }
    Ok(())
}

fn check_files(config: &Config) -> Result<(), ConfigError> {
    let speech = &config.speech;
    let named = |path: &Path| !path.as_os_str().is_empty();
    let files =
        [("speech.lexicon", &speech.lexicon), ("speech.prewarm.merchants", &speech.prewarm.merchants)];
    for (key, path) in files.into_iter().filter(|(_, path)| named(path)) {
        if let Err(error) = std::fs::File::open(path) {
            let what = format!("{} cannot be read: {error}", path.display());
            return Err(ConfigError::Invalid { key: key.to_owned(), what });
        }
    }
    match speech.recordings_folder().filter(|folder| !folder.is_dir()) {
        Some(folder) => Err(ConfigError::Invalid {
            key: "speech.recorded".to_owned(),
            what: format!("{} is no folder", folder.display()),
        }),
        None => Ok(()),
    }
}

/// The client for engines.
fn services() -> anyhow::Result<Arc<Services>> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let services = Services::new(Arc::new(SystemLookup::new(LOOKUPS)), clock);
    Ok(Arc::new(services.context("setting up calls to speech engines")?))
}

/// The operator's words, by language.
fn words(config: &Config) -> Result<BTreeMap<Lang, Vec<LexiconEntry>>, ConfigError> {
    let path = &config.speech.lexicon;
    if path.as_os_str().is_empty() {
        return Ok(BTreeMap::new());
    }
    let wrong = |what: String| ConfigError::Invalid { key: "speech.lexicon".to_owned(), what };
    let text = std::fs::read_to_string(path)
        .map_err(|error| wrong(format!("{} cannot be read: {error}", path.display())))?;
    Lexicon::from_toml(&text).map_err(|error| {
        // Of a file that does not parse, the lines around the place come with it.
        let told = error.to_string().trim().replace('\n', " ");
        wrong(format!("{}: {told}", path.display()))
    })
}

fn compiled(words: &BTreeMap<Lang, Vec<LexiconEntry>>) -> anyhow::Result<BTreeMap<Lang, Lexicon>> {
    let lexicon =
        |(lang, entries): (&Lang, &Vec<LexiconEntry>)| Ok((*lang, Lexicon::compile(*lang, entries)?));
    words.iter().map(lexicon).collect()
}

/// The folder of recordings, looked through.
fn recorded(config: &Config) -> Result<Option<Arc<Recorded>>, ConfigError> {
    let Some(folder) = config.speech.recordings_folder() else { return Ok(None) };
    let recorded = Recorded::open(&folder);
    recorded.map(|recorded| Some(Arc::new(recorded))).map_err(|error| refused("speech.recorded", error))
}

/// espeak-ng; a server without it still has its canned clips.
async fn built_in(config: &Config) -> Option<NamedEngine> {
    let (program, limits) = espeak_settings(config);
    let found = async {
        let espeak = match program {
            Some(program) => Espeak::at(&program, limits).await?,
            None => Espeak::detect(limits).await?,
        };
        let version = espeak.version().await?;
        anyhow::Ok((espeak, version))
    };
    match found.await {
        Ok((espeak, version)) => {
            info!(program = %espeak.program().display(), voice = espeak.voice(Lang::ZhCn), "Speech engine found.");
            let common = EngineCommon {
                deadline: config.speech.engine_timeout,
                concurrency: limits.concurrency,
                mode: config.speech.mode,
                modes: config.speech.modes.clone(),
                speed_percent: config.speech.words_per_minute * 100 / NORMAL_WORDS_PER_MINUTE,
                ..EngineCommon::default()
            };
            let engine = Arc::new(EspeakEngine::new(espeak, &version));
            Some(NamedEngine { name: BUILT_IN.to_owned(), engine, common })
        }
        Err(error) => {
            warn!(error = &*error as &dyn std::error::Error, "No espeak-ng: canned clips will sound.");
            None
        }
    }
}

/// The program of the local engine, if one is named, and what one run of it may cost.
#[must_use]
pub fn espeak_settings(config: &Config) -> (Option<PathBuf>, EspeakLimits) {
    let concurrency = match config.speech.engine_concurrency {
        0 => cores(),
        chosen => chosen,
    };
    let program = (!config.speech.espeak.is_empty()).then(|| PathBuf::from(&config.speech.espeak));
    let limits = EspeakLimits { time: config.speech.engine_timeout, concurrency, ..EspeakLimits::default() };
    (program, limits)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}

/// One engine; `None` for recordings, which are no voice.
async fn set_up(
    config: &Config,
    name: &str,
    kind: &EngineKind,
    common: &EngineCommon,
    services: Arc<Services>,
) -> Result<Option<Arc<dyn Engine>>, ConfigError> {
    fn boxed(
        engine: Result<impl Engine, EngineSetupError>,
    ) -> Result<Option<Arc<dyn Engine>>, EngineSetupError> {
        engine.map(|engine| Some(Arc::new(engine) as Arc<dyn Engine>))
    }
    let engine = match kind {
        EngineKind::Openai(own) => boxed(Openai::new(own, common, services)),
        EngineKind::Tencent(own) => boxed(Tencent::new(own, common, services)),
        EngineKind::Volcengine(own) => boxed(Volcengine::new(own, common, services)),
        EngineKind::Aliyun(own) => boxed(Aliyun::new(own, common, services)),
        EngineKind::Azure(own) => boxed(Azure::new(own, common, services)),
        EngineKind::Http(own) => boxed(Http::new(own, common, services)),
        EngineKind::Command(own) => boxed(Command::new(own, common, &std::env::temp_dir())),
        EngineKind::Espeak(own) => {
            let limits = EspeakLimits { time: common.deadline, ..espeak_settings(config).1 };
            boxed(EspeakEngine::open(own, limits).await)
        }
        EngineKind::Recorded(_) => Ok(None),
    };
    engine.map_err(|error| refused(&format!("speech.engines.{name}"), error))
}

fn refused(key: &str, error: EngineSetupError) -> ConfigError {
    ConfigError::Invalid { key: key.to_owned(), what: format!("{:#}", anyhow::Error::new(error)) }
}

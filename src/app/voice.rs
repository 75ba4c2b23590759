//! The voice of a server as it is configured: its engines in the order of the chain, its recordings and its words; and
//! what is asked of the configuration that only the rest of the program knows.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;

use crate::clock::{Clock, SystemClock};
use crate::config::engines::{EngineCommon, EngineKind};
use crate::config::{Config, ConfigError};
use crate::domain::Kinds;
use crate::outbound::SystemLookup;
use crate::outbound::service::Services;
use crate::speech::Lang;
use crate::speech::engine::Engine;
use crate::speech::engines::EngineSetupError;
use crate::speech::engines::aliyun::Aliyun;
use crate::speech::engines::azure::Azure;
use crate::speech::engines::openai::Openai;
use crate::speech::engines::tencent::Tencent;
use crate::speech::engines::volcengine::Volcengine;
use crate::speech::lexicon::Lexicon;

/// Look-ups of names that services hand out, at one time: each is asked once for a sound.
const LOOKUPS: usize = 16;

/// Whether the voice can be what the configuration says: known kinds, files that are there, engines that can be set up.
/// Nothing is called.
///
/// # Errors
/// [`ConfigError`], with the setting.
pub fn check_voice(config: &Config) -> anyhow::Result<()> {
    check_kinds(config)?;
    check_files(config)?;
    config.check_credentials()?;
    lexicons(config)?;
    let services = services(&(Arc::new(SystemClock::new()) as Arc<dyn Clock>))?;
    for name in &config.speech.chain {
        let Some(engine) = config.speech.engines.get(name) else { continue };
        set_up(name, &engine.kind, &engine.common, &services)?;
    }
    Ok(())
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
fn services(clock: &Arc<dyn Clock>) -> anyhow::Result<Arc<Services>> {
    let services = Services::new(Arc::new(SystemLookup::new(LOOKUPS)), Arc::clone(clock));
    Ok(Arc::new(services.context("setting up calls to speech engines")?))
}

/// The operator's words, by language.
pub(super) fn lexicons(config: &Config) -> anyhow::Result<BTreeMap<Lang, Lexicon>> {
    let path = &config.speech.lexicon;
    if path.as_os_str().is_empty() {
        return Ok(BTreeMap::new());
    }
    let wrong = |what: String| ConfigError::Invalid { key: "speech.lexicon".to_owned(), what };
    let text = std::fs::read_to_string(path)
        .map_err(|error| wrong(format!("{} cannot be read: {error}", path.display())))?;
    let lists = Lexicon::from_toml(&text).map_err(|error| {
        let error = anyhow::Error::new(error);
        wrong(format!("{}: {}", path.display(), format!("{error:#}").trim().replace('\n', " ")))
    })?;
    let compiled = lists.into_iter().map(|(lang, entries)| {
        let lexicon = Lexicon::compile(lang, &entries).map_err(|error| wrong(error.to_string()))?;
        Ok((lang, lexicon))
    });
    compiled.collect()
}

/// One engine; nothing is called.
fn set_up(
    name: &str,
    kind: &EngineKind,
    common: &EngineCommon,
    services: &Arc<Services>,
) -> Result<Option<Arc<dyn Engine>>, ConfigError> {
    fn boxed(
        engine: Result<impl Engine, EngineSetupError>,
    ) -> Result<Option<Arc<dyn Engine>>, EngineSetupError> {
        engine.map(|engine| Some(Arc::new(engine) as Arc<dyn Engine>))
    }
    let services = Arc::clone(services);
    let engine = match kind {
        EngineKind::Openai(own) => boxed(Openai::new(own, common, services)),
        EngineKind::Tencent(own) => boxed(Tencent::new(own, common, services)),
        EngineKind::Volcengine(own) => boxed(Volcengine::new(own, common, services)),
        EngineKind::Aliyun(own) => boxed(Aliyun::new(own, common, services)),
        EngineKind::Azure(own) => boxed(Azure::new(own, common, services)),
        EngineKind::Http(_) | EngineKind::Command(_) | EngineKind::Espeak(_) | EngineKind::Recorded(_) => {
            Ok(None)
        }
    };
    engine.map_err(|error| ConfigError::Invalid {
        key: format!("speech.engines.{name}"),
        what: format!("{:#}", anyhow::Error::new(error)),
    })
}

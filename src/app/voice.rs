//! The voice of a server as it is configured: its engines in the order of the chain, and what is asked of the
//! configuration that only the rest of the program knows.

use crate::config::{Config, ConfigError};
use crate::domain::Kinds;

/// Whether the voice can be what the configuration says: known kinds, and credentials that can be had.
///
/// # Errors
/// [`ConfigError`], with the setting.
pub fn check_voice(config: &Config) -> anyhow::Result<()> {
    let kinds = Kinds::embedded()?;
    let speech = &config.speech;
    let own = [("speech.modes".to_owned(), &speech.modes)];
    let engines = speech.engines.iter();
    let all = own
        .into_iter()
        .chain(engines.map(|(name, engine)| (format!("speech.engines.{name}.modes"), &engine.common.modes)));
    for (key, modes) in all {
        if let Some(unknown) = modes.keys().find(|kind| kinds.get(kind).is_none()) {
            let known: Vec<&str> = kinds.iter().map(|kind| kind.name.as_str()).collect();
            let what = format!("names {unknown:?}, which is no kind; known are {}", known.join(", "));
            return Err(ConfigError::Invalid { key, what }.into());
        }
    }
    for (key, path) in
        [("speech.lexicon", &speech.lexicon), ("speech.prewarm.merchants", &speech.prewarm.merchants)]
    {
        if !path.as_os_str().is_empty()
            && let Err(error) = std::fs::File::open(path)
        {
            let what = format!("{} cannot be read: {error}", path.display());
            return Err(ConfigError::Invalid { key: key.to_owned(), what }.into());
        }
    }
    if let Some(folder) = speech.recordings_folder().filter(|folder| !folder.is_dir()) {
        let key = "speech.recorded".to_owned();
        return Err(ConfigError::Invalid { key, what: format!("{} is no folder", folder.display()) }.into());
    }
    Ok(config.check_credentials()?)
}

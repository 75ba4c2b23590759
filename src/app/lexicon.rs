//! The operator's lexicon, from its file: how words are read before any app says otherwise.

use anyhow::Context;

use crate::config::{Config, ConfigError};
use crate::dispatch::Lexicons;
use crate::speech::lexicon::Lexicon;

/// Reads the file that the configuration names; without one, words are read as they are written.
///
/// # Errors
/// [`ConfigError`] with the setting and the place in the file.
pub(super) fn lexicons(config: &Config) -> anyhow::Result<Lexicons> {
    let path = &config.speech.lexicon;
    if path.as_os_str().is_empty() {
        return Ok(Lexicons::default());
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let entries = Lexicon::from_toml(&text).map_err(|error| ConfigError::Invalid {
        key: "speech.lexicon".to_owned(),
        what: format!("{}: {error}", path.display()),
    })?;
    Ok(Lexicons::of(entries))
}

//! The profile that a command is about: a preset by its name, or a file of one's own, which may stand on a preset.

use std::path::Path;

use serde_json::Value;

use crate::intake::hooks::presets::{preset, preset_names};
use crate::intake::hooks::{HookProfile, ProfileError};

/// Why there is no profile to work with. Something in what was typed or written must be mended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unusable {
    /// Neither a preset nor a file.
    #[error("{0} is neither a file nor a preset; there are {1}")]
    Unknown(String, String),
    /// It cannot be read.
    #[error("{0}")]
    Unreadable(String, #[source] std::io::Error),
    /// It is wrong; the error names the place.
    #[error("{0}")]
    Wrong(String, #[source] ProfileError),
    /// An argument is.
    #[error("{0}")]
    Argument(String),
}

/// A profile as it was named.
pub(super) struct Named {
    /// The preset it stands on.
    pub(super) preset: Option<String>,
    /// What is said over it, or all of it.
    pub(super) own: Value,
}

impl Named {
    /// Finds it. A path with a `.` or `/` is a file, and so is what is there.
    ///
    /// # Errors
    /// There is no such preset or file, or the file cannot be read.
    pub(super) fn find(name: &str) -> Result<Self, Unusable> {
        if preset(name).is_some() {
            return Ok(Self { preset: Some(name.to_owned()), own: Value::Object(serde_json::Map::new()) });
        }
        let path = Path::new(name);
        if !path.exists() && !name.contains(['.', '/']) {
            return Err(Unusable::Unknown(name.to_owned(), preset_names().join(", ")));
        }
        let text =
            std::fs::read_to_string(path).map_err(|error| Unusable::Unreadable(name.to_owned(), error))?;
        let wrong = |error| Unusable::Wrong(name.to_owned(), error);
        let mut own = parsed(&text).map_err(wrong)?;
        let preset_name = match own.as_object_mut().and_then(|own| own.remove("preset")) {
            None => None,
            Some(Value::String(name)) => Some(name),
            Some(_) => return Err(wrong(refusal("wrong_type", "/preset", "is not text".to_owned()))),
        };
        Ok(Self { preset: preset_name, own })
    }

    /// The whole profile.
    ///
    /// # Errors
    /// There is no such preset.
    pub(super) fn merged(&self) -> Result<Value, Unusable> {
        let Some(name) = &self.preset else { return Ok(HookProfile::merged(None, &self.own)) };
        let preset = preset(name).ok_or_else(|| {
            let detail = format!("there is no preset {name}; there are {}", preset_names().join(", "));
            Unusable::Wrong(name.clone(), refusal("unknown_preset", "/preset", detail))
        })?;
        Ok(HookProfile::merged(Some(&preset), &self.own))
    }
}

/// JSON where it begins like JSON, else TOML.
fn parsed(text: &str) -> Result<Value, ProfileError> {
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).map_err(|error| refusal("bad_json", "", error.to_string()));
    }
    HookProfile::of_toml(text)
}

fn refusal(error: &'static str, pointer: &str, detail: String) -> ProfileError {
    ProfileError { error, pointer: pointer.to_owned(), detail }
}

//! What a profile says for people, and what it asks of the owner of a hook.
//! Presets carry all of it, so that nobody has to look elsewhere to connect a sender.

use serde::Serialize;

use crate::intake::hooks::ProfileError;
use crate::intake::reader::Reader;

/// Longest text for people, in characters: a page of Markdown.
const TEXT_CHARS_MAX: usize = 8_000;
/// Longest name and default of a parameter, in characters.
const VALUE_CHARS_MAX: usize = 500;
/// Parameters of one profile.
const WISHES_MAX: usize = 50;

/// Where a profile is from, and what its owner must know.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct About {
    /// Where the facts are from.
    pub source: Option<String>,
    /// What it covers.
    pub covers: Option<String>,
    /// What it does not.
    pub not_covered: Option<String>,
    /// What to do at the sender, Markdown.
    pub setup: Option<String>,
}

/// A parameter or secret that the owner of a hook gives.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct ParamWish {
    /// Its name.
    pub name: String,
    /// What it is, and where to find it.
    pub about: Option<String>,
    /// Whether nobody may see it again.
    pub secret: bool,
    /// Whether a hook works without it.
    pub required: bool,
    /// What it is where the owner gives none.
    pub default: Option<String>,
}

impl About {
    /// Reads it.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub(super) fn read(about: &Reader<'_>) -> Result<Self, ProfileError> {
        about.only(&["source", "covers", "not_covered", "setup"])?;
        Ok(Self {
            source: about.text("source", TEXT_CHARS_MAX)?,
            covers: about.text("covers", TEXT_CHARS_MAX)?,
            not_covered: about.text("not_covered", TEXT_CHARS_MAX)?,
            setup: about.text("setup", TEXT_CHARS_MAX)?,
        })
    }
}

impl ParamWish {
    /// Reads all of a profile.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub(super) fn read_all(params: &Reader<'_>) -> Result<Vec<Self>, ProfileError> {
        if params.names().count() > WISHES_MAX {
            return Err(params.error("", "out_of_range", &format!("has more than {WISHES_MAX}")).into());
        }
        let mut wishes = Vec::new();
        for name in params.names() {
            let Some(wish) = params.object(name)? else { continue };
            if !is_name(name) {
                let detail = "a parameter is called by letters, digits and _, at most 64";
                return Err(params.error(name, "bad_value", detail).into());
            }
            wish.only(&["about", "secret", "required", "default"])?;
            let wish = Self {
                name: name.to_owned(),
                about: wish.text("about", TEXT_CHARS_MAX)?,
                secret: wish.boolean("secret")?.unwrap_or(false),
                required: wish.boolean("required")?.unwrap_or(false),
                default: wish.text("default", VALUE_CHARS_MAX)?,
            };
            if wish.secret && wish.default.is_some() {
                let inner = params.object(name)?;
                let at = inner.map_or_else(String::new, |inner| inner.pointer_of("default"));
                let detail = "a secret that stands in a profile is none".to_owned();
                return Err(ProfileError { error: "bad_value", pointer: at, detail });
            }
            wishes.push(wish);
        }
        Ok(wishes)
    }
}

fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

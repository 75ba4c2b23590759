//! A service as it is written down: a TOML file that ships, or the operator's own. Whatever is wrong in one is found when
//! it is read, with the place where it stands.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::Deserialize;

use super::answer::AnswerSpec;
use super::failure::RuleSpec;
use super::request::RequestSpec;
use super::template::Kind;
use super::token::TokenSpec;
use super::wording::TextSpec;
use crate::speech::Lang;
use crate::speech::engines::EngineSetupError;

/// Largest profile, in bytes; those that ship have three thousand.
const PROFILE_BYTES_MAX: u64 = 65_536;

/// Profiles that ship, by name.
const SHIPPED: [(&str, &str); 4] = [
    ("aliyun_nls", include_str!("../../../../assets/engines/aliyun_nls.toml")),
    ("baidu", include_str!("../../../../assets/engines/baidu.toml")),
    ("google", include_str!("../../../../assets/engines/google.toml")),
    ("minimax", include_str!("../../../../assets/engines/minimax.toml")),
];

/// A profile, as it stands in its file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProfileSpec {
    /// The service's names of languages; without, those of ours, and any language.
    #[serde(default)]
    pub(super) langs: BTreeMap<String, String>,
    /// What the operator may set.
    #[serde(default)]
    pub(super) params: BTreeMap<String, ParamSpec>,
    /// Secrets that the operator must set, each with a word on where to get it.
    #[serde(default)]
    pub(super) secrets: BTreeMap<String, String>,
    /// How texts are written, and how long they may be.
    #[serde(default)]
    pub(super) text: TextSpec,
    /// Who we are.
    #[serde(default)]
    pub(super) auth: AuthSpec,
    /// What is sent.
    pub(super) request: RequestSpec,
    /// What comes back.
    pub(super) answer: AnswerSpec,
    /// What failures mean, the first that fits; what none fits is judged by its status.
    #[serde(default)]
    pub(super) errors: Vec<RuleSpec>,
}

/// A parameter.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ParamSpec {
    /// What it is for.
    #[serde(default)]
    pub(super) about: String,
    /// Its value where the operator sets none; without one the operator must.
    pub(super) default: Option<Plain>,
    /// Its only values.
    #[serde(default)]
    pub(super) one_of: Vec<Plain>,
    /// Whether it is a number, as it is if its default is one.
    #[serde(default)]
    pub(super) number: bool,
    /// Whether another value sounds otherwise, so that kept clips are none of its.
    #[serde(default = "heard")]
    pub(super) heard: bool,
}

fn heard() -> bool {
    true
}

/// A text or a number.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Plain {
    Text(String),
    Number(serde_json::Number),
}

/// Who we are to the service.
#[derive(Debug, Default, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum AuthSpec {
    /// Nothing is sent, or it stands in the request.
    #[default]
    None,
    /// `Authorization: Bearer VALUE`.
    Bearer { value: String },
    /// A header.
    Header { name: String, value: String },
    /// A member of the query.
    Query { name: String, value: String },
    /// `Authorization: Basic …`.
    Basic { user: String, password: String },
    /// A token is fetched first, and stands in the request as `{{ token }}`.
    Token(Box<TokenSpec>),
}

/// What is wrong in a profile, or in what the operator sets for it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct ProfileError {
    place: String,
    problem: String,
}

impl ProfileError {
    /// Something wrong at `place`, keys joined by dots.
    pub(super) fn at(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { place: place.into(), problem: problem.into() }
    }
}

impl fmt::Display for ProfileError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() {
            out.write_str(&self.problem)
        } else {
            write!(out, "{}: {}", self.place, self.problem)
        }
    }
}

impl From<ProfileError> for EngineSetupError {
    fn from(error: ProfileError) -> Self {
        Self::Invalid(error.to_string())
    }
}

impl Plain {
    pub(super) fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
        }
    }
}

impl ParamSpec {
    pub(super) fn kind(&self) -> Kind {
        match self.default {
            Some(Plain::Number(_)) => Kind::Number,
            Some(Plain::Text(_)) | None if self.number => Kind::Number,
            Some(Plain::Text(_)) | None => Kind::Text,
        }
    }
}

impl ProfileSpec {
    /// The profile `named` in the configuration, one that ships or the path of a file, and what it is called in clips.
    pub(super) fn load(named: &str) -> Result<(String, Self), ProfileError> {
        let shipped = SHIPPED.iter().find(|(name, _)| *name == named);
        if let Some((name, text)) = shipped {
            return Ok(((*name).to_owned(), Self::parse(text)?));
        }
        if !named.contains('/') {
            let known: Vec<&str> = SHIPPED.iter().map(|(name, _)| *name).collect();
            let known = known.join(", ");
            let problem = format!("{named:?} does not ship; known are {known}, and paths of files");
            return Err(ProfileError::at("profile", problem));
        }
        let path = Path::new(named);
        let fault = |problem: String| ProfileError::at("profile", format!("{named}: {problem}"));
        let size = path.metadata().map_err(|error| fault(error.to_string()))?.len();
        if size > PROFILE_BYTES_MAX {
            return Err(fault(format!("longer than {PROFILE_BYTES_MAX} bytes")));
        }
        let text = std::fs::read_to_string(path).map_err(|error| fault(error.to_string()))?;
        let name =
            path.file_stem().map_or_else(|| named.to_owned(), |stem| stem.to_string_lossy().into_owned());
        Ok((name, Self::parse(&text)?))
    }

    pub(super) fn parse(text: &str) -> Result<Self, ProfileError> {
        // The library tells line and column, and the key.
        let spec: Self =
            toml::from_str(text).map_err(|error| ProfileError::at("", error.to_string().trim()))?;
        if let Some(unknown) = spec.langs.keys().find(|tag| !Lang::ALL.iter().any(|lang| lang.tag() == *tag))
        {
            let known = Lang::ALL.map(Lang::tag).join(", ");
            return Err(ProfileError::at(
                format!("langs.{unknown}"),
                format!("unknown language, known are {known}"),
            ));
        }
        let word =
            |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.is_empty();
        if let Some(name) = spec.params.keys().chain(spec.secrets.keys()).find(|name| !word(name)) {
            return Err(ProfileError::at(name, "names are of letters, digits and _"));
        }
        Ok(spec)
    }
}

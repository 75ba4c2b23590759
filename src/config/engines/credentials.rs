//! The credentials of engines: which there are, whether they are set, and whether they can be had. Nothing here shows one.

use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

use super::{
    AliyunEngine, AzureEngine, EngineKind, HttpEngine, OpenaiEngine, TencentEngine, VolcengineEngine,
};
use crate::config::members::Fault;

/// A credential that cannot be had. Holds no part of it.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// Neither a value nor a file.
    #[error("{name} is missing: set it, {name}_file, or ORDERBELL_SPEECH__ENGINES__<NAME>__{}", name.to_uppercase())]
    Missing {
        /// Its name.
        name: &'static str,
    },
    /// The file cannot be read.
    #[error("{name}_file cannot be read")]
    File {
        /// Its name.
        name: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// The credential `name`, from its value or else its file, without white space around it.
///
/// # Errors
/// [`CredentialError`].
pub fn credential(
    name: &'static str,
    value: Option<&SecretString>,
    file: Option<&Path>,
) -> Result<SecretString, CredentialError> {
    if let Some(found) = value.and_then(|value| trimmed(value.expose_secret())) {
        return Ok(found);
    }
    let path = file.ok_or(CredentialError::Missing { name })?;
    let text = std::fs::read_to_string(path).map_err(|source| CredentialError::File { name, source })?;
    trimmed(&text).ok_or(CredentialError::Missing { name })
}

fn trimmed(text: &str) -> Option<SecretString> {
    (!text.trim().is_empty()).then(|| SecretString::from(text.trim()))
}

/// What an engine may be told, and how it is.
pub(in crate::config) struct Credential<'a> {
    /// Where its value stands, and where its file.
    places: [String; 2],
    value: Option<&'a SecretString>,
    file: Option<&'a PathBuf>,
    need: Need,
}

/// Whether an engine can do without.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Need {
    Must,
    May,
}

impl Credential<'_> {
    /// Whether there is a value or a file.
    pub(in crate::config) fn is_set(&self) -> bool {
        self.value.is_some() || self.file.is_some()
    }

    /// The member by which it is set.
    pub(in crate::config) fn member(&self) -> &str {
        let [value, file] = &self.places;
        if self.value.is_some() { value } else { file }
    }

    /// Value and file at once: nobody knows which is old.
    pub(super) fn contradiction(&self) -> Option<Fault> {
        let [value, file] = &self.places;
        (self.value.is_some() && self.file.is_some())
            .then(|| (value.clone(), format!("and {file} are both set: take one away")))
    }

    /// That it can be had.
    pub(in crate::config) fn check(&self, engine: &str) -> Result<(), Fault> {
        let [value, file] = &self.places;
        match (self.value, self.file) {
            (Some(_), _) => Ok(()),
            (None, Some(path)) => match std::fs::read_to_string(path) {
                Err(error) => Err((file.clone(), format!("{} cannot be read: {error}", path.display()))),
                Ok(text) if text.trim().is_empty() => {
                    Err((file.clone(), format!("{} is empty", path.display())))
                }
                Ok(_) => Ok(()),
            },
            (None, None) if self.need == Need::May => Ok(()),
            (None, None) => {
                let path = format!("SPEECH__ENGINES__{engine}__{value}").to_uppercase();
                Err((value.clone(), format!("is missing: set it, {file}, or ORDERBELL_{path}")))
            }
        }
    }
}

fn one<'a>(
    name: &str,
    value: Option<&'a SecretString>,
    file: Option<&'a PathBuf>,
    need: Need,
) -> Credential<'a> {
    Credential { places: [name.to_owned(), format!("{name}_file")], value, file, need }
}

impl EngineKind {
    /// What it may be told.
    pub(in crate::config) fn credentials(&self) -> Vec<Credential<'_>> {
        match self {
            Self::Openai(OpenaiEngine { api_key, api_key_file, .. }) => {
                vec![one("api_key", api_key.as_ref(), api_key_file.as_ref(), Need::May)]
            }
            Self::Tencent(TencentEngine {
                secret_id, secret_id_file, secret_key, secret_key_file, ..
            }) => vec![
                one("secret_id", secret_id.as_ref(), secret_id_file.as_ref(), Need::Must),
                one("secret_key", secret_key.as_ref(), secret_key_file.as_ref(), Need::Must),
            ],
            Self::Volcengine(VolcengineEngine { access_token, access_token_file, .. }) => {
                vec![one("access_token", access_token.as_ref(), access_token_file.as_ref(), Need::Must)]
            }
            Self::Aliyun(AliyunEngine { api_key, api_key_file, .. }) => {
                vec![one("api_key", api_key.as_ref(), api_key_file.as_ref(), Need::Must)]
            }
            Self::Azure(AzureEngine { subscription_key, subscription_key_file, .. }) => {
                let (value, file) = (subscription_key.as_ref(), subscription_key_file.as_ref());
                vec![one("subscription_key", value, file, Need::Must)]
            }
            Self::Http(http) => of_profile(http),
            Self::Command(_) | Self::Espeak(_) | Self::Recorded(_) => Vec::new(),
        }
    }
}

/// Which a profile needs, only the profile knows.
fn of_profile(http: &HttpEngine) -> Vec<Credential<'_>> {
    let mut names: Vec<&String> = http.secrets.keys().chain(http.secret_files.keys()).collect();
    names.sort();
    names.dedup();
    let of = |name: &String| Credential {
        places: [format!("secrets.{name}"), format!("secret_files.{name}")],
        value: http.secrets.get(name).filter(|value| !value.expose_secret().trim().is_empty()),
        file: http.secret_files.get(name).filter(|path| !path.as_os_str().is_empty()),
        need: Need::Must,
    };
    names.into_iter().map(of).collect()
}

//! The values that a profile's slots stand for: what is said, what the operator has set, and what is secret.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use secrecy::{ExposeSecret, SecretString};
use serde_json::Number;

use super::profile::{ParamSpec, Plain, ProfileError};
use super::template::{Kind, Value};
use crate::clock::Clock;
use crate::config::engines::HttpEngine;
use crate::speech::engines::EngineSetupError;

/// Everything a slot may stand for, for one call.
pub(super) struct Values<'a> {
    pub(super) text: &'a str,
    pub(super) readings: &'a [String],
    pub(super) voice: &'a str,
    pub(super) lang: &'a str,
    pub(super) speed: f64,
    pub(super) uuid: &'a str,
    pub(super) unix_ts: &'a str,
    pub(super) token: Option<&'a SecretString>,
    pub(super) params: &'a BTreeMap<String, Value>,
    pub(super) secrets: &'a BTreeMap<String, SecretString>,
}

/// What is known of any call, whatever it is for.
pub(super) struct Stamp {
    pub(super) uuid: String,
    pub(super) unix_ts: String,
}

impl Stamp {
    /// A new one.
    pub(super) fn new(clock: &dyn Clock) -> Self {
        let mut bytes = [0; 16];
        bytes[..10].copy_from_slice(&clock.entropy());
        bytes[10..].copy_from_slice(&clock.entropy()[4..]);
        let uuid = uuid::Builder::from_random_bytes(bytes).into_uuid();
        Self { uuid: uuid.to_string(), unix_ts: (clock.now().wall.0 / 1_000).to_string() }
    }
}

impl<'a> Values<'a> {
    /// Those of a call that is not for a sentence.
    pub(super) fn of_call(
        stamp: &'a Stamp,
        params: &'a BTreeMap<String, Value>,
        secrets: &'a BTreeMap<String, SecretString>,
    ) -> Self {
        let (uuid, unix_ts) = (&stamp.uuid, &stamp.unix_ts);
        Self {
            text: "",
            readings: &[],
            voice: "",
            lang: "",
            speed: 1.0,
            uuid,
            unix_ts,
            token: None,
            params,
            secrets,
        }
    }

    /// Everything of it that is secret.
    pub(super) fn secret(&self) -> Vec<SecretString> {
        self.secrets.values().chain(self.token).cloned().collect()
    }
}

/// The parameters: what the operator has set, else what the profile has.
pub(super) fn params(
    declared: &BTreeMap<String, ParamSpec>,
    set: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, Value>, ProfileError> {
    if let Some(unknown) = set.keys().find(|name| !declared.contains_key(*name)) {
        let known: Vec<&str> = declared.keys().map(String::as_str).collect();
        let problem = format!("the profile has no such parameter; it has {}", known.join(", "));
        return Err(ProfileError::at(format!("params.{unknown}"), problem));
    }
    let mut params = BTreeMap::new();
    for (name, spec) in declared {
        let fault = |problem: String| ProfileError::at(format!("params.{name}"), problem);
        let text = match (set.get(name), &spec.default) {
            (Some(set), _) => set.clone(),
            (None, Some(default)) => default.text(),
            (None, None) => return Err(fault(format!("must be set ({})", spec.about))),
        };
        let allowed: Vec<String> = spec.one_of.iter().map(Plain::text).collect();
        if !allowed.is_empty() && !allowed.contains(&text) {
            return Err(fault(format!("{text:?} is none of {}", allowed.join(", "))));
        }
        let value = match spec.kind() {
            Kind::Text | Kind::List => Value::Text(text),
            Kind::Number => {
                let number = text.trim().parse().ok().filter(|number: &f64| number.is_finite());
                Value::Number(number.ok_or_else(|| fault(format!("{text:?} is not a number")))?)
            }
        };
        params.insert(name.clone(), value);
    }
    Ok(params)
}

/// The secrets of a profile, and the files they came from.
pub(super) struct Secrets {
    values: Mutex<BTreeMap<String, SecretString>>,
    files: BTreeMap<String, PathBuf>,
}

impl Secrets {
    /// Reads all that the profile names.
    pub(super) fn read(
        declared: &BTreeMap<String, String>,
        config: &HttpEngine,
    ) -> Result<Self, EngineSetupError> {
        let set = config.secrets.keys().chain(config.secret_files.keys());
        if let Some(unknown) = set.into_iter().find(|name| !declared.contains_key(*name)) {
            let known: Vec<&str> = declared.keys().map(String::as_str).collect();
            let problem = format!("the profile has no such secret; it has {}", known.join(", "));
            return Err(ProfileError::at(format!("secrets.{unknown}"), problem).into());
        }
        let mut values = BTreeMap::new();
        for (name, about) in declared {
            let secret = match (config.secrets.get(name), config.secret_files.get(name)) {
                (Some(secret), _) if !secret.expose_secret().trim().is_empty() => {
                    SecretString::from(secret.expose_secret().trim())
                }
                (_, Some(path)) => {
                    let text = std::fs::read_to_string(path);
                    let secret = text.map_err(|error| error.to_string()).and_then(|text| filled(&text));
                    secret.map_err(|problem| ProfileError::at(format!("secret_files.{name}"), problem))?
                }
                (_, None) => {
                    let problem = format!("must be set here or in secret_files ({about})");
                    return Err(ProfileError::at(format!("secrets.{name}"), problem).into());
                }
            };
            values.insert(name.clone(), secret);
        }
        let files = config.secret_files.clone();
        Ok(Self { values: Mutex::new(values), files })
    }

    pub(super) fn now(&self) -> BTreeMap<String, SecretString> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the files again, for tokens that another program renews. Whether anything is new.
    pub(super) async fn read_again(&self) -> bool {
        let mut news = false;
        for (name, path) in &self.files {
            let Ok(text) = tokio::fs::read_to_string(path).await else { continue };
            let Ok(secret) = filled(&text) else { continue };
            let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
            let old = values.get(name).map_or("", ExposeSecret::expose_secret);
            if old != secret.expose_secret() {
                values.insert(name.clone(), secret);
                news = true;
            }
        }
        news
    }
}

fn filled(text: &str) -> Result<SecretString, String> {
    let text = text.trim();
    if text.is_empty() { Err("the file is empty".to_owned()) } else { Ok(SecretString::from(text)) }
}

/// A number as it is written: 1, not 1.0.
pub(super) fn plain(number: f64) -> String {
    // Minus zero would be written so, and is a number with a point in JSON.
    (number + 0.0).to_string()
}

/// The same in JSON.
pub(super) fn number(number: f64) -> Number {
    // Numbers here are finite, and what is finite is written as JSON has it.
    plain(number).parse().unwrap_or_else(|_| Number::from(0))
}

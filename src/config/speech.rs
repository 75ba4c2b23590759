//! The settings of `[speech]`: which engines speak, how sentences are cut and levelled, and what is made before it is
//! needed. What is wrong with them is named with the setting.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::engines::{Credential, EngineConfig, EngineKind, LANGS, SpeechMode};
use super::{ConfigError, section};

section!(
    /// Making sentences.
    Speech {
        /// Longest delay of an alert for its speech.
        @"super::duration" budget: Duration,
        /// Silence at the end of a clip.
        @"super::duration" tail: Duration,
        /// Speed of the local voice.
        words_per_minute: u32,
        /// Limit of one synthesis.
        @"super::duration" engine_timeout: Duration,
        /// Syntheses at one time; 0 for one per core.
        engine_concurrency: usize,
        /// Path of espeak-ng, or empty.
        espeak: String,
        /// What is left of the budget for engines on this machine.
        @"super::duration" local_reserve: Duration,
        /// Until a sentence is given up that no engine has spoken.
        @"super::duration" making_limit: Duration,
        /// Failures in a row after which an engine rests.
        breaker_failures: u32,
        /// How long it rests.
        @"super::duration" breaker_rest: Duration,
        /// How long it rests when credentials, money or configuration are refused.
        @"super::duration" refused_rest: Duration,
        /// How long a text that an engine refuses is not offered to it again.
        @"super::duration" refused_text: Duration,
        /// Parts that wait for a place at one engine.
        waiting_max: usize,
        /// Which engines are asked, in this order: names of `engines`, and `espeak-ng` for the one that is built in.
        @"list" chain: Vec<String>,
        /// How sentences are cut for the built-in engine.
        mode: SpeechMode,
        /// The same for single kinds.
        modes: BTreeMap<String, SpeechMode>,
        /// For what ears clips are levelled where neither app nor rider says so: `plain` or `street`.
        profile: String,
        /// A folder of recordings, which go before every engine; empty for none.
        recorded: PathBuf,
        /// A file of words and how they are said, for all apps; empty for none.
        lexicon: PathBuf,
        /// What is made before it is needed.
        prewarm: Prewarm,
        /// Other engines, by name.
        @"super::engines::read_before" engines: BTreeMap<String, EngineConfig>,
    }
);
section!(
    /// What a server makes once it listens, before anybody has asked for it.
    Prewarm {
        /// Whether it does.
        enabled: bool,
        /// In which languages.
        @"list" languages: Vec<String>,
        /// Fees from and to, in yuan, in steps of ten fen.
        @"fees" fees: Option<FeeRange>,
        /// A file of names of merchants, a line each; empty for none.
        merchants: PathBuf,
    }
);

/// The engine that is built in.
pub(super) const BUILT_IN: &str = "espeak-ng";
const PROFILES: [&str; 2] = ["plain", "street"];
/// More engines than anybody pays for; each holds connections.
const ENGINES_MAX: usize = 16;

impl Speech {
    /// What must hold, the setting, and that in words.
    pub(super) fn rules(&self) -> [(bool, &'static str, &'static str); 9] {
        let languages = &self.prewarm.languages;
        let mut seen = languages.clone();
        seen.sort();
        seen.dedup();
        let timeouts = Duration::from_millis(100)..=Duration::from_mins(1);
        [
            ((80..=450).contains(&self.words_per_minute), "speech.words_per_minute", "is 80 to 450"),
            (self.tail.as_secs() <= 300, "speech.tail", "is at most 300s"),
            (self.breaker_failures > 0, "speech.breaker_failures", "is at least 1"),
            (self.waiting_max > 0, "speech.waiting_max", "is at least 1"),
            (timeouts.contains(&self.engine_timeout), "speech.engine_timeout", "is 100ms to 60s"),
            (PROFILES.contains(&self.profile.as_str()), "speech.profile", "is plain or street"),
            (self.engines.len() <= ENGINES_MAX, "speech.engines", "are at most 16"),
            (
                languages.iter().all(|tag| LANGS.contains(&tag.as_str())),
                "speech.prewarm.languages",
                "are of zh-CN, yue, en",
            ),
            (seen.len() == languages.len(), "speech.prewarm.languages", "names a language twice"),
        ]
    }

    /// What fits no fixed line: names in the chain, and what an engine lacks.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let invalid = |key: String, what: String| Err(ConfigError::Invalid { key, what });
        for (place, name) in self.chain.iter().enumerate() {
            if name != BUILT_IN && !self.engines.contains_key(name) {
                let known: Vec<&str> = self.engines.keys().map(String::as_str).chain([BUILT_IN]).collect();
                let what = format!(
                    "names {name:?}, but there is no [speech.engines.{name}]; known are {}",
                    known.join(", ")
                );
                return invalid("speech.chain".to_owned(), what);
            }
            if self.chain.iter().take(place).any(|before| before == name) {
                return invalid("speech.chain".to_owned(), format!("names {name:?} twice"));
            }
        }
        for (name, engine) in &self.engines {
            if let Some((member, what)) = engine.fault() {
                return invalid(format!("speech.engines.{name}.{member}"), what);
            }
        }
        let recorded = self.recordings();
        if let [_, (more, _), ..] = &recorded[..] {
            return invalid((*more).clone(), "is a second folder of recordings; one is enough".to_owned());
        }
        Ok(())
    }

    /// Whether the engines of the chain have what they must be told.
    pub(super) fn check_credentials(&self) -> Result<(), ConfigError> {
        let engines = self.engines.iter().filter(|(name, _)| self.chain.contains(name));
        for (name, engine) in engines {
            for credential in engine.kind.credentials() {
                credential.check(name).map_err(|(member, what)| ConfigError::Invalid {
                    key: format!("speech.engines.{name}.{member}"),
                    what,
                })?;
            }
        }
        Ok(())
    }

    /// The names of all secrets of engines that are set, by value or by file.
    pub(super) fn secrets_set(&self) -> Vec<String> {
        let of = |(name, engine): (&String, &EngineConfig)| -> Vec<String> {
            let set = engine.kind.credentials().into_iter().filter(Credential::is_set);
            set.map(|credential| format!("speech.engines.{name}.{}", credential.member())).collect()
        };
        self.engines.iter().flat_map(of).collect()
    }

    /// The folder of recordings, by `recorded` or by an engine of that kind.
    #[must_use]
    pub fn recordings_folder(&self) -> Option<PathBuf> {
        self.recordings().into_iter().next().map(|(_, folder)| folder)
    }

    fn recordings(&self) -> Vec<(String, PathBuf)> {
        let own = (!self.recorded.as_os_str().is_empty())
            .then(|| ("speech.recorded".to_owned(), self.recorded.clone()));
        let engines = self.engines.iter().filter_map(|(name, engine)| match &engine.kind {
            EngineKind::Recorded(recorded) => {
                Some((format!("speech.engines.{name}.folder"), recorded.folder.clone()))
            }
            EngineKind::Openai(_)
            | EngineKind::Tencent(_)
            | EngineKind::Volcengine(_)
            | EngineKind::Aliyun(_)
            | EngineKind::Azure(_)
            | EngineKind::Http(_)
            | EngineKind::Command(_)
            | EngineKind::Espeak(_) => None,
        });
        own.into_iter().chain(engines).collect()
    }

    /// What is allowed and seldom meant.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.chain.is_empty() {
            remarks.push("speech.chain is empty: every alert has the canned sentence of its kind".to_owned());
        }
        if !self.espeak.is_empty() && !Path::new(&self.espeak).is_file() {
            remarks.push("speech.espeak is no file: the built-in engine will not speak".to_owned());
        }
        for (name, engine) in &self.engines {
            if !self.chain.contains(name) && !matches!(engine.kind, EngineKind::Recorded(_)) {
                remarks.push(format!("speech.engines.{name} is not in speech.chain and is never asked"));
            }
        }
        remarks
    }
}

/// Fees from and to, in yuan.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FeeRange {
    /// The least.
    pub from: u32,
    /// The greatest.
    pub to: u32,
}

impl FeeRange {
    /// The same in cents, as orders have it.
    #[must_use]
    pub fn cents(self) -> (u32, u32) {
        (self.from * 100, self.to * 100)
    }
}

/// Ten thousand sentences: more is a typing error.
const FEE_MAX: u32 = 1_000;

/// A range of fees that is none.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("fees are FROM-TO in yuan, such as 1-30, at most 1000")]
pub struct NoFees;

impl FromStr for FeeRange {
    type Err = NoFees;

    fn from_str(text: &str) -> Result<Self, NoFees> {
        let (from, to) = text.split_once('-').ok_or(NoFees)?;
        let number = |text: &str| text.trim().parse::<u32>().map_err(|_| NoFees);
        let range = Self { from: number(from)?, to: number(to)? };
        if range.from <= range.to && range.to <= FEE_MAX { Ok(range) } else { Err(NoFees) }
    }
}

fn fees<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<FeeRange>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.trim().is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

/// A list of words; in an environment variable with commas between them.
pub(super) fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Told {
        List(Vec<String>),
        Line(String),
    }
    let told = match Told::deserialize(deserializer)? {
        Told::List(list) => list,
        Told::Line(line) => line.split(',').map(str::to_owned).collect(),
    };
    Ok(told.iter().map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect())
}

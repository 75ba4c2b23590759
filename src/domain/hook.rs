//! A hook: what turns the webhook of any backend into events of its app, and what is kept of the requests it was sent.
//! How a body is read is the profile's business (`intake::hooks`); here it is text that was checked.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::id::IdEntropy;
use super::{AppId, EpochMs, EventId, IdError, RiderId};

/// The last part of a hook's address: a name for people, and 100 bits of chance that nobody guesses. Whoever knows it may
/// send, where nothing else is verified; it is no id for log lines, see [`Hook::name`].
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct HookId(Box<str>);

/// Letters of the random part: 5 bits each, none that is read wrongly.
const LETTERS: [u8; 32] = *b"abcdefghijkmnpqrstuvwxyz23456789";
/// How many of them.
const RANDOM_CHARS: usize = 20;
/// Longest name of a hook, in bytes.
pub const HOOK_NAME_BYTES_MAX: usize = 32;

impl HookId {
    /// A new address under this name.
    ///
    /// # Errors
    /// What is wrong with the name: 1 to 32 of `a-z`, `0-9`, `-` and `_`, beginning with a letter or digit.
    pub fn new(name: &str, chance: [u8; RANDOM_CHARS]) -> Result<Self, IdError> {
        let letters = chance.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
        format!("{name}-{}", letters.collect::<String>()).parse()
    }

    /// As it stands in the address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part for people.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.rsplit_once('-').map_or(&self.0, |(name, _)| name)
    }
}

impl FromStr for HookId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let (name, random) = text.rsplit_once('-').ok_or(IdError::Malformed)?;
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let good = (1..=HOOK_NAME_BYTES_MAX).contains(&name.len())
            && name.bytes().all(|byte| plain(byte) || matches!(byte, b'-' | b'_'))
            && name.bytes().next().is_some_and(plain)
            && random.len() == RANDOM_CHARS
            && random.bytes().all(|byte| LETTERS.contains(&byte));
        if good { Ok(Self(text.into())) } else { Err(IdError::Malformed) }
    }
}

impl fmt::Display for HookId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether riders hear what a hook is sent.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum HookMode {
    /// They do.
    #[default]
    Live,
    /// Everything but that: its events are a test's, but for the share of stations that are live already.
    Shadow,
}

impl HookMode {
    /// The word used in JSON and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Shadow => "shadow",
        }
    }

    /// The mode with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Live, Self::Shadow].into_iter().find(|mode| mode.as_str() == word)
    }
}

/// A hook as stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Hook {
    /// Its address.
    pub id: HookId,
    /// Whose events it makes.
    pub app: AppId,
    /// The preset that its profile stands on, by name.
    pub preset: Option<String>,
    /// What its owner says over the preset, or all of it: JSON.
    pub profile: String,
    /// What the profile asks for and is no secret, by name.
    pub params: BTreeMap<String, String>,
    /// The secrets of a name that work, the newest first; sealed.
    pub secrets: BTreeMap<String, Vec<Vec<u8>>>,
    /// Whether riders hear of it.
    pub mode: HookMode,
    /// In shadow mode: how many of a hundred stations are live.
    pub live_percent: u8,
    /// When it was made.
    pub created_at: EpochMs,
    /// When it was last changed.
    pub updated_at: EpochMs,
    /// One more with every change.
    pub version: i64,
}

impl Hook {
    /// What it is called in log lines and metrics.
    #[must_use]
    pub fn name(&self) -> &str {
        self.id.name()
    }
}

/// What became of one request to a hook.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HookVerdict {
    /// It made at least one event.
    Mapped,
    /// All its events were known.
    Duplicate,
    /// A status or kind that says nothing to riders.
    Ignored,
    /// Dropped by the profile's `when`.
    Filtered,
    /// A call to see whether we are here.
    Probe,
    /// It was acknowledged, and no event could be made of it: someone should look.
    Unmapped,
    /// Its signature, token or address was wrong. Nothing of it is stored.
    Refused,
    /// It could not be read. Nothing of it is stored.
    Unreadable,
    /// More than the hook or its app may send now, or the store did not answer. Nothing of it is stored.
    Busy,
}

impl HookVerdict {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Mapped,
        Self::Duplicate,
        Self::Ignored,
        Self::Filtered,
        Self::Probe,
        Self::Unmapped,
        Self::Refused,
        Self::Unreadable,
        Self::Busy,
    ];

    /// The word used in JSON, metrics and the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mapped => "mapped",
            Self::Duplicate => "duplicate",
            Self::Ignored => "ignored",
            Self::Filtered => "filtered",
            Self::Probe => "probe",
            Self::Unmapped => "unmapped",
            Self::Refused => "refused",
            Self::Unreadable => "unreadable",
            Self::Busy => "busy",
        }
    }

    /// The verdict with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.as_str() == word)
    }
}

/// One request to a hook, as it is kept: without signatures, phones, addresses and names of customers.
#[derive(Clone, Debug, PartialEq)]
pub struct HookDelivery {
    /// Ours; sorts by time.
    pub id: super::HookDeliveryId,
    /// The hook.
    pub hook: HookId,
    /// Whose hook.
    pub app: AppId,
    /// When it came in.
    pub at: EpochMs,
    /// What became of it.
    pub verdict: HookVerdict,
    /// Why, in one of our words; empty where the verdict says it all.
    pub reason: String,
    /// Method, event of the path, query, headers and body after redaction: JSON, bounded.
    pub request: String,
    /// What was made of it: a JSON list with an entry for each item.
    pub items: String,
    /// The events it made or repeated.
    pub events: Vec<EventId>,
    /// Riders that these are for, so that what is kept of a rider can be erased.
    pub riders: Vec<RiderId>,
    /// Status of the answer.
    pub status: u16,
    /// One id from the request to the receipt.
    pub trace_id: String,
}

/// Chance for the random part of an address, out of two ids' worth.
#[must_use]
pub fn hook_chance(first: IdEntropy, second: IdEntropy) -> [u8; RANDOM_CHARS] {
    let mut chance = [0; RANDOM_CHARS];
    for (place, byte) in chance.iter_mut().zip(first.into_iter().chain(second)) {
        *place = byte;
    }
    chance
}

#[cfg(test)]
mod tests {
    use super::HookId;

    #[test]
    fn an_address_is_a_name_and_chance() {
        let id = HookId::new("meituan-north", [7; 20]).unwrap();
        assert_eq!((id.as_str(), id.name()), ("meituan-north-hhhhhhhhhhhhhhhhhhhh", "meituan-north"));
        assert_eq!(id.to_string().parse(), Ok(id));
        for bad in ["", "Dada", "a b", "-dada", "达达", &"x".repeat(33)] {
            assert!(HookId::new(bad, [0; 20]).is_err(), "{bad}");
        }
        for bad in [
            "dada",
            "dada-",
            "dada-aaaaaaaaaaaaaaaaaaa",
            "dada-aaaaaaaaaaaaaaaaaaal",
            "dada-AAAAAAAAAAAAAAAAAAAA",
        ] {
            assert!(bad.parse::<HookId>().is_err(), "{bad}");
        }
    }
}

//! An app is a tenant: it owns riders, keys, groups and phrases, and nothing crosses from one to another.
//! A scope says what one of its API keys may do.

use serde::{Deserialize, Serialize};

use super::{AppId, AppSettings, EpochMs, KeyId};

/// A tenant as stored.
#[derive(Clone, Debug)]
pub struct App {
    /// Our id.
    pub id: AppId,
    /// The operator's name for it; unique.
    pub name: String,
    /// Default language of speech.
    pub lang: String,
    /// The live secrets that sign rider tokens, newest first, sealed with the node's key (at most two).
    pub rider_secrets: Vec<Vec<u8>>,
    /// When it was made.
    pub created_at: EpochMs,
    /// What it has set for itself.
    pub settings: AppSettings,
}

/// What an API key may do.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Post and cancel events.
    Ingest,
    /// Read alerts and riders.
    Read,
    /// Make rider tokens.
    RiderToken,
    /// Describe riders and groups, and set duty.
    Riders,
    /// Describe hooks.
    Hooks,
    /// Say where callbacks go, and read what the desk must hear of.
    Callbacks,
    /// Everything in its app.
    Admin,
}

impl Scope {
    /// All scopes, in the order they are printed.
    pub const ALL: [Self; 7] =
        [Self::Ingest, Self::Read, Self::RiderToken, Self::Riders, Self::Hooks, Self::Callbacks, Self::Admin];

    /// The word used on the command line, in JSON and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Read => "read",
            Self::RiderToken => "rider-token",
            Self::Riders => "riders",
            Self::Hooks => "hooks",
            Self::Callbacks => "callbacks",
            Self::Admin => "admin",
        }
    }

    /// The scope with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }
}

/// Whose world a key acts in.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyMode {
    /// Riders are told.
    #[default]
    Live,
    /// Its events are marked, and no real rider is told.
    Test,
}

impl KeyMode {
    /// The word used on the command line, in JSON and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
        }
    }

    /// The mode with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Live, Self::Test].into_iter().find(|mode| mode.as_str() == word)
    }

    /// What a source of events is called in this world: an id of a test is another event than the real one of that id.
    #[must_use]
    pub fn source(self, door: &str) -> String {
        match self {
            Self::Live => door.to_owned(),
            Self::Test => format!("{door}.test"),
        }
    }

    /// Whether this is the world of tests.
    #[must_use]
    pub fn is_test(self) -> bool {
        self == Self::Test
    }

    /// Whether a key of this mode may change what a key of `other` has made: tests leave the live world alone.
    #[must_use]
    pub fn may_touch(self, other: Self) -> bool {
        self == Self::Live || other == Self::Test
    }
}

/// An API key as stored: the SHA-256 of its secret, never the secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ApiKey {
    /// Our id of it.
    pub id: KeyId,
    /// The tenant it speaks for.
    pub app: AppId,
    /// The operator's name for it; unique within the app among live keys.
    pub name: String,
    /// SHA-256 of the secret.
    pub hash: [u8; 32],
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Whose world it acts in.
    pub mode: KeyMode,
    /// When it was made.
    pub created_at: EpochMs,
    /// When it stopped working.
    pub revoked_at: Option<EpochMs>,
}

impl ApiKey {
    /// Whether this key may do what `scope` names: `admin` includes every other scope of its app.
    #[must_use]
    pub fn allows(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope) || self.scopes.contains(&Scope::Admin)
    }
}

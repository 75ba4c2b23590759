//! An app is a tenant: it owns riders, keys, groups and phrases, and nothing crosses from one to another.
//! A scope says what one of its API keys may do.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{AppId, AppSettings, EpochMs, KeyId, Secret, SecretKind};

/// A tenant as stored.
#[derive(Clone, Debug)]
pub struct App {
    /// Our id.
    pub id: AppId,
    /// The operator's name for it; unique.
    pub name: String,
    /// Default language of speech.
    pub lang: String,
    /// Its secrets, sealed with the node's key, the newest first.
    pub secrets: Vec<Secret>,
    /// When it was made.
    pub created_at: EpochMs,
    /// What it has set for itself.
    pub settings: AppSettings,
    /// What the operator allows it, where that is not the server's usual.
    pub limits: AppLimits,
}

/// Longest name of an app or a key, in characters.
pub const NAME_CHARS_MAX: usize = 64;

/// Why a text cannot be the name of an app or a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NameError {
    /// Nothing there, or too much.
    #[error("is 1 to {NAME_CHARS_MAX} characters")]
    Length,
    /// A control character.
    #[error("has no control characters")]
    Character,
    /// It could be taken for an id of ours.
    #[error("does not begin as our ids do")]
    LikeAnId,
}

/// Whether a text can be the name of an app or a key; white space around it does not count.
///
/// # Errors
/// [`NameError`].
pub fn check_name(text: &str) -> Result<&str, NameError> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX {
        return Err(NameError::Length);
    }
    if name.chars().any(char::is_control) {
        return Err(NameError::Character);
    }
    if ["app_", "key_"].iter().any(|prefix| name.starts_with(prefix)) {
        return Err(NameError::LikeAnId);
    }
    Ok(name)
}

/// Limits that an app has for itself; `None` takes the server's.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct AppLimits {
    /// Events a second, for long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events_per_s: Option<u32>,
    /// Events at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<u32>,
    /// Rider sessions at one time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sessions: Option<u32>,
    /// Characters that engines speak for it within a day of its own time zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speech_characters_per_day: Option<u32>,
}

/// What an app may use; 0 is no limit.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ToSchema)]
pub struct Quota {
    /// Events a second, for long.
    pub events_per_s: u32,
    /// Events at once, after a pause.
    pub burst: u32,
    /// Rider sessions at one time.
    pub sessions: u32,
    /// Characters that engines speak for it within a day.
    pub speech_characters_per_day: u32,
}

impl AppLimits {
    /// What holds for the app on a server with these numbers.
    #[must_use]
    pub fn over(&self, usual: Quota) -> Quota {
        Quota {
            events_per_s: self.events_per_s.unwrap_or(usual.events_per_s),
            burst: self.burst.unwrap_or(usual.burst),
            sessions: self.sessions.unwrap_or(usual.sessions),
            speech_characters_per_day: self
                .speech_characters_per_day
                .unwrap_or(usual.speech_characters_per_day),
        }
    }
}

/// What an API key may do.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize, Deserialize, ToSchema)]
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
#[derive(
    Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize, ToSchema,
)]
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

/// An API key as stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ApiKey {
    /// Our id of it.
    pub id: KeyId,
    /// The tenant it speaks for.
    pub app: AppId,
    /// The operator's name for it; unique within the app among live keys.
    pub name: String,
    /// Its secrets, the newest first.
    pub secrets: Vec<Secret>,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Whose world it acts in.
    pub mode: KeyMode,
    /// When it was made.
    pub created_at: EpochMs,
    /// When it was last used, to some minutes.
    pub last_used_at: Option<EpochMs>,
    /// When it stopped working.
    pub revoked_at: Option<EpochMs>,
}

impl ApiKey {
    /// Whether this key may do what `scope` names: `admin` includes every other scope of its app.
    #[must_use]
    pub fn allows(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope) || self.scopes.contains(&Scope::Admin)
    }

    /// Whether a secret with this SHA-256 opens anything at `at`.
    #[must_use]
    pub fn opens_with(&self, hash: &[u8], at: EpochMs) -> bool {
        let bearer = |secret: &&Secret| secret.kind == SecretKind::Bearer && secret.kept == hash;
        self.revoked_at.is_none() && self.secrets.iter().find(bearer).is_some_and(|secret| secret.is_live(at))
    }
}

#[cfg(test)]
mod tests {
    use super::{AppLimits, NameError, Quota, check_name};

    #[test]
    fn names_are_short_and_printable_and_no_ids() {
        for good in ["default", " 美团 ", "a b", "application", &"字".repeat(64)] {
            assert_eq!(check_name(good), Ok(good.trim()));
        }
        for (bad, why) in [
            ("", NameError::Length),
            ("  ", NameError::Length),
            (&"字".repeat(65), NameError::Length),
            ("a\nb", NameError::Character),
            ("a\u{7f}b", NameError::Character),
            ("app_0", NameError::LikeAnId),
            ("key_0", NameError::LikeAnId),
        ] {
            assert_eq!(check_name(bad), Err(why), "{bad:?}");
        }
    }

    #[test]
    fn a_limit_of_the_apps_own_goes_before_the_servers() {
        let usual = Quota { events_per_s: 1, burst: 2, sessions: 3, speech_characters_per_day: 4 };
        assert_eq!(AppLimits::default().over(usual), usual);
        let own =
            AppLimits { events_per_s: Some(0), speech_characters_per_day: Some(9), ..AppLimits::default() };
        assert_eq!(own.over(usual), Quota { events_per_s: 0, speech_characters_per_day: 9, ..usual });
    }
}

//! A rider: whose ear it is, whether on duty, and which devices may ring.
//! The server creates a rider when a valid token names them or when an event does; the backend may describe them.

use serde::{Deserialize, Serialize};

use super::{AppId, EpochMs, RiderId};

/// A rider among all apps.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RiderKey {
    /// The tenant.
    pub app: AppId,
    /// The tenant's name for the rider.
    pub rider: RiderId,
}

/// What happens when a second device connects.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DevicePolicy {
    /// The newest device rings, the older one is told and closed.
    #[default]
    Latest,
    /// All devices ring; the first answer silences the others.
    All,
}

impl DevicePolicy {
    /// The word used in JSON and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Latest => "latest",
            Self::All => "all",
        }
    }

    /// The policy with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Latest, Self::All].into_iter().find(|policy| policy.as_str() == word)
    }
}

/// A rider as stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rider {
    /// The tenant.
    pub app: AppId,
    /// The tenant's name for the rider.
    pub id: RiderId,
    /// False while only events have named this rider: no token was used and the backend has not described them.
    pub known: bool,
    /// Off only after the client or the backend has said so.
    pub on_duty: bool,
    /// Language of speech, a tag such as `zh-CN`; the app's own if `None`.
    pub lang: Option<String>,
    /// What a second device does.
    pub devices: DevicePolicy,
    /// Tokens issued before this moment are refused.
    pub not_before: EpochMs,
    /// Highest sequence number given so far.
    pub seq: i64,
    /// When the row was made.
    pub created_at: EpochMs,
    /// When a session of this rider last opened or closed.
    pub last_seen_at: Option<EpochMs>,
}

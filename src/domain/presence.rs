//! What is known of a rider at this moment.
//! A socket here, a player that sounds: each is a fact with its evidence, none is derived from another.

use serde::{Deserialize, Serialize};

use super::{AppId, RiderId};

/// Who is connected now. Asked while an event is committed, so that its answer can say who will hear it.
pub trait Presence: Send + Sync {
    /// Whether at least one session of this rider is open.
    fn is_online(&self, app: AppId, rider: &RiderId) -> bool;
    /// Whether one of these sessions would be heard: its player runs, or it has not told of its player yet.
    fn is_audible(&self, app: AppId, rider: &RiderId) -> bool;
}

/// What a rider's player does, told by the client.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AudioState {
    /// The player runs, with a sentence or with the keep-alive silence: an alert can be heard.
    Playing,
    /// The player was stopped, or never started.
    Silent,
    /// A call or a navigation voice has the loudspeaker.
    Interrupted,
    /// The rider paused the player.
    Paused,
    /// Another app took the player.
    Stolen,
    /// The platform refuses to play (no tap yet, no permission).
    Blocked,
}

impl AudioState {
    /// The word used in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Playing => "playing",
            Self::Silent => "silent",
            Self::Interrupted => "interrupted",
            Self::Paused => "paused",
            Self::Stolen => "stolen",
            Self::Blocked => "blocked",
        }
    }

    /// Whether an alert sent now can be heard.
    #[must_use]
    pub fn is_audible(self) -> bool {
        match self {
            Self::Playing => true,
            Self::Silent | Self::Interrupted | Self::Paused | Self::Stolen | Self::Blocked => false,
        }
    }
}

/// What the backend is told about one rider of an event, at once.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FirstStatus {
    /// Connected: the alert is on its way.
    Queued,
    /// Known, not connected: the alert waits until its end.
    Offline,
    /// Off duty: not sent.
    OffDuty,
    /// Not sent for another reason.
    Suppressed,
    /// Never heard of: the alert waits until its end.
    Unknown,
}

impl FirstStatus {
    /// The word used in JSON and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Offline => "offline",
            Self::OffDuty => "off_duty",
            Self::Suppressed => "suppressed",
            Self::Unknown => "unknown",
        }
    }

    /// The status with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Queued, Self::Offline, Self::OffDuty, Self::Suppressed, Self::Unknown]
            .into_iter()
            .find(|status| status.as_str() == word)
    }
}

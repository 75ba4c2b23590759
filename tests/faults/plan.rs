//! What is meant to become of an order: what its backend does with it, and what its riders do.
//! The plan travels in `ext`, which the server hands on unread.

use serde::{Deserialize, Serialize};

/// The plan of one event.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Plan {
    /// Heard, and nothing more.
    Hear,
    /// Heard and confirmed.
    Confirm,
    /// Heard and accepted.
    Accept,
    /// Heard and declined.
    Decline,
    /// Offered to two riders who both accept.
    Grab,
    /// Taken back by the backend while riders hear it; now and then a rider confirms first.
    Cancel,
    /// Void after a few seconds, and never answered.
    Brief,
}

impl Plan {
    /// Whether it is done with when it has been heard.
    pub(crate) fn ends_when_heard(self) -> bool {
        match self {
            Self::Hear => true,
            Self::Confirm | Self::Accept | Self::Decline | Self::Grab | Self::Cancel | Self::Brief => false,
        }
    }

    /// Whether a delivery of this plan may end in this state.
    pub(crate) fn may_end(self, state: &str) -> bool {
        match self {
            Self::Hear => state == "played",
            Self::Confirm => state == "acknowledged",
            Self::Accept => state == "accepted",
            Self::Decline => state == "declined",
            Self::Grab => ["accepted", "lost"].contains(&state),
            Self::Cancel => ["acknowledged", "cancelled"].contains(&state),
            Self::Brief => state == "expired",
        }
    }
}

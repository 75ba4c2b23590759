//! Why a delivery ended: one stable word for every end, a contract with backends (docs/delivery.md).
//! The state says what became of it, the reason why.

use serde::{Deserialize, Serialize};

use super::DeliveryState;

/// Why a delivery ended.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// Heard, and nothing more was needed.
    Played,
    /// The rider answered.
    Answered,
    /// Void before it could be sent: the rider was never connected in time.
    NeverSent,
    /// Void after it was sent; no client ever said it has it.
    NotReceived,
    /// Void after a client had it; it never sounded to its end.
    NotPlayed,
    /// Void after it was heard; the answer never came.
    NotAnswered,
    /// The rider accepted; the backend never decided.
    NotSettled,
    /// The backend cancelled the alert.
    CancelledByAlert,
    /// The backend cancelled everything of the order.
    CancelledByOrder,
    /// The order had been cancelled before this news of it came.
    CancelledBefore,
    /// The order went to another rider by a reassignment.
    Reassigned,
    /// The order came to its end.
    OrderEnded,
    /// Another rider took the order.
    Taken,
    /// A newer alert took its place.
    Superseded,
    /// Told together with others, in one sentence.
    Merged,
    /// The rider was off duty, or went off duty.
    OffDuty,
    /// Too many alerts for this rider within a minute, or the same too soon again.
    RateLimited,
    /// It was not pressing enough for the app's quiet hours.
    QuietHours,
    /// It was said by a test key, and the rider is no test rider.
    TestMode,
    /// The rider was erased.
    Erased,
}

/// What an end means for the ear it was for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Meaning {
    /// It was heard as far as it needed to be.
    Heard,
    /// It should have been heard or answered, and was not.
    Missed,
    /// It was kept from the rider on purpose: by duty, by the cap, by quiet hours. They did not hear it either.
    HeldBack,
    /// There was nothing left to hear.
    Void,
}

impl EndReason {
    /// All of them, as the documentation lists them.
    pub const ALL: [Self; 20] = [
        Self::Played,
        Self::Answered,
        Self::NeverSent,
        Self::NotReceived,
        Self::NotPlayed,
        Self::NotAnswered,
        Self::NotSettled,
        Self::CancelledByAlert,
        Self::CancelledByOrder,
        Self::CancelledBefore,
        Self::Reassigned,
        Self::OrderEnded,
        Self::Taken,
        Self::Superseded,
        Self::Merged,
        Self::OffDuty,
        Self::RateLimited,
        Self::QuietHours,
        Self::TestMode,
        Self::Erased,
    ];

    /// The word used in JSON and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Played => "played",
            Self::Answered => "answered",
            Self::NeverSent => "never_sent",
            Self::NotReceived => "not_received",
            Self::NotPlayed => "not_played",
            Self::NotAnswered => "not_answered",
            Self::NotSettled => "not_settled",
            Self::CancelledByAlert => "cancelled_by_alert",
            Self::CancelledByOrder => "cancelled_by_order",
            Self::CancelledBefore => "cancelled_before",
            Self::Reassigned => "reassigned",
            Self::OrderEnded => "order_ended",
            Self::Taken => "taken",
            Self::Superseded => "superseded",
            Self::Merged => "merged",
            Self::OffDuty => "off_duty",
            Self::RateLimited => "rate_limited",
            Self::QuietHours => "quiet_hours",
            Self::TestMode => "test_mode",
            Self::Erased => "erased",
        }
    }

    /// The reason with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }

    /// What it means for the ear.
    #[must_use]
    pub fn meaning(self) -> Meaning {
        match self {
            Self::Played | Self::Answered | Self::NotSettled => Meaning::Heard,
            Self::NeverSent | Self::NotReceived | Self::NotPlayed | Self::NotAnswered => Meaning::Missed,
            Self::OffDuty | Self::RateLimited | Self::QuietHours => Meaning::HeldBack,
            Self::CancelledByAlert
            | Self::CancelledByOrder
            | Self::CancelledBefore
            | Self::Reassigned
            | Self::OrderEnded
            | Self::Taken
            | Self::Superseded
            | Self::Merged
            | Self::TestMode
            | Self::Erased => Meaning::Void,
        }
    }

    /// Why, for people who run a station.
    #[must_use]
    pub fn why(self) -> &'static str {
        match self {
            Self::Played => "heard, and nothing more was needed",
            Self::Answered => "the rider answered",
            Self::NeverSent => "the rider was not connected while it lived",
            Self::NotReceived => "sent, but the rider's phone never had it",
            Self::NotPlayed => "the phone had it and did not sound it to its end",
            Self::NotAnswered => "heard, and the rider did not answer",
            Self::NotSettled => "the rider accepted, and the backend did not decide",
            Self::CancelledByAlert => "the alert was taken back",
            Self::CancelledByOrder => "the order was cancelled",
            Self::CancelledBefore => "the order had been cancelled before",
            Self::Reassigned => "the order went to another rider",
            Self::OrderEnded => "the order came to its end",
            Self::Taken => "another rider took the order",
            Self::Superseded => "a newer alert took its place",
            Self::Merged => "told together with others",
            Self::OffDuty => "the rider was off duty",
            Self::RateLimited => "too many alerts for this rider within a minute, or the same again too soon",
            Self::QuietHours => "not pressing enough for the quiet hours",
            Self::TestMode => "a test, and the rider is no test rider",
            Self::Erased => "the rider was erased",
        }
    }

    /// The state of a delivery that was taken back or held back for this reason.
    pub(super) fn withdrawn_state(self) -> DeliveryState {
        match self {
            Self::CancelledByAlert | Self::CancelledByOrder | Self::Reassigned | Self::OrderEnded => {
                DeliveryState::Cancelled
            }
            Self::Taken => DeliveryState::Lost,
            Self::Superseded | Self::Merged => DeliveryState::Superseded,
            Self::OffDuty
            | Self::Erased
            | Self::RateLimited
            | Self::QuietHours
            | Self::TestMode
            | Self::CancelledBefore => DeliveryState::Suppressed,
            Self::Played => DeliveryState::Played,
            Self::Answered => DeliveryState::Acknowledged,
            Self::NeverSent | Self::NotReceived | Self::NotPlayed | Self::NotAnswered | Self::NotSettled => {
                DeliveryState::Expired
            }
        }
    }
}

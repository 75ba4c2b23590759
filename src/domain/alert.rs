//! An alert: what one event says to its riders, and until when.
//! It is active until every delivery has ended, or until it is cancelled or expires; an ended alert never changes.

use serde::{Deserialize, Serialize};

use super::delivery::{Change, EndReason};
use super::target::DutyRule;
use super::{AlertId, AppId, EpochMs, EventId, Need, OrderId, Repeat, Urgency};

/// One alert as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// Our id.
    pub id: AlertId,
    /// The tenant.
    pub app: AppId,
    /// The backend's id of the event.
    pub event_id: EventId,
    /// The order it is about.
    pub order_id: Option<OrderId>,
    /// The order's version.
    pub version: Option<i64>,
    /// Name of its kind.
    pub kind: String,
    /// How pressing.
    pub urgency: Urgency,
    /// Whether it is heard before alerts that wait.
    pub interrupt: bool,
    /// Soundings of one ring.
    pub repeat: Repeat,
    /// What answer ends a delivery.
    pub need: Need,
    /// Whether going off duty ends its deliveries.
    pub duty: DutyRule,
    /// Language of speech.
    pub lang: String,
    /// Short label.
    pub title: String,
    /// What the card shows.
    pub text: String,
    /// What the voice says.
    pub said: String,
    /// The order as the card shows it, JSON.
    pub card: String,
    /// Handed to the client unread, JSON.
    pub ext: String,
    /// One id from the request to the receipt.
    pub trace_id: String,
    /// When the event came in.
    pub created_at: EpochMs,
    /// When it became durable.
    pub stored_at: EpochMs,
    /// From here on it is void.
    pub expires_at: EpochMs,
    /// When its sound was decided; not sent before.
    pub rendered_at: Option<EpochMs>,
    /// Its sound.
    pub sound: Option<Sound>,
    /// Where it stands.
    pub state: AlertState,
    /// When it ended.
    pub ended_at: Option<EpochMs>,
}

/// The clips of an alert, as paths below the server's origin.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Sound {
    /// What to play.
    pub path: String,
    /// What to play if that fails: the canned clip of the kind.
    pub fallback_path: String,
    /// Media type of the clip.
    pub mime: String,
    /// Its size.
    pub bytes: u64,
    /// The whole file, in milliseconds.
    pub duration_ms: u32,
    /// The silence at its end, in milliseconds.
    pub tail_ms: u32,
    /// Whether this is the canned clip because speech was late or broken.
    pub canned: bool,
}

/// Where an alert stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// At least one delivery is open.
    Active,
    /// Every delivery reached its own end.
    Completed,
    /// Its life span ran out with a delivery open.
    Expired,
    /// The backend took it back.
    Cancelled,
}

impl AlertState {
    /// The word used in JSON and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Completed => "completed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Active, Self::Completed, Self::Expired, Self::Cancelled]
            .into_iter()
            .find(|s| s.as_str() == word)
    }

    /// The state after `change`; `None` if the alert has ended or nothing changes.
    #[must_use]
    pub fn after(self, change: AlertChange) -> Option<Self> {
        match (self, change) {
            (Self::Active, AlertChange::DeliveryEnded { still_open: 0 }) => Some(Self::Completed),
            (Self::Active, AlertChange::Expired) => Some(Self::Expired),
            (Self::Active, AlertChange::Cancelled) => Some(Self::Cancelled),
            (Self::Active, AlertChange::DeliveryEnded { .. })
            | (Self::Completed | Self::Expired | Self::Cancelled, _) => None,
        }
    }
}

/// What can happen to an alert.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AlertChange {
    /// One of its deliveries ended by itself; so many are still open.
    DeliveryEnded {
        /// Deliveries of this alert that have not ended.
        still_open: u64,
    },
    /// Its life span ran out.
    Expired,
    /// The backend took it back.
    Cancelled,
}

impl AlertChange {
    /// What it means for the alert that `change` has just ended one of its deliveries and `still_open` are left.
    #[must_use]
    pub fn of(change: &Change, still_open: u64) -> Self {
        match change {
            Change::Expired => Self::Expired,
            Change::Withdrawn(EndReason::CancelledByAlert | EndReason::CancelledByOrder) => Self::Cancelled,
            Change::Sent
            | Change::Received
            | Change::Playing
            | Change::Played { .. }
            | Change::Trouble(_)
            | Change::Answered(_)
            | Change::Withdrawn(_) => Self::DeliveryEnded { still_open },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AlertChange, AlertState};
    use crate::domain::delivery::{Change, EndReason};

    #[test]
    fn the_end_of_a_delivery_tells_what_becomes_of_its_alert() {
        let told = |change| AlertChange::of(&change, 2);
        assert_eq!(told(Change::Expired), AlertChange::Expired);
        assert_eq!(told(Change::Withdrawn(EndReason::CancelledByOrder)), AlertChange::Cancelled);
        assert_eq!(told(Change::Withdrawn(EndReason::OffDuty)), AlertChange::DeliveryEnded { still_open: 2 });
        assert_eq!(told(Change::Played { play: 1 }), AlertChange::DeliveryEnded { still_open: 2 });
    }

    #[test]
    fn an_alert_ends_once_and_then_never_changes() {
        let all = [AlertState::Completed, AlertState::Expired, AlertState::Cancelled];
        let changes =
            [AlertChange::DeliveryEnded { still_open: 0 }, AlertChange::Expired, AlertChange::Cancelled];
        for (change, end) in changes.into_iter().zip(all) {
            assert_eq!(AlertState::Active.after(change), Some(end));
        }
        assert_eq!(AlertState::Active.after(AlertChange::DeliveryEnded { still_open: 1 }), None);
        for ended in all {
            for change in changes {
                assert_eq!(ended.after(change), None);
            }
        }
    }
}

//! What became of one delivery, with what of its alert reports go by.
//! Judged by itself: whether it was missed, and whether it was heard in time.

use crate::domain::app::KeyMode;
use crate::domain::delivery::{EndReason, Meaning};
use crate::domain::{AlertId, DeliveryId, EpochMs, Need, OrderId, RiderId};

/// What became of one delivery.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Outcome {
    /// The alert.
    pub alert: AlertId,
    /// The delivery.
    pub delivery: DeliveryId,
    /// Whose ear.
    pub rider: RiderId,
    /// The order it is about.
    pub order_id: Option<OrderId>,
    /// Name of its kind.
    pub kind: String,
    /// Whose world it is in.
    pub key_mode: KeyMode,
    /// What it needs of the rider.
    pub need: Need,
    /// When its alert became active: when the event came in, or later for a scheduled one.
    pub starts_at: EpochMs,
    /// When its alert became durable.
    pub stored_at: EpochMs,
    /// Why it ended; `None` while it is open.
    pub reason: Option<EndReason>,
    /// The last trouble the client told.
    pub trouble: Option<String>,
    /// First written to a socket.
    pub sent_at: Option<EpochMs>,
    /// First acknowledged by a client.
    pub received_at: Option<EpochMs>,
    /// First began to sound.
    pub playing_at: Option<EpochMs>,
    /// First sounded to its end.
    pub played_at: Option<EpochMs>,
    /// Answered.
    pub answered_at: Option<EpochMs>,
    /// Ended.
    pub ended_at: Option<EpochMs>,
}

/// How a delivery stands to a time within which it should be heard.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Timeliness {
    /// Heard or answered within it.
    InTime,
    /// Heard or answered, but later.
    Late,
    /// Not heard, and it has ended for this reason.
    NotHeard(EndReason),
    /// Not heard so far, and the time is over.
    Waiting,
    /// Not counted: the time is still running.
    Running,
    /// Not counted: it was held back or became void before the time was over.
    Exempt(EndReason),
}

impl Outcome {
    /// From when on the rider might have heard it. An offer that a ladder brought to another rider begins anew for them;
    /// whatever else comes late to a rider comes late by us.
    #[must_use]
    pub fn asked_at(&self) -> EpochMs {
        let made_at = self.delivery.made_at();
        if self.need == Need::Accept && made_at > self.stored_at {
            made_at.max(self.starts_at)
        } else {
            self.starts_at
        }
    }

    /// When it was first known to be in the ear: it sounded, or was answered.
    #[must_use]
    pub fn heard_at(&self) -> Option<EpochMs> {
        [self.playing_at, self.played_at, self.answered_at].into_iter().flatten().min()
    }

    /// Why the rider did not get it who should have, or was kept from it; `None` if it is open, heard or void.
    #[must_use]
    pub fn missed(&self) -> Option<EndReason> {
        self.reason.filter(|reason| match reason.meaning() {
            Meaning::Missed | Meaning::HeldBack => true,
            Meaning::Heard | Meaning::Void => false,
        })
    }

    /// Whether it was heard within `within_ms`, as is known at `now`.
    #[must_use]
    pub fn timeliness(&self, within_ms: i64, now: EpochMs) -> Timeliness {
        let deadline = self.asked_at().plus_ms(within_ms);
        if let Some(heard_at) = self.heard_at() {
            return if heard_at <= deadline { Timeliness::InTime } else { Timeliness::Late };
        }
        let ended_in_time = self.ended_at.is_some_and(|at| at <= deadline);
        match self.reason.map(|reason| (reason, reason.meaning())) {
            None if now <= deadline => Timeliness::Running,
            None => Timeliness::Waiting,
            Some((reason, Meaning::HeldBack | Meaning::Void)) if ended_in_time => Timeliness::Exempt(reason),
            Some((reason, Meaning::Heard | Meaning::Missed | Meaning::HeldBack | Meaning::Void)) => {
                Timeliness::NotHeard(reason)
            }
        }
    }
}

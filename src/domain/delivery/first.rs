//! How a delivery begins: what is known of its rider at the commit decides what the backend is told at once.
//! A rider off duty gets a delivery that has ended, so that the backend can see who was passed over.

use super::{Change, Delivery, DeliveryState, EndReason};
use crate::domain::alert::Head;
use crate::domain::target::DutyRule;
use crate::domain::{DeliveryId, EpochMs, FirstStatus, RiderId};

/// What is known of a rider while an alert for them is committed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listener {
    /// The tenant's name for the rider.
    pub rider: RiderId,
    /// False while only events have named this rider.
    pub known: bool,
    /// Whether on duty.
    pub on_duty: bool,
    /// Whether a session of theirs is open.
    pub online: bool,
    /// The place of this delivery in the rider's sequence.
    pub seq: i64,
}

impl Listener {
    /// What the backend is told of this rider.
    #[must_use]
    pub fn first_status(&self, duty: DutyRule) -> FirstStatus {
        match duty {
            DutyRule::OnDutyOnly if !self.on_duty => FirstStatus::OffDuty,
            DutyRule::OnDutyOnly | DutyRule::Anyone if self.online => FirstStatus::Queued,
            DutyRule::OnDutyOnly | DutyRule::Anyone if self.known => FirstStatus::Offline,
            DutyRule::OnDutyOnly | DutyRule::Anyone => FirstStatus::Unknown,
        }
    }
}

impl Delivery {
    /// The delivery of an alert to `listener` as it is first stored, at `at`; ended at once if it is held back.
    #[must_use]
    pub fn first(
        id: DeliveryId,
        alert: &Head,
        listener: Listener,
        held_back: Option<EndReason>,
        at: EpochMs,
    ) -> Self {
        let mut first_status = listener.first_status(alert.duty);
        let not_for_them = held_back == Some(EndReason::TestMode);
        if not_for_them || (held_back.is_some() && first_status != FirstStatus::OffDuty) {
            first_status = FirstStatus::Suppressed;
        }
        let window = alert.answer_ms.filter(|_| alert.is_offer()).map(|answer_ms| at.plus_ms(answer_ms));
        let mut delivery = Self {
            id,
            alert: alert.id,
            app: alert.app,
            rider: listener.rider,
            seq: listener.seq,
            need: alert.need,
            expires_at: window.map_or(alert.expires_at, |end| end.min(alert.expires_at)),
            first_status,
            state: DeliveryState::Pending,
            reason: None,
            ring: 1,
            attempts: 0,
            plays: 0,
            sent_ring: 0,
            rung_at: None,
            held_until: None,
            answer: None,
            late_answer: None,
            ask_due_at: None,
            trouble: None,
            sent_at: None,
            received_at: None,
            playing_at: None,
            played_at: None,
            answered_at: None,
            ended_at: None,
        };
        let held_back = match first_status {
            FirstStatus::OffDuty => Some(EndReason::OffDuty),
            FirstStatus::Queued | FirstStatus::Offline | FirstStatus::Suppressed | FirstStatus::Unknown => {
                held_back
            }
        };
        let change = held_back.map(Change::Withdrawn);
        if let Some(suppressed) = change.and_then(|change| delivery.after(&change, at)) {
            delivery = suppressed;
        }
        delivery
    }
}

#[cfg(test)]
mod tests {
    use super::Listener;
    use crate::domain::FirstStatus;
    use crate::domain::target::DutyRule;

    #[test]
    fn the_backend_is_told_what_is_known_of_the_rider() {
        let told = |known, on_duty, online, duty| {
            Listener { rider: "r".parse().unwrap(), known, on_duty, online, seq: 1 }.first_status(duty)
        };
        assert_eq!(told(true, true, true, DutyRule::OnDutyOnly), FirstStatus::Queued);
        assert_eq!(told(true, true, false, DutyRule::OnDutyOnly), FirstStatus::Offline);
        assert_eq!(told(false, true, false, DutyRule::OnDutyOnly), FirstStatus::Unknown);
        assert_eq!(told(true, false, true, DutyRule::OnDutyOnly), FirstStatus::OffDuty);
        assert_eq!(told(true, false, true, DutyRule::Anyone), FirstStatus::Queued);
        assert_eq!(told(false, false, false, DutyRule::Anyone), FirstStatus::Unknown);
    }
}

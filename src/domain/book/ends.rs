//! Ends that riders do not bring about: time, cancellation, duty, erasure.
//! Each names the deliveries concerned; what becomes of them and of their alerts follows from the rules.

use super::{Book, Ended, NoticeKind};
use crate::domain::alert::AlertChange;
use crate::domain::delivery::{Change, EndReason};
use crate::domain::order::{Stamp, Tombstone};
use crate::domain::target::DutyRule;
use crate::domain::{AlertId, Delivery, DeliveryState, EpochMs, OrderKey, RiderKey};

impl Book {
    /// Ends, of the deliveries and alerts in this book, those whose time is over at `at`; at most `limit` deliveries.
    /// A rider who let `unresponsive_after` offers in a row pass is told of.
    pub fn expire(&mut self, at: EpochMs, unresponsive_after: u32, limit: usize) -> Vec<Ended> {
        let mut due = self.open_places(|delivery, _| delivery.expires_at <= at);
        due.sort_by_key(|place| self.deliveries[*place].row.expires_at);
        due.truncate(limit);
        let mut ended = Vec::with_capacity(due.len());
        self.expire_empty(at, limit);
        for place in due {
            let before = self.deliveries[place].row.clone();
            ended.extend(self.end_all(&[place], &Change::Expired, at));
            self.count_unanswered(&before, unresponsive_after, at);
        }
        ended
    }

    /// Alerts without an open delivery, whose time is over: scheduled, unrolling, or between two riders.
    fn expire_empty(&mut self, at: EpochMs, limit: usize) {
        let over = self.heads.values().map(|kept| &kept.row);
        let over = over.filter(|head| head.is_open() && head.open_count == 0 && head.expires_at <= at);
        let mut over: Vec<_> = over.map(|head| (head.expires_at, head.id)).collect();
        over.sort();
        over.truncate(limit);
        for (_, alert) in over {
            self.move_on(alert, AlertChange::Expired, at);
        }
    }

    /// Counts an offer that was sent and ended without a word of its rider.
    pub(super) fn count_unanswered(&mut self, before: &Delivery, unresponsive_after: u32, at: EpochMs) {
        let Some(head) = self.head(before.alert).cloned() else { return };
        if !head.is_offer() || before.sent_at.is_none() || before.answer.is_some() {
            return;
        }
        let key = RiderKey { app: before.app, rider: before.rider.clone() };
        if !self.riders.contains_key(&key) {
            return;
        }
        let rider = self.rider_mut(&key, at);
        rider.unanswered = rider.unanswered.saturating_add(1);
        rider.unanswered_at = Some(at);
        if rider.unanswered == unresponsive_after {
            self.notice(NoticeKind::Unresponsive, &head, Some(before.rider.clone()), at);
        }
    }

    /// Cancels an alert and its open deliveries.
    pub fn cancel_alert(&mut self, alert: AlertId, at: EpochMs) -> Vec<Ended> {
        self.cancel(alert, EndReason::CancelledByAlert, at)
    }

    /// Cancels every alert of an order in this book, and remembers that it was.
    pub fn cancel_order(&mut self, order: &OrderKey, at: EpochMs) -> Vec<Ended> {
        let memory = self.order_mut(order, at);
        // As new as the newest news of it: what is newer than that is a new life of the order.
        memory.tombstone = Some(Tombstone { stamp: Stamp { occurred_at: None, ..memory.stamp }, at });
        memory.rider = None;
        let concerned = self.heads.values().map(|kept| &kept.row);
        let concerned = concerned.filter(|head| head.is_open() && head.is_about(order));
        let concerned: Vec<AlertId> = concerned.map(|head| head.id).collect();
        let each = concerned.into_iter();
        each.flat_map(|alert| self.cancel(alert, EndReason::CancelledByOrder, at)).collect()
    }

    fn cancel(&mut self, alert: AlertId, reason: EndReason, at: EpochMs) -> Vec<Ended> {
        let Some(head) = self.head_mut(alert).filter(|head| head.is_open()) else { return Vec::new() };
        head.apply(AlertChange::Cancelled, at);
        let open = self.open_of(alert);
        self.end_all(&open, &Change::Withdrawn(reason), at)
    }

    /// Sets duty. Going off duty ends the rider's open deliveries that ask for duty; a rider who comes on duty begins
    /// with a clean sheet.
    pub fn set_duty(&mut self, rider: &RiderKey, duty: Duty, at: EpochMs) -> Vec<Ended> {
        let row = self.rider_mut(rider, at);
        row.known = true;
        row.duty_at = Some(at);
        row.on_duty = duty == Duty::On;
        if row.on_duty {
            row.unanswered = 0;
            return Vec::new();
        }
        let open = self.open_places(|delivery, head| {
            // Who has accepted has given their word: the backend decides, whether they work on or not.
            let accepts = delivery.state == DeliveryState::Claimed;
            delivery.app == rider.app
                && delivery.rider == rider.rider
                && head.duty == DutyRule::OnDutyOnly
                && !accepts
        });
        self.end_all(&open, &Change::Withdrawn(EndReason::OffDuty), at)
    }

    /// Ends every open delivery of a rider who is erased.
    pub fn erase(&mut self, rider: &RiderKey, at: EpochMs) -> Vec<Ended> {
        let open = self.open_places(|delivery, _| delivery.app == rider.app && delivery.rider == rider.rider);
        self.end_all(&open, &Change::Withdrawn(EndReason::Erased), at)
    }
}

/// Whether a rider takes orders.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Duty {
    /// Takes orders.
    On,
    /// Does not.
    Off,
}

//! An alert comes to one rider: held back, held for company, or open; and in the place of an older one.
//! Whatever becomes of it, there is a delivery that says so.

use super::{Book, Context, Ended, FirstDelivery, Guard, Kept, Mark};
use crate::domain::delivery::{Change, EndReason, Listener};
use crate::domain::kind::OrderPolicy;
use crate::domain::order::Stamp;
use crate::domain::target::DutyRule;
use crate::domain::{AlertId, Delivery, DeliveryId, DeliveryState, EpochMs, Head, Need, RiderId, RiderKey};

impl Book {
    pub(super) fn add_head(&mut self, head: Head, at: EpochMs) {
        let mut head = head;
        head.open_count = 0;
        head.plan_step(at);
        self.heads.insert(head.id, Kept { row: head, mark: Mark::New });
    }

    /// Delivers an alert of this book to a rider. `None` if the rider has it already.
    pub(super) fn deliver(
        &mut self,
        alert: AlertId,
        rider: &RiderId,
        stamp: Stamp,
        policy: &OrderPolicy,
        context: &Context<'_>,
        ended: &mut Vec<Ended>,
    ) -> Option<FirstDelivery> {
        if self.place(alert, rider).is_some() {
            return None;
        }
        let head = self.head(alert)?.clone();
        let key = RiderKey { app: head.app, rider: rider.clone() };
        let held_back = self.held_back(&head, &key, stamp, policy, context);
        let row = self.rider_mut(&key, context.at);
        row.seq += 1;
        let listener = Listener {
            rider: rider.clone(),
            known: row.known,
            on_duty: row.on_duty,
            online: context.presence.is_online(head.app, rider),
            seq: row.seq,
        };
        let id = DeliveryId::new(context.at, (context.entropy)());
        let mut delivery = Delivery::first(id, &head, listener, held_back, context.at);
        if delivery.is_open() {
            self.supersede(&head, rider, context.at, ended);
            let row = self.rider_mut(&key, context.at);
            if gathers(&head, policy, context) {
                delivery.held_until = row.pace.gather(context.rules.merge_ms, context.at);
            }
            if delivery.held_until.is_none() {
                row.pace.count_one(context.at);
            }
            if let Some(head) = self.head_mut(alert) {
                head.open_count += 1;
            }
        }
        let first = FirstDelivery {
            id,
            rider: rider.clone(),
            status: delivery.first_status,
            reason: delivery.reason,
        };
        self.tell_held_back(&delivery);
        self.places.insert((alert, rider.clone()), self.deliveries.len());
        self.deliveries.push(Kept { row: delivery, mark: Mark::New });
        Some(first)
    }

    /// Why a rider is not told, if not.
    fn held_back(
        &mut self,
        head: &Head,
        rider: &RiderKey,
        stamp: Stamp,
        policy: &OrderPolicy,
        context: &Context<'_>,
    ) -> Option<EndReason> {
        let (rules, at) = (&context.rules, context.at);
        let row = self.rider(rider);
        // Before all else, so that a test changes nothing of what a real rider is told.
        if !head.is_for(row) && self.looks_at(Guard::TestMode) {
            return Some(EndReason::TestMode);
        }
        let off_duty = row.is_some_and(|row| !row.on_duty);
        if off_duty && head.duty == DutyRule::OnDutyOnly {
            return Some(EndReason::OffDuty);
        }
        if rules.hushes(head.urgency) && !policy.exempt {
            return Some(EndReason::QuietHours);
        }
        // What joins a burst is no sentence of its own.
        let joins = row.is_some_and(|row| gathers(head, policy, context) && row.pace.is_gathering(at));
        let full = row.is_some_and(|row| row.pace.is_full(rules.alerts_per_minute, at));
        if full && rules.caps(head.urgency) && !joins && !policy.exempt {
            return Some(EndReason::RateLimited);
        }
        let key = head.order()?;
        let cancelled = |memory: &crate::domain::OrderMemory| {
            memory.is_cancelled(&rider.rider, &stamp, at, rules.tombstone_ms)
        };
        let looks = policy.ends.is_none() && self.looks_at(Guard::Tombstone);
        if looks && self.order(&key).is_some_and(cancelled) {
            return Some(EndReason::CancelledBefore);
        }
        let gap_ms = policy.gap_ms?;
        let too_soon = self.order_mut(&key, at).is_too_soon(&head.kind, &rider.rider, gap_ms, at);
        too_soon.then_some(EndReason::RateLimited)
    }

    /// Ends the rider's older alerts of the same key.
    fn supersede(&mut self, head: &Head, rider: &RiderId, at: EpochMs, ended: &mut Vec<Ended>) {
        let Some(key) = &head.collapse_key else { return };
        let rider = RiderKey { app: head.app, rider: rider.clone() };
        let mut places = self.open_of_rider(&rider, |other| {
            other.id != head.id && other.key_mode == head.key_mode && other.collapse_key.as_ref() == Some(key)
        });
        // Who has accepted is not asked anew: the backend's word is on its way.
        places.retain(|place| self.deliveries[*place].row.state != DeliveryState::Claimed);
        ended.extend(self.end_all(&places, &Change::Withdrawn(EndReason::Superseded), at));
    }

    /// A delivery that is made after its alert's sound is rung for itself; a lost bell is looked for from here on.
    pub(super) fn note_rung(&mut self, alert: AlertId, rider: &RiderId, at: EpochMs) {
        let kept = self.place(alert, rider).and_then(|place| self.deliveries.get_mut(place));
        if let Some(kept) = kept.filter(|kept| kept.row.is_open()) {
            kept.row.rung_at = Some(at);
        }
    }

    /// Delivers the next part of an alert's audience. Returns what that has ended, and whether somebody hears it so far.
    pub fn unroll(
        &mut self,
        alert: AlertId,
        part: &Part<'_>,
        policy: &OrderPolicy,
        stamp: Stamp,
        context: &Context<'_>,
    ) -> (Vec<Ended>, Reached) {
        let mut ended = Vec::new();
        let Some(head) = self.head_mut(alert) else { return (ended, part.reached) };
        if head.starts_at <= context.at {
            head.apply(crate::domain::alert::AlertChange::Began, context.at);
        }
        if head.state != crate::domain::AlertState::Active {
            return (ended, part.reached);
        }
        for rider in part.riders {
            if self.deliver(alert, rider, stamp, policy, context, &mut ended).is_some() {
                self.note_rung(alert, rider, context.at);
            }
        }
        let reached = match part.reached {
            Reached::Somebody => Reached::Somebody,
            Reached::Nobody => self.reached(alert, part.riders, context),
        };
        if part.last == Last::Yes {
            self.finish_telling(alert, reached, context);
        }
        (ended, reached)
    }

    /// Whether one of these riders can hear the alert now: it is open for them, and they are connected.
    pub(super) fn reached<'a>(
        &self,
        alert: AlertId,
        riders: impl IntoIterator<Item = &'a RiderId>,
        context: &Context<'_>,
    ) -> Reached {
        let hears = |rider: &RiderId| {
            let delivery = self.delivery(alert, rider).filter(|delivery| delivery.is_open());
            delivery.is_some_and(|delivery| context.presence.is_audible(delivery.app, rider))
        };
        if riders.into_iter().any(hears) { Reached::Somebody } else { Reached::Nobody }
    }
}

/// Whether the alert may be told together with others.
fn gathers(head: &Head, policy: &OrderPolicy, context: &Context<'_>) -> bool {
    policy.merges && context.rules.merge_ms > 0 && head.need == Need::None
}

/// Whether a part of an audience is its last.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Last {
    /// Nobody is left.
    Yes,
    /// There are more.
    No,
}

/// Who can hear an alert of those who were told of it so far.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reached {
    /// Nobody.
    Nobody,
    /// One rider at least.
    Somebody,
}

/// A part of an audience.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// Who.
    pub riders: &'a [RiderId],
    /// Whether it is the last.
    pub last: Last,
    /// Who could hear the alert of the parts before.
    pub reached: Reached,
}

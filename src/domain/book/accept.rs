//! An event enters: judged against what is known of its order, then its alert for each rider of its audience.
//! Old news is dropped, an end stops what it ends, a new rider's gain is the old rider's loss.

use serde::Serialize;

use super::{Book, Context, Ended, FirstDelivery, Guard, Reached};
use crate::domain::alert::AlertChange;
use crate::domain::app::KeyMode;
use crate::domain::delivery::{Change, EndReason};
use crate::domain::kind::{Ends, OrderPolicy};
use crate::domain::order::{Stamp, Tombstone};
use crate::domain::{AlertId, AlertState, AppId, EpochMs, Head, OrderId, OrderKey, RiderId, RiderKey};

/// An event on its way in.
pub struct Incoming<'a> {
    /// The tenant.
    pub app: AppId,
    /// Whose world it is in.
    pub key_mode: KeyMode,
    /// The order it is about.
    pub order: Option<&'a OrderId>,
    /// How new its news is.
    pub stamp: Stamp,
    /// What its kind means for the order.
    pub policy: &'a OrderPolicy,
    /// Its alert, without deliveries as yet; `None` for a silent kind.
    pub alert: Option<&'a Head>,
    /// What a rider who loses the order by it is told.
    pub away: Option<&'a Head>,
    /// Who had the order, as the event says.
    pub previous_rider: Option<&'a RiderId>,
    /// Whom it is for.
    pub audience: Audience,
}

/// Whom an event is for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Audience {
    /// These, now.
    Now(Vec<RiderId>),
    /// The target is resolved later, in parts: the event has its time, or is for many.
    Later,
}

/// What became of an event.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Entered {
    /// In one word.
    pub outcome: Outcome,
    /// Its alerts, the event's own first.
    pub alerts: Vec<EnteredAlert>,
    /// Deliveries it has ended.
    pub ended: Vec<Ended>,
}

/// An alert of an event and its first deliveries.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EnteredAlert {
    /// The alert.
    pub alert: AlertId,
    /// In order of target.
    pub deliveries: Vec<FirstDelivery>,
}

/// What became of an event, in one word.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Outcome {
    /// Riders are told.
    Alerted,
    /// It is remembered; its kind is silent here.
    #[default]
    Remembered,
    /// Riders will be told at its time.
    Scheduled,
    /// It is old news.
    Dropped(DropReason),
}

/// Why an event is old news.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DropReason {
    /// Newer news of its order came before.
    OlderVersion,
    /// Its order was cancelled before it came.
    OrderCancelled,
}

impl DropReason {
    /// The word used in JSON and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OlderVersion => "older_version",
            Self::OrderCancelled => "order_cancelled",
        }
    }

    /// The reason with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::OlderVersion, Self::OrderCancelled].into_iter().find(|reason| reason.as_str() == word)
    }
}

impl Incoming<'_> {
    fn order_key(&self) -> Option<OrderKey> {
        Some(OrderKey { app: self.app, key_mode: self.key_mode, order: self.order?.clone() })
    }
}

impl Audience {
    fn riders(&self) -> &[RiderId] {
        match self {
            Self::Now(riders) => riders,
            Self::Later => &[],
        }
    }

    fn only(&self) -> Option<&RiderId> {
        match self.riders() {
            [rider] => Some(rider),
            _ => None,
        }
    }
}

impl Book {
    /// Lets an event in. What of it is new is in the book afterwards.
    pub fn accept(&mut self, event: &Incoming<'_>, context: &Context<'_>) -> Entered {
        let mut entered = Entered::default();
        if let Some(key) = event.order_key() {
            if let Some(reason) = self.judge(&key, event, context) {
                entered.outcome = Outcome::Dropped(reason);
                return entered;
            }
            if let Some(ends) = event.policy.ends {
                entered.ended = self.end_of_order(&key, event, ends, context.at);
            }
        }
        let lost = self.assign(event, context.at);
        if let Some(head) = event.alert {
            let scheduled = head.starts_at > context.at;
            entered.outcome = if scheduled { Outcome::Scheduled } else { Outcome::Alerted };
            let deliveries = self.enter(head, event, context, &mut entered.ended);
            entered.alerts.push(EnteredAlert { alert: head.id, deliveries });
        }
        if let (Some(old), Some(away)) = (lost, event.away) {
            self.end_for(event, &old, EndReason::Reassigned, context.at, &mut entered.ended);
            let riders = std::slice::from_ref(&old);
            let silent = OrderPolicy::default();
            let deliveries = self.tell(away, riders, event.stamp, &silent, context, &mut entered.ended);
            entered.alerts.push(EnteredAlert { alert: away.id, deliveries });
        }
        entered
    }

    /// Whether the event is old news; if not, its stamp is remembered.
    fn judge(&mut self, key: &OrderKey, event: &Incoming<'_>, context: &Context<'_>) -> Option<DropReason> {
        let (at, lasts_ms) = (context.at, context.rules.tombstone_ms);
        let looks = event.policy.ends.is_none() && self.looks_at(Guard::Tombstone);
        let memory = self.order_mut(key, at);
        if event.stamp.is_older_than(&memory.stamp) {
            return Some(DropReason::OlderVersion);
        }
        if looks {
            let riders = event.audience.riders();
            let of_each = !riders.is_empty()
                && riders.iter().all(|rider| memory.is_cancelled(rider, &event.stamp, at, lasts_ms));
            if of_each || memory.is_cancelled_whole(&event.stamp, at, lasts_ms) {
                return Some(DropReason::OrderCancelled);
            }
        }
        memory.stamp = memory.stamp.newest(event.stamp);
        None
    }

    /// Ends the order's open alerts for the riders of the event.
    fn end_of_order(&mut self, key: &OrderKey, event: &Incoming<'_>, ends: Ends, at: EpochMs) -> Vec<Ended> {
        let riders = event.audience.riders();
        let memory = self.order_mut(key, at);
        if ends == Ends::Cancelled {
            let tombstone = Tombstone { stamp: event.stamp, at };
            match event.audience {
                Audience::Now(_) => memory.cancel_for(riders, tombstone),
                Audience::Later => memory.tombstone = Some(tombstone),
            }
        }
        if ends != Ends::Taken && memory.rider.as_ref().is_some_and(|rider| riders.contains(rider)) {
            memory.rider = None;
        }
        let everyone = event.audience == Audience::Later;
        let places = self.open_places(|delivery, head| {
            head.is_about(key) && (everyone || riders.contains(&delivery.rider))
        });
        self.end_all(&places, &Change::Withdrawn(ends.reason()), at)
    }

    /// Gives the order to the event's rider. Returns who loses it.
    fn assign(&mut self, event: &Incoming<'_>, at: EpochMs) -> Option<RiderId> {
        let (Some(key), true) = (event.order_key(), event.policy.assigns) else { return None };
        let rider = event.audience.only()?;
        let memory = self.order_mut(&key, at);
        let before = memory.rider.replace(rider.clone());
        if before.as_ref() != Some(rider) {
            memory.assignments = memory.assignments.saturating_add(1);
        }
        before.or_else(|| event.previous_rider.cloned()).filter(|old| old != rider)
    }

    fn enter(
        &mut self,
        head: &Head,
        event: &Incoming<'_>,
        context: &Context<'_>,
        ended: &mut Vec<Ended>,
    ) -> Vec<FirstDelivery> {
        if let (Some(away), Some(order), Some(rider)) = (event.away, event.order_key(), event.audience.only())
        {
            // Whoever gets the order back need not hear any more that it had gone.
            let rider = RiderKey { app: event.app, rider: rider.clone() };
            let places =
                self.open_of_rider(&rider, |other| other.kind == away.kind && other.is_about(&order));
            ended.extend(self.end_all(&places, &Change::Withdrawn(EndReason::Superseded), context.at));
        }
        match &event.audience {
            Audience::Now(riders) => self.tell(head, riders, event.stamp, event.policy, context, ended),
            Audience::Later => {
                let mut head = head.clone();
                head.unrolling = true;
                head.state =
                    if head.starts_at > context.at { AlertState::Scheduled } else { AlertState::Active };
                self.add_head(head, context.at);
                Vec::new()
            }
        }
    }

    fn end_for(
        &mut self,
        event: &Incoming<'_>,
        rider: &RiderId,
        reason: EndReason,
        at: EpochMs,
        ended: &mut Vec<Ended>,
    ) {
        let Some(order) = event.order_key() else { return };
        let rider = RiderKey { app: event.app, rider: rider.clone() };
        let places = self.open_of_rider(&rider, |head| head.is_about(&order));
        ended.extend(self.end_all(&places, &Change::Withdrawn(reason), at));
    }

    /// A new alert for these riders, all of it.
    fn tell(
        &mut self,
        head: &Head,
        riders: &[RiderId],
        stamp: Stamp,
        policy: &OrderPolicy,
        context: &Context<'_>,
        ended: &mut Vec<Ended>,
    ) -> Vec<FirstDelivery> {
        self.add_head(head.clone(), context.at);
        let mut told = Vec::with_capacity(riders.len());
        for rider in riders {
            told.extend(self.deliver(head.id, rider, stamp, policy, context, ended));
        }
        let reached = self.reached(head.id, riders, context);
        self.finish_telling(head.id, reached, context);
        told
    }

    /// An alert for nobody is over; else its ladder begins. Whom nobody can hear is told at once.
    pub(super) fn finish_telling(&mut self, alert: AlertId, reached: Reached, context: &Context<'_>) {
        let at = context.at;
        let Some(head) = self.head_mut(alert) else { return };
        head.unrolling = false;
        let still_open = head.open_count;
        if reached == Reached::Nobody {
            self.tell_unreachable(alert, context);
        }
        self.move_on(alert, AlertChange::DeliveryEnded { still_open }, at);
    }

    /// The riders whose rows an event of this order needs beside its audience.
    #[must_use]
    pub fn concerned(&self, order: &OrderKey) -> Option<RiderKey> {
        let rider = self.order(order)?.rider.clone()?;
        Some(RiderKey { app: order.app, rider })
    }
}

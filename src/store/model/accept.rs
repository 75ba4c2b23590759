//! Accepting an event in the model, and telling an audience in parts: the same rules as everywhere, on plain collections.
//! The riders are found here and now; what each is told is decided by the book.

use super::state::{Remembered, State, Waiting};
use crate::domain::book::{Audience, Incoming, Last, Part, Reached};
use crate::domain::kind::OrderPolicy;
use crate::domain::{Alert, AlertId, AppId, Delivery, EpochMs, EventId, RiderId, RiderKey, Target};
use crate::store::{AUDIENCE_MAX, Accepted, DueTarget, NewEvent, Outcome, Receipt, Unrolled, World};

impl State {
    pub(super) fn accept(&mut self, event: &NewEvent, now: EpochMs) -> Accepted {
        let key = (event.app, event.source.clone(), event.id.clone());
        if let Some(before) = self.events.get(&key) {
            if before.body_hash != event.body_hash {
                return Accepted::Conflict;
            }
            return Accepted::Duplicate(before.receipt.clone());
        }
        let receipt = match &event.schedule {
            Some(schedule) => {
                self.schedules.push(schedule.clone());
                Receipt { outcome: Outcome::Scheduled, ..Receipt::default() }
            }
            None => self.enter(event, now),
        };
        let remembered = Remembered {
            body_hash: event.body_hash,
            kind: event.kind.clone(),
            received_at: event.received_at,
            receipt: Receipt { ended: Vec::new(), ..receipt.clone() },
        };
        self.events.insert(key, remembered);
        Accepted::New(receipt)
    }

    fn enter(&mut self, event: &NewEvent, now: EpochMs) -> Receipt {
        let riders = self.audience(event.app, &event.target);
        let scheduled = event.alert.as_ref().is_some_and(|alert| alert.starts_at > now);
        let later = scheduled || riders.len() > AUDIENCE_MAX;
        let means = riders.len() as u64;
        let incoming = Incoming {
            app: event.app,
            key_mode: event.key_mode,
            order: event.order_id.as_ref(),
            stamp: event.stamp,
            policy: &event.policy,
            alert: event.alert.as_ref().map(|alert| &alert.head),
            away: event.away.as_ref().map(|alert| &alert.head),
            previous_rider: event.previous_rider.as_ref(),
            audience: if later { Audience::Later } else { Audience::Now(riders) },
        };
        let entered = self.book.accept(&incoming, &event.world.context(now));
        self.file();
        for body in [&event.alert, &event.away].into_iter().flatten() {
            if entered.alerts.iter().any(|alert| alert.alert == body.id) {
                self.insert_body(body.clone(), now);
            }
        }
        let told_later = later && event.alert.is_some() && !matches!(entered.outcome, Outcome::Dropped(_));
        if let (true, Some(alert)) = (told_later, &event.alert) {
            let (target, reached) = (event.target.clone(), Reached::Nobody);
            let waiting = Waiting { target, stamp: event.stamp, after: None, reached };
            self.targets.insert(alert.id, waiting);
        }
        Receipt {
            outcome: entered.outcome,
            alerts: entered.alerts,
            audience: told_later.then_some(means),
            ended: entered.ended,
        }
    }

    /// The recipe of its sound is kept by itself, as used when the alert is told.
    pub(super) fn insert_body(&mut self, body: Alert, now: EpochMs) {
        let used_at = body.starts_at.max(now);
        let sound = body.sound.clone().map(|sound| self.keep_recipe_of(sound, used_at));
        self.bodies.insert(body.id, Alert { stored_at: now, sound, ..body });
    }

    pub(super) fn event(&self, app: AppId, source: String, id: EventId) -> Option<(String, Receipt)> {
        let remembered = self.events.get(&(app, source, id))?;
        Some((remembered.kind.clone(), remembered.receipt.clone()))
    }

    pub(super) fn forget_events(&mut self, before: EpochMs, limit: u32) -> u64 {
        let mut old: Vec<_> = self.events.iter().filter(|(_, event)| event.received_at < before).collect();
        old.sort_by_key(|(_, event)| event.received_at);
        let old: Vec<_> = old.into_iter().take(limit as usize).map(|(key, _)| key.clone()).collect();
        old.iter().filter(|key| self.events.remove(key).is_some()).count() as u64
    }

    pub(super) fn due_targets(&self, now: EpochMs, limit: u32) -> Vec<DueTarget> {
        let heads = self.targets.keys().filter_map(|alert| self.book.head(*alert));
        let mut due: Vec<_> = heads.filter(|head| head.is_open() && head.starts_at <= now).collect();
        due.sort_by_key(|head| (head.starts_at, head.id));
        let due = due.into_iter().take(limit as usize);
        due.map(|head| DueTarget { app: head.app, alert: head.id, kind: head.kind.clone() }).collect()
    }

    pub(super) fn unroll(
        &mut self,
        alert: AlertId,
        chunk: u32,
        policy: &OrderPolicy,
        world: &World,
        at: EpochMs,
    ) -> Unrolled {
        let (Some(head), Some(waiting)) = (self.book.head(alert), self.targets.get(&alert)) else {
            return Unrolled::default();
        };
        let app = head.app;
        if !head.is_open() {
            self.targets.remove(&alert);
            return Unrolled::default();
        }
        if head.starts_at > at {
            return Unrolled::default();
        }
        let mut riders = self.audience(app, &waiting.target);
        riders.sort();
        riders.retain(|rider| waiting.after.as_ref().is_none_or(|after| rider > after));
        riders.truncate(chunk as usize);
        let stamp = waiting.stamp;
        let last = if riders.len() < chunk as usize { Last::Yes } else { Last::No };
        let part = Part { riders: &riders, last, reached: waiting.reached };
        let (ended, reached) = self.book.unroll(alert, &part, policy, stamp, &world.context(at));
        self.file();
        match last {
            Last::Yes => drop(self.targets.remove(&alert)),
            Last::No => {
                if let Some(waiting) = self.targets.get_mut(&alert) {
                    waiting.after = riders.last().cloned();
                    waiting.reached = reached;
                }
            }
        }
        let open = |rider: &RiderId| self.book.delivery(alert, rider).is_some_and(Delivery::is_open);
        let told = riders.into_iter().filter(open).map(|rider| RiderKey { app, rider });
        Unrolled { riders: told.collect(), ended, more: last == Last::No }
    }

    pub(super) fn audience(&self, app: AppId, target: &Target) -> Vec<RiderId> {
        let members = target.groups.iter().filter_map(|group| self.groups.get(&(app, group.clone())));
        let known = self.book.riders().map(|(rider, _)| rider);
        let known = known.filter(|rider| target.broadcast && rider.app == app && rider.known);
        let all = target.riders.iter().chain(members.flatten()).chain(known.map(|rider| &rider.id));
        let mut riders: Vec<RiderId> = Vec::new();
        let mut seen: std::collections::HashSet<&RiderId> = target.exclude.iter().collect();
        for rider in all {
            if seen.insert(rider) {
                riders.push(rider.clone());
            }
        }
        riders
    }
}

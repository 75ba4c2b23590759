//! A ladder step is taken: once, at its time or as a fallback, and only while the alert still waits for an answer.
//! Steps that fell due together, after a stop or a jump of the clock, ring once and not once each.

use super::{Book, Call, Context, Ended, Guard, NoticeKind, Reached};
use crate::domain::alert::AlertChange;
use crate::domain::delivery::Change;
use crate::domain::kind::OrderPolicy;
use crate::domain::ladder::{Act, HttpCall, is_done};
use crate::domain::order::Stamp;
use crate::domain::{AlertId, AlertState, CallId, Delivery, DeliveryState, EpochMs, Head, RiderId, RiderKey};

/// Why a step is taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum When {
    /// Its time has come.
    Due,
    /// Nobody can hear the alert, and the step is a fallback.
    Fallback,
}

/// What a step did.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Stepped {
    /// Its word.
    pub act: &'static str,
    /// Riders to ring.
    pub rung: Vec<RiderKey>,
    /// Deliveries it has ended.
    pub ended: Vec<Ended>,
    /// Requests it asks for.
    pub calls: Vec<CallId>,
}

/// Most riders a `station` step brings: more would hold up everybody else's orders.
const STATION_MAX: usize = 1_000;
/// Most riders one `http` step calls for.
const CALLS_MAX: usize = 20;

impl Book {
    /// Takes the step of this level. `None` if it was taken before, is not due, or the alert waits no more.
    /// `station` is who a step for a whole station means.
    pub fn step(
        &mut self,
        alert: AlertId,
        level: u32,
        when: When,
        station: &[RiderId],
        context: &Context<'_>,
    ) -> Option<Stepped> {
        let at = context.at;
        let head = self.head(alert)?.clone();
        let step = head.ladder.steps().get(level as usize)?;
        let once = self.looks_at(Guard::StepOnce);
        let fits = match when {
            When::Due if once => head.due_level(at) == Some(level),
            When::Due => step.due_at(head.starts_at) <= at,
            When::Fallback => step.fallback,
        };
        // At the end of an alert's time there is nobody to ring or ask any more, but somebody to tell.
        let lives = head.expires_at > at || !(step.act.rings() || step.act.widens());
        let waits = head.state == AlertState::Active && lives;
        if !fits || !waits || (once && is_done(head.steps_done, level)) {
            return None;
        }
        if let Some(row) = self.head_mut(alert) {
            row.take_step(level, at);
        }
        let mut stepped = Stepped { act: step.act.word(), ..Stepped::default() };
        match &step.act {
            Act::Repeat | Act::Louder => stepped.rung = self.ring_again(alert, at),
            Act::Next => self.ask_next(alert, context, &mut stepped),
            Act::Station { .. } => self.widen(alert, station, context, &mut stepped),
            Act::Desk => self.notice(NoticeKind::Desk, &head, None, at),
            Act::Http(call) => stepped.calls = self.call(&head, level, call, context),
            Act::Exhausted => stepped.ended = self.exhaust(&head, context),
        }
        if step.act.widens() {
            self.tell_if_unreachable(alert, context);
        }
        let still_open = self.head(alert).map_or(0, |head| head.open_count);
        self.move_on(alert, AlertChange::DeliveryEnded { still_open }, at);
        Some(stepped)
    }

    /// Rings everyone who has not answered, with the next number of their sequence.
    fn ring_again(&mut self, alert: AlertId, at: EpochMs) -> Vec<RiderKey> {
        let mut rung = Vec::new();
        for place in self.open_of(alert) {
            let delivery = &self.deliveries[place].row;
            if delivery.state == DeliveryState::Claimed || delivery.expires_at <= at {
                continue;
            }
            let key = RiderKey { app: delivery.app, rider: delivery.rider.clone() };
            let row = self.rider_mut(&key, at);
            row.seq += 1;
            let seq = row.seq;
            self.change(place, &Change::Rung { seq }, at);
            rung.push(key);
        }
        rung
    }

    /// Takes the offer from those who have it and gives it to the next candidate who may have it.
    fn ask_next(&mut self, alert: AlertId, context: &Context<'_>, stepped: &mut Stepped) {
        let Some(candidates) = self.head(alert).map(|head| head.candidates.clone()) else { return };
        loop {
            let Some(head) = self.head_mut(alert) else { return };
            let Some(rider) = candidates.get(head.candidates_asked as usize) else { return };
            head.candidates_asked += 1;
            // Who has had it already is not asked again.
            if self.place(alert, rider).is_some() {
                continue;
            }
            self.add_rider(alert, rider, context, stepped);
            let open = self.delivery(alert, rider).is_some_and(Delivery::is_open);
            if open {
                self.pass_on(alert, rider, context, stepped);
                return;
            }
        }
    }

    fn pass_on(&mut self, alert: AlertId, to: &RiderId, context: &Context<'_>, stepped: &mut Stepped) {
        let others = self.open_places(|delivery, _| {
            delivery.alert == alert && delivery.rider != *to && delivery.state != DeliveryState::Claimed
        });
        for place in others {
            let before = self.deliveries[place].row.clone();
            stepped.ended.extend(self.end_all(&[place], &Change::Expired, context.at));
            self.count_unanswered(&before, context.rules.unresponsive_after, context.at);
        }
    }

    fn widen(&mut self, alert: AlertId, station: &[RiderId], context: &Context<'_>, stepped: &mut Stepped) {
        for rider in station.iter().take(STATION_MAX) {
            self.add_rider(alert, rider, context, stepped);
        }
    }

    /// Whoever has the alert by now, the backend hears if none of them can hear it.
    fn tell_if_unreachable(&mut self, alert: AlertId, context: &Context<'_>) {
        let open = self.open_of(alert).into_iter().map(|place| self.deliveries[place].row.rider.clone());
        let open: Vec<RiderId> = open.collect();
        if self.reached(alert, &open, context) == Reached::Nobody {
            self.tell_unreachable(alert, context);
        }
    }

    fn add_rider(&mut self, alert: AlertId, rider: &RiderId, context: &Context<'_>, stepped: &mut Stepped) {
        let (stamp, policy) = (Stamp::default(), OrderPolicy { ends: None, ..OrderPolicy::default() });
        let told = self.deliver(alert, rider, stamp, &policy, context, &mut stepped.ended);
        if told.is_some() {
            self.note_rung(alert, rider, context.at);
        }
        if let (Some(told), Some(head)) = (told, self.head(alert))
            && told.reason.is_none()
        {
            stepped.rung.push(RiderKey { app: head.app, rider: told.rider });
        }
    }

    /// One request for each rider who still has the alert; for an offer nobody has, none.
    fn call(&mut self, head: &Head, level: u32, call: &HttpCall, context: &Context<'_>) -> Vec<CallId> {
        let mut ids = Vec::new();
        for place in self.open_of(head.id).into_iter().take(CALLS_MAX) {
            let rider = self.deliveries[place].row.rider.clone();
            let id = CallId::new(context.at, (context.entropy)());
            ids.push(id);
            self.calls.push(Call {
                id,
                app: head.app,
                alert: head.id,
                rider,
                level,
                call: call.clone(),
                due_at: context.at,
                attempts: 0,
            });
        }
        ids
    }

    /// Ends the alert. Claims stay open, and the alert with them: the backend has been asked, and its word still counts.
    fn exhaust(&mut self, head: &Head, context: &Context<'_>) -> Vec<Ended> {
        let claimed = self
            .open_places(|delivery, _| delivery.alert == head.id && delivery.state == DeliveryState::Claimed);
        if claimed.is_empty() {
            self.move_on(head.id, AlertChange::Exhausted, context.at);
        }
        let mut ended = Vec::new();
        let waiting = self
            .open_places(|delivery, _| delivery.alert == head.id && delivery.state != DeliveryState::Claimed);
        for place in waiting {
            let before = self.deliveries[place].row.clone();
            ended.extend(self.end_all(&[place], &Change::Expired, context.at));
            self.count_unanswered(&before, context.rules.unresponsive_after, context.at);
        }
        ended
    }

    /// Whether none of the riders who have the alert can hear it, while a fallback step waits to be taken.
    #[must_use]
    pub fn needs_fallback(head: &Head, riders: &[RiderId], context: &Context<'_>) -> Option<u32> {
        let level = head.ladder.fallback(head.steps_done)?;
        let reaches_someone = riders.iter().any(|rider| context.presence.is_audible(head.app, rider));
        (!reaches_someone).then_some(level)
    }
}

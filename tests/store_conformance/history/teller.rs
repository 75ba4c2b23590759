//! Tells a history on a stage, and says in words what came of each step and what there is afterwards.

use std::fmt::Debug;

use orderbell::domain::app::KeyMode;
use orderbell::domain::{AlertId, EpochMs, OrderKey, RiderKey, Settlement};
use orderbell::store::{Accepted, CallResult, DeviceCheck, RiderPatch, StoreResult, When};

use super::steps::{EVENTS, Event, GROUPS, ORDERS, RIDERS, Step, Together, Verdict};
use crate::stage::{Stage, made_of, parsed};
use crate::told::{Told, rules};

/// A stage and the alerts that were made on it.
pub(super) struct Teller {
    pub(super) stage: Stage,
    alerts: Vec<AlertId>,
}

/// What alerts sound with: later, louder, and from the first.
const CLIPS: [&str; 3] = ["clip", "fallback", "ready"];

pub(super) fn said<T: Debug>(result: StoreResult<T>) -> String {
    format!("{:?}", result.unwrap())
}

fn names(places: &[usize]) -> Vec<&'static str> {
    places.iter().map(|&place| RIDERS[place]).collect()
}

impl Teller {
    pub(super) fn new(stage: Stage) -> Self {
        Self { stage, alerts: Vec::new() }
    }

    pub(super) async fn strike(&self) {
        self.stage.strike().await;
    }

    /// The newest are the likeliest to be open: places count back from there.
    fn alert(&self, place: usize) -> AlertId {
        self.alerts.iter().rev().nth(place).copied().unwrap_or(AlertId::new(EpochMs(1), [9; 10]))
    }

    pub(super) fn rider(&self, place: usize) -> RiderKey {
        self.stage.rider(RIDERS[place])
    }

    /// Takes a step.
    #[expect(clippy::too_many_lines, reason = "one arm a step: a table, not a procedure")]
    pub(super) async fn take(&mut self, step: &Step, now: i64) -> String {
        self.stage.set_clock(now);
        let (store, app, at) = (self.stage.store.clone(), self.stage.app, EpochMs(now));
        let group = |place: usize| GROUPS[place].parse().unwrap();
        match step {
            Step::Accept(event) => self.accept(event, now).await,
            Step::Render(alert) => {
                said(store.mark_rendered(self.alert(*alert), made_of(CLIPS[0], "a"), at).await)
            }
            Step::Progress(changes) => {
                let says = |(rider, alert, change): &(usize, usize, _)| {
                    self.stage.says(RIDERS[*rider], self.alert(*alert), Clone::clone(change), now)
                };
                said(store.progress(changes.iter().map(says).collect()).await)
            }
            Step::Settle(alert, verdict) => {
                let settlement = match verdict {
                    Verdict::Winner(rider) => Settlement::Winner(self.rider(*rider).rider),
                    Verdict::Nobody => Settlement::Nobody,
                    Verdict::Lost(rider) => Settlement::Lost(self.rider(*rider).rider),
                };
                said(store.settle(app, self.alert(*alert), settlement, at).await)
            }
            Step::CancelAlert(alert) => said(store.cancel_alert(app, self.alert(*alert), at).await),
            Step::CancelOrder(order, test) => {
                let key_mode = if *test { KeyMode::Test } else { KeyMode::Live };
                let order = OrderKey { key_mode, ..self.stage.order(ORDERS[*order]) };
                said(store.cancel_order(order, at).await)
            }
            Step::Expire(limit) => said(store.expire_due(at, 2, *limit).await),
            Step::Steps => self.take_steps(at).await,
            Step::Fallback(alert, level) => {
                let (alert, sound) = (self.alert(*alert), Some(made_of(CLIPS[1], "b")));
                let world = self.stage.world(rules());
                said(store.step(alert, *level, When::Fallback, sound, world, at).await)
            }
            Step::Unroll(chunk) => self.unroll(*chunk, at).await,
            Step::Merge(together) => self.merge(*together, at).await,
            Step::Ask(again_ms) => {
                let mut words = Vec::new();
                for (alert, rider) in store.due_asks(at, 9).await.unwrap() {
                    let asked = store.take_ask(alert, rider, at.plus_ms(*again_ms), at);
                    words.push(said(asked.await));
                }
                words.concat()
            }
            Step::AskAgain(rider, alert, in_ms) => {
                let again_at = in_ms.map(|in_ms| at.plus_ms(in_ms));
                said(store.ask_again(self.alert(*alert), self.rider(*rider), again_at).await)
            }
            Step::Calls => {
                let mut words = Vec::new();
                for call in store.due_calls(at, 9).await.unwrap() {
                    words.push(said(store.take_call(call.id, at.plus_ms(500), at).await));
                    if call.attempts > 0 {
                        words.push(said(store.finish_call(call.id, CallResult::Done(200), at).await));
                    }
                }
                words.concat()
            }
            Step::Touch(rider) => said(store.touch_rider(self.rider(*rider), at).await),
            Step::Duty(rider, duty) => said(store.set_duty(self.rider(*rider), *duty, at).await),
            Step::Put(rider, on_duty) => {
                let patch = RiderPatch { on_duty: *on_duty, ..RiderPatch::default() };
                said(store.put_rider(self.rider(*rider), patch, at).await)
            }
            Step::Admit(rider, admission) => said(store.admit(self.rider(*rider), *admission, at).await),
            Step::Erase(rider) => said(store.delete_rider(self.rider(*rider), at).await),
            Step::PutGroup(place, riders) => {
                said(store.put_group(app, group(*place), parsed(&names(riders))).await)
            }
            Step::ChangeGroup(place, add, remove) => {
                let (add, remove) = (parsed(&names(add)), parsed(&names(remove)));
                said(store.change_group(app, group(*place), add, remove).await)
            }
            Step::DeleteGroup(place) => said(store.delete_group(app, group(*place)).await),
            Step::Check(rider) => {
                let check = DeviceCheck { at, result: "{}".to_owned() };
                said(store.add_check(self.rider(*rider), check).await)
            }
            Step::Tell(tell) => self.tell(tell, at).await,
            Step::Forget(before, limit) => said(store.forget_events(EpochMs(*before), *limit).await),
            Step::ForgetOrders(before, limit) => said(store.forget_orders(EpochMs(*before), *limit).await),
            Step::ForgetRecipes(before, limit) => said(store.forget_recipes(EpochMs(*before), *limit).await),
        }
    }

    async fn accept(&mut self, event: &Event, now: i64) -> String {
        let keys = ["k1", "k2"];
        let told = Told {
            id: EVENTS[event.id],
            body: event.body,
            key_mode: event.rest.key_mode,
            kind: event.kind.0,
            policy: event.kind.1.clone(),
            silent: event.silent,
            order: event.order.map(|order| ORDERS[order]),
            version: event.version,
            previous: event.previous.map(|rider| RIDERS[rider]),
            riders: &names(&event.riders),
            groups: &event.group.map(|group| GROUPS[group]).into_iter().collect::<Vec<_>>(),
            exclude: &names(&event.exclude),
            everyone: event.everyone,
            duty: event.rest.duty,
            urgency: event.rest.urgency,
            mode: event.offer.mode,
            arbiter: event.offer.arbiter,
            answer_ms: event.offer.answer_ms,
            ladder: event.offer.ladder.clone(),
            candidates: &names(&event.offer.candidates),
            key: event.key.map(|key| keys[key]),
            starts_at: event.starts_in.map(|starts_in| now + starts_in),
            expires_at: now + event.starts_in.unwrap_or(0) + event.life,
            callback_url: event.order.map(|_| "https://backend.example/told"),
            sound: event.rest.has_sound.then(|| made_of(CLIPS[2], "c")),
            rules: event.rest.rules,
            ..Told::default()
        };
        let accepted = self.stage.store.accept(self.stage.event(&told)).await.unwrap();
        if let Accepted::New(receipt) = &accepted {
            self.alerts.extend(receipt.alerts.iter().map(|alert| alert.alert));
        }
        format!("{accepted:?}")
    }

    async fn take_steps(&self, at: EpochMs) -> String {
        let mut words = Vec::new();
        for due in self.stage.store.due_steps(at, 9).await.unwrap() {
            let world = self.stage.world(rules());
            let step = self.stage.store.step(due.head.id, due.level, When::Due, None, world, at);
            words.push(said(step.await));
        }
        words.concat()
    }

    async fn unroll(&self, chunk: u32, at: EpochMs) -> String {
        let mut words = Vec::new();
        for due in self.stage.store.due_targets(at, 9).await.unwrap() {
            let (policy, world) =
                (orderbell::domain::kind::OrderPolicy::default(), self.stage.world(rules()));
            words.push(said(self.stage.store.unroll(due.alert, chunk, policy, world, at).await));
        }
        words.concat()
    }

    async fn merge(&mut self, together: Together, at: EpochMs) -> String {
        let mut words = Vec::new();
        for (rider, count) in self.stage.store.due_bursts(at, 9).await.unwrap() {
            let told = Told { kind: "merge", key: Some("k1"), expires_at: at.0 + 5_000, ..Told::default() };
            let drafted = self.stage.event(&told).alert.unwrap();
            let id = drafted.id;
            let together = match together {
                Together::Fits => Some((drafted, count)),
                Together::DoesNotFit => Some((drafted, count + 1)),
                Together::Nothing => None,
            };
            words.push(said(self.stage.store.merge(rider, together, self.stage.world(rules()), at).await));
            self.alerts.push(id);
        }
        words.concat()
    }

    /// Everything that can be asked.
    pub(super) async fn everything(&self, now: i64) -> Vec<String> {
        let (store, app, at) = (&self.stage.store, self.stage.app, EpochMs(now));
        let mut all = Vec::new();
        for place in 0..RIDERS.len() {
            let rider = || self.rider(place);
            all.push(said(store.rider(rider()).await));
            all.push(said(store.checks(rider()).await));
            all.push(said(store.open_deliveries(rider(), 9).await));
            all.push(said(store.open_ids(rider()).await));
            all.push(said(store.ended_reasons(rider(), self.alerts.clone()).await));
            all.push(said(store.laddered(rider()).await));
        }
        for &alert in &self.alerts {
            all.push(said(store.alert(app, alert).await));
        }
        for event in EVENTS {
            for source in ["backend", "backend.test"] {
                all.push(said(store.event(app, source.to_owned(), event.parse().unwrap()).await));
            }
        }
        for group in GROUPS {
            all.push(said(store.group(app, group.parse().unwrap()).await));
        }
        for clip in CLIPS {
            all.push(said(store.clip_recipe(format!("{clip}.mp3")).await));
        }
        all.push(said(store.unrendered(9).await));
        for ago in [0, 800, now] {
            all.push(said(store.pending_since(EpochMs(now - ago), 9).await));
        }
        all.push(said(store.due_steps(at, 99).await));
        all.push(said(store.due_targets(at, 99).await));
        all.push(said(store.due_bursts(at, 99).await));
        all.push(said(store.due_asks(at, 99).await));
        all.push(said(store.due_calls(at, 99).await));
        all.push(said(store.notices(app, 0, 99).await));
        all.extend(self.everything_told(at).await);
        all
    }
}

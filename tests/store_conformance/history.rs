//! Random histories: whatever is done, in whatever order, SQLite answers as the model does.
//! Ids, entropy and the clock are counted, so equal histories are told in equal words.

use orderbell::domain::delivery::Change;
use orderbell::domain::target::DutyRule;
use orderbell::domain::{AlertId, Answer, EpochMs, Need, RiderKey, Urgency};
use orderbell::store::{Accepted, DeviceCheck, Progress, RiderPatch};
use proptest::prelude::*;

use crate::stage::{Everyone, Silent, Stage, Told, a_sound, parsed};

const RIDERS: [&str; 4] = ["r1", "r2", "r3", "骑手"];
const GROUPS: [&str; 2] = ["east", "west"];
const EVENTS: [&str; 8] = ["e1", "e2", "e3", "e4", "e5", "e6", "e7", "e8"];

#[derive(Clone, Debug)]
enum Step {
    Accept { event: usize, body: u8, riders: Vec<usize>, group: Option<usize>, rest: Rest },
    Render(usize),
    Progress(Vec<(usize, usize, Change)>),
    CancelAlert(usize),
    CancelOrder(usize),
    Expire(u32),
    Touch(usize),
    Duty(usize, bool),
    Put(usize, Option<bool>),
    Erase(usize),
    PutGroup(usize, Vec<usize>),
    ChangeGroup(usize, Vec<usize>, Vec<usize>),
    DeleteGroup(usize),
    Check(usize),
    Forget(i64, u32),
}

#[derive(Clone, Debug)]
struct Rest {
    everyone: Everyone,
    silent: Silent,
    duty: DutyRule,
    urgency: Urgency,
    need: Need,
    exclude: Vec<usize>,
    life: i64,
}

fn rider() -> impl Strategy<Value = usize> {
    0..RIDERS.len()
}

fn some_riders() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(rider(), 0..4)
}

fn rest() -> impl Strategy<Value = Rest> {
    let everyone = prop_oneof![4 => Just(Everyone::No), 1 => Just(Everyone::Yes)];
    let silent = prop_oneof![6 => Just(Silent::No), 1 => Just(Silent::Yes)];
    let duty = prop_oneof![Just(DutyRule::OnDutyOnly), Just(DutyRule::Anyone)];
    let urgency = proptest::sample::select(&Urgency::ALL[..]);
    let need = prop_oneof![Just(Need::None), Just(Need::Confirm), Just(Need::Accept)];
    let exclude = prop_oneof![3 => Just(Vec::new()), 1 => some_riders()];
    (everyone, silent, duty, urgency, need, exclude, 1_i64..30).prop_map(
        |(everyone, silent, duty, urgency, need, exclude, life)| Rest {
            everyone,
            silent,
            duty,
            urgency,
            need,
            exclude,
            life,
        },
    )
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        Just(Change::Sent),
        Just(Change::Received),
        Just(Change::Playing),
        (1_u32..3).prop_map(|play| Change::Played { play }),
        Just(Change::Trouble("failed:network".to_owned())),
        prop_oneof![Just(Answer::Confirm), Just(Answer::Accept), Just(Answer::Decline)]
            .prop_map(Change::Answered),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let alert = || 0_usize..12;
    prop_oneof![
        8 => (0..EVENTS.len(), 1_u8..3, some_riders(), proptest::option::of(0..GROUPS.len()), rest()).prop_map(
            |(event, body, riders, group, rest)| Step::Accept { event, body, riders, group, rest }
        ),
        5 => alert().prop_map(Step::Render),
        8 => proptest::collection::vec((rider(), alert(), change()), 1..5).prop_map(Step::Progress),
        1 => alert().prop_map(Step::CancelAlert),
        1 => (0_usize..3).prop_map(Step::CancelOrder),
        2 => (1_u32..4).prop_map(Step::Expire),
        2 => rider().prop_map(Step::Touch),
        2 => (rider(), any::<bool>()).prop_map(|(rider, on)| Step::Duty(rider, on)),
        1 => (rider(), any::<Option<bool>>()).prop_map(|(rider, on)| Step::Put(rider, on)),
        1 => rider().prop_map(Step::Erase),
        1 => (0..GROUPS.len(), some_riders()).prop_map(|(group, riders)| Step::PutGroup(group, riders)),
        1 => (0..GROUPS.len(), some_riders(), some_riders())
            .prop_map(|(group, add, remove)| Step::ChangeGroup(group, add, remove)),
        1 => (0..GROUPS.len()).prop_map(Step::DeleteGroup),
        1 => rider().prop_map(Step::Check),
        1 => (0_i64..60, 1_u32..4).prop_map(|(before, limit)| Step::Forget(before, limit)),
    ]
}

/// A stage and the alerts that were made on it.
struct Teller {
    stage: Stage,
    alerts: Vec<AlertId>,
}

impl Teller {
    fn alert(&self, place: usize) -> AlertId {
        self.alerts.get(place).copied().unwrap_or(AlertId::new(EpochMs(1), [9; 10]))
    }

    fn rider(&self, place: usize) -> RiderKey {
        self.stage.rider(RIDERS[place])
    }

    /// Takes a step and says, in words, what came of it.
    #[expect(clippy::too_many_lines, reason = "one arm a step: a table, not a procedure")]
    async fn take(&mut self, step: &Step, now: i64) -> String {
        self.stage.set_clock(now);
        let (store, app, at) = (&self.stage.store, self.stage.app, EpochMs(now));
        let names = |places: &[usize]| places.iter().map(|&place| RIDERS[place]).collect::<Vec<_>>();
        let group = |place: usize| GROUPS[place].parse().unwrap();
        match step {
            Step::Accept { event, body, riders, group, rest } => {
                let told = Told {
                    id: EVENTS[*event],
                    body: *body,
                    riders: &names(riders),
                    groups: &group.map(|group| GROUPS[group]).into_iter().collect::<Vec<_>>(),
                    exclude: &names(&rest.exclude),
                    order: Some(["o1", "o2", "o3"][event % 3]),
                    everyone: rest.everyone,
                    silent: rest.silent,
                    duty: rest.duty,
                    urgency: rest.urgency,
                    need: rest.need,
                    expires_at: now + rest.life,
                    ..Told::default()
                };
                let accepted = store.accept(self.stage.event(&told)).await.unwrap();
                if let Accepted::New(receipt) = &accepted {
                    self.alerts.extend(receipt.alert);
                }
                format!("{accepted:?}")
            }
            Step::Render(alert) => {
                format!("{:?}", store.mark_rendered(self.alert(*alert), a_sound("clip"), at).await.unwrap())
            }
            Step::Progress(changes) => {
                let changes = changes.iter().map(|(rider, alert, change)| Progress {
                    rider: self.rider(*rider),
                    alert: self.alert(*alert),
                    change: change.clone(),
                    at,
                });
                format!("{:?}", store.progress(changes.collect()).await.unwrap())
            }
            Step::CancelAlert(alert) => {
                format!("{:?}", store.cancel_alert(app, self.alert(*alert), at).await.unwrap())
            }
            Step::CancelOrder(order) => {
                let order = ["o1", "o2", "o3"][*order].parse().unwrap();
                format!("{:?}", store.cancel_order(app, order, at).await.unwrap())
            }
            Step::Expire(limit) => format!("{:?}", store.expire_due(at, *limit).await.unwrap()),
            Step::Touch(rider) => format!("{:?}", store.touch_rider(self.rider(*rider), at).await.unwrap()),
            Step::Duty(rider, on) => {
                format!("{:?}", store.set_duty(self.rider(*rider), *on, at).await.unwrap())
            }
            Step::Put(rider, on_duty) => {
                let patch = RiderPatch { on_duty: *on_duty, ..RiderPatch::default() };
                format!("{:?}", store.put_rider(self.rider(*rider), patch, at).await.unwrap())
            }
            Step::Erase(rider) => format!("{:?}", store.delete_rider(self.rider(*rider), at).await.unwrap()),
            Step::PutGroup(place, riders) => {
                format!("{:?}", store.put_group(app, group(*place), parsed(&names(riders))).await.unwrap())
            }
            Step::ChangeGroup(place, add, remove) => {
                let (add, remove) = (parsed(&names(add)), parsed(&names(remove)));
                format!("{:?}", store.change_group(app, group(*place), add, remove).await.unwrap())
            }
            Step::DeleteGroup(place) => {
                format!("{:?}", store.delete_group(app, group(*place)).await.unwrap())
            }
            Step::Check(rider) => {
                let check = DeviceCheck { at, result: "{}".to_owned() };
                format!("{:?}", store.add_check(self.rider(*rider), check).await.unwrap())
            }
            Step::Forget(before, limit) => {
                format!("{:?}", store.forget_events(EpochMs(100 + before), *limit).await.unwrap())
            }
        }
    }

    /// Everything that can be asked.
    async fn everything(&self) -> Vec<String> {
        let (store, app) = (&self.stage.store, self.stage.app);
        let mut all = Vec::new();
        for place in 0..RIDERS.len() {
            let rider = || self.rider(place);
            all.push(format!("{:?}", store.rider(rider()).await.unwrap()));
            all.push(format!("{:?}", store.checks(rider()).await.unwrap()));
            all.push(format!("{:?}", store.open_deliveries(rider(), 9).await.unwrap()));
            all.push(format!("{:?}", store.open_ids(rider()).await.unwrap()));
            all.push(format!("{:?}", store.ended_reasons(rider(), self.alerts.clone()).await.unwrap()));
        }
        for &alert in &self.alerts {
            all.push(format!("{:?}", store.alert(app, alert).await.unwrap()));
        }
        for event in EVENTS {
            let event = store.event(app, "backend".to_owned(), event.parse().unwrap()).await.unwrap();
            all.push(format!("{event:?}"));
        }
        for group in GROUPS {
            all.push(format!("{:?}", store.group(app, group.parse().unwrap()).await.unwrap()));
        }
        all.push(format!("{:?}", store.unrendered(9).await.unwrap()));
        for since in [0, 110, 130] {
            all.push(format!("{:?}", store.pending_since(EpochMs(since), 9).await.unwrap()));
        }
        all
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sqlite_answers_as_the_model_does(steps in proptest::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut model = Teller { stage: Stage::on_model().await, alerts: Vec::new() };
            let mut sqlite = Teller { stage: Stage::on_sqlite().await, alerts: Vec::new() };
            for (now, step) in (100..).zip(&steps) {
                let (expected, found) = (model.take(step, now).await, sqlite.take(step, now).await);
                prop_assert_eq!(expected, found, "{:?} at {}", step, now);
            }
            let (expected, found) = (model.everything().await, sqlite.everything().await);
            for (expected, found) in expected.into_iter().zip(found) {
                prop_assert_eq!(expected, found);
            }
            sqlite.stage.strike().await;
            Ok(())
        })?;
    }
}

//! What a seed means: who is there, what the backend says and when, and how much goes wrong.
//! A plan is data; the parts of the world carry it out.

use orderbell::domain::app::KeyMode;
use orderbell::domain::{GroupId, OrderKey, RiderId};
use serde_json::{Value, json};

use crate::simulation::client::Confirms;
use crate::simulation::dice::Dice;
use crate::simulation::link::Network;
use crate::simulation::node::APP;
use crate::simulation::store::{CrashAt, StoreFaults};
use crate::simulation::stories::Stage;

/// One world.
pub(crate) struct Plan {
    pub(crate) riders: Vec<RiderPlan>,
    pub(crate) groups: Vec<(GroupId, Vec<RiderId>)>,
    /// Whether new orders that come together are told together.
    pub(crate) merges: bool,
    pub(crate) events: Vec<EventPlan>,
    pub(crate) orders: Vec<(i64, Order)>,
    pub(crate) store: StoreFaults,
    pub(crate) crash_at: Option<CrashAt>,
    /// From here on nothing goes wrong any more.
    pub(crate) calm_ms: i64,
}

pub(crate) struct RiderPlan {
    pub(crate) name: String,
    /// Whether they are there for tests.
    pub(crate) test: bool,
    /// Whether all devices ring.
    pub(crate) all_devices: bool,
    pub(crate) devices: Vec<DevicePlan>,
}

#[derive(Clone)]
pub(crate) struct DevicePlan {
    pub(crate) name: String,
    pub(crate) network: Network,
    /// When its program is started for the first time.
    pub(crate) starts_ms: i64,
    /// What happens to it, in order.
    pub(crate) acts: Vec<(i64, Act)>,
    /// Whether it is there in the end.
    pub(crate) stays: bool,
}

/// What happens to a device.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    Cut,
    GoDeaf,
    Freeze {
        ms: i64,
    },
    /// The program is killed and started again after a while.
    Kill {
        ms: i64,
    },
    Duty {
        on: bool,
    },
    /// Whether the loudspeaker is the client's.
    Audio {
        on: bool,
    },
}

#[derive(Clone)]
pub(crate) struct EventPlan {
    pub(crate) at_ms: i64,
    /// Another than that of its body, where that is used in both worlds.
    pub(crate) id: String,
    pub(crate) key_mode: KeyMode,
    pub(crate) order: Option<String>,
    pub(crate) version: Option<i64>,
    pub(crate) riders: Vec<RiderId>,
    /// Whether it cancels its order for its riders.
    pub(crate) cancels: bool,
    pub(crate) body: Value,
    pub(crate) post: Post,
    /// What the backend does after the answer.
    pub(crate) after: Option<(i64, After)>,
}

/// How an event is posted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Post {
    Once,
    /// Twice at one moment.
    Twice,
    /// The backend does not wait for the first answer, and posts it again.
    Impatient {
        ms: i64,
    },
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum After {
    CancelAlert,
    CancelOrder,
    /// Decides an offer, whatever its riders say.
    Settle,
}

/// What happens to the server, or what the backend says beside events.
#[derive(Clone, Debug)]
pub(crate) enum Order {
    Restart,
    JumpWall {
        ms: i64,
    },
    Duty {
        rider: usize,
        on: bool,
    },
    /// The day ends for an order: its backend cancels it.
    Close {
        key_mode: KeyMode,
        order: String,
    },
}

impl Plan {
    /// The world of a seed.
    pub(crate) fn of(seed: u64) -> Self {
        let dice = &mut Dice::of(seed, "plan");
        let calm_ms = dice.between(60, 180) * 1000;
        let mut riders: Vec<RiderPlan> =
            (0..dice.between(2, 5)).map(|number| rider(dice, number, calm_ms)).collect();
        let mut events = events(dice, &riders, calm_ms);
        add_tests(&mut Dice::of(seed, "tests"), &mut riders, &mut events);
        let mut orders = closing(&events, calm_ms);
        for _ in 0..dice.between(0, 2) {
            orders.push((dice.between(5_000, calm_ms), Order::Restart));
        }
        if dice.per_mille(150) {
            let ms = dice.between(-30, 30) * 1000;
            orders.push((dice.between(5_000, calm_ms), Order::JumpWall { ms }));
        }
        for _ in 0..dice.between(0, 3) {
            let rider = dice.below(riders.len());
            let (off_ms, for_ms) = (dice.between(5_000, calm_ms), dice.between(1_000, 40_000));
            orders.push((off_ms, Order::Duty { rider, on: false }));
            orders.push((off_ms + for_ms, Order::Duty { rider, on: true }));
        }
        orders.sort_by_key(|(at, _)| *at);
        let store = StoreFaults {
            refuses: *dice.pick(&[0, 0, 5, 20]),
            slow: *dice.pick(&[0, 5, 20, 80]),
            crashes: *dice.pick(&[0, 2, 5, 10]),
        };
        let groups = groups(dice, &riders);
        let merges = dice.per_mille(250);
        Self { riders, groups, merges, events, orders, store, crash_at: None, calm_ms }
    }

    /// One small world in which nothing goes wrong but one crash, at this call.
    pub(crate) fn with_crash(at: CrashAt) -> Self {
        let device = |name: &str, starts_ms| DevicePlan {
            name: name.to_owned(),
            network: Network::Orderly,
            starts_ms,
            acts: Vec::new(),
            stays: true,
        };
        let rider = |name: &str, devices| RiderPlan {
            name: name.to_owned(),
            test: false,
            all_devices: true,
            devices,
        };
        let riders = vec![
            rider("r0", vec![device("r0a", 0), device("r0b", 300)]),
            rider("r1", vec![device("r1a", 4_000)]),
        ];
        let rider_id = |name: &str| name.parse::<RiderId>().unwrap();
        let told = |at_ms, id: &str, kind: &str, riders: &[&str], more: Value, after| {
            let (order, riders) = (format!("o-{id}"), riders.iter().map(|name| rider_id(name)).collect());
            let mut body = json!({"id": id, "kind": kind, "order": {"id": order},
                "target": {"riders": riders}, "alert": {"text": id, "ttl_s": 60}});
            body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
            let (id, order, post) = (id.to_owned(), Some(order), Post::Once);
            let key_mode = KeyMode::Live;
            EventPlan { at_ms, id, key_mode, order, version: None, riders, cancels: false, body, post, after }
        };
        let ladder = json!([{"after_s": 3, "do": "repeat"}, {"after_s": 5, "do": "station", "group": "g0"},
            {"after_s": 7, "do": "http", "http": {"url": "https://voice.example/call"}}, {"after_s": 9, "do": "desk"}]);
        let grab = json!({"offer": {"mode": "grab", "arbiter": "backend", "ladder": ladder},
            "callback_url": "https://backend.example/offers"});
        let (plain, both) = (Value::Null, ["r0", "r1"]);
        let events = vec![
            told(500, "e0", "order.new", &both, plain.clone(), None),
            told(1_000, "e1", "order.assigned", &["r0"], plain.clone(), None),
            told(1_500, "e2", "order.offered", &["r1"], plain.clone(), None),
            told(1_800, "e5", "order.available", &both, grab, None),
            told(2_000, "e3", "order.assigned", &both, plain.clone(), Some((1_500, After::CancelAlert))),
            told(6_000, "e4", "order.changed", &["r1"], plain, Some((1_000, After::CancelOrder))),
        ];
        let orders =
            vec![(5_000, Order::Duty { rider: 0, on: false }), (5_500, Order::Duty { rider: 0, on: true })];
        let store = StoreFaults { refuses: 0, slow: 0, crashes: 0 };
        let groups = vec![("g0".parse().unwrap(), vec![rider_id("r1")])];
        let crash_at = Some(at);
        Self { riders, groups, merges: false, events, orders, store, crash_at, calm_ms: 12_000 }
    }
}

impl EventPlan {
    /// Its order, in its world.
    pub(crate) fn order_key(&self) -> Option<OrderKey> {
        let order = self.order.as_ref()?.parse().unwrap();
        Some(OrderKey { app: *APP, key_mode: self.key_mode, order })
    }

    /// The same, said with a test key, a little later: the same ids and orders, in another world.
    fn tested(&self, dice: &mut Dice) -> Self {
        let at_ms = self.at_ms + dice.between(-1_500, 1_500).max(500 - self.at_ms);
        Self { at_ms, id: test_name(&self.id), key_mode: KeyMode::Test, ..self.clone() }
    }
}

/// What a test event is called here.
pub(crate) fn test_name(event: &str) -> String {
    format!("test-{event}")
}

impl DevicePlan {
    /// Receipts are confirmed one by one where single frames get lost.
    pub(crate) fn confirms(&self) -> Confirms {
        match self.network {
            Network::Orderly => Confirms::UpTo,
            Network::Wild => Confirms::Exactly,
        }
    }
}

fn rider(dice: &mut Dice, number: i64, calm_ms: i64) -> RiderPlan {
    let all_devices = dice.per_mille(400);
    let count = *dice.pick(&[1, 1, 2, 3]);
    // Under `latest` one device is there in the end, under `all` each of them; a few riders never come back.
    let gone = dice.per_mille(50);
    let staying = dice.below(count);
    let devices = (0..count).map(|place| {
        let mut acts: Vec<(i64, Act)> = (0..dice.between(0, 6))
            .map(|_| {
                let at = dice.between(1_000, calm_ms);
                let act = match dice.between(0, 9) {
                    0..3 => Act::Cut,
                    3..5 => Act::GoDeaf,
                    5..7 => Act::Freeze { ms: dice.between(1_000, 70_000) },
                    7 => Act::Kill { ms: dice.between(500, 40_000) },
                    8 => Act::Audio { on: dice.per_mille(400) },
                    _ => Act::Duty { on: dice.per_mille(700) },
                };
                (at, act)
            })
            .collect();
        acts.sort_by_key(|(at, _)| *at);
        DevicePlan {
            name: format!("r{number}{}", ["a", "b", "c"][place]),
            network: if dice.per_mille(400) { Network::Wild } else { Network::Orderly },
            starts_ms: dice.between(0, 20_000),
            acts,
            stays: !gone && (all_devices || place == staying),
        }
    });
    let devices = devices.collect();
    RiderPlan { name: format!("r{number}"), test: false, all_devices, devices }
}

/// What the backend says in a world.
fn events(dice: &mut Dice, riders: &[RiderPlan], calm_ms: i64) -> Vec<EventPlan> {
    let names: Vec<RiderId> = riders.iter().map(|rider| rider.name.parse().unwrap()).collect();
    let most = usize::try_from(dice.between(8, 24)).unwrap();
    let mut stage = Stage { dice, riders: &names, calm_ms, count: 0 };
    let mut events = Vec::new();
    while events.len() < most {
        events.extend(stage.story());
    }
    events
}

/// In some worlds there are test riders, and a part of what is said is said again with a test key.
fn add_tests(dice: &mut Dice, riders: &mut [RiderPlan], events: &mut Vec<EventPlan>) {
    if !dice.per_mille(400) {
        return;
    }
    for rider in riders {
        rider.test = dice.per_mille(400);
    }
    let mut tests = Vec::new();
    for event in &*events {
        if dice.per_mille(400) {
            tests.push(event.tested(dice));
        }
    }
    events.extend(tests);
}

/// Who lost an order is told so for ten minutes, which no world has: such orders are cancelled when the world ends.
fn closing(events: &[EventPlan], calm_ms: i64) -> Vec<(i64, Order)> {
    let mut closing: Vec<(KeyMode, String)> =
        events.iter().filter_map(|event| Some((event.key_mode, event.order.clone()?))).collect();
    closing.retain(|(_, order)| order.starts_with("fro"));
    closing.sort();
    closing.dedup();
    let closing = closing.into_iter();
    closing.map(|(key_mode, order)| (calm_ms + 100_000, Order::Close { key_mode, order })).collect()
}

/// Two stations, each with some of the riders.
fn groups(dice: &mut Dice, riders: &[RiderPlan]) -> Vec<(GroupId, Vec<RiderId>)> {
    let mut group = |name: &str| {
        let members = riders.iter().filter(|_| dice.per_mille(500));
        (name.parse().unwrap(), members.map(|rider| rider.name.parse().unwrap()).collect())
    };
    vec![group("g0"), group("g1")]
}

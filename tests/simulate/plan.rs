//! What a seed means: who is there, what the backend says and when, and how much goes wrong.
//! A plan is data; the parts of the world carry it out.

use crate::simulation::client::Confirms;
use crate::simulation::dice::Dice;
use crate::simulation::link::Network;
use crate::simulation::store::{CrashAt, StoreFaults};

/// One world.
pub(crate) struct Plan {
    pub(crate) riders: Vec<RiderPlan>,
    pub(crate) events: Vec<EventPlan>,
    pub(crate) orders: Vec<(i64, Order)>,
    pub(crate) store: StoreFaults,
    pub(crate) crash_at: Option<CrashAt>,
    /// From here on nothing goes wrong any more.
    pub(crate) calm_ms: i64,
}

pub(crate) struct RiderPlan {
    pub(crate) name: String,
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
}

pub(crate) struct EventPlan {
    pub(crate) at_ms: i64,
    pub(crate) id: String,
    pub(crate) body: String,
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
}

/// What happens to the server, or what the backend says beside events.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    Restart,
    JumpWall { ms: i64 },
    Duty { rider: usize, on: bool },
}

impl Plan {
    /// The world of a seed.
    pub(crate) fn of(seed: u64) -> Self {
        let dice = &mut Dice::of(seed, "plan");
        let calm_ms = dice.between(60, 180) * 1000;
        let riders: Vec<RiderPlan> =
            (0..dice.between(2, 5)).map(|number| rider(dice, number, calm_ms)).collect();
        let count = dice.between(8, 24);
        let events = (0..count).map(|number| event(dice, number, &riders, calm_ms)).collect();
        let mut orders = Vec::new();
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
        Self { riders, events, orders, store, crash_at: None, calm_ms }
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
        let rider = |name: &str, devices| RiderPlan { name: name.to_owned(), all_devices: true, devices };
        let riders = vec![
            rider("r0", vec![device("r0a", 0), device("r0b", 300)]),
            rider("r1", vec![device("r1a", 4_000)]),
        ];
        let told = |at_ms, id: &str, kind: &str, riders: &str, after| EventPlan {
            at_ms,
            id: id.to_owned(),
            body: format!(
                r#"{{"id":"{id}","kind":"{kind}","order":{{"id":"o-{id}"}},"target":{{"riders":[{riders}]}},"alert":{{"text":"{id}","ttl_s":60}}}}"#
            ),
            post: Post::Once,
            after,
        };
        let events = vec![
            told(500, "e0", "order.new", r#""r0","r1""#, None),
            told(1_000, "e1", "order.assigned", r#""r0""#, None),
            told(1_500, "e2", "order.offered", r#""r1""#, None),
            told(2_000, "e3", "order.assigned", r#""r0","r1""#, Some((1_500, After::CancelAlert))),
            told(6_000, "e4", "order.changed", r#""r1""#, Some((1_000, After::CancelOrder))),
        ];
        let orders =
            vec![(5_000, Order::Duty { rider: 0, on: false }), (5_500, Order::Duty { rider: 0, on: true })];
        let store = StoreFaults { refuses: 0, slow: 0, crashes: 0 };
        Self { riders, events, orders, store, crash_at: Some(at), calm_ms: 12_000 }
    }
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
                    7..9 => Act::Kill { ms: dice.between(500, 40_000) },
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
    RiderPlan { name: format!("r{number}"), all_devices, devices }
}

fn event(dice: &mut Dice, number: i64, riders: &[RiderPlan], calm_ms: i64) -> EventPlan {
    let id = format!("e{number}");
    let kind = *dice.pick(&["order.new", "order.assigned", "order.offered", "order.urged", "order.changed"]);
    let order = format!("o{}", dice.between(0, 5));
    // Few sentences, so that some are in the cache.
    let text = format!("sentence {}", dice.between(0, 9));
    let (ttl_s, count, gap_ms) = (dice.between(10, 90), dice.between(1, 6), dice.between(0, 8) * 1000);
    let target = if dice.per_mille(100) {
        r#"{"broadcast":true}"#.to_owned()
    } else {
        let named: Vec<String> =
            (0..dice.between(1, 2)).map(|_| format!("\"{}\"", dice.pick(riders).name)).collect();
        let anyone = if dice.per_mille(200) { r#","on_duty":false"# } else { "" };
        format!(r#"{{"riders":[{}]{anyone}}}"#, named.join(","))
    };
    let body = format!(
        r#"{{"id":"{id}","kind":"{kind}","order":{{"id":"{order}"}},"target":{target},"alert":{{"text":"{text}","ttl_s":{ttl_s},"repeat":{{"count":{count},"gap_ms":{gap_ms}}}}}}}"#
    );
    let post = match dice.between(0, 9) {
        0..8 => Post::Once,
        8 => Post::Twice,
        _ => Post::Impatient { ms: dice.between(1, 50) },
    };
    let after = dice.per_mille(300).then(|| {
        let act = if dice.per_mille(500) { After::CancelAlert } else { After::CancelOrder };
        (dice.between(0, 30_000), act)
    });
    EventPlan { at_ms: dice.between(500, calm_ms), id, body, post, after }
}

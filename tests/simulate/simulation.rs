//! One seed, one world: a server with its store in memory, riders with their devices, a backend, and a network and a
//! voice that fail; all of it on one thread and on paused time, so that a seed gives the same world again.

pub(crate) mod arbiter;
pub(crate) mod backend;
pub(crate) mod client;
pub(crate) mod clock;
pub(crate) mod device;
pub(crate) mod dice;
pub(crate) mod figures;
pub(crate) mod graves;
pub(crate) mod ledger;
pub(crate) mod link;
pub(crate) mod node;
pub(crate) mod offers;
pub(crate) mod oracle;
pub(crate) mod plan;
pub(crate) mod rules;
pub(crate) mod store;
pub(crate) mod stories;
pub(crate) mod told;
pub(crate) mod voice;
pub(crate) mod worlds;

use std::sync::Arc;
use std::time::Duration;

use orderbell::domain::{AppSettings, Head, RiderKey, book};
use orderbell::store::CallbackStore;
use orderbell::store::model::ModelStore;
use tokio::task::JoinSet;

use arbiter::{Arbiter, Door};
use backend::{Backend, Worker};
use clock::WorldTime;
use device::{Device, sleep_ms};
use dice::Dice;
use ledger::{Ledger, Seen};
use node::{APP, Address, Node, Plant};
use plan::{Order, Plan};
use voice::LateVoice;

/// What protects the promises; a test takes one away and shows that the oracle notices.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Guard {
    /// Nothing is missing.
    All,
    /// Frames that were not acknowledged are not sent again.
    WithoutResend,
    /// Rules of the book do not look at these.
    Without(&'static [book::Guard]),
}

/// Time after the last fault in which everything must have come to its end: the longest life of an alert, a jump of the
/// wall, and the longest way back of a device.
const CALM_LIMIT_MS: i64 = 420_000;

/// Plays the world of a seed to its end.
pub(crate) fn play(seed: u64, plan: Plan, guard: Guard) -> Seen {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(world(seed, plan, guard))
}

async fn world(seed: u64, plan: Plan, guard: Guard) -> Seen {
    let time = WorldTime::begin();
    let wall = time.clone();
    let mut store = ModelStore::new("epoch-1", Arc::new(move || wall.wall()));
    if let Guard::Without(guards) = guard {
        store = store.without(guards);
    }
    let store = Arc::new(store);
    node::found(&*store, AppSettings { merge: plan.merges, ..AppSettings::default() }).await;
    if let Some(target) = told::target(seed) {
        assert!(
            store.put_callback_target(target).await.is_ok_and(|kept| kept),
            "an empty store keeps a target"
        );
    }
    let testers = plan.riders.iter().filter(|rider| rider.test).map(|rider| rider.name.parse().unwrap());
    let ledger = Ledger::new(time.clone(), store, testers.collect());
    let voice = Arc::new(LateVoice::new(Arc::clone(&ledger), Dice::of(seed, "voice")));
    let address = Arc::new(Address::default());
    let dice = Dice::of(seed, "arbiter");
    let arbiter = Arc::new(Arbiter::new(Arc::clone(&ledger), Arc::clone(&address), dice));
    let door = Arc::new(Door::new(Arc::clone(&ledger), Dice::of(seed, "door")));
    let plant = Plant {
        ledger: Arc::clone(&ledger),
        time,
        voice,
        arbiter: Arc::clone(&arbiter),
        door,
        faults: plan.store,
        crash_at: plan.crash_at,
        guard,
    };
    let mut lives = Dice::of(seed, "lives");
    address.set(Some(Node::boot(&plant, &mut lives)));
    let mut tasks = JoinSet::new();
    let calm_ms = plan.calm_ms;
    let events = people(seed, plan, &arbiter, &address, &mut tasks);
    tasks.spawn(keep_alive(plant, Arc::clone(&address), lives));
    tokio::time::sleep_until(ledger.time.at(calm_ms)).await;
    ledger.begin_calm();
    while !is_quiet(&ledger, events) && ledger.time.ms() < calm_ms + CALM_LIMIT_MS {
        if let Some(ended) = tasks.try_join_next() {
            ended.unwrap();
        }
        sleep_ms(1_000).await;
    }
    ledger.judge_end();
    ledger.judge_told();
    tasks.abort_all();
    // The server calls the arbiter, and the arbiter the server: one of them lets go.
    address.set(None);
    std::mem::take(&mut *ledger.seen())
}

/// Everyone who acts. Returns how many events there will be.
fn people(
    seed: u64,
    plan: Plan,
    arbiter: &Arc<Arbiter>,
    address: &Arc<Address>,
    tasks: &mut JoinSet<()>,
) -> usize {
    let ledger = arbiter.ledger();
    let key = |name: &str| RiderKey { app: *APP, rider: name.parse().unwrap() };
    let riders: Arc<Vec<RiderKey>> = Arc::new(plan.riders.iter().map(|rider| key(&rider.name)).collect());
    let backend = |part: &str| Backend {
        ledger: Arc::clone(ledger),
        address: Arc::clone(address),
        dice: Dice::of(seed, part),
    };
    for rider in plan.riders {
        let known = backend("known").introduce(key(&rider.name), &rider);
        tasks.spawn(known);
        for device in rider.devices {
            let dice = Dice::of(seed, &device.name);
            let rider = key(&rider.name).rider;
            tasks.spawn(
                Device::new(device, rider, Arc::clone(ledger), Arc::clone(address), plan.calm_ms, dice).run(),
            );
        }
    }
    for (at_ms, order) in plan.orders {
        // One after another where they must be: a rider goes off duty and comes back.
        let part = match order {
            Order::Restart => "restart",
            Order::JumpWall { .. } => "jump",
            Order::Duty { .. } => "duty",
            Order::Close { .. } => "close",
        };
        tasks.spawn(backend(part).order(at_ms, order, Arc::clone(&riders)));
    }
    for (group, members) in plan.groups {
        tasks.spawn(backend("groups").gather(group, members));
    }
    let count = plan.events.len();
    for event in plan.events {
        let worker = Worker { backend: backend(&event.id), arbiter: Arc::clone(arbiter) };
        tasks.spawn(worker.post(event));
    }
    count
}

/// Starts the next life of the server when one has ended.
async fn keep_alive(plant: Plant, address: Arc<Address>, mut dice: Dice) {
    loop {
        let life = address.find().await;
        life.dead.cancelled().await;
        address.set(None);
        life.bury(&mut dice);
        drop(life);
        tokio::time::sleep(Duration::from_millis(u64::try_from(dice.between(50, 3_000)).unwrap())).await;
        address.set(Some(Node::boot(&plant, &mut dice)));
    }
}

/// Whether nothing is open and nobody waits for anything.
fn is_quiet(ledger: &Ledger, events: usize) -> bool {
    let seen = ledger.seen();
    let open = seen.known.values().any(|known| known.ended_ms.is_none());
    let alerts = seen.heads.values().any(Head::is_open);
    let told = seen.unsettled.is_empty() && seen.pending.is_empty();
    seen.answers.len() == events && !open && !alerts && told
}

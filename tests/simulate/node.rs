//! One life of the server: everything that a process holds in memory, over the store that outlives it.
//! Starting and stopping follow `app`, less what is of no concern here: files, ports, metrics.

use std::sync::{Arc, LazyLock, Mutex, MutexGuard};
use std::time::Duration;

use orderbell::clock::Clock;
use orderbell::dispatch::{
    Accounts, CallbackLimits, CircuitLimits, Dispatch, HookLimits, Limits, NoWechat, NodeKey, Parts,
    ReceiptQueue, ReportLimits, Retention, RetryTable, TrafficLimits, Vault, WechatLimits,
};
use orderbell::domain::app::{App, AppLimits, Quota};
use orderbell::domain::report::Objective;
use orderbell::domain::{
    Ages, AppId, AppSettings, AudioUrls, EpochMs, Kinds, RiderId, Secret, SecretKind, SoundProfile,
};
use orderbell::http::rider_socket::{self, Host, SocketLimits};
use orderbell::hub::{Hub, Ring};
use orderbell::lifecycle::Lifecycle;
use orderbell::session::Settings;
use orderbell::store::Store;
use orderbell::telemetry::Telemetry;
use orderbell::workers;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::simulation::Guard;
use crate::simulation::arbiter::{Arbiter, Door};
use crate::simulation::clock::{SimClock, WorldTime};
use crate::simulation::dice::Dice;
use crate::simulation::ledger::Ledger;
use crate::simulation::link::{Link, SimSocket};
use crate::simulation::store::{CrashAt, FaultyStore, StoreFaults};
use crate::simulation::voice::LateVoice;

/// The one app of every world.
pub(crate) static APP: LazyLock<AppId> = LazyLock::new(|| AppId::new(EpochMs(1), [7; 10]));
/// Parsed once for all worlds.
static KINDS: LazyLock<Arc<Kinds>> = LazyLock::new(|| Arc::new(Kinds::embedded().unwrap()));
/// Metrics are counted and never read.
static TELEMETRY: LazyLock<Telemetry> = LazyLock::new(Telemetry::new);

/// As the default configuration has them.
fn callback_limits() -> CallbackLimits {
    let circuit = CircuitLimits { failures: 5, rest_ms: 10_000, rest_ms_max: 300_000 };
    let retries = vec![1_000, 5_000, 30_000, 120_000, 600_000, 3_600_000, 21_600_000];
    CallbackLimits {
        traffic: TrafficLimits { places: 64, per_app: 32, per_target: 8, circuit },
        retries: RetryTable::new(retries, &[1_000, 2_000, 5_000, 10_000]),
        retry_after_max_ms: 3_600_000,
        timeout_ms: 10_000,
    }
}

/// What every life of a world's server shares.
pub(crate) struct Plant {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) time: WorldTime,
    pub(crate) voice: Arc<LateVoice>,
    pub(crate) arbiter: Arc<Arbiter>,
    pub(crate) door: Arc<Door>,
    pub(crate) faults: StoreFaults,
    pub(crate) crash_at: Option<CrashAt>,
    pub(crate) guard: Guard,
}

/// Where the server is found, while there is one. Who waits is woken in order of asking, on every run the same.
#[derive(Default)]
pub(crate) struct Address {
    node: Mutex<Option<Arc<Node>>>,
    changed: Notify,
}

impl Address {
    pub(crate) fn set(&self, node: Option<Arc<Node>>) {
        *self.node.lock().unwrap() = node;
        self.changed.notify_waiters();
    }

    /// The server, if it is up.
    pub(crate) fn get(&self) -> Option<Arc<Node>> {
        self.node.lock().unwrap().clone()
    }

    /// The server, as soon as it is up.
    pub(crate) async fn find(&self) -> Arc<Node> {
        loop {
            let changed = self.changed.notified();
            if let Some(node) = self.get() {
                return node;
            }
            changed.await;
        }
    }
}

/// One life.
pub(crate) struct Node {
    pub(crate) dispatch: Arc<Dispatch>,
    pub(crate) dead: CancellationToken,
    ledger: Arc<Ledger>,
    lifecycle: Lifecycle,
    host: Arc<Host>,
    links: Mutex<Vec<(String, Link)>>,
}

impl Node {
    /// A server over what is in the store.
    pub(crate) fn boot(plant: &Plant, dice: &mut Dice) -> Arc<Self> {
        let dead = CancellationToken::new();
        let (ledger, time) = (Arc::clone(&plant.ledger), plant.time.clone());
        let mut part = |name: &str| Dice::of(dice.next(), name);
        let store =
            FaultyStore::new(Arc::clone(&ledger), plant.faults, plant.crash_at, part("store"), dead.clone());
        let store: Arc<dyn Store> = Arc::new(store);
        let clock: Arc<dyn Clock> = Arc::new(SimClock::boot(time, part("ids")));
        let lifecycle = Lifecycle::new();
        let (receipts, source) = ReceiptQueue::new(64);
        let dispatch = Dispatch::new(Parts {
            hub: Arc::new(Hub::new()),
            speech: Arc::clone(&plant.voice) as Arc<_>,
            kinds: Arc::clone(&KINDS),
            lifecycle: lifecycle.clone(),
            telemetry: TELEMETRY.clone(),
            accounts: Accounts::new(Arc::clone(&store), Arc::clone(&clock), vault(), 86_400_000),
            receipts,
            caller: Arc::clone(&plant.arbiter) as Arc<_>,
            courier: Arc::clone(&plant.door) as Arc<_>,
            wechat: Arc::new(NoWechat),
            callbacks: callback_limits(),
            limits: LIMITS,
            store,
            clock,
        });
        lifecycle.supervise("receipts", Arc::clone(&dispatch).commit_receipts(source));
        let sweep = workers::sweep(Arc::clone(&dispatch), Duration::from_secs(1), lifecycle.clone());
        lifecycle.supervise("sweep", sweep);
        let callbacks = workers::callbacks(Arc::clone(&dispatch), Duration::from_secs(1), lifecycle.clone());
        lifecycle.supervise("callbacks", callbacks);
        let host = Arc::new(Host {
            dispatch: Arc::clone(&dispatch),
            lifecycle: lifecycle.clone(),
            telemetry: TELEMETRY.clone(),
            sessions: Arc::new(settings(plant.guard)),
            arrivals: rider_socket::Arrivals::new(dispatch.shared_clock(), SOCKETS.connects_per_minute),
            limits: SOCKETS,
            time: rider_socket::RiderTime::default(),
        });
        ledger.note(format_args!("boot"));
        Arc::new(Self { dispatch, dead, ledger, lifecycle, host, links: Mutex::default() })
    }

    /// A device has connected.
    pub(crate) fn connect(&self, rider: RiderId, device: &str, link: &Link) {
        let socket = SimSocket::new(Arc::clone(&self.ledger), rider, device.to_owned(), link.clone());
        self.links().push((device.to_owned(), link.clone()));
        self.lifecycle.spawn(rider_socket::run(Arc::clone(&self.host), Box::new(socket), None));
    }

    /// Stops in order, as `App` does.
    pub(crate) async fn shut_down(&self) {
        self.lifecycle.begin_drain();
        self.dispatch.hub().ring_all(Ring::Drain);
        self.lifecycle.finish_tasks(Duration::from_secs(12)).await;
        let limit = Duration::from_secs(5);
        let _in_time = tokio::time::timeout(limit, self.dispatch.receipts_done()).await.is_ok();
        let _in_time = self.lifecycle.finish_workers(limit).await;
        self.dead.cancel();
    }

    /// What is left of a life that has ended: its connections break, and with some of them nobody is told.
    pub(crate) fn bury(&self, dice: &mut Dice) {
        for (device, link) in self.links().drain(..) {
            if dice.per_mille(100) {
                link.go_deaf();
                self.ledger.hindered(&device, true);
            } else {
                link.cut();
            }
        }
        self.ledger.audit_all();
    }

    fn links(&self) -> MutexGuard<'_, Vec<(String, Link)>> {
        self.links.lock().unwrap()
    }
}

/// What the store holds before the first life: the app.
pub(crate) fn found(store: &impl Store, settings: AppSettings) -> impl Future<Output = ()> {
    let secret = vault().seal(&[42; 32], &APP.to_string()).unwrap();
    let app = App {
        id: *APP,
        name: "sim".to_owned(),
        lang: "zh-CN".to_owned(),
        settings,
        secrets: vec![Secret::new(SecretKind::Rider, secret, EpochMs(1))],
        limits: AppLimits::default(),
        created_at: EpochMs(1),
    };
    async move { store.create_app(app).await.unwrap() }
}

/// A token of the app's for a whole run.
pub(crate) async fn token(node: &Node, rider: &RiderId) -> String {
    let accounts = node.dispatch.accounts();
    let app = accounts.app(*APP).await.unwrap().unwrap();
    accounts.token(&app, rider, 86_400_000).unwrap().token
}

fn vault() -> Vault {
    Vault::new(&NodeKey::from_base64("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap()).unwrap()
}

/// As in `deploy/config.default.toml`.
const LIMITS: Limits = Limits {
    speech_budget: Duration::from_millis(700),
    render_concurrency: 64,
    sweep_batch: 500,
    event_memory_ms: 604_800_000,
    recipe_memory_ms: 604_800_000,
    sound_profile: SoundProfile::Plain,
    order_memory_ms: 604_800_000,
    tombstone_ms: 600_000,
    merge_ms: 2_000,
    settle_ms: 60_000,
    unresponsive_after: 3,
    alerts_per_minute: 0,
    // Small, so that an audience of three is told in parts.
    unroll_chunk: 2,
    offline_grace_ms: 30_000,
    again_ms: 2_000,
    call_attempts: 3,
    quota: Quota { events_per_s: 0, burst: 0, sessions: 0, speech_characters_per_day: 0 },
    reports: ReportLimits {
        span_max_ms: 2_678_400_000,
        deliveries_max: 200_000,
        rows_max: 10_000,
        page_looks: 2_000,
        concurrency: 2,
        objective: Objective { within_ms: 10_000, target_permille: 990 },
    },
    retention: Retention { ages: Ages::none(), slice: 200 },
    hooks: HookLimits {
        max_body_bytes: 262_144,
        items_max: 200,
        per_second: 0,
        burst: 1,
        concurrency: 64,
        deliveries_kept: 200,
        kept_bytes_max: 16_384,
        deliveries_age_ms: 259_200_000,
        per_app: 100,
        answer_within: Duration::from_secs(2),
    },
    wechat: WechatLimits {
        link_ms: 900_000,
        wait_ms: 10_000,
        rest_ms: 600_000,
        concurrency: 16,
        unbound_age_ms: 2_592_000_000,
    },
};
const SOCKETS: SocketLimits = SocketLimits {
    hello_timeout: Duration::from_secs(10),
    frame_bytes_max: 16_384,
    queue_bytes_max: 65_536,
    send_timeout: Duration::from_secs(5),
    sessions_max: 4,
    connects_per_minute: 60,
    sockets_per_ip: 0,
    token_in_query: true,
    return_spread: Duration::from_secs(5),
};

fn settings(guard: Guard) -> Settings {
    Settings {
        urls: AudioUrls::open(String::new()),
        epoch: "epoch-1".to_owned(),
        heartbeat_ms: 20_000,
        silence_max_ms: 50_000,
        resend_after_ms: if guard == Guard::WithoutResend { 1_000_000_000 } else { 3_000 },
        window: 32,
        frame_bytes_max: 16_384,
        violations_max: 5,
        messages_per_second: 20,
        messages_burst: 200,
        keepalive_s: 600,
        arbiter_wait_ms: 2_000,
    }
}

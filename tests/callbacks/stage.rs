//! The use cases over a database, with the worker of callbacks, and riders who do as they are told.
//! Names are looked up in a book that each test writes, so that they may lead somewhere else the second time.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use orderbell::clock::{Clock, SystemClock};
use orderbell::dispatch::{
    Accounts, AppEntry, Arrival, CallEnd, CallbackLimits, Caller, CircuitLimits, Dispatch, HookLimits,
    Limits, NoWechat, NodeKey, Parts, Question, ReceiptQueue, ReportLimits, Retention, RetryTable,
    TrafficLimits, Vault, WechatLimits,
};
use orderbell::domain::app::{KeyMode, Quota};
use orderbell::domain::callback::{CallbackState, CallbackTarget, TargetState, WantedKinds};
use orderbell::domain::delivery::Change;
use orderbell::domain::ladder::HttpCall;
use orderbell::domain::report::Objective;
use orderbell::domain::{
    Ages, AlertId, AppId, CallId, CallbackTargetId, Kinds, RiderKey, Sound, SoundProfile,
};
use orderbell::hub::Hub;
use orderbell::intake::{InputError, parse_event};
use orderbell::lifecycle::Lifecycle;
use orderbell::outbound::{Lookup, Outbound, OutboundLimits, UrlPolicy, Verdict};
use orderbell::speech::{Phrases, SayBudget, Sentence, SpeechError, Spoken, Voice};
use orderbell::store::postgres::{PostgresOptions, PostgresStore};
use orderbell::store::sqlite::{SqliteOptions, SqliteStore};
use orderbell::store::{CallbackFilter, CallbackRecord, Migrate, Store};
use orderbell::telemetry::Telemetry;
use orderbell::workers;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::postgres_server;

/// Nothing here takes this long unless it hangs.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
/// Limit of one try in most tests.
pub(crate) const TIMEOUT: Duration = Duration::from_millis(800);

/// What a test changes.
pub(crate) struct Setup {
    pub(crate) policy: UrlPolicy,
    pub(crate) lookup: Arc<Book>,
    pub(crate) retries: Vec<i64>,
    pub(crate) urgent: Vec<i64>,
    /// Failures in a row, first rest, longest rest.
    pub(crate) circuit: CircuitLimits,
    pub(crate) per_target: u32,
    /// Limit of one try.
    pub(crate) timeout: Duration,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            policy: UrlPolicy::PrivateToo,
            lookup: Arc::default(),
            retries: vec![20, 50, 100, 200, 400],
            urgent: Vec::new(),
            circuit: CircuitLimits { failures: 1_000, rest_ms: 100, rest_ms_max: 400 },
            per_target: 8,
            timeout: TIMEOUT,
        }
    }
}

/// Addresses by name: one answer after the other, the last one for ever.
#[derive(Default)]
pub(crate) struct Book(Mutex<HashMap<String, Vec<IpAddr>>>);

impl Book {
    pub(crate) fn with(name: &str, answers: &[&str]) -> Arc<Self> {
        let answers = answers.iter().map(|address| address.parse().unwrap()).collect();
        Arc::new(Self(Mutex::new(HashMap::from([(name.to_owned(), answers)]))))
    }
}

#[async_trait]
impl Lookup for Book {
    async fn lookup(&self, name: &str) -> std::io::Result<Vec<IpAddr>> {
        let mut book = self.0.lock().unwrap();
        let answers = book.get_mut(name).ok_or_else(|| std::io::Error::other("no such name"))?;
        Ok(if answers.len() > 1 { vec![answers.remove(0)] } else { answers.clone() })
    }
}

pub(crate) struct Stage {
    pub(crate) dispatch: Arc<Dispatch>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) telemetry: Telemetry,
    pub(crate) app: AppId,
    lifecycle: Lifecycle,
    events: Mutex<u32>,
    // What a database needs that is a file.
    _folder: Option<TempDir>,
}

impl Stage {
    /// A server over a file.
    pub(crate) async fn start(setup: Setup) -> Self {
        let (folder, lifecycle) = (TempDir::new().unwrap(), Lifecycle::new());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let reading = Arc::clone(&clock);
        let options = SqliteOptions {
            path: folder.path().join("orderbell.db"),
            epoch: "epoch-1".to_owned(),
            now: Arc::new(move || reading.now().wall),
            readers: 2,
            queue_capacity: 2_048,
            batch_max: 256,
            wait_max: Duration::from_secs(5),
            pages_max: None,
            migrate: Migrate::Now,
        };
        let (store, writer) = SqliteStore::open(options).await.unwrap();
        lifecycle.supervise("store writer", writer);
        Self { _folder: Some(folder), ..Self::over(store, clock, lifecycle, setup).await }
    }

    /// One of several servers over a PostgreSQL database. The first of them makes the app.
    pub(crate) async fn node(url: &str) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let reading = Arc::clone(&clock);
        let now = Arc::new(move || reading.now().wall);
        let options = PostgresOptions { now, ..postgres_server::options(url) };
        let store = PostgresStore::open(options).await.unwrap();
        Self::over(store, clock, Lifecycle::new(), Setup::default()).await
    }

    /// One clock for the store and for who writes to it, or what is said now comes a moment later.
    async fn over(store: Arc<dyn Store>, clock: Arc<dyn Clock>, lifecycle: Lifecycle, setup: Setup) -> Self {
        let telemetry = Telemetry::new();
        let key = NodeKey::from_base64("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap();
        let accounts =
            Accounts::new(Arc::clone(&store), Arc::clone(&clock), Vault::new(&key).unwrap(), 86_400_000);
        let app = match accounts.app_named("shop").await.unwrap() {
            Some(entry) => entry.app.id,
            None => accounts.create_app("shop").await.unwrap(),
        };
        let (receipts, source) = ReceiptQueue::new(64);
        let outbound = outbound(&setup, &clock, &telemetry);
        let dispatch = Dispatch::new(Parts {
            hub: Arc::new(Hub::new()),
            speech: Arc::new(Mute),
            kinds: Arc::new(Kinds::embedded().unwrap()),
            lifecycle: lifecycle.clone(),
            telemetry: telemetry.clone(),
            accounts,
            receipts,
            caller: Arc::new(Nobody),
            courier: Arc::new(outbound),
            wechat: Arc::new(NoWechat),
            callbacks: limits(&setup),
            limits: LIMITS,
            store: Arc::clone(&store),
            clock,
        });
        lifecycle.supervise("receipts", Arc::clone(&dispatch).commit_receipts(source));
        let sending = workers::callbacks(Arc::clone(&dispatch), Duration::from_millis(20), lifecycle.clone());
        lifecycle.supervise("callbacks", sending);
        Self { dispatch, store, telemetry, app, lifecycle, events: Mutex::default(), _folder: None }
    }

    /// Stops as a server does: what is under way is finished, nothing new begins.
    pub(crate) async fn drain(&self) {
        assert!(self.lifecycle.finish_tasks(DEADLINE).await, "everything ends by itself");
        self.dispatch.receipts_done().await;
    }

    /// Stops, and closes the database.
    pub(crate) async fn stop(self) {
        self.drain().await;
        self.store.close().await;
        assert!(self.lifecycle.finish_workers(DEADLINE).await && !self.lifecycle.has_failed());
    }

    /// Keeps a target that hears of everything.
    pub(crate) async fn target(&self, url: &str, batch_max: u32) -> CallbackTarget {
        let target = CallbackTarget {
            id: CallbackTargetId::new(self.dispatch.clock().now().wall, self.dispatch.clock().entropy()),
            app: self.app,
            url: url.to_owned(),
            kinds: WantedKinds::All,
            batch_max,
            state: TargetState::Active,
            created_at: self.dispatch.clock().now().wall,
        };
        assert!(self.store.put_callback_target(target.clone()).await.unwrap());
        target
    }

    pub(crate) async fn entry(&self) -> Arc<AppEntry> {
        self.dispatch.accounts().app(self.app).await.unwrap().unwrap()
    }

    /// Posts an event for this rider, with these members beside; its alert.
    pub(crate) async fn event(&self, rider: &str, kind: &str, more: Value) -> AlertId {
        let number = {
            let mut events = self.events.lock().unwrap();
            *events += 1;
            *events
        };
        let mut body =
            json!({"id": format!("e-{number}-{rider}"), "kind": kind, "target": {"riders": [rider]}});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        let text = body.to_string();
        let parsed = parse_event(text.as_bytes(), self.dispatch.kinds(), || unreachable!()).unwrap();
        let arrival = Arrival {
            source: "api".into(),
            key_mode: KeyMode::Live,
            parsed,
            trace_id: "4bf92f3577b34da6a3ce929d0e0e4736".to_owned(),
            received_at: self.dispatch.clock().now().wall,
        };
        let answer = self.dispatch.accept(self.entry().await, arrival).await.unwrap();
        answer.alert_id.unwrap()
    }

    /// An order that its rider hears: four facts.
    pub(crate) async fn heard_order(&self, rider: &str) -> AlertId {
        let alert = self.event(rider, "order.new", json!({})).await;
        self.hear(rider, alert).await;
        alert
    }

    /// The rider's phone does what it should.
    pub(crate) async fn hear(&self, rider: &str, alert: AlertId) {
        let key = RiderKey { app: self.app, rider: rider.parse().unwrap() };
        for change in [Change::Sent, Change::Received, Change::Played { play: 1 }] {
            let at = self.dispatch.clock().now().wall;
            self.dispatch.keep(&key, alert, change, at).await.unwrap();
        }
    }

    /// All callbacks of the app, oldest first.
    pub(crate) async fn callbacks(&self) -> Vec<CallbackRecord> {
        let all = self.store.callbacks(self.app, CallbackFilter::default(), None, 10_000).await;
        let mut all = all.unwrap();
        all.reverse();
        all
    }

    /// Waits until so many callbacks are there and have ended.
    pub(crate) async fn ended(&self, count: usize) -> Vec<CallbackRecord> {
        eventually("all callbacks have ended", async || {
            let all = self.callbacks().await;
            let over = all.iter().all(|record| record.state != CallbackState::Waiting);
            (all.len() >= count && over).then_some(all)
        })
        .await
    }

    /// The value of one line of `/metrics`; 0 for a line that is not there.
    pub(crate) fn metric(&self, line: &str) -> f64 {
        let metrics = self.telemetry.render();
        let found = metrics.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(' '));
        found.map_or(0.0, |value| value.parse().unwrap())
    }
}

/// Looks again and again until there is something to see.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(DEADLINE, looking).await.unwrap_or_else(|_| panic!("never happened: {what}"))
}

fn outbound(setup: &Setup, clock: &Arc<dyn Clock>, telemetry: &Telemetry) -> Outbound {
    let limits = OutboundLimits {
        policy: setup.policy,
        timeout_max: setup.timeout,
        connect_timeout: setup.timeout,
        answer_bytes_max: 65_536,
        concurrency: 64,
        per_origin: 64,
    };
    let lookup = Arc::clone(&setup.lookup) as Arc<dyn Lookup>;
    Outbound::new(limits, lookup, Arc::clone(clock), telemetry.clone()).unwrap()
}

fn limits(setup: &Setup) -> CallbackLimits {
    let per_target = setup.per_target;
    CallbackLimits {
        traffic: TrafficLimits { places: 64, per_app: 32, per_target, circuit: setup.circuit },
        retries: RetryTable::new(setup.retries.clone(), &setup.urgent),
        retry_after_max_ms: 3_600_000,
        timeout_ms: i64::try_from(setup.timeout.as_millis()).unwrap(),
    }
}

/// A voice that says nothing: alerts go out with the canned clip.
struct Mute;

#[async_trait]
impl Voice for Mute {
    fn phrases(&self) -> &Phrases {
        static PHRASES: OnceLock<Phrases> = OnceLock::new();
        PHRASES.get_or_init(Phrases::embedded)
    }

    async fn cached(&self, _sentence: &Sentence) -> Option<Spoken> {
        None
    }

    async fn say(&self, _sentence: &Sentence, _budget: SayBudget) -> Result<Spoken, SpeechError> {
        Err(SpeechError::NoEngine)
    }

    fn cost(&self, _sentence: &Sentence) -> u64 {
        0
    }

    fn canned(&self, sentence: &Sentence) -> Sound {
        Sound {
            path: format!("/audio/canned/{}.mp3", sentence.kind),
            fallback_path: "/audio/canned/chime.mp3".to_owned(),
            mime: "audio/mpeg".to_owned(),
            bytes: 50_000,
            duration_ms: 48_000,
            tail_ms: 45_000,
            canned: true,
            recipe: None,
        }
    }
}

/// Nobody decides offers here.
struct Nobody;

#[async_trait]
impl Caller for Nobody {
    fn check_url(&self, _url: &str, _pointer: &str) -> Result<(), InputError> {
        Ok(())
    }

    fn check_call(&self, _call: &HttpCall, _pointer: &str) -> Result<(), InputError> {
        Ok(())
    }

    async fn ask(&self, _question: &Question) -> Option<Verdict> {
        None
    }

    async fn call(
        &self,
        _id: CallId,
        _call: &HttpCall,
        _values: &Map<String, Value>,
        _trace: &str,
    ) -> CallEnd {
        CallEnd::Refused(None)
    }
}

/// As in `deploy/config.default.toml`, without a cap.
const LIMITS: Limits = Limits {
    speech_budget: Duration::from_millis(700),
    render_concurrency: 1_024,
    sweep_batch: 500,
    event_memory_ms: 604_800_000,
    order_memory_ms: 604_800_000,
    tombstone_ms: 600_000,
    merge_ms: 2_000,
    settle_ms: 60_000,
    unresponsive_after: 3,
    alerts_per_minute: 0,
    unroll_chunk: 500,
    offline_grace_ms: 100,
    again_ms: 2_000,
    call_attempts: 3,
    recipe_memory_ms: 172_800_000,
    sound_profile: SoundProfile::Plain,
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

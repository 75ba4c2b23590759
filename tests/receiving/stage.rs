//! The use cases of hooks over a real database, by a clock that is set by hand, so that no rate fills up meanwhile.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method};
use orderbell::clock::{Clock, ManualClock};
use orderbell::dispatch::{
    Accounts, AppEntry, CallEnd, CallbackLimits, CallbackReply, Caller, CircuitLimits, Courier, Dispatch,
    HookAnswer, HookArrival, HookLimits, HookWish, Limits, NoWechat, NodeKey, Parts, Question, ReceiptQueue,
    ReportLimits, Retention, RetryTable, SignedCallback, TrafficLimits, Vault, WechatCourier, WechatLimits,
};
use orderbell::domain::app::{KeyMode, Quota};
use orderbell::domain::ladder::HttpCall;
use orderbell::domain::report::Objective;
use orderbell::domain::{
    Ages, AppId, CallId, EpochMs, Hook, HookDelivery, HookVerdict, Kinds, OrderKey, OrderMemory, Sound,
    SoundProfile,
};
use orderbell::hub::Hub;
use orderbell::intake::InputError;
use orderbell::lifecycle::Lifecycle;
use orderbell::outbound::Verdict;
use orderbell::speech::{Phrases, SayBudget, Sentence, SpeechError, Spoken, Voice};
use orderbell::store::sqlite::{SqliteOptions, SqliteStore};
use orderbell::store::{PageSize, Store};
use orderbell::telemetry::Telemetry;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

/// Nothing here takes this long unless it hangs.
const DEADLINE: Duration = Duration::from_secs(30);
/// When these stories begin.
pub(crate) const NOW: EpochMs = EpochMs(1_790_000_000_000);

pub(crate) struct Stage {
    pub(crate) dispatch: Arc<Dispatch>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) telemetry: Telemetry,
    pub(crate) app: AppId,
    pub(crate) clock: Arc<ManualClock>,
    lifecycle: Lifecycle,
    requests: AtomicU32,
    _folder: TempDir,
}

impl Stage {
    pub(crate) async fn start() -> Self {
        Self::with(HOOKS).await
    }

    pub(crate) async fn with(hooks: HookLimits) -> Self {
        Self::writing_by(hooks, Arc::new(NoWechat)).await
    }

    /// The same, with a way to WeChat.
    pub(crate) async fn writing_by(hooks: HookLimits, wechat: Arc<dyn WechatCourier>) -> Self {
        let (folder, lifecycle) = (TempDir::new().unwrap(), Lifecycle::new());
        let manual = Arc::new(ManualClock::at(NOW));
        let clock: Arc<dyn Clock> = Arc::clone(&manual) as _;
        let reading = Arc::clone(&clock);
        let path = folder.path().join("orderbell.db");
        let options = SqliteOptions::new(path, "epoch-1", Arc::new(move || reading.now().wall));
        let (store, writer) = SqliteStore::open(options).await.unwrap();
        lifecycle.supervise("store writer", writer);
        let store: Arc<dyn Store> = store;
        let telemetry = Telemetry::new();
        let key = NodeKey::from_base64("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap();
        let vault = Vault::new(&key).unwrap();
        let accounts = Accounts::new(Arc::clone(&store), Arc::clone(&clock), vault, 86_400_000);
        let app = accounts.create_app("shop").await.unwrap();
        let (receipts, source) = ReceiptQueue::new(64);
        let dispatch = Dispatch::new(Parts {
            hub: Arc::new(Hub::new()),
            speech: Arc::new(Mute),
            kinds: Arc::new(Kinds::embedded().unwrap()),
            lifecycle: lifecycle.clone(),
            telemetry: telemetry.clone(),
            accounts,
            receipts,
            caller: Arc::new(Nobody),
            courier: Arc::new(Nobody),
            wechat,
            callbacks: CallbackLimits {
                traffic: TrafficLimits { places: 1, per_app: 1, per_target: 1, circuit: CIRCUIT },
                retries: RetryTable::new(vec![1_000], &[]),
                retry_after_max_ms: 1_000,
                timeout_ms: 10_000,
            },
            limits: Limits { hooks, ..LIMITS },
            store: Arc::clone(&store),
            clock,
        });
        lifecycle.supervise("receipts", Arc::clone(&dispatch).commit_receipts(source));
        let requests = AtomicU32::new(0);
        Self { dispatch, store, telemetry, app, clock: manual, lifecycle, requests, _folder: folder }
    }

    /// Stops as a server does: what is under way is finished.
    pub(crate) async fn stop(self) {
        assert!(self.lifecycle.finish_tasks(DEADLINE).await, "everything ends by itself");
        self.store.close().await;
        assert!(self.lifecycle.finish_workers(DEADLINE).await && !self.lifecycle.has_failed());
    }

    pub(crate) async fn entry(&self) -> Arc<AppEntry> {
        self.dispatch.accounts().app(self.app).await.unwrap().unwrap()
    }

    pub(crate) async fn hook(&self, name: &str, profile: Value) -> Hook {
        self.dispatch.add_hook(self.app, a_wish(name, profile)).await.unwrap()
    }

    /// A request as its sender makes it.
    pub(crate) fn arrival(&self, body: &Value) -> HookArrival {
        let number = self.requests.fetch_add(1, Ordering::SeqCst);
        HookArrival {
            method: Method::POST,
            url: "https://bell.example/in/x".to_owned(),
            query: String::new(),
            headers: HeaderMap::new(),
            body: Bytes::from(body.to_string()),
            event: None,
            peer: None,
            trace_id: format!("{number:032x}"),
            received_at: self.dispatch.clock().now().wall,
        }
    }

    pub(crate) async fn send(&self, hook: &Hook, body: &Value) -> HookAnswer {
        self.send_whole(hook, self.arrival(body)).await
    }

    pub(crate) async fn send_whole(&self, hook: &Hook, arrival: HookArrival) -> HookAnswer {
        match self.dispatch.enter_hook(hook.id.as_str()).await {
            Ok(visit) => self.dispatch.receive(visit, arrival).await,
            Err(answer) => answer,
        }
    }

    /// What becomes of a request.
    pub(crate) async fn verdict(&self, hook: &Hook, body: &Value) -> HookVerdict {
        self.send(hook, body).await.verdict.unwrap()
    }

    /// Requests that are kept, newest first; so many there must be.
    pub(crate) async fn kept(&self, hook: &Hook, count: usize) -> Vec<HookDelivery> {
        let size = PageSize { rows: 100, looks: 100 };
        let wait = async {
            loop {
                let page = self.dispatch.hook_deliveries(self.app, &hook.id, None, None, size).await.unwrap();
                if page.rows.len() >= count {
                    return page.rows;
                }
                tokio::task::yield_now().await;
            }
        };
        let kept = tokio::time::timeout(DEADLINE, wait).await.unwrap();
        assert_eq!(kept.len(), count);
        kept
    }

    pub(crate) async fn memory(&self, order: &str) -> OrderMemory {
        let key = OrderKey { app: self.app, key_mode: KeyMode::Live, order: order.parse().unwrap() };
        self.store.order_memory(key).await.unwrap().unwrap()
    }

    pub(crate) fn count(&self, line: &str) -> usize {
        let told = self.telemetry.render();
        let found = told.lines().find_map(|told| told.strip_prefix(line));
        found.map_or(0, |number| number.trim().parse().unwrap())
    }
}

pub(crate) fn a_wish(name: &str, profile: Value) -> HookWish {
    HookWish { name: name.to_owned(), profile, ..HookWish::default() }
}

/// A sender of orders: `{no, order, status, rider, at, shop}`.
pub(crate) fn a_profile() -> Value {
    json!({
        "map": {
            "kind": "body.status",
            "order": {"id": "body.order"},
            "rider": "body.rider",
            "called_at": "body.at",
            "station": "body.shop",
        },
        "kinds": {"2": "order.assigned", "3": "order.urged", "9": "ignore"},
        "ack": {"body": "success", "content_type": "text/plain"},
    })
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

#[async_trait]
impl Courier for Nobody {
    async fn post(&self, _callback: SignedCallback) -> CallbackReply {
        CallbackReply::Unreachable
    }
}

const CIRCUIT: CircuitLimits = CircuitLimits { failures: 1, rest_ms: 1_000, rest_ms_max: 1_000 };

pub(crate) const HOOKS: HookLimits = HookLimits {
    max_body_bytes: 262_144,
    items_max: 200,
    per_second: 0,
    burst: 1,
    concurrency: 64,
    deliveries_kept: 200,
    kept_bytes_max: 16_384,
    deliveries_age_ms: 259_200_000,
    per_app: 3,
    answer_within: Duration::from_secs(20),
};

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
    hooks: HOOKS,
    wechat: WechatLimits {
        link_ms: 900_000,
        wait_ms: 10_000,
        rest_ms: 600_000,
        concurrency: 16,
        unbound_age_ms: 2_592_000_000,
    },
};

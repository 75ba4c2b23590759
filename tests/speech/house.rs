//! The use cases over a store, with a real voice: events go in, and what an alert carries out is looked at.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use orderbell::clock::Clock;
use orderbell::dispatch::{
    Accounts, AppEntry, Arrival, CallEnd, CallbackLimits, CallbackReply, Caller, CircuitLimits, Courier,
    Dispatch, HookLimits, Limits, NoWechat, NodeKey, Parts, Question, ReceiptQueue, ReportLimits, Retention,
    RetryTable, SignedCallback, TrafficLimits, Vault, WechatLimits,
};
use orderbell::domain::app::{App, AppLimits, KeyMode, Quota};
use orderbell::domain::ladder::HttpCall;
use orderbell::domain::report::Objective;
use orderbell::domain::{Ages, AlertId, AppId, AppSettings, CallId, EpochMs, Kinds, Sound, SoundProfile};
use orderbell::hub::Hub;
use orderbell::intake::{InputError, parse_event};
use orderbell::outbound::Verdict;
use orderbell::speech::Voice;
use orderbell::store::Store;
use serde_json::{Map, Value, json};

use crate::studio::Studio;

/// Dispatch, and the app that posts.
pub(crate) struct House {
    pub(crate) dispatch: Arc<Dispatch>,
    pub(crate) app: Arc<AppEntry>,
    store: Arc<dyn Store>,
}

impl House {
    pub(crate) async fn open(studio: &Studio, store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        let id = AppId::new(EpochMs(1), [7; 10]);
        let app = App {
            id,
            name: "test".to_owned(),
            lang: "zh-CN".to_owned(),
            settings: AppSettings::default(),
            secrets: Vec::new(),
            limits: AppLimits::default(),
            created_at: EpochMs(1),
        };
        store.create_app(app).await.unwrap();
        let key = NodeKey::from_base64("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap();
        let vault = Vault::new(&key).unwrap();
        let (receipts, source) = ReceiptQueue::new(64);
        let dispatch = Dispatch::new(Parts {
            hub: Arc::new(Hub::new()),
            speech: Arc::clone(&studio.speech) as Arc<dyn Voice>,
            kinds: Arc::new(Kinds::embedded().unwrap()),
            lifecycle: studio.lifecycle.clone(),
            telemetry: studio.telemetry.clone(),
            accounts: Accounts::new(Arc::clone(&store), Arc::clone(&clock), vault, 86_400_000),
            receipts,
            caller: Arc::new(Nobody),
            courier: Arc::new(Nobody),
            wechat: Arc::new(NoWechat),
            callbacks: CallbackLimits {
                traffic: TrafficLimits { places: 1, per_app: 1, per_target: 1, circuit: CIRCUIT },
                retries: RetryTable::new(vec![1_000], &[]),
                retry_after_max_ms: 1_000,
                timeout_ms: 10_000,
            },
            limits: LIMITS,
            store: Arc::clone(&store),
            clock,
        });
        studio.lifecycle.supervise("receipts", Arc::clone(&dispatch).commit_receipts(source));
        let app = dispatch.accounts().app(id).await.unwrap().unwrap();
        Self { dispatch, app, store }
    }

    /// An order for one rider; the alert it makes.
    pub(crate) async fn order(&self, number: usize, order: Value) -> AlertId {
        let body = json!({
            "id": format!("event-{number}"),
            "kind": "order.new",
            "target": { "riders": [format!("rider-{number}")] },
            "order": order,
        });
        let dispatch = &self.dispatch;
        let parsed =
            parse_event(body.to_string().as_bytes(), dispatch.kinds(), || dispatch.fresh_event_id()).unwrap();
        let arrival = Arrival {
            source: "api".into(),
            key_mode: KeyMode::Live,
            parsed,
            trace_id: format!("trace-{number}"),
            received_at: dispatch.clock().now().wall,
        };
        dispatch.accept(Arc::clone(&self.app), arrival).await.unwrap().alert_id.unwrap()
    }

    /// The sound of an alert, if it is decided.
    pub(crate) async fn sound(&self, alert: AlertId) -> Option<Sound> {
        self.store.alert(self.app.app.id, alert).await.unwrap().unwrap().alert.sound
    }
}

/// Nobody's server.
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

/// As in `deploy/config.default.toml`.
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
    offline_grace_ms: 30_000,
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

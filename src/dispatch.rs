//! The use cases, and the only writer of the store: accept, announce, receive, answer, cancel, expire.
//! Each commits first and rings later; nothing here waits for a rider or for a voice before it answers.

mod accept;
mod accounts;
mod announce;
mod answer;
mod audience;
mod bursts;
mod callback_targets;
mod callbacks;
mod caller;
mod calls;
mod directory;
mod draft;
mod dry_run;
mod ends;
mod erasure;
mod fresh;
mod groups;
mod hooks;
mod keys;
mod ladder;
mod mini_programs;
mod offers;
mod prepare;
mod presence;
mod quotas;
mod receipts;
mod recipes;
mod reports;
mod retention;
mod riders;
mod rules;
mod schedules;
mod secrets;
mod settings;
mod speaking;
mod sweep;
mod tokens;
mod uses;
mod vault;
mod wait;
mod warming;
mod wechat;
mod wordings;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use tokio::sync::{Notify, Semaphore};

use crate::clock::Clock;
use crate::domain::app::{KeyMode, Quota};
pub use crate::domain::book::Duty;
use crate::domain::delivery::EndReason;
use crate::domain::{AlertId, EpochMs, EventId, Kinds, RiderKey, SoundProfile};
use crate::hub::{Hub, Ring};
use crate::lifecycle::Lifecycle;
use crate::speech::Voice;
use crate::store::{Ended, Store, StoreResult};
use crate::telemetry::{Metric, Telemetry};

pub use crate::outbound::wechat::{LoginError, TokenError as WechatTokenError};
pub use accept::{AcceptError, Arrival};
pub use accounts::Accounts;
pub use answer::{EventAnswer, OutcomeWord};
pub use callback_targets::{REDELIVER_MAX, RedeliverError, TargetError, TargetWish};
pub use callbacks::body::of as callback_body;
pub use callbacks::{
    CallbackLimits, CallbackReply, CircuitLimits, Claimed, Courier, RetryTable, SignedCallback, TrafficLimits,
};
pub use caller::{CallEnd, CallbackSecrets, Caller, Question};
pub use directory::{AppEntry, Signer};
pub use draft::PhraseUsed;
pub use dry_run::{AlertPreview, DryRun, GroupPreview, StepPreview, TargetPreview};
pub use erasure::Erased;
pub use hooks::{
    HookAnswer, HookArrival, HookError, HookLimits, HookLook, HookRefusal, HookReply, HookTrial, HookTried,
    HookVisit, HookWish, ItemOutcome, ItemReport, ItemTried, SecretWish, TrialProfile, Unread,
};
pub use keys::{KeyError, KeySecret, KeyWish, NewKey};
pub use mini_programs::{MiniProgram, MiniPrograms, NoProgram};
pub use offers::SettleError;
pub use quotas::{TooMany, Usage};
pub use receipts::{ReceiptQueue, ReceiptSource};
pub use reports::{Miss, MissReport, ObjectiveReport, ReportError, ReportLimits, ReportScope};
pub use retention::{AgeingRound, Retention};
pub use secrets::{AppSecret, Shown};
pub use settings::SettingsError;
pub use speaking::SayError;
pub use tokens::{Token, TokenError, TokenRider};
pub use vault::{NodeKey, Vault, VaultError};
pub use wait::{Awaited, Reached, Wait};
pub use warming::{Ahead, WarmError, WarmJob, WarmState, WarmWish};
pub use wechat::{LinkWish, NoWechat, Posted, SignedIn, WechatCourier, WechatLimits};
pub use wordings::{Lexicons, OwnPhrases, Restored};

/// Everything a use case needs. Shared by all handlers, sessions and workers.
pub struct Dispatch {
    store: Arc<dyn Store>,
    hub: Arc<Hub>,
    speech: Arc<dyn Voice>,
    clock: Arc<dyn Clock>,
    kinds: Arc<Kinds>,
    lifecycle: Lifecycle,
    telemetry: Telemetry,
    accounts: Accounts,
    receipts: ReceiptQueue,
    caller: Arc<dyn Caller>,
    post: callbacks::Post,
    callbacks_due: Notify,
    waiting: wait::Waiting,
    limits: Limits,
    /// Sentences being made at one time.
    renders: Arc<Semaphore>,
    // Std mutex: one insert or remove a section. Alerts being rendered here, so that the sweep leaves them alone.
    rendering: Mutex<HashSet<AlertId>>,
    // The same for audiences being told here.
    unrolling: Mutex<HashSet<AlertId>>,
    quotas: quotas::Quotas,
    paid: speaking::Paid,
    recipes: recipes::Recipes,
    warming: warming::WarmJobs,
    /// Reports at one time.
    reports: Semaphore,
    uses: uses::Uses,
    hooks: hooks::Hooks,
    wechat: wechat::Wechat,
}

/// Numbers of the configuration that use cases go by.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Longest delay of an alert for its speech.
    pub speech_budget: std::time::Duration,
    /// Sentences being made at one time.
    pub render_concurrency: usize,
    /// Rows ended by one look of a sweep.
    pub sweep_batch: u32,
    /// How long an event's id is remembered, in milliseconds.
    pub event_memory_ms: i64,
    /// How long what a clip is made of is kept after its last use, in milliseconds.
    pub recipe_memory_ms: i64,
    /// How long an order is remembered after its last news, in milliseconds.
    pub order_memory_ms: i64,
    /// How long a cancellation stops what cannot be compared with it, in milliseconds.
    pub tombstone_ms: i64,
    /// How long new orders wait for company, in milliseconds.
    pub merge_ms: i64,
    /// How long the backend may take to decide an offer, in milliseconds.
    pub settle_ms: i64,
    /// Unanswered offers in a row after which a rider counts as unresponsive.
    pub unresponsive_after: u32,
    /// Most alerts for one rider within a minute, unless their app says otherwise; 0 for no limit.
    pub alerts_per_minute: u32,
    /// Riders told in one part of a large audience.
    pub unroll_chunk: u32,
    /// How long a rider counts as online after their last session, in milliseconds.
    pub offline_grace_ms: i64,
    /// Between two tries to reach a backend or a service, in milliseconds; doubled with each try.
    pub again_ms: i64,
    /// Tries of one request of a ladder step.
    pub call_attempts: u32,
    /// For what ears clips are levelled where neither rider nor app says so.
    pub sound_profile: SoundProfile,
    /// What an app may use, unless it has limits of its own.
    pub quota: Quota,
    /// What questions about the record may cost.
    pub reports: ReportLimits,
    /// How long what is kept of an app stays, unless it says otherwise.
    pub retention: Retention,
    /// What hooks may do.
    pub hooks: HookLimits,
    /// What riders in WeChat go by.
    pub wechat: WechatLimits,
}

/// What [`Dispatch::new`] is made of.
pub struct Parts {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// Who is connected here.
    pub hub: Arc<Hub>,
    /// The voice.
    pub speech: Arc<dyn Voice>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The kinds.
    pub kinds: Arc<Kinds>,
    /// Where tasks run.
    pub lifecycle: Lifecycle,
    /// Metrics.
    pub telemetry: Telemetry,
    /// Apps, keys and tokens.
    pub accounts: Accounts,
    /// The way to the committer of receipts.
    pub receipts: ReceiptQueue,
    /// The way to other people's servers.
    pub caller: Arc<dyn Caller>,
    /// The way of callbacks, beside it.
    pub courier: Arc<dyn Courier>,
    /// The way of messages to riders in WeChat.
    pub wechat: Arc<dyn WechatCourier>,
    /// Numbers of callbacks.
    pub callbacks: CallbackLimits,
    /// Numbers of the configuration.
    pub limits: Limits,
}

impl Dispatch {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: Parts) -> Arc<Self> {
        let renders = Arc::new(Semaphore::new(parts.limits.render_concurrency));
        let reports = Semaphore::new(parts.limits.reports.concurrency);
        let hooks = hooks::Hooks::new(&parts.clock);
        let wechat = wechat::Wechat::new(parts.wechat, parts.limits.wechat);
        Arc::new(Self {
            store: parts.store,
            hub: parts.hub,
            speech: parts.speech,
            clock: parts.clock,
            kinds: parts.kinds,
            lifecycle: parts.lifecycle,
            telemetry: parts.telemetry,
            accounts: parts.accounts,
            receipts: parts.receipts,
            caller: parts.caller,
            post: callbacks::Post::new(parts.courier, parts.callbacks),
            callbacks_due: Notify::new(),
            waiting: wait::Waiting::default(),
            limits: parts.limits,
            renders,
            rendering: Mutex::default(),
            unrolling: Mutex::default(),
            quotas: quotas::Quotas::default(),
            paid: speaking::Paid::new(),
            recipes: recipes::Recipes::new(),
            warming: warming::WarmJobs::default(),
            reports,
            uses: uses::Uses::default(),
            hooks,
            wechat,
        })
    }

    /// The store, for reading. Writes go through the use cases.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Apps, keys and tokens.
    #[must_use]
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// Who is connected here.
    #[must_use]
    pub fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// The time.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// The time, for who keeps it.
    #[must_use]
    pub fn shared_clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// The kinds.
    #[must_use]
    pub fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    /// Forgets ids of events that are older than promised, orders of which nothing was heard for long, and what clips are
    /// made of that nobody asks for; how many.
    ///
    /// # Errors
    /// The store's.
    pub async fn forget(&self) -> StoreResult<u64> {
        let (events, orders) = (self.limits.event_memory_ms, self.limits.order_memory_ms);
        let events = self.store.forget_events(self.wall().plus_ms(-events), FORGET_BATCH).await?;
        let orders = self.store.forget_orders(self.wall().plus_ms(-orders), FORGET_BATCH).await?;
        let recipes = self.wall().plus_ms(-self.limits.recipe_memory_ms);
        let recipes = self.store.forget_recipes(recipes, FORGET_BATCH).await?;
        Ok(events + orders + recipes)
    }

    /// An id for an event whose sender gave it none.
    #[must_use]
    pub fn fresh_event_id(&self) -> EventId {
        EventId::fresh(self.wall(), self.clock.entropy())
    }

    fn wall(&self) -> EpochMs {
        self.clock.now().wall
    }

    /// Numbers of the configuration.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    fn tell_ended(&self, ended: &[Ended]) -> usize {
        for Ended { rider, alert, key_mode, reason } in ended {
            self.hub.ring(rider, Ring::Look);
            self.waiting.wake(*alert);
            self.count_end(*reason, *key_mode);
        }
        self.ring_callbacks();
        ended.len()
    }

    fn ring_all_of(&self, riders: &[RiderKey]) {
        for rider in riders {
            self.hub.ring(rider, Ring::Look);
        }
    }

    fn count_end(&self, reason: EndReason, key_mode: KeyMode) {
        let metric = match key_mode {
            KeyMode::Live => Metric::DeliveriesEnded,
            KeyMode::Test => Metric::TestDeliveriesEnded,
        };
        self.telemetry.counter(metric, &[("reason", reason.as_str())]).increment(1);
    }
}

/// Rows forgotten in one statement.
const FORGET_BATCH: u32 = 1_000;

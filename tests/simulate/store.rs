//! The model store as one life of a server sees it: slow, refusing now and then, and the place where that life ends,
//! before or after a commit. After a crash no call comes back, so nothing of the dead life reaches the world.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use orderbell::domain::Sound;
use orderbell::domain::app::{ApiKey, App, AppLimits, KeyMode};
use orderbell::domain::callback::{CallbackTarget, Destination, Fact, TargetState};
use orderbell::domain::delivery::EndReason;
use orderbell::domain::kind::OrderPolicy;
use orderbell::domain::report::Outcome;
use orderbell::domain::wechat::{Identity, LinkBy, LinkOffer, Linked, Login, Message, Template};
use orderbell::domain::{
    Aged, Alert, AlertId, AppId, AppSettings, CallId, CallbackId, CallbackTargetId, EpochMs, EventId,
    GroupId, Head, Hook, HookDelivery, HookDeliveryId, HookId, HookVerdict, KeyId, OrderKey, OrderMemory,
    Rider, RiderId, RiderKey, ScheduleId, Secret, Settlement, Target,
};
use orderbell::store::{
    Accepted, Admission, Admitted, AfterAttempt, AlertFilter, AlertRecord, AlertSummary, AppStore,
    Call as LadderCall, CallResult, CallbackAttempt, CallbackBacklog, CallbackBatch, CallbackFilter,
    CallbackRecord, CallbackStore, Claim, DeliveryPlace, DeviceCheck, DueStep, DueTarget, Duty, Ended,
    ErasedPart, Erasure, Gone, HistoryFilter, HookPut, HookStore, Leaving, Merged, MessageResult, NewEvent,
    NewWording, NumberedNotice, Online, OpenDelivery, Page, PageSize, PastDelivery, Progress, Progressed,
    Receipt, RecordStore, RetentionStore, RiderFile, RiderPatch, Saved, Schedule, Settled, Span, SpeechSpend,
    SpeechStore, SpeechUse, Stepped, Store, StoreError, StoreResult, Unrolled, WechatStore, When, Whose,
    Wording, WordingKey, World,
};
use tokio_util::sync::CancellationToken;

use crate::simulation::dice::Dice;
use crate::simulation::ledger::{Fault, Ledger};

/// Where a life ends: at this call, counted over the whole world.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum CrashAt {
    Before(u64),
    After(u64),
}

/// How often, of a thousand calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoreFaults {
    pub(crate) refuses: u64,
    pub(crate) slow: u64,
    pub(crate) crashes: u64,
}

/// One life's way to the store.
pub(crate) struct FaultyStore {
    ledger: Arc<Ledger>,
    faults: StoreFaults,
    crash_at: Option<CrashAt>,
    dice: Mutex<Dice>,
    /// Set when this life ends.
    dead: CancellationToken,
}

/// Whether a call changes anything.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Call {
    Read,
    Write,
}

/// What happens to one call.
struct Fate {
    number: u64,
    wait_ms: i64,
    wait_after_ms: i64,
    refused: bool,
    crash: Option<CrashAt>,
}

impl FaultyStore {
    pub(crate) fn new(
        ledger: Arc<Ledger>,
        faults: StoreFaults,
        crash_at: Option<CrashAt>,
        dice: Dice,
        dead: CancellationToken,
    ) -> Self {
        Self { ledger, faults, crash_at, dice: Mutex::new(dice), dead }
    }

    fn fate(&self, call: Call) -> Fate {
        let number = {
            let mut seen = self.ledger.seen();
            seen.store_calls += 1;
            seen.store_calls
        };
        let mut dice = self.dice.lock().unwrap();
        let mut wait = || match dice.between(0, 9) {
            0..5 => 0,
            5..9 => dice.between(1, 4),
            _ => dice.between(5, 40),
        };
        let (mut wait_ms, mut wait_after_ms) = (wait(), wait());
        let planned =
            self.crash_at.filter(|at| matches!(at, CrashAt::Before(n) | CrashAt::After(n) if *n == number));
        let mut fate = Fate { number, wait_ms, wait_after_ms, refused: false, crash: planned };
        if !self.ledger.is_calm() {
            if dice.per_mille(self.faults.slow) {
                wait_ms += dice.between(200, 3_000);
                wait_after_ms += dice.between(0, 500);
                self.ledger.injected(Fault::StoreSlow);
            }
            fate.refused = dice.per_mille(self.faults.refuses);
            if dice.per_mille(self.faults.crashes) {
                let at = if dice.per_mille(500) { CrashAt::Before(number) } else { CrashAt::After(number) };
                fate.crash = fate.crash.or(Some(at));
            }
        }
        // A look is handed on in the moment it is made; what happens on the way to the rider is the link's part.
        fate.wait_after_ms = if call == Call::Write { wait_after_ms } else { 0 };
        fate.wait_ms = wait_ms;
        fate
    }

    /// Does not come back once this life has ended.
    async fn alive(&self) {
        if self.dead.is_cancelled() {
            std::future::pending::<()>().await;
        }
    }

    async fn crash(&self, fault: Fault, number: u64) {
        self.ledger.injected(fault);
        self.ledger.note(format_args!("crash at store call {number}"));
        self.dead.cancel();
        self.alive().await;
    }

    async fn wait(&self, ms: i64) {
        if ms > 0 {
            tokio::time::sleep(Duration::from_millis(u64::try_from(ms).unwrap())).await;
        }
        self.alive().await;
    }

    /// One call with its fate; `work` is the model's own, which never waits.
    async fn call<T>(
        &self,
        call: Call,
        work: impl Future<Output = StoreResult<T>> + Send,
        changed: impl Fn(&T) -> Vec<AlertId> + Send,
    ) -> StoreResult<T> {
        self.alive().await;
        let fate = self.fate(call);
        self.wait(fate.wait_ms).await;
        if matches!(fate.crash, Some(CrashAt::Before(_))) {
            self.crash(Fault::CrashBefore, fate.number).await;
        }
        if fate.refused {
            self.ledger.injected(Fault::StoreUnavailable);
            return Err(StoreError::Unavailable("as the simulation wants".into()));
        }
        let result = work.await;
        if let Ok(done) = &result {
            self.ledger.audit(changed(done));
        }
        if matches!(fate.crash, Some(CrashAt::After(_))) {
            self.crash(Fault::CrashAfter, fate.number).await;
        }
        self.wait(fate.wait_after_ms).await;
        result
    }

    async fn read<T>(&self, work: impl Future<Output = StoreResult<T>> + Send) -> StoreResult<T> {
        self.call(Call::Read, work, |_| Vec::new()).await
    }
}

/// One alert, and those that ended with what became of it.
fn with(alert: AlertId, ended: &[Ended]) -> Vec<AlertId> {
    let mut alerts = vec![alert];
    alerts.extend(alerts_of(ended).into_iter().filter(|other| *other != alert));
    alerts
}

fn alerts_of(ended: &[Ended]) -> Vec<AlertId> {
    let mut alerts: Vec<AlertId> = ended.iter().map(|one| one.alert).collect();
    alerts.sort_unstable();
    alerts.dedup();
    alerts
}

/// Writes the calls that are handed on: the plain ones stand still and meet no fate, reads meet theirs, writes are
/// audited as well.
macro_rules! hand_on {
    (
        plain { $(fn $plain:ident($($pa:ident: $pt:ty),*) -> $pr:ty;)* }
        reads { $(fn $read:ident($($ra:ident: $rt:ty),*) -> $rr:ty;)* }
        writes { $(fn $write:ident($($wa:ident: $wt:ty),*) -> $wr:ty => $changed:expr;)* }
    ) => {
        #[async_trait]
        impl Store for FaultyStore {
            $(async fn $plain(&self, $($pa: $pt),*) -> StoreResult<$pr> {
                self.ledger.store.$plain($($pa),*).await
            })*
            $(async fn $read(&self, $($ra: $rt),*) -> StoreResult<$rr> {
                self.read(self.ledger.store.$read($($ra),*)).await
            })*
            $(async fn $write(&self, $($wa: $wt),*) -> StoreResult<$wr> {
                self.call(Call::Write, self.ledger.store.$write($($wa),*), $changed).await
            })*

            async fn mark_rendered(&self, alert: AlertId, sound: Sound, at: EpochMs) -> StoreResult<bool> {
                let work = self.ledger.store.mark_rendered(alert, sound, at);
                self.call(Call::Write, work, |_| vec![alert]).await
            }

            async fn step(
                &self,
                alert: AlertId,
                level: u32,
                when: When,
                sound: Option<Sound>,
                world: World,
                at: EpochMs,
            ) -> StoreResult<Option<Stepped>> {
                let work = self.ledger.store.step(alert, level, when, sound, world, at);
                self.call(Call::Write, work, |stepped| {
                    let Some(stepped) = stepped else { return Vec::new() };
                    self.ledger.stepped(alert, level, stepped);
                    with(alert, &stepped.ended)
                })
                .await
            }

            async fn merge(
                &self,
                rider: RiderKey,
                together: Option<(Alert, usize)>,
                world: World,
                at: EpochMs,
            ) -> StoreResult<Merged> {
                let told = together.as_ref().map(|(alert, _)| alert.id);
                let whose = rider.rider.clone();
                let work = self.ledger.store.merge(rider, together, world, at);
                self.call(Call::Write, work, |merged| match merged {
                    Merged::Together(..) => told.into_iter().chain(self.ledger.held(&whose)).collect(),
                    Merged::Released | Merged::Nothing => self.ledger.held(&whose),
                })
                .await
            }

            async fn expire_due(
                &self,
                now: EpochMs,
                unresponsive_after: u32,
                limit: u32,
            ) -> StoreResult<Vec<Ended>> {
                let work = self.ledger.store.expire_due(now, unresponsive_after, limit);
                // An alert without an open delivery ends without a word.
                self.call(Call::Write, work, |ended| {
                    let mut alerts = self.ledger.overdue(now);
                    alerts.extend(alerts_of(ended));
                    alerts
                })
                .await
            }

            /// The world's store stays open for the next life.
            async fn close(&self) {}
        }
    };
}

/// Apps, keys, wordings, hooks, callbacks and WeChat stand still in a world, nobody is erased in it and nothing ages: these calls
/// meet no fate.
macro_rules! hand_on_all {
    ($part:ident: $(fn $call:ident($($arg:ident: $type:ty),*) -> $result:ty;)*) => {
        #[async_trait]
        impl $part for FaultyStore {
            $(async fn $call(&self, $($arg: $type),*) -> StoreResult<$result> {
                self.ledger.store.$call($($arg),*).await
            })*
        }
    };
}

hand_on_all! { SpeechStore:
    fn save_wording(app: AppId, wording: NewWording, at: EpochMs) -> Saved;
    fn wordings(app: AppId) -> Vec<Wording>;
    fn wording_versions(app: AppId, key: WordingKey) -> Vec<Wording>;
    fn wording_stamp(app: AppId) -> i64;
    fn clip_recipe(name: String) -> Option<String>;
    fn keep_recipe(name: String, recipe: String, at: EpochMs) -> ();
    fn forget_recipes(before: EpochMs, limit: u32) -> u64;
}

hand_on_all! { RecordStore:
    fn find_alerts(app: AppId, filter: AlertFilter, before: Option<AlertId>, size: PageSize) -> Page<AlertSummary, AlertId>;
    fn rider_history(rider: RiderKey, filter: HistoryFilter, before: Option<AlertId>, size: PageSize) -> Page<PastDelivery, AlertId>;
    fn outcomes(app: AppId, whose: Whose, span: Span, after: Option<DeliveryPlace>, limit: u32) -> Vec<Outcome>;
    fn groups_of(app: AppId, riders: Vec<RiderId>) -> Vec<(RiderId, GroupId)>;
}

hand_on_all! { RetentionStore:
    fn age(app: AppId, what: Aged, before: EpochMs, limit: u32) -> Gone;
    fn tidy(before: EpochMs, limit: u32) -> Gone;
    fn delete_rider(erasure: Erasure) -> Leaving;
    fn erase_traces(erasure: Erasure, last_seq: i64, limit: u32) -> ErasedPart;
    fn erased_at(app: AppId, mark: [u8; 32]) -> Option<EpochMs>;
    fn leave_rider(rider: RiderKey, at: EpochMs) -> ();
    fn rider_file(rider: RiderKey, after: i64, limit: u32) -> RiderFile;
}

hand_on_all! { AppStore:
    fn create_app(app: App) -> ();
    fn apps() -> Vec<App>;
    fn put_settings(app: AppId, settings: AppSettings) -> bool;
    fn put_limits(app: AppId, limits: AppLimits) -> bool;
    fn rotate_app_secret(app: AppId, new: Secret, old_until: EpochMs) -> bool;
    fn create_key(key: ApiKey) -> ();
    fn key_by_hash(hash: [u8; 32]) -> Option<ApiKey>;
    fn key_by_id(id: KeyId) -> Option<ApiKey>;
    fn keys(app: AppId) -> Vec<ApiKey>;
    fn revoke_key(app: AppId, id: KeyId, at: EpochMs) -> bool;
    fn rotate_key_secret(app: AppId, id: KeyId, new: Secret, old_until: EpochMs) -> bool;
    fn note_key_use(id: KeyId, at: EpochMs) -> ();
    fn spend_speech(app: AppId, spend: SpeechSpend) -> bool;
    fn speech_use(app: AppId) -> Option<SpeechUse>;
}

hand_on_all! { HookStore:
    fn put_hook(hook: Hook, most: u32) -> HookPut;
    fn hooks(app: AppId) -> Vec<Hook>;
    fn hook(id: HookId) -> Option<Hook>;
    fn delete_hook(app: AppId, id: HookId) -> bool;
    fn note_hook_deliveries(deliveries: Vec<HookDelivery>, kept: u32) -> ();
    fn hook_deliveries(
        app: AppId,
        hook: HookId,
        verdict: Option<HookVerdict>,
        before: Option<HookDeliveryId>,
        size: PageSize
    ) -> Page<HookDelivery, HookDeliveryId>;
    fn hook_delivery(app: AppId, id: HookDeliveryId) -> Option<HookDelivery>;
    fn forget_hook_deliveries(before: EpochMs, limit: u32) -> u64;
    fn order_memory(order: OrderKey) -> Option<OrderMemory>;
}

hand_on_all! { WechatStore:
    fn sign_in(app: AppId, login: Login, offer: LinkOffer, at: EpochMs) -> Option<RiderId>;
    fn link(rider: RiderKey, by: LinkBy, at: EpochMs) -> Linked;
    fn identities(rider: RiderKey) -> Vec<Identity>;
    fn unlink(rider: RiderKey) -> u64;
    fn bank(rider: RiderKey, template: Template, accepted: u32) -> u32;
    fn spend_unheard(rider: RiderKey, world: World, at: EpochMs) -> ();
    fn due_messages(now: EpochMs, limit: u32) -> Vec<Message>;
    fn take_message(message: Message, again_at: EpochMs, at: EpochMs) -> bool;
    fn finish_message(message: Message, result: MessageResult, at: EpochMs) -> ();
    fn forget_identities(before: EpochMs, limit: u32) -> u64;
}

hand_on_all! { CallbackStore:
    fn put_callback_target(target: CallbackTarget) -> bool;
    fn callback_targets(app: AppId) -> Vec<CallbackTarget>;
    fn delete_callback_target(app: AppId, id: CallbackTargetId, at: EpochMs) -> bool;
    fn set_callback_target_state(app: AppId, id: CallbackTargetId, state: TargetState) -> bool;
    fn add_callback(id: CallbackId, fact: Fact, target: CallbackTargetId) -> bool;
    fn claim_callbacks(
        now: EpochMs,
        until: EpochMs,
        resting: Vec<Destination>,
        per_destination: u32,
        limit: u32
    ) -> Vec<CallbackBatch>;
    fn finish_callbacks(batch: CallbackBatch, attempt: CallbackAttempt, after: AfterAttempt, at: EpochMs) -> ();
    fn callbacks(app: AppId, filter: CallbackFilter, before: Option<i64>, limit: u32) -> Vec<CallbackRecord>;
    fn callback(app: AppId, id: CallbackId) -> Option<CallbackRecord>;
    fn redeliver_callbacks(app: AppId, filter: CallbackFilter, at: EpochMs, limit: u32) -> u64;
    fn redeliver_callback(app: AppId, id: CallbackId, at: EpochMs) -> bool;
    fn callback_backlog() -> CallbackBacklog;
    fn presence_changed(rider: RiderKey, due_at: EpochMs) -> ();
    fn doubt_presence(due_at: EpochMs) -> u64;
    fn due_presence(now: EpochMs, limit: u32) -> Vec<RiderKey>;
    fn tell_presence(rider: RiderKey, online: Online, at: EpochMs) -> bool;
}

hand_on! {
    plain {
        fn epoch() -> String;
        fn add_check(rider: RiderKey, check: DeviceCheck) -> ();
        fn checks(rider: RiderKey) -> Vec<DeviceCheck>;
    }
    reads {
        fn rider(rider: RiderKey) -> Option<Rider>;
        fn riders(app: AppId, ids: Vec<RiderId>) -> Vec<Rider>;
        fn group(app: AppId, group: GroupId) -> Option<Vec<RiderId>>;
        fn groups(app: AppId) -> Vec<GroupId>;
        fn audience(app: AppId, target: Target) -> u64;
        fn open_deliveries(rider: RiderKey, limit: u32) -> Vec<OpenDelivery>;
        fn open_ids(rider: RiderKey) -> Vec<(AlertId, u32)>;
        fn ended_reasons(rider: RiderKey, alerts: Vec<AlertId>) -> Vec<(AlertId, EndReason)>;
        fn unrendered(limit: u32) -> Vec<Alert>;
        fn pending_since(since: EpochMs, limit: u32) -> Vec<RiderKey>;
        fn due_steps(now: EpochMs, limit: u32) -> Vec<DueStep>;
        fn laddered(rider: RiderKey) -> Vec<(Head, Vec<RiderId>)>;
        fn due_targets(now: EpochMs, limit: u32) -> Vec<DueTarget>;
        fn due_bursts(now: EpochMs, limit: u32) -> Vec<(RiderKey, usize)>;
        fn due_asks(now: EpochMs, limit: u32) -> Vec<(AlertId, RiderKey)>;
        fn due_calls(now: EpochMs, limit: u32) -> Vec<LadderCall>;
        fn notices(app: AppId, after: i64, limit: u32) -> Vec<NumberedNotice>;
        fn due_schedules(now: EpochMs, limit: u32) -> Vec<Schedule>;
        fn schedules(app: AppId) -> Vec<Schedule>;
        fn alert(app: AppId, alert: AlertId) -> Option<AlertRecord>;
        fn event(app: AppId, source: String, id: EventId) -> Option<(String, Receipt)>;
    }
    writes {
        fn put_rider(rider: RiderKey, patch: RiderPatch, at: EpochMs) -> Rider => |_| Vec::new();
        fn touch_rider(rider: RiderKey, at: EpochMs) -> Rider => |_| Vec::new();
        fn set_duty(rider: RiderKey, duty: Duty, at: EpochMs) -> Vec<Ended> => |ended| alerts_of(ended);
        fn admit(rider: RiderKey, admission: Admission, at: EpochMs) -> Admitted =>
            |admitted| alerts_of(&admitted.ended);
        fn put_group(app: AppId, group: GroupId, members: Vec<RiderId>) -> () => |()| Vec::new();
        fn change_group(app: AppId, group: GroupId, add: Vec<RiderId>, remove: Vec<RiderId>) -> () => |()| Vec::new();
        fn delete_group(app: AppId, group: GroupId) -> bool => |_| Vec::new();
        fn accept(event: NewEvent) -> Accepted => |accepted| match accepted {
            Accepted::New(receipt) | Accepted::Duplicate(receipt) => {
                let mut alerts: Vec<AlertId> = receipt.alerts.iter().map(|entered| entered.alert).collect();
                alerts.extend(alerts_of(&receipt.ended));
                alerts
            }
            Accepted::Conflict => Vec::new(),
        };
        fn progress(changes: Vec<Progress>) -> Vec<Option<Progressed>> => |progressed| {
            let done = progressed.iter().flatten();
            let mut alerts: Vec<AlertId> = done.map(|one| one.delivery.alert).collect();
            alerts.sort_unstable();
            alerts.dedup();
            alerts
        };
        fn cancel_alert(app: AppId, alert: AlertId, at: EpochMs) -> Option<Vec<Ended>> =>
            |ended| ended.as_deref().map(|ended| with(alert, ended)).unwrap_or_default();
        fn cancel_order(order: OrderKey, at: EpochMs) -> Vec<Ended> => |ended| alerts_of(ended);
        fn settle(app: AppId, alert: AlertId, settlement: Settlement, at: EpochMs) -> Option<Settled> => |_| vec![alert];
        fn unroll(
            alert: AlertId,
            chunk: u32,
            policy: OrderPolicy,
            world: World,
            at: EpochMs
        ) -> Unrolled => |unrolled| with(alert, &unrolled.ended);
        fn take_ask(alert: AlertId, rider: RiderKey, again_at: EpochMs, at: EpochMs) -> Option<Claim> => |_| vec![alert];
        fn ask_again(alert: AlertId, rider: RiderKey, at: Option<EpochMs>) -> () => |()| vec![alert];
        fn take_call(id: CallId, again_at: EpochMs, at: EpochMs) -> bool => |_| Vec::new();
        fn finish_call(id: CallId, result: CallResult, at: EpochMs) -> () => |()| Vec::new();
        fn advance_schedule(id: ScheduleId, from: EpochMs, next_at: Option<EpochMs>) -> bool => |_| Vec::new();
        fn end_schedule(app: AppId, by: KeyMode, id: ScheduleId) -> bool => |_| Vec::new();
        fn forget_orders(before: EpochMs, limit: u32) -> u64 => |_| Vec::new();
        fn forget_events(before: EpochMs, limit: u32) -> u64 => |_| Vec::new();
    }
}

//! What is kept: one trait, told in the words of the domain, with one behaviour in every implementation.
//! A write has happened when its future is done: committed and on disk. Rules of change live in `domain`, not here.

mod apps;
mod body;
mod callbacks;
mod hooks;
pub mod model;
pub mod postgres;
mod records;
mod retention;
mod schema;
mod speech;
mod sql;
pub mod sqlite;
pub mod transfer;
mod wechat;

use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::app::KeyMode;
use crate::domain::book::Context;
pub use crate::domain::book::{
    Admission, Admitted, Call, Duty, Ended, EnteredAlert, FirstDelivery, Merged, Notice, NoticeKind, Outcome,
    Progress, Progressed, Settled, Stepped, When,
};
use crate::domain::delivery::EndReason;
pub use crate::domain::delivery::OpenDelivery;
use crate::domain::id::IdEntropy;
use crate::domain::kind::OrderPolicy;
use crate::domain::order::Stamp;
use crate::domain::settings::Rules;
use crate::domain::wechat::Messaging;
use crate::domain::{
    Alert, AlertId, AppId, CallId, Delivery, EpochMs, EventId, GroupId, Head, OrderId, OrderKey, Presence,
    Rider, RiderId, RiderKey, ScheduleId, Settlement, Target,
};
use crate::domain::{Sound, SoundProfile};
pub use apps::{AppStore, SpeechSpend, SpeechUse};
pub use callbacks::{
    ATTEMPTS_KEPT, AfterAttempt, CallbackAttempt, CallbackBacklog, CallbackBatch, CallbackFilter,
    CallbackRecord, CallbackStore, Online, PRESENCE_SETTLES_MS, TARGETS_MAX,
};
pub use hooks::{HookPut, HookStore};
pub use records::{
    AlertFilter, AlertSummary, DeliveryPlace, HistoryFilter, Page, PageSize, PastDelivery, RecordStore, Span,
    Whose,
};
pub use retention::{
    CallTrace, ErasedPart, Erasure, FILE_ROWS_MAX, Gone, Leaving, RetentionStore, RiderFile, Traces,
};
pub use schema::{Migrate, Schema, SchemaState};
pub use speech::{NewWording, RECIPE_FRESH_MS, Saved, SpeechStore, Topic, VERSIONS_MAX, Wording, WordingKey};
pub use wechat::{MessageResult, MessageTrace, WechatStore};

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Busy, full or gone for the moment: nothing was done; try again later.
    #[error("the store is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The disk or the way to the server failed in the middle of the commit: it may be done or not; asking again, with the
    /// same ids, finds out.
    #[error("the disk or the server failed during a commit, and nobody knows what is on it")]
    Unsure(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A name that must be unique is taken.
    #[error("{0} exists already")]
    Taken(&'static str),
    /// A row does not say what it must: someone must look at it.
    #[error("{table} holds a row that makes no sense")]
    Inconsistent {
        /// Where.
        table: &'static str,
        /// What was found.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The database is newer or older than this binary, or cannot be opened.
    #[error("the database cannot be used: {0}")]
    Unusable(String),
}

/// Result of every store call.
pub type StoreResult<T> = Result<T, StoreError>;

/// An event on its way into the store.
#[derive(Clone)]
pub struct NewEvent {
    /// The tenant.
    pub app: AppId,
    /// Whose world it is in.
    pub key_mode: KeyMode,
    /// Who sent it: with the app and the id, the scope in which an id is one event.
    pub source: String,
    /// The backend's id.
    pub id: EventId,
    /// SHA-256 of the event's canonical form: the same id with another hash is a conflict.
    pub body_hash: [u8; 32],
    /// Name of its kind.
    pub kind: String,
    /// What its kind means for the order.
    pub policy: OrderPolicy,
    /// The order it is about.
    pub order_id: Option<OrderId>,
    /// How new its news of the order is.
    pub stamp: Stamp,
    /// Who had the order, as the event says.
    pub previous_rider: Option<RiderId>,
    /// Whom it is for; resolved inside the transaction, or later in parts.
    pub target: Target,
    /// One id from the request to the receipt.
    pub trace_id: String,
    /// When it came in.
    pub received_at: EpochMs,
    /// What it says, without sound as yet unless it is there already; its `stored_at` is set by the store.
    /// `None` for a silent kind, which is stored and remembered only.
    pub alert: Option<Alert>,
    /// What a rider is told who loses the order by it.
    pub away: Option<Alert>,
    /// It comes again and again: this is kept instead of an alert.
    pub schedule: Option<Schedule>,
    /// Rules, presence and randomness.
    pub world: World,
}

/// What the rules of a write go by beside the rows.
#[derive(Clone)]
pub struct World {
    /// The app's rules at this moment.
    pub rules: Rules,
    /// Who is online, for the first answer.
    pub presence: Arc<dyn Presence>,
    /// What consents of the app's riders may be spent on.
    pub messaging: Arc<Messaging>,
    /// Random bytes for the ids of what is made, asked once for each.
    pub entropy: Arc<dyn Fn() -> IdEntropy + Send + Sync>,
}

impl World {
    /// What the rules may ask, at `at`.
    #[must_use]
    pub fn context(&self, at: EpochMs) -> Context<'_> {
        let Self { rules, presence, messaging, entropy } = self;
        Context { rules: *rules, presence: &**presence, messaging, entropy: &**entropy, at }
    }
}

/// What became of a new event.
#[derive(Clone, Debug, PartialEq)]
pub enum Accepted {
    /// It is stored now.
    New(Receipt),
    /// The same event was stored before: its first answer, without what it ended.
    Duplicate(Receipt),
    /// The id was used for another event. Nothing was done.
    Conflict,
}

/// The answer to an event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Receipt {
    /// In one word.
    pub outcome: Outcome,
    /// Its alerts, the event's own first, with their first deliveries.
    pub alerts: Vec<EnteredAlert>,
    /// How many riders the target meant, where deliveries are made later in parts.
    pub audience: Option<u64>,
    /// Deliveries of other alerts that it has ended.
    pub ended: Vec<Ended>,
}

/// A ladder step that is due.
#[derive(Clone, Debug, PartialEq)]
pub struct DueStep {
    /// Its alert.
    pub head: Head,
    /// Its level.
    pub level: u32,
}

/// An alert whose audience is still to be told, and what is needed for its rules.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DueTarget {
    /// The tenant.
    pub app: AppId,
    /// The alert.
    pub alert: AlertId,
    /// Name of its kind.
    pub kind: String,
}

/// What one part of an audience became.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Unrolled {
    /// Riders to ring.
    pub riders: Vec<RiderKey>,
    /// Older deliveries it has ended.
    pub ended: Vec<Ended>,
    /// Whether riders are left.
    pub more: bool,
}

/// A claim that the backend is to be asked about.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// The alert.
    pub alert: Alert,
    /// The rider's delivery.
    pub delivery: Delivery,
}

/// What became of a request of a ladder step.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CallResult {
    /// The other end took it, with this status.
    Done(u16),
    /// It did not, with this status if it answered at all; it is not tried again.
    Failed(Option<u16>),
    /// It did not, and is tried again from then on.
    Again(EpochMs),
}

/// A recurring event.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Schedule {
    /// Our id.
    pub id: ScheduleId,
    /// The tenant.
    pub app: AppId,
    /// The backend's id of the event that made it; each time has an id of its own below it.
    pub event_id: EventId,
    /// Whose world each time is in.
    pub key_mode: KeyMode,
    /// The event, JSON, without its recurrence.
    pub body: String,
    /// When it comes, JSON.
    pub recurrence: String,
    /// The next time; `None` once it has ended.
    pub next_at: Option<EpochMs>,
    /// Times so far.
    pub fired: u64,
    /// When it was made.
    pub created_at: EpochMs,
}

/// A notice and its place in the order of notices.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NumberedNotice {
    /// Rises with every notice of the server.
    pub number: i64,
    /// The notice.
    pub notice: Notice,
}

/// What the backend says of a rider; `None` leaves a member as it is.
#[derive(Clone, Debug, Default)]
pub struct RiderPatch {
    /// Language of speech; `Some(None)` takes the app's.
    pub lang: Option<Option<String>>,
    /// What a second device does.
    pub devices: Option<crate::domain::DevicePolicy>,
    /// Whether on duty.
    pub on_duty: Option<bool>,
    /// Tokens issued before this moment are refused from now on.
    pub not_before: Option<EpochMs>,
    /// For what ears their clips are levelled; `Some(None)` takes the app's.
    pub sound_profile: Option<Option<SoundProfile>>,
}

/// The result of a client's self-check, as it was posted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DeviceCheck {
    /// When it came in.
    pub at: EpochMs,
    /// The result, JSON of at most 4 KiB.
    pub result: String,
}

/// An alert with all its deliveries.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertRecord {
    /// The alert.
    pub alert: Alert,
    /// Its deliveries by seq of insertion, at most `DELIVERIES_SHOWN_MAX`.
    pub deliveries: Vec<Delivery>,
    /// How many there are in all.
    pub delivery_count: u64,
}

/// Largest audience that is told in the transaction of its event; a larger one is told in parts.
pub const AUDIENCE_MAX: usize = 1_000;
/// Most deliveries of one alert that are read at once.
pub const DELIVERIES_SHOWN_MAX: u32 = 1_000;

/// Everything Orderbell keeps.
#[async_trait]
pub trait Store:
    AppStore
    + SpeechStore
    + CallbackStore
    + HookStore
    + RecordStore
    + RetentionStore
    + WechatStore
    + Send
    + Sync
    + 'static
{
    /// Marks one life of the data: a restored copy gets a new one.
    async fn epoch(&self) -> StoreResult<String>;

    // Riders, groups, checks

    /// Creates the rider or changes what the patch names; the rider is known from now on.
    /// Duty set here ends nothing that is open: `set_duty` does.
    async fn put_rider(&self, rider: RiderKey, patch: RiderPatch, at: EpochMs) -> StoreResult<Rider>;
    /// The rider.
    async fn rider(&self, rider: RiderKey) -> StoreResult<Option<Rider>>;
    /// The riders among these that exist, in any order.
    async fn riders(&self, app: AppId, ids: Vec<RiderId>) -> StoreResult<Vec<Rider>>;
    /// Notes that a session opened or closed; makes an unknown rider known. Returns the rider. Where a target of the app wants
    /// to hear who comes and goes, it is told of this rider from [`PRESENCE_SETTLES_MS`] later on.
    async fn touch_rider(&self, rider: RiderKey, at: EpochMs) -> StoreResult<Rider>;
    /// Sets duty, and makes the rider known. Going off duty ends every open delivery that asks for duty; those are
    /// returned.
    async fn set_duty(&self, rider: RiderKey, duty: Duty, at: EpochMs) -> StoreResult<Vec<Ended>>;
    /// Says whether a rider is there for tests. Making them real ends what is open of tests for them; that is returned.
    async fn admit(&self, rider: RiderKey, admission: Admission, at: EpochMs) -> StoreResult<Admitted>;
    /// Replaces the members of a group; an empty list leaves an empty group.
    async fn put_group(&self, app: AppId, group: GroupId, members: Vec<RiderId>) -> StoreResult<()>;
    /// Adds, then removes members; makes the group if need be.
    async fn change_group(
        &self,
        app: AppId,
        group: GroupId,
        add: Vec<RiderId>,
        remove: Vec<RiderId>,
    ) -> StoreResult<()>;
    /// Members of a group, sorted; `None` if there is no such group.
    async fn group(&self, app: AppId, group: GroupId) -> StoreResult<Option<Vec<RiderId>>>;
    /// Names of the app's groups, sorted.
    async fn groups(&self, app: AppId) -> StoreResult<Vec<GroupId>>;
    /// Removes a group. False if there is none.
    async fn delete_group(&self, app: AppId, group: GroupId) -> StoreResult<bool>;
    /// Keeps a self-check of a rider's device (the newest 20 of each rider).
    async fn add_check(&self, rider: RiderKey, check: DeviceCheck) -> StoreResult<()>;
    /// A rider's self-checks, newest first.
    async fn checks(&self, rider: RiderKey) -> StoreResult<Vec<DeviceCheck>>;

    // Events, alerts, deliveries

    /// Stores an event with its alerts and deliveries in one transaction; nothing of it if that fails. The rules are
    /// those of `domain::book`.
    ///
    /// The same (app, source, id) gives the first answer again, or a conflict, until `forget_events` (after 7 days).
    /// Riders are resolved here: those named (created as unknown if need be), members of groups, everyone known
    /// for a broadcast, each once, less the excluded, in order of naming; members and everyone by their ids. An
    /// audience of more than `AUDIENCE_MAX`, and one whose time has not come, is told later, by `unroll`.
    async fn accept(&self, event: NewEvent) -> StoreResult<Accepted>;
    /// Accepts many events in their order, each as `accept` does and with an answer of its own, in the same order.
    /// Where one has no place in the queue, those behind it may be refused as well: they may build on it.
    async fn accept_all(&self, events: Vec<NewEvent>) -> Vec<StoreResult<Accepted>> {
        let mut answers = Vec::with_capacity(events.len());
        for event in events {
            answers.push(self.accept(event).await);
        }
        answers
    }
    /// How many riders a target means now.
    async fn audience(&self, app: AppId, target: Target) -> StoreResult<u64>;
    /// Sets the sound of an alert, and with it permission to send. A later sound replaces an earlier one; `rendered_at`
    /// stays the first. An alert that has ended stays as it is. False if there is no such alert.
    async fn mark_rendered(&self, alert: AlertId, sound: Sound, at: EpochMs) -> StoreResult<bool>;
    /// Open deliveries of a rider whose alert has its sound, and which wait for no company: highest urgency first, then
    /// lowest seq.
    async fn open_deliveries(&self, rider: RiderKey, limit: u32) -> StoreResult<Vec<OpenDelivery>>;
    /// The ids of the same, with their ring, by seq.
    async fn open_ids(&self, rider: RiderKey) -> StoreResult<Vec<(AlertId, u32)>>;
    /// Why the rider's deliveries of these alerts ended; those still open are left out, unknown ones are too.
    async fn ended_reasons(
        &self,
        rider: RiderKey,
        alerts: Vec<AlertId>,
    ) -> StoreResult<Vec<(AlertId, EndReason)>>;
    /// Applies changes in their order, all in one transaction. `None` where the rider has no such delivery.
    async fn progress(&self, changes: Vec<Progress>) -> StoreResult<Vec<Option<Progressed>>>;
    /// Settles an offer. `None` if there is no such alert.
    async fn settle(
        &self,
        app: AppId,
        alert: AlertId,
        settlement: Settlement,
        at: EpochMs,
    ) -> StoreResult<Option<Settled>>;
    /// Cancels an active or scheduled alert and its open deliveries. `None` if there is no such alert; an alert that has ended
    /// stays as it is and gives an empty list.
    async fn cancel_alert(&self, app: AppId, alert: AlertId, at: EpochMs) -> StoreResult<Option<Vec<Ended>>>;
    /// Cancels every open alert of an order, and remembers that it was: news of it that comes late is dropped.
    async fn cancel_order(&self, order: OrderKey, at: EpochMs) -> StoreResult<Vec<Ended>>;
    /// Ends up to `limit` deliveries whose time is over at `now`, the longest over first, and the alerts they belong
    /// to; of a large alert the rest ends with the next calls. Ends open alerts without open deliveries as well.
    /// A rider who let `unresponsive_after` offers in a row pass is noticed.
    async fn expire_due(&self, now: EpochMs, unresponsive_after: u32, limit: u32) -> StoreResult<Vec<Ended>>;
    /// Ladder steps that are due at `now`, the longest due first, of alerts that have their sound.
    async fn due_steps(&self, now: EpochMs, limit: u32) -> StoreResult<Vec<DueStep>>;
    /// Takes a step of a ladder, once. `sound` is the alert's sound from now on, if given. `None` if there is nothing
    /// to take: it was taken before, is not due, or the alert waits no more.
    async fn step(
        &self,
        alert: AlertId,
        level: u32,
        when: When,
        sound: Option<Sound>,
        world: World,
        at: EpochMs,
    ) -> StoreResult<Option<Stepped>>;
    /// Active alerts with a ladder that are open for this rider, each with the riders for whom it is open.
    async fn laddered(&self, rider: RiderKey) -> StoreResult<Vec<(Head, Vec<RiderId>)>>;
    /// Alerts whose audience is to be told at `now`: scheduled ones whose time has come, and those not told to the end.
    async fn due_targets(&self, now: EpochMs, limit: u32) -> StoreResult<Vec<DueTarget>>;
    /// Tells the next `chunk` riders of an alert's audience, by their ids.
    async fn unroll(
        &self,
        alert: AlertId,
        chunk: u32,
        policy: OrderPolicy,
        world: World,
        at: EpochMs,
    ) -> StoreResult<Unrolled>;
    /// Riders with deliveries that have waited for company until `now`, and how many.
    async fn due_bursts(&self, now: EpochMs, limit: u32) -> StoreResult<Vec<(RiderKey, usize)>>;
    /// Tells what has waited for company: as `together` if it was drafted for exactly so many, else each by itself.
    async fn merge(
        &self,
        rider: RiderKey,
        together: Option<(Alert, usize)>,
        world: World,
        at: EpochMs,
    ) -> StoreResult<Merged>;
    /// Claims that the backend is to be asked about at `now`, the longest due first.
    async fn due_asks(&self, now: EpochMs, limit: u32) -> StoreResult<Vec<(AlertId, RiderKey)>>;
    /// Takes the right to ask about a claim; nobody else gets it before `again_at`. `None` if it is not due.
    async fn take_ask(
        &self,
        alert: AlertId,
        rider: RiderKey,
        again_at: EpochMs,
        at: EpochMs,
    ) -> StoreResult<Option<Claim>>;
    /// Sets when the backend is asked about a claim again; `None` if it has heard of it and will settle it.
    async fn ask_again(&self, alert: AlertId, rider: RiderKey, at: Option<EpochMs>) -> StoreResult<()>;
    /// Requests of ladder steps that are due at `now`, the longest due first.
    async fn due_calls(&self, now: EpochMs, limit: u32) -> StoreResult<Vec<Call>>;
    /// Takes the right to make a request; nobody else gets it before `again_at`. False if it is not due.
    async fn take_call(&self, id: CallId, again_at: EpochMs, at: EpochMs) -> StoreResult<bool>;
    /// Notes what became of a request: it is over, or due again.
    async fn finish_call(&self, id: CallId, result: CallResult, at: EpochMs) -> StoreResult<()>;
    /// An app's notices after `after`, by number.
    async fn notices(&self, app: AppId, after: i64, limit: u32) -> StoreResult<Vec<NumberedNotice>>;
    /// Recurring events of all apps whose time has come at `now`, the longest due first.
    async fn due_schedules(&self, now: EpochMs, limit: u32) -> StoreResult<Vec<Schedule>>;
    /// Moves a recurring event on from `from` to its next time, or to its end, once. False if it is not at `from`.
    async fn advance_schedule(
        &self,
        id: ScheduleId,
        from: EpochMs,
        next_at: Option<EpochMs>,
    ) -> StoreResult<bool>;
    /// An app's recurring events that have not ended, oldest first.
    async fn schedules(&self, app: AppId) -> StoreResult<Vec<Schedule>>;
    /// Ends a recurring event that a key of this mode may touch. False if there is none with this id that has not ended.
    async fn end_schedule(&self, app: AppId, by: KeyMode, id: ScheduleId) -> StoreResult<bool>;
    /// Active alerts that have no sound yet, oldest first: after a crash, or made by another process.
    async fn unrendered(&self, limit: u32) -> StoreResult<Vec<Alert>>;
    /// Riders with a delivery whose last ring was not sent, and whose active alert got its first sound or was rung again
    /// since `since`, the longest waiting first: a bell may have been lost.
    async fn pending_since(&self, since: EpochMs, limit: u32) -> StoreResult<Vec<RiderKey>>;
    /// One alert with its deliveries.
    async fn alert(&self, app: AppId, alert: AlertId) -> StoreResult<Option<AlertRecord>>;
    /// The answer that was given for an event, and its kind.
    async fn event(&self, app: AppId, source: String, id: EventId) -> StoreResult<Option<(String, Receipt)>>;
    /// Forgets what was last heard of orders before `before`, at most `limit` at once. Returns how many.
    async fn forget_orders(&self, before: EpochMs, limit: u32) -> StoreResult<u64>;
    /// Forgets events received before `before`, at most `limit` at once: their ids are free again. Alerts stay.
    /// Returns how many.
    async fn forget_events(&self, before: EpochMs, limit: u32) -> StoreResult<u64>;

    /// Ends all work in hand and closes the store; later calls are `Unavailable`.
    async fn close(&self);
}

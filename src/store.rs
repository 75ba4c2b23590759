//! What is kept: one trait, told in the words of the domain, with one behaviour in every implementation.
//! A write has happened when its future is done: committed and on disk. Rules of change live in `domain`, not here.

pub mod model;
pub mod sqlite;

use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::alert::Sound;
use crate::domain::app::{ApiKey, App};
pub use crate::domain::delivery::OpenDelivery;
use crate::domain::delivery::{AnswerOutcome, Change, EndReason};
use crate::domain::{
    Alert, AlertId, AppId, Delivery, DeliveryId, EpochMs, EventId, FirstStatus, GroupId, KeyId, OrderId,
    Presence, Rider, RiderId, RiderKey, Target,
};

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Busy, full or gone for the moment: nothing was done; try again later.
    #[error("the store is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The disk failed in the middle of it: it may be done or not; asking again, with the same ids, finds out.
    #[error("the disk failed during a commit, and nobody knows what is on it")]
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
    /// Who sent it: with the app and the id, the scope in which an id is one event.
    pub source: String,
    /// The backend's id.
    pub id: EventId,
    /// SHA-256 of the event's canonical form: the same id with another hash is a conflict.
    pub body_hash: [u8; 32],
    /// Name of its kind.
    pub kind: String,
    /// The order it is about.
    pub order_id: Option<OrderId>,
    /// One id from the request to the receipt.
    pub trace_id: String,
    /// When it came in.
    pub received_at: EpochMs,
    /// What it says; `None` for a silent kind, which is stored and remembered only.
    pub alert: Option<NewAlert>,
}

/// The alert of a new event and whom it is for.
#[derive(Clone)]
pub struct NewAlert {
    /// The alert, without sound as yet, `Active`; its `stored_at` is set by the store.
    pub alert: Alert,
    /// Resolved inside the transaction that commits it.
    pub target: Target,
    /// Entropy for the ids of its deliveries, asked once for each.
    pub entropy: Arc<dyn Fn() -> crate::domain::id::IdEntropy + Send + Sync>,
    /// Who is online, for the first answer.
    pub presence: Arc<dyn Presence>,
}

/// What became of a new event.
#[derive(Clone, Debug, PartialEq)]
pub enum Accepted {
    /// It is stored now.
    New(Receipt),
    /// The same event was stored before: its first answer.
    Duplicate(Receipt),
    /// The id was used for another event. Nothing was done.
    Conflict,
}

/// The answer to an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Receipt {
    /// The alert, if the event speaks.
    pub alert: Option<AlertId>,
    /// Its deliveries in order of target.
    pub deliveries: Vec<FirstDelivery>,
}

/// One rider of an event's first answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FirstDelivery {
    /// Our id.
    pub id: DeliveryId,
    /// Whom for.
    pub rider: RiderId,
    /// What the backend is told.
    pub status: FirstStatus,
}

/// A change to one delivery, told by a rider's session. A delivery of another rider is not found.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Whose session says so.
    pub rider: RiderKey,
    /// Which alert, as the client names it.
    pub alert: AlertId,
    /// What happened.
    pub change: Change,
    /// When, by the server's clock.
    pub at: EpochMs,
}

/// What a progress did.
#[derive(Clone, Debug, PartialEq)]
pub struct Progressed {
    /// The delivery afterwards.
    pub delivery: Delivery,
    /// Whether anything changed.
    pub changed: bool,
    /// Whether this change ended it.
    pub ended_now: bool,
    /// For an answer: what the rider is told.
    pub outcome: Option<AnswerOutcome>,
}

/// A delivery that has just ended without its rider's doing; its sessions must be told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ended {
    /// Whose.
    pub rider: RiderKey,
    /// Of which alert.
    pub alert: AlertId,
    /// Why.
    pub reason: EndReason,
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
}

/// An app's own phrases of one kind in one language, from specific to slotless.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Template {
    /// Name of the kind.
    pub kind: String,
    /// Tag of the language.
    pub lang: String,
    /// The phrases.
    pub phrases: Vec<String>,
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

/// Most deliveries of one alert that are read at once.
pub const DELIVERIES_SHOWN_MAX: u32 = 1_000;

/// Everything Orderbell keeps.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Marks one life of the data: a restored copy gets a new one.
    async fn epoch(&self) -> StoreResult<String>;

    // Apps and keys

    /// Adds an app. `Taken` if the name is.
    async fn create_app(&self, app: App) -> StoreResult<()>;
    /// All apps, oldest first.
    async fn apps(&self) -> StoreResult<Vec<App>>;
    /// Adds a key. `Taken` if a live key of the app has that name.
    async fn create_key(&self, key: ApiKey) -> StoreResult<()>;
    /// The key with this hash, revoked or not.
    async fn key_by_hash(&self, hash: [u8; 32]) -> StoreResult<Option<ApiKey>>;
    /// All keys of an app, oldest first.
    async fn keys(&self, app: AppId) -> StoreResult<Vec<ApiKey>>;
    /// Ends a live key. False if there is none with this id.
    async fn revoke_key(&self, app: AppId, id: KeyId, at: EpochMs) -> StoreResult<bool>;

    // Riders, groups, phrases, checks

    /// Creates the rider or changes what the patch names; the rider is known from now on.
    /// Duty set here ends nothing that is open: `set_duty` does.
    async fn put_rider(&self, rider: RiderKey, patch: RiderPatch, at: EpochMs) -> StoreResult<Rider>;
    /// The rider.
    async fn rider(&self, rider: RiderKey) -> StoreResult<Option<Rider>>;
    /// The riders among these that exist, in any order.
    async fn riders(&self, app: AppId, ids: Vec<RiderId>) -> StoreResult<Vec<Rider>>;
    /// Notes that a session opened or closed; makes an unknown rider known. Returns the rider.
    async fn touch_rider(&self, rider: RiderKey, at: EpochMs) -> StoreResult<Rider>;
    /// Sets duty, and makes the rider known. Going off duty ends every open delivery that asks for duty; those are
    /// returned.
    async fn set_duty(&self, rider: RiderKey, on_duty: bool, at: EpochMs) -> StoreResult<Vec<Ended>>;
    /// Erases the rider: row, memberships, checks; open deliveries end as `Erased` and are returned.
    /// `None` if there is no such rider. Ended deliveries stay, as the backend's record of its orders; a rider who
    /// comes back goes on counting where they end.
    async fn delete_rider(&self, rider: RiderKey, at: EpochMs) -> StoreResult<Option<Vec<Ended>>>;
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
    /// Sets an app's phrases of one kind and language; an empty list takes them back.
    async fn put_template(&self, app: AppId, template: Template) -> StoreResult<()>;
    /// All phrases of an app's own.
    async fn templates(&self, app: AppId) -> StoreResult<Vec<Template>>;
    /// Keeps a self-check of a rider's device (the newest 20 of each rider).
    async fn add_check(&self, rider: RiderKey, check: DeviceCheck) -> StoreResult<()>;
    /// A rider's self-checks, newest first.
    async fn checks(&self, rider: RiderKey) -> StoreResult<Vec<DeviceCheck>>;

    // Events, alerts, deliveries

    /// Stores an event with its alert and deliveries in one transaction; nothing of it if that fails.
    ///
    /// The same (app, source, id) gives the first answer again, or a conflict, until `forget_events` (after 7 days).
    /// Riders are resolved here: those named (created as unknown if need be), members of groups, everyone known
    /// for a broadcast, each once, less the excluded, in order of naming; members and everyone by their ids. Riders
    /// off duty get a delivery that has ended as `Suppressed`/`OffDuty`, unless the target's duty rule says otherwise.
    /// Each delivery takes the next `seq` of its rider. An alert without an open delivery is `Completed` at once.
    async fn accept(&self, event: NewEvent) -> StoreResult<Accepted>;
    /// Sets the sound of an alert, and with it permission to send. A later sound replaces an earlier one; `rendered_at`
    /// stays the first. An alert that has ended stays as it is. False if there is no such alert.
    async fn mark_rendered(&self, alert: AlertId, sound: Sound, at: EpochMs) -> StoreResult<bool>;
    /// Open deliveries of a rider whose alert has its sound: highest urgency first, then lowest seq.
    async fn open_deliveries(&self, rider: RiderKey, limit: u32) -> StoreResult<Vec<OpenDelivery>>;
    /// The ids of the rider's open deliveries whose alert has its sound, with their ring, by seq.
    async fn open_ids(&self, rider: RiderKey) -> StoreResult<Vec<(AlertId, u32)>>;
    /// Why the rider's deliveries of these alerts ended; those still open are left out, unknown ones are too.
    async fn ended_reasons(
        &self,
        rider: RiderKey,
        alerts: Vec<AlertId>,
    ) -> StoreResult<Vec<(AlertId, EndReason)>>;
    /// Applies changes in their order, all in one transaction. `None` where the rider has no such delivery.
    async fn progress(&self, changes: Vec<Progress>) -> StoreResult<Vec<Option<Progressed>>>;
    /// Cancels an active alert and its open deliveries. `None` if there is no such alert; an alert that has ended
    /// stays as it is and gives an empty list.
    async fn cancel_alert(&self, app: AppId, alert: AlertId, at: EpochMs) -> StoreResult<Option<Vec<Ended>>>;
    /// Cancels every active alert of an order.
    async fn cancel_order(&self, app: AppId, order: OrderId, at: EpochMs) -> StoreResult<Vec<Ended>>;
    /// Ends up to `limit` deliveries whose time is over at `now`, the longest over first, and the alerts they belong
    /// to; of a large alert the rest ends with the next calls.
    async fn expire_due(&self, now: EpochMs, limit: u32) -> StoreResult<Vec<Ended>>;
    /// Active alerts that have no sound yet, oldest first: after a crash, or made by another process.
    async fn unrendered(&self, limit: u32) -> StoreResult<Vec<Alert>>;
    /// Riders with a delivery still `Pending` whose active alert got its first sound since `since`, the longest waiting
    /// first: a bell may have been lost.
    async fn pending_since(&self, since: EpochMs, limit: u32) -> StoreResult<Vec<RiderKey>>;
    /// One alert with its deliveries.
    async fn alert(&self, app: AppId, alert: AlertId) -> StoreResult<Option<AlertRecord>>;
    /// The answer that was given for an event, and its kind.
    async fn event(&self, app: AppId, source: String, id: EventId) -> StoreResult<Option<(String, Receipt)>>;
    /// Forgets events received before `before`, at most `limit` at once: their ids are free again. Alerts stay.
    /// Returns how many.
    async fn forget_events(&self, before: EpochMs, limit: u32) -> StoreResult<u64>;

    /// Ends all work in hand and closes the store; later calls are `Unavailable`.
    async fn close(&self);
}

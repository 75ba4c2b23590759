//! What is kept of callbacks: where an app has them sent, and each one until its backend has it.
//! A part of [`Store`](super::Store), with the same promises.

use async_trait::async_trait;

use super::StoreResult;
use crate::domain::callback::{Callback, CallbackState, CallbackTarget, Destination, Fact, TargetState};
use crate::domain::{AlertId, AppId, CallbackId, CallbackTargetId, EpochMs, RiderKey};

/// Callbacks that go into one request, in their order; one of them unless their target takes several.
#[derive(Clone, Debug, PartialEq)]
pub struct CallbackBatch {
    /// The request's `webhook-id`: that of its callback, or of the batch; the same with every try.
    pub webhook_id: String,
    /// Whether the body is a list, as the target takes several.
    pub is_list: bool,
    /// What it tells, at least one.
    pub callbacks: Vec<Callback>,
}

/// How a try ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CallbackAttempt {
    /// When it began.
    pub at: EpochMs,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
    /// The status, if there was an answer.
    pub status: Option<u16>,
    /// Why not, in one word, if it was not taken: `refused`, `timeout`, `unreachable`, `not_allowed`, `gone` …
    pub error: Option<String>,
}

/// What becomes of callbacks after a try.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AfterAttempt {
    /// The backend has them; the next of their order may go.
    Delivered,
    /// They are tried again from then on; those behind them wait.
    Again(EpochMs),
    /// They are given up; the next of their order may go.
    Dead,
    /// Everything that waits for this destination is given up, and a target is stopped: it answered 410.
    Gone,
    /// They were not sent at all, as their destination rests: they wait until then, and no try is counted.
    Postponed(EpochMs),
}

/// Which callbacks are asked for.
#[derive(Clone, Debug, Default)]
pub struct CallbackFilter {
    /// Of this alert.
    pub alert: Option<AlertId>,
    /// For this target.
    pub target: Option<CallbackTargetId>,
    /// In this state.
    pub state: Option<CallbackState>,
    /// Of this kind.
    pub kind: Option<String>,
    /// Noted at or after this moment.
    pub since: Option<EpochMs>,
    /// Noted before this moment.
    pub until: Option<EpochMs>,
}

/// A callback as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct CallbackRecord {
    /// Rises with every callback; what cursors are made of.
    pub number: i64,
    /// The callback; `url` is where it goes now.
    pub callback: Callback,
    /// Where it stands.
    pub state: CallbackState,
    /// When it is tried (again); `None` while it waits for another or has ended.
    pub due_at: Option<EpochMs>,
    /// When it ended.
    pub ended_at: Option<EpochMs>,
    /// The last tries, the newest last, at most [`ATTEMPTS_KEPT`].
    pub tries: Vec<CallbackAttempt>,
}

/// Tries that are kept of each callback, the newest ones: more than the retry table has.
pub const ATTEMPTS_KEPT: u32 = 12;
/// Most targets of an app.
pub const TARGETS_MAX: u32 = 10;

/// Targets and callbacks.
#[async_trait]
pub trait CallbackStore {
    /// Keeps a target, or changes the one of this id. False if the app has [`TARGETS_MAX`] of them.
    async fn put_callback_target(&self, target: CallbackTarget) -> StoreResult<bool>;
    /// An app's targets, oldest first.
    async fn callback_targets(&self, app: AppId) -> StoreResult<Vec<CallbackTarget>>;
    /// Removes a target; what waits for it is given up. False if there is none.
    async fn delete_callback_target(
        &self,
        app: AppId,
        id: CallbackTargetId,
        at: EpochMs,
    ) -> StoreResult<bool>;
    /// Stops or resumes a target. False if there is none.
    async fn set_callback_target_state(
        &self,
        app: AppId,
        id: CallbackTargetId,
        state: TargetState,
    ) -> StoreResult<bool>;

    /// Takes callbacks that are due at `now` and first of their order, the longest due first, in at most `limit` requests
    /// and `per_destination` for one destination; those of the destinations in `resting` are left. Nobody else gets them
    /// before `until`.
    async fn claim_callbacks(
        &self,
        now: EpochMs,
        until: EpochMs,
        resting: Vec<Destination>,
        per_destination: u32,
        limit: u32,
    ) -> StoreResult<Vec<CallbackBatch>>;
    /// Notes how a try of a batch ended, and what follows.
    async fn finish_callbacks(
        &self,
        batch: CallbackBatch,
        attempt: CallbackAttempt,
        after: AfterAttempt,
        at: EpochMs,
    ) -> StoreResult<()>;
    /// Keeps a callback for one target, whatever kinds it wants, under an id that is new. False if there is no such target
    /// or it is stopped.
    async fn add_callback(&self, id: CallbackId, fact: Fact, target: CallbackTargetId) -> StoreResult<bool>;
    /// An app's callbacks, newest first, before the one of number `before`.
    async fn callbacks(
        &self,
        app: AppId,
        filter: CallbackFilter,
        before: Option<i64>,
        limit: u32,
    ) -> StoreResult<Vec<CallbackRecord>>;
    /// One callback.
    async fn callback(&self, app: AppId, id: CallbackId) -> StoreResult<Option<CallbackRecord>>;
    /// Sends callbacks that have ended once more, behind what waits of their order, at most `limit`; those whose target is
    /// gone are left. Returns how many.
    async fn redeliver_callbacks(
        &self,
        app: AppId,
        filter: CallbackFilter,
        at: EpochMs,
        limit: u32,
    ) -> StoreResult<u64>;
    /// Sends one callback once more. False if there is none that has ended, or its target is gone.
    async fn redeliver_callback(&self, app: AppId, id: CallbackId, at: EpochMs) -> StoreResult<bool>;

    /// Notes that a rider's connection came or went: their backend is told from `due_at` on, if it is so still.
    async fn presence_changed(&self, rider: RiderKey, due_at: EpochMs) -> StoreResult<()>;
    /// Riders of whom a backend may have to be told, the longest due first.
    async fn due_presence(&self, now: EpochMs, limit: u32) -> StoreResult<Vec<RiderKey>>;
    /// Notes `rider.online` or `rider.offline` unless that was the last that was told. True if it was not.
    async fn tell_presence(&self, rider: RiderKey, online: Online, at: EpochMs) -> StoreResult<bool>;
}

/// Whether a rider is connected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Online {
    /// They are.
    Yes,
    /// They are not.
    No,
}

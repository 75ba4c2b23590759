//! What is kept of callbacks: where an app has them sent, and each one until its backend has it.
//! A part of [`Store`](super::Store), with the same promises.

use async_trait::async_trait;

use super::StoreResult;
use crate::domain::app::KeyMode;
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

impl CallbackFilter {
    /// Whether this callback is asked for.
    #[must_use]
    pub fn matches(&self, record: &CallbackRecord) -> bool {
        let callback = &record.callback;
        self.alert.is_none_or(|alert| callback.alert == Some(alert))
            && self.target.is_none_or(|target| callback.destination.target() == Some(target))
            && self.state.is_none_or(|state| record.state == state)
            && self.kind.as_ref().is_none_or(|kind| callback.kind == *kind)
            && self.since.is_none_or(|since| callback.at >= since)
            && self.until.is_none_or(|until| callback.at < until)
    }
}

impl CallbackRecord {
    /// Notes a try of it and what follows, at `at`. Nothing happens to one that is over already.
    pub fn note(&mut self, attempt: &CallbackAttempt, after: AfterAttempt, at: EpochMs) {
        if self.state != CallbackState::Waiting {
            return;
        }
        match after {
            // It was not sent at all.
            AfterAttempt::Postponed(until) => return self.wait_until(until),
            AfterAttempt::Again(until) => self.wait_until(until),
            AfterAttempt::Delivered => self.end(CallbackState::Delivered, at),
            AfterAttempt::Dead | AfterAttempt::Gone => self.end(CallbackState::Dead, at),
        }
        self.callback.attempts = self.callback.attempts.saturating_add(1);
        self.tries.push(attempt.clone());
        let surplus = self.tries.len().saturating_sub(ATTEMPTS_KEPT as usize);
        self.tries.drain(..surplus);
    }

    /// Only the first of an order has a moment.
    fn wait_until(&mut self, until: EpochMs) {
        self.due_at = self.due_at.map(|_| until);
    }

    /// It is over at `at`.
    pub fn end(&mut self, state: CallbackState, at: EpochMs) {
        self.state = state;
        self.due_at = None;
        self.ended_at = Some(at);
    }
}

/// Tries that are kept of each callback, the newest ones: more than the retry table has.
pub const ATTEMPTS_KEPT: u32 = 12;
/// How long a connection that came or went must stand before a backend is told, in milliseconds: a client that changes from
/// one network to another does it within this.
pub const PRESENCE_SETTLES_MS: i64 = 3_000;
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

    /// Keeps a callback for one target, whatever kinds that wants: a test of the way. False if the app has no such target,
    /// or it is stopped.
    async fn add_callback(&self, id: CallbackId, fact: Fact, target: CallbackTargetId) -> StoreResult<bool>;
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

    /// Puts off, or on, the moment from which a rider's backend is told whether they are connected. `touch_rider` sets it to
    /// [`PRESENCE_SETTLES_MS`] later, where a target of the app wants to hear of it; here nothing happens to a rider without
    /// such a moment.
    async fn presence_changed(&self, rider: RiderKey, due_at: EpochMs) -> StoreResult<()>;
    /// Nobody knows any more who is connected: of every rider who was told to be, their backend is told from `due_at` on
    /// what is so then. Returns how many they are.
    async fn doubt_presence(&self, due_at: EpochMs) -> StoreResult<u64>;
    /// Riders of whom a backend may have to be told, the longest due first.
    async fn due_presence(&self, now: EpochMs, limit: u32) -> StoreResult<Vec<RiderKey>>;
    /// Notes `rider.online` or `rider.offline` at `at` unless that was the last that was told. True if it was not. A change
    /// that came up after `at` is still due.
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

impl Online {
    /// What a backend is told of it.
    #[must_use]
    pub fn fact(self, rider: &RiderKey, key_mode: KeyMode, at: EpochMs) -> Fact {
        let kind = match self {
            Self::Yes => "rider.online",
            Self::No => "rider.offline",
        };
        Fact {
            app: rider.app,
            key_mode,
            kind: kind.to_owned(),
            alert: None,
            order: None,
            rider: Some(rider.rider.clone()),
            at,
            data: serde_json::Map::new(),
        }
    }
}

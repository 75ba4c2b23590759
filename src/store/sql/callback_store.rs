//! Callbacks in SQL: not built yet.
//! Every call says so.

use async_trait::async_trait;

use super::SqlStore;
use super::engine::Engine;
use crate::domain::callback::{CallbackTarget, Destination, Fact, TargetState};
use crate::domain::{AppId, CallbackId, CallbackTargetId, EpochMs, RiderKey};
use crate::store::{
    AfterAttempt, CallbackAttempt, CallbackBatch, CallbackFilter, CallbackRecord, CallbackStore, Online,
    StoreError, StoreResult,
};

fn no<T>() -> StoreResult<T> {
    Err(StoreError::Unavailable("not built yet".into()))
}

#[async_trait]
impl<E: Engine> CallbackStore for SqlStore<E> {
    async fn put_callback_target(&self, _target: CallbackTarget) -> StoreResult<bool> {
        no()
    }
    async fn callback_targets(&self, _app: AppId) -> StoreResult<Vec<CallbackTarget>> {
        no()
    }
    async fn delete_callback_target(
        &self,
        _app: AppId,
        _id: CallbackTargetId,
        _at: EpochMs,
    ) -> StoreResult<bool> {
        no()
    }
    async fn set_callback_target_state(
        &self,
        _app: AppId,
        _id: CallbackTargetId,
        _state: TargetState,
    ) -> StoreResult<bool> {
        no()
    }
    async fn add_callback(
        &self,
        _id: CallbackId,
        _fact: Fact,
        _target: CallbackTargetId,
    ) -> StoreResult<bool> {
        no()
    }
    async fn claim_callbacks(
        &self,
        _now: EpochMs,
        _until: EpochMs,
        _resting: Vec<Destination>,
        _per_destination: u32,
        _limit: u32,
    ) -> StoreResult<Vec<CallbackBatch>> {
        no()
    }
    async fn finish_callbacks(
        &self,
        _batch: CallbackBatch,
        _attempt: CallbackAttempt,
        _after: AfterAttempt,
        _at: EpochMs,
    ) -> StoreResult<()> {
        no()
    }
    async fn callbacks(
        &self,
        _app: AppId,
        _filter: CallbackFilter,
        _before: Option<i64>,
        _limit: u32,
    ) -> StoreResult<Vec<CallbackRecord>> {
        no()
    }
    async fn callback(&self, _app: AppId, _id: CallbackId) -> StoreResult<Option<CallbackRecord>> {
        no()
    }
    async fn redeliver_callbacks(
        &self,
        _app: AppId,
        _filter: CallbackFilter,
        _at: EpochMs,
        _limit: u32,
    ) -> StoreResult<u64> {
        no()
    }
    async fn redeliver_callback(&self, _app: AppId, _id: CallbackId, _at: EpochMs) -> StoreResult<bool> {
        no()
    }
    async fn presence_changed(&self, _rider: RiderKey, _due_at: EpochMs) -> StoreResult<()> {
        no()
    }
    async fn doubt_presence(&self, _due_at: EpochMs) -> StoreResult<u64> {
        no()
    }
    async fn due_presence(&self, _now: EpochMs, _limit: u32) -> StoreResult<Vec<RiderKey>> {
        no()
    }
    async fn tell_presence(&self, _rider: RiderKey, _online: Online, _at: EpochMs) -> StoreResult<bool> {
        no()
    }
}

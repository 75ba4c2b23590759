//! Callbacks: the calls that run their statements.

use async_trait::async_trait;

use super::SqlStore;
use super::callbacks::{self, Again, Claim, Finished};
use super::engine::Engine;
use crate::domain::callback::{CallbackTarget, Destination, Fact, TargetState};
use crate::domain::{AppId, CallbackId, CallbackTargetId, EpochMs, RiderKey};
use crate::store::{
    AfterAttempt, CallbackAttempt, CallbackBatch, CallbackFilter, CallbackRecord, CallbackStore, Online,
    StoreResult,
};

#[async_trait]
impl<E: Engine> CallbackStore for SqlStore<E> {
    async fn put_callback_target(&self, target: CallbackTarget) -> StoreResult<bool> {
        self.engine.write(target, |db, target| Box::pin(callbacks::put_target(db, target))).await
    }

    async fn callback_targets(&self, app: AppId) -> StoreResult<Vec<CallbackTarget>> {
        callbacks::targets(&mut self.engine.reader().await?.db(), app).await
    }

    async fn delete_callback_target(
        &self,
        app: AppId,
        id: CallbackTargetId,
        at: EpochMs,
    ) -> StoreResult<bool> {
        self.engine
            .write((app, id, at), |db, (app, id, at)| Box::pin(callbacks::delete_target(db, *app, *id, *at)))
            .await
    }

    async fn set_callback_target_state(
        &self,
        app: AppId,
        id: CallbackTargetId,
        state: TargetState,
    ) -> StoreResult<bool> {
        self.engine
            .write((app, id, state), |db, (app, id, state)| {
                Box::pin(callbacks::set_state(db, *app, *id, *state))
            })
            .await
    }

    async fn add_callback(&self, id: CallbackId, fact: Fact, target: CallbackTargetId) -> StoreResult<bool> {
        self.engine
            .write((id, fact, target), |db, (id, fact, target)| {
                Box::pin(callbacks::add_one(db, *id, fact, *target))
            })
            .await
    }

    async fn claim_callbacks(
        &self,
        now: EpochMs,
        until: EpochMs,
        resting: Vec<Destination>,
        per_destination: u32,
        limit: u32,
    ) -> StoreResult<Vec<CallbackBatch>> {
        let claim = Claim { now, until, resting, per_destination, limit };
        self.engine.write(claim, |db, claim| Box::pin(callbacks::claim(db, claim))).await
    }

    async fn finish_callbacks(
        &self,
        batch: CallbackBatch,
        attempt: CallbackAttempt,
        after: AfterAttempt,
        at: EpochMs,
    ) -> StoreResult<()> {
        let finished = Finished { batch, attempt, after, at };
        self.engine.write(finished, |db, finished| Box::pin(callbacks::finish(db, finished))).await
    }

    async fn callbacks(
        &self,
        app: AppId,
        filter: CallbackFilter,
        before: Option<i64>,
        limit: u32,
    ) -> StoreResult<Vec<CallbackRecord>> {
        callbacks::list(&mut self.engine.reader().await?.db(), app, &filter, before, limit).await
    }

    async fn callback(&self, app: AppId, id: CallbackId) -> StoreResult<Option<CallbackRecord>> {
        callbacks::one(&mut self.engine.reader().await?.db(), app, id).await
    }

    async fn redeliver_callbacks(
        &self,
        app: AppId,
        filter: CallbackFilter,
        at: EpochMs,
        limit: u32,
    ) -> StoreResult<u64> {
        let again = Again { app, filter, at, limit };
        self.engine.write(again, |db, again| Box::pin(callbacks::again_all(db, again))).await
    }

    async fn redeliver_callback(&self, app: AppId, id: CallbackId, at: EpochMs) -> StoreResult<bool> {
        self.engine
            .write((app, id, at), |db, (app, id, at)| Box::pin(callbacks::again(db, *app, *id, *at)))
            .await
    }

    async fn presence_changed(&self, rider: RiderKey, due_at: EpochMs) -> StoreResult<()> {
        self.engine
            .write((rider, due_at), |db, (rider, due_at)| Box::pin(callbacks::put_off(db, rider, *due_at)))
            .await
    }

    async fn doubt_presence(&self, due_at: EpochMs) -> StoreResult<u64> {
        self.engine.write(due_at, |db, due_at| Box::pin(callbacks::doubt(db, *due_at))).await
    }

    async fn due_presence(&self, now: EpochMs, limit: u32) -> StoreResult<Vec<RiderKey>> {
        callbacks::due_presence(&mut self.engine.reader().await?.db(), now, limit).await
    }

    async fn tell_presence(&self, rider: RiderKey, online: Online, at: EpochMs) -> StoreResult<bool> {
        self.engine
            .write((rider, online, at), |db, (rider, online, at)| {
                Box::pin(callbacks::tell_presence(db, rider, *online, *at))
            })
            .await
    }
}

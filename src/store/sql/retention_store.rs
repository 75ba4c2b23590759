//! Ageing, erasure and export in SQL.

use async_trait::async_trait;

use super::engine::Engine;
use super::{SqlStore, aging, erasing, hooks, rider_file, riders};
use crate::domain::{Aged, AppId, EpochMs, RiderKey};
use crate::store::{ErasedPart, Erasure, Gone, Leaving, RetentionStore, RiderFile, StoreResult};

#[async_trait]
impl<E: Engine> RetentionStore for SqlStore<E> {
    async fn age(&self, app: AppId, what: Aged, before: EpochMs, limit: u32) -> StoreResult<Gone> {
        let slice = aging::Slice { app, what, before, limit };
        self.engine.write(slice, |db, slice| Box::pin(aging::age(db, slice))).await
    }

    async fn tidy(&self, before: EpochMs, limit: u32) -> StoreResult<Gone> {
        self.engine
            .write((before, limit), |db, (before, limit)| Box::pin(aging::tidy(db, *before, *limit)))
            .await
    }

    async fn delete_rider(&self, erasure: Erasure) -> StoreResult<Leaving> {
        self.engine.write(erasure, |db, erasure| Box::pin(erasing::begin(db, erasure))).await
    }

    async fn erase_traces(&self, erasure: Erasure, last_seq: i64, limit: u32) -> StoreResult<ErasedPart> {
        let rider = erasure.rider.clone();
        let part = erasing::Part { erasure, last_seq, limit };
        let mut done = self.engine.write(part, |db, part| Box::pin(erasing::go_on(db, part))).await?;
        if done.more {
            return Ok(done);
        }
        let named = hooks::naming(&mut self.engine.reader().await?.db(), &rider, limit).await?;
        if !named.is_empty() {
            let deleting = self.engine.write(named, |db, named| Box::pin(hooks::delete_these(db, named)));
            done.traces.hook_requests = deleting.await?;
            done.more = done.traces.hook_requests >= u64::from(limit);
        }
        let left = erasing::orders_left(&mut self.engine.reader().await?.db(), &rider, limit).await?;
        if left.is_empty() {
            return Ok(done);
        }
        let forgetting = self.engine.write((rider, left), |db, (rider, left)| {
            Box::pin(erasing::forget_in_orders(db, &rider.rider, left))
        });
        let orders = forgetting.await?;
        done.traces.orders += orders;
        done.more |= orders > 0;
        Ok(done)
    }

    async fn erased_at(&self, app: AppId, mark: [u8; 32]) -> StoreResult<Option<EpochMs>> {
        erasing::marked(&mut self.engine.reader().await?.db(), app, &mark).await
    }

    async fn leave_rider(&self, rider: RiderKey, at: EpochMs) -> StoreResult<()> {
        self.engine.write((rider, at), |db, (rider, at)| Box::pin(riders::leave(db, rider, *at))).await
    }

    async fn rider_file(&self, rider: RiderKey, after: i64, limit: u32) -> StoreResult<RiderFile> {
        rider_file::read(&mut self.engine.snapshot().await?.db(), &rider, after, limit).await
    }
}

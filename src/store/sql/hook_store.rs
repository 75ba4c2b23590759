//! Hooks: the calls that run their statements.

use async_trait::async_trait;

use super::engine::Engine;
use super::{SqlStore, hooks, orders};
use crate::domain::{
    AppId, EpochMs, Hook, HookDelivery, HookDeliveryId, HookId, HookVerdict, OrderKey, OrderMemory,
};
use crate::store::{HookPut, HookStore, Page, PageSize, StoreResult};

#[async_trait]
impl<E: Engine> HookStore for SqlStore<E> {
    async fn put_hook(&self, hook: Hook, most: u32) -> StoreResult<HookPut> {
        self.engine.write((hook, most), |db, (hook, most)| Box::pin(hooks::put(db, hook, *most))).await
    }

    async fn hooks(&self, app: AppId) -> StoreResult<Vec<Hook>> {
        hooks::all(&mut self.engine.reader().await?.db(), app).await
    }

    async fn hook(&self, id: HookId) -> StoreResult<Option<Hook>> {
        hooks::one(&mut self.engine.reader().await?.db(), &id).await
    }

    async fn delete_hook(&self, app: AppId, id: HookId) -> StoreResult<bool> {
        self.engine.write((app, id), |db, (app, id)| Box::pin(hooks::delete(db, *app, id))).await
    }

    async fn note_hook_deliveries(&self, deliveries: Vec<HookDelivery>, kept: u32) -> StoreResult<()> {
        self.engine
            .write((deliveries, kept), |db, (deliveries, kept)| Box::pin(hooks::note(db, deliveries, *kept)))
            .await
    }

    async fn hook_deliveries(
        &self,
        app: AppId,
        hook: HookId,
        verdict: Option<HookVerdict>,
        before: Option<HookDeliveryId>,
        size: PageSize,
    ) -> StoreResult<Page<HookDelivery, HookDeliveryId>> {
        let asked = hooks::Asked { app, hook, verdict, before, size };
        hooks::deliveries(&mut self.engine.reader().await?.db(), &asked).await
    }

    async fn hook_delivery(&self, app: AppId, id: HookDeliveryId) -> StoreResult<Option<HookDelivery>> {
        hooks::delivery(&mut self.engine.reader().await?.db(), app, id).await
    }

    async fn forget_hook_deliveries(&self, before: EpochMs, limit: u32) -> StoreResult<u64> {
        self.engine
            .write((before, limit), |db, (before, limit)| Box::pin(hooks::forget(db, *before, *limit)))
            .await
    }

    async fn order_memory(&self, order: OrderKey) -> StoreResult<Option<OrderMemory>> {
        orders::one(&mut self.engine.reader().await?.db(), &order).await
    }
}

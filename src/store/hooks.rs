//! What is kept of hooks: the hooks themselves, and of the requests to each the newest of every verdict, redacted.
//! A part of [`Store`](super::Store), with the same promises.

use async_trait::async_trait;

use super::{Page, PageSize, StoreResult};
use crate::domain::{
    AppId, EpochMs, Hook, HookDelivery, HookDeliveryId, HookId, HookVerdict, OrderKey, OrderMemory,
};

/// What became of a hook that was to be kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HookPut {
    /// It is kept.
    Kept,
    /// It is not: its app has as many as it may.
    Full,
    /// It is not: the version before it is not the one that is kept, or it is gone.
    Conflict,
}

/// Hooks and what came to them.
#[async_trait]
pub trait HookStore {
    /// Keeps a hook. Version 1 is a new one, of which its app may have `most`; a later one takes the place of the version
    /// before it. `Taken` if there is one of a new one's id.
    async fn put_hook(&self, hook: Hook, most: u32) -> StoreResult<HookPut>;
    /// An app's hooks, oldest first.
    async fn hooks(&self, app: AppId) -> StoreResult<Vec<Hook>>;
    /// The hook of this id, whoever's it is.
    async fn hook(&self, id: HookId) -> StoreResult<Option<Hook>>;
    /// Removes a hook, and what is kept of requests to it. False if the app has none of this id.
    async fn delete_hook(&self, app: AppId, id: HookId) -> StoreResult<bool>;

    /// Keeps requests, all in one transaction, and of each hook no more than the newest `kept` of each verdict. Those of
    /// hooks that are gone are left out, and so is what is kept already.
    async fn note_hook_deliveries(&self, deliveries: Vec<HookDelivery>, kept: u32) -> StoreResult<()>;
    /// The requests kept of an app's hook, newest first, those before `before`.
    async fn hook_deliveries(
        &self,
        app: AppId,
        hook: HookId,
        verdict: Option<HookVerdict>,
        before: Option<HookDeliveryId>,
        size: PageSize,
    ) -> StoreResult<Page<HookDelivery, HookDeliveryId>>;
    /// One of them.
    async fn hook_delivery(&self, app: AppId, id: HookDeliveryId) -> StoreResult<Option<HookDelivery>>;
    /// Removes requests that came in before `before`, the oldest first, at most `limit`; how many.
    async fn forget_hook_deliveries(&self, before: EpochMs, limit: u32) -> StoreResult<u64>;

    /// What is remembered of an order.
    async fn order_memory(&self, order: OrderKey) -> StoreResult<Option<OrderMemory>>;
}

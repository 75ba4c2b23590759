//! Hooks and requests to them in the model.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::ModelStore;
use super::state::State;
use crate::domain::{
    AppId, EpochMs, Hook, HookDelivery, HookDeliveryId, HookId, HookVerdict, OrderKey, OrderMemory, RiderKey,
};
use crate::store::{HookPut, HookStore, Page, PageSize, StoreError, StoreResult};

#[async_trait]
impl HookStore for ModelStore {
    async fn put_hook(&self, hook: Hook, most: u32) -> StoreResult<HookPut> {
        self.with(|state| state.put_hook(hook, most as usize))?
    }

    async fn hooks(&self, app: AppId) -> StoreResult<Vec<Hook>> {
        self.with(|state| {
            let mut hooks: Vec<Hook> = state.hooks.values().filter(|hook| hook.app == app).cloned().collect();
            hooks.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
            hooks
        })
    }

    async fn hook(&self, id: HookId) -> StoreResult<Option<Hook>> {
        self.with(|state| state.hooks.get(&id).cloned())
    }

    async fn delete_hook(&self, app: AppId, id: HookId) -> StoreResult<bool> {
        self.with(|state| {
            let is_theirs = state.hooks.get(&id).is_some_and(|hook| hook.app == app);
            if is_theirs {
                state.hooks.remove(&id);
                state.hook_deliveries.retain(|_, delivery| delivery.hook != id);
            }
            is_theirs
        })
    }

    async fn note_hook_deliveries(&self, deliveries: Vec<HookDelivery>, kept: u32) -> StoreResult<()> {
        self.with(|state| state.note_hook_deliveries(deliveries, kept as usize))
    }

    async fn hook_deliveries(
        &self,
        app: AppId,
        hook: HookId,
        verdict: Option<HookVerdict>,
        before: Option<HookDeliveryId>,
        size: PageSize,
    ) -> StoreResult<Page<HookDelivery, HookDeliveryId>> {
        self.with(|state| {
            let newest_first = state.hook_deliveries.values().rev();
            let wanted = newest_first.filter(|delivery| {
                delivery.app == app
                    && delivery.hook == hook
                    && verdict.is_none_or(|verdict| delivery.verdict == verdict)
                    && before.is_none_or(|before| delivery.id < before)
            });
            size.cut(wanted.cloned().collect(), |delivery| delivery.id, |_| true)
        })
    }

    async fn hook_delivery(&self, app: AppId, id: HookDeliveryId) -> StoreResult<Option<HookDelivery>> {
        self.with(|state| state.hook_deliveries.get(&id).filter(|delivery| delivery.app == app).cloned())
    }

    async fn forget_hook_deliveries(&self, before: EpochMs, limit: u32) -> StoreResult<u64> {
        self.with(|state| {
            let old = state.hook_deliveries.values().filter(|delivery| delivery.at < before);
            let mut old: Vec<(EpochMs, HookDeliveryId)> =
                old.map(|delivery| (delivery.at, delivery.id)).collect();
            old.sort();
            old.truncate(limit as usize);
            old.iter().filter(|(_, id)| state.hook_deliveries.remove(id).is_some()).count() as u64
        })
    }

    async fn order_memory(&self, order: OrderKey) -> StoreResult<Option<OrderMemory>> {
        self.with(|state| {
            let mut orders = state.book.orders();
            orders.find(|(key, ..)| **key == order).map(|(_, memory, _)| memory.clone())
        })
    }
}

impl State {
    fn put_hook(&mut self, hook: Hook, most: usize) -> StoreResult<HookPut> {
        if hook.version > 1 {
            let before = self
                .hooks
                .get_mut(&hook.id)
                .filter(|kept| kept.app == hook.app && kept.version == hook.version - 1);
            let Some(before) = before else { return Ok(HookPut::Conflict) };
            *before = Hook { created_at: before.created_at, ..hook };
            return Ok(HookPut::Kept);
        }
        if self.hooks.values().filter(|kept| kept.app == hook.app).count() >= most {
            return Ok(HookPut::Full);
        }
        if self.hooks.contains_key(&hook.id) {
            return Err(StoreError::Taken("hook"));
        }
        self.hooks.insert(hook.id.clone(), hook);
        Ok(HookPut::Kept)
    }

    fn note_hook_deliveries(&mut self, deliveries: Vec<HookDelivery>, kept: usize) {
        let mut touched = BTreeSet::new();
        for delivery in deliveries {
            if self.hooks.contains_key(&delivery.hook) {
                touched.insert((delivery.hook.clone(), delivery.verdict));
                self.hook_deliveries.entry(delivery.id).or_insert(delivery);
            }
        }
        for (hook, verdict) in touched {
            let alike = |delivery: &&HookDelivery| delivery.hook == hook && delivery.verdict == verdict;
            let newest_first = self.hook_deliveries.values().rev().filter(alike);
            let surplus: Vec<HookDeliveryId> = newest_first.skip(kept).map(|delivery| delivery.id).collect();
            for id in surplus {
                self.hook_deliveries.remove(&id);
            }
        }
    }

    /// Removes requests whose events were for this rider; how many.
    pub(super) fn forget_in_hooks(&mut self, rider: &RiderKey) -> u64 {
        let before = self.hook_deliveries.len();
        let names =
            |delivery: &HookDelivery| delivery.app == rider.app && delivery.riders.contains(&rider.rider);
        self.hook_deliveries.retain(|_, delivery| !names(delivery));
        (before - self.hook_deliveries.len()) as u64
    }
}

//! Telling large audiences and scheduled events, part by part.
//! Each part is one short write, so that a broadcast to ten thousand delays nobody's order.

use std::sync::{Arc, PoisonError};

use tracing::warn;

use super::Dispatch;
use super::announce::Audience;
use crate::domain::{AlertId, EpochMs};
use crate::store::{DueTarget, StoreResult};

impl Dispatch {
    /// Begins to tell, or goes on with, every audience that is due, each in a task of its own.
    pub(super) async fn begin_due(self: &Arc<Self>, now: EpochMs) -> StoreResult<()> {
        for due in self.store.due_targets(now, self.limits.sweep_batch).await? {
            self.begin(due);
        }
        Ok(())
    }

    /// Tells an audience to its end, in a task of its own; does nothing if one is at it already.
    pub(super) fn begin(self: &Arc<Self>, due: DueTarget) {
        let mut unrolling = self.unrolling.lock().unwrap_or_else(PoisonError::into_inner);
        if !unrolling.insert(due.alert) {
            return;
        }
        drop(unrolling);
        let guard = Unrolling { dispatch: Arc::clone(self), alert: due.alert };
        let dispatch = Arc::clone(self);
        self.lifecycle.spawn(async move {
            if let Err(error) = dispatch.unroll(due).await {
                warn!(error = &error as &dyn std::error::Error, "An audience is told on by the sweep.");
            }
            drop(guard);
        });
    }

    /// Tells an audience to its end.
    async fn unroll(self: &Arc<Self>, due: DueTarget) -> StoreResult<()> {
        let Some(kind) = self.kinds.get(&due.kind) else { return Ok(()) };
        loop {
            let Some(world) = self.world_of(due.app).await? else { return Ok(()) };
            let chunk = self.limits.unroll_chunk;
            let part = self.store.unroll(due.alert, chunk, kind.order.clone(), world, self.wall()).await?;
            self.tell_ended(&part.ended);
            self.ring_all_of(&part.riders);
            if !part.more {
                break;
            }
        }
        let Some(record) = self.store.alert(due.app, due.alert).await? else { return Ok(()) };
        if record.alert.is_open() {
            let open = record.deliveries.iter().filter(|delivery| delivery.is_open());
            let riders: Vec<_> = open.map(|delivery| delivery.rider.clone()).collect();
            self.fall_back(&record.alert.head, &riders).await?;
            // A scheduled alert has no sound until its time has come.
            if record.alert.sound.is_none() {
                self.announce(Arc::new(record.alert), Audience::Stored);
            }
        }
        Ok(())
    }
}

/// Takes the alert off the list when its telling ends, however it ends.
struct Unrolling {
    dispatch: Arc<Dispatch>,
    alert: AlertId,
}

impl Drop for Unrolling {
    fn drop(&mut self) {
        let mut unrolling = self.dispatch.unrolling.lock().unwrap_or_else(PoisonError::into_inner);
        unrolling.remove(&self.alert);
    }
}

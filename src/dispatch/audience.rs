//! Telling large audiences and scheduled events, part by part.
//! Each part is one short write, so that a broadcast to ten thousand delays nobody's order.

use std::sync::Arc;

use super::Dispatch;
use super::announce::Audience;
use crate::domain::EpochMs;
use crate::store::{DueTarget, StoreResult};

impl Dispatch {
    /// Begins to tell, or goes on with, every audience that is due, each in a task of its own.
    pub(super) async fn begin_due(self: &Arc<Self>, now: EpochMs) -> StoreResult<()> {
        for due in self.store.due_targets(now, self.limits.sweep_batch).await? {
            self.unroll(due).await?;
        }
        Ok(())
    }

    /// Tells an audience to its end.
    pub(super) async fn unroll(self: &Arc<Self>, due: DueTarget) -> StoreResult<()> {
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
        // A scheduled alert has no sound until its time has come.
        if let Some(record) = self.store.alert(due.app, due.alert).await? {
            if record.alert.is_open() && record.alert.sound.is_none() {
                self.announce(Arc::new(record.alert), Audience::Stored);
            } else if record.alert.is_open() {
                let riders: Vec<_> =
                    record.deliveries.iter().map(|delivery| delivery.rider.clone()).collect();
                self.fall_back(&record.alert.head, &riders).await?;
            }
        }
        Ok(())
    }
}

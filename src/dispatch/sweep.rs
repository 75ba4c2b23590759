//! The look at everything that is due: bells make things prompt, this makes them certain.
//! Each part is a small write of its own, so that a sweep never holds the writer for long.

use std::sync::Arc;

use super::Dispatch;
use super::announce::Audience;
use crate::store::StoreResult;

/// How far back a lost bell is made good: a few sweeps, so that one late sweep loses none.
const RING_AGAIN_MS: i64 = 10_000;

impl Dispatch {
    /// Ends what is due, takes ladder steps, tells audiences, tells of who came and went, renders what nobody renders, rings
    /// again where a bell may have been lost. True if there is more to do at once.
    ///
    /// # Errors
    /// The store's; the next look tries again.
    pub async fn sweep(self: &Arc<Self>) -> StoreResult<bool> {
        let now = self.wall();
        let batch = self.limits.sweep_batch;
        // Before what is over is ended: the last step of a ladder may be due with the end of its alert.
        self.climb(now).await?;
        let ended = self.store.expire_due(now, self.limits.unresponsive_after, batch).await?;
        let more = ended.len() >= batch as usize;
        self.tell_ended(&ended);
        self.tell_bursts(now).await?;
        self.begin_due(now).await?;
        self.ask_due(now).await?;
        self.call_due(now).await?;
        self.send_messages(now).await?;
        self.repeat_due(now).await?;
        self.tell_presence(now).await?;
        for alert in self.store.unrendered(batch).await? {
            self.announce(Arc::new(alert), Audience::Stored);
        }
        for rider in self.store.pending_since(now.plus_ms(-RING_AGAIN_MS), batch).await? {
            self.hub.ring(&rider, crate::hub::Ring::Look);
        }
        Ok(more)
    }
}

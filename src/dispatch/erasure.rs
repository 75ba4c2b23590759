//! The erasure of a rider, from their sessions to the last row that names them, and what is known of them before.
//! It goes on to its end even if the caller leaves; asked for again, it does what an earlier one has left.

use std::sync::Arc;

use tracing::info;

use super::{Accounts, Dispatch};
use crate::domain::{EpochMs, RiderId, RiderKey};
use crate::hub::Ring;
use crate::store::{Erasure, RiderFile, StoreError, StoreResult, Traces};

/// What was erased.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Erased {
    /// Deliveries that ended by it.
    pub ended: usize,
    /// What was removed, or is a pseudonym's now.
    pub traces: Traces,
}

impl Dispatch {
    /// Erases a rider and ends their sessions. `None` if nothing was ever known of them, or nothing is any more.
    ///
    /// # Errors
    /// The store's; asking again goes on where it stopped.
    pub async fn erase_rider(self: &Arc<Self>, rider: RiderKey) -> StoreResult<Option<Erased>> {
        let dispatch = Arc::clone(self);
        // A handler dies with its client; half an erasure is none.
        let work = self.lifecycle.spawn(async move { dispatch.erase(rider).await });
        work.await.unwrap_or_else(|error| Err(StoreError::Unavailable(Box::new(error))))
    }

    async fn erase(&self, rider: RiderKey) -> StoreResult<Option<Erased>> {
        let pseudonym = RiderId::pseudonym(self.clock.entropy());
        let mark = self.accounts.mark(&rider);
        let erasure = Erasure { mark, pseudonym, at: self.wall(), rider: rider.clone() };
        let leaving = self.store.delete_rider(erasure.clone()).await?;
        let ended = self.tell_ended(&leaving.ended);
        self.hub.ring(&rider, Ring::Revoked);
        let mut traces = leaving.traces;
        loop {
            let slice = self.limits.retention.slice;
            let part = self.store.erase_traces(erasure.clone(), leaving.last_seq, slice).await?;
            traces += part.traces;
            if !part.more {
                break;
            }
        }
        if !leaving.known && traces.is_empty() {
            return Ok(None);
        }
        info!(
            app.id = %rider.app,
            deliveries = traces.deliveries,
            texts = traces.texts,
            orders = traces.orders,
            "A rider was erased."
        );
        Ok(Some(Erased { ended, traces }))
    }

    /// Notes that a rider's session has closed. A rider who was erased meanwhile stays so.
    ///
    /// # Errors
    /// The store's.
    pub async fn leave(&self, rider: RiderKey) -> StoreResult<()> {
        self.store.leave_rider(rider, self.wall()).await
    }

    /// Everything kept of a rider: all of it with the first `limit` deliveries, or deliveries after a number alone.
    ///
    /// # Errors
    /// The store's.
    pub async fn rider_file(&self, rider: RiderKey, after: i64, limit: u32) -> StoreResult<RiderFile> {
        self.store.rider_file(rider, after, limit).await
    }
}

impl Accounts {
    /// What is kept of a rider who is erased: a hash that nobody can make without the node's key.
    pub(super) fn mark(&self, rider: &RiderKey) -> [u8; 32] {
        self.vault.mark(&format!("{} {}", rider.app, rider.rider))
    }

    /// Whether the rider was erased after a token was issued at `iat_ms`, in whole seconds as tokens count.
    pub(super) async fn was_erased_since(&self, rider: &RiderKey, iat_ms: i64) -> StoreResult<bool> {
        let erased = self.store.erased_at(rider.app, self.mark(rider)).await?;
        Ok(erased.is_some_and(|EpochMs(at)| iat_ms <= at))
    }
}

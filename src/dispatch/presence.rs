//! Who has come and gone, as backends are told: when it has stood for a while, and only if it is not what was told last.
//! The store notes whom to look at; whether they are connected is seen here.

use futures_util::future::join_all;

use super::Dispatch;
use crate::domain::{EpochMs, Presence, RiderKey};
use crate::store::{Online, StoreResult};

impl Dispatch {
    /// A server that begins knows of nobody's connection: whoever was told to be connected has the grace to come back.
    /// Returns how many they are.
    ///
    /// # Errors
    /// The store's; to be tried again.
    pub async fn doubt_presence(&self) -> StoreResult<u64> {
        self.store.doubt_presence(self.wall().plus_ms(self.limits.offline_grace_ms)).await
    }

    /// Tells of riders whose connection came or went some time ago.
    pub(super) async fn tell_presence(&self, now: EpochMs) -> StoreResult<()> {
        let due = self.store.due_presence(now, self.limits.sweep_batch).await?;
        // All are asked for before any is waited for, so that they share their commits.
        let told = join_all(due.into_iter().map(|rider| self.tell_of(rider, now))).await;
        if told.into_iter().collect::<StoreResult<Vec<bool>>>()?.contains(&true) {
            self.ring_callbacks();
        }
        Ok(())
    }

    async fn tell_of(&self, rider: RiderKey, now: EpochMs) -> StoreResult<bool> {
        if self.hub.is_online(rider.app, &rider.rider) {
            return self.store.tell_presence(rider, Online::Yes, now).await;
        }
        let stored = self.store.rider(rider.clone()).await?;
        let seen_at = stored.and_then(|stored| stored.last_seen_at);
        match seen_at.map(|seen_at| seen_at.plus_ms(self.limits.offline_grace_ms)) {
            Some(gone_at) if gone_at > now => {
                self.store.presence_changed(rider, gone_at).await?;
                Ok(false)
            }
            Some(_) | None => self.store.tell_presence(rider, Online::No, now).await,
        }
    }
}

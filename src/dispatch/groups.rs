//! Groups and self-checks: plain writes, kept here because only `dispatch` writes.

use super::Dispatch;
use crate::domain::{AppId, GroupId, RiderId, RiderKey};
use crate::store::{DeviceCheck, StoreResult};

impl Dispatch {
    /// Sets the members of a group.
    ///
    /// # Errors
    /// The store's.
    pub async fn put_group(&self, app: AppId, group: GroupId, members: Vec<RiderId>) -> StoreResult<()> {
        self.store.put_group(app, group, members).await
    }

    /// Adds and removes members.
    ///
    /// # Errors
    /// The store's.
    pub async fn change_group(
        &self,
        app: AppId,
        group: GroupId,
        add: Vec<RiderId>,
        remove: Vec<RiderId>,
    ) -> StoreResult<()> {
        self.store.change_group(app, group, add, remove).await
    }

    /// Removes a group. False if there is none.
    ///
    /// # Errors
    /// The store's.
    pub async fn delete_group(&self, app: AppId, group: GroupId) -> StoreResult<bool> {
        self.store.delete_group(app, group).await
    }

    /// Keeps the result of a device's self-check, JSON.
    ///
    /// # Errors
    /// The store's.
    pub async fn add_check(&self, rider: RiderKey, result: String) -> StoreResult<()> {
        self.store.add_check(rider, DeviceCheck { at: self.wall(), result }).await
    }
}

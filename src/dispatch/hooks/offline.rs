//! Hooks made and listed without a server, or beside one that holds the same database: it finds them there.

use super::saved::{HookError, HookWish, judged, new_hook};
use crate::dispatch::Accounts;
use crate::domain::{AppId, Hook, Kinds};
use crate::store::{HookPut, StoreResult};

impl Accounts {
    /// An app's hooks, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn hooks(&self, app: AppId) -> StoreResult<Vec<Hook>> {
        self.store.hooks(app).await
    }

    /// Makes a hook, with an address of its own; an app has at most `per_app`.
    ///
    /// # Errors
    /// `Input` for a name, a profile or parameters that cannot be; `Full`; the store's.
    pub async fn add_hook(
        &self,
        app: AppId,
        wish: HookWish,
        kinds: &Kinds,
        per_app: u32,
    ) -> Result<Hook, HookError> {
        let hook = judged(&self.vault, kinds, new_hook(&*self.clock, app, &wish.name)?, wish)?;
        match self.store.put_hook(hook.clone(), per_app).await? {
            HookPut::Kept => Ok(hook),
            HookPut::Full => Err(HookError::Full),
            HookPut::Conflict => Err(HookError::Changed(hook.version)),
        }
    }
}

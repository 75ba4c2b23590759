//! The hooks as requests need them: compiled, secrets open, looked up again every two seconds.
//! A hook that has not changed keeps what was compiled; an id that is nobody's is remembered for as long.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::warn;

use super::gates::Gate;
use super::saved::{bound_to, params_of};
use crate::clock::Clock;
use crate::dispatch::Dispatch;
use crate::dispatch::fresh::Fresh;
use crate::domain::{Hook, HookId};
use crate::intake::hooks::{HookKeys, HookProfile, ProfileError};
use crate::store::{StoreError, StoreResult};

/// How stale what another process changed may be, in milliseconds: as with keys.
const FRESH_MS: i64 = 2_000;
/// Hooks in use at one time; more only means more look-ups.
const HOOKS_MAX: usize = 10_000;
/// Ids that are nobody's and were asked for of late; who guesses more meets the store, by its primary key.
const UNKNOWN_MAX: usize = 10_000;

/// One hook, ready for use.
pub(super) struct HookEntry {
    /// As stored.
    pub(super) hook: Hook,
    /// Its profile.
    pub(super) profile: HookProfile,
    /// Its secrets and parameters.
    pub(super) keys: HookKeys,
    /// How much it is doing.
    pub(super) gate: Arc<Gate>,
}

pub(super) struct Directory {
    clock: Arc<dyn Clock>,
    // Std mutex: one look-up a section.
    known: Mutex<HashMap<HookId, Known>>,
    unknown: Fresh<HookId, ()>,
}

#[derive(Clone)]
struct Known {
    entry: Arc<HookEntry>,
    read_ms: i64,
}

/// A look into the directory.
pub(super) enum Found {
    /// It is fresh.
    Fresh(Arc<HookEntry>),
    /// It was read some time ago.
    Stale(Arc<HookEntry>),
    /// There was none a moment ago.
    Nobody,
    /// Nothing is known of it.
    Unread,
}

impl Directory {
    pub(super) fn new(clock: &Arc<dyn Clock>) -> Self {
        Self {
            clock: Arc::clone(clock),
            known: Mutex::default(),
            unknown: Fresh::new(Arc::clone(clock), FRESH_MS, UNKNOWN_MAX),
        }
    }

    pub(super) fn find(&self, id: &HookId) -> Found {
        let now_ms = self.clock.now().mono_ms;
        match self.lock().get(id).cloned() {
            Some(Known { entry, read_ms }) if now_ms - read_ms < FRESH_MS => Found::Fresh(entry),
            Some(Known { entry, .. }) => Found::Stale(entry),
            None if self.unknown.get(id).is_some() => Found::Nobody,
            None => Found::Unread,
        }
    }

    /// The hook was changed here.
    pub(super) fn forget(&self, id: &HookId) {
        self.lock().remove(id);
        self.unknown.forget(id);
    }

    fn put(&self, entry: &Arc<HookEntry>) {
        let read_ms = self.clock.now().mono_ms;
        let mut known = self.lock();
        if known.len() >= HOOKS_MAX && !known.contains_key(&entry.hook.id) {
            known.clear();
        }
        known.insert(entry.hook.id.clone(), Known { entry: Arc::clone(entry), read_ms });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<HookId, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Dispatch {
    /// The hook of this id, ready for use.
    ///
    /// # Errors
    /// The store's; `Inconsistent` if its profile or its secrets are of no use any more.
    pub(super) async fn hook_entry(&self, id: &HookId) -> StoreResult<Option<Arc<HookEntry>>> {
        let before = match self.hooks.directory.find(id) {
            Found::Fresh(entry) => return Ok(Some(entry)),
            Found::Nobody => return Ok(None),
            Found::Stale(entry) => Some(entry),
            Found::Unread => None,
        };
        let Some(hook) = self.store.hook(id.clone()).await? else {
            self.hooks.directory.forget(id);
            self.hooks.gates.forget(id);
            self.hooks.directory.unknown.put(id.clone(), ());
            return Ok(None);
        };
        let entry = match before.filter(|before| before.hook.version == hook.version) {
            Some(entry) => entry,
            None => Arc::new(self.compiled(hook)?),
        };
        self.hooks.directory.put(&entry);
        Ok(Some(entry))
    }

    /// Makes a stored hook ready for use.
    pub(super) fn compiled(&self, hook: Hook) -> StoreResult<HookEntry> {
        let useless = |source: Box<dyn std::error::Error + Send + Sync>| StoreError::Inconsistent {
            table: "hooks",
            source,
        };
        let own = serde_json::from_str(&hook.profile).map_err(|error| useless(Box::new(error)))?;
        let profile = self.profile_of(hook.preset.as_deref(), &own).map_err(|error: ProfileError| {
            warn!(
                hook.name = hook.name(),
                app.id = %hook.app,
                error = &error as &dyn std::error::Error,
                "A hook's profile is of no use any more; save it again."
            );
            useless(Box::new(error))
        })?;
        let keys = self.opened(&hook, &profile)?;
        let gate = self.hooks.gates.of(&hook.id, &self.limits.hooks, &self.clock);
        Ok(HookEntry { hook, profile, keys, gate })
    }

    fn opened(&self, hook: &Hook, profile: &HookProfile) -> StoreResult<HookKeys> {
        let mut keys = HookKeys::default();
        for (name, sealed) in &hook.secrets {
            let bound = bound_to(&hook.id, name);
            let open = |one: &Vec<u8>| self.accounts.vault.open(one, &bound);
            let opened: Result<Vec<Vec<u8>>, _> = sealed.iter().map(open).collect();
            let opened = opened
                .map_err(|error| StoreError::Inconsistent { table: "hooks", source: Box::new(error) })?;
            keys.secrets.insert(name.clone(), opened);
        }
        keys.params = Arc::new(params_of(profile, &hook.params, &hook.id));
        Ok(keys)
    }
}

//! Hooks as their owners make, change and remove them: judged whole before anything is kept, secrets sealed.
//! What is wrong is said with its place in what the owner wrote.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use tracing::info;

use super::HookRefusal;
use crate::clock::Clock;
use crate::dispatch::vault::Vault;
use crate::dispatch::{Dispatch, VaultError};
use crate::domain::hook::hook_chance;
use crate::domain::{AppId, Hook, HookId, HookMode, HookVerdict, Kinds};
use crate::intake::InputError;
use crate::intake::hooks::{HookKeys, HookProfile, ProfileError, presets};
use crate::store::{HookPut, StoreError, StoreResult};

/// What an owner says of a hook.
#[derive(Clone, Debug, Default)]
pub struct HookWish {
    /// What it is called; of a new one only.
    pub name: String,
    /// The preset that it stands on.
    pub preset: Option<String>,
    /// What is said over the preset, or all of it.
    pub profile: Value,
    /// What the profile asks for and is no secret, by name.
    pub params: BTreeMap<String, String>,
    /// Secrets by name, the newest first; a name that is not here keeps its own, an empty list takes them away.
    pub secrets: Option<BTreeMap<String, Vec<String>>>,
    /// Whether riders hear of it.
    pub mode: HookMode,
    /// In shadow mode: how many of a hundred stations are live.
    pub live_percent: u8,
}

/// A secret that is to work from now on.
#[derive(Clone, Debug)]
pub struct SecretWish {
    /// Its name: the main one is called `secret`.
    pub name: String,
    /// The secret.
    pub secret: String,
    /// Whether it is the only one of its name from now on.
    pub drop_others: bool,
}

/// A hook, and what is known of it on this node.
#[derive(Clone, Debug)]
pub struct HookLook {
    /// As stored.
    pub hook: Hook,
    /// Requests since the start, by what became of them.
    pub counts: Vec<(HookVerdict, u64)>,
    /// The last that were refused, newest first.
    pub refusals: Vec<HookRefusal>,
}

/// Why a hook was not kept, found or used.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// It says something that cannot be.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The app has none with this id, or nothing with this id was sent to it.
    #[error("there is no such {0}")]
    Unknown(&'static str),
    /// The app has as many as it may.
    #[error("the app has as many hooks as it may")]
    Full,
    /// It was changed meanwhile, and is of this version now.
    #[error("the hook was changed meanwhile: it is of version {0}")]
    Changed(i64),
    /// The request was too large to be kept, and cannot be done once more.
    #[error("the body of the request was not kept")]
    NotKept,
    /// The store, or the app's quota, is not enough for it now; it may be tried again.
    #[error("it cannot be done now")]
    Busy,
    /// A secret could not be sealed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The store could not; it may be tried again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Secrets of one name that work at one time: what a verifier tries.
const SECRETS_MAX: usize = 8;
/// The name of the main secret.
const MAIN: &str = "secret";

/// What a sealed secret of a hook is bound to, so that none opens in the place of another.
pub(super) fn bound_to(hook: &HookId, name: &str) -> String {
    format!("hook {hook} {name}")
}

/// What is wrong with a profile, as its owner is told.
pub(super) fn in_profile(error: ProfileError) -> InputError {
    let ProfileError { error, pointer, detail } = error;
    let pointer = if error == "unknown_preset" { "/preset".to_owned() } else { format!("/profile{pointer}") };
    InputError { error, pointer: Some(pointer), detail }
}

impl Dispatch {
    /// An app's hooks, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn hooks(&self, app: AppId) -> StoreResult<Vec<Hook>> {
        self.store.hooks(app).await
    }

    /// One of them, and what is known of it here.
    ///
    /// # Errors
    /// `Unknown`, or the store's.
    pub async fn hook(&self, app: AppId, id: &HookId) -> Result<HookLook, HookError> {
        let hook = self.hook_of(app, id).await?;
        let gate = self.hooks.gates.of(id, &self.limits.hooks, &self.clock);
        Ok(HookLook { hook, counts: gate.counts(), refusals: gate.newest_refusals() })
    }

    /// Makes a hook, with an address of its own.
    ///
    /// # Errors
    /// `Input` for a name, a profile or parameters that cannot be; `Full`; the store's.
    pub async fn add_hook(&self, app: AppId, wish: HookWish) -> Result<Hook, HookError> {
        let hook = new_hook(&*self.clock, app, &wish.name)?;
        let hook = self.judged_hook(hook, wish)?;
        self.keep_hook(hook).await
    }

    /// Says anew what a hook is; its address stays, and so do secrets of names that are not given.
    ///
    /// # Errors
    /// `Unknown`; `Input`; `Changed` if it is not of version `if_version` any more; the store's.
    pub async fn put_hook(
        &self,
        app: AppId,
        id: &HookId,
        wish: HookWish,
        if_version: Option<i64>,
    ) -> Result<Hook, HookError> {
        let before = self.hook_of(app, id).await?;
        if if_version.is_some_and(|version| version != before.version) {
            return Err(HookError::Changed(before.version));
        }
        let next = Hook { updated_at: self.wall(), version: before.version + 1, ..before };
        self.keep_hook(self.judged_hook(next, wish)?).await
    }

    /// Gives a hook a secret that works at once; those before it go on working, at most eight, unless they are to go.
    ///
    /// # Errors
    /// `Unknown`; `Changed` if somebody else changes it at this moment; the store's.
    pub async fn rotate_hook_secret(
        &self,
        app: AppId,
        id: &HookId,
        wish: SecretWish,
    ) -> Result<Hook, HookError> {
        let mut hook = self.hook_of(app, id).await?;
        // A profile that is of no use any more cannot say how its secrets are written; that one is mended first or not at all.
        if let Ok(entry) = self.compiled(hook.clone()) {
            let secrets = BTreeMap::from([(wish.name.clone(), vec![wish.secret.clone().into()])]);
            let at_member = |error| InputError { pointer: Some("/secret".to_owned()), ..error };
            fits(&entry.profile, &HookKeys { secrets, params: entry.keys.params }).map_err(at_member)?;
        }
        let sealed = self.accounts.vault.seal(wish.secret.as_bytes(), &bound_to(id, &wish.name))?;
        let secrets = hook.secrets.entry(wish.name).or_default();
        if wish.drop_others {
            secrets.clear();
        }
        secrets.insert(0, sealed);
        secrets.truncate(SECRETS_MAX);
        self.keep_hook(Hook { updated_at: self.wall(), version: hook.version + 1, ..hook }).await
    }

    /// Removes a hook, with what is kept of requests to it. Its events stay.
    ///
    /// # Errors
    /// `Unknown`, or the store's.
    pub async fn delete_hook(&self, app: AppId, id: &HookId) -> Result<(), HookError> {
        let gone = self.store.delete_hook(app, id.clone()).await?;
        self.hooks.directory.forget(id);
        if !gone {
            return Err(HookError::Unknown("hook"));
        }
        self.hooks.gates.forget(id);
        info!(hook.name = id.name(), app.id = %app, "Hook removed.");
        Ok(())
    }

    /// The profile that a preset and an owner's own words make.
    pub(super) fn profile_of(&self, preset: Option<&str>, own: &Value) -> Result<HookProfile, ProfileError> {
        let profile = compiled(preset, own, &self.kinds)?;
        Ok(profile.with_items_max(self.limits.hooks.items_max))
    }

    pub(super) async fn hook_of(&self, app: AppId, id: &HookId) -> Result<Hook, HookError> {
        let hook = self.store.hook(id.clone()).await?;
        hook.filter(|hook| hook.app == app).ok_or(HookError::Unknown("hook"))
    }

    fn judged_hook(&self, hook: Hook, wish: HookWish) -> Result<Hook, HookError> {
        judged(&self.accounts.vault, &self.kinds, hook, wish)
    }

    async fn keep_hook(&self, hook: Hook) -> Result<Hook, HookError> {
        let put = self.store.put_hook(hook.clone(), self.limits.hooks.per_app).await;
        self.hooks.directory.forget(&hook.id);
        match put? {
            HookPut::Kept => {
                info!(hook.name = hook.name(), app.id = %hook.app, hook.version = hook.version, "Hook saved.");
                Ok(hook)
            }
            HookPut::Full => Err(HookError::Full),
            HookPut::Conflict => Err(HookError::Changed(self.hook_of(hook.app, &hook.id).await?.version)),
        }
    }
}

/// A hook of nothing yet, with an address of its own.
pub(super) fn new_hook(clock: &dyn Clock, app: AppId, name: &str) -> Result<Hook, InputError> {
    let at = clock.now().wall;
    let chance = hook_chance(clock.entropy(), clock.entropy());
    let id = HookId::new(name, chance).map_err(|_| InputError {
        error: "bad_value",
        pointer: Some("/name".to_owned()),
        detail: "is 1 to 32 of a-z, 0-9, - and _, beginning with a letter or digit".to_owned(),
    })?;
    Ok(Hook {
        id,
        app,
        preset: None,
        profile: String::new(),
        params: BTreeMap::new(),
        secrets: BTreeMap::new(),
        mode: HookMode::Live,
        live_percent: 0,
        created_at: at,
        updated_at: at,
        version: 1,
    })
}

/// The hook as its owner wants it, if it can be that.
pub(super) fn judged(vault: &Vault, kinds: &Kinds, hook: Hook, wish: HookWish) -> Result<Hook, HookError> {
    let own = if wish.profile.is_null() { Value::Object(serde_json::Map::new()) } else { wish.profile };
    let profile = compiled(wish.preset.as_deref(), &own, kinds).map_err(in_profile)?;
    let mut secrets = hook.secrets;
    let given = wish.secrets.iter().flatten();
    let given =
        given.map(|(name, texts)| (name.clone(), texts.iter().map(|text| text.clone().into()).collect()));
    let params = Arc::new(params_of(&profile, &wish.params, &hook.id));
    fits(&profile, &HookKeys { secrets: given.collect(), params })?;
    for (name, texts) in wish.secrets.unwrap_or_default() {
        let bound = bound_to(&hook.id, &name);
        let seal = |text: &String| vault.seal(text.as_bytes(), &bound);
        let sealed: Result<Vec<Vec<u8>>, VaultError> = texts.iter().take(SECRETS_MAX).map(seal).collect();
        match sealed? {
            none if none.is_empty() => secrets.remove(&name),
            some => secrets.insert(name, some),
        };
    }
    let has_secret = |name: &str| secrets.contains_key(name);
    check_given(&profile, &wish.params, &has_secret)?;
    Ok(Hook {
        preset: wish.preset,
        profile: own.to_string(),
        params: wish.params,
        secrets,
        mode: wish.mode,
        live_percent: wish.live_percent.min(100),
        ..hook
    })
}

fn compiled(preset: Option<&str>, own: &Value, kinds: &Kinds) -> Result<HookProfile, ProfileError> {
    let base = match preset {
        None => None,
        Some(name) => Some(presets::preset(name).ok_or_else(|| ProfileError {
            error: "unknown_preset",
            pointer: String::new(),
            detail: format!("there is no preset {name}"),
        })?),
    };
    HookProfile::compile(&HookProfile::merged(base.as_ref(), own), kinds)
}

/// Whether what is given can ever count.
fn fits(profile: &HookProfile, keys: &HookKeys) -> Result<(), InputError> {
    let wrong = |error: ProfileError| InputError {
        error: error.error,
        pointer: Some(error.pointer),
        detail: error.detail,
    };
    profile.verifier().fits(keys).map_err(wrong)
}

/// Whether everything is there that the profile and its verifier ask for.
pub(super) fn check_given(
    profile: &HookProfile,
    params: &BTreeMap<String, String>,
    has_secret: &dyn Fn(&str) -> bool,
) -> Result<(), InputError> {
    let missing = |of: &str, name: &str, about: &str| InputError {
        error: "missing_member",
        pointer: Some(format!("/{of}/{name}")),
        detail: if about.is_empty() { "is required by the profile".to_owned() } else { about.to_owned() },
    };
    for wish in profile.params() {
        let about = wish.about.as_deref().unwrap_or_default();
        if wish.secret && wish.required && !has_secret(&wish.name) {
            return Err(missing("secrets", &wish.name, about));
        }
        let is_given = params.contains_key(&wish.name) || wish.default.is_some();
        if !wish.secret && wish.required && !is_given {
            return Err(missing("params", &wish.name, about));
        }
    }
    // What the profile declares was judged above, by its own words.
    let declared = |name: &str| profile.params().iter().any(|wish| wish.name == name);
    for name in profile.verifier().names() {
        let own = matches!(name.as_str(), "hook");
        if own || declared(&name) || has_secret(&name) || params.contains_key(&name) {
            continue;
        }
        let of = if name == MAIN { "secrets" } else { "params" };
        return Err(missing(of, &name, ""));
    }
    Ok(())
}

/// What is no secret, as the profile sees it: what its owner gave, else its defaults, and the hook's own id.
pub(super) fn params_of(
    profile: &HookProfile,
    given: &BTreeMap<String, String>,
    hook: &HookId,
) -> BTreeMap<String, String> {
    let defaults = profile.params().iter().filter(|wish| !wish.secret);
    let mut params: BTreeMap<String, String> =
        defaults.filter_map(|wish| Some((wish.name.clone(), wish.default.clone()?))).collect();
    params.extend(given.iter().map(|(name, value)| (name.clone(), value.clone())));
    params.insert("hook".to_owned(), hook.to_string());
    params
}

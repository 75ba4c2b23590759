//! The apps as every request needs them: secrets open, wordings compiled, read again every two seconds.
//! So what another process makes or changes is valid here at once, or within those two seconds.

use std::sync::Arc;

use super::fresh::Fresh;
use super::wordings::{Compiled, OwnPhrases, Wordings};
use super::{Accounts, VaultError};
use crate::clock::{Clock, Zone};
use crate::domain::OrderMerchant;
use crate::domain::app::{ApiKey, App};
use crate::domain::{AppId, EpochMs, KeyId, Secret, SecretKind};
use crate::speech::lexicon::Lexicon;
use crate::speech::{Lang, Phrase};
use crate::store::{StoreError, StoreResult};

/// One app, ready for use.
pub struct AppEntry {
    /// As stored.
    pub app: App,
    /// Its default language.
    pub lang: Lang,
    /// Its time zone.
    pub zone: Zone,
    secrets: Vec<OpenSecret>,
    wordings: Arc<Wordings>,
}

/// A key that signs, ready for use.
pub struct Signer {
    /// The key as stored.
    pub key: Arc<ApiKey>,
    secrets: Vec<OpenSecret>,
}

/// A secret as it works.
struct OpenSecret {
    kind: SecretKind,
    bytes: Vec<u8>,
    until: Option<EpochMs>,
}

/// How stale what another process changed may be, in milliseconds: a revoked key dies within this (promise: five seconds).
const FRESH_MS: i64 = 2_000;
/// Apps in use at one time; more only means more look-ups.
const APPS_MAX: usize = 1_000;
/// Keys in use at one time; the same.
const KEYS_MAX: usize = 10_000;

pub(super) struct Directory {
    apps: Fresh<AppId, Arc<AppEntry>>,
    pub(super) keys: Fresh<[u8; 32], Arc<ApiKey>>,
    compiled: Compiled,
}

impl Directory {
    pub(super) fn new(clock: &Arc<dyn Clock>) -> Self {
        Self {
            apps: Fresh::new(Arc::clone(clock), FRESH_MS, APPS_MAX),
            keys: Fresh::new(Arc::clone(clock), FRESH_MS, KEYS_MAX),
            compiled: Compiled::new(APPS_MAX),
        }
    }

    /// The app was changed.
    pub(super) fn forget(&self, app: AppId) {
        self.apps.forget(&app);
    }
}

impl AppEntry {
    /// The app's own phrases of a kind, those for this merchant's orders first; empty if it has none.
    #[must_use]
    pub fn phrases<'a>(&'a self, kind: &str, lang: Lang, merchant: OrderMerchant<'a>) -> OwnPhrases<'a> {
        self.wordings.phrases(kind, lang, merchant)
    }

    /// All phrases of the app's own in a language, of every kind and merchant.
    #[must_use]
    pub fn all_phrases(&self, lang: Lang) -> Vec<Phrase> {
        self.wordings.all_phrases(lang)
    }

    /// How words are read in orders of this merchant: its own entries before the app's, these before the operator's.
    #[must_use]
    pub fn lexicon(&self, lang: Lang, merchant: OrderMerchant<'_>) -> Arc<Lexicon> {
        self.wordings.lexicon(lang, merchant)
    }

    /// The app's secrets of a kind that work at `at`, the newest first.
    pub fn secrets(&self, kind: SecretKind, at: EpochMs) -> impl Iterator<Item = &[u8]> {
        live(&self.secrets, kind, at)
    }

    /// The app's newest secret of a kind.
    #[must_use]
    pub fn newest(&self, kind: SecretKind) -> Option<&[u8]> {
        self.secrets.iter().find(|secret| secret.kind == kind).map(|secret| secret.bytes.as_slice())
    }
}

impl Signer {
    /// The secrets with which the key may sign at `at`; none if it is revoked.
    #[must_use]
    pub fn secrets(&self, at: EpochMs) -> Vec<&[u8]> {
        if self.key.revoked_at.is_some() {
            return Vec::new();
        }
        live(&self.secrets, SecretKind::Signing, at).collect()
    }
}

fn live(secrets: &[OpenSecret], kind: SecretKind, at: EpochMs) -> impl Iterator<Item = &[u8]> {
    let works =
        move |secret: &&OpenSecret| secret.kind == kind && secret.until.is_none_or(|until| at < until);
    secrets.iter().filter(works).map(|secret| secret.bytes.as_slice())
}

/// What a sealed secret of an owner is bound to, so that none opens in the place of another.
pub(super) fn bound_to(kind: SecretKind, owner: &str) -> String {
    match kind {
        SecretKind::Bearer | SecretKind::Signing | SecretKind::Rider => owner.to_owned(),
        SecretKind::Callback => format!("{owner} callback"),
    }
}

impl Accounts {
    /// The app with this id.
    ///
    /// # Errors
    /// The store's.
    pub async fn app(&self, id: AppId) -> StoreResult<Option<Arc<AppEntry>>> {
        if let Some(entry) = self.directory.apps.get(&id) {
            return Ok(Some(entry));
        }
        let Some(app) = self.store.apps().await?.into_iter().find(|app| app.id == id) else {
            return Ok(None);
        };
        let entry = Arc::new(self.entry(app).await?);
        self.directory.apps.put(id, Arc::clone(&entry));
        Ok(Some(entry))
    }

    /// The app with this name, or with this id as text.
    ///
    /// # Errors
    /// The store's.
    pub async fn app_named(&self, name: &str) -> StoreResult<Option<Arc<AppEntry>>> {
        if let Ok(id) = name.parse() {
            return self.app(id).await;
        }
        let found = self.store.apps().await?.into_iter().find(|app| app.name == name);
        match found {
            Some(app) => self.app(app.id).await,
            None => Ok(None),
        }
    }

    /// The key with this id, as it signs. Read each time: a new secret works at once, whoever has made it.
    ///
    /// # Errors
    /// The store's.
    pub async fn signer(&self, id: KeyId) -> StoreResult<Option<Signer>> {
        let Some(key) = self.store.key_by_id(id).await? else { return Ok(None) };
        let sealed: Vec<Secret> =
            key.secrets.iter().filter(|secret| secret.kind == SecretKind::Signing).cloned().collect();
        let secrets = self.open(&sealed, &id.to_string())?;
        Ok(Some(Signer { key: Arc::new(key), secrets }))
    }

    fn open(&self, secrets: &[Secret], owner: &str) -> StoreResult<Vec<OpenSecret>> {
        let opened: Result<Vec<_>, VaultError> = secrets
            .iter()
            .map(|Secret { kind, kept, until, .. }| {
                let bytes = self.vault.open(kept, &bound_to(*kind, owner))?;
                Ok(OpenSecret { kind: *kind, bytes, until: *until })
            })
            .collect();
        opened.map_err(|error| StoreError::Inconsistent { table: "secrets", source: Box::new(error) })
    }

    async fn entry(&self, app: App) -> StoreResult<AppEntry> {
        let secrets = self.open(&app.secrets, &app.id.to_string())?;
        let wordings = self.wordings(app.id).await?;
        let lang = Lang::parse(&app.lang).unwrap_or(Lang::ZhCn);
        let zone = Zone::named(&app.settings.time_zone).ok_or_else(|| StoreError::Inconsistent {
            table: "apps",
            source: "its time zone is unknown".into(),
        })?;
        Ok(AppEntry { app, lang, zone, secrets, wordings })
    }

    /// What the app words for itself, compiled anew only where it has changed.
    async fn wordings(&self, app: AppId) -> StoreResult<Arc<Wordings>> {
        // Before the rows: what is saved in between is found at the next reading.
        let stamp = self.store.wording_stamp(app).await?;
        let before = self.directory.compiled.of(app);
        if let Some(before) = before.as_ref().filter(|before| before.stamp() == stamp) {
            return Ok(Arc::clone(before));
        }
        let rows = if stamp == 0 { Vec::new() } else { self.store.wordings(app).await? };
        let wordings = Arc::new(Wordings::compiled(stamp, rows, before.as_deref(), &self.lexicons));
        self.directory.compiled.keep(app, Arc::clone(&wordings));
        Ok(wordings)
    }

    /// The app was changed: it is read anew by whoever asks next.
    pub(super) fn forget(&self, app: AppId) {
        self.directory.forget(app);
    }
}

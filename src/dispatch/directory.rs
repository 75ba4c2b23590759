//! The apps as every request needs them: secrets open, phrases compiled, read again every two seconds.
//! So what another process makes or changes is valid here at once, or within those two seconds.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use tracing::warn;

use super::{Accounts, VaultError};
use crate::clock::Zone;
use crate::domain::AppId;
use crate::domain::app::{ApiKey, App};
use crate::speech::{Lang, Phrase};
use crate::store::{StoreError, StoreResult, Template};

/// One app, ready for use.
pub struct AppEntry {
    /// As stored.
    pub app: App,
    /// Its default language.
    pub lang: Lang,
    /// Its time zone.
    pub zone: Zone,
    rider_secrets: Vec<Vec<u8>>,
    phrases: HashMap<(String, Lang), Vec<Phrase>>,
}

/// How stale what another process changed may be: a revoked key dies within this (promise: five seconds).
const FRESH_FOR: Duration = Duration::from_secs(2);
/// Keys in use at one time; more only means more look-ups.
const KEYS_MAX: u64 = 10_000;

pub(super) struct Directory {
    apps: Cache<AppId, Arc<AppEntry>>,
    pub(super) keys: Cache<[u8; 32], ApiKey>,
}

impl Directory {
    pub(super) fn new() -> Self {
        Self {
            apps: Cache::builder().time_to_live(FRESH_FOR).max_capacity(1_000).build(),
            keys: Cache::builder().time_to_live(FRESH_FOR).max_capacity(KEYS_MAX).build(),
        }
    }
}

impl AppEntry {
    /// The app's own phrases of a kind, from specific to slotless; empty if it has none.
    #[must_use]
    pub fn phrases(&self, kind: &str, lang: Lang) -> &[Phrase] {
        self.phrases.get(&(kind.to_owned(), lang)).map_or(&[], Vec::as_slice)
    }

    /// The live secrets that sign rider tokens, newest first.
    pub(super) fn rider_secrets(&self) -> &[Vec<u8>] {
        &self.rider_secrets
    }
}

impl Accounts {
    /// The app with this id.
    ///
    /// # Errors
    /// The store's.
    pub async fn app(&self, id: AppId) -> StoreResult<Option<Arc<AppEntry>>> {
        if let Some(entry) = self.directory.apps.get(&id).await {
            return Ok(Some(entry));
        }
        let Some(app) = self.store.apps().await?.into_iter().find(|app| app.id == id) else {
            return Ok(None);
        };
        let entry = Arc::new(self.entry(app).await?);
        self.directory.apps.insert(id, Arc::clone(&entry)).await;
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

    /// Sets an app's own phrases, checked.
    ///
    /// # Errors
    /// The store's.
    pub async fn put_template(&self, app: AppId, template: Template) -> StoreResult<()> {
        self.store.put_template(app, template).await?;
        self.directory.apps.invalidate(&app).await;
        Ok(())
    }

    async fn entry(&self, app: App) -> StoreResult<AppEntry> {
        let secrets: Result<Vec<_>, VaultError> =
            app.rider_secrets.iter().map(|sealed| self.vault.open(sealed, &app.id.to_string())).collect();
        let rider_secrets =
            secrets.map_err(|error| StoreError::Inconsistent { table: "apps", source: Box::new(error) })?;
        let mut phrases: HashMap<(String, Lang), Vec<Phrase>> = HashMap::new();
        for template in self.store.templates(app.id).await? {
            let Some(lang) = Lang::parse(&template.lang) else { continue };
            let compiled: Vec<Phrase> = template
                .phrases
                .iter()
                .filter_map(|text| {
                    // Checked when it was saved; an older binary may have known another filter.
                    let compiled = Phrase::compile(text, lang);
                    compiled
                        .inspect_err(|error| warn!(template.kind = template.kind, %error, "Phrase left out."))
                        .ok()
                })
                .collect();
            phrases.insert((template.kind, lang), compiled);
        }
        let lang = Lang::parse(&app.lang).unwrap_or(Lang::ZhCn);
        let zone = Zone::named(&app.settings.time_zone).ok_or_else(|| StoreError::Inconsistent {
            table: "apps",
            source: "its time zone is unknown".into(),
        })?;
        Ok(AppEntry { app, lang, zone, rider_secrets, phrases })
    }

    /// The app was changed: it is read anew by whoever asks next.
    pub(super) async fn forget(&self, app: AppId) {
        self.directory.apps.invalidate(&app).await;
    }
}

//! Apps and their API keys: made, checked, revoked. A key's secret is shown once and kept as its SHA-256 only.
//! 32 random bytes need no slow hash: nobody guesses them.

use std::sync::Arc;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Accounts, AppEntry, VaultError};
use crate::clock::random_bytes;
use crate::domain::app::{ApiKey, App, KeyMode, Scope};
use crate::domain::{AppId, AppSettings, KeyId};
use crate::store::{StoreError, StoreResult};

/// Why an app or a key could not be made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The store could not.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The secret could not be sealed.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// A key that was just made.
pub struct NewKey {
    /// Our id of it.
    pub id: KeyId,
    /// What the backend sends; not kept anywhere.
    pub secret: String,
}

/// The app every data folder begins with.
const DEFAULT_APP: &str = "default";

impl Accounts {
    /// Makes the app `default` in a folder that has no app yet.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn ensure_default_app(&self) -> Result<(), KeyError> {
        if self.store.apps().await?.is_empty() {
            match self.create_app(DEFAULT_APP).await {
                // Another process was first.
                Ok(_) | Err(KeyError::Store(StoreError::Taken(_))) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Makes an app with its first rider secret.
    ///
    /// # Errors
    /// `Store(Taken)` if the name is.
    pub async fn create_app(&self, name: &str) -> Result<AppId, KeyError> {
        let now = self.clock.now().wall;
        let id = AppId::new(now, self.clock.entropy());
        let secret = self.vault.seal(&random_bytes::<32>(), &id.to_string())?;
        let app = App {
            id,
            name: name.to_owned(),
            lang: "zh-CN".to_owned(),
            rider_secrets: vec![secret],
            settings: AppSettings::default(),
            created_at: now,
        };
        self.store.create_app(app).await?;
        Ok(id)
    }

    /// The newest secret that signs rider tokens of this app, in base64, for a backend that mints them itself.
    #[must_use]
    pub fn rider_secret(app: &AppEntry) -> Option<String> {
        app.rider_secrets().first().map(|secret| base64::engine::general_purpose::STANDARD.encode(secret))
    }

    /// Makes a key.
    ///
    /// # Errors
    /// `Store(Taken)` if a live key of the app has that name.
    pub async fn create_key(
        &self,
        app: AppId,
        name: &str,
        scopes: Vec<Scope>,
        mode: KeyMode,
    ) -> Result<NewKey, KeyError> {
        let now = self.clock.now().wall;
        let secret = format!("{KEY_PREFIX}{}", URL_SAFE_NO_PAD.encode(random_bytes::<32>()));
        let id = KeyId::new(now, self.clock.entropy());
        let (name, hash) = (name.to_owned(), hash(&secret));
        self.store
            .create_key(ApiKey { id, app, name, hash, scopes, mode, created_at: now, revoked_at: None })
            .await?;
        Ok(NewKey { id, secret })
    }

    /// The live key with this secret, and its app. `None` for unknown and for revoked keys alike.
    ///
    /// # Errors
    /// The store's.
    pub async fn key(&self, secret: &str) -> StoreResult<Option<(ApiKey, Arc<AppEntry>)>> {
        let hash = hash(secret);
        let cached = self.directory.keys.get(&hash).await;
        let key = match cached {
            Some(key) => key,
            None => match self.store.key_by_hash(hash).await? {
                Some(key) if key.revoked_at.is_none() => {
                    self.directory.keys.insert(hash, key.clone()).await;
                    key
                }
                Some(_) | None => return Ok(None),
            },
        };
        let app = self.app(key.app).await?;
        Ok(app.map(|app| (key, app)))
    }

    /// All apps, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn apps(&self) -> StoreResult<Vec<App>> {
        self.store.apps().await
    }

    /// All keys of an app, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn keys(&self, app: AppId) -> StoreResult<Vec<ApiKey>> {
        self.store.keys(app).await
    }

    /// Ends a key, here at once, elsewhere within two seconds. False if there is no such live key.
    ///
    /// # Errors
    /// The store's.
    pub async fn revoke_key(&self, app: AppId, id: KeyId) -> StoreResult<bool> {
        let revoked = self.store.revoke_key(app, id, self.clock.now().wall).await?;
        self.directory.keys.invalidate_all();
        Ok(revoked)
    }
}

/// Tells our keys from other people's in a leaked file.
const KEY_PREFIX: &str = "obk_";

fn hash(secret: &str) -> [u8; 32] {
    digest::digest(&digest::SHA256, secret.as_bytes()).as_ref().try_into().unwrap_or_default()
}

//! API keys: made, checked, given new secrets, revoked. A bearer secret is shown once and kept as its SHA-256 only:
//! 32 random bytes need no slow hash, since nobody guesses them. A signing secret must be used again, so it is sealed.

use std::sync::Arc;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::secrets::{Shown, signing_text};
use super::{Accounts, AppEntry, VaultError};
use crate::clock::random_bytes;
use crate::domain::app::{ApiKey, KeyMode, NameError, Scope, check_name};
use crate::domain::{AppId, EpochMs, KeyId, Secret, SecretKind};
use crate::store::{StoreError, StoreResult};

/// Why an app, a key or a secret could not be made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The name cannot be one.
    #[error("the name {0}")]
    Name(#[from] NameError),
    /// There is no such app, or no such live key.
    #[error("there is no such {0}")]
    Unknown(&'static str),
    /// The store could not.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The secret could not be sealed.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// A key that is to be made.
#[derive(Clone, Debug)]
pub struct KeyWish {
    /// Its app.
    pub app: AppId,
    /// Its name, unique among the app's live keys.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Whose world it acts in.
    pub mode: KeyMode,
    /// Whether it gets a signing secret as well.
    pub signing: bool,
}

/// A key that was just made.
pub struct NewKey {
    /// Our id of it.
    pub id: KeyId,
    /// What the backend sends; not kept anywhere.
    pub secret: String,
    /// What the backend signs with, if it was asked for.
    pub signing_secret: Option<String>,
}

impl Accounts {
    /// Makes a key without a signing secret.
    ///
    /// # Errors
    /// As [`Accounts::make_key`].
    pub async fn create_key(
        &self,
        app: AppId,
        name: &str,
        scopes: Vec<Scope>,
        mode: KeyMode,
    ) -> Result<NewKey, KeyError> {
        self.make_key(KeyWish { app, name: name.to_owned(), scopes, mode, signing: false }).await
    }

    /// Makes a key.
    ///
    /// # Errors
    /// `Name`; `Store(Taken)` if a live key of the app has that name.
    pub async fn make_key(&self, wish: KeyWish) -> Result<NewKey, KeyError> {
        let now = self.clock.now().wall;
        let id = KeyId::new(now, self.clock.entropy());
        let name = check_name(&wish.name)?.to_owned();
        let (secret, kept) = bearer(now);
        let mut secrets = vec![kept];
        let mut signing_secret = None;
        if wish.signing {
            let (text, kept) = self.signing(id, now)?;
            signing_secret = Some(text);
            secrets.insert(0, kept);
        }
        let key = ApiKey {
            id,
            app: wish.app,
            name,
            secrets,
            scopes: wish.scopes,
            mode: wish.mode,
            created_at: now,
            last_used_at: None,
            revoked_at: None,
        };
        self.store.create_key(key).await?;
        Ok(NewKey { id, secret, signing_secret })
    }

    /// The live key with this secret, and its app. `None` for unknown and for revoked keys alike.
    ///
    /// # Errors
    /// The store's.
    pub async fn key(&self, secret: &str) -> StoreResult<Option<(Arc<ApiKey>, Arc<AppEntry>)>> {
        let hash = hash(secret);
        let key = match self.directory.keys.get(&hash) {
            Some(key) => key,
            None => match self.store.key_by_hash(hash).await? {
                Some(key) => {
                    let key = Arc::new(key);
                    self.directory.keys.put(hash, Arc::clone(&key));
                    key
                }
                None => return Ok(None),
            },
        };
        if !key.opens_with(&hash, self.clock.now().wall) {
            return Ok(None);
        }
        let app = self.app(key.app).await?;
        Ok(app.map(|app| (key, app)))
    }

    /// All keys of an app, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn keys(&self, app: AppId) -> StoreResult<Vec<ApiKey>> {
        self.store.keys(app).await
    }

    /// The app's live key with this id.
    ///
    /// # Errors
    /// `Unknown`, or the store's.
    pub async fn live_key(&self, app: AppId, id: KeyId) -> Result<ApiKey, KeyError> {
        let found = self.store.key_by_id(id).await?;
        let live = found.filter(|key| key.app == app && key.revoked_at.is_none());
        live.ok_or(KeyError::Unknown(KEY))
    }

    /// Gives a key a new secret of this kind; the one before it works for `grace_ms` more, any older one ends. Here at
    /// once, elsewhere within two seconds.
    ///
    /// # Errors
    /// `Unknown` if there is no such live key, or the store's.
    pub async fn rotate_key(
        &self,
        app: AppId,
        id: KeyId,
        kind: KeySecret,
        grace_ms: i64,
    ) -> Result<Shown, KeyError> {
        let now = self.clock.now().wall;
        let (text, new) = match kind {
            KeySecret::Bearer => bearer(now),
            KeySecret::Signing => self.signing(id, now)?,
        };
        let old_until = now.plus_ms(grace_ms);
        let rotated = self.store.rotate_key_secret(app, id, new, old_until).await?;
        self.directory.keys.forget_all();
        if rotated { Ok(Shown { text, old_until }) } else { Err(KeyError::Unknown(KEY)) }
    }

    /// Ends a key with all its secrets, here at once, elsewhere within two seconds. False if there is no such live key.
    ///
    /// # Errors
    /// The store's.
    pub async fn revoke_key(&self, app: AppId, id: KeyId) -> StoreResult<bool> {
        let revoked = self.store.revoke_key(app, id, self.clock.now().wall).await?;
        self.directory.keys.forget_all();
        Ok(revoked)
    }

    fn signing(&self, id: KeyId, at: EpochMs) -> Result<(String, Secret), KeyError> {
        let bytes = random_bytes::<32>();
        let sealed = self.seal(SecretKind::Signing, &id.to_string(), &bytes)?;
        Ok((signing_text(&bytes), Secret::new(SecretKind::Signing, sealed, at)))
    }
}

/// Which of a key's secrets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeySecret {
    /// The one that is sent along.
    Bearer,
    /// The one that signs.
    Signing,
}

const KEY: &str = "key";
/// Tells our keys from other people's in a leaked file.
const KEY_PREFIX: &str = "obk_";

fn bearer(at: EpochMs) -> (String, Secret) {
    let text = format!("{KEY_PREFIX}{}", URL_SAFE_NO_PAD.encode(random_bytes::<32>()));
    let kept = Secret::new(SecretKind::Bearer, hash(&text).to_vec(), at);
    (text, kept)
}

fn hash(secret: &str) -> [u8; 32] {
    digest::digest(&digest::SHA256, secret.as_bytes()).as_ref().try_into().unwrap_or_default()
}

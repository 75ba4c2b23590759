//! Apps and their own secrets: the rider secret, with which rider tokens are signed, and the callback secret, with which
//! we sign what we send to the app's backend. Sealed at rest, shown when they are made.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::directory::bound_to;
use super::{Accounts, AppEntry, KeyError, VaultError};
use crate::clock::random_bytes;
use crate::domain::app::{App, AppLimits, check_name};
use crate::domain::{AppId, AppSettings, EpochMs, Secret, SecretKind};
use crate::speech::Lang;
use crate::store::{StoreError, StoreResult};

/// Which of an app's secrets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AppSecret {
    /// The one that signs rider tokens.
    Rider,
    /// The one that signs what we send.
    Callback,
}

/// A secret that was just made; not shown again.
pub struct Shown {
    /// As its owner writes it down.
    pub text: String,
    /// The one before it, if there was one, works until then.
    pub old_until: EpochMs,
}

/// The app every data folder begins with.
const DEFAULT_APP: &str = "default";
/// How the secrets of Standard Webhooks begin.
const SIGNING_PREFIX: &str = "whsec_";

impl AppSecret {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Rider, Self::Callback];

    /// The one with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|secret| secret.kind().as_str() == word)
    }

    /// The kind under which it is kept.
    #[must_use]
    pub fn kind(self) -> SecretKind {
        match self {
            Self::Rider => SecretKind::Rider,
            Self::Callback => SecretKind::Callback,
        }
    }

    fn text(self, bytes: &[u8]) -> String {
        match self {
            Self::Rider => STANDARD.encode(bytes),
            Self::Callback => signing_text(bytes),
        }
    }
}

impl Accounts {
    /// Makes the app `default` in a folder that has no app yet, and callback secrets for apps of before they had one.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn ensure_default_app(&self) -> Result<(), KeyError> {
        let apps = self.store.apps().await?;
        if apps.is_empty() {
            match self.create_app(DEFAULT_APP).await {
                // Another process was first.
                Ok(_) | Err(KeyError::Store(StoreError::Taken(_))) => {}
                Err(error) => return Err(error),
            }
        }
        for app in apps {
            if !app.secrets.iter().any(|secret| secret.kind == SecretKind::Callback) {
                self.rotate_app(app.id, AppSecret::Callback, 0).await?;
            }
        }
        Ok(())
    }

    /// Whether the node key is the one with which the secrets in this database were sealed.
    ///
    /// # Errors
    /// `Vault(OtherKey)` if it is not, or the store's.
    pub async fn check_node_key(&self) -> Result<(), KeyError> {
        for app in self.store.apps().await? {
            let owner = app.id.to_string();
            for secret in &app.secrets {
                match self.vault.open(&secret.kept, &bound_to(secret.kind, &owner)) {
                    Ok(_) => {}
                    Err(_) => return Err(VaultError::OtherKey.into()),
                }
            }
        }
        Ok(())
    }

    /// Makes an app that speaks Mandarin, with its first secrets.
    ///
    /// # Errors
    /// As [`Accounts::create_app_in`].
    pub async fn create_app(&self, name: &str) -> Result<AppId, KeyError> {
        self.create_app_in(name, Lang::ZhCn).await
    }

    /// Makes an app with its first secrets.
    ///
    /// # Errors
    /// `Name`; `Store(Taken)` if the name is.
    pub async fn create_app_in(&self, name: &str, lang: Lang) -> Result<AppId, KeyError> {
        let name = check_name(name)?.to_owned();
        let now = self.clock.now().wall;
        let id = AppId::new(now, self.clock.entropy());
        let mut secrets = Vec::new();
        for secret in AppSecret::ALL {
            secrets.push(self.fresh(secret, id, &random_bytes::<32>(), now)?);
        }
        let app = App {
            id,
            name,
            lang: lang.tag().to_owned(),
            secrets,
            settings: AppSettings::default(),
            limits: AppLimits::default(),
            created_at: now,
        };
        self.store.create_app(app).await?;
        Ok(id)
    }

    /// All apps, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn apps(&self) -> StoreResult<Vec<App>> {
        self.store.apps().await
    }

    /// The newest secret that signs rider tokens of this app, in base64, for a backend that mints them itself.
    #[must_use]
    pub fn rider_secret(app: &AppEntry) -> Option<String> {
        app.newest(SecretKind::Rider).map(|secret| STANDARD.encode(secret))
    }

    /// Gives an app a new secret; the one before it works for `grace_ms` more, any older one ends. Here at once,
    /// elsewhere within two seconds.
    ///
    /// # Errors
    /// `Unknown` if there is no such app, or the store's.
    pub async fn rotate_app(&self, app: AppId, secret: AppSecret, grace_ms: i64) -> Result<Shown, KeyError> {
        let now = self.clock.now().wall;
        let bytes = random_bytes::<32>();
        let new = self.fresh(secret, app, &bytes, now)?;
        let old_until = now.plus_ms(grace_ms);
        let rotated = self.store.rotate_app_secret(app, new, old_until).await?;
        self.forget(app);
        if rotated {
            Ok(Shown { text: secret.text(&bytes), old_until })
        } else {
            Err(KeyError::Unknown("app"))
        }
    }

    /// Replaces an app's own limits.
    ///
    /// # Errors
    /// `Unknown` if there is no such app, or the store's.
    pub async fn put_limits(&self, app: AppId, limits: AppLimits) -> Result<(), KeyError> {
        let put = self.store.put_limits(app, limits).await?;
        self.forget(app);
        if put { Ok(()) } else { Err(KeyError::Unknown("app")) }
    }

    pub(super) fn seal(&self, kind: SecretKind, owner: &str, secret: &[u8]) -> Result<Vec<u8>, VaultError> {
        self.vault.seal(secret, &bound_to(kind, owner))
    }

    fn fresh(&self, secret: AppSecret, app: AppId, bytes: &[u8], at: EpochMs) -> Result<Secret, VaultError> {
        let kept = self.seal(secret.kind(), &app.to_string(), bytes)?;
        Ok(Secret::new(secret.kind(), kept, at))
    }
}

/// A secret as libraries of Standard Webhooks take it.
pub(super) fn signing_text(bytes: &[u8]) -> String {
    format!("{SIGNING_PREFIX}{}", STANDARD.encode(bytes))
}

//! What is kept of apps: themselves, their keys and secrets, their limits and what they have used.
//! A part of [`Store`](super::Store), with the same promises.

use async_trait::async_trait;

use super::StoreResult;
use crate::domain::app::{ApiKey, App, AppLimits};
use crate::domain::{AppId, AppSettings, EpochMs, KeyId, Secret};

/// Characters that an engine is to speak for an app.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SpeechSpend {
    /// Days since 1970-01-01, in the app's own time zone.
    pub day: i64,
    /// How many.
    pub characters: u64,
    /// Most within one day; `None` for no limit.
    pub most: Option<u64>,
}

/// Characters that engines have spoken for an app.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SpeechUse {
    /// The last day they did.
    pub day: i64,
    /// How many on that day.
    pub characters: u64,
}

/// Apps and their keys.
#[async_trait]
pub trait AppStore {
    /// Adds an app. `Taken` if the name is.
    async fn create_app(&self, app: App) -> StoreResult<()>;
    /// All apps, oldest first.
    async fn apps(&self) -> StoreResult<Vec<App>>;
    /// Replaces an app's settings. False if there is no such app.
    async fn put_settings(&self, app: AppId, settings: AppSettings) -> StoreResult<bool>;
    /// Replaces an app's own limits. False if there is no such app.
    async fn put_limits(&self, app: AppId, limits: AppLimits) -> StoreResult<bool>;
    /// Gives an app a new secret, as [`rotate`](crate::domain::secret::rotate) does. False if there is no such app.
    async fn rotate_app_secret(&self, app: AppId, new: Secret, old_until: EpochMs) -> StoreResult<bool>;

    /// Adds a key. `Taken` if a live key of the app has that name.
    async fn create_key(&self, key: ApiKey) -> StoreResult<()>;
    /// The key with a bearer secret of this hash, revoked or not, its end reached or not.
    async fn key_by_hash(&self, hash: [u8; 32]) -> StoreResult<Option<ApiKey>>;
    /// The key with this id, revoked or not.
    async fn key_by_id(&self, id: KeyId) -> StoreResult<Option<ApiKey>>;
    /// All keys of an app, oldest first.
    async fn keys(&self, app: AppId) -> StoreResult<Vec<ApiKey>>;
    /// Ends a live key. False if there is none with this id.
    async fn revoke_key(&self, app: AppId, id: KeyId, at: EpochMs) -> StoreResult<bool>;
    /// Gives a live key a new secret, as [`rotate`](crate::domain::secret::rotate) does. False if there is none with this
    /// id.
    async fn rotate_key_secret(
        &self,
        app: AppId,
        id: KeyId,
        new: Secret,
        old_until: EpochMs,
    ) -> StoreResult<bool>;
    /// Notes that a key was used, unless a later use is noted.
    async fn note_key_use(&self, id: KeyId, at: EpochMs) -> StoreResult<()>;

    /// Counts characters, unless they would be more than there may be. A new day begins at nothing; a day that has begun
    /// does not begin again, whatever becomes of the time zone. False if they are too many.
    async fn spend_speech(&self, app: AppId, spend: SpeechSpend) -> StoreResult<bool>;
    /// What was counted of an app.
    async fn speech_use(&self, app: AppId) -> StoreResult<Option<SpeechUse>>;
}

//! Apps, keys and what apps have used, in the model.

use async_trait::async_trait;

use super::ModelStore;
use super::state::State;
use crate::domain::app::{ApiKey, App, AppLimits};
use crate::domain::secret::rotate;
use crate::domain::{AppId, AppSettings, EpochMs, KeyId, Secret, SecretKind};
use crate::store::{AppStore, SpeechSpend, SpeechUse, StoreError, StoreResult};

#[async_trait]
impl AppStore for ModelStore {
    async fn create_app(&self, app: App) -> StoreResult<()> {
        self.with(|state| state.create_app(app))?
    }

    async fn apps(&self) -> StoreResult<Vec<App>> {
        self.with(|state| {
            let mut apps = state.apps.clone();
            apps.sort_by_key(|app| (app.created_at, app.id));
            apps
        })
    }

    async fn put_settings(&self, app: AppId, settings: AppSettings) -> StoreResult<bool> {
        self.with(|state| state.app_mut(app).map(|app| app.settings = settings).is_some())
    }

    async fn put_limits(&self, app: AppId, limits: AppLimits) -> StoreResult<bool> {
        self.with(|state| state.app_mut(app).map(|app| app.limits = limits).is_some())
    }

    async fn rotate_app_secret(&self, app: AppId, new: Secret, old_until: EpochMs) -> StoreResult<bool> {
        self.with(|state| state.app_mut(app).map(|app| rotate(&mut app.secrets, new, old_until)).is_some())
    }

    async fn create_key(&self, key: ApiKey) -> StoreResult<()> {
        self.with(|state| state.create_key(key))?
    }

    async fn key_by_hash(&self, hash: [u8; 32]) -> StoreResult<Option<ApiKey>> {
        let has = |secret: &Secret| secret.kind == SecretKind::Bearer && secret.kept == hash;
        self.with(|state| state.keys.iter().find(|key| key.secrets.iter().any(has)).cloned())
    }

    async fn key_by_id(&self, id: KeyId) -> StoreResult<Option<ApiKey>> {
        self.with(|state| state.keys.iter().find(|key| key.id == id).cloned())
    }

    async fn keys(&self, app: AppId) -> StoreResult<Vec<ApiKey>> {
        self.with(|state| {
            let mut keys: Vec<ApiKey> = state.keys.iter().filter(|key| key.app == app).cloned().collect();
            keys.sort_by_key(|key| (key.created_at, key.id));
            keys
        })
    }

    async fn revoke_key(&self, app: AppId, id: KeyId, at: EpochMs) -> StoreResult<bool> {
        self.with(|state| state.live_key_mut(app, id).map(|key| key.revoked_at = Some(at)).is_some())
    }

    async fn rotate_key_secret(
        &self,
        app: AppId,
        id: KeyId,
        new: Secret,
        old_until: EpochMs,
    ) -> StoreResult<bool> {
        self.with(|state| {
            let key = state.live_key_mut(app, id);
            key.map(|key| rotate(&mut key.secrets, new, old_until)).is_some()
        })
    }

    async fn note_key_use(&self, id: KeyId, at: EpochMs) -> StoreResult<()> {
        self.with(|state| {
            if let Some(key) = state.keys.iter_mut().find(|key| key.id == id) {
                key.last_used_at = key.last_used_at.max(Some(at));
            }
        })
    }

    async fn spend_speech(&self, app: AppId, spend: SpeechSpend) -> StoreResult<bool> {
        self.with(|state| state.spend_speech(app, spend))
    }

    async fn speech_use(&self, app: AppId) -> StoreResult<Option<SpeechUse>> {
        self.with(|state| state.speech_use.get(&app).copied())
    }
}

impl State {
    fn app_mut(&mut self, app: AppId) -> Option<&mut App> {
        self.apps.iter_mut().find(|other| other.id == app)
    }

    fn live_key_mut(&mut self, app: AppId, id: KeyId) -> Option<&mut ApiKey> {
        self.keys.iter_mut().find(|key| key.app == app && key.id == id && key.revoked_at.is_none())
    }

    fn create_app(&mut self, app: App) -> StoreResult<()> {
        if self.apps.iter().any(|other| other.name == app.name || other.id == app.id) {
            return Err(StoreError::Taken("an app of this name"));
        }
        self.apps.push(app);
        Ok(())
    }

    fn create_key(&mut self, key: ApiKey) -> StoreResult<()> {
        let same_name = |other: &ApiKey| other.app == key.app && other.name == key.name;
        let live = |other: &ApiKey| other.revoked_at.is_none() && key.revoked_at.is_none();
        let taken = |other: &ApiKey| other.id == key.id || (same_name(other) && live(other));
        if self.keys.iter().any(taken) {
            return Err(StoreError::Taken("a key of this name"));
        }
        self.keys.push(key);
        Ok(())
    }

    fn spend_speech(&mut self, app: AppId, spend: SpeechSpend) -> bool {
        let today = self.speech_use.get(&app).copied().filter(|counted| counted.day >= spend.day);
        let today = today.unwrap_or(SpeechUse { day: spend.day, characters: 0 });
        let characters = today.characters + spend.characters;
        if spend.most.is_some_and(|most| characters > most) {
            return false;
        }
        self.speech_use.insert(app, SpeechUse { day: today.day, characters });
        true
    }
}

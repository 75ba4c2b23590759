//! Apps and keys, in SQL: each call and the statements it runs.

use async_trait::async_trait;

use super::engine::Engine;
use super::{SqlStore, apps, keys};
use crate::domain::app::{ApiKey, App, AppLimits};
use crate::domain::{AppId, AppSettings, EpochMs, KeyId, Secret};
use crate::store::{AppStore, SpeechSpend, SpeechUse, StoreResult};

#[async_trait]
impl<E: Engine> AppStore for SqlStore<E> {
    async fn create_app(&self, app: App) -> StoreResult<()> {
        self.engine.write(app, |db, app| Box::pin(apps::create(db, app))).await
    }

    async fn apps(&self) -> StoreResult<Vec<App>> {
        apps::all(&mut self.engine.reader().await?.db()).await
    }

    async fn put_settings(&self, app: AppId, settings: AppSettings) -> StoreResult<bool> {
        self.engine
            .write((app, settings), |db, (app, settings)| Box::pin(apps::put_settings(db, *app, settings)))
            .await
    }

    async fn put_limits(&self, app: AppId, limits: AppLimits) -> StoreResult<bool> {
        self.engine
            .write((app, limits), |db, (app, limits)| Box::pin(apps::put_limits(db, *app, limits)))
            .await
    }

    async fn rotate_app_secret(&self, app: AppId, new: Secret, old_until: EpochMs) -> StoreResult<bool> {
        self.engine
            .write((app, new, old_until), |db, (app, new, old_until)| {
                Box::pin(apps::rotate(db, *app, new, *old_until))
            })
            .await
    }

    async fn create_key(&self, key: ApiKey) -> StoreResult<()> {
        self.engine.write(key, |db, key| Box::pin(keys::create(db, key))).await
    }

    async fn key_by_hash(&self, hash: [u8; 32]) -> StoreResult<Option<ApiKey>> {
        keys::by_hash(&mut self.engine.reader().await?.db(), hash).await
    }

    async fn key_by_id(&self, id: KeyId) -> StoreResult<Option<ApiKey>> {
        keys::by_id(&mut self.engine.reader().await?.db(), id).await
    }

    async fn keys(&self, app: AppId) -> StoreResult<Vec<ApiKey>> {
        keys::all(&mut self.engine.reader().await?.db(), app).await
    }

    async fn revoke_key(&self, app: AppId, id: KeyId, at: EpochMs) -> StoreResult<bool> {
        self.engine.write((app, id, at), |db, (app, id, at)| Box::pin(keys::revoke(db, *app, *id, *at))).await
    }

    async fn rotate_key_secret(
        &self,
        app: AppId,
        id: KeyId,
        new: Secret,
        old_until: EpochMs,
    ) -> StoreResult<bool> {
        self.engine
            .write((app, id, new, old_until), |db, (app, id, new, old_until)| {
                Box::pin(keys::rotate(db, *app, *id, new, *old_until))
            })
            .await
    }

    async fn note_key_use(&self, id: KeyId, at: EpochMs) -> StoreResult<()> {
        self.engine.write((id, at), |db, (id, at)| Box::pin(keys::note_use(db, *id, *at))).await
    }

    async fn spend_speech(&self, app: AppId, spend: SpeechSpend) -> StoreResult<bool> {
        self.engine
            .write((app, spend), |db, (app, spend)| Box::pin(apps::spend_speech(db, *app, spend)))
            .await
    }

    async fn speech_use(&self, app: AppId) -> StoreResult<Option<SpeechUse>> {
        apps::speech_use(&mut self.engine.reader().await?.db(), app).await
    }
}

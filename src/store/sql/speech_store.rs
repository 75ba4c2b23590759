//! Wordings and recipes, in SQL: each call and the statements it runs.

use async_trait::async_trait;

use super::engine::Engine;
use super::{SqlStore, recipes, wordings};
use crate::domain::{AppId, EpochMs};
use crate::store::{NewWording, Saved, SpeechStore, StoreResult, Wording, WordingKey};

#[async_trait]
impl<E: Engine> SpeechStore for SqlStore<E> {
    async fn save_wording(&self, app: AppId, wording: NewWording, at: EpochMs) -> StoreResult<Saved> {
        self.engine
            .write((app, wording, at), |db, (app, wording, at)| {
                Box::pin(wordings::save(db, *app, wording, *at))
            })
            .await
    }

    async fn wordings(&self, app: AppId) -> StoreResult<Vec<Wording>> {
        wordings::in_force(&mut self.engine.reader().await?.db(), app).await
    }

    async fn wording_versions(&self, app: AppId, key: WordingKey) -> StoreResult<Vec<Wording>> {
        wordings::versions(&mut self.engine.reader().await?.db(), app, &key).await
    }

    async fn wording_stamp(&self, app: AppId) -> StoreResult<i64> {
        wordings::stamp(&mut self.engine.reader().await?.db(), app).await
    }

    async fn clip_recipe(&self, name: String) -> StoreResult<Option<String>> {
        recipes::one(&mut self.engine.reader().await?.db(), &name).await
    }

    async fn keep_recipe(&self, name: String, recipe: String, at: EpochMs) -> StoreResult<()> {
        self.engine
            .write((name, recipe, at), |db, (name, recipe, at)| {
                Box::pin(recipes::keep(db, name, recipe, *at))
            })
            .await
    }

    async fn forget_recipes(&self, before: EpochMs, limit: u32) -> StoreResult<u64> {
        self.engine
            .write((before, limit), |db, (before, limit)| Box::pin(recipes::forget(db, *before, *limit)))
            .await
    }
}

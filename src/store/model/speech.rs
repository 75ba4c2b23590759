//! Wordings and recipes in the model.

use async_trait::async_trait;

use super::ModelStore;
use super::state::State;
use crate::domain::{AppId, EpochMs, Sound};
use crate::store::{
    NewWording, RECIPE_FRESH_MS, Saved, SpeechStore, StoreResult, Topic, VERSIONS_MAX, Wording, WordingKey,
};

#[async_trait]
impl SpeechStore for ModelStore {
    async fn save_wording(&self, app: AppId, wording: NewWording, at: EpochMs) -> StoreResult<Saved> {
        self.with(|state| state.save_wording(app, wording, at))
    }

    async fn wordings(&self, app: AppId) -> StoreResult<Vec<Wording>> {
        self.with(|state| {
            let own = state.wordings.iter().filter(|((of, _), _)| *of == app);
            let newest = own.filter_map(|(_, versions)| versions.last());
            newest.filter(|wording| !wording.is_taken_back()).cloned().collect()
        })
    }

    async fn wording_versions(&self, app: AppId, key: WordingKey) -> StoreResult<Vec<Wording>> {
        self.with(|state| {
            let versions = state.wordings.get(&(app, key)).into_iter().flatten();
            versions.rev().cloned().collect()
        })
    }

    async fn wording_stamp(&self, app: AppId) -> StoreResult<i64> {
        self.with(|state| state.wording_stamps.get(&app).copied().unwrap_or(0))
    }

    async fn clip_recipe(&self, name: String) -> StoreResult<Option<String>> {
        self.with(|state| state.recipes.get(&name).map(|(recipe, _)| recipe.clone()))
    }

    async fn keep_recipe(&self, name: String, recipe: String, at: EpochMs) -> StoreResult<()> {
        self.with(|state| state.keep_recipe(name, recipe, at))
    }

    async fn forget_recipes(&self, before: EpochMs, limit: u32) -> StoreResult<u64> {
        self.with(|state| {
            let old = state.recipes.iter().filter(|(_, (_, used_at))| *used_at < before);
            let mut old: Vec<(EpochMs, String)> =
                old.map(|(name, (_, used_at))| (*used_at, name.clone())).collect();
            old.sort();
            old.truncate(limit as usize);
            old.iter().filter(|(_, name)| state.recipes.remove(name).is_some()).count() as u64
        })
    }
}

impl State {
    fn save_wording(&mut self, app: AppId, new: NewWording, at: EpochMs) -> Saved {
        let is_lexicon = |key: &WordingKey| key.topic == Topic::Lexicon;
        let alike =
            self.wordings.keys().filter(|(of, key)| *of == app && is_lexicon(key) == is_lexicon(&new.key));
        let count = alike.count();
        let versions = self.wordings.get(&(app, new.key.clone()));
        let newest = versions.and_then(|versions| versions.last()).map_or(0, |wording| wording.version);
        if new.if_version.is_some_and(|known| known != newest) {
            return Saved::Conflict(newest);
        }
        if newest == 0 && count >= new.most as usize {
            return Saved::Full;
        }
        let NewWording { key, list, .. } = new;
        let version = newest + 1;
        let versions = self.wordings.entry((app, key.clone())).or_default();
        versions.push(Wording { key, version, list, saved_at: at });
        versions.retain(|wording| wording.version + VERSIONS_MAX > version);
        self.wordings_saved += 1;
        self.wording_stamps.insert(app, self.wordings_saved);
        Saved::As(version)
    }

    fn keep_recipe(&mut self, name: String, recipe: String, at: EpochMs) {
        let (_, used_at) = self.recipes.entry(name).or_insert((recipe, at));
        if at.since_ms(*used_at) >= RECIPE_FRESH_MS {
            *used_at = at;
        }
    }

    /// Takes the recipe off a sound and keeps it as used at `at`.
    pub(super) fn keep_recipe_of(&mut self, sound: Sound, at: EpochMs) -> Sound {
        let name = sound.clip_name().to_owned();
        if let Some(recipe) = &sound.recipe {
            self.keep_recipe(name, recipe.clone(), at);
        }
        Sound { recipe: None, ..sound }
    }
}

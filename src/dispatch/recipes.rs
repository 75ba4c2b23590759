//! What clips are made of, for whoever serves them: kept with the sounds of alerts, and read where a clip is gone.
//! Hundreds of riders who ask for one clip at one moment make one look into the store.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;

use super::Dispatch;
use crate::domain::Sound;
use crate::store::{StoreError, StoreResult};

/// What was read lately. A burst fetches a few hundred clips, and each of them within seconds.
pub(super) struct Recipes(Cache<String, Arc<str>>);

/// Recipes in memory, at 1 kB: more clips than are lost at one time.
const RECIPES_MAX: u64 = 2_000;
/// Until it is read anew: what is asked for again after this is asked for seldom.
const RECIPES_FRESH: Duration = Duration::from_mins(1);

/// Why there is no recipe.
enum Missing {
    /// There is none; not remembered, for another process may bring it at any moment.
    Unknown,
    Store(StoreError),
}

impl Recipes {
    pub(super) fn new() -> Self {
        Self(Cache::builder().max_capacity(RECIPES_MAX).time_to_live(RECIPES_FRESH).build())
    }
}

impl Dispatch {
    /// What the clip of this name ([`Sound::clip_name`]) is made of, if anybody has kept it.
    ///
    /// # Errors
    /// The store's.
    pub async fn clip_recipe(&self, name: &str) -> StoreResult<Option<Arc<str>>> {
        let reading = async {
            match self.store.clip_recipe(name.to_owned()).await {
                Ok(Some(recipe)) => Ok(Arc::from(recipe)),
                Ok(None) => Err(Missing::Unknown),
                Err(error) => Err(Missing::Store(error)),
            }
        };
        match self.recipes.0.try_get_with_by_ref(name, reading).await {
            Ok(recipe) => Ok(Some(recipe)),
            Err(missing) => match Arc::try_unwrap(missing) {
                Ok(Missing::Store(error)) => Err(error),
                Ok(Missing::Unknown) => Ok(None),
                Err(shared) => match &*shared {
                    Missing::Unknown => Ok(None),
                    Missing::Store(error) => Err(StoreError::Unavailable(error.to_string().into())),
                },
            },
        }
    }

    /// Keeps what a clip is made of, so that it can be made again, here or by another process; alerts bring theirs with
    /// them.
    ///
    /// # Errors
    /// The store's.
    pub async fn keep_recipe(&self, sound: &Sound) -> StoreResult<()> {
        let (name, Some(recipe)) = (sound.clip_name(), &sound.recipe) else { return Ok(()) };
        if self.recipes.0.contains_key(name) {
            return Ok(());
        }
        self.store.keep_recipe(name.to_owned(), recipe.clone(), self.wall()).await?;
        self.recipes.0.insert(name.to_owned(), Arc::from(recipe.as_str())).await;
        Ok(())
    }
}

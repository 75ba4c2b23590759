//! What is kept of speech: what an app words for itself, in versions, and what clips are made of.
//! A part of [`Store`](super::Store), with the same promises.

use async_trait::async_trait;

use super::StoreResult;
use crate::domain::{AppId, EpochMs};

/// What is worded.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Topic {
    /// How words are read.
    Lexicon,
    /// The sentences of a kind.
    Phrases(String),
}

/// Which wording of an app: of what, in which language, for whose orders.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct WordingKey {
    /// What is worded.
    pub topic: Topic,
    /// Tag of the language.
    pub lang: String,
    /// The merchant whose orders it is for, by id or by name; `None` for all.
    pub merchant: Option<String>,
}

/// One version of a wording.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Wording {
    /// Which.
    pub key: WordingKey,
    /// 1 for the first, one more for each after it.
    pub version: u32,
    /// The phrases or the entries, a JSON list; an empty one takes back what was there before.
    pub list: String,
    /// When it was saved; 0 for what is older than versions.
    pub saved_at: EpochMs,
}

/// A wording that is to be saved.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewWording {
    /// Which.
    pub key: WordingKey,
    /// A JSON list.
    pub list: String,
    /// The newest version that whoever saves it knows of, 0 for none; `None` if it does not matter.
    pub if_version: Option<u32>,
    /// Most wordings that an app may have of this sort: phrases of any kind, or lexicons.
    pub most: u32,
}

/// What became of a wording that was to be saved.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Saved {
    /// It is this version now.
    As(u32),
    /// There is another version than whoever saves it knows of, 0 for none. Nothing was done.
    Conflict(u32),
    /// The app has as many wordings as it may. Nothing was done.
    Full,
}

/// Versions that are kept of each wording, the newest ones.
pub const VERSIONS_MAX: u32 = 20;
/// How long a recipe counts as used just now, in milliseconds: a clip that is asked for all day is written once an hour.
pub const RECIPE_FRESH_MS: i64 = 3_600_000;

/// Wordings and recipes.
#[async_trait]
pub trait SpeechStore {
    /// Saves a wording as its next version, and forgets those older than the newest [`VERSIONS_MAX`].
    async fn save_wording(&self, app: AppId, wording: NewWording, at: EpochMs) -> StoreResult<Saved>;
    /// What is in force of an app: the newest version of each wording, without those taken back, by key.
    async fn wordings(&self, app: AppId) -> StoreResult<Vec<Wording>>;
    /// The versions of one wording that are kept, the newest first.
    async fn wording_versions(&self, app: AppId, key: WordingKey) -> StoreResult<Vec<Wording>>;
    /// A number that rises whenever any wording of an app is saved; 0 before the first.
    async fn wording_stamp(&self, app: AppId) -> StoreResult<i64>;

    /// What the clip of this name is made of, if it was kept and not forgotten. Recipes come with the sounds of alerts
    /// ([`Sound::clip_name`](crate::domain::Sound::clip_name)), or by `keep_recipe`.
    async fn clip_recipe(&self, name: String) -> StoreResult<Option<String>>;
    /// Keeps a recipe, or notes that it was used; that is written only where the last use is [`RECIPE_FRESH_MS`] ago.
    async fn keep_recipe(&self, name: String, recipe: String, at: EpochMs) -> StoreResult<()>;
    /// Forgets recipes last used before `before`, the longest unused first, at most `limit` at once. Returns how many.
    async fn forget_recipes(&self, before: EpochMs, limit: u32) -> StoreResult<u64>;
}

impl Topic {
    /// The kind of event; empty for the lexicon, as no kind's name is.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::Lexicon => "",
            Self::Phrases(kind) => kind,
        }
    }

    /// What has this kind.
    #[must_use]
    pub fn of_kind(kind: String) -> Self {
        if kind.is_empty() { Self::Lexicon } else { Self::Phrases(kind) }
    }
}

impl WordingKey {
    /// The phrases of a kind.
    #[must_use]
    pub fn phrases(kind: impl Into<String>, lang: impl Into<String>, merchant: Option<String>) -> Self {
        Self { topic: Topic::Phrases(kind.into()), lang: lang.into(), merchant }
    }

    /// The lexicon.
    #[must_use]
    pub fn lexicon(lang: impl Into<String>, merchant: Option<String>) -> Self {
        Self { topic: Topic::Lexicon, lang: lang.into(), merchant }
    }
}

impl Wording {
    /// Whether it takes back what was there before.
    #[must_use]
    pub fn is_taken_back(&self) -> bool {
        self.list == NOTHING
    }
}

/// A wording that was taken back.
const NOTHING: &str = "[]";

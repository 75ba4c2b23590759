//! What an app words for itself, compiled: its phrases and lexicons, those of single merchants above those for all.
//! Compiled when it has changed and shared until then: an app may have hundreds of merchants.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::warn;

use super::Accounts;
use crate::domain::{AppId, OrderMerchant};
use crate::speech::lexicon::{Lexicon, LexiconEntry};
use crate::speech::{Lang, Phrase};
use crate::store::{NewWording, Saved, StoreError, StoreResult, Topic, Wording, WordingKey};

/// Most sets of phrases of an app: thirty kinds in two languages, and a phrase of their own for two thousand merchants.
const PHRASE_SETS_MAX: u32 = 2_000;
/// Most lexicons of an app. Names that are read wrongly belong into the one for all; few merchants need their own.
const LEXICONS_MAX: u32 = 200;

/// How words are read, by language, before any app says otherwise: the operator's.
#[derive(Clone, Debug, Default)]
pub struct Lexicons(HashMap<Lang, Arc<Lexicon>>);

/// The phrases of one kind that an app has of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct OwnPhrases<'a> {
    /// All, in the order they are tried: the merchant's, then those for all.
    pub all: &'a [Phrase],
    /// The merchant whose the first are.
    pub merchant: Option<&'a str>,
    /// How many are the merchant's.
    pub of_merchant: usize,
}

/// The wordings of one app.
pub(super) struct Wordings {
    stamp: i64,
    compiled: HashMap<WordingKey, (u32, Ready)>,
    sets: HashMap<(String, Lang, Option<String>), PhraseSet>,
    lexicons: HashMap<(Lang, Option<String>), Arc<Lexicon>>,
    below: Lexicons,
}

/// One wording as it works.
#[derive(Clone)]
enum Ready {
    Phrases(Arc<[Phrase]>),
    Lexicon(Lexicon),
}

struct PhraseSet {
    all: Vec<Phrase>,
    of_merchant: usize,
}

/// The wordings of apps in use, with the stamp of each.
pub(super) struct Compiled {
    most: usize,
    // Std mutex: one look-up a section.
    apps: Mutex<HashMap<AppId, Arc<Wordings>>>,
}

/// What became of an older version that was to be in force again.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Restored {
    /// It was saved, or not, as any wording.
    Saved(Saved, Wording),
    /// There is no such version any more.
    Unknown,
}

impl Lexicons {
    /// Of entries that were checked.
    #[must_use]
    pub fn of(entries: impl IntoIterator<Item = (Lang, Vec<LexiconEntry>)>) -> Self {
        let all = entries.into_iter().map(|(lang, entries)| (lang, Arc::new(lexicon(lang, &entries))));
        Self(all.collect())
    }

    fn get(&self, lang: Lang) -> Arc<Lexicon> {
        self.0.get(&lang).map_or_else(|| Arc::new(Lexicon::none()), Arc::clone)
    }
}

impl Wordings {
    /// Compiles what is in force; of `before` what has not changed since is taken as it is.
    pub(super) fn compiled(stamp: i64, rows: Vec<Wording>, before: Option<&Self>, below: &Lexicons) -> Self {
        let mut compiled = HashMap::with_capacity(rows.len());
        for Wording { key, version, list, .. } in rows {
            let Some(lang) = Lang::parse(&key.lang) else { continue };
            let known = before.and_then(|before| before.compiled.get(&key));
            let ready = match known.filter(|(known, _)| *known == version) {
                Some((_, ready)) => ready.clone(),
                None => Ready::of(&key.topic, lang, &list),
            };
            compiled.insert(key, (version, ready));
        }
        let mut wordings = Self {
            stamp,
            sets: HashMap::new(),
            lexicons: HashMap::new(),
            below: below.clone(),
            compiled: HashMap::new(),
        };
        for (key, (_, ready)) in &compiled {
            let general = WordingKey { merchant: None, ..key.clone() };
            let general = key.merchant.as_ref().and_then(|_| compiled.get(&general)).map(|(_, ready)| ready);
            wordings.add(key, ready, general);
        }
        Self { compiled, ..wordings }
    }

    /// Adds one of these, above the one for all if it is a merchant's.
    fn add(&mut self, key: &WordingKey, ready: &Ready, general: Option<&Ready>) {
        let Some(lang) = Lang::parse(&key.lang) else { return };
        match (ready, general) {
            (Ready::Phrases(own), general) => {
                let general: &[Phrase] = match general {
                    Some(Ready::Phrases(general)) => general,
                    Some(Ready::Lexicon(_)) | None => &[],
                };
                let of_merchant = if key.merchant.is_some() { own.len() } else { 0 };
                let all = own.iter().chain(general).cloned().collect();
                let place = (key.topic.kind().to_owned(), lang, key.merchant.clone());
                self.sets.insert(place, PhraseSet { all, of_merchant });
            }
            (Ready::Lexicon(own), general) => {
                let below = self.below.get(lang);
                let below = match general {
                    Some(Ready::Lexicon(general)) => below.then(general),
                    Some(Ready::Phrases(_)) | None => Lexicon::clone(&below),
                };
                self.lexicons.insert((lang, key.merchant.clone()), Arc::new(below.then(own)));
            }
        }
    }

    /// Which state of the store it was made of.
    pub(super) fn stamp(&self) -> i64 {
        self.stamp
    }

    pub(super) fn phrases<'a>(
        &'a self,
        kind: &str,
        lang: Lang,
        merchant: OrderMerchant<'a>,
    ) -> OwnPhrases<'a> {
        if self.sets.is_empty() {
            return OwnPhrases::default();
        }
        let of = |merchant: Option<&'a str>| {
            let set = self.sets.get(&(kind.to_owned(), lang, merchant.map(ToOwned::to_owned)))?;
            Some(OwnPhrases { all: &set.all, merchant, of_merchant: set.of_merchant })
        };
        merchant.names().map(Some).chain([None]).find_map(of).unwrap_or_default()
    }

    pub(super) fn all_phrases(&self, lang: Lang) -> Vec<Phrase> {
        let sets = self.compiled.values().filter_map(|(_, ready)| match ready {
            Ready::Phrases(phrases) => Some(phrases),
            Ready::Lexicon(_) => None,
        });
        sets.flat_map(|phrases| phrases.iter()).filter(|phrase| phrase.lang() == lang).cloned().collect()
    }

    pub(super) fn lexicon(&self, lang: Lang, merchant: OrderMerchant<'_>) -> Arc<Lexicon> {
        let of = |merchant: Option<&str>| self.lexicons.get(&(lang, merchant.map(ToOwned::to_owned)));
        let own = merchant.names().map(Some).chain([None]).find_map(of);
        own.map_or_else(|| self.below.get(lang), Arc::clone)
    }
}

impl Ready {
    /// What does not compile is left out: it was checked when it was saved, by a binary that may have known more.
    fn of(topic: &Topic, lang: Lang, list: &str) -> Self {
        match topic {
            Topic::Phrases(kind) => {
                let texts: Vec<String> = serde_json::from_str(list).unwrap_or_default();
                let compiled = texts.iter().filter_map(|text| {
                    let compiled = Phrase::compile(text, lang);
                    compiled.inspect_err(|error| warn!(template.kind = kind, %error, "Phrase left out.")).ok()
                });
                Self::Phrases(compiled.collect())
            }
            Topic::Lexicon => {
                let entries: Vec<LexiconEntry> = serde_json::from_str(list).unwrap_or_default();
                Self::Lexicon(lexicon(lang, &entries))
            }
        }
    }
}

fn lexicon(lang: Lang, entries: &[LexiconEntry]) -> Lexicon {
    let compiled = Lexicon::compile(lang, entries);
    compiled
        .inspect_err(|error| warn!(lexicon.lang = lang.tag(), %error, "Lexicon left out."))
        .unwrap_or_default()
}

impl Compiled {
    pub(super) fn new(most: usize) -> Self {
        Self { most, apps: Mutex::default() }
    }

    pub(super) fn of(&self, app: AppId) -> Option<Arc<Wordings>> {
        self.lock().get(&app).map(Arc::clone)
    }

    /// One app too many makes all others compiled anew: that costs time and nothing else.
    pub(super) fn keep(&self, app: AppId, wordings: Arc<Wordings>) {
        let mut apps = self.lock();
        if apps.len() >= self.most && !apps.contains_key(&app) {
            apps.clear();
        }
        apps.insert(app, wordings);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AppId, Arc<Wordings>>> {
        self.apps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Accounts {
    /// Saves phrases, checked.
    ///
    /// # Errors
    /// The store's.
    pub async fn save_phrases(
        &self,
        app: AppId,
        key: WordingKey,
        phrases: &[String],
        if_version: Option<u32>,
    ) -> StoreResult<Saved> {
        self.save(app, key, json(phrases)?, if_version).await
    }

    /// Saves a lexicon, checked.
    ///
    /// # Errors
    /// The store's.
    pub async fn save_lexicon(
        &self,
        app: AppId,
        key: WordingKey,
        entries: &[LexiconEntry],
        if_version: Option<u32>,
    ) -> StoreResult<Saved> {
        self.save(app, key, json(entries)?, if_version).await
    }

    /// Saves what an older version said as the newest.
    ///
    /// # Errors
    /// The store's.
    pub async fn restore_wording(
        &self,
        app: AppId,
        key: WordingKey,
        version: u32,
        if_version: Option<u32>,
    ) -> StoreResult<Restored> {
        let kept = self.store.wording_versions(app, key.clone()).await?;
        let Some(old) = kept.into_iter().find(|wording| wording.version == version) else {
            return Ok(Restored::Unknown);
        };
        let saved = self.save(app, key, old.list.clone(), if_version).await?;
        Ok(Restored::Saved(saved, old))
    }

    async fn save(
        &self,
        app: AppId,
        key: WordingKey,
        list: String,
        if_version: Option<u32>,
    ) -> StoreResult<Saved> {
        let most = match &key.topic {
            Topic::Phrases(_) => PHRASE_SETS_MAX,
            Topic::Lexicon => LEXICONS_MAX,
        };
        let wording = NewWording { key, list, if_version, most };
        let saved = self.store.save_wording(app, wording, self.clock.now().wall).await?;
        self.directory.forget(app);
        Ok(saved)
    }
}

fn json<T: serde::Serialize>(list: &[T]) -> StoreResult<String> {
    let wrong = |error| StoreError::Inconsistent { table: "wordings", source: Box::new(error) };
    serde_json::to_string(list).map_err(wrong)
}

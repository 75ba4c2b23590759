//! Words that are not read as they are written: another spelling for any voice, a reading in pinyin for those that
//! understand it. An operator has one for each language, an app its own above it, a merchant one above that.

mod entry;
mod file;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

pub use entry::{LexiconEntry, LexiconError, PINYIN_CHARS_MAX, SAID_CHARS_MAX, WORD_CHARS_MAX};
pub use file::LexiconFileError;

use super::Lang;
use crate::domain::said::Reading;
use entry::Word;

/// Most words of one lexicon. More would be a dictionary, which engines have.
pub const ENTRIES_MAX: usize = 2_000;

/// How words of one language are said. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Lexicon {
    words: Option<Arc<Words>>,
}

/// The words, by the character they begin with.
#[derive(Debug)]
struct Words {
    lang: Lang,
    /// Within a character, longer words first.
    written: HashMap<char, Vec<Word>>,
    /// What has a reading, as it stands in normalised text, in the same order.
    spoken: HashMap<char, Vec<Reading>>,
}

impl Lexicon {
    /// The lexicon without words: everything is said as it is written.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads the entries for sentences in `lang`.
    ///
    /// # Errors
    /// [`LexiconError`] says which entry is wrong and why; nothing is taken from a list with one.
    pub fn compile(lang: Lang, entries: &[LexiconEntry]) -> Result<Self, LexiconError> {
        if entries.len() > ENTRIES_MAX {
            let problem = format!("there are {} words, {ENTRIES_MAX} is the most", entries.len());
            return Err(LexiconError { place: ENTRIES_MAX, problem });
        }
        let mut words: BTreeMap<String, Word> = BTreeMap::new();
        for (place, entry) in entries.iter().enumerate() {
            let word = Word::of(entry, lang).map_err(|problem| LexiconError { place, problem })?;
            if words.insert(entry.word.clone(), word).is_some() {
                let problem = format!("the word {:?} is there twice", entry.word);
                return Err(LexiconError { place, problem });
            }
        }
        Ok(Self::of(lang, words.into_values()))
    }

    /// This lexicon with a more specific one above it, whose words win.
    ///
    /// Both are for one language; of two languages only the more specific one is left.
    #[must_use]
    pub fn then(&self, more_specific: &Self) -> Self {
        let (general, specific) = match (&self.words, &more_specific.words) {
            (_, None) => return self.clone(),
            (None, Some(_)) => return more_specific.clone(),
            (Some(general), Some(specific)) => (general, specific),
        };
        if general.lang != specific.lang {
            return more_specific.clone();
        }
        let mut words: BTreeMap<&str, &Word> = BTreeMap::new();
        for word in general.all().chain(specific.all()) {
            words.insert(&word.written, word);
        }
        Self::of(general.lang, words.into_values().cloned())
    }

    /// Whether it has no words.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_none()
    }

    /// Written text with the spelling of every word that has one: the longest word at each place, none inside an
    /// ASCII word, and nothing again in what was put there.
    #[must_use]
    pub fn respelled<'t>(&self, text: &'t str, lang: Lang) -> Cow<'t, str> {
        let Some(words) = self.of_lang(lang) else { return Cow::Borrowed(text) };
        let mut out = String::new();
        let mut kept = 0;
        let mut at = 0;
        while let Some(c) = text[at..].chars().next() {
            let found = words.written.get(&c).and_then(|list| {
                list.iter()
                    .find(|word| text[at..].starts_with(&word.written) && stands(text, at, &word.written))
            });
            let Some(word) = found else {
                at += c.len_utf8();
                continue;
            };
            if let Some(said) = &word.said {
                out.push_str(&text[kept..at]);
                out.push_str(said);
                kept = at + word.written.len();
            }
            at += word.written.len();
        }
        if kept == 0 && out.is_empty() {
            return Cow::Borrowed(text);
        }
        out.push_str(&text[kept..]);
        Cow::Owned(out)
    }

    /// The readings of the words in normalised text, each once, the longest word at each place.
    #[must_use]
    pub fn readings(&self, text: &str, lang: Lang) -> Vec<Reading> {
        let Some(words) = self.of_lang(lang) else { return Vec::new() };
        let mut readings: Vec<Reading> = Vec::new();
        let mut at = 0;
        while let Some(c) = text[at..].chars().next() {
            let found = words.spoken.get(&c).and_then(|list| {
                list.iter()
                    .find(|reading| text[at..].starts_with(&reading.word) && stands(text, at, &reading.word))
            });
            match found {
                Some(reading) => {
                    if !readings.contains(reading) {
                        readings.push(reading.clone());
                    }
                    at += reading.word.len();
                }
                None => at += c.len_utf8(),
            }
        }
        readings.sort();
        readings
    }

    fn of_lang(&self, lang: Lang) -> Option<&Words> {
        self.words.as_deref().filter(|words| words.lang == lang)
    }

    fn of(lang: Lang, list: impl Iterator<Item = Word>) -> Self {
        let mut written: HashMap<char, Vec<Word>> = HashMap::new();
        let mut spoken: HashMap<char, Vec<Reading>> = HashMap::new();
        for word in list {
            let Some(first) = word.written.chars().next() else { continue };
            for reading in word.readings() {
                let Some(first) = reading.word.chars().next() else { continue };
                spoken.entry(first).or_default().push(reading);
            }
            written.entry(first).or_default().push(word);
        }
        if written.is_empty() {
            return Self::none();
        }
        for list in written.values_mut() {
            list.sort_by_key(|word| std::cmp::Reverse(word.written.len()));
        }
        for list in spoken.values_mut() {
            list.sort_by_key(|reading| std::cmp::Reverse(reading.word.len()));
        }
        Self { words: Some(Arc::new(Words { lang, written, spoken })) }
    }
}

impl Words {
    fn all(&self) -> impl Iterator<Item = &Word> {
        self.written.values().flatten()
    }
}

/// Whether the word at `at` is not the middle of an ASCII word: `AB` is not in `CAB`, `一` is in `A一`.
fn stands(text: &str, at: usize, word: &str) -> bool {
    let ascii = |c: char| c.is_ascii_alphanumeric();
    let before = text[..at].ends_with(ascii) && word.starts_with(ascii);
    let after = text[at + word.len()..].starts_with(ascii) && word.ends_with(ascii);
    !before && !after
}

#[cfg(test)]
mod tests;

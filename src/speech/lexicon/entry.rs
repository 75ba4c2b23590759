//! One word of a lexicon, and what is demanded of it.
//! What is refused here could reach an engine as markup, or say nothing.

use super::{Lang, Reading};
use crate::speech::normalise;

/// Longest word, in characters.
pub const WORD_CHARS_MAX: usize = 30;

/// Longest spelling of what is said for a word, in characters.
pub const SAID_CHARS_MAX: usize = 60;

/// Longest reading in pinyin, in characters: seven for each syllable of the longest word.
pub const PINYIN_CHARS_MAX: usize = 240;

/// A word as an operator or an app gives it. At least one of `said` and `pinyin` is needed.
#[derive(Clone, Debug, Eq, PartialEq, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct LexiconEntry {
    /// The word as it is written in names and texts, 1 to [`WORD_CHARS_MAX`] characters; upper and lower case differ.
    pub word: String,
    /// What is said in its place by any voice, at most [`SAID_CHARS_MAX`] characters. It is normalised like any text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
    /// Its syllables with tone digits, `chong2 qing4`, one for each Han character of the word; for voices that
    /// understand pinyin. Not in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinyin: Option<String>,
}

/// Why a list of words is refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("word {place}: {problem}")]
pub struct LexiconError {
    /// Which entry it is, counted from 0.
    pub place: usize,
    /// What is wrong with it.
    pub problem: String,
}

/// A word that was found good.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub(super) written: String,
    pub(super) said: Option<String>,
    pinyin: Option<String>,
    lang: Lang,
}

impl Word {
    /// Reads an entry; the error says what is wrong with it.
    pub(super) fn of(entry: &LexiconEntry, lang: Lang) -> Result<Self, String> {
        let LexiconEntry { word, said, pinyin } = entry;
        plain("the word", word, WORD_CHARS_MAX)?;
        if normalise(word, lang).is_empty() {
            return Err("the word has nothing to say".to_owned());
        }
        if said.is_none() && pinyin.is_none() {
            return Err("a word needs what is said for it, or its pinyin".to_owned());
        }
        if let Some(said) = said {
            plain("what is said", said, SAID_CHARS_MAX)?;
            let spoken = normalise(said, lang);
            if spoken.is_empty() {
                return Err("what is said has nothing to say".to_owned());
            }
            if lang == Lang::En && han(&spoken) > 0 {
                return Err("an English voice cannot say Han characters".to_owned());
            }
        }
        if let Some(pinyin) = pinyin {
            if lang == Lang::En {
                return Err("an English voice has no pinyin".to_owned());
            }
            check_pinyin(pinyin, han(word))?;
        }
        Ok(Self { written: word.clone(), said: said.clone(), pinyin: pinyin.clone(), lang })
    }

    /// Where its pinyin stands in normalised text: at the word, and at what is said for it, if that has as many
    /// syllables.
    pub(super) fn readings(&self) -> Vec<Reading> {
        let Some(pinyin) = &self.pinyin else { return Vec::new() };
        let mut words = vec![self.written.clone(), normalise(&self.written, self.lang)];
        words.extend(self.said.as_ref().map(|said| normalise(said, self.lang)));
        words.retain(|word| !word.is_empty() && han(word) == pinyin.split(' ').count());
        words.sort();
        words.dedup();
        words.into_iter().map(|word| Reading { word, pinyin: pinyin.clone() }).collect()
    }
}

/// Brackets and what engines, shells and templates take for more than text.
const REFUSED: &str = "<>[]{}()|\\`$＜＞［］｛｝（）【】〔〕〖〗";

/// Checks that `text` is short, and bare of what engines take for more than text.
fn plain(what: &str, text: &str, chars_max: usize) -> Result<(), String> {
    let length = text.chars().take(chars_max + 1).count();
    if length == 0 || text.trim().is_empty() {
        return Err(format!("{what} is empty"));
    }
    if length > chars_max {
        return Err(format!("{what} is longer than {chars_max} characters"));
    }
    if text.trim() != text {
        return Err(format!("{what} begins or ends with a space"));
    }
    if text.chars().any(crate::speech::normalise::is_invisible) {
        return Err(format!("{what} contains a control character or an invisible one"));
    }
    match text.chars().find(|c| REFUSED.contains(*c)) {
        Some(c) => Err(format!("{what} contains {c:?}; brackets and marks of markup are refused")),
        None => Ok(()),
    }
}

fn check_pinyin(pinyin: &str, syllables: usize) -> Result<(), String> {
    if pinyin.chars().take(PINYIN_CHARS_MAX + 1).count() > PINYIN_CHARS_MAX {
        return Err(format!("the pinyin is longer than {PINYIN_CHARS_MAX} characters"));
    }
    let mut count = 0;
    for syllable in pinyin.split(' ') {
        count += 1;
        let letters = syllable.trim_end_matches(['1', '2', '3', '4', '5']);
        let sounds =
            !letters.is_empty() && letters.chars().all(|c| c.is_ascii_lowercase() || c == 'ü' || c == ':');
        if !sounds || syllable.len() != letters.len() + 1 {
            return Err(format!(
                "the pinyin {syllable:?} is no syllable like chong2: letters in lower case and a tone from 1 to 5, \
                 one space between two"
            ));
        }
    }
    if count == syllables {
        return Ok(());
    }
    Err(format!("the pinyin has {count} syllables, but the word has {syllables} Han characters"))
}

/// How many Han characters a text has.
fn han(text: &str) -> usize {
    text.chars().filter(|c| crate::speech::lang::is_han(*c)).count()
}

//! The lexicon as a file: TOML, a table for each word, named by its language.

use std::collections::BTreeMap;

use super::{Lang, Lexicon, LexiconEntry, LexiconError};

/// Why a lexicon file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LexiconFileError {
    /// It is not TOML of the form that is documented at [`Lexicon::from_toml`].
    #[error("{0}")]
    Form(#[source] Box<toml::de::Error>),
    /// It has words of a language that Orderbell does not speak.
    #[error("{0:?} is none of zh-CN, yue, en")]
    Language(String),
    /// One language is there under two names, such as `zh` and `zh-CN`.
    #[error("{0:?} names a language that is there already")]
    Twice(String),
    /// A word is refused.
    #[error("{tag}, {error}", tag = .lang.tag())]
    Word {
        /// The language it is listed under.
        lang: Lang,
        /// Which it is, and why.
        #[source]
        error: LexiconError,
    },
}

impl Lexicon {
    /// Reads a lexicon file and checks every word in it.
    ///
    /// ```toml
    /// # One table for each word, under the tag of the language whose sentences it is for.
    /// [[zh-CN]]
    /// word = "重庆小面"                 # as it is written
    /// pinyin = "chong2 qing4 xiao3 mian4"  # for voices that understand it
    ///
    /// [[zh-CN]]
    /// word = "7-Eleven"
    /// said = "七十一"                   # for any voice
    ///
    /// [[en]]
    /// word = "Xi'an"
    /// said = "Shee ahn"
    /// ```
    ///
    /// # Errors
    /// [`LexiconFileError`] says what is wrong and, where it is one word, with which.
    pub fn from_toml(text: &str) -> Result<BTreeMap<Lang, Vec<LexiconEntry>>, LexiconFileError> {
        let tables: BTreeMap<String, Vec<LexiconEntry>> =
            toml::from_str(text).map_err(|error| LexiconFileError::Form(Box::new(error)))?;
        let mut lists = BTreeMap::new();
        for (tag, entries) in tables {
            let lang = Lang::parse(&tag).ok_or_else(|| LexiconFileError::Language(tag.clone()))?;
            Self::compile(lang, &entries).map_err(|error| LexiconFileError::Word { lang, error })?;
            if lists.insert(lang, entries).is_some() {
                return Err(LexiconFileError::Twice(tag));
            }
        }
        Ok(lists)
    }
}

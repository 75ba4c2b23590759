//! Phrases: the sentences of each kind, from the one that says most to one that needs nothing.
//! The same template is rendered for the eye (1.2公里) and for the ear (一点二公里).

mod cut;
mod sample;
mod slots;
mod table;
mod template;

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::{
    Lang,
    lexicon::Lexicon,
    normalise::{is_invisible, normalise},
};
use crate::domain::said::{Part, Said};
pub use sample::SampleError;
pub use template::PhraseError;
use template::{Piece, Template};

/// Longest template, in characters: more than the longest sentence that may come of it.
pub const TEMPLATE_CHARS_MAX: usize = 400;

/// Longest sentence as a card shows it, in characters. A phrase that would make a longer one is passed over.
pub const TEXT_CHARS_MAX: usize = 400;

/// Longest free text of an event or an announcement, in characters.
pub const FREE_TEXT_CHARS_MAX: usize = 120;

/// The phrases of every kind in every language, compiled.
#[derive(Debug)]
pub struct Phrases {
    by_lang: [BTreeMap<String, Vec<Phrase>>; 3],
}

impl Phrases {
    /// The phrases that come with Orderbell.
    #[must_use]
    pub fn embedded() -> Self {
        Self { by_lang: Lang::ALL.map(table::phrases) }
    }

    /// The kinds that have phrases, in alphabetical order.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.by_lang[0].keys().map(String::as_str)
    }

    /// The phrases of a kind in a language, in the order they are tried; empty for an unknown kind.
    #[must_use]
    pub fn of(&self, kind: &str, lang: Lang) -> &[Phrase] {
        let [mandarin, cantonese, english] = &self.by_lang;
        let phrases = match lang {
            Lang::ZhCn => mandarin,
            Lang::Yue => cantonese,
            Lang::En => english,
        };
        phrases.get(kind).map(Vec::as_slice).unwrap_or_default()
    }

    /// The sentence for `kind`: the first phrase all of whose slots have a value that can be said, an app's
    /// own `overrides` before the embedded ones; if `lang` has none, the next language of its fallbacks.
    ///
    /// `utc_offset_s` is the offset of the app's clock from UTC, in seconds; slots with a clock need it.
    /// `lexicon` says how words of its own language are said. `None` for a kind that is neither embedded nor overridden.
    #[must_use]
    pub fn render(
        &self,
        kind: &str,
        lang: Lang,
        overrides: &[Phrase],
        vars: &Map<String, Json>,
        utc_offset_s: i32,
        lexicon: &Lexicon,
    ) -> Option<Rendered> {
        lang.fallbacks().into_iter().find_map(|lang| {
            let own = overrides.iter().enumerate().filter(|(_, phrase)| phrase.lang == lang);
            let embedded = self.of(kind, lang).iter().enumerate();
            let embedded = embedded.map(|(index, phrase)| (overrides.len() + index, phrase));
            own.chain(embedded).find_map(|(index, phrase)| {
                let rendered = phrase.render(vars, utc_offset_s, lexicon)?;
                Some(Rendered { phrase_index: index, ..rendered })
            })
        })
    }

    /// The sentence of `kind` that needs no value, as the canned clips say it; `None` for an unknown kind.
    #[must_use]
    pub fn slotless(&self, kind: &str, lang: Lang) -> Option<Rendered> {
        let (index, phrase) =
            self.of(kind, lang).iter().enumerate().rfind(|(_, phrase)| phrase.is_slotless())?;
        let rendered = phrase.render(&Map::new(), 0, &Lexicon::none())?;
        Some(Rendered { phrase_index: index, ..rendered })
    }
}

/// A sentence, ready for the eye and for the ear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// What the card shows, at most [`TEXT_CHARS_MAX`] characters.
    pub text: String,
    /// What the engine speaks: normalised, at most [`SAID_CHARS_MAX`](super::normalise::SAID_CHARS_MAX)
    /// characters, never empty. Cut at the slots: each fixed run of the phrase and each value is a part, a code
    /// that is read out sign by sign is a part for each sign, and a pause belongs to what stands before it.
    /// Free text is one part.
    pub said: Said,
    /// The language it is in, which may be a fallback of the one asked for.
    pub lang: Lang,
    /// Which phrase it came from: overrides are counted first, then the embedded phrases of `lang`; 0 for
    /// free text.
    pub phrase_index: usize,
}

/// A compiled template.
#[derive(Clone, Debug)]
pub struct Phrase {
    lang: Lang,
    source: String,
    template: Template,
}

impl Phrase {
    /// Compiles a template: text with slots written `{{ name|filter }}`, where a name may have parts
    /// (`shop.name`) and the filter may be left out for free text.
    ///
    /// | filter | value | shown | said |
    /// |---|---|---|---|
    /// | `money` | cents | 5.8元 | 五元八角 |
    /// | `distance` | metres | 1.2公里 | 一点二公里 |
    /// | `minutes` | minutes, to a day | 5分钟 | 五分钟 |
    /// | `clock` | epoch ms or RFC 3339 | 13:05 | 十三点零五分 |
    /// | `count` | a whole number | 2 | 两 |
    /// | `code` | a short number of an order | A17 | A十七 |
    /// | `digits` | 1 to 8 digits | 0006 | 零零零六 |
    /// | `platform` | a platform's code, or its name in Han characters | 美团 | 美团 |
    /// | `shop` | a name, said without its branch | 测试面馆 | 测试面馆 |
    /// | `area` | a name, said without house and door | 测试小区 | 测试小区 |
    /// | `address` | an address of at most 60 characters; private, so no phrase that comes with Orderbell says one | 软件园3-2-1201 | 软件园三栋二单元幺二零幺 |
    /// | `name` | a rider's name | 张师傅 | 张师傅 |
    /// | `spoken`, `text` | free text of at most [`FREE_TEXT_CHARS_MAX`] characters | as it is | as words |
    ///
    /// A phrase is passed over when one of its slots has no such value; in English also when it is written
    /// in Han characters.
    ///
    /// # Errors
    /// [`PhraseError`] says what is wrong and where.
    pub fn compile(template: &str, lang: Lang) -> Result<Self, PhraseError> {
        let length = template.chars().take(TEMPLATE_CHARS_MAX + 1).count();
        if length > TEMPLATE_CHARS_MAX {
            return Err(PhraseError::TooLong);
        }
        if template.trim().is_empty() {
            return Err(PhraseError::Empty);
        }
        let parsed = Template::parse(template, lang)?;
        Ok(Self { lang, source: template.to_owned(), template: parsed })
    }

    /// The template as it was written.
    #[must_use]
    pub fn template(&self) -> &str {
        &self.source
    }

    /// The language it is in.
    #[must_use]
    pub fn lang(&self) -> Lang {
        self.lang
    }

    /// Whether it can always be said.
    #[must_use]
    pub fn is_slotless(&self) -> bool {
        self.template.is_slotless()
    }

    /// The sentence, or `None` if a slot has no value, or one that cannot be said, or too much to say.
    fn render(&self, vars: &Map<String, Json>, utc_offset_s: i32, lexicon: &Lexicon) -> Option<Rendered> {
        let lang = self.lang;
        let mut text = String::new();
        let mut spoken = String::new();
        let mut pieces = Vec::new();
        for piece in self.template.pieces() {
            match piece {
                Piece::Fixed(run) => {
                    text.push_str(&run.written);
                    let respelled = lexicon.respelled(&run.written, lang);
                    spoken.push_str(&respelled);
                    let unchanged = *respelled == *run.written;
                    pieces.push(if unchanged { run.said.clone() } else { normalise(&respelled, lang) });
                }
                Piece::Slot(slot) => {
                    let value = slot.value(vars)?;
                    let shown = slots::shown(slot.sort, value, lang, utc_offset_s)?;
                    text.push_str(&shown);
                    // No character has more than four bytes: what is left needs no reading.
                    if text.len() > 4 * TEXT_CHARS_MAX {
                        return None;
                    }
                    let said = slots::said(slot.sort, &shown, lang, lexicon)?;
                    spoken.push_str(&said.whole);
                    pieces.extend(said.pieces);
                }
            }
        }
        let whole = normalise(&spoken, lang);
        let fits = text.chars().count() <= TEXT_CHARS_MAX && !whole.is_empty();
        let said = said_in(&cut::cut(&whole, &pieces), lang, lexicon);
        fits.then(|| Rendered { text: text.trim().to_owned(), said, lang, phrase_index: 0 })
    }
}

/// The parts of a sentence with the readings of their words.
fn said_in(parts: &[String], lang: Lang, lexicon: &Lexicon) -> Said {
    Said::of(parts.iter().map(|text| Part::new(text, lexicon.readings(text, lang))).collect())
}

/// Why a free text is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// Nothing is left of it but white space.
    #[error("the text is empty")]
    Empty,
    /// It is longer than [`FREE_TEXT_CHARS_MAX`].
    #[error("the text is longer than {FREE_TEXT_CHARS_MAX} characters")]
    TooLong,
    /// It contains NUL or another control character; tabs and line ends are no such.
    #[error("the text contains the control character U+{0:04X}")]
    ControlCharacter(u32),
    /// It has nothing to say: only symbols, emoji or markup.
    #[error("there is nothing to say in the text")]
    Unspeakable,
}

/// A text that someone wrote for riders, in place of a phrase.
///
/// A text with Han characters is spoken in Chinese even if English was asked for: an English voice cannot
/// read it.
///
/// # Errors
/// [`TextError`] says why the text is refused; it is never shortened.
pub fn free_text(text: &str, lang: Lang, lexicon: &Lexicon) -> Result<Rendered, TextError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(TextError::Empty);
    }
    if text.chars().take(FREE_TEXT_CHARS_MAX + 1).count() > FREE_TEXT_CHARS_MAX {
        return Err(TextError::TooLong);
    }
    if let Some(control) = text.chars().find(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r')) {
        return Err(TextError::ControlCharacter(control.into()));
    }
    let lang = match lang {
        Lang::En if slots::has_han(text) => Lang::ZhCn,
        lang => lang,
    };
    let whole = normalise(&lexicon.respelled(text, lang), lang);
    if whole.is_empty() {
        return Err(TextError::Unspeakable);
    }
    Ok(Rendered { text: visible(text), said: said_in(&[whole], lang, lexicon), lang, phrase_index: 0 })
}

/// The text as a card shows it: on one line, without what only confuses.
fn visible(text: &str) -> String {
    let spaced = text.replace(['\t', '\n', '\r'], " ");
    spaced.chars().filter(|c| !is_invisible(*c)).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests;

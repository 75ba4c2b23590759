//! Phrases: the sentences of each kind, from the one that says most to one that needs nothing.
//! The same template is rendered for the eye (1.2公里) and for the ear (一点二公里).

mod slots;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use minijinja::{
    Environment, Error,
    value::{Serde, Value},
};
use regex::Regex;
use serde_json::{Map, Value as Json};

use super::{
    Lang,
    normalise::{is_invisible, normalise},
};
use crate::domain::Said;
use slots::Channel;

/// Longest template, in characters: more than the longest sentence that may come of it.
pub const TEMPLATE_CHARS_MAX: usize = 400;

/// Longest sentence as a card shows it, in characters. A phrase that would make a longer one is passed over.
pub const TEXT_CHARS_MAX: usize = 400;

/// Longest free text of an event or an announcement, in characters.
pub const FREE_TEXT_CHARS_MAX: usize = 120;

/// Steps one rendering may take; the longest template has about 100 slots of four steps each.
const FUEL: u64 = 2_000;

/// The name under which filters find the offset of the app's clock.
const UTC_OFFSET: &str = "utc_offset_s";

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
    /// `None` for a kind that is neither embedded nor overridden.
    #[must_use]
    pub fn render(
        &self,
        kind: &str,
        lang: Lang,
        overrides: &[Phrase],
        vars: &Map<String, Json>,
        utc_offset_s: i32,
    ) -> Option<Rendered> {
        lang.fallbacks().into_iter().find_map(|lang| {
            let own = overrides.iter().enumerate().filter(|(_, phrase)| phrase.lang == lang);
            let embedded = self.of(kind, lang).iter().enumerate();
            let embedded = embedded.map(|(index, phrase)| (overrides.len() + index, phrase));
            own.chain(embedded).find_map(|(index, phrase)| {
                phrase.render(vars, utc_offset_s).map(|rendered| Rendered { phrase_index: index, ..rendered })
            })
        })
    }

    /// The sentence of `kind` that needs no value, as the canned clips say it; `None` for an unknown kind.
    #[must_use]
    pub fn slotless(&self, kind: &str, lang: Lang) -> Option<Rendered> {
        let (index, phrase) =
            self.of(kind, lang).iter().enumerate().rfind(|(_, phrase)| phrase.is_slotless())?;
        phrase.render(&Map::new(), 0).map(|rendered| Rendered { phrase_index: index, ..rendered })
    }
}

/// A sentence, ready for the eye and for the ear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// What the card shows, at most [`TEXT_CHARS_MAX`] characters.
    pub text: String,
    /// What the engine speaks: normalised, at most [`SAID_CHARS_MAX`](super::normalise::SAID_CHARS_MAX)
    /// characters, never empty.
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
    template: String,
    /// The names its slots begin with.
    names: BTreeSet<String>,
    eye: Environment<'static>,
    ear: Environment<'static>,
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
        let names = slot_names(template)?;
        let compiled = |channel| {
            let mut environment = slots::environment(lang, channel);
            environment.set_fuel(Some(FUEL));
            environment.add_template_owned(NAME, template.to_owned()).map(|()| environment)
        };
        let refused = |error: Error| PhraseError::Syntax {
            line: error.line().unwrap_or(1),
            column: 1,
            problem: error.detail().unwrap_or("not a template").to_owned(),
        };
        let eye = compiled(Channel::Eye).map_err(refused)?;
        let ear = compiled(Channel::Ear).map_err(refused)?;
        Ok(Self { lang, template: template.to_owned(), names, eye, ear })
    }

    /// The template as it was written.
    #[must_use]
    pub fn template(&self) -> &str {
        &self.template
    }

    /// The language it is in.
    #[must_use]
    pub fn lang(&self) -> Lang {
        self.lang
    }

    /// Whether it can always be said.
    #[must_use]
    pub fn is_slotless(&self) -> bool {
        self.names.is_empty()
    }

    /// The sentence, or `None` if a slot has no value, or one that cannot be said, or too much to say.
    fn render(&self, vars: &Map<String, Json>, utc_offset_s: i32) -> Option<Rendered> {
        let mut values = Vec::with_capacity(self.names.len() + 1);
        for name in &self.names {
            let value = vars.get(name).filter(|value| !value.is_null())?;
            values.push((name.as_str(), Value::from(Serde(value))));
        }
        values.push((UTC_OFFSET, Value::from(utc_offset_s)));
        let values = Value::from_pairs(values);
        let text = rendered(&self.eye, &values)?;
        let said = normalise(&rendered(&self.ear, &values)?, self.lang);
        let fits = text.chars().count() <= TEXT_CHARS_MAX && !said.is_empty();
        let said = Said::whole(&said);
        fits.then(|| Rendered { text: text.trim().to_owned(), said, lang: self.lang, phrase_index: 0 })
    }
}

/// What is wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PhraseError {
    /// There is nothing in it.
    #[error("the phrase is empty")]
    Empty,
    /// It is longer than [`TEMPLATE_CHARS_MAX`].
    #[error("the phrase is longer than {TEMPLATE_CHARS_MAX} characters")]
    TooLong,
    /// It is not text with slots. Lines and columns count from 1, columns in characters.
    #[error("line {line}, column {column}: {problem}")]
    Syntax {
        /// The line.
        line: usize,
        /// The column, in characters.
        column: usize,
        /// What is wrong there.
        problem: String,
    },
    /// A slot names a filter that does not exist.
    #[error("line {line}, column {column}: unknown filter {filter:?}, known are {}", slots::names().join(", "))]
    UnknownFilter {
        /// The line.
        line: usize,
        /// The column, in characters.
        column: usize,
        /// The filter as it was written.
        filter: String,
    },
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
pub fn free_text(text: &str, lang: Lang) -> Result<Rendered, TextError> {
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
    let said = normalise(text, lang);
    if said.is_empty() {
        return Err(TextError::Unspeakable);
    }
    Ok(Rendered { text: visible(text), said: Said::whole(&said), lang, phrase_index: 0 })
}

/// The text as a card shows it: on one line, without what only confuses.
fn visible(text: &str) -> String {
    let spaced = text.replace(['\t', '\n', '\r'], " ");
    spaced.chars().filter(|c| !is_invisible(*c)).collect::<String>().trim().to_owned()
}

/// The one template of a phrase's environments.
const NAME: &str = "phrase";

fn rendered(environment: &Environment<'static>, values: &Value) -> Option<String> {
    environment.get_template(NAME).ok()?.render(values.clone()).ok()
}

/// A slot from its opening braces on; the groups are the name's first part and the filter.
#[expect(clippy::expect_used, reason = "the pattern is a constant that every test compiles")]
static SLOT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\{\{\s*([A-Za-z_]\w*)(?:\.[A-Za-z_]\w*)*\s*(?:\|\s*([A-Za-z_]\w*)\s*)?\}\}")
        .expect("a valid pattern")
});

/// Walks the template and returns the first parts of its slots' names.
fn slot_names(template: &str) -> Result<BTreeSet<String>, PhraseError> {
    let mut names = BTreeSet::new();
    let mut at = 0;
    while let Some(found) = ["{{", "{%", "{#", "}}"].iter().filter_map(|mark| template[at..].find(mark)).min()
    {
        at += found;
        let rest = &template[at..];
        let (line, column) = position(template, at);
        let syntax = |problem: &str| PhraseError::Syntax { line, column, problem: problem.to_owned() };
        if rest.starts_with("}}") {
            return Err(syntax("this closes no slot"));
        }
        if !rest.starts_with("{{") {
            return Err(syntax("a phrase has slots only, no statements or comments"));
        }
        if !rest.contains("}}") {
            return Err(syntax("this slot is not closed"));
        }
        let slot = SLOT.captures(rest).ok_or_else(|| syntax("a slot is written {{ name|filter }}"))?;
        if let Some(filter) = slot.get(2).map(|filter| filter.as_str())
            && !slots::names().contains(&filter)
        {
            return Err(PhraseError::UnknownFilter { line, column, filter: filter.to_owned() });
        }
        names.insert(slot[1].to_owned());
        at += slot[0].len();
    }
    Ok(names)
}

fn position(template: &str, at: usize) -> (usize, usize) {
    let before = &template[..at];
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests;

//! Written text becomes words an engine reads rightly: no digits, units or symbols are left to its guess.
//! An ordered list of rules per language is compiled into one expression, so a text is walked once and the
//! first rule that fits a place reads it.

mod en;
mod finish;
mod fold;
mod han;
mod numerals;

#[cfg(test)]
mod cases;

pub(super) use fold::is_invisible;

use std::{borrow::Cow, sync::LazyLock};

use numerals::{
    CANTONESE, CANTONESE_ADDRESS, Counting, Dialect, MANDARIN, MANDARIN_ADDRESS, Numbers, Phones,
};
use regex::{Captures, Regex};

use super::Lang;

/// Longest normalised text, in characters. A minute of speech is about 250; more is a mistake or an attack.
pub const SAID_CHARS_MAX: usize = 400;

/// Longest text that is looked at, in characters; the rest could not be heard anyway.
const WRITTEN_CHARS_MAX: usize = 2_000;

/// Reads `text` aloud on paper: numbers, money, units, codes and symbols become words of `lang`; markup,
/// emoji and invisible characters go.
///
/// The result is one line of at most [`SAID_CHARS_MAX`] characters without ASCII digits, brackets or control
/// characters, and it is empty when nothing speakable was there. Normalising it again changes nothing.
#[must_use]
pub fn normalise(text: &str, lang: Lang) -> String {
    let folded = folded(text, lang);
    match lang {
        Lang::ZhCn => in_han(&folded, &MANDARIN),
        Lang::Yue => in_han(&folded, &CANTONESE),
        Lang::En => finish::finish(&en::RULES.apply(&folded, ()), finish::Style::Latin, SAID_CHARS_MAX),
    }
}

/// Reads an address, where a number without a clue is a door: 软件园1201 is 软件园幺二零幺.
pub(super) fn address(text: &str, lang: Lang) -> String {
    let folded = folded(text, lang);
    match lang {
        Lang::ZhCn => in_han(&folded, &MANDARIN_ADDRESS),
        Lang::Yue => in_han(&folded, &CANTONESE_ADDRESS),
        Lang::En => normalise(text, lang),
    }
}

/// The text as the rules want it. A run of digits that no rule knows is spelled first: the rules would look at
/// each digit of it in every way they have.
fn folded(text: &str, lang: Lang) -> String {
    let folded = fold::fold(text, WRITTEN_CHARS_MAX);
    match LONG_NUMBER.replace_all(&folded, |digits: &Captures<'_>| format!(" {} ", spelled(&digits[0], lang)))
    {
        Cow::Borrowed(_) => folded,
        Cow::Owned(spelled) => spelled,
    }
}

#[expect(clippy::expect_used, reason = "the pattern is a constant that every test compiles")]
static LONG_NUMBER: LazyLock<Regex> = LazyLock::new(|| Regex::new("[0-9]{33,}").expect("a valid pattern"));

fn in_han(folded: &str, dialect: &'static Dialect) -> String {
    finish::finish(&han::RULES.apply(folded, dialect), finish::Style::Han, SAID_CHARS_MAX)
}

/// A code as it is read out, sign by sign: 0006 is 零零零六.
pub(super) fn spelled(code: &str, lang: Lang) -> String {
    match lang {
        Lang::ZhCn => MANDARIN.code(code),
        Lang::Yue => CANTONESE.code(code),
        Lang::En => en::digits(code),
    }
}

/// A short number of an order, as shops shout it: 17 is 十七, A17 is A十七.
pub(super) fn called(code: &str, lang: Lang) -> String {
    let digits = code.chars().all(|c| c.is_ascii_digit());
    match lang {
        Lang::ZhCn if digits => MANDARIN.name(code),
        Lang::Yue if digits => CANTONESE.name(code),
        Lang::ZhCn | Lang::Yue | Lang::En => normalise(code, lang),
    }
}

/// So many of something, without the thing: 2 is 两.
pub(super) fn counted(count: u32, lang: Lang) -> String {
    let digits = count.to_string();
    match lang {
        Lang::ZhCn => MANDARIN.cardinal(&digits, Counting::Things),
        Lang::Yue => CANTONESE.cardinal(&digits, Counting::Things),
        Lang::En => en::number(&digits),
    }
}

/// One way of reading one written form. `NUM` in a pattern stands for a number with an optional decimal
/// part, `TO` for what stands between two ends of a range, `SPAN` and `COUNT` for Han units, `TAIL` for what makes an
/// amount of the digits before it, and `END` for the border of an ASCII word: `\b` would not see one between `18` and a Han character.
struct Rule<C> {
    pattern: &'static str,
    read: Read<C>,
}

/// Says what a rule found, in the words of `C`.
type Read<C> = fn(&Found<'_>, C) -> String;

/// The rules of a language, in order, as one expression.
struct Rules<C> {
    all: Regex,
    /// For each rule its group in `all`; the groups of its own pattern follow.
    reads: Vec<(usize, Read<C>)>,
}

impl<C: Copy> Rules<C> {
    /// # Panics
    /// Never in a build whose tests passed: the patterns are constants, and a test compiles them.
    #[expect(clippy::expect_used, reason = "the patterns are constants that every test compiles")]
    fn compile(lists: &[&[Rule<C>]]) -> Self {
        let rules = || lists.iter().copied().flatten();
        let pattern = |(place, rule): (usize, &Rule<C>)| {
            let pattern = rule
                .pattern
                .replace("TAIL", han::TAIL)
                .replace("SPAN", han::SPAN_UNITS)
                .replace("COUNT", han::COUNT_UNITS)
                .replace("TO", r"\s*(?:[-~至到]|--)\s*")
                .replace("NUM", r"[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?")
                .replace("END", r"(?-u:\b)");
            format!("(?P<rule_{place}>{pattern})")
        };
        let patterns: Vec<String> = rules().enumerate().map(pattern).collect();
        let all = Regex::new(&patterns.join("|")).expect("the patterns are valid");
        // Only the rules themselves have names.
        let named = all.capture_names().enumerate().filter(|(_, name)| name.is_some());
        let reads = named.zip(rules()).map(|((group, _), rule)| (group, rule.read)).collect();
        Self { all, reads }
    }

    fn apply(&self, text: &str, context: C) -> String {
        let read = |captures: &Captures<'_>| {
            let rule = self.reads.iter().find(|(group, _)| captures.get(*group).is_some());
            rule.map_or_else(String::new, |(group, read)| {
                read(&Found { text, captures, group: *group }, context)
            })
        };
        self.all.replace_all(text, read).into_owned()
    }
}

/// The place a rule fits, seen with that rule's own group numbers.
struct Found<'t> {
    text: &'t str,
    captures: &'t Captures<'t>,
    group: usize,
}

impl<'t> Found<'t> {
    /// The whole place.
    fn whole(&self) -> &'t str {
        self.opt(0).unwrap_or_default()
    }

    /// What stands before the place.
    fn before(&self) -> &'t str {
        let start = self.captures.get(self.group).map_or(0, |found| found.start());
        self.text.get(..start).unwrap_or_default()
    }

    /// What stands after it.
    fn after(&self) -> &'t str {
        let end = self.captures.get(self.group).map_or(0, |found| found.end());
        self.text.get(end..).unwrap_or_default()
    }

    /// Group `n` of the rule, empty when it took no part.
    fn text(&self, n: usize) -> &'t str {
        self.opt(n).unwrap_or_default()
    }

    /// Group `n` of the rule.
    fn opt(&self, n: usize) -> Option<&'t str> {
        self.captures.get(self.group + n).map(|found| found.as_str())
    }
}

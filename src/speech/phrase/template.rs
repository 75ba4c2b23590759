//! A template, taken apart once: fixed runs of text, and slots between them.
//! Slots name a value and the filter that reads it; there is nothing else, so a template cannot run away.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value as Json};

use super::slots::{self, Slot};
use crate::speech::{Lang, normalise};

/// A template as its pieces, in order.
#[derive(Clone, Debug)]
pub(super) struct Template {
    pieces: Vec<Piece>,
}

/// What a template is made of.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    /// Text that every sentence has.
    Fixed(Run),
    /// A place for a value.
    Slot(SlotUse),
}

/// A fixed run between two slots.
#[derive(Clone, Debug)]
pub(super) struct Run {
    /// As it is shown.
    pub(super) written: String,
    /// As it is said, by itself and without a lexicon.
    pub(super) said: String,
}

/// Which value stands in a slot, and what it is.
#[derive(Clone, Debug)]
pub(super) struct SlotUse {
    /// The name and its parts: `shop.name` has two.
    pub(super) path: Vec<String>,
    pub(super) sort: Slot,
}

impl SlotUse {
    /// The value among `vars`; `None` where it is missing or null.
    pub(super) fn value<'v>(&self, vars: &'v Map<String, Json>) -> Option<&'v Json> {
        let (first, rest) = self.path.split_first()?;
        let value = rest.iter().try_fold(vars.get(first)?, |value, name| value.get(name))?;
        (!value.is_null()).then_some(value)
    }
}

impl Template {
    /// Takes `source` apart.
    pub(super) fn parse(source: &str, lang: Lang) -> Result<Self, PhraseError> {
        let mut pieces = Vec::new();
        let mut at = 0;
        while let Some(found) = MARKS.iter().filter_map(|mark| source[at..].find(mark)).min() {
            push_fixed(source, at..at + found, lang, &mut pieces)?;
            at += found;
            let (slot, length) = slot_at(source, at)?;
            pieces.push(Piece::Slot(slot));
            at += length;
        }
        push_fixed(source, at..source.len(), lang, &mut pieces)?;
        Ok(Self { pieces })
    }

    pub(super) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Whether it needs no value.
    pub(super) fn is_slotless(&self) -> bool {
        self.pieces.iter().all(|piece| matches!(piece, Piece::Fixed(_)))
    }
}

/// What is wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PhraseError {
    /// There is nothing in it.
    #[error("the phrase is empty")]
    Empty,
    /// It is longer than [`TEMPLATE_CHARS_MAX`](super::TEMPLATE_CHARS_MAX).
    #[error("the phrase is longer than {} characters", super::TEMPLATE_CHARS_MAX)]
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

/// What ends a fixed run.
const MARKS: [&str; 4] = ["{{", "{%", "{#", "}}"];

/// A brace in it is a slot that was meant otherwise: it would be said as the name of its value.
fn push_fixed(
    source: &str,
    run: Range<usize>,
    lang: Lang,
    pieces: &mut Vec<Piece>,
) -> Result<(), PhraseError> {
    let written = &source[run.clone()];
    if let Some(brace) = written.find(['{', '}']) {
        let (line, column) = position(source, run.start + brace);
        let problem = "a slot has two braces on each side: {{ name|filter }}".to_owned();
        return Err(PhraseError::Syntax { line, column, problem });
    }
    if !written.is_empty() {
        let run = Run { written: written.to_owned(), said: normalise(written, lang) };
        pieces.push(Piece::Fixed(run));
    }
    Ok(())
}

/// A slot from its opening braces on; the groups are the name with its parts and the filter.
#[expect(clippy::expect_used, reason = "the pattern is a constant that every test compiles")]
static SLOT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\{\{\s*([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\s*(?:\|\s*([A-Za-z_]\w*)\s*)?\}\}")
        .expect("a valid pattern")
});

/// The slot whose braces open at `at`, and its length in bytes.
fn slot_at(source: &str, at: usize) -> Result<(SlotUse, usize), PhraseError> {
    let rest = &source[at..];
    let (line, column) = position(source, at);
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
    let sort = match slot.get(2).map(|filter| filter.as_str()) {
        None => Slot::Spoken,
        Some(filter) => slots::named(filter).ok_or_else(|| PhraseError::UnknownFilter {
            line,
            column,
            filter: filter.to_owned(),
        })?,
    };
    let path = slot[1].split('.').map(str::to_owned).collect();
    Ok((SlotUse { path, sort }, slot[0].len()))
}

fn position(template: &str, at: usize) -> (usize, usize) {
    let before = &template[..at];
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

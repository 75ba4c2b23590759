//! A first look at a text before it is parsed: its length and how deep it nests, so that the parser's recursion is bounded.
//! And where its faults stand, as line and column.

use super::{EXPRESSION_BYTES_MAX, ExpressionError};

/// How deep brackets may nest, and statements of templates.
const NESTING_MAX: usize = 24;
/// Signs, branches and statements: each may be a frame of the parser's stack.
const REPEATS_MAX: usize = 64;

/// How a text begins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// With an expression.
    Expression,
    /// With text.
    Template,
}

/// Refuses what is too long or too deep to be parsed. It knows no more of the language than quotes and brackets, so
/// that raw text of a template counts as well: nobody answers in 24 open brackets.
pub(super) fn check(text: &str, kind: Kind) -> Result<(), ExpressionError> {
    if text.len() > EXPRESSION_BYTES_MAX {
        return Err(at(text, 0, format!("it is longer than {EXPRESSION_BYTES_MAX} bytes")));
    }
    if kind == Kind::Expression && text.trim().is_empty() {
        return Err(at(text, 0, "it is empty".to_owned()));
    }
    let bytes = text.as_bytes();
    let mut counts = Counts::default();
    let mut place = 0;
    while let Some(&byte) = bytes.get(place) {
        if kind == Kind::Expression && matches!(byte, b'\'' | b'"') {
            counts.signs = 0;
            place = end_of_text(bytes, place);
            continue;
        }
        place += counts.take(bytes, place);
        if let Some(fault) = counts.fault() {
            return Err(at(text, place, fault));
        }
    }
    Ok(())
}

/// What has been met so far.
#[derive(Default)]
struct Counts {
    /// Brackets that are open.
    depth: usize,
    /// Signs and `not`s one behind the other.
    signs: usize,
    /// `else`s in all.
    branches: usize,
    /// `{%`s in all.
    statements: usize,
}

impl Counts {
    /// Looks at what stands here, and tells how many bytes it was.
    fn take(&mut self, bytes: &[u8], place: usize) -> usize {
        match bytes.get(place).copied().unwrap_or_default() {
            b'-' => self.signs += 1,
            _ if is_word(bytes, place, b"not") => {
                self.signs += 1;
                return 3;
            }
            byte if byte.is_ascii_whitespace() => {}
            byte => {
                self.signs = 0;
                match byte {
                    b'(' | b'[' | b'{' => self.depth += 1,
                    b')' | b']' | b'}' => self.depth = self.depth.saturating_sub(1),
                    b'%' if place.checked_sub(1).and_then(|before| bytes.get(before)) == Some(&b'{') => {
                        self.statements += 1;
                    }
                    b'e' if is_word(bytes, place, b"else") => self.branches += 1,
                    _ => {}
                }
            }
        }
        1
    }

    fn fault(&self) -> Option<String> {
        if self.depth > NESTING_MAX {
            Some(format!("brackets nest deeper than {NESTING_MAX}"))
        } else if self.signs > REPEATS_MAX {
            Some(format!("more than {REPEATS_MAX} of `-` and `not` one behind the other"))
        } else if self.branches > REPEATS_MAX || self.statements > REPEATS_MAX {
            Some(format!("more than {REPEATS_MAX} branches or statements"))
        } else {
            None
        }
    }
}

/// Behind the text in quotes that begins here; the end where it has none.
fn end_of_text(bytes: &[u8], start: usize) -> usize {
    let mut place = start + 1;
    while let Some(&byte) = bytes.get(place) {
        match byte {
            b'\\' => place += 1,
            _ if Some(&byte) == bytes.get(start) => return place + 1,
            _ => {}
        }
        place += 1;
    }
    place
}

fn is_word(bytes: &[u8], place: usize, word: &[u8]) -> bool {
    let part_of_word =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    bytes.get(place..place + word.len()) == Some(word)
        && !part_of_word(place.checked_sub(1).and_then(|before| bytes.get(before)))
        && !part_of_word(bytes.get(place + word.len()))
}

/// A fault at this byte.
pub(super) fn at(text: &str, byte: usize, detail: String) -> ExpressionError {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    ExpressionError { line, column, detail }
}

/// What the parser says.
pub(super) fn syntax(text: &str, error: &minijinja::Error) -> ExpressionError {
    let detail = error.detail().map_or_else(|| error.kind().to_string(), ToOwned::to_owned);
    match error.range() {
        Some(range) => at(text, range.start, detail),
        None => ExpressionError { line: error.line().unwrap_or(1), column: 1, detail },
    }
}

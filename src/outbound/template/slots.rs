//! Text with slots, such as `{{ rider }}`: names and filters from closed sets, no statements, no expressions.
//! So nothing in it can loop or grow: a filled text is as long as its parts.

use serde_json::{Map, Value as Json};

use super::TemplateProblem;

/// What a slot may name. All are plain values: texts, numbers for `urgency` and `level`, true or false for `test`.
pub const NAMES: [&str; 13] = [
    "alert_id", "app", "event_id", "group", "kind", "level", "merchant", "order_id", "rider", "short_no",
    "test", "text", "urgency",
];

/// What is wrong with a slot.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SlotProblem {
    /// `{{` without `}}`.
    #[error("this slot is not closed")]
    Open,
    /// `}}` without `{{`.
    #[error("this closes no slot")]
    Unopened,
    /// `{%` or `{#`.
    #[error("there are slots only, no statements or comments")]
    Statement,
    /// Not of the form.
    #[error("a slot is written {{{{ name }}}} or {{{{ name|filter }}}}")]
    Form,
    /// Not in [`NAMES`].
    #[error("unknown name {0:?}, known are {known}", known = NAMES.join(", "))]
    Name(String),
    /// Not a filter.
    #[error("unknown filter {0:?}, known are tojson, urlencode")]
    Filter(String),
}

/// A slot's problem and the column at which it begins, from 1.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct SlotFault {
    column: usize,
    problem: SlotProblem,
}

impl SlotFault {
    /// The same, in a text that began so many columns earlier.
    pub(super) fn after(self, columns: usize) -> Self {
        Self { column: self.column + columns, ..self }
    }
}

impl From<SlotFault> for TemplateProblem {
    fn from(fault: SlotFault) -> Self {
        Self::Slot { column: fault.column, problem: fault.problem }
    }
}

/// A text with slots.
#[derive(Clone, Debug)]
pub(super) struct Text(Vec<Piece>);

#[derive(Clone, Debug)]
enum Piece {
    Literal(String),
    Slot { name: &'static str, filter: Option<Filter> },
}

/// What is done to a value before it is escaped for its place.
#[derive(Clone, Copy, Debug)]
enum Filter {
    /// As JSON, quotes included: for a body that carries JSON in a string.
    ToJson,
    /// As a part of a URL: for a body that carries a URL.
    UrlEncode,
}

impl Text {
    pub(super) fn parse(text: &str) -> Result<Self, SlotFault> {
        let mut pieces = Vec::new();
        let mut at = 0;
        while let Some(found) = ["{{", "}}", "{%", "{#"].iter().filter_map(|mark| text[at..].find(mark)).min()
        {
            let (literal, rest) = text[at..].split_at(found);
            let column = text[..at + found].chars().count() + 1;
            let fault = |problem| SlotFault { column, problem };
            if rest.starts_with("}}") {
                return Err(fault(SlotProblem::Unopened));
            }
            let inner = rest.strip_prefix("{{").ok_or_else(|| fault(SlotProblem::Statement))?;
            let (inner, _) = inner.split_once("}}").ok_or_else(|| fault(SlotProblem::Open))?;
            if !literal.is_empty() {
                pieces.push(Piece::Literal(literal.to_owned()));
            }
            pieces.push(slot(inner).map_err(fault)?);
            at += found + inner.len() + 4;
        }
        if at < text.len() {
            pieces.push(Piece::Literal(text[at..].to_owned()));
        }
        Ok(Self(pieces))
    }

    pub(super) fn slots(&self) -> usize {
        self.0.iter().filter(|piece| matches!(piece, Piece::Slot { .. })).count()
    }

    /// The text with its values, each escaped for where the text stands.
    pub(super) fn fill(&self, values: &Map<String, Json>, escape: fn(&str) -> String) -> String {
        let filled = self.0.iter().map(|piece| match piece {
            Piece::Literal(literal) => literal.clone(),
            Piece::Slot { name, filter } => {
                let value = values.get(*name).unwrap_or(&Json::Null);
                escape(&match filter {
                    None => plain(value),
                    Some(Filter::ToJson) => value.to_string(),
                    Some(Filter::UrlEncode) => path_encoded(&plain(value)),
                })
            }
        });
        filled.collect()
    }

    /// The value itself, if the text is one slot and nothing else.
    pub(super) fn alone(&self, values: &Map<String, Json>) -> Option<Json> {
        match self.0.as_slice() {
            [Piece::Slot { name, filter: None }] => Some(values.get(*name).cloned().unwrap_or(Json::Null)),
            _ => None,
        }
    }
}

fn slot(inner: &str) -> Result<Piece, SlotProblem> {
    let (name, filter) = match inner.split_once('|') {
        Some((name, filter)) => (name.trim(), Some(filter.trim())),
        None => (inner.trim(), None),
    };
    let is_word =
        |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !is_word(name) || !filter.is_none_or(is_word) {
        return Err(SlotProblem::Form);
    }
    let filter = match filter {
        None => None,
        Some("tojson") => Some(Filter::ToJson),
        Some("urlencode") => Some(Filter::UrlEncode),
        Some(unknown) => return Err(SlotProblem::Filter(unknown.to_owned())),
    };
    let known = NAMES.into_iter().find(|known| *known == name);
    Ok(Piece::Slot { name: known.ok_or_else(|| SlotProblem::Name(name.to_owned()))?, filter })
}

/// A value as text: nothing for `null`, no quotes around a string.
pub(super) fn plain(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => value.to_string(),
    }
}

/// Everything but unreserved letters as `%XX`: one segment of a path, or one value of a query.
pub(super) fn path_encoded(text: &str) -> String {
    encoded(text, "%20")
}

/// The same as a form writes it.
pub(super) fn form_encoded(text: &str) -> String {
    encoded(text, "+")
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

fn encoded(text: &str, space: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(byte.into()),
            b' ' => encoded.push_str(space),
            _ => {
                encoded.push('%');
                encoded.extend([byte >> 4, byte & 15].map(|digit| char::from(HEX[usize::from(digit)])));
            }
        }
    }
    encoded
}

//! Text with slots, such as `{{ voice }}` or `{{ speed|num(0.5=0,2=15)|int }}`: names and filters from closed sets, and
//! no statements. Everything is judged when the profile is read, so filling it in cannot fail.

mod filter;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use secrecy::ExposeSecret;

use super::values::{Values, plain};
use filter::{Filter, filters};

pub(super) use filter::percent_encoded;

/// What can be known of a sentence.
const SPOKEN: [&str; 6] = ["text", "voice", "speed", "lang", "readings", "token"];
/// What is known of any call.
const OF_A_CALL: [&str; 2] = ["uuid", "unix_ts"];
/// Parameters that need no `param:` before them.
const USUAL_PARAMS: [&str; 5] = ["volume", "pitch", "format", "sample_rate", "bitrate"];

/// What a text may name, by the profile it stands in.
pub(super) struct Known<'a> {
    /// Declared parameters, and whether each is a number.
    pub(super) params: Vec<(&'a str, Kind)>,
    /// Declared secrets.
    pub(super) secrets: Vec<&'a str>,
    /// Whether the call is for a sentence or for something before it.
    pub(super) call: Call,
}

/// What a call is made for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Call {
    /// A sentence, by a profile without a token.
    Sentence,
    /// A sentence, with the token that was fetched.
    SentenceWithToken,
    /// A token.
    Token,
}

/// What a slot's value is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// A text.
    Text,
    /// A number: in JSON one without quotes, where it stands alone.
    Number,
    /// Texts; only alone in JSON.
    List,
}

/// Where a text stands: what is asked of it there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// Scheme, host and port: parameters only, so that what is said can lead nowhere.
    Origin,
    /// Escaped for its place by who sends it.
    Escaped,
    /// A string in a JSON tree.
    Json,
    /// Sent as it is: each slot escapes itself, or is all there is.
    Raw,
}

/// A text with slots.
#[derive(Clone, Debug)]
pub(super) struct Text(Vec<Piece>);

#[derive(Clone, Debug)]
enum Piece {
    Literal(String),
    Slot {
        name: Name,
        kind: Kind,
        filters: Vec<Filter>,
    },
    /// In base64, as `Basic` has name and password.
    Encoded(Text),
}

/// What a slot names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Name {
    Text,
    Voice,
    Speed,
    Lang,
    Readings,
    Token,
    Uuid,
    UnixTs,
    Param(String),
    Secret(String),
}

/// A value of one slot, after its filters.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Number(f64),
    List(Vec<String>),
}

impl Text {
    /// Reads a text; the problem says the column.
    pub(super) fn parse(text: &str, place: Place, known: &Known<'_>) -> Result<Self, String> {
        Self::parse_behind(0, text, place, known)
    }

    /// The same for a text that stands so many columns behind the beginning of a longer one.
    pub(super) fn parse_behind(
        columns: usize,
        text: &str,
        place: Place,
        known: &Known<'_>,
    ) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut at = 0;
        while let Some(found) = ["{{", "}}", "{%", "{#"].iter().filter_map(|mark| text[at..].find(mark)).min()
        {
            let (literal, rest) = text[at..].split_at(found);
            let column = columns + text[..at + found].chars().count() + 1;
            let fault = |problem: &dyn fmt::Display| format!("column {column}: {problem}");
            if rest.starts_with("}}") {
                return Err(fault(&"this closes no slot"));
            }
            let inner = rest.strip_prefix("{{");
            let inner = inner.ok_or_else(|| fault(&"there are slots only, no statements or comments"))?;
            let (inner, _) = inner.split_once("}}").ok_or_else(|| fault(&"this slot is not closed"))?;
            if !literal.is_empty() {
                pieces.push(Piece::Literal(literal.to_owned()));
            }
            pieces.push(slot(inner, known).map_err(|problem| fault(&problem))?);
            at += found + inner.len() + 4;
        }
        if at < text.len() {
            pieces.push(Piece::Literal(text[at..].to_owned()));
        }
        let text = Self(pieces);
        text.check(place)?;
        Ok(text)
    }

    /// What of a slot cannot be where it stands.
    fn check(&self, place: Place) -> Result<(), String> {
        let alone = self.0.len() == 1;
        for piece in &self.0 {
            let Piece::Slot { name, kind, filters } = piece else { continue };
            let problem = match place {
                Place::Origin if !matches!(name, Name::Param(_)) => {
                    Some("scheme, host and port may hold no slots but parameters")
                }
                Place::Raw if !alone && *kind == Kind::Text && !filters.iter().any(Filter::escapes) => {
                    Some("a slot within a raw body must be escaped: |xml, |json, |url, |url2 or |base64")
                }
                Place::Origin | Place::Escaped | Place::Raw if *kind == Kind::List => {
                    Some("a list can only stand in JSON")
                }
                Place::Json if *kind == Kind::List && !alone => Some("a list must stand alone in its string"),
                Place::Origin | Place::Escaped | Place::Json | Place::Raw => None,
            };
            if let Some(problem) = problem {
                return Err(problem.to_owned());
            }
        }
        Ok(())
    }

    /// `Basic` with a name and a password.
    pub(super) fn basic(user: Self, password: Self) -> Self {
        let pair = user.0.into_iter().chain([Piece::Literal(":".to_owned())]).chain(password.0);
        Self(vec![Piece::Literal("Basic ".to_owned()), Piece::Encoded(Self(pair.collect()))])
    }

    /// The names that it uses.
    pub(super) fn names(&self) -> Vec<&Name> {
        let of = |piece| match piece {
            &Piece::Literal(_) => Vec::new(),
            Piece::Slot { name, .. } => vec![name],
            Piece::Encoded(text) => text.names(),
        };
        self.0.iter().flat_map(of).collect()
    }

    /// The text with its values, each escaped for where the text stands.
    pub(super) fn fill(&self, values: &Values<'_>, escape: fn(&str) -> String) -> String {
        let filled = self.0.iter().map(|piece| match piece {
            Piece::Literal(literal) => literal.clone(),
            Piece::Slot { name, filters, .. } => escape(&value(name, filters, values).into_text()),
            Piece::Encoded(text) => BASE64.encode(text.fill(values, as_it_is)),
        });
        filled.collect()
    }

    /// The value itself, if the text is one slot and nothing else.
    pub(super) fn alone(&self, values: &Values<'_>) -> Option<Value> {
        match self.0.as_slice() {
            [Piece::Slot { name, filters, .. }] => Some(value(name, filters, values)),
            _ => None,
        }
    }
}

impl Value {
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => plain(number),
            Self::List(items) => items.join(","),
        }
    }
}

/// As it is.
pub(super) fn as_it_is(value: &str) -> String {
    value.to_owned()
}

fn value(name: &Name, filters: &[Filter], values: &Values<'_>) -> Value {
    let text = |text: &str| Value::Text(text.to_owned());
    let value = match name {
        Name::Text => text(values.text),
        Name::Voice => text(values.voice),
        Name::Lang => text(values.lang),
        Name::Speed => Value::Number(values.speed),
        Name::Readings => Value::List(values.readings.to_vec()),
        Name::Token => text(values.token.map_or("", ExposeSecret::expose_secret)),
        Name::Uuid => text(values.uuid),
        Name::UnixTs => text(values.unix_ts),
        Name::Param(name) => values.params.get(name).cloned().unwrap_or_else(|| text("")),
        Name::Secret(name) => text(values.secrets.get(name).map_or("", ExposeSecret::expose_secret)),
    };
    filters.iter().fold(value, |value, filter| filter.applied(value))
}

/// `name|filter|filter`.
fn slot(inner: &str, known: &Known<'_>) -> Result<Piece, String> {
    let mut words = inner.split('|').map(str::trim);
    let written = words.next().unwrap_or_default();
    let (name, kind) = name(written, known).ok_or_else(|| unknown(written, known))?;
    let (filters, kind) = filters(words, kind)?;
    Ok(Piece::Slot { name, kind, filters })
}

fn name(written: &str, known: &Known<'_>) -> Option<(Name, Kind)> {
    let param = |name: &str| {
        let (_, kind) = known.params.iter().find(|(declared, _)| *declared == name)?;
        Some((Name::Param(name.to_owned()), *kind))
    };
    if let Some(name) = written.strip_prefix("param:") {
        return param(name);
    }
    if let Some(name) = written.strip_prefix("secret:") {
        return known.secrets.contains(&name).then(|| (Name::Secret(name.to_owned()), Kind::Text));
    }
    if USUAL_PARAMS.contains(&written) {
        return param(written);
    }
    let found = match written {
        "uuid" => return Some((Name::Uuid, Kind::Text)),
        // A text: thirteen digits are a number to nobody who signs or names with it.
        "unix_ts" => return Some((Name::UnixTs, Kind::Text)),
        "token" => {
            return (known.call == Call::SentenceWithToken).then_some((Name::Token, Kind::Text));
        }
        "text" => (Name::Text, Kind::Text),
        "voice" => (Name::Voice, Kind::Text),
        "speed" => (Name::Speed, Kind::Number),
        "lang" => (Name::Lang, Kind::Text),
        "readings" => (Name::Readings, Kind::List),
        _ => return None,
    };
    (known.call != Call::Token).then_some(found)
}

/// What could have been written instead.
fn unknown(written: &str, known: &Known<'_>) -> String {
    let spoken = SPOKEN.iter().filter(|name| match known.call {
        Call::Token => false,
        Call::Sentence => **name != "token",
        Call::SentenceWithToken => true,
    });
    let mut names: Vec<String> = spoken.chain(&OF_A_CALL).map(|name| (*name).to_owned()).collect();
    names.extend(known.params.iter().map(|(name, _)| format!("param:{name}")));
    names.extend(known.secrets.iter().map(|name| format!("secret:{name}")));
    format!("unknown name {written:?}, known are {}", names.join(", "))
}

#[cfg(test)]
mod tests;

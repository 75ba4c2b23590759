//! What is done to a value before it takes its place: `json xml url url2 base64 num(…) int`.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::super::values::number;
use super::{Kind, Value};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Filter {
    /// As JSON, quotes included.
    Json,
    /// For text or an attribute of XML; what XML 1.0 cannot hold becomes a space.
    Xml,
    /// Percent-encoded, everything but letters, digits and `-._~`.
    Url,
    /// The same twice.
    Url2,
    Base64,
    /// Rounded to a whole number.
    Int,
    /// Along straight lines through these points, and no further than the outer ones.
    Num(Vec<(f64, f64)>),
}

impl Filter {
    /// Whether what comes out can stand in the format of its name.
    pub(super) fn escapes(&self) -> bool {
        match self {
            Self::Json | Self::Xml | Self::Url | Self::Url2 | Self::Base64 => true,
            Self::Int | Self::Num(_) => false,
        }
    }

    pub(super) fn applied(&self, value: Value) -> Value {
        match (self, value) {
            (Self::Int, Value::Number(value)) => Value::Number(value.round()),
            (Self::Num(points), Value::Number(value)) => Value::Number(along(points, value)),
            (Self::Json, Value::Number(value)) => Value::Text(number(value).to_string()),
            (Self::Json, value) => Value::Text(serde_json::Value::String(value.into_text()).to_string()),
            (Self::Xml, value) => Value::Text(xml(&value.into_text())),
            (Self::Url, value) => Value::Text(percent_encoded(&value.into_text())),
            (Self::Url2, value) => Value::Text(percent_encoded(&percent_encoded(&value.into_text()))),
            (Self::Base64, value) => Value::Text(BASE64.encode(value.into_text())),
            // The profile was refused if this could be.
            (Self::Int | Self::Num(_), value) => value,
        }
    }
}

/// The filters of a slot, and what its value is after them.
pub(super) fn filters<'a>(
    words: impl Iterator<Item = &'a str>,
    mut kind: Kind,
) -> Result<(Vec<Filter>, Kind), String> {
    let mut filters = Vec::new();
    for word in words {
        let filter = match word {
            "json" => Filter::Json,
            "xml" => Filter::Xml,
            "url" => Filter::Url,
            "url2" => Filter::Url2,
            "base64" => Filter::Base64,
            "int" => Filter::Int,
            _ => Filter::Num(points(word)?),
        };
        let after = match filter {
            Filter::Int | Filter::Num(_) => Kind::Number,
            Filter::Json | Filter::Xml | Filter::Url | Filter::Url2 | Filter::Base64 => Kind::Text,
        };
        if kind == Kind::List {
            return Err(format!("a list has no filter, so not {word}"));
        }
        if after == Kind::Number && kind != Kind::Number {
            return Err(format!("{word} is for numbers"));
        }
        // A number that has been written out stands without quotes where it is told to be JSON.
        kind = after;
        filters.push(filter);
    }
    Ok((filters, kind))
}

/// `num(0.5=-500,1=0,2=500)`.
fn points(word: &str) -> Result<Vec<(f64, f64)>, String> {
    let form =
        || format!("unknown filter {word:?}, known are json, xml, url, url2, base64, int, num(0.5=0,2=10)");
    let inner = word.strip_prefix("num(").and_then(|rest| rest.strip_suffix(')')).ok_or_else(form)?;
    let read = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    let point = |pair: &str| {
        let (from, to) = pair.split_once('=')?;
        Some((read(from)?, read(to)?))
    };
    let points: Vec<(f64, f64)> = inner.split(',').map(point).collect::<Option<_>>().ok_or_else(form)?;
    if points.len() < 2 || points.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
        return Err("num needs two points or more, with rising left sides: num(0.5=0,2=10)".to_owned());
    }
    Ok(points)
}

fn along(points: &[(f64, f64)], value: f64) -> f64 {
    let Some(after) = points.iter().position(|(from, _)| value <= *from) else {
        return points.last().map_or(value, |(_, to)| *to);
    };
    let Some(before) = after.checked_sub(1) else { return points[after].1 };
    let ((x0, y0), (x1, y1)) = (points[before], points[after]);
    // Four decimals: more than any service hears, and no 0.30000000000000004.
    ((y0 + (y1 - y0) * (value - x0) / (x1 - x0)) * 10_000.0).round() / 10_000.0
}

fn xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push(' '),
            letter if letter.is_control() => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// By RFC 3986: letters, digits and `-._~` stay.
pub(in super::super) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

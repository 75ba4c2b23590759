//! Texts that may hold more than they seem to: JSON, percents, addresses of pages, coordinates.

use std::borrow::Cow;

use serde_json::Value;

use super::{GONE, Place, digits, walk, words};
use crate::intake::hooks::decode::percent_decoded;

/// Coordinates are kept to so many places: a kilometre.
const KEPT: f64 = 100.0;
/// Some count in millionths of a degree.
const MILLIONTHS: i64 = 10_000;

/// The text without what is private in it; `None` where nothing is.
pub(super) fn searched(text: &str, place: Place) -> Option<String> {
    let trimmed = text.trim_start();
    let is_page = trimmed.starts_with("http://") || trimmed.starts_with("https://");
    if is_page && let Some((page, _)) = text.split_once('?') {
        // What stands behind the question mark may open a door.
        return Some(format!("{}?{GONE}", digits::masked(page)));
    }
    let is_markup = trimmed.starts_with('<') && trimmed.contains("</");
    let is_encoded = is_encoded(text);
    if is_markup || (place.wrappings == 0 && (trimmed.starts_with(['{', '[']) || is_encoded)) {
        return Some(GONE.to_owned());
    }
    let inside = Place { wrappings: place.wrappings.saturating_sub(1), ..place };
    if trimmed.starts_with(['{', '['])
        && let Ok(value) = serde_json::from_str::<Value>(text)
    {
        let redacted = walk(&value, words::judge(""), inside);
        return (redacted != value).then(|| redacted.to_string());
    }
    if is_encoded && let Some(decoded) = percent_decoded(text) {
        return searched(&decoded, inside).map(|redacted| encoded(&redacted));
    }
    let masked = digits::masked(&without_mail(text));
    (masked != text).then_some(masked)
}

/// A coordinate, or a pair of them, to a kilometre; `None` where it is none.
pub(super) fn rounded(value: &Value) -> Option<Value> {
    match value {
        Value::Number(number) => match number.as_i64() {
            Some(whole) if whole.abs() < 1_000_000 => Some(value.clone()),
            Some(whole) => Some((whole / MILLIONTHS * MILLIONTHS).into()),
            None => number.as_f64().map(|degrees| ((degrees * KEPT).round() / KEPT).into()),
        },
        Value::String(text) => {
            let parts = text.split([',', ';']).map(|part| match part.trim() {
                "" => Some(String::new()),
                part => part.parse::<f64>().ok().map(|degrees| format!("{:.2}", degrees_of(degrees))),
            });
            parts.collect::<Option<Vec<_>>>().map(|parts| parts.join(",").into())
        }
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn degrees_of(number: f64) -> f64 {
    if number.abs() < 1_000.0 { number } else { (number / 10_000.0).trunc() * 10_000.0 }
}

/// Whether it looks like an id more than like a name: with a digit or in lower case only, and nothing to call.
pub(super) fn is_id(value: &Value) -> bool {
    let Value::String(text) = value else { return true };
    is_token(value)
        && (text.contains(|c: char| c.is_ascii_digit()) || !text.contains(|c: char| c.is_ascii_uppercase()))
        && digits::masked(text) == *text
}

/// Whether it is one word, as ids are: no sentence, and nothing wrapped.
pub(super) fn is_token(value: &Value) -> bool {
    let is_fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '#' | '/');
    value.as_str().is_none_or(|text| text.chars().all(is_fit))
}

fn without_mail(text: &str) -> Cow<'_, str> {
    let is_mail = |word: &str| {
        let mail = word.split_once('@').filter(|(name, _)| !name.is_empty());
        mail.is_some_and(|(_, host)| host.trim_matches('.').contains('.') && host.is_ascii())
    };
    if !text.contains('@') {
        return Cow::Borrowed(text);
    }
    let words = text.split(' ').map(|word| if is_mail(word) { GONE } else { word });
    Cow::Owned(words.collect::<Vec<_>>().join(" "))
}

/// Percents in what could be sent as it is: a note has spaces, or letters of its own.
fn is_encoded(text: &str) -> bool {
    let is_percent =
        |part: &str| part.len() >= 2 && part.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    text.bytes().all(|byte| byte.is_ascii_graphic()) && text.split('%').skip(1).any(is_percent)
}

fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'*' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}

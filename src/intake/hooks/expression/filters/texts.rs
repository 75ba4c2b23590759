//! Filters of texts: cutting out what is wanted, and making it readable.
//! A text that is not there stays away, so that a member that was not sent is no error.

use std::borrow::Cow;

use minijinja::{Environment, Error, State, Value};

use super::super::RESULT_BYTES_MAX;
use super::super::budget::Budget;
use super::{pay, text_of, unfit};
use crate::intake::hooks::decode::percent_decoded;
use crate::intake::hooks::times;

/// Letters that `trim` takes away, in bytes.
const TRIMMED_BYTES_MAX: usize = 64;

/// Adds the filters.
pub(super) fn add(environment: &mut Environment<'static>) {
    environment.add_filter("replace", replace);
    environment.add_filter("text", |value: &Value| cut(value, |text| Some(text.into())));
    environment.add_filter("digits", |value: &Value| {
        cut(value, |text| Some(text.chars().filter(char::is_ascii_digit).collect::<String>().into()))
    });
    environment.add_filter("tail", tail);
    environment.add_filter("between", |value: &Value, from: &str, to: &str| {
        cut(value, |text| Some(text.split_once(from)?.1.split_once(to)?.0.into()))
    });
    environment.add_filter("after", |value: &Value, mark: &str| {
        cut(value, |text| Some(text.split_once(mark)?.1.into()))
    });
    environment.add_filter("before", |value: &Value, mark: &str| {
        cut(value, |text| Some(text.split_once(mark)?.0.into()))
    });
    environment.add_filter("percent_decode", |value: &Value| {
        cut(value, |text| Some(percent_decoded(text).map_or_else(|| text.into(), Cow::Owned)))
    });
    environment.add_filter("sha256", |value: &Value| cut(value, |text| Some(digest(text).into())));
    environment.add_filter("moment", moment);
    environment.add_filter("trim", trim);
    // Without its indent, which may be as wide as somebody likes.
    environment.add_filter("tojson", |value: &Value| {
        minijinja::filters::tojson(value, None, std::iter::empty::<(String, Value)>().collect())
    });
}

/// What a function finds in a text; nothing of nothing.
fn cut(value: &Value, find: impl FnOnce(&str) -> Option<Cow<'_, str>>) -> Result<Value, Error> {
    let Some(text) = text_of(value)? else { return Ok(Value::UNDEFINED) };
    Ok(find(&text).map_or(Value::UNDEFINED, |found| Value::from(&*found)))
}

/// Each letter of the text is looked for among these, so there may be only some.
fn trim(value: &Value, letters: Option<&str>) -> Result<Value, Error> {
    if letters.is_some_and(|letters| letters.len() > TRIMMED_BYTES_MAX) {
        return Err(unfit(format!("it takes at most {TRIMMED_BYTES_MAX} bytes of letters")));
    }
    let Some(text) = text_of(value)? else { return Ok(Value::from("")) };
    Ok(match letters {
        Some(letters) => text.trim_matches(|letter| letters.contains(letter)),
        None => text.trim(),
    }
    .into())
}

fn tail(value: &Value, letters: usize) -> Result<Value, Error> {
    let Some(text) = text_of(value)? else { return Ok(Value::UNDEFINED) };
    let skipped = text.chars().count().saturating_sub(letters);
    Ok(Value::from(text.chars().skip(skipped).collect::<String>()))
}

fn replace(state: &mut State, value: &Value, from: &Value, to: &Value) -> Result<Value, Error> {
    let Some(text) = text_of(value)? else { return Ok(Value::from("")) };
    let from = text_of(from)?.unwrap_or_default();
    let to = text_of(to)?.unwrap_or_default();
    let length = text.len().saturating_add(text.matches(&*from).count().saturating_mul(to.len()));
    if length > RESULT_BYTES_MAX.max(text.len()) {
        return Err(unfit(format!("it makes a text longer than {RESULT_BYTES_MAX} bytes")));
    }
    pay(Budget::of(state), length)?;
    Ok(Value::from(text.replace(&*from, &to)))
}

fn digest(text: &str) -> String {
    use std::fmt::Write;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    digest.as_ref().iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a text cannot fail.
        write!(hex, "{byte:02x}").ok();
        hex
    })
}

fn moment(value: &Value, zone: Option<&str>) -> Result<Value, Error> {
    let zone = match zone {
        Some(zone) => zone.parse::<times::Zone>().map_err(|_| unfit("it takes a time zone"))?,
        None => times::Zone::default(),
    };
    let Some(json) = super::super::values::json_of_scalar(value) else {
        return Err(unfit("it takes a text or number"));
    };
    if json.is_null() || json.as_str().is_some_and(|text| text.trim().is_empty()) {
        return Ok(Value::UNDEFINED);
    }
    let time = times::read(&json, &zone).ok_or_else(|| unfit("this is no time"))?;
    Ok(Value::from(time.to_string()))
}

#[cfg(test)]
mod tests {
    use super::digest;

    #[test]
    fn a_digest_is_hex() {
        assert_eq!(digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}

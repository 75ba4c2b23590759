//! What is wrapped in the texts of a body: encoded once more, or JSON that was written as a text.

use serde_json::Value;

use super::charset::Charset;
use super::percent::{self, Stray};
use super::{Count, DecodeError, json};
use crate::intake::hooks::path::Path;

/// One wrapping that is taken off.
#[derive(Clone, Debug)]
pub(super) enum Unwrap {
    /// The text is percent-encoded once more.
    Percent(Path),
    /// The text is JSON.
    Json(Path),
}

impl Unwrap {
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Percent(path) | Self::Json(path) => path,
        }
    }

    /// Takes it off wherever it is. What is absent, no text or not wrapped stays as it is.
    pub(super) fn apply(&self, body: &mut Value, charset: Charset, count: &Count) -> Result<(), DecodeError> {
        match self {
            Self::Percent(path) => path.visit(body, &mut |value| decode(value, charset)),
            Self::Json(path) => path.visit(body, &mut |value| parse(value, path.steps(), count)),
        }
    }
}

fn decode(value: &mut Value, charset: Charset) -> Result<(), DecodeError> {
    let Value::String(text) = value else { return Ok(()) };
    if let Some(bytes) = percent::decode(text.as_bytes(), Stray::Kept)
        && bytes.as_ref() != text.as_bytes()
    {
        let text = charset.text(&bytes)?.into_owned();
        *value = Value::String(text);
    }
    Ok(())
}

/// A number or a word stays text: an id that is all digits is still an id.
fn parse(value: &mut Value, depth: usize, count: &Count) -> Result<(), DecodeError> {
    let Value::String(text) = value else { return Ok(()) };
    if !text.trim_start().starts_with(['{', '[', '"']) {
        return Ok(());
    }
    match json::read(text, depth, count) {
        Ok(parsed) => *value = parsed,
        Err(error) if error.reason == "malformed_json" => {}
        Err(error) => return Err(error),
    }
    Ok(())
}
